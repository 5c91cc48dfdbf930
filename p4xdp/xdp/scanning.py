"""Tables with ternary or range keys in C: their rules are compared one after the other, the highest
priority first, until one fits. Of a table in groups only those that follow one another from the
head of the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.finding import declare_directory, fields_of, find
from p4xdp.xdp.layout import LARGEST_SCAN, rule_slots
from p4xdp.xdp.names import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from p4xdp.xdp.layout import Slot, TableLayout
    from p4xdp.xdp.writer import Writer


def declare_slots(slots: Iterable[Slot], out: Writer) -> None:
    """Declare scalars as members of a structure."""
    for slot in sorted(slots, key=lambda s: s.offset):
        kind = "u128_in_map" if slot.size == 16 else f"__u{slot.size * 8}"
        out.line(f"{kind} {identifier(slot.name)};")


def declare_rules(table: TableLayout, out: Writer) -> None:
    """Declare the rules of a table and the function that finds the one that fits."""
    symbol = table.symbol
    with out.block(f"union {symbol}_key", "};"):
        with out.block("struct", "} of;"):
            declare_slots(table.keys, out)
        out.line(f"__u64 words[{table.key_size // 8}];")
    with out.block(f"struct {symbol}_rule", "};"):
        # First, so that the rule's address is the entry's: the verifier wants no sums with null.
        out.line(f"union {symbol}_entry entry;")
        out.lines(f"union {symbol}_key value;", f"union {symbol}_key mask;")
        for name in table.ranges:
            out.lines(f"__u64 {_low(name)};", f"__u64 {_high(name)};")
        # The priority is there for who reads the rules back.
        out.lines("__u32 next;", "__u32 priority;")
    out.line(
        f"_Static_assert(sizeof(struct {symbol}_rule) == {table.rule_size}, "
        '"as the control path lays it out");'
    )
    with out.block("struct", f'}} {symbol} SEC(".maps");'):
        out.lines("__uint(type, BPF_MAP_TYPE_ARRAY);", "__uint(map_flags, BPF_F_MMAPABLE);")
        places = rule_slots(table.size) if table.kind == "groups" else 2 * table.size
        out.line(f"__uint(max_entries, {places});")
        out.lines("__type(key, __u32);", f"__type(value, struct {symbol}_rule);")
    if table.kind == "groups":
        declare_directory(table, "struct rule_group", out)
    else:
        out.line(f"RULE_BANKS({symbol}_banks);")
    _declare_search(table, out)
    out.line()


def find_rule(table: TableLayout, values: Mapping[str, str], out: Writer) -> None:
    """Write the search for `values`, C by key field, which sets `entry`."""
    out.line(f"union {table.symbol}_key key = {{}};")
    for slot in table.keys:
        out.line(f"key.of.{identifier(slot.name)} = {values[slot.name]};")
    out.line(f"__s32 found = {table.symbol}_find(&key);")
    with out.block("if (found != NO_RULE)"):
        out.line("__u32 index = found;")
        out.line(f"struct {table.symbol}_rule *rule;")
        out.line(f"rule = bpf_map_lookup_elem(&{table.symbol}, &index);")
        out.line("if (rule) entry = &rule->entry;")


def _declare_search(table: TableLayout, out: Writer) -> None:
    # Not static, so that the verifier goes through it once, not once for every way to it. And a
    # loop, not bpf_loop: that would take a frame more of the stack, and time.
    out.line("__attribute__((noinline))")
    out.line(f"int {table.symbol}_find(const union {table.symbol}_key *key)")
    with out.block(""):
        out.line(f"struct {table.symbol}_rule *rule;")
        out.line("__u32 index, end = 0;")
        out.line("if (!key) return NO_RULE;")
        if table.kind == "groups":
            _begin_in_group(table, out)
        else:
            _begin_in_bank(table, out)
        out.line('_Pragma("nounroll")')
        with out.block(f"for (int step = 0; step < {LARGEST_SCAN} && index != end; step++)"):
            out.line(f"rule = bpf_map_lookup_elem(&{table.symbol}, &index);")
            out.line("if (!rule) return NO_RULE;")
            out.line(f"if ({_fits(table)}) return index;")
            is_linked = table.kind == "groups"
            out.line("index = *(volatile __u32 *)&rule->next;" if is_linked else "index++;")
        out.line("return NO_RULE;")


def _fits(table: TableLayout) -> str:
    """Return the C of whether a rule fits the key. Nothing branches there, or the verifier would
    follow both ways from every rule on.
    """
    differing = [
        f"((key->words[{word}] & rule->mask.words[{word}]) ^ rule->value.words[{word}])"
        for word in range(table.key_size // 8)
    ]
    for slot in (slot for slot in table.keys if slot.name in table.ranges):
        value = f"(__u64)key->of.{identifier(slot.name)}"
        outside = "OUTSIDE_WIDE" if slot.width == 64 else "OUTSIDE"
        differing.append(f"{outside}({value}, rule->{_low(slot.name)}, rule->{_high(slot.name)})")
    return f"!({' | '.join(differing)})"


def _begin_in_bank(table: TableLayout, out: Writer) -> None:
    out.lines("struct rule_banks *state;", "__u32 only = 0, bank;", "")
    out.line(f"state = bpf_map_lookup_elem(&{table.symbol}_banks, &only);")
    out.line("if (!state) return NO_RULE;")
    out.line("bank = *(volatile __u32 *)&state->active & 1;")
    out.line("index = state->banks[bank].first;")
    out.line("end = index + state->banks[bank].count;")


def _begin_in_group(table: TableLayout, out: Writer) -> None:
    with out.block(""):
        values = fields_of(table.exact, "key->of.")
        found = find(table, table.exact, table.exact_size, values, out)
        out.line(f"struct rule_group *group = {found};")
        out.line("if (!group) return NO_RULE;")
        out.line("index = *(volatile __u32 *)&group->first;")


def _low(name: str) -> str:
    return f"{identifier(name)}_low"


def _high(name: str) -> str:
    return f"{identifier(name)}_high"

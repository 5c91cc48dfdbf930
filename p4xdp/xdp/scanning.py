"""Tables with ternary or range keys in C: their rules are compared one after the other, the highest
priority first, until one fits. Of a table in groups only those that follow one another from the
head of the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    """Declare the rules of a "scan" table and the function that finds the one that fits."""
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
        _declare_groups(table, out)
    else:
        out.line(f"RULE_BANKS({symbol}_banks);")
    _declare_step(table, out)
    _declare_search(table, out)
    out.line()


def _declare_groups(table: TableLayout, out: Writer) -> None:
    """Declare the map from the exact parts of a key to its group, and the groups' first rules."""
    symbol = table.symbol
    with out.block(f"struct {symbol}_exact", "};"):
        declare_slots(table.exact, out)
        end = max(slot.offset + slot.size for slot in table.exact)
        if end != table.exact_size:
            out.line(f"__u8 padding[{table.exact_size - end}];")
    out.line(
        f"_Static_assert(sizeof(struct {symbol}_exact) == {table.exact_size}, "
        '"as the control path lays it out");'
    )
    with out.block("struct", f'}} {symbol}_groups SEC(".maps");'):
        out.lines("__uint(type, BPF_MAP_TYPE_HASH);", f"__uint(max_entries, {table.size});")
        out.lines(f"__type(key, struct {symbol}_exact);", "__type(value, __u32);")
    out.line(f"RULE_HEADS({symbol}_heads, {rule_slots(table.size)});")


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


def _declare_step(table: TableLayout, out: Writer) -> None:
    with out.block(f"struct {table.symbol}_search", "};"):
        out.line(f"const union {table.symbol}_key *key;")
        out.lines("__u32 next;", "__s32 found;")
    out.line(f"static long {table.symbol}_step(__u32 step, struct {table.symbol}_search *search)")
    with out.block(""):
        out.line("__u32 index = search->next;")
        out.line(f"struct {table.symbol}_rule *rule;")
        if table.kind == "groups":
            out.line("if (!index) return 1;")
        out.line(f"rule = bpf_map_lookup_elem(&{table.symbol}, &index);")
        out.line("if (!rule) return 1;")
        if table.kind == "groups":
            out.line("search->next = *(volatile __u32 *)&rule->next;")
        else:
            out.line("search->next = index + 1;")
        for word in range(table.key_size // 8):
            masked = f"(search->key->words[{word}] & rule->mask.words[{word}])"
            out.line(f"if ({masked} != rule->value.words[{word}]) return 0;")
        for name in table.ranges:
            value = f"search->key->of.{identifier(name)}"
            limits = f"{value} < rule->{_low(name)} || {value} > rule->{_high(name)}"
            out.line(f"if ({limits}) return 0;")
        out.lines("search->found = index;", "return 1;")


def _declare_search(table: TableLayout, out: Writer) -> None:
    # Not static, so that the verifier goes through it once, not once for every way to it.
    out.line("__attribute__((noinline))")
    out.line(f"int {table.symbol}_find(const union {table.symbol}_key *key)")
    with out.block(""):
        out.line(f"struct {table.symbol}_search search = {{.key = key, .found = NO_RULE}};")
        if table.kind == "groups":
            _begin_in_group(table, out)
        else:
            _begin_in_bank(table, out)
        out.line("return search.found;")


def _begin_in_bank(table: TableLayout, out: Writer) -> None:
    out.lines("struct rule_banks *state;", "__u32 only = 0, bank;", "")
    out.line(f"state = bpf_map_lookup_elem(&{table.symbol}_banks, &only);")
    out.line("if (!key || !state) return NO_RULE;")
    out.line("bank = *(volatile __u32 *)&state->active & 1;")
    out.line("search.next = state->banks[bank].first;")
    out.line(f"bpf_loop(state->banks[bank].count, {table.symbol}_step, &search, 0);")


def _begin_in_group(table: TableLayout, out: Writer) -> None:
    out.lines(f"struct {table.symbol}_exact exact = {{}};", "__u32 *group, *head;", "")
    out.line("if (!key) return NO_RULE;")
    for slot in table.exact:
        out.line(f"exact.{identifier(slot.name)} = key->of.{identifier(slot.name)};")
    out.line(f"group = bpf_map_lookup_elem(&{table.symbol}_groups, &exact);")
    out.line("if (!group) return NO_RULE;")
    out.line(f"head = bpf_map_lookup_elem(&{table.symbol}_heads, group);")
    out.line("if (!head) return NO_RULE;")
    out.line("search.next = *(volatile __u32 *)head;")
    out.line(f"bpf_loop({LARGEST_SCAN}, {table.symbol}_step, &search, 0);")


def _low(name: str) -> str:
    return f"{identifier(name)}_low"


def _high(name: str) -> str:
    return f"{identifier(name)}_high"

"""Maps and the structures of their keys and values, in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.finding import declare_directory
from p4xdp.xdp.layout import ARRAY_CELL_HEAD
from p4xdp.xdp.names import identifier
from p4xdp.xdp.scanning import declare_rules, declare_slots

if TYPE_CHECKING:
    from p4xdp.xdp.layout import TableLayout
    from p4xdp.xdp.writer import Writer


def declare_table(table: TableLayout, out: Writer) -> None:
    """Declare what `layout` describes."""
    out.line(f"/* table {table.name} */")
    _declare_actions(table, out)
    if table.kind == "constant":
        out.line()
        return
    _declare_entry(table, out)
    _assert_entry_size(table, out)
    if table.kind == "hash":
        declare_directory(table, f"union {table.symbol}_entry", out)
    elif table.kind == "lpm":
        _declare_prefixes(table, out)
    elif table.kind in ("scan", "groups"):
        declare_rules(table, out)
    if table.has_hits:
        _declare_hits(table, out)
    if table.kind == "array" or table.defaults is not None:
        _declare_cell(table, out)
    if table.kind == "array":
        _declare_cells(table.symbol, table, table.cells, out)
    if table.defaults is not None:
        _declare_cells(table.defaults, table, 1, out)
    out.line()


def _declare_hits(table: TableLayout, out: Writer) -> None:
    with out.block("struct", f'}} {table.symbol}_hits SEC(".maps");'):
        out.lines("__uint(type, BPF_MAP_TYPE_ARRAY);", "__uint(map_flags, BPF_F_MMAPABLE);")
        out.line(f"__uint(max_entries, {table.size + 1});")
        out.lines("__type(key, __u32);", "__type(value, __u64);")
    out.line()
    with out.block(f"static __always_inline void {table.symbol}_note_hit(__u32 cell)"):
        out.line(f"__u64 *hit = bpf_map_lookup_elem(&{table.symbol}_hits, &cell);")
        out.line("__u64 now = bpf_ktime_get_coarse_ns();")
        out.line("/* Not oftener than the clock ticks, or CPUs would fight for it. */")
        out.line("if (hit && *hit != now) *hit = now;")
    out.line()


def _declare_actions(table: TableLayout, out: Writer) -> None:
    with out.block(f"enum {table.symbol}_action", "};"):
        for action in table.actions:
            out.line(f"{action.symbol} = {action.id},")


def _declare_entry(table: TableLayout, out: Writer) -> None:
    with out.block(f"union {table.symbol}_entry", "};"):
        out.line("__u8 action;")
        if table.has_cells:
            with out.block("struct", "} direct;"):
                out.lines("__u8 action;", "__u32 cell;")
        for action in table.actions:
            if action.params:
                with out.block("struct", f"}} {member(action.symbol, table)};"):
                    out.line("__u8 action;")
                    if table.has_cells:
                        out.line("__u32 cell;")
                    declare_slots(action.params, out)
        out.line(f"__u64 all[{table.value_size // 8}];")


def _declare_cell(table: TableLayout, out: Writer) -> None:
    # Two entries a cell: a writer fills the idle one, then changes `active` (0: none).
    cell = f"struct {table.symbol}_switched"
    with out.block(cell, "};"):
        out.lines("__u32 active;", "__u32 latest;", f"union {table.symbol}_entry entries[2];")
    size = ARRAY_CELL_HEAD + 2 * table.value_size
    out.line(f'_Static_assert(sizeof({cell}) == {size}, "as the control path lays it out");')


def _declare_cells(name: str, table: TableLayout, count: int, out: Writer) -> None:
    with out.block("struct", f'}} {name} SEC(".maps");'):
        out.line("__uint(type, BPF_MAP_TYPE_ARRAY);")
        out.line("__uint(map_flags, BPF_F_MMAPABLE);")
        out.line(f"__uint(max_entries, {count});")
        out.lines("__type(key, __u32);", f"__type(value, struct {table.symbol}_switched);")


def _declare_prefixes(table: TableLayout, out: Writer) -> None:
    with out.block(f"struct {table.symbol}_key", "};"):
        out.line("__u32 prefix_bits;")
        for slot in table.keys:
            words = slot.size // 4
            out.line(f"__u32 {identifier(slot.name)}{f'[{words}]' if words > 1 else ''};")
    key = f"struct {table.symbol}_key"
    out.line(
        f'_Static_assert(sizeof({key}) == {table.key_size}, "as the control path lays it out");'
    )
    with out.block("struct", f'}} {table.symbol} SEC(".maps");'):
        out.line("__uint(type, BPF_MAP_TYPE_LPM_TRIE);")
        out.line("__uint(map_flags, BPF_F_NO_PREALLOC);")
        out.line(f"__uint(max_entries, {table.size});")
        out.lines(f"__type(key, {key});", f"__type(value, union {table.symbol}_entry);")


def member(action_symbol: str, table: TableLayout) -> str:
    """Return the member of the entry's union that holds an action's parameters."""
    return "as" + action_symbol.removeprefix(table.symbol)


def _assert_entry_size(table: TableLayout, out: Writer) -> None:
    entry = f"union {table.symbol}_entry"
    out.line(
        f'_Static_assert(sizeof({entry}) == {table.value_size}, "as the control path lays it out");'
    )

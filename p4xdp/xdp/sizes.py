"""What generated programs know of the sizes of their maps: constants, set before loading."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from p4xdp.xdp.layout import TableLayout
    from p4xdp.xdp.objects import Object
    from p4xdp.xdp.writer import Writer

_SECTION = ".rodata.sizes"
_VARIABLE = "sizes"
_CELLS_A_LINE = 4  # of a counter, in a cache line


def has_directory(layout: TableLayout) -> bool:
    """Return whether entries of that table, or its groups, are found by a directory."""
    return layout.directory(layout.size) is not None


def directory_of(layout: TableLayout) -> str:
    """Return the map of a table's directory."""
    return f"{layout.symbol}_groups" if layout.kind == "groups" else layout.symbol


def size_of(map_name: str) -> str:
    """Return the C of a directory's last home, or of the cells that a CPU has in a counter."""
    return f"{_VARIABLE}.{map_name}"


def cells_a_cpu(cells: int) -> int:
    """Return how many cells each CPU has in a counter, so that CPUs share no cache lines."""
    return -(-cells // _CELLS_A_LINE) * _CELLS_A_LINE


def declare_sizes(layouts: Iterable[TableLayout], counters: Iterable[str], out: Writer) -> None:
    """Declare the sizes of directories, then of counters, by their symbols, in this order."""
    names = [directory_of(layout) for layout in layouts if has_directory(layout)]
    names += counters
    if not names:
        return
    with out.block("const volatile struct", f'}} {_VARIABLE} SEC("{_SECTION}");'):
        for name in names:
            out.line(f"__u32 {name};")
    out.line()


def set_sizes(loaded: Object, sizes: Sequence[int]) -> None:
    """Set the sizes, in the order of `declare_sizes`; before loading."""
    if sizes:
        loaded.set_constants(_SECTION, struct.pack(f"<{len(sizes)}I", *sizes))

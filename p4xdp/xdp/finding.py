"""Entries found by their whole key, in C: `directory.h` does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.names import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from p4xdp.xdp.directory import Form
    from p4xdp.xdp.layout import Slot, TableLayout
    from p4xdp.xdp.writer import Writer

SECTION = ".rodata.directories"  # what `declare_directories` declares
_VARIABLE = "directories"
_WORD_SIZE = 8


def has_directory(layout: TableLayout) -> bool:
    """Return whether entries of that table, or its groups, are found by a directory."""
    return layout.directory(layout.size) is not None


def directory_of(layout: TableLayout) -> str:
    """Return the map of a table's directory."""
    return f"{layout.symbol}_groups" if layout.kind == "groups" else layout.symbol


def declare_directories(layouts: Iterable[TableLayout], out: Writer) -> None:
    """Declare what is set of each directory when the program is loaded, in this order."""
    names = [directory_of(layout) for layout in layouts if has_directory(layout)]
    if not names:
        return
    out.lines('#include "directory.h"', "")
    out.line("/* The last head of each: so many are there less one. */")
    with out.block("const volatile struct", f'}} {_VARIABLE} SEC("{SECTION}");'):
        for name in names:
            out.line(f"__u32 {name};")
    out.line()


def declare_directory(layout: TableLayout, contents: str, out: Writer) -> None:
    """Declare a table's directory, with values of the C type `contents`."""
    form: Form | None = layout.directory(layout.size)
    assert form is not None, "a table with a directory"
    name, words = directory_of(layout), form.key_size // _WORD_SIZE
    sizes = f"{words}, {form.cell_size}, {form.cells}"
    out.line(f"DIRECTORY({name}, {contents}, {sizes}, {_VARIABLE}.{name})")


def find(
    layout: TableLayout, slots: Sequence[Slot], size: int, values: Mapping[str, str], out: Writer
) -> str:
    """Return the C of the search for `values`, by key field, which lie in `slots` of a key of
    `size` octets; write what comes before.
    """
    words: list[list[str]] = [[] for _ in range(size // _WORD_SIZE)]
    for number, slot in enumerate(slots):
        name = f"part{number}"
        kind = "u128" if slot.size == 2 * _WORD_SIZE else f"__u{slot.size * 8}"
        out.line(f"{kind} {name} = {values[slot.name]};")
        word, octet = divmod(slot.offset, _WORD_SIZE)
        words[word].append(f"(__u64){name} << {8 * octet}" if octet else f"(__u64){name}")
        if slot.size > _WORD_SIZE:
            words[word + 1].append(f"(__u64)({name} >> 64)")
    name = directory_of(layout)
    key = ", ".join(" | ".join(parts) for parts in words)
    out.line(f"struct {name}_key key = {{{{{key}}}}};")
    return f"{name}_find(key)"


def fields_of(slots: Iterable[Slot], structure: str) -> dict[str, str]:
    """Return the C of each field, by name, of a structure that has them as members."""
    return {slot.name: f"{structure}{identifier(slot.name)}" for slot in slots}

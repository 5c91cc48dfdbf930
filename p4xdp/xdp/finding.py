"""Entries found by their whole key, in C: `directory.h` does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.names import identifier
from p4xdp.xdp.sizes import directory_of, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from p4xdp.xdp.directory import Form
    from p4xdp.xdp.layout import Slot, TableLayout
    from p4xdp.xdp.writer import Writer

_WORD_SIZE = 8


def declare_directory(layout: TableLayout, contents: str, out: Writer) -> None:
    """Declare a table's directory, with values of the C type `contents`."""
    form: Form | None = layout.directory(layout.size)
    assert form is not None, "a table with a directory"
    name, words = directory_of(layout), form.key_size // _WORD_SIZE
    out.line(f"DIRECTORY({name}, {contents}, {words}, {form.cell_size}, {size_of(name)})")


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

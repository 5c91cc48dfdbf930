"""Entries in cells of two, of which one is in force: of tables whose key is an index, and what a
miss does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.layout import ARRAY_CELL_HEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.xdp.maps import Map, Waiting

_LATEST = 4  # where a cell remembers its latest active entry after that is removed


class CellArray:
    """Entries by their index, as keys of four octets."""

    def __init__(self, cells: Map, count: int, fence: Waiting) -> None:
        self._memory = cells.mapped(count)
        self._stride = cells.value_size
        self._entry_size = (cells.value_size - ARRAY_CELL_HEAD) // 2
        self._fence = fence
        self._left: set[int] = set()  # where the entries lie that packets may still see

    def put_many(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Set entries that are not there."""
        for key, value in zip(keys, values, strict=True):
            self.replace(key, value)

    def insert(self, key: bytes, value: bytes) -> None:
        """Add an entry."""
        self.replace(key, value)

    def replace(self, key: bytes, value: bytes) -> None:
        """Fill the idle entry, then make it the active one: a write of a single octet."""
        cell = int.from_bytes(key, "little") * self._stride
        idle = 2 if self._memory[cell + _LATEST] == 1 else 1
        start = self._start(cell, idle)
        if start in self._left:
            self._fence.wait()
            self._left.clear()
        self._memory[start : start + self._entry_size] = value
        self._leave(cell)
        self._memory[cell + _LATEST] = idle
        self._memory[cell] = idle

    def delete(self, key: bytes) -> None:
        """Remove an entry."""
        cell = int.from_bytes(key, "little") * self._stride
        self._leave(cell)
        self._memory[cell] = 0

    def lookup(self, key: bytes) -> bytes | None:
        """Return an entry, or None."""
        cell = int.from_bytes(key, "little") * self._stride
        active = self._memory[cell]
        if not active:
            return None
        start = self._start(cell, active)
        return self._memory[start : start + self._entry_size]

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return all entries."""
        keys = (n.to_bytes(4, "little") for n in range(len(self._memory) // self._stride))
        found = ((key, self.lookup(key)) for key in keys)
        return [(key, value) for key, value in found if value is not None]

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()

    def _start(self, cell: int, number: int) -> int:
        return cell + ARRAY_CELL_HEAD + (number - 1) * self._entry_size

    def _leave(self, cell: int) -> None:
        """Note that packets may still see what is in force now."""
        if self._memory[cell]:
            self._left.add(self._start(cell, self._memory[cell]))

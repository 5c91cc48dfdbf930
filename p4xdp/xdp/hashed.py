"""Tables whose keys match exactly, in the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.directory import Directory
from p4xdp.xdp.tables import XdpTable

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterable

    from p4xdp.dataplane import Entry
    from p4xdp.xdp.direct import DirectCells
    from p4xdp.xdp.directory import Form
    from p4xdp.xdp.manifest import TableInfo
    from p4xdp.xdp.maps import Map, Waiting
    from p4xdp.xdp.switched import CellArray


class MappedDirectory(Directory):
    """A directory in a map."""

    def __init__(self, cells: Map, form: Form, fence: Waiting) -> None:
        self._memory: mmap.mmap = cells.mapped(form.cells)
        self._view = memoryview(self._memory).cast("I")
        super().__init__(self._memory, self._view, form, fence)

    def close(self) -> None:
        """Give the memory back."""
        self._view.release()
        self._memory.close()


class HashTable(XdpTable):
    """A table in a directory, which is all that is kept of it."""

    def __init__(
        self,
        info: TableInfo,
        directory: MappedDirectory,
        defaults: CellArray | None,
        size: int,
        direct: DirectCells | None = None,
    ) -> None:
        super().__init__(info, None, defaults, size, direct)
        self._directory = self._present = directory
        places = {name: position for position, name in enumerate(info.key_order)}
        self._parts = [(places[slot.name], 8 * slot.offset) for slot in info.layout.keys]
        self._key_size = info.layout.key_size

    def key_of(self, entry: Entry) -> bytes:
        """Return what tells an entry apart."""
        matches, whole = entry.matches, 0
        for position, shift in self._parts:
            whole |= matches[position].value << shift
        return whole.to_bytes(self._key_size, "little")

    def recover(self) -> None:
        """Take up what an earlier process left."""
        self._directory.recover()
        self._recover_cells()

    def close(self) -> None:
        """Give back what is not the kernel's."""
        super().close()
        self._directory.close()

    def _add(self, added: dict[bytes, bytes]) -> None:
        self._directory.insert(added)

    def _change(self, changed: dict[bytes, bytes]) -> None:
        for key, value in changed.items():
            self._directory.replace(key, value)

    def _remove(self, gone: dict[bytes, bytes]) -> None:
        for key in gone:
            self._directory.delete(key)

    def _note(self, entries: dict[bytes, bytes]) -> None:
        """Do nothing: the directory tells."""

    def _forget(self, keys: Iterable[bytes]) -> None:
        """Do nothing: the directory tells."""

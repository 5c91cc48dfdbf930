"""Entries of one table as keys and values of its map, and how they change all together or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from p4xdp.dataplane import DataplaneError, TableFullError
from p4xdp.xdp.decoding import action_of, entry_of
from p4xdp.xdp.encoding import prefix_key
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.layout import ENTRY_CELL_OFFSET
from p4xdp.xdp.maps import MapFullError
from p4xdp.xdp.switched import CellArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from p4xdp.dataplane import Entry, Match
    from p4xdp.xdp.direct import DirectCells
    from p4xdp.xdp.manifest import TableInfo

_ONLY = (0).to_bytes(4, "little")  # the key of a map with one entry


class Entries(Protocol):
    """Where entries are kept: a map of the kernel, or cells shared with it."""

    def put_many(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Set entries that are not there, all or none; MapFullError if there is no room."""

    def insert(self, key: bytes, value: bytes) -> None:
        """Add an entry."""

    def replace(self, key: bytes, value: bytes) -> None:
        """Change an entry, in one step to packets."""

    def delete(self, key: bytes) -> None:
        """Remove an entry."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return all entries."""


class Present(Protocol):
    """The entries that are there, by their keys."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __contains__(self, key: bytes, /) -> bool:
        """Return whether an entry is there."""

    def __getitem__(self, key: bytes, /) -> bytes:
        """Return an entry; KeyError."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return all entries."""


class XdpTable:
    """A table in the kernel. `entries` and `defaults` are its maps (None if it has none); `size` is
    how many entries it may hold; `direct` are the cells of its direct counter and meter.
    """

    def __init__(
        self,
        info: TableInfo,
        entries: Entries | None,
        defaults: CellArray | None,
        size: int,
        direct: DirectCells | None = None,
    ) -> None:
        self._info = info
        self._map = entries
        self._defaults = defaults
        self._size = size
        self.direct = direct
        self._held: dict[bytes, bytes] = {}
        self._present: Present = self._held
        self._actions = {
            action.name: (action.id, [8 * slot.offset for slot in action.params])
            for action in info.layout.actions
        }

    def begin(self) -> None:
        """Make the table what it is at the start of the program."""
        if self._defaults is not None:
            self._defaults.replace(_ONLY, self.value_of(*self.initial_default))
        if self._info.entries is not None:
            self.insert(self._info.entries)

    def recover(self) -> None:
        """Take up what an earlier process left in the maps."""
        self._note(self._read())
        self._recover_cells()

    def entries(self) -> Iterator[Entry]:
        """Yield all entries; of rules, those of a higher priority first."""
        return (entry_of(self._info, key, value) for key, value in self._present.items())

    @property
    def initial_default(self) -> tuple[str, tuple[int, ...]]:
        """Return the action of a miss at the start of the program, and its arguments."""
        return self._info.default_action, self._info.default_arguments

    def default(self) -> tuple[str, tuple[int, ...]]:
        """Return the action of a miss, and its arguments."""
        value = None if self._defaults is None else self._defaults.lookup(_ONLY)
        if value is None:
            return self.initial_default
        return action_of(self._info.layout, value)

    def insert(self, entries: Sequence[Entry]) -> None:
        """Add all or none."""
        added = self._encoded(entries)
        for key in added:
            if key not in self._present:
                continue
            raise DataplaneError(f"{self._info.layout.name} has an entry with key {key.hex()}")
        if len(self._present) + len(added) > self._size:
            raise TableFullError(f"{self._info.layout.name} holds {self._size} entries and no more")
        if not added:
            return
        if self.direct is not None:
            self.direct.take(added)
        try:
            added = self._with_cells(added)
            self._add(added)
        except DataplaneError:
            self._release(added)
            raise
        except MapFullError as error:
            self._release(added)
            raise TableFullError(f"{self._info.layout.name}: {error}") from error
        self._note(added)

    def modify(self, entries: Sequence[Entry]) -> None:
        """Replace all or none; each replacement is one step to packets."""
        changed = self._encoded(entries)
        self._require(changed)
        changed = self._with_cells(changed)
        self._change(changed)
        self._note(changed)

    def delete(self, entries: Sequence[Entry]) -> None:
        """Remove all or none."""
        gone = self._encoded(entries, with_values=False)
        self._require(gone)
        self._remove(gone)
        self._forget(gone)
        self._release(gone)

    def cell_of(self, entry: Entry) -> int:
        """Return the cell of an entry's direct counter and meter."""
        key = self.key_of(entry)
        self._require({key: b""})
        assert self.direct is not None, "the table has a direct counter or meter"
        return self.direct.cell(key)

    def set_default(self, action: str, arguments: tuple[int, ...]) -> None:
        """Change what a miss does."""
        if self._defaults is None:
            raise DataplaneError(f"the default action of {self._info.layout.name} is constant")
        self._defaults.replace(_ONLY, self.value_of(action, arguments))

    def close(self) -> None:
        """Give back what is not the kernel's."""
        if isinstance(self._map, CellArray):
            self._map.close()
        if self._defaults is not None:
            self._defaults.close()

    def _note(self, entries: dict[bytes, bytes]) -> None:
        self._held |= entries

    def _forget(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            del self._held[key]

    def _recover_cells(self) -> None:
        if self.direct is not None:
            at = ENTRY_CELL_OFFSET
            cells = {k: int.from_bytes(v[at : at + 4], "little") for k, v in self._present.items()}
            self.direct.recover(cells)

    def _read(self) -> dict[bytes, bytes]:
        """Return what the maps hold."""
        return {} if self._map is None else dict(self._map.items())

    def _add(self, added: dict[bytes, bytes]) -> None:
        self._entries().put_many(list(added), list(added.values()))

    def _change(self, changed: dict[bytes, bytes]) -> None:
        self._each(changed, self._replace, lambda key: self._replace(key, self._present[key]))

    def _remove(self, gone: dict[bytes, bytes]) -> None:
        map_ = self._entries()
        self._each(
            gone,
            lambda key, _value: map_.delete(key),
            lambda key: map_.insert(key, self._present[key]),
        )

    def _with_cells(self, entries: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """Return the entries with the numbers of their cells, which they keep while they are."""
        direct, at = self.direct, ENTRY_CELL_OFFSET
        if direct is None:
            return entries
        return {
            key: value[:at] + direct.cell(key).to_bytes(4, "little") + value[at + 4 :]
            for key, value in entries.items()
        }

    def _release(self, keys: Iterable[bytes]) -> None:
        if self.direct is not None:
            self.direct.give_back(keys)

    def _entries(self) -> Entries:
        if self._map is None:
            raise DataplaneError(f"{self._info.layout.name} has no key, so no entries")
        return self._map

    def _replace(self, key: bytes, value: bytes) -> None:
        try:
            self._entries().replace(key, value)
        except MapFullError as error:
            raise LoadError(str(error)) from error

    def _require(self, keys: dict[bytes, bytes]) -> None:
        # Not by difference of the two key sets, which would walk all that is present.
        for key in keys:
            if key not in self._present:
                raise DataplaneError(f"{self._info.layout.name} has no entry with key {key.hex()}")

    @staticmethod
    def _each(
        entries: dict[bytes, bytes],
        apply: Callable[[bytes, bytes], None],
        revert: Callable[[bytes], None],
    ) -> None:
        done: list[bytes] = []
        try:
            for key, value in entries.items():
                apply(key, value)
                done.append(key)
        except DataplaneError:
            for key in reversed(done):
                revert(key)
            raise

    def _encoded(self, entries: Sequence[Entry], *, with_values: bool = True) -> dict[bytes, bytes]:
        encoded = {
            self.key_of(entry): (
                self.value_of(entry.action, entry.arguments) if with_values else b""
            )
            for entry in entries
        }
        if len(encoded) != len(entries):
            raise DataplaneError(f"{self._info.layout.name}: the same key twice in one call")
        return encoded

    def key_of(self, entry: Entry) -> bytes:
        """Return the map's key for an entry: what tells it apart."""
        layout = self._info.layout
        by_name = self._by_name(entry)
        if layout.kind == "lpm":
            return prefix_key(layout.keys, by_name)
        if layout.kind == "array":
            index = sum(by_name[slot.name].value << slot.offset for slot in layout.keys)
            return index.to_bytes(layout.key_size, "little")
        return b""  # there are no entries

    def _by_name(self, entry: Entry) -> dict[str, Match]:
        return dict(zip(self._info.key_order, entry.matches, strict=True))

    def value_of(self, action: str, arguments: Sequence[int]) -> bytes:
        """Return the map's value for an action with its arguments in order."""
        try:
            whole, shifts = self._actions[action]
        except KeyError:
            raise DataplaneError(f"{self._info.layout.name} has no action {action}") from None
        for shift, argument in zip(shifts, arguments, strict=True):
            whole |= argument << shift
        return whole.to_bytes(self._info.layout.value_size, "little")


class ConstantTable(XdpTable):
    """A table that the program itself fills, and nobody changes: it has no map."""

    def begin(self) -> None:
        """Do nothing: the entries are in the program."""

    def recover(self) -> None:
        """Do nothing: the entries are in the program."""

    def entries(self) -> Iterator[Entry]:
        """Yield all entries."""
        return iter(self._info.entries or ())

    def _entries(self) -> Entries:
        raise DataplaneError(f"the entries of {self._info.layout.name} are the program's own")

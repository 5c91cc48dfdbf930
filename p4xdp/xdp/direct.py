"""Which cell of its table's direct counter, meter and times of hits an entry has."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from p4xdp.dataplane import CounterValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p4xdp.xdp.cells import XdpCounter, XdpMeter
    from p4xdp.xdp.hits import Hits

_NOTHING = CounterValue(0, 0)


class DirectCells:
    """Cells 1 to `size`, of which every entry has one. Cell 0 belongs to none: there misses count.

    A cell that was given back is taken again as late as can be, since a packet that found its entry
    just before may still count there.
    """

    def __init__(
        self, size: int, counter: XdpCounter | None, meter: XdpMeter | None, hits: Hits | None
    ) -> None:
        self.counter = counter
        self.meter = meter
        self.hits = hits
        self._cells: dict[bytes, int] = {}
        self._unused = iter(range(1, size + 1))
        self._used: deque[int] = deque()

    def take(self, keys: Iterable[bytes]) -> None:
        """Give each entry a cell that has counted nothing and is not configured."""
        for key in keys:
            cell = next(self._unused, None)
            if cell is None:
                cell = self._used.popleft()
                self._clear(cell)
            if self.hits is not None:
                self.hits.begin(cell)
            self._cells[key] = cell

    def give_back(self, keys: Iterable[bytes]) -> None:
        """Take the cells of entries that are gone."""
        self._used.extend(self._cells.pop(key) for key in keys)

    def recover(self, cells: dict[bytes, int]) -> None:
        """Begin with the cells that an earlier process gave to entries."""
        taken = set(cells.values())
        self._cells = cells
        self._used.extend(cell for cell in self._unused if cell not in taken)

    def cell(self, key: bytes) -> int:
        """Return the cell of an entry."""
        return self._cells[key]

    def _clear(self, cell: int) -> None:
        if self.counter is not None:
            self.counter.write(cell, _NOTHING)
        if self.meter is not None:
            self.meter.write(cell, None)

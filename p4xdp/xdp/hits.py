"""When the entries of a table were last hit, in memory shared with the kernel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p4xdp.xdp.maps import Map

HIT_CELL_SIZE = 8
_CLOCK_MONOTONIC_COARSE = 6  # linux/time.h; what bpf_ktime_get_coarse_ns reads


class Hits:
    """One moment a cell, of the clock that the program reads: it ticks every few milliseconds."""

    def __init__(self, cells: Map, size: int) -> None:
        self._memory = cells.mapped(size)

    def begin(self, cell: int) -> None:
        """Count from now on."""
        self._memory[cell * HIT_CELL_SIZE : (cell + 1) * HIT_CELL_SIZE] = _now_ns().to_bytes(
            HIT_CELL_SIZE, "little"
        )

    def idle_ns(self, cell: int) -> int:
        """Return how long ago a cell was hit, or began."""
        at = self._memory[cell * HIT_CELL_SIZE : (cell + 1) * HIT_CELL_SIZE]
        return max(0, _now_ns() - int.from_bytes(at, "little"))

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()


def _now_ns() -> int:
    return time.clock_gettime_ns(_CLOCK_MONOTONIC_COARSE)

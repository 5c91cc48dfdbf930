"""The usage counters of the switch: who has which, what it stood at, and batched reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upf import tables
from upf.allocator import IndexPool
from upf.entry import Counts
from upf.usage import NO_COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upf.target import Target


class UsageCounters:
    """Usage counters by usage_id. They are never reset: each owner starts from a base."""

    def __init__(self, target: Target, capacity: int = tables.NUM_USAGE_COUNTERS) -> None:
        self._target = target
        self._capacity = capacity
        self._pool = IndexPool("usage counters", capacity)
        self._bases: dict[int, Counts] = {}

    async def adopt(self) -> None:
        """Take what counters of a switch that ran before us stand at as their bases."""
        ids = range(1, self._capacity)
        readings = await self.read(ids)
        self._bases = {i: counts for i, counts in readings.items() if counts != NO_COUNTS}

    def allocate(self) -> int:
        return self._pool.allocate()

    def base(self, usage_id: int) -> Counts:
        """What the counter stood at when its owner got it."""
        return self._bases.get(usage_id, NO_COUNTS)

    def release(self, usage_id: int, final: Counts | None = None) -> None:
        """Give back a counter, which stands at `final` (None: as its owner got it)."""
        if final is not None:
            self._bases[usage_id] = final
        self._pool.release(usage_id)

    async def read(self, usage_ids: Iterable[int]) -> Mapping[int, Counts]:
        """What counters stand at."""
        ids = list(usage_ids)
        if not ids:
            return {}
        counts = await self._target.read_counters(tables.USAGE_COUNTER, ids)
        return dict(zip(ids, counts, strict=True))

    def used(self, usage_id: int, reading: Counts) -> Counts:
        """What the owner of a counter used, by this reading."""
        base = self.base(usage_id)
        return Counts(reading.packets - base.packets, reading.octets - base.octets)

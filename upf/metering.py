"""The usage counters of the switch: who has which, what it stood at, and batched reads."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from upf import tables
from upf.allocator import IndexPool
from upf.entry import Counts
from upf.usage import NO_COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upf.target import Target

_BANK_MASK = (1 << tables.USAGE_BANK_BITS) - 1


class UsageCounters:
    """Usage counters by usage_id. They are never reset: each owner starts from a base.

    The lowest identifiers are session meters too: who takes one may have its rate limited by the
    lookup alone.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._cells = [target.size(name) for name in tables.USAGE_COUNTERS]
        self._capacity = max(self._cells) << tables.USAGE_BANK_BITS
        self.num_session_meters = target.size(tables.SESSION_METER)
        self.session_meters = IndexPool("session meters", self.num_session_meters)
        self._unmetered = IndexPool("usage counters", self._capacity, first=self.num_session_meters)
        self._bases: dict[int, Counts] = {}

    async def adopt(self) -> None:
        """Take what counters of a switch that ran before us stand at as their bases."""
        readings = await self.read(i for i in range(1, self._capacity) if self._is_there(i))
        self._bases = {i: counts for i, counts in readings.items() if counts != NO_COUNTS}

    def allocate(self, *, is_metered: bool = False) -> int:
        """A counter nobody has, with a session meter or without."""
        pool = self.session_meters if is_metered else self._unmetered
        while not self._is_there(usage_id := pool.allocate()):
            pass  # its bank is smaller than others, or is none: it stays taken
        return usage_id

    def _is_there(self, usage_id: int) -> bool:
        bank, cell = usage_id & _BANK_MASK, usage_id >> tables.USAGE_BANK_BITS
        return bank < len(self._cells) and cell < self._cells[bank]

    def base(self, usage_id: int) -> Counts:
        """What the counter stood at when its owner got it."""
        return self._bases.get(usage_id, NO_COUNTS)

    def release(self, usage_id: int, final: Counts | None = None) -> None:
        """Give back a counter, which stands at `final` (None: as its owner got it)."""
        if final is not None:
            self._bases[usage_id] = final
        if usage_id < self.num_session_meters:
            self.session_meters.release(usage_id)
        else:
            self._unmetered.release(usage_id)

    async def read(self, usage_ids: Iterable[int]) -> Mapping[int, Counts]:
        """What counters stand at."""
        banks: defaultdict[int, list[int]] = defaultdict(list)
        for usage_id in usage_ids:
            banks[usage_id & _BANK_MASK].append(usage_id)
        readings: dict[int, Counts] = {}
        for bank, ids in banks.items():
            cells = [usage_id >> tables.USAGE_BANK_BITS for usage_id in ids]
            counts = await self._target.read_counters(tables.USAGE_COUNTERS[bank], cells)
            readings.update(zip(ids, counts, strict=True))
        return readings

    def used(self, usage_id: int, reading: Counts) -> Counts:
        """What the owner of a counter used, by this reading."""
        base = self.base(usage_id)
        return Counts(reading.packets - base.packets, reading.octets - base.octets)

"""Live figures: what slices, ports and drop reasons count, sampled about once a second.

Totals of a slice only grow: what a session used stays in its slice when the session ends. Each
sample with the one before gives rates.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from upf import tables
from upf.drops import DropReason
from upf.entry import Counts
from upf.ports import PortStatistics
from upf.table_hits import TableHits
from upf.usage import NO_COUNTS, Volume, plus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from upf.metering import UsageCounters
    from upf.records import SessionRecord
    from upf.rules import PDR
    from upf.target import Target

INTERVAL_S = 1.0
# Reading the counters of many sessions takes time: it may take this part of it, and no more.
_MAX_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was counted at one moment. `time` is seconds since 1970, `clock` monotonic seconds.

    `slices`, `slice_drops` and `num_sessions` are by slice_id, `hits` packets by table
    (`upf.table_hits`).
    """

    number: int
    time: float
    clock: float
    slices: Mapping[int, Volume] = field(default_factory=dict)
    slice_drops: Mapping[int, Volume] = field(default_factory=dict)
    num_sessions: Mapping[int, int] = field(default_factory=dict)
    drops: Mapping[DropReason, Counts] = field(default_factory=dict)
    ports: Mapping[str, PortStatistics] = field(default_factory=dict)
    hits: Mapping[str, int] = field(default_factory=dict)


class SliceTotals:
    """Volumes by slice_id, from readings of the usage counters of its sessions' PDRs."""

    def __init__(self, counters: UsageCounters) -> None:
        self._counters = counters
        self._seen: dict[int, Counts] = {}
        self._totals: dict[int, Volume] = {}
        self.hits = TableHits()

    async def update(self, records: Iterable[SessionRecord]) -> Mapping[int, Volume]:
        """Read all counters of these sessions and give the totals."""
        members = [(record, pdr) for record in records for pdr in record.session.pdrs.values()]
        readings = await self._counters.read(pdr.usage_id for _, pdr in members)
        for record, pdr in members:
            # A session that ended meanwhile has been settled, its counters may have a new owner.
            if not record.is_deleted and record.session.pdrs.get(pdr.pdr_id) is pdr:
                gained = self._add(record.session.slice_id, pdr, readings[pdr.usage_id])
                if gained.packets:
                    self.hits.add(pdr, gained.packets, record.held.compiled)
        return dict(self._totals)

    def settle(self, slice_id: int, pdrs: Iterable[PDR], readings: Mapping[int, Counts]) -> None:
        """Count what PDRs used that are going, whose counters stand at `readings` for good."""
        for pdr in pdrs:
            if pdr.usage_id in readings:
                gained = self._add(slice_id, pdr, readings[pdr.usage_id])
                self.hits.add(pdr, gained.packets)
                self.hits.forget(pdr)
                del self._seen[pdr.usage_id]

    def forget(self, slice_id: int) -> None:
        """Start a slice from zero: its identifier has a new owner."""
        self._totals.pop(slice_id, None)

    def _add(self, slice_id: int, pdr: PDR, reading: Counts) -> Counts:
        """Count what was gained since the last reading, and return it."""
        before = self._seen.get(pdr.usage_id, self._counters.base(pdr.usage_id))
        self._seen[pdr.usage_id] = reading
        gained = minus(reading, before)
        if gained == NO_COUNTS:
            return gained
        total = self._totals.get(slice_id, Volume())
        self._totals[slice_id] = (
            Volume(plus(total.uplink, gained), total.downlink)
            if pdr.is_uplink
            else Volume(total.uplink, plus(total.downlink, gained))
        )
        return gained


class SliceDrops:
    """What rates and quotas took from slices, by slice_id, since each was first looked at."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._bases: dict[int, Volume] = {}

    async def update(self, slice_ids: Iterable[int]) -> Mapping[int, Volume]:
        """Read the counters of these slices."""
        slice_ids = list(slice_ids)
        cells = [
            tables.slice_meter_id(each, is_uplink=is_uplink)
            for each in slice_ids
            for is_uplink in (True, False)
        ]
        counts = await self._target.read_counters(tables.SLICE_DROP_COUNTER, cells)
        dropped = {}
        for slice_id, uplink, downlink in zip(slice_ids, counts[::2], counts[1::2], strict=True):
            base = self._bases.setdefault(slice_id, Volume(uplink, downlink))
            dropped[slice_id] = Volume(minus(uplink, base.uplink), minus(downlink, base.downlink))
        return dropped

    def forget(self, slice_id: int) -> None:
        """Start a slice from zero: its identifier has a new owner."""
        self._bases.pop(slice_id, None)


class Sampler:
    """Takes a sample now and then; whoever waits for the next one is told."""

    def __init__(self, take: Callable[[int], Awaitable[Sample]]) -> None:
        self.latest: Sample | None = None
        self.previous: Sample | None = None
        self._take = take
        self._ticked = asyncio.Event()
        self._took_s = 0.0

    async def sample(self) -> float:
        """Take a sample; returns how long to wait until the next."""
        began = time.monotonic()
        number = 0 if self.latest is None else self.latest.number + 1
        sample = await self._take(number)
        self.previous, self.latest = self.latest, sample
        ticked, self._ticked = self._ticked, asyncio.Event()
        ticked.set()
        took_s = time.monotonic() - began
        # One slow reading is chance: the host was busy. Two in a row are what reading costs here.
        usual_s, self._took_s = min(took_s, self._took_s), took_s
        return max(INTERVAL_S - took_s, usual_s / _MAX_SHARE)

    async def next(self) -> Sample:
        """Wait for the next sample."""
        await self._ticked.wait()
        assert self.latest is not None
        return self.latest

    def pair(self) -> tuple[Sample, Sample, float]:
        """The latest sample, the one before, and the seconds between them.

        0 seconds while there is one sample, which is empty until the first is taken.
        """
        if self.latest is None:
            empty = Sample(number=-1, time=time.time(), clock=time.monotonic())
            return empty, empty, 0.0
        if self.previous is None:
            return self.latest, self.latest, 0.0
        return self.latest, self.previous, self.latest.clock - self.previous.clock


def minus(counts: Counts, before: Counts) -> Counts:
    """What was gained since `before`; a counter that began anew gained what it shows."""
    if counts.octets < before.octets or counts.packets < before.packets:
        return counts
    return type(counts)(counts.packets - before.packets, counts.octets - before.octets)


def count_sessions(records: Iterable[SessionRecord]) -> Mapping[int, int]:
    """Sessions by slice_id."""
    numbers: defaultdict[int, int] = defaultdict(int)
    for record in records:
        numbers[record.session.slice_id] += 1
    return dict(numbers)

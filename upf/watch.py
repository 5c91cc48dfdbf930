"""Which sessions a sweep has to look at: those with a counter past its alarm or a deadline that has
come. Plain data, fed with readings and times.
"""

from __future__ import annotations

import heapq
from itertools import compress
from operator import ge, gt
from typing import TYPE_CHECKING

from upf.entry import Counts
from upf.measurement import Sight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upf.metering import Columns
    from upf.read_plan import ReadPlan
    from upf.records import SessionRecord

_NEVER = 1 << 64


class Watch:
    """The latest readings of watched counters, by usage_id, and what they wait for.

    Readings only grow: one that comes late changes nothing.
    """

    def __init__(self, plan: ReadPlan) -> None:
        self.plan = plan
        self._packets: dict[int, int] = {}
        self._octets: dict[int, int] = {}
        # When a counter moved since its session was folded.
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._alarms: dict[int, int] = {}
        self._owners: dict[int, SessionRecord] = {}
        self._watched: dict[int, frozenset[int]] = {}
        self._records: dict[int, SessionRecord] = {}
        self._deadlines: dict[int, float] = {}
        self._queue: list[tuple[float, int]] = []

    def set(
        self,
        record: SessionRecord,
        readings: Mapping[int, Counts],
        alarms: Mapping[int, int],
        deadline: float | None,
    ) -> None:
        """Wake for a session when a counter shows as many octets as its alarm says, or at a time.

        `readings` are its watched counters, as they stand if they were not watched before.
        """
        up_seid = record.session.up_seid
        self._records[up_seid] = record
        self._stop_watching(self._watched.get(up_seid, frozenset()) - readings.keys())
        self._watched[up_seid] = frozenset(readings)
        for usage_id, reading in readings.items():
            if usage_id not in self._octets:
                self.plan.add(usage_id)
                self._packets[usage_id] = reading.packets
                self._octets[usage_id] = reading.octets
            self._owners[usage_id] = record
            self._alarms[usage_id] = alarms.get(usage_id, _NEVER)
        if deadline is None:
            self._deadlines.pop(up_seid, None)
        elif self._deadlines.get(up_seid) != deadline:
            self._deadlines[up_seid] = deadline
            heapq.heappush(self._queue, (deadline, up_seid))

    def forget(self, record: SessionRecord) -> None:
        """Wake no more for a session."""
        up_seid = record.session.up_seid
        self._stop_watching(self._watched.pop(up_seid, frozenset()))
        self._deadlines.pop(up_seid, None)
        self._records.pop(up_seid, None)

    def _stop_watching(self, usage_ids: Iterable[int]) -> None:
        known = (self._packets, self._octets, self._first, self._last, self._alarms, self._owners)
        for usage_id in usage_ids:
            self.plan.discard(usage_id)
            for each in known:
                each.pop(usage_id, None)

    def octets_of(self, usage_ids: Iterable[int]) -> int:
        """The sum of what those of some counters that are watched show."""
        return sum(self._octets.get(usage_id, 0) for usage_id in usage_ids)

    def note(self, readings: Columns, now: float) -> list[SessionRecord]:
        """Take readings; whose alarms they pass."""
        if not all(map(self._octets.__contains__, readings.ids)):
            readings = self._watched_of(readings)
        known = map(self._octets.__getitem__, readings.ids)
        # Many at a time: what is done to each is done by loops of the interpreter's own.
        moved = list(map(gt, readings.octets, known))
        if not any(moved):
            return []
        ids = list(compress(readings.ids, moved))
        octets = list(compress(readings.octets, moved))
        self._octets.update(zip(ids, octets, strict=True))
        self._packets.update(zip(ids, compress(readings.packets, moved), strict=True))
        self._last.update(dict.fromkeys(ids, now))
        self._first.update(dict.fromkeys(set(ids).difference(self._first), now))
        alarmed = compress(ids, map(ge, octets, map(self._alarms.__getitem__, ids)))
        woken = {id(record): record for record in map(self._owners.__getitem__, alarmed)}
        return list(woken.values())

    def _watched_of(self, readings: Columns) -> Columns:
        """Readings without those of counters given back meanwhile."""
        is_watched = [usage_id in self._octets for usage_id in readings.ids]
        return type(readings)(*(list(compress(column, is_watched)) for column in readings))

    def expired(self, now: float) -> list[SessionRecord]:
        """The sessions whose deadlines have come, each told once."""
        found = []
        while self._queue and self._queue[0][0] <= now:
            deadline, up_seid = heapq.heappop(self._queue)
            if self._deadlines.get(up_seid) == deadline:
                del self._deadlines[up_seid]
                found.append(self._records[up_seid])
        return found

    def next_deadline(self) -> float | None:
        """The earliest time that a session waits for; it may have been given up since."""
        return self._queue[0][0] if self._queue else None

    def sight(self, usage_ids: Iterable[int], now: float) -> Sight:
        """What is known of some counters. The times at which they moved are told once."""
        ids = [usage_id for usage_id in usage_ids if usage_id in self._octets]
        return Sight(
            now=now,
            readings={i: Counts(self._packets[i], self._octets[i]) for i in ids},
            first={i: self._first.pop(i) for i in ids if i in self._first},
            last={i: self._last.pop(i) for i in ids if i in self._last},
        )

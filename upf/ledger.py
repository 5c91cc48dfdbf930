"""The measurements of all sessions: read, folded, carried over from rules to rules, reported."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from upf.errors import TargetError
from upf.measurement import begin, fold, relink, reprovision, split
from upf.metering import columns_of
from upf.quotas import withheld_of
from upf.reports import UsageReportIE, usage_report_ie
from upf.triggers import alarms, next_deadline
from upf.usage_report import report
from upf.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from upf.entry import Counts
    from upf.measurement import Measurement
    from upf.metering import Columns, UsageCounters
    from upf.records import SessionRecord
    from upf.rules import PDR
    from upf.session import Session

log = logging.getLogger(__name__)

# What was due and could not be done is tried again after so long.
RETRY_S = 0.5

OnFinal: TypeAlias = "Callable[[int, Iterable[PDR], Mapping[int, Counts]], None]"
# Fields of URRs that the CP function sent, by urr_id.
Given: TypeAlias = Mapping[int, Collection[str]]


class Ledger:
    """What sessions used. `wall_clock` gives seconds since 1970, without ever jumping; the time of
    day is `shift_s` ahead of it.

    `on_final` is told the slice_id of PDRs that go, and what their counters stand at for good.
    """

    def __init__(
        self,
        counters: UsageCounters,
        wall_clock: Callable[[], float],
        on_final: OnFinal,
        shift_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.now = wall_clock
        self._shift_s = shift_s
        self.watch = Watch(counters.plan())
        self._counters = counters
        self._on_final = on_final
        self._woken: dict[int, SessionRecord] = {}

    def begin(self, record: SessionRecord) -> None:
        """Measure a session just established."""
        pdrs = record.session.pdrs.values()
        bases = {pdr.usage_id: self._counters.base(pdr.usage_id) for pdr in pdrs}
        now = record.active_at = self.now()
        record.measurements = {
            urr_id: begin(urr, pdrs, bases, now) for urr_id, urr in record.session.urrs.items()
        }
        self.arm(record)

    def begin_anew(self, record: SessionRecord) -> None:
        """Measure on while the switch's counters start anew: what they showed is counted."""
        self.fold(record, record.session)
        self.watch.forget(record)
        base = self._counters.base
        record.measurements = {
            urr_id: replace(each, seen={usage_id: base(usage_id) for usage_id in each.seen})
            for urr_id, each in record.measurements.items()
        }

    # Reading.

    async def sweep(self) -> None:
        """Read every counter that a limit depends on. TargetError if the switch does not say."""
        async for readings in self._counters.sweep(self.watch.plan):
            self._note(readings)

    async def read_some(self, records: Iterable[SessionRecord]) -> None:
        """Read the counters of some sessions. TargetError if the switch does not say."""
        ids = {
            pdr.usage_id
            for record in records
            for pdr in record.session.pdrs.values()
            if not record.is_deleted
        }
        self._note(columns_of(await self._counters.read(ids)))

    async def read_all_of(self, *sessions: Session) -> Mapping[int, Counts]:
        """Read all counters of sessions; nothing if the switch does not say."""
        ids = {pdr.usage_id for session in sessions for pdr in session.pdrs.values()}
        try:
            readings = await self._counters.read(ids)
        except TargetError as error:
            log.warning("usage of %d PDRs could not be read: %s", len(ids), error)
            return {}
        self._note(columns_of(readings))
        return readings

    async def refresh(self, record: SessionRecord) -> int:
        """Read a session's counters and fold them; octets gained since the last sweep."""
        ids = [pdr.usage_id for pdr in record.session.pdrs.values()]
        before = self.watch.octets_of(ids)
        await self.read_all_of(record.session)
        self.fold(record, record.session)
        return self.watch.octets_of(ids) - before

    def _note(self, readings: Columns) -> None:
        for record in self.watch.note(readings, self.now()):
            self.wake(record)

    # Who is to be looked at.

    def wake(self, record: SessionRecord) -> None:
        """Have a session looked at next time."""
        self._woken[record.session.up_seid] = record

    def expire(self) -> list[SessionRecord]:
        """The sessions whose time has come; they are woken too."""
        expired = self.watch.expired(self.now())
        for record in expired:
            self.wake(record)
        return expired

    def woken(self) -> list[SessionRecord]:
        """The sessions to look at, each told once. Those being changed are left for later, as a
        change reads their counters too.
        """
        found, self._woken = self._woken, {}
        for record in found.values():
            if record.lock.locked():
                self.wake(record)
        return [
            record
            for record in found.values()
            if not record.lock.locked() and not record.is_deleted
        ]

    def arm(self, record: SessionRecord) -> None:
        """Say when to look at a session again."""
        pdrs = [pdr for pdr in record.session.pdrs.values() if pdr.urr_ids]
        withheld = withheld_of(record.held.grants)
        levels: dict[int, int] = {}
        readings: dict[int, Counts] = {}
        deadlines: list[float] = []
        for urr_id, urr in record.session.urrs.items():
            measurement = record.measurements[urr_id]
            readings.update(measurement.seen)
            for usage_id, level in alarms(measurement, urr, pdrs, withheld.get(urr_id, 0)).items():
                levels[usage_id] = min(level, levels.get(usage_id, level))
            deadline = next_deadline(measurement, urr)
            if deadline is not None:
                deadlines.append(deadline)
        timer_s = record.session.inactivity_timer_s
        if timer_s is not None:
            for pdr in record.session.pdrs.values():
                readings.setdefault(pdr.usage_id, self._counters.base(pdr.usage_id))
            if not record.is_idle_told:
                deadlines.append(record.active_at + timer_s)
        deadline, now = min(deadlines, default=None), self.now()
        if deadline is not None and deadline <= now:
            deadline = now + RETRY_S
        self.watch.set(record, readings, levels, deadline)

    def is_idle(self, record: SessionRecord) -> bool:
        """Whether a session's inactivity timer has run out and nobody was told."""
        timer_s = record.session.inactivity_timer_s
        return (
            timer_s is not None
            and not record.is_idle_told
            and self.now() >= record.active_at + timer_s
        )

    # What was used.

    def fold(self, record: SessionRecord, session: Session) -> None:
        """Fold what counters gained; `session` holds the rules that were measured by."""
        pdrs = [pdr for pdr in session.pdrs.values() if pdr.urr_ids]
        now = self.now()
        sight = self.watch.sight((pdr.usage_id for pdr in session.pdrs.values()), now)
        record.active_at = max(sight.last.values(), default=record.active_at)
        for urr_id, urr in session.urrs.items():
            folded = fold(record.measurements[urr_id], urr, pdrs, sight)
            record.measurements[urr_id] = split(folded, now)
        record.version += 1

    def relink(
        self,
        record: SessionRecord,
        before: Session,
        readings: Mapping[int, Counts],
        given: Given,
    ) -> None:
        """Measure by the rules of now: new PDRs from their start, others from here."""
        pdrs = record.session.pdrs.values()
        old_ids = {pdr.usage_id for pdr in before.pdrs.values()}
        bases = {
            pdr.usage_id: readings.get(pdr.usage_id, self._counters.base(pdr.usage_id))
            if pdr.usage_id in old_ids
            else self._counters.base(pdr.usage_id)
            for pdr in pdrs
        }
        now = self.now()
        measurements: dict[int, Measurement] = {}
        for urr_id, urr in record.session.urrs.items():
            if goes_on(urr_id, before, record.session, given):
                measurements[urr_id] = relink(
                    self._changed(record, urr_id, before, record.session, given), pdrs, bases
                )
            else:
                measurements[urr_id] = begin(urr, pdrs, bases, now)
        record.measurements = measurements

    def foresee(
        self, record: SessionRecord, after: Session, given: Given
    ) -> Mapping[int, Measurement]:
        """The measurements of `after`, as `relink` will make them, but for what they measure."""
        before = record.session
        return {
            urr_id: self._changed(record, urr_id, before, after, given)
            if goes_on(urr_id, before, after, given)
            else begin(urr, (), {}, self.now())
            for urr_id, urr in after.urrs.items()
        }

    def _changed(
        self, record: SessionRecord, urr_id: int, before: Session, after: Session, given: Given
    ) -> Measurement:
        """A measurement that goes on, under the URR of now."""
        old = record.measurements[urr_id]
        fields = given.get(urr_id, ())
        return reprovision(old, before.urrs[urr_id], after.urrs[urr_id], fields, self.now())

    def reports(
        self,
        record: SessionRecord,
        session: Session,
        wanted: Mapping[int, frozenset[str]],
        ie_class: type[UsageReportIE],
        query_reference: int | None = None,
    ) -> list[UsageReportIE]:
        """Reports on URRs of `session` by the triggers wanted, and on those linked to them."""
        reports = []
        for urr_id, triggers in _with_linked(session, wanted).items():
            urr = session.urrs[urr_id]
            told, record.measurements[urr_id] = report(
                record.measurements[urr_id], urr, triggers, self.now()
            )
            shift_s = self._shift_s()
            reports += [
                usage_report_ie(ie_class, each, urr, query_reference, shift_s) for each in told
            ]
        return reports

    def release(
        self,
        pdrs: Iterable[PDR],
        readings: Mapping[int, Counts],
        slice_id: int,
    ) -> None:
        """Settle what PDRs used that go, and give their counters back. One that could not be read
        is never used again.
        """
        pdrs = list(pdrs)
        self._on_final(slice_id, pdrs, readings)
        for pdr in pdrs:
            if pdr.usage_id in readings:
                self._counters.release(pdr.usage_id, readings[pdr.usage_id])


def goes_on(urr_id: int, before: Session, after: Session, given: Given) -> bool:
    """Whether a URR is the one it was, changed or not, rather than removed or made anew."""
    old, new = before.urrs.get(urr_id), after.urrs.get(urr_id)
    return old is not None and new is not None and (old is new or urr_id in given)


def _with_linked(
    session: Session, wanted: Mapping[int, frozenset[str]]
) -> dict[int, frozenset[str]]:
    """What is wanted, and each URR that wants to be reported with one of those."""
    found = dict(wanted)
    is_growing = bool(found)
    while is_growing:
        linked = [
            urr_id
            for urr_id, urr in session.urrs.items()
            if urr_id not in found
            and "liusa" in urr.triggers
            and not found.keys().isdisjoint(urr.linked_urr_ids)
        ]
        found |= dict.fromkeys(linked, frozenset({"liusa"}))
        is_growing = bool(linked)
    return found

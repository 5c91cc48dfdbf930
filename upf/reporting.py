"""Measuring sessions and telling the CP function: at its request, at the end, and when a threshold
is reached.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

from pfcp import ies, messages
from upf.errors import TargetError
from upf.reports import UsageReportIE, usage_report_ie
from upf.usage import begin, due_triggers, fold, relink, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from upf.entry import Counts
    from upf.metering import UsageCounters
    from upf.records import SessionRecord
    from upf.rules import PDR, URR
    from upf.session import Session

log = logging.getLogger(__name__)

OnFinal: TypeAlias = "Callable[[int, Iterable[PDR], Mapping[int, Counts]], None]"


class UsageReporting:
    """The measurements of all sessions. `wall_clock` gives seconds since 1970.

    `on_final` is told the slice_id of PDRs that go, and what their counters stand at for good.
    """

    def __init__(
        self,
        counters: UsageCounters,
        wall_clock: Callable[[], float],
        on_final: OnFinal = lambda *_: None,
    ) -> None:
        self._counters = counters
        self._now = wall_clock
        self._on_final = on_final

    def begin(self, record: SessionRecord) -> None:
        """Measure a session just established."""
        pdrs = record.session.pdrs.values()
        bases = {pdr.usage_id: self._counters.base(pdr.usage_id) for pdr in pdrs}
        now = self._now()
        record.measurements = {
            urr_id: begin(urr_id, pdrs, bases, now) for urr_id in record.session.urrs
        }

    async def follow(
        self, record: SessionRecord, before: Session, queried: Iterable[int]
    ) -> tuple[ies.UsageReportInModificationResponse, ...]:
        """Measure on after a modification from `before`; reports on URRs queried or removed.

        Counters of PDRs that are gone are given back.
        """
        after = record.session
        gone = [pdr for pdr_id, pdr in before.pdrs.items() if not _has(after, pdr_id, pdr)]
        queried = set(queried)
        links_changed = before.urrs.keys() != after.urrs.keys() or _links(before) != _links(after)
        if not (gone or queried or links_changed):
            return ()
        readings = await self._read(
            pdr.usage_id for pdr in (*before.pdrs.values(), *after.pdrs.values())
        )
        self._fold(record, before.pdrs.values(), readings)
        reports = [
            self._report(
                record, before.urrs[urr_id], {"termr"}, ies.UsageReportInModificationResponse
            )
            for urr_id in before.urrs
            if urr_id not in after.urrs
        ]
        self._relink(record, before, readings)
        reports += [
            self._report(
                record, after.urrs[urr_id], {"immer"}, ies.UsageReportInModificationResponse
            )
            for urr_id in after.urrs
            if urr_id in queried
        ]
        self._release(gone, readings, before.slice_id)
        return tuple(reports)

    async def end(self, record: SessionRecord) -> tuple[ies.UsageReportInDeletionResponse, ...]:
        """Last reports of a session whose entries are gone; its counters are given back."""
        pdrs = record.session.pdrs.values()
        readings = await self._read(pdr.usage_id for pdr in pdrs)
        self._fold(record, pdrs, readings)
        self._release(pdrs, readings, record.session.slice_id)
        return tuple(
            self._report(record, urr, {"termr"}, ies.UsageReportInDeletionResponse)
            for urr in record.session.urrs.values()
        )

    async def sweep(
        self, records: Iterable[SessionRecord]
    ) -> list[tuple[SessionRecord, messages.SessionReportRequest]]:
        """Look at all counters that thresholds depend on; what has to be reported, to whom."""
        watched = [
            (record, record.version)
            for record in records
            if any(urr.triggers for urr in record.session.urrs.values())
        ]
        readings = await self._counters.read(
            {p.usage_id for record, _ in watched for p in record.session.pdrs.values() if p.urr_ids}
        )
        return [
            (record, request)
            for record, version in watched
            # One that changed meanwhile may know newer readings: it is looked at next time.
            if record.version == version and not record.lock.locked() and not record.is_deleted
            for request in self._due(record, readings)
        ]

    def _due(
        self, record: SessionRecord, readings: Mapping[int, Counts]
    ) -> list[messages.SessionReportRequest]:
        self._fold(record, record.session.pdrs.values(), readings)
        reports = [
            self._report(record, urr, triggers, ies.UsageReportInReportRequest)
            for urr_id, urr in record.session.urrs.items()
            if (triggers := due_triggers(record.measurements[urr_id], urr, self._now()))
        ]
        if not reports:
            return []
        return [
            messages.SessionReportRequest(
                seid=record.session.cp_seid,
                report_type=ies.ReportType(usar=True),
                usage_reports=tuple(reports),
            )
        ]

    async def _read(self, usage_ids: Iterable[int]) -> Mapping[int, Counts]:
        """What counters stand at; nothing if the switch does not say."""
        ids = set(usage_ids)
        try:
            return await self._counters.read(ids)
        except TargetError as error:
            log.warning("usage of %d PDRs could not be read: %s", len(ids), error)
            return {}

    def _fold(
        self, record: SessionRecord, pdrs: Iterable[PDR], readings: Mapping[int, Counts]
    ) -> None:
        pdrs = [pdr for pdr in pdrs if pdr.usage_id in readings]
        now = self._now()
        for urr_id, measurement in record.measurements.items():
            record.measurements[urr_id] = fold(measurement, pdrs, readings, now)
        record.version += 1

    def _relink(
        self, record: SessionRecord, before: Session, readings: Mapping[int, Counts]
    ) -> None:
        """Measure the PDRs of now: new ones from the start, others from here."""
        pdrs = record.session.pdrs.values()
        old_ids = {pdr.usage_id for pdr in before.pdrs.values()}
        bases = {
            pdr.usage_id: readings.get(pdr.usage_id, self._counters.base(pdr.usage_id))
            if pdr.usage_id in old_ids
            else self._counters.base(pdr.usage_id)
            for pdr in pdrs
        }
        now = self._now()
        record.measurements = {
            urr_id: relink(record.measurements[urr_id], pdrs, bases)
            if urr_id in record.measurements and urr_id in before.urrs
            else begin(urr_id, pdrs, bases, now)
            for urr_id in record.session.urrs
        }

    def _report(
        self,
        record: SessionRecord,
        urr: URR,
        triggers: Iterable[str],
        ie_class: type[UsageReportIE],
    ) -> UsageReportIE:
        usage_report, record.measurements[urr.urr_id] = report(
            record.measurements[urr.urr_id], self._now()
        )
        return usage_report_ie(ie_class, usage_report, urr, triggers)

    def _release(self, pdrs: Iterable[PDR], readings: Mapping[int, Counts], slice_id: int) -> None:
        """Give counters back. One that could not be read is never used again."""
        pdrs = list(pdrs)
        self._on_final(slice_id, pdrs, readings)
        for pdr in pdrs:
            if pdr.usage_id in readings:
                self._counters.release(pdr.usage_id, readings[pdr.usage_id])


def _has(session: Session, pdr_id: int, pdr: PDR) -> bool:
    return pdr_id in session.pdrs and session.pdrs[pdr_id].usage_id == pdr.usage_id


def _links(session: Session) -> set[tuple[int, int]]:
    return {(pdr.usage_id, urr_id) for pdr in session.pdrs.values() for urr_id in pdr.urr_ids}

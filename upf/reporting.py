"""When sessions are measured and what the CP function is told: at its request, at the end, and when
a limit is reached. What a quota no longer allows is stopped before it is told.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from pfcp import ies, messages
from upf.enforcement import QuotaEnforcement
from upf.errors import TargetError
from upf.ledger import Ledger, goes_on
from upf.triggers import due

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from upf.entry import Counts
    from upf.ledger import Given, OnFinal
    from upf.metering import UsageCounters
    from upf.quotas import Grant, QuotaName
    from upf.records import SessionRecord
    from upf.rules import PDR
    from upf.session import Session
    from upf.transaction import SessionEntries

log = logging.getLogger(__name__)

# Sessions looked at before others have their turn: a few ms.
_LOOKS_AT_ONCE = 100

Requests: TypeAlias = "list[tuple[SessionRecord, messages.SessionReportRequest]]"
# PDRs that are gone, with what their counters stand at for good; None: nobody could read it.
Gone: TypeAlias = "tuple[tuple[PDR, Counts | None], ...]"
Reports: TypeAlias = "list[ies.UsageReportInReportRequest]"


class UsageReporting:
    """Usage of all sessions. `wall_clock` gives seconds since 1970, without ever jumping; the time
    of day is `shift_s` ahead of it.

    `on_final` is told the slice_id of PDRs that go, and what their counters stand at for good.
    """

    def __init__(
        self,
        counters: UsageCounters,
        entries: SessionEntries,
        wall_clock: Callable[[], float],
        on_final: OnFinal = lambda *_: None,
        shift_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._ledger = Ledger(counters, wall_clock, on_final, shift_s)
        self._quotas = QuotaEnforcement(self._ledger, entries)
        self._stopped: dict[int, SessionRecord] = {}
        self.is_urgent = asyncio.Event()

    def on_changed(self, tell: Callable[[SessionRecord], None]) -> None:
        """Have `tell` be told of sessions that quotas made other than they were."""
        self._quotas.on_changed = tell

    # What N4 asks for. The caller holds the session's lock.

    def first_grants(self, session: Session) -> Mapping[QuotaName, Grant]:
        """What cells of the quotas of a new session hold."""
        return self._quotas.first_grants(session)

    def begin(self, record: SessionRecord) -> None:
        """Measure a session just established."""
        self._ledger.begin(record)
        self._quotas.watch(record)

    def restore(self, record: SessionRecord) -> None:
        """Measure on a session of an earlier run, whose counters went on."""
        self._ledger.arm(record)
        self._quotas.watch(record)

    def begin_anew(self, record: SessionRecord) -> Mapping[QuotaName, Grant]:
        """Measure on while the switch starts from zero; what its cells of quotas are to hold.

        `restore` follows once they do.
        """
        self._ledger.begin_anew(record)
        return self._quotas.grants_anew(record)

    def forget(self, record: SessionRecord) -> None:
        """Measure no more what did not come to be."""
        self._ledger.watch.forget(record)

    async def grants(
        self, record: SessionRecord, after: Session, given: Given
    ) -> Mapping[QuotaName, Grant]:
        """What cells of quotas are to hold that `after` has and the session has not.

        `given` are fields of URRs that the CP function sent.
        """
        return await self._quotas.grants(record, after, given)

    async def follow(
        self,
        record: SessionRecord,
        before: Session,
        given: Given,
        queried: Iterable[int] = (),
        query_reference: int | None = None,
    ) -> tuple[tuple[ies.UsageReportInModificationResponse, ...], Gone]:
        """Measure on after a modification from `before`; reports on URRs queried or removed, and
        the PDRs that are gone, for `settle`.
        """
        after, ledger = record.session, self._ledger
        gone = [pdr for pdr_id, pdr in before.pdrs.items() if not _has(after, pdr_id, pdr)]
        queried = set(queried)
        removed = [each for each in before.urrs if not goes_on(each, before, after, given)]
        added = [each for each in after.urrs if not goes_on(each, before, after, given)]
        are_links_changed = _links(before) != _links(after)
        if not (gone or queried or removed or added or given or are_links_changed):
            if after.inactivity_timer_s is not None:
                ledger.arm(record)  # a new PDR has packets too
            return (), ()
        readings = await ledger.read_all_of(before, after)
        ledger.fold(record, before)
        ie_class = ies.UsageReportInModificationResponse
        reports = ledger.reports(record, before, _all_by("termr", removed), ie_class)
        ledger.relink(record, before, readings, given)
        asked = [urr_id for urr_id in after.urrs if urr_id in queried]
        immediate = _all_by("immer", asked)
        reports += ledger.reports(record, after, immediate, ie_class, query_reference)
        ledger.arm(record)
        self._quotas.watch(record)
        return tuple(reports), tuple((pdr, readings.get(pdr.usage_id)) for pdr in gone)

    def settle(self, slice_id: int, gone: Gone) -> None:
        """Give back the counters of PDRs that are gone for good."""
        readings = {pdr.usage_id: counts for pdr, counts in gone if counts is not None}
        self._ledger.release([pdr for pdr, _ in gone], readings, slice_id)

    def grants_back(self, record: SessionRecord, before: Session) -> Mapping[QuotaName, Grant]:
        """What cells of quotas are to hold when a session goes back to what it was."""
        return self._quotas.grants_back(record, before)

    def wait_idle(self, record: SessionRecord) -> None:
        """Wait from now on for a session's inactivity timer, which was given anew."""
        record.active_at, record.is_idle_told = self._ledger.now(), False
        self._ledger.arm(record)

    async def end(self, record: SessionRecord) -> tuple[ies.UsageReportInDeletionResponse, ...]:
        """Last reports of a session whose entries are gone; its counters are given back."""
        session, ledger = record.session, self._ledger
        readings = await ledger.read_all_of(session)
        ledger.fold(record, session)
        ledger.watch.forget(record)
        self._quotas.watch(record)
        ledger.release(session.pdrs.values(), readings, session.slice_id)
        wanted = _all_by("termr", session.urrs)
        return tuple(ledger.reports(record, session, wanted, ies.UsageReportInDeletionResponse))

    # What comes by itself. These give what has to be reported, to whom.

    async def sweep(self) -> Requests:
        """Look at all counters that limits depend on. TargetError if the switch does not say."""
        await self._ledger.sweep()
        self._ledger.expire()
        return await self._look(await self._quotas.used_up())

    async def expire(self) -> Requests:
        """Look at what has come to its time, and where a packet was stopped.

        TargetError if the switch does not say.
        """
        self.is_urgent.clear()
        stopped, self._stopped = self._stopped, {}
        await self._ledger.read_some(self._ledger.expire())
        return await self._look(await self._quotas.used_up(stopped.values()))

    async def settle_all(self, records: Iterable[SessionRecord]) -> None:
        """Fold all that counters show, as when the switch ends with us. TargetError."""
        await self._ledger.sweep()
        for number, record in enumerate(records):
            if number % _LOOKS_AT_ONCE == 0:
                await asyncio.sleep(0)
            self._ledger.fold(record, record.session)

    def next_deadline(self) -> float | None:
        """When `expire` has something to do, sweeps aside."""
        return self._ledger.watch.next_deadline()

    def note_stopped(self, record: SessionRecord) -> None:
        """Have a session looked at, of which the switch stopped a packet: `expire` is urgent."""
        self._stopped[record.session.up_seid] = record
        self.is_urgent.set()

    async def _look(self, used_up: Mapping[SessionRecord, frozenset[QuotaName]]) -> Requests:
        """Look at the sessions that were woken, and at those with quotas used up."""
        for record in used_up:
            self._ledger.wake(record)
        requests: Requests = []
        stops = []
        for number, record in enumerate(self._ledger.woken(), start=1):
            if number % _LOOKS_AT_ONCE == 0:
                await asyncio.sleep(0)
            requests += _request(record, self._report_due(record))
            if self._ledger.is_idle(record):
                record.is_idle_told = True
                requests.append((record, _inactivity_report(record)))
                self._ledger.arm(record)
            cells = used_up.get(record, frozenset())
            if cells or self._ends(record) or _has_new_quota(record):
                stops.append(self._stop(record, cells))
        for stopped in await asyncio.gather(*stops):
            requests += stopped
        return requests

    def _report_due(self, record: SessionRecord) -> Reports:
        """The reports that are due, but for URRs whose quota ends: those are reported when nothing
        passes any more.
        """
        session, ledger = record.session, self._ledger
        ledger.fold(record, session)
        now = ledger.now()
        dues = {
            urr_id: due(record.measurements[urr_id], urr, now)
            for urr_id, urr in session.urrs.items()
        }
        wanted = {
            urr_id: each.triggers
            for urr_id, each in dues.items()
            if each.triggers and each.stop is None
        }
        reports = ledger.reports(record, session, wanted, ies.UsageReportInReportRequest)
        ledger.arm(record)
        self._quotas.watch(record)
        return reports

    def _ends(self, record: SessionRecord) -> dict[int, str]:
        """The quotas that end, with the trigger of each."""
        now = self._ledger.now()
        return {
            urr_id: stop
            for urr_id, urr in record.session.urrs.items()
            if (stop := due(record.measurements[urr_id], urr, now).stop) is not None
        }

    async def _stop(self, record: SessionRecord, cells: Collection[QuotaName]) -> Requests:
        """Put in force what quotas allow now, and tell which ended."""
        try:
            async with record.lock:
                if record.is_deleted:
                    return []
                await self._quotas.renew(record)
                # Meanwhile there may have been a new quota.
                ended = await self._quotas.stop(record, self._ends(record), cells)
                reports = self._tell_ends(record, ended)
                self._ledger.arm(record)
                self._quotas.watch(record)
        except TargetError as error:
            log.warning("quota of session %016x: %s", record.session.up_seid, error)
            self._ledger.wake(record)
            return []
        return _request(record, reports)

    def _tell_ends(self, record: SessionRecord, ends: Mapping[int, str]) -> Reports:
        wanted = {}
        for urr_id, trigger in ends.items():
            urr, measurement = record.session.urrs[urr_id], record.measurements[urr_id]
            others = due(measurement, urr, self._ledger.now()).triggers
            record.measurements[urr_id] = replace(
                measurement, stopped_by=trigger, metered_until=None
            )
            if triggers := others | (urr.triggers & {trigger}):
                wanted[urr_id] = triggers
        return self._ledger.reports(record, record.session, wanted, ies.UsageReportInReportRequest)


def _has_new_quota(record: SessionRecord) -> bool:
    return any(each.is_quota_new for each in record.measurements.values())


def _all_by(trigger: str, urr_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    return dict.fromkeys(urr_ids, frozenset({trigger}))


def _request(record: SessionRecord, reports: Reports) -> Requests:
    """One request for the reports of a session, none if there are none."""
    if not reports:
        return []
    request = messages.SessionReportRequest(
        seid=record.session.cp_seid,
        report_type=ies.ReportType(usar=True),
        usage_reports=tuple(reports),
    )
    return [(record, request)]


def _inactivity_report(record: SessionRecord) -> messages.SessionReportRequest:
    return messages.SessionReportRequest(
        seid=record.session.cp_seid, report_type=ies.ReportType(upir=True)
    )


def _has(session: Session, pdr_id: int, pdr: PDR) -> bool:
    return pdr_id in session.pdrs and session.pdrs[pdr_id].usage_id == pdr.usage_id


def _links(session: Session) -> set[tuple[int, int]]:
    return {(pdr.usage_id, urr_id) for pdr in session.pdrs.values() for urr_id in pdr.urr_ids}

"""Quotas in force: what the cells of the switch hold, and what is stopped when a quota ends.

A cell stops a flow at the octet. What stays to be done is to see it, to take the flow off the
switch (or to treat it as the CP function wants such flows treated) and, nothing passing any more,
to read what was used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from upf.measurement import QUOTA_FIELDS, begin
from upf.quotas import (
    Grant,
    QuotaName,
    ended_bounds,
    grant_of,
    left_of,
    quota_names,
    used_up,
    withheld_of,
)
from upf.triggers import is_near_end

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from upf.ledger import Given, Ledger
    from upf.measurement import Measurement
    from upf.records import SessionRecord
    from upf.session import Session
    from upf.transaction import SessionEntries


class QuotaEnforcement:
    """The quotas of all sessions. `on_changed` is told of those that are other than they were."""

    def __init__(self, ledger: Ledger, entries: SessionEntries) -> None:
        self._ledger = ledger
        self._entries = entries
        self._near_end: dict[int, SessionRecord] = {}
        self.on_changed: Callable[[SessionRecord], None] = lambda _: None

    def first_grants(self, session: Session) -> Mapping[QuotaName, Grant]:
        """What cells of the quotas of a new session hold."""
        names = set(quota_names(session).values())
        if not names:
            return {}
        now = self._ledger.now()
        fresh = {urr_id: begin(urr, (), {}, now) for urr_id, urr in session.urrs.items()}
        return {name: grant_of(left_of(name, fresh), None) for name in names}

    async def grants(
        self, record: SessionRecord, after: Session, given: Given
    ) -> Mapping[QuotaName, Grant]:
        """What cells of quotas are to hold that `after` has and the session has not."""
        new = set(quota_names(after).values()) - record.held.grants.keys()
        if not new:
            return {}
        gained_lately = await self._ledger.refresh(record)
        return _grants(record, new, self._ledger.foresee(record, after, given), gained_lately)

    def grants_anew(self, record: SessionRecord) -> Mapping[QuotaName, Grant]:
        """What the cells of a session are to hold on a switch whose cells are empty."""
        return {
            name: grant_of(left_of(name, record.measurements), None) for name in record.held.grants
        }

    def grants_back(self, record: SessionRecord, before: Session) -> Mapping[QuotaName, Grant]:
        """What cells are to hold that `before` has and the session has not, going back to it."""
        new = set(quota_names(before).values()) - record.held.grants.keys()
        return {name: grant_of(left_of(name, record.measurements), None) for name in new}

    def watch(self, record: SessionRecord) -> None:
        """Ask the switch from now on whether a session's cells are used up, if they may be soon."""
        withheld = withheld_of(record.held.grants)
        is_near = bool(record.held.grants) and any(
            is_near_end(each, withheld.get(urr_id, 0))
            for urr_id, each in record.measurements.items()
        )
        if is_near and not record.is_deleted:
            self._near_end[record.session.up_seid] = record
        else:
            self._near_end.pop(record.session.up_seid, None)

    async def used_up(
        self, records: Iterable[SessionRecord] | None = None
    ) -> Mapping[SessionRecord, frozenset[QuotaName]]:
        """The quotas, of these sessions or all that may be close, of which nothing more passes."""
        cells = {
            number: (record, name)
            for record in list(self._near_end.values() if records is None else records)
            for name, number in record.held.cells.items()
        }
        found: dict[SessionRecord, frozenset[QuotaName]] = {}
        for number in await self._entries.used_up(list(cells)):
            record, name = cells[number]
            found[record] = found.get(record, frozenset()) | {name}
        return found

    async def stop(
        self, record: SessionRecord, ends: Mapping[int, str], cells: Iterable[QuotaName]
    ) -> Mapping[int, str]:
        """Let nothing pass of what quotas no longer allow; why, by urr_id. The caller holds the
        lock.

        `ends` are quotas found used up, `cells` those of which the switch lets nothing pass. What
        a cell was not given at first, it is given now, exactly.
        """
        session = record.session
        ends = {urr_id: trigger for urr_id, trigger in ends.items() if urr_id in session.urrs}
        cells = [name for name in cells if name in record.held.grants]
        partly = {name for name in cells if record.held.grants[name].withheld}
        spent = {bound for name in cells for bound in name.bounds}
        for urr_id, trigger in ends.items():
            measurement = record.measurements[urr_id]
            spent |= ended_bounds(session.urrs[urr_id], measurement, trigger)
        if not spent:
            return ends
        await self._put_in_force(record, replace(session, spent=session.spent | spent))
        await self._ledger.refresh(record)
        for name in cells:
            if name not in partly or not left_of(name, record.measurements):
                bounds = used_up(name, record.measurements)
                ends |= dict.fromkeys((bound.urr_id for bound in bounds), "volqu")
        await self._resume(record, cells, ends)
        return ends

    async def _resume(
        self, record: SessionRecord, cells: Iterable[QuotaName], ends: Collection[int]
    ) -> None:
        """Let pass what cells were not given, and what shared one without being used up."""
        bounds = {bound for name in cells for bound in name.bounds if bound.urr_id not in ends}
        urr_ids = {bound.urr_id for bound in bounds}
        session = record.session
        spent = session.spent - bounds
        resumed = replace(session.granted(urr_ids), spent=spent)
        new = set(quota_names(resumed).values()) - record.held.grants.keys()
        grants = {name: grant_of(left_of(name, record.measurements), None) for name in new}
        await self._put_in_force(record, resumed, grants)

    async def renew(self, record: SessionRecord) -> None:
        """Put quotas in force that monitoring times brought. The caller holds the lock."""
        session = record.session
        new = {
            urr_id: record.measurements[urr_id].quota
            for urr_id in session.urrs
            if record.measurements[urr_id].is_quota_new
        }
        if not new:
            return
        urrs = {
            **session.urrs,
            **{
                urr_id: replace(
                    session.urrs[urr_id],
                    volume_quota=quota.volume,
                    time_quota_s=quota.time_s,
                    event_quota=quota.events,
                )
                for urr_id, quota in new.items()
            },
        }
        renewed = replace(session, urrs=urrs).granted(new)
        names = set(quota_names(renewed).values()) - record.held.grants.keys()
        gained_lately = await self._ledger.refresh(record)
        grants = _grants(record, names, record.measurements, gained_lately)
        await self._put_in_force(record, renewed, grants)
        for urr_id in new:
            measurement = record.measurements[urr_id]
            record.measurements[urr_id] = replace(measurement, is_quota_new=False)

    async def _put_in_force(
        self,
        record: SessionRecord,
        session: Session,
        grants: Mapping[QuotaName, Grant] | None = None,
    ) -> None:
        if session == record.session:
            return
        record.held = await self._entries.replace(record.held, session, grants or {})
        record.session = session
        record.version += 1
        self.on_changed(record)


def _grants(
    record: SessionRecord,
    names: Iterable[QuotaName],
    measurements: Mapping[int, Measurement],
    gained_lately: int,
) -> Mapping[QuotaName, Grant]:
    """What to put into new cells. Where one takes the place of another, traffic goes on."""
    live = {bound for name in record.held.grants for bound in name.bounds}
    return {
        name: grant_of(
            left_of(name, measurements), None if live.isdisjoint(name.bounds) else gained_lately
        )
        for name in names
    }


def granted_anew(given: Given) -> list[int]:
    """The URRs that got a new quota."""
    return [urr_id for urr_id, names in given.items() if not QUOTA_FIELDS.isdisjoint(names)]

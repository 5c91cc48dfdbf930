"""Going on where an earlier run was: who we are to our SMFs, their associations, their sessions.

The store tells what was in force, the switch what it did since: its counters went on, if it is the
same switch. Whether it is, a number tells that is written into a cell nobody spends from.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from pfcp import ies
from pfcp.association import Association
from upf import tables
from upf.clock import SteadyClock
from upf.errors import StoreError, UPFError
from upf.keeping import SessionKeeper
from upf.metering import UsageCounters
from upf.n4 import N4
from upf.records import SessionRecord
from upf.reporting import UsageReporting
from upf.sdf import parse_flow_description
from upf.store import Store
from upf.transaction import Held, SessionEntries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upf.entry import Counts
    from upf.image import HeldSwitch
    from upf.keeping import KeptSession
    from upf.provisions import Described

NODE_KIND = "node"
ASSOCIATION_KIND = "association"
APPLICATIONS_KIND = "applications"
# No quota has it: what it holds says which life of the switch this is.
_LIFE_CELL = 0
_SESSIONS_AT_ONCE = 100
_COUNTERS_AT_ONCE = 1000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Memory:
    """What the store knows of the node itself. `marks`: see `UsageCounters`."""

    store: Store
    recovery_time_stamp: int
    marks: Sequence[int]
    clock: SteadyClock

    @classmethod
    async def open(cls, store: Store, recovery_time_stamp: int) -> Memory:
        """What an earlier run wrote; `recovery_time_stamp` is for the first one. StoreError."""
        documents = await store.load(NODE_KIND)
        identity: Mapping[str, Any] = documents.get("identity", {})
        stamp = identity.get("recovery_time_stamp")
        if stamp is None:
            stamp = recovery_time_stamp
            await store.put(NODE_KIND, "identity", {"recovery_time_stamp": stamp})
        marks = documents.get("usage", {}).get("marks", (0, 0))
        clock = SteadyClock.of(documents.get("clock"))
        if clock.document() != documents.get("clock"):
            await store.put(NODE_KIND, "clock", clock.document())
        return cls(store, stamp, marks, clock)

    def note_marks(self, marks: Sequence[int]) -> None:
        """Keep marks. Changes are kept in order: no session is kept before what it passes."""
        self.marks = list(marks)
        _unwaited(self.store.put(NODE_KIND, "usage", {"marks": list(marks)}))

    async def associations(self) -> list[Association]:
        """The associations of the earlier run."""
        documents = await self.store.load(ASSOCIATION_KIND)
        return [_association_of(key, each) for key, each in documents.items()]

    async def applications(self) -> Mapping[ies.NodeID, Described]:
        """What CP functions described of applications in the earlier run."""
        documents = await self.store.load(APPLICATIONS_KIND)
        return {
            node_id_of(key): {
                bytes.fromhex(application_id): tuple(map(parse_flow_description, flows))
                for application_id, flows in each.items()
            }
            for key, each in documents.items()
        }

    async def keep_applications(self, owner: ies.NodeID, described: Described) -> None:
        """Keep what a CP function described of applications. StoreError."""
        if not described:
            await self.store.delete(APPLICATIONS_KIND, str(owner))
            return
        document = {
            application_id.hex(): [each.text for each in filters]
            for application_id, filters in described.items()
        }
        await self.store.put(APPLICATIONS_KIND, str(owner), document)

    def note_associations(
        self, before: Mapping[ies.NodeID, Association], now: Mapping[ies.NodeID, Association]
    ) -> None:
        """Keep associations, and forget those that are gone."""
        for node_id in before.keys() - now.keys():
            _unwaited(self.store.delete(ASSOCIATION_KIND, str(node_id)))
            _unwaited(self.store.delete(APPLICATIONS_KIND, str(node_id)))
        for node_id, each in now.items():
            if before.get(node_id) != each:
                _unwaited(self.store.put(ASSOCIATION_KIND, str(node_id), _document_of(each)))


def _unwaited(work: Any) -> None:
    """Have something kept that nobody waits for."""

    async def run() -> None:
        try:
            await work
        except StoreError as error:
            log.warning("%s", error)

    task = asyncio.ensure_future(run())
    _background.add(task)
    task.add_done_callback(_background.discard)


_background: set[asyncio.Task[None]] = set()


def _document_of(association: Association) -> Mapping[str, Any]:
    features = association.cp_function_features
    return {
        "address": association.peer[0],
        "port": association.peer[1],
        "recovery_time_stamp": association.recovery_time_stamp,
        "cp_function_features": None if features is None else features.write(features).hex(),
    }


def _association_of(key: str, document: Mapping[str, Any]) -> Association:
    octets = document["cp_function_features"]
    features = None
    if octets is not None:
        raw = bytes.fromhex(octets)
        features = ies.CPFunctionFeatures.read(raw, 0, len(raw))
    return Association(
        node_id=node_id_of(key),
        peer=(document["address"], document["port"]),
        recovery_time_stamp=document["recovery_time_stamp"],
        cp_function_features=features,
    )


def node_id_of(text: str) -> ies.NodeID:
    """A Node ID as `str` writes it: an address if it reads as one, else a name."""
    try:
        return ies.NodeID(value=ip_address(text))
    except ValueError:
        return ies.NodeID(value=text)


async def life_of(switch: HeldSwitch) -> tuple[int, bool]:
    """Which life of the switch this is, and whether it began just now."""
    ((life, _),) = await switch.read_registers(tables.QUOTAS, [_LIFE_CELL])
    if life:
        return life, False
    life = secrets.randbits(31) | 1
    await switch.write_registers(tables.QUOTAS, {_LIFE_CELL: (life, 0)})
    return life, True


@dataclass(frozen=True, slots=True)
class SessionParts:
    """What has to do with sessions in force."""

    n4: N4
    entries: SessionEntries
    reporting: UsageReporting
    counters: UsageCounters
    keeper: SessionKeeper


class Restoration:
    """Puts the sessions of an earlier run in force again, on a switch that is only noted to."""

    def __init__(self, parts: SessionParts) -> None:
        self._parts = parts

    async def restore(
        self, found: Iterable[tuple[int, KeptSession]], marks: Sequence[int]
    ) -> list[int]:
        """Have sessions as they were kept; the usage counters that may have counted for others.

        One whose tunnels are at addresses that are ours no more is told and forgotten.
        """
        found = list(found)
        lists = self._parts.entries.rule_lists.restore(kept.rule_lists for _, kept in found)
        await self._parts.entries.add_rules(lists)
        records = []
        for first in range(0, len(found), _SESSIONS_AT_ONCE):
            chunk = found[first : first + _SESSIONS_AT_ONCE]
            records += [each for each in [await self._restored(*one) for one in chunk] if each]
            await asyncio.sleep(0)
        meters = self._parts.entries.restore_numbers([record.held for record, _ in records])
        dirty = self._restore_counters(records, meters, marks)
        await self._measure(records)
        return dirty

    async def _restored(
        self, number: int, kept: KeptSession
    ) -> tuple[SessionRecord, KeptSession] | None:
        held = Held(
            peers=frozenset(kept.peers),
            rule_lists=frozenset(kept.rule_lists),
            own_ids=dict(kept.own_ids),
            grants=dict(kept.grants),
        )
        record = SessionRecord(
            session=kept.session,
            owner=ies.NodeID(value=kept.owner),
            since=kept.since,
            measurements=dict(kept.measurements),
            active_at=kept.active_at,
            is_idle_told=kept.is_idle_told,
            number=number,
            untold=kept.untold,
        )
        try:
            record.held = self._parts.entries.restore(kept.session, held)
            self._parts.n4.restore(record)
        except UPFError as error:
            log.error("session %016x cannot go on: %s", kept.session.up_seid, error)
            await self._parts.entries.abandon(replace(held, compiled=record.held.compiled))
            await self._parts.keeper.forget(record)
            return None
        await self._parts.entries.write_restored(record.held.compiled)
        return record, kept

    def _restore_counters(
        self,
        records: Sequence[tuple[SessionRecord, KeptSession]],
        meters: Iterable[int],
        marks: Sequence[int],
    ) -> list[int]:
        taken = set(meters)
        bases: dict[int, Counts] = {}
        seen: dict[int, Counts] = {}
        for record, kept in records:
            taken.update(pdr.usage_id for pdr in record.session.pdrs.values())
            if kept.life == self._parts.keeper.life:
                bases.update(kept.bases)
                for measurement in record.measurements.values():
                    seen.update(measurement.seen)
        return self._parts.counters.restore(taken, bases, seen, marks)

    async def _measure(self, records: Sequence[tuple[SessionRecord, KeptSession]]) -> None:
        """Measure on: from what was seen, or on a switch that started anew from what it shows."""
        new = [record for record, kept in records if kept.life != self._parts.keeper.life]
        await begin_anew(new, self._parts.reporting, self._parts.entries)
        for place, (record, kept) in enumerate(records):
            if place % _SESSIONS_AT_ONCE == 0:
                await asyncio.sleep(0)
            self._parts.reporting.restore(record)
            if kept.life != self._parts.keeper.life:
                self._parts.keeper.keep_later(record)


async def begin_anew(
    records: Iterable[SessionRecord], reporting: UsageReporting, entries: SessionEntries
) -> None:
    """Have sessions go on though the switch lost what it counted; `restore` of `reporting` is to
    follow. TargetError if quotas cannot be set.
    """
    for record in records:
        grants = reporting.begin_anew(record)
        record.held = await entries.grant_anew(record.held, grants)


async def adopt_counters(counters: UsageCounters, dirty: Sequence[int]) -> None:
    """Find out what counters stand at that others had before, and let them be used."""
    for first in range(0, len(dirty), _COUNTERS_AT_ONCE):
        chunk = dirty[first : first + _COUNTERS_AT_ONCE]
        for usage_id, counts in (await counters.read(chunk)).items():
            counters.release(usage_id, counts)
        await asyncio.sleep(0)

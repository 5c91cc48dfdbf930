"""N4: what each PFCP request changes, and what is answered (TS 29.244 clauses 6 and 7.5).

A request is judged whole, compiled, applied to the switch, and only then in force and answered; if
anything refuses, all is as before and the answer carries the narrowest cause. Requests for one
session are carried out one after the other, in the order they came. A session belongs to the CP
function that made it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from pfcp import enums, ies, messages
from upf.deviations import Deviations
from upf.enforcement import granted_anew
from upf.errors import (
    MandatoryIncorrectError,
    NoAssociationError,
    SessionUnknownError,
    TargetError,
    UPFError,
)
from upf.keeping import NothingKept
from upf.n4_node import Identity, NodeProcedures
from upf.n4_refusals import SessionRequest, refusal
from upf.n4_requests import (
    change_of,
    created_pdrs,
    creates_of,
    given_of_urrs,
    inactivity_timer_s,
    queried,
)
from upf.occupancy import Demand, Occupancy, demand_of
from upf.records import SessionRecord
from upf.remote_tunnels import RemoteTunnels
from upf.resources import RequestResources, Resources
from upf.session import Change, Session, redescribed
from upf.session_sets import sets_after, sets_of
from upf.slices import SNSSAI
from upf.transaction import NOTHING_HELD, SessionEntries
from upf.translate import Translator
from upf.translated import dnn_of
from upf.tunnels import left

if TYPE_CHECKING:
    from pfcp.association import AssociationTable
    from pfcp.events import Peer
    from upf.answered import Answered
    from upf.entry import EntryKey
    from upf.keeping import Keeper
    from upf.measurement import Measurement
    from upf.paging import Paging
    from upf.reporting import UsageReporting
    from upf.rules import PDR, IPAddress, SDFFilter
    from upf.tunnels import Tunnel

FSEID_IE = 57

log = logging.getLogger(__name__)

SliceOf: TypeAlias = Callable[[SNSSAI | None, str | None], int]
# Makes of an answer what is kept of it.
Prepare: TypeAlias = "Callable[[messages.Message], Answered]"


class N4:
    """The sessions of this UPF, and the one who answers for them.

    `slice_of` tells a session's slice, `wall_clock` the time of day in seconds since 1970.
    `counters` has the session requests answered, by message and cause.
    """

    def __init__(  # noqa: PLR0913 - what it is put together of
        self,
        identity: Identity,
        *,
        associations: AssociationTable,
        resources: Resources,
        entries: SessionEntries,
        reporting: UsageReporting,
        slice_of: SliceOf,
        wall_clock: Callable[[], float],
        keeper: Keeper | None = None,
    ) -> None:
        self.sessions: dict[int, SessionRecord] = {}
        self.paging: Paging | None = None
        self.remote_tunnels = RemoteTunnels()
        self.end_tunnel: Callable[[IPAddress, Tunnel], Awaitable[None]] | None = None
        self._by_usage_id: dict[int, SessionRecord] = {}
        self.occupancy = Occupancy()
        self._deviations = Deviations()
        self.counters: Counter[tuple[str, int]] = Counter()
        self._identity = identity
        self._associations = associations
        self._resources = resources
        self._entries = entries
        self.node = NodeProcedures(self, identity, associations, resources.applications)
        self._reporting = reporting
        self._slice_of = slice_of
        self._now = wall_clock
        self._keeper = keeper or NothingKept()

    def restore(self, record: SessionRecord) -> None:
        """Go on with a session of an earlier run. RuleError if another one has a tunnel of it."""
        session = record.session
        self._resources.restore(session)
        self.sessions[session.up_seid] = record
        self._index(record, None)
        self.occupancy.restore(session.slice_id, demand_of(session))

    async def answer(
        self, request: messages.Message, peer: Peer, prepare: Prepare | None = None
    ) -> messages.Message | None:
        """Carry out a request; None for one that we do not answer.

        `prepare` makes of an answer what is kept of it together with what it says.
        """
        if not isinstance(request, SessionRequest):
            return await self.node.answer(request, peer)
        answer = await self._answer_session_request(request, peer, prepare)
        self._count(request, answer)
        return answer

    def _count(self, request: messages.Message, answer: messages.Message | None) -> None:
        """Count a session request and the cause it was answered with."""
        cause = getattr(answer, "cause", enums.Cause.SYSTEM_FAILURE)
        self.counters[type(request).__name__, int(cause)] += 1

    async def forget_sessions_of(self, owner: ies.NodeID) -> None:
        """End all sessions of a CP function, which lost them or lets go of them."""
        self.node.applications.forget(owner)
        await self.end_all(each for each in self.sessions.values() if each.owner == owner)

    async def end_all(self, records: Iterable[SessionRecord]) -> None:
        """End sessions; those that the switch will not let go of stay, which is told."""
        for record in list(records):
            async with record.lock:
                try:
                    if not record.is_deleted:
                        await self._end(record)
                        record.answered = None  # it has nobody to ask again
                        await self._keeper.forget(record)
                except TargetError as error:
                    log.warning("session %016x stays: %s", record.session.up_seid, error)

    def owner_of(self, usage_id: int) -> tuple[SessionRecord, PDR] | None:
        """The session and the PDR that a usage counter belongs to."""
        record = self._by_usage_id.get(usage_id)
        if record is None or record.is_deleted:
            return None
        for pdr in record.session.pdrs.values():
            if pdr.usage_id == usage_id:
                return record, pdr
        return None

    def session_with(self, key: EntryKey) -> SessionRecord | None:
        """The session that has a key of the pipeline."""
        up_seid = self._entries.owner_of(key)
        return None if up_seid is None else self.sessions.get(up_seid)

    def load_percent(self) -> int:
        """How full the switch's tables of sessions are."""
        return self._entries.load_percent()

    async def redescribe(
        self, owner: ies.NodeID, filters_of: Callable[[bytes], tuple[SDFFilter, ...]]
    ) -> None:
        """Have the sessions of a CP function detect applications as they are described now."""
        for record in [each for each in self.sessions.values() if each.owner == owner]:
            async with record.lock:
                described = redescribed(record.session, filters_of)
                if record.is_deleted or described is record.session:
                    continue
                record.held = await self._entries.replace(record.held, described)
                record.session = described
                record.version += 1
                self._keeper.keep_later(record)

    async def rebind_slices(self) -> None:
        """Put sessions into the slices that are theirs now."""
        for record in list(self.sessions.values()):
            await self._rebind(record)

    async def _rebind(self, record: SessionRecord) -> None:
        async with record.lock:
            session = record.session
            slice_id = self._slice_of(session.s_nssai, session.dnn)
            if record.is_deleted or slice_id == session.slice_id:
                return
            moved = replace(session, slice_id=slice_id)
            record.held = await self._entries.replace(record.held, moved)
            self.occupancy.move(demand_of(session), session.slice_id, slice_id)
            record.session = moved
            record.version += 1
            self._keeper.keep_later(record)

    async def _answer_session_request(
        self, request: SessionRequest, peer: Peer, prepare: Prepare | None
    ) -> messages.Message | None:
        try:
            association = self._associations.of_peer(peer)
            if association is None:
                raise NoAssociationError(f"{peer[0]} has no association")
            owner = association.node_id
            match request:
                case messages.SessionEstablishmentRequest():
                    return await self._establish(request, owner, prepare)
                case messages.SessionModificationRequest():
                    return await self._modify(request, owner, prepare)
                case messages.SessionDeletionRequest():
                    return await self._delete(request, owner, prepare)
        except UPFError as error:
            log.info("%s of %s refused: %s", type(request).__name__, peer[0], error)
            return self.refuse(request, error)

    async def _establish(
        self,
        request: messages.SessionEstablishmentRequest,
        owner: ies.NodeID,
        prepare: Prepare | None,
    ) -> messages.SessionEstablishmentResponse:
        with ExitStack() as undo:
            blank = self._blank_session(request, undo)
            resources = RequestResources(self._resources, blank, undo, owner)
            translator = Translator(blank, resources)
            change = Change(creates=creates_of(request, translator))
            self._deviations.look_at(request.create_urrs, owner)
            session = blank.modified(
                change, chosen_fteids=resources.chosen, allocated=resources.allocated
            )
            self._occupy(session.slice_id, demand_of(session), undo)
            grants = self._reporting.first_grants(session)
            self._keeper.check()
            held = await self._entries.replace(NOTHING_HELD, session, grants)
            record = SessionRecord(session, owner, self._now(), held)
            self._reporting.begin(record)
            answer = messages.SessionEstablishmentResponse(
                seid=session.cp_seid,
                node_id=self._identity.node_id,
                cause=enums.Cause.REQUEST_ACCEPTED,
                up_fseid=ies.FSEID(seid=session.up_seid, ipv4=self._identity.address),
                created_pdrs=created_pdrs(session, translator),
            )
            await self._keep_new(record, answer, prepare)
            undo.pop_all()
        self.sessions[session.up_seid] = record
        self._index(record, None)
        # Slices may have changed while the switch was written.
        await self._rebind(record)
        log.debug("session %016x of %s for %s", session.up_seid, owner, session.ue_ipv4)
        return answer

    async def _keep(
        self, record: SessionRecord, answer: messages.Message, prepare: Prepare | None
    ) -> None:
        """Keep a session as it is now, and that the SMF was told so. StoreError."""
        record.answered = None if prepare is None else prepare(answer)
        await self._keeper.keep(record)

    async def _keep_new(
        self, record: SessionRecord, answer: messages.Message, prepare: Prepare | None
    ) -> None:
        """Keep a session; StoreError if that cannot be, and then the switch holds nothing of it."""
        try:
            await self._keep(record, answer, prepare)
        except BaseException:
            self._reporting.forget(record)
            await self._entries.remove(record.held)
            raise

    def _occupy(self, slice_id: int, gained: Demand, undo: ExitStack) -> None:
        """Take of a slice what a request asks for; ResourcesExhaustedError if it is not there."""
        self.occupancy.take(slice_id, gained)
        undo.callback(self.occupancy.give_back, slice_id, gained)

    def _blank_session(
        self, request: messages.SessionEstablishmentRequest, undo: ExitStack
    ) -> Session:
        """The session before its rules."""
        if request.cp_fseid.ipv4 is None:
            raise MandatoryIncorrectError(
                "the CP F-SEID has no IPv4 address", offending_ie=FSEID_IE
            )
        dnn = dnn_of(request)
        s_nssai = SNSSAI(request.s_nssai.sst, request.s_nssai.sd) if request.s_nssai else None
        # A session being restored keeps the SEID it had (TS 29.244 clause 8.2.136).
        flags = request.pfcpsereq_flags
        wanted = request.seid if flags is not None and flags.resti else None
        return Session(
            up_seid=self._resources.take_seid(wanted, undo),
            cp_seid=request.cp_fseid.seid,
            cp_address=request.cp_fseid.ipv4,
            dnn=dnn,
            s_nssai=s_nssai,
            slice_id=self._slice_of(s_nssai, dnn),
            inactivity_timer_s=request.user_plane_inactivity_timer_s or None,
            sets=sets_of(request.fq_csids),
        )

    async def _modify(
        self,
        request: messages.SessionModificationRequest,
        owner: ies.NodeID,
        prepare: Prepare | None,
    ) -> messages.SessionModificationResponse:
        record = self._record(request.seid, owner)
        async with record.lock:
            _check_in_force(record)
            before = record.session
            with ExitStack() as undo:
                resources = RequestResources(self._resources, before, undo, owner)
                translator = Translator(before, resources)
                change = change_of(request, translator)
                given = given_of_urrs(change)
                session = before.modified(
                    change,
                    chosen_fteids=resources.chosen,
                    allocated=resources.allocated,
                    sets=sets_after(before.sets, request.fq_csids),
                    inactivity_timer_s=inactivity_timer_s(request, before),
                ).granted(granted_anew(given))
                gained = demand_of(session).minus(demand_of(before))
                self._occupy(before.slice_id, gained, undo)
                self._keeper.check()
                measurements = dict(record.measurements)
                grants = await self._reporting.grants(record, session, given)
                record.held = await self._entries.replace(record.held, session, grants)
                record.session = session
                record.version += 1
                reports, gone = await self._reporting.follow(
                    record,
                    before,
                    given,
                    queried(request, session),
                    request.query_urr_reference,
                )
                if request.user_plane_inactivity_timer_s is not None:
                    self._reporting.wait_idle(record)
                answer = messages.SessionModificationResponse(
                    seid=session.cp_seid,
                    cause=enums.Cause.REQUEST_ACCEPTED,
                    created_pdrs=created_pdrs(session, translator),
                    usage_reports=reports,
                )
                try:
                    await self._keep(record, answer, prepare)
                except BaseException:
                    await self._put_back(record, before, measurements)
                    raise
                undo.pop_all()
            self._index(record, before)
            await self._end_tunnels(request, before)
            if self.paging is not None:
                flags = request.pfcpsmreq_flags
                if flags is not None and flags.drobu:
                    self.paging.drop(session.up_seid)
                await self.paging.follow(record)
            self._resources.release_fteids(
                before.local_fteids - session.local_fteids - set(session.chosen_fteids.values())
            )
            self._reporting.settle(before.slice_id, gone)
        return answer

    async def _end_tunnels(
        self, request: messages.SessionModificationRequest, before: Session
    ) -> None:
        """Mark the end of tunnels that a request leaves, behind their last packet."""
        if self.end_tunnel is None:
            return
        for local, tunnel in left(request, before, self._entries.networks):
            try:
                await self.end_tunnel(local, tunnel)
            except TargetError as error:
                log.warning("no End Marker to %s: %s", tunnel[0], error)

    async def _put_back(
        self, record: SessionRecord, before: Session, measurements: dict[int, Measurement]
    ) -> None:
        """Have all be as it was before a modification that could not be kept."""
        # What was used since is counted from what was folded then.
        record.measurements = measurements
        grants = self._reporting.grants_back(record, before)
        record.held = await self._entries.replace(record.held, before, grants)
        record.session = before
        record.version += 1
        self._reporting.restore(record)

    async def _delete(
        self,
        request: messages.SessionDeletionRequest,
        owner: ies.NodeID,
        prepare: Prepare | None,
    ) -> messages.SessionDeletionResponse:
        record = self._record(request.seid, owner)
        async with record.lock:
            _check_in_force(record)
            self._keeper.check()
            answer = messages.SessionDeletionResponse(
                seid=record.session.cp_seid,
                cause=enums.Cause.REQUEST_ACCEPTED,
                usage_reports=await self._end(record),
            )
            record.answered = None if prepare is None else prepare(answer)
            await self._keeper.forget(record)
        return answer

    async def _end(self, record: SessionRecord) -> tuple[ies.UsageReportInDeletionResponse, ...]:
        """Entries first, so that counters stand still when they are read for the last time."""
        session = record.session
        await self._entries.remove(record.held)
        record.is_deleted = True
        if self.paging is not None:
            self.paging.end(session.up_seid)
        del self.sessions[session.up_seid]
        for pdr in session.pdrs.values():
            self._by_usage_id.pop(pdr.usage_id, None)
        self.remote_tunnels.forget(record)
        self.occupancy.give_back(session.slice_id, demand_of(session))
        self._resources.seids.release(session.up_seid)
        self._resources.release_fteids(session.local_fteids | set(session.chosen_fteids.values()))
        for allocated in session.allocated.values():
            self._resources.ue_pools.release(allocated)
        log.debug("session %016x of %s ended", session.up_seid, record.owner)
        return await self._reporting.end(record)

    def _index(self, record: SessionRecord, before: Session | None) -> None:
        """Find a record by the usage counters of its PDRs of now."""
        for pdr in before.pdrs.values() if before is not None else ():
            self._by_usage_id.pop(pdr.usage_id, None)
        for pdr in record.session.pdrs.values():
            self._by_usage_id[pdr.usage_id] = record
        self.remote_tunnels.follow(record, before)

    def _record(self, up_seid: int, owner: ies.NodeID) -> SessionRecord:
        """The session with this SEID, if it is this CP function's."""
        record = self.sessions.get(up_seid)
        if record is None or record.owner != owner:
            raise SessionUnknownError(f"{owner} has no session {up_seid:016x}")
        return record

    def refuse(self, request: messages.Message, error: UPFError) -> messages.Message | None:
        """The answer to a session request that says why not; None for another kind of request."""
        if not isinstance(request, SessionRequest):
            return None
        record = self.sessions.get(request.seid)
        return refusal(request, error, self._identity.node_id, record)


def _check_in_force(record: SessionRecord) -> None:
    """Refuse what waited while the session was deleted."""
    if record.is_deleted:
        raise SessionUnknownError(f"session {record.session.up_seid:016x} was just deleted")

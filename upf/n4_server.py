"""Runs the N4 procedures behind the PFCP endpoint: each request its own task, each answered."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from pfcp import enums, events, messages, udp
from pfcp.endpoint import Endpoint
from pfcp.load import LoadStatus
from upf.answered import Answered, digest_of
from upf.config import PFCP_PORT
from upf.errors import PeerError, PeerSilentError, StartError, TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from pfcp.admission import Admission
    from pfcp.events import Event, Peer
    from pfcp.ies import NodeID
    from upf.n4 import N4
    from upf.n4_node import Identity
    from upf.records import SessionRecord

_ASSOCIATING = (
    messages.AssociationSetupRequest,
    messages.AssociationUpdateRequest,
    messages.AssociationReleaseRequest,
)

# Requests under way from which on CP functions are asked to send less, and by how much.
OVERLOAD_REQUESTS = 5_000
OVERLOAD_REDUCTION_PERCENT = 50

log = logging.getLogger(__name__)


class N4Server:
    """The N4 side of the UPF on the wire. `open` binds, `serve` begins to carry out requests.

    `reports_answered` counts answers to session reports by cause. `associated_since`: seconds since
    1970 by node. `on_associations` is called when one is made, changed or gone;
    `on_report_answered` with what a CP function says to a session report.
    """

    def __init__(
        self,
        identity: Identity,
        admission: Admission | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self.endpoint = Endpoint(
            node_id=identity.node_id,
            recovery_time_stamp=identity.recovery_time_stamp,
            random=random.random,
            cp_seid_of=self._cp_seid_of,
            load_status=self._load_status,
            admission=admission,
        )
        self._server: udp.Server | None = None
        self._n4: N4 | None = None
        self._is_serving = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._forgetting: dict[str, asyncio.Task[None]] = {}
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._asked: dict[int, asyncio.Future[messages.Message]] = {}
        self.associated_since: dict[NodeID, float] = {}
        self.on_associations: Callable[[], None] = lambda: None
        self._known_associations: dict[NodeID, tuple[object, ...]] = {}
        self._answered: dict[tuple[str, int, int], Answered] = {}
        self._reported: dict[int, SessionRecord] = {}
        self.on_report_answered: Callable[[SessionRecord, messages.SessionReportResponse], None] = (
            lambda _, __: None
        )
        self._reports: dict[int, tuple[SessionRecord, bytes]] = {}
        self.on_told: Callable[[SessionRecord, bytes], None] = lambda *_: None
        self.on_returned: Callable[[NodeID], None] = lambda _: None
        self.reports_sent = 0
        self.reports_answered: Counter[int] = Counter()

    async def open(self, local: Peer) -> None:
        """Bind; heartbeats are answered from here on. StartError if the address cannot be had."""
        try:
            self._server = await udp.serve(self.endpoint, local, self._on_event)
        except udp.N4AddressError as error:
            raise StartError(error.strerror or str(error)) from error

    @property
    def is_serving(self) -> bool:
        """Whether requests are carried out."""
        return self._is_serving.is_set()

    def know_associations(self, since: float) -> None:
        """Take the associations there are as known; `since` is for those nobody knows better of."""
        for each in self.endpoint.associations.all():
            self.associated_since[each.node_id] = since
        self._known_associations = self._held_associations()

    def restore_answers(self, answered: Iterable[Answered]) -> None:
        """Give duplicates of these requests the answers of the run before. Later ones are the
        endpoint's.
        """
        self._answered = {each.key: each for each in answered}

    def serve(self, n4: N4) -> None:
        """Carry out the requests that wait and all that follow."""
        self._n4 = n4
        self._is_serving.set()

    def report(self, record: SessionRecord, request: messages.SessionReportRequest) -> None:
        """Send a session report to the session's CP function."""
        self._report(record, request)

    def report_untold(self, record: SessionRecord) -> None:
        """Send the usage reports of a session that nobody has confirmed and that are not on their
        way; `on_told` is called for each that is confirmed.
        """
        on_their_way = [id(octets) for _, octets in self._reports.values()]
        for octets in record.untold:
            if id(octets) not in on_their_way:
                self._reports[self._report(record, messages.decode(octets))] = (record, octets)

    def _report(self, record: SessionRecord, request: messages.Message) -> int:
        assert self._server is not None
        self.reports_sent += 1
        peer = (str(record.session.cp_address), PFCP_PORT)
        handle = self._server.send_request(peer, request)
        self._reported[handle] = record
        return handle

    def report_node(self, request: messages.NodeReportRequest) -> None:
        """Send a node report to every CP function with an association."""
        assert self._server is not None
        for association in self.endpoint.associations.all():
            self.reports_sent += 1
            self._server.send_request(association.peer, request)

    async def ask(self, peer: Peer, request: messages.Message) -> messages.Message:
        """Send a request of ours and wait for its answer.

        PeerError if it is refused, cannot be read, or does not come.
        """
        assert self._server is not None
        handle = self._server.send_request(peer, request)
        outcome: asyncio.Future[messages.Message] = asyncio.get_running_loop().create_future()
        self._asked[handle] = outcome
        try:
            answer = await outcome
        finally:
            del self._asked[handle]
            self._look_at_associations()
        cause = getattr(answer, "cause", enums.Cause.REQUEST_ACCEPTED)
        if cause != enums.Cause.REQUEST_ACCEPTED:
            raise PeerError(f"the SMF at {peer[0]} refused: cause {int(cause)}")
        return answer

    async def wait_quiet(self, within_s: float) -> None:
        """Wait until nothing is being carried out for an SMF, or for so long."""
        if self._tasks:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._is_quiet.wait()

    def release(self, node_id: NodeID) -> None:
        """End an association without asking the peer."""
        assert self._server is not None
        self._server.release(node_id)
        self._look_at_associations()

    async def close(self) -> None:
        """Stop serving; what is under way is abandoned."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()

    def _cp_seid_of(self, up_seid: int) -> int:
        record = self._n4.sessions.get(up_seid) if self._n4 is not None else None
        return 0 if record is None else record.session.cp_seid

    def _load_status(self, now: float) -> LoadStatus:
        """How much of the room for sessions is taken; and that CP functions shall send less while
        many requests are under way.
        """
        del now
        load = self._n4.load_percent() if self._n4 is not None else None
        is_overloaded = len(self._tasks) > OVERLOAD_REQUESTS
        return LoadStatus(load, OVERLOAD_REDUCTION_PERCENT if is_overloaded else 0)

    def _on_event(self, event: Event) -> None:
        match event:
            case events.RequestReceived():
                self._start(self._answer(event))
            case events.PeerRestarted():
                log.warning("%s restarted: its sessions end", event.association.node_id)
                self._look_at_associations()
                self._forgetting[event.peer[0]] = self._start(
                    self._forget(event.peer[0], event.association.node_id)
                )
            case events.PeerLost():
                log.warning("%s answers no heartbeats", event.association.node_id)
                self._look_at_associations()
            case events.PeerReturned():
                log.info("%s answers heartbeats again", event.association.node_id)
                self.on_returned(event.association.node_id)
                self._look_at_associations()
            case events.PeerLoadChanged() | events.PeerOverloadChanged():
                # A UP function steers no load to its CP functions.
                log.debug("%s tells its load", event.association.node_id)
            case events.ResponseReceived():
                self._receive_answer(event)
            case events.ResponseMalformed():
                text = f"{event.peer[0]} gave an answer that cannot be read: {event.error}"
                self._fail(event.handle, PeerError(text))
            case events.RequestTimedOut():
                text = f"{event.peer[0]} does not answer {type(event.request).__name__}"
                self._fail(event.handle, PeerSilentError(text))

    def _look_at_associations(self) -> None:
        """Tell of associations that are other than before."""
        before = self._known_associations
        held = self._held_associations()
        if held == before:
            return
        now = time.time()
        self.associated_since = {
            # One with a peer that restarted is a new one.
            node: self.associated_since[node] if before.get(node, (None,))[0] == facts[0] else now
            for node, facts in held.items()
        }
        self._known_associations = held
        self.on_associations()

    def _held_associations(self) -> dict[NodeID, tuple[object, ...]]:
        return {
            each.node_id: (each.recovery_time_stamp, each.peer, each.state)
            for each in self.endpoint.associations.all()
        }

    def _receive_answer(self, event: events.ResponseReceived) -> None:
        if event.handle in self._reports:
            self.on_told(*self._reports.pop(event.handle))
        asked = self._asked.get(event.handle)
        if asked is not None and not asked.done():
            asked.set_result(event.response)
            return
        record = self._reported.pop(event.handle, None)
        if record is not None and isinstance(event.response, messages.SessionReportResponse):
            self.on_report_answered(record, event.response)
        cause = getattr(event.response, "cause", enums.Cause.REQUEST_ACCEPTED)
        self.reports_answered[int(cause)] += 1
        if cause != enums.Cause.REQUEST_ACCEPTED:
            log.warning("%s refused a report: cause %d", event.peer[0], cause)

    def _fail(self, handle: int, error: PeerError) -> None:
        """Tell whoever waits for an answer that it does not come."""
        self._reported.pop(handle, None)
        self._reports.pop(handle, None)
        asked = self._asked.get(handle)
        if asked is not None and not asked.done():
            asked.set_exception(error)
        else:
            log.warning("%s", error)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        self._is_quiet.clear()
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._is_quiet.set()

    async def _answer(self, event: events.RequestReceived) -> None:
        if not self._is_serving.is_set():
            await self._is_serving.wait()
        # The sessions of a peer that restarted are gone before it makes new ones.
        if event.peer[0] in self._forgetting:
            await self._forgetting[event.peer[0]]
        assert self._n4 is not None
        assert self._server is not None
        before = self._answered.get((*event.peer, event.request.sequence_number))
        if before is not None and before.answers(event):
            self._server.respond_again(event, before.octets)
            return
        try:
            answer = await self._n4.answer(event.request, event.peer, partial(self._prepare, event))
        except Exception:
            # The top of the N4 loop: a fault of ours must not leave the peer without an answer.
            log.exception("%s of %s", type(event.request).__name__, event.peer[0])
            answer = self._n4.refuse(event.request, TargetError("internal fault"))
        if answer is not None:
            self._server.respond(event, answer)
        if isinstance(event.request, _ASSOCIATING):
            self._look_at_associations()

    def _prepare(self, event: events.RequestReceived, answer: messages.Message) -> Answered:
        """Encode an answer that is kept before it is sent."""
        assert self._server is not None
        return Answered(
            *event.peer,
            event.request.sequence_number,
            digest_of(event),
            self._server.prepare(event, answer),
            self._clock(),
        )

    async def _forget(self, host: str, node_id: NodeID) -> None:
        await self._is_serving.wait()
        assert self._n4 is not None
        await self._n4.forget_sessions_of(node_id)
        self._forgetting.pop(host, None)

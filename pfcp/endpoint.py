"""A PFCP entity without I/O: datagrams and the time go in, datagrams, events and a timer come out.

    endpoint.receive_datagram(octets, peer, now)
    for event in endpoint.events(): …
    for octets, peer in endpoint.datagrams_to_send(): …
    wake at endpoint.next_timer() and call endpoint.advance(now)

Heartbeats, Version Not Supported, duplicates and malformed requests are answered here and never
reach the owner. Every other request becomes one RequestReceived, to be answered with `respond`. An
association begins and ends with the accepted answer to the request that asks for it.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator

from pfcp import header, messages, schema
from pfcp.admission import Admission
from pfcp.association import Association
from pfcp.enums import Cause
from pfcp.errors import DecodeError, HeaderError, ProtocolStateError, UnsupportedVersionError
from pfcp.events import (
    Event,
    Peer,
    RequestReceived,
    RequestTimedOut,
    ResponseMalformed,
    ResponseReceived,
)
from pfcp.header import Header
from pfcp.ies import NodeID
from pfcp.load import Announcer, LoadSource, LoadStatus
from pfcp.messages import Message
from pfcp.peers import Peers
from pfcp.refusal import refusal
from pfcp.transactions import Inbound, Outbound, Timers, Transaction

_UNNUMBERED = frozenset({6, 10})
"""Association Setup and Release Response: one SMF numbers them 1 whatever the request had."""


class Endpoint:
    """One PFCP entity and all its peers.

    `recovery_time_stamp` is when this entity started, in seconds since 1900-01-01. `random` gives
    numbers from 0 to 1. `cp_seid_of` names the peer's SEID of a session by ours, 0 if there is
    none; it is asked only to address the refusal of a malformed request. `admission` says who may
    speak and how much, `load_status` how loaded we are for peers that want to know.
    """

    def __init__(
        self,
        *,
        node_id: NodeID,
        recovery_time_stamp: int,
        random: Callable[[], float],
        timers: Timers | None = None,
        cp_seid_of: Callable[[int], int] = lambda _: 0,
        admission: Admission | None = None,
        load_status: LoadSource = lambda _: LoadStatus(),
    ) -> None:
        self.node_id = node_id
        self.recovery_time_stamp = recovery_time_stamp
        self.timers = timers or Timers()
        self.counters: Counter[str] = Counter()
        self._cp_seid_of = cp_seid_of
        self._admission = Admission() if admission is None else admission
        self._announcer = Announcer(load_status, recovery_time_stamp)
        self._outbound = Outbound(self.timers, random)
        self._inbound = Inbound(self.timers)
        self._events: deque[Event] = deque()
        self._datagrams: list[tuple[bytes, Peer]] = []
        self._peers = Peers(self.timers, random, self._events.append, self._forget_answers)
        self.associations = self._peers.associations
        self.peer_loads = self._peers.loads

    # Out: what the owner and its socket fetch.

    def datagrams_to_send(self) -> list[tuple[bytes, Peer]]:
        """Datagrams not fetched yet."""
        datagrams, self._datagrams = self._datagrams, []
        return datagrams

    def next_event(self) -> Event | None:
        """The oldest event not fetched yet."""
        return self._events.popleft() if self._events else None

    def events(self) -> Iterator[Event]:
        """Events not fetched yet, those included that arise meanwhile."""
        while self._events:
            yield self._events.popleft()

    def next_timer(self) -> float | None:
        """When `advance` must be called next; None while nothing is under way."""
        times = (self._peers.next_timer(), self._outbound.next_timer())
        return min((when for when in times if when is not None), default=None)

    # In: requests and answers of the owner.

    def send_request(self, peer: Peer, request: Message, now: float) -> int:
        """Send a request and return the handle its outcome will carry.

        The sequence number is chosen here. Ends in ResponseReceived, ResponseMalformed or
        RequestTimedOut. Raises EncodeError.
        """
        return self._start(peer, request, now, is_heartbeat=False).handle

    def respond(self, event: RequestReceived, response: Message, now: float) -> None:
        """Answer a request; the sequence number is the request's.

        Nothing is sent to a peer that has restarted since: it asked in a former life.
        Raises ProtocolStateError for a request answered before, EncodeError for a bad value.
        """
        octets = event.inquiry.prepared or self.prepare(event, response, now)
        if event.inquiry.answer is not None:
            raise ProtocolStateError(
                f"{type(event.request).__name__} {event.request.sequence_number} of "
                f"{event.peer[0]} was answered before",
                cause=Cause.SYSTEM_FAILURE,
            )
        event.inquiry.answer = octets
        if event.inquiry.is_void:
            self.counters["void_answers"] += 1
            return
        self._send(octets, event.peer)
        self._peers.agree(event.peer, event.request, response, now)

    def prepare(self, event: RequestReceived, response: Message, now: float) -> bytes:
        """The octets that `respond` will answer a request with, for an owner that has to keep them
        before it sends them. EncodeError for a bad value.
        """
        dressed = self._dress(response, event.peer, now)
        octets = event.inquiry.prepared = dressed.encode(event.request.sequence_number)
        return octets

    def respond_again(self, event: RequestReceived, octets: bytes) -> None:
        """Answer a request as an earlier run of this entity did."""
        event.inquiry.answer = octets
        self.counters["duplicate_requests"] += 1
        self._send(octets, event.peer)

    def restore(self, association: Association, now: float) -> None:
        """Have an association of an earlier run of this entity, which told its peers the same
        recovery time stamp.
        """
        self._peers.restore(association, now)

    def release(self, node_id: NodeID, now: float) -> None:
        """End an association, if there is one, without asking the peer."""
        self._peers.release(node_id, now)

    # In: the network and the clock.

    def receive_datagram(self, octets: bytes, peer: Peer, now: float) -> None:
        """Take in a datagram: one message, or several bundled (§6.5)."""
        self.counters["datagrams_received"] += 1
        if not self._admission.is_allowed(peer[0]):
            self.counters["forbidden_peer"] += 1
            return
        at, more = 0, True
        while more:
            try:
                head = header.decode_header(octets, at)
            except UnsupportedVersionError:
                self._receive_version(octets[at:], peer, now)
                return
            except HeaderError:
                self.counters["malformed_header"] += 1
                return
            self._receive_message(head, octets, octets[at : head.end], peer, now)
            at, more = head.end, head.follow_on and head.end < len(octets)

    def advance(self, now: float) -> None:
        """Do what the time has come for: retransmit, give up, send heartbeats."""
        again, given_up = self._outbound.due(now)
        for transaction in again:
            self.counters["retransmissions"] += 1
            self._send(transaction.octets, transaction.peer)
        for transaction in given_up:
            self.counters["timeouts"] += 1
            if transaction.is_heartbeat:
                self._peers.heartbeat_missed(transaction.peer, now)
            else:
                self._events.append(
                    RequestTimedOut(transaction.peer, transaction.handle, transaction.request)
                )
        for association in self._peers.due(now):
            beat = messages.HeartbeatRequest(recovery_time_stamp=self.recovery_time_stamp)
            self._start(association.peer, beat, now, is_heartbeat=True)

    def _receive_message(
        self, head: Header, datagram: bytes, octets: bytes, peer: Peer, now: float
    ) -> None:
        spec = schema.MESSAGES.get(head.message_type)
        if spec is None:
            # TS 29.244 §7.6.4: silently discarded.
            self.counters["unknown_message_type"] += 1
        elif spec.response is None:
            self._receive_response(head, datagram, peer, now)
        elif self._is_shed(peer, now, is_heartbeat=spec.cls is messages.HeartbeatRequest):
            self.counters["shed_requests"] += 1
        elif spec.cls is messages.HeartbeatRequest:
            self._receive_heartbeat(head, datagram, peer, now)
        else:
            self._receive_request(head, datagram, octets, peer, now)

    # Requests of peers.

    def _is_shed(self, peer: Peer, now: float, *, is_heartbeat: bool) -> bool:
        """Heartbeats of an associated peer are never shed: their loss would end its sessions."""
        if is_heartbeat and self.associations.has_host(peer[0]):
            return False
        return not self._admission.take(peer[0], now)

    def _receive_version(self, octets: bytes, peer: Peer, now: float) -> None:
        """Answer a datagram of another PFCP version (§7.6.2)."""
        self.counters["unsupported_version"] += 1
        answer = header.version_not_supported(octets)
        if answer is not None and not self._is_shed(peer, now, is_heartbeat=False):
            self._send(answer, peer)

    def _receive_heartbeat(self, head: Header, datagram: bytes, peer: Peer, now: float) -> None:
        try:
            request = messages.decode_body(head, datagram)
        except DecodeError:
            # A heartbeat response has no Cause to refuse with.
            self.counters["malformed_requests"] += 1
            return
        assert isinstance(request, messages.HeartbeatRequest)
        self.counters["heartbeats_answered"] += 1
        answer = messages.HeartbeatResponse(recovery_time_stamp=self.recovery_time_stamp)
        self._send(answer.encode(head.sequence_number), peer)
        self._peers.compare(peer, request, now)

    def _receive_request(
        self, head: Header, datagram: bytes, octets: bytes, peer: Peer, now: float
    ) -> None:
        key = (*peer[:2], head.sequence_number, head.message_type)
        inquiry, is_new = self._inbound.admit(key, octets, now)
        if not is_new:
            self.counters["duplicate_requests"] += 1
            if inquiry.answer is not None:
                self._send(inquiry.answer, peer)
            return
        try:
            request = messages.decode_body(head, datagram)
        except DecodeError as error:
            self.counters["malformed_requests"] += 1
            refused = refusal(
                head,
                error,
                node_id=self.node_id,
                recovery_time_stamp=self.recovery_time_stamp,
                cp_seid=self._cp_seid_of(head.seid) if head.seid else 0,
            )
            inquiry.answer = refused.encode()
            self._send(inquiry.answer, peer)
            return
        self.counters["requests_received"] += 1
        self._peers.compare(peer, request, now)
        # A restart just noticed has wiped out what was known of the host, this request included.
        inquiry, _ = self._inbound.admit(key, octets, now)
        self._events.append(RequestReceived(peer, request, inquiry))

    # Answers of peers.

    def _receive_response(self, head: Header, datagram: bytes, peer: Peer, now: float) -> None:
        transaction = self._outbound.find(peer, head.sequence_number)
        if (
            head.message_type in _UNNUMBERED
            and head.sequence_number == 1
            and (transaction is None or transaction.response_type != head.message_type)
        ):
            transaction = self._outbound.find_by_type(peer, head.message_type)
        if transaction is None or head.message_type not in (
            transaction.response_type,
            header.VERSION_NOT_SUPPORTED_RESPONSE,
        ):
            # TS 29.244 §7.6.5: silently discarded.
            self.counters["unexpected_responses"] += 1
            return
        self._outbound.close(transaction)
        try:
            response = messages.decode_body(head, datagram)
        except DecodeError as error:
            self.counters["malformed_responses"] += 1
            if transaction.is_heartbeat:
                self._peers.heartbeat_missed(peer, now)
            else:
                self._events.append(
                    ResponseMalformed(peer, transaction.handle, transaction.request, error)
                )
            return
        self.counters["responses_received"] += 1
        self._peers.compare(peer, response, now)
        if transaction.is_heartbeat:
            if isinstance(response, messages.HeartbeatResponse):
                self._peers.heartbeat_answered(peer, now)
            else:
                # Version Not Supported is no sign of the peer we knew.
                self._peers.heartbeat_missed(peer, now)
            return
        self._peers.agree(peer, response, response, now)
        self._events.append(
            ResponseReceived(peer, transaction.handle, transaction.request, response)
        )

    # Sending.

    def _start(
        self, peer: Peer, request: Message, now: float, *, is_heartbeat: bool
    ) -> Transaction:
        response_type = schema.spec_of(type(request)).response
        if response_type is None:
            raise TypeError(f"{type(request).__name__} is not a request")
        sequence_number = self._outbound.next_sequence_number(peer)
        octets = self._dress(request, peer, now).encode(sequence_number)
        self.counters["requests_sent"] += 1
        self._send(octets, peer)
        return self._outbound.start(
            peer,
            request,
            response_type,
            octets,
            sequence_number,
            now,
            is_heartbeat=is_heartbeat,
        )

    def _send(self, octets: bytes, peer: Peer) -> None:
        self.counters["datagrams_sent"] += 1
        self._datagrams.append((octets, peer))

    def _dress(self, message: Message, peer: Peer, now: float) -> Message:
        return self._announcer.dress(message, self.associations.of_peer(peer), now)

    def _forget_answers(self, host: str) -> None:
        self.counters["peer_restarts"] += 1
        self._inbound.forget_host(host)

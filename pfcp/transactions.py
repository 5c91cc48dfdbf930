"""Requests and their answers on an unreliable network (TS 29.244 §6.4).

Outbound: a request is sent again every T1 until answered, at most N1 times. Inbound: a request is
told to the owner once; while it is being worked on its duplicates are dropped, afterwards they get
the same octets. Key and octets must both agree for a duplicate: a peer that restarted counts its
sequence numbers from the beginning again.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from pfcp.messages import Message

Peer = tuple[str, int]
"""Address and UDP port."""

SEQUENCE_NUMBERS = 1 << 24

ANSWERS_KEPT = 1 << 16
"""Bound on the answers kept: at 300 octets each some 20 MB."""


@dataclass(frozen=True, slots=True)
class Timers:
    """Spans in seconds and counts; §6.4 and §6.2.2 leave them to the operator.

    `answer_kept_s` must exceed a peer's T1 times N1. Heartbeats should not be sent more often than
    every 60 s on each path (§6.2.2.2).
    """

    t1_s: float = 3.0
    n1: int = 3
    jitter: float = 0.1
    heartbeat_interval_s: float = 60.0
    answer_kept_s: float = 30.0


@dataclass(slots=True, eq=False)
class Transaction:
    """A request of ours without an answer yet; `is_heartbeat` if the endpoint itself sent it."""

    handle: int
    peer: Peer
    request: Message
    sequence_number: int
    response_type: int
    octets: bytes
    sends_left: int
    is_heartbeat: bool
    is_open: bool = True


class Outbound:
    """Requests of ours on their way."""

    def __init__(self, timers: Timers, random: Callable[[], float]) -> None:
        self._timers = timers
        self._random = random
        self._open: dict[tuple[str, int], Transaction] = {}
        self._due: list[tuple[float, int, Transaction]] = []
        # Late answers to requests of a former life of this entity should meet none of this one.
        self._sequence_number = int(random() * SEQUENCE_NUMBERS)
        self._handle = 0

    def next_sequence_number(self, peer: Peer) -> int:
        """A sequence number that no open request to this peer uses."""
        while True:
            self._sequence_number = (self._sequence_number + 1) % SEQUENCE_NUMBERS
            if (peer[0], self._sequence_number) not in self._open:
                return self._sequence_number

    def start(
        self,
        peer: Peer,
        request: Message,
        response_type: int,
        octets: bytes,
        sequence_number: int,
        now: float,
        *,
        is_heartbeat: bool = False,
    ) -> Transaction:
        """Open a transaction for octets that are being sent now."""
        self._handle += 1
        transaction = Transaction(
            self._handle,
            peer,
            request,
            sequence_number,
            response_type,
            octets,
            self._timers.n1,
            is_heartbeat,
        )
        self._open[peer[0], sequence_number] = transaction
        self._arm(transaction, now)
        return transaction

    def _arm(self, transaction: Transaction, now: float) -> None:
        span = self._timers.t1_s * (1 + self._timers.jitter * self._random())
        heapq.heappush(self._due, (now + span, transaction.handle, transaction))

    def find(self, peer: Peer, sequence_number: int) -> Transaction | None:
        """The open request an answer from this host belongs to; peers may answer from any port."""
        return self._open.get((peer[0], sequence_number))

    def find_by_type(self, peer: Peer, response_type: int) -> Transaction | None:
        """The only open request to this host that such an answer can belong to."""
        found = [
            item
            for item in self._open.values()
            if item.peer[0] == peer[0] and item.response_type == response_type
        ]
        return found[0] if len(found) == 1 else None

    def close(self, transaction: Transaction) -> None:
        """End a transaction: answered, or given up."""
        transaction.is_open = False
        del self._open[transaction.peer[0], transaction.sequence_number]

    def next_timer(self) -> float | None:
        """When `due` has something to say."""
        while self._due and not self._due[0][2].is_open:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def due(self, now: float) -> tuple[list[Transaction], list[Transaction]]:
        """Requests to send once more, and requests now given up."""
        again, given_up = [], []
        while (when := self.next_timer()) is not None and when <= now:
            transaction = heapq.heappop(self._due)[2]
            if transaction.sends_left > 0:
                transaction.sends_left -= 1
                self._arm(transaction, now)
                again.append(transaction)
            else:
                self.close(transaction)
                given_up.append(transaction)
        return again, given_up


@dataclass(slots=True, eq=False)
class Inquiry:
    """A request of a peer; `answer` is None while the owner works on it.

    `prepared` is the answer while it waits to be sent. `is_void` once the peer has restarted: the
    number of the request may be another's by then.
    """

    octets: bytes
    expires: float
    answer: bytes | None = None
    prepared: bytes | None = None
    is_void: bool = False


InquiryKey = tuple[str, int, int, int]
"""Address, port, sequence number, message type."""


class Inbound:
    """Requests of peers, each admitted once."""

    def __init__(self, timers: Timers, capacity: int = ANSWERS_KEPT) -> None:
        self._kept_s = timers.answer_kept_s
        self._capacity = capacity
        self._inquiries: OrderedDict[InquiryKey, Inquiry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._inquiries)

    def admit(self, key: InquiryKey, octets: bytes, now: float) -> tuple[Inquiry, bool]:
        """What is known of a request, and whether it is new."""
        self._forget(now)
        known = self._inquiries.get(key)
        if known is not None and known.octets == octets:
            return known, False
        self._inquiries.pop(key, None)
        inquiry = self._inquiries[key] = Inquiry(octets, now + self._kept_s)
        return inquiry, True

    def forget_host(self, host: str) -> None:
        """Drop what is known of a host that has restarted."""
        for key in [key for key in self._inquiries if key[0] == host]:
            self._inquiries.pop(key).is_void = True

    def _forget(self, now: float) -> None:
        """Drop the oldest entries: all were kept for the same span, so the oldest expires first."""
        while self._inquiries:
            oldest = next(iter(self._inquiries.values()))
            if oldest.expires > now and len(self._inquiries) < self._capacity:
                return
            self._inquiries.popitem(last=False)

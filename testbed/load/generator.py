"""The SMFs: sessions and requests under way, offered at a rate or so many at a time."""

import gc
import itertools
import random
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Self

from testbed.errors import PeerError
from testbed.load.answers import ACCEPTED, ASKED_BY_UPF, Answers, answer_to, sequence_number
from testbed.load.templates import Numbers, Requests, Shape

PFCP_PORT = 8805
T1_S = 3.0
_N1 = 3
_BUFFER_BYTES = 8 << 20
_MAX_SEQUENCE_NUMBER = (1 << 24) - 1
_BURST = 64  # requests sent before answers are looked for
_SECONDS_1900_TO_1970 = 2_208_988_800


class Kind(StrEnum):
    """What a request asks for."""

    ESTABLISH = "establish"
    MODIFY = "modify"
    DELETE = "delete"


@dataclass(slots=True)
class _Session:
    smf: int
    numbers: Numbers
    up_seid: int = 0


@dataclass(slots=True)
class _Open:
    """A request without an answer. `due` is when it was to be sent, `again` when it will be."""

    kind: Kind
    session: _Session
    octets: bytes
    due: float
    again: float
    sends_left: int


@dataclass(slots=True)
class Outcome:
    """What a phase came to. `latencies` in seconds, from when a request was due, by kind."""

    took_s: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)  # by cause
    retransmissions: int = 0
    unanswered: int = 0


class Generator:
    """Some SMFs with their sockets, for the length of a `with` block.

    UE addresses count up from `first_ue`. The gNBs' tunnels are on `gnb`. A request is sent again
    up to `repeats` times, every 3 s.
    """

    def __init__(
        self,
        upf: IPv4Address,
        smfs: list[IPv4Address],
        gnb: IPv4Address,
        first_ue: IPv4Address,
        shape: Shape,
        *,
        repeats: int = _N1,
    ) -> None:
        self._stamp = int(time.time()) + _SECONDS_1900_TO_1970
        self._requests = [Requests.of(shape, smf, gnb, self._stamp) for smf in smfs]
        self._upf, self._smfs = str(upf), smfs
        self._repeats = repeats
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._numbers = itertools.count(1)
        self._sequence = itertools.cycle(range(2, _MAX_SEQUENCE_NUMBER))
        self._first_ue = int(first_ue)
        self._open: dict[int, _Open] = {}
        self._sent: deque[int] = deque()  # of open requests, in the order sent
        self._answers = Answers()
        self._idle: deque[_Session] = deque()  # established, nothing under way
        self._by_cp_seid: dict[int, _Session] = {}
        self._free: deque[Numbers] = deque()
        self._outcome = Outcome()
        self._is_mixed = False

    def __enter__(self) -> Self:
        for number, smf in enumerate(self._smfs):
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sockets.append(bound)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            bound.bind((str(smf), PFCP_PORT))
            bound.connect((self._upf, PFCP_PORT))
            self._associate(bound, self._requests[number].association)
            bound.settimeout(0)
            self._selector.register(bound, selectors.EVENT_READ, number)
        return self

    def __exit__(self, *raised: object) -> None:
        for bound in self._sockets:
            bound.close()
        self._selector.close()

    @property
    def num_sessions(self) -> int:
        """Sessions established, those not counted of which a request was never answered."""
        return len(self._idle)

    def up_seids(self) -> set[int]:
        """The sessions established, by the UPF's SEIDs."""
        return {session.up_seid for session in self._by_cp_seid.values()}

    def _associate(self, bound: socket.socket, octets: bytes) -> None:
        bound.settimeout(T1_S)
        for _ in range(_N1):
            bound.send(octets)
            try:
                answer = bound.recv(65536)
            except TimeoutError:
                continue
            cause, _ = self._answers.read(answer)
            if cause != ACCEPTED:
                raise PeerError(f"{self._upf} refused the association: cause {cause}")
            return
        raise PeerError(f"{self._upf} does not answer an association setup request")

    def run(
        self,
        kinds: Iterator[Kind],
        count: int,
        *,
        window: int = 0,
        per_s: float = 0.0,
        is_mixed: bool = False,
    ) -> Outcome:
        """Send so many requests: `per_s` a second, or as many as keep `window` unanswered.

        In a mix, a session is established where none is free to be modified or deleted.
        """
        self._is_mixed = is_mixed
        self._outcome = outcome = Outcome()
        was_enabled = gc.isenabled()
        gc.disable()
        began = time.perf_counter()
        try:
            if window:
                self._run_window(kinds, count, window)
            else:
                self._run_rate(kinds, count, per_s, began)
            while self._open:
                self._receive(0.01)
                self._send_again()
        finally:
            if was_enabled:
                gc.enable()
        outcome.took_s = time.perf_counter() - began
        return outcome

    def _run_window(self, kinds: Iterator[Kind], count: int, window: int) -> None:
        left = count
        while left:
            room = max(0, min(window - len(self._open), left))
            now = time.perf_counter()
            for _ in range(room):
                self._send(next(kinds), now)
            left -= room
            self._receive(0.01)
            self._send_again()

    def _run_rate(self, kinds: Iterator[Kind], count: int, per_s: float, began: float) -> None:
        sent = 0
        while sent < count:
            now = time.perf_counter()
            wanted = min(count, int((now - began) * per_s) + 1, sent + _BURST)
            for number in range(sent, wanted):
                self._send(next(kinds), began + number / per_s)
            sent = max(sent, wanted)
            self._receive(min(0.001, max(0.0, began + sent / per_s - time.perf_counter())))
            self._send_again()

    # --- requests ---------------------------------------------------------------------------------

    def _send(self, kind: Kind, due: float) -> None:
        if kind is not Kind.ESTABLISH and not self._idle:
            if not self._is_mixed:
                raise PeerError(f"no session is free to {kind}: establish more first")
            kind = Kind.ESTABLISH
        session = self._new_session() if kind is Kind.ESTABLISH else self._idle.popleft()
        requests = self._requests[session.smf]
        template = getattr(requests, kind)
        number = next(self._sequence)
        if kind is Kind.MODIFY:
            teid = session.numbers.teid % 0xFFFFFFFF + 1
            session.numbers = session.numbers._replace(teid=teid)
        octets = template.fill(session.up_seid, number, session.numbers)
        self._open[number] = _Open(
            *(kind, session, octets, due), time.perf_counter() + T1_S, self._repeats
        )
        self._sent.append(number)
        self._put(session.smf, octets)

    def _put(self, smf: int, octets: bytes) -> None:
        try:
            self._sockets[smf].send(octets)
        except (BlockingIOError, ConnectionRefusedError):
            return  # as if lost on the way: it is sent again

    def _new_session(self) -> _Session:
        if self._free:
            numbers = self._free.popleft()
            smf = numbers.cp_seid % len(self._smfs)
        else:
            number = next(self._numbers)
            smf = number % len(self._smfs)
            imsi = int(f"{number % 10**8:08d}", 16)
            numbers = Numbers(number, self._first_ue + number, number, imsi)
        return _Session(smf, numbers)

    def _send_again(self) -> None:
        now = time.perf_counter()
        while self._sent:
            number = self._sent[0]
            request = self._open.get(number)
            if request is not None and request.again > now:
                return
            self._sent.popleft()
            if request is None:
                continue
            if not request.sends_left:
                del self._open[number]
                self._outcome.unanswered += 1
                continue
            request.sends_left -= 1
            request.again = now + T1_S
            self._outcome.retransmissions += 1
            self._sent.append(number)
            self._put(request.session.smf, request.octets)

    # --- answers ----------------------------------------------------------------------------------

    def _receive(self, timeout_s: float) -> None:
        for ready, _ in self._selector.select(timeout_s):
            bound = self._sockets[ready.data]
            try:
                for _ in range(_BURST):
                    self._take(bound.recv(65536), ready.data)
            except (BlockingIOError, ConnectionRefusedError):
                continue

    def _take(self, octets: bytes, smf: int) -> None:
        if octets[1] in ASKED_BY_UPF:
            self._hear(octets, smf)
            return
        request = self._open.pop(sequence_number(octets), None)
        if request is None:
            return  # a second answer, to a request that was sent again
        now = time.perf_counter()
        cause, up_seid = self._answers.read(octets)
        outcome, kind, session = self._outcome, request.kind, request.session
        if cause != ACCEPTED:
            text = f"{kind}: cause {cause}"
            outcome.refused[text] = outcome.refused.get(text, 0) + 1
            if kind is not Kind.ESTABLISH:
                self._idle.append(session)
            return
        outcome.latencies.setdefault(kind, []).append(now - request.due)
        if kind is Kind.ESTABLISH:
            session.up_seid = up_seid
            self._by_cp_seid[session.numbers.cp_seid] = session
        if kind is Kind.DELETE:
            del self._by_cp_seid[session.numbers.cp_seid]
            self._free.append(session.numbers)
        else:
            self._idle.append(session)

    def _hear(self, octets: bytes, smf: int) -> None:
        """Answer what the UPF asks of its own accord."""
        cp_seid = int.from_bytes(octets[4:12], "big") if octets[0] & 1 else 0
        session = self._by_cp_seid.get(cp_seid)
        answer = answer_to(octets, self._stamp, session.up_seid if session else 0)
        if answer is not None:
            self._put(smf, answer)


def mix(weights: dict[Kind, int], seed: int = 1) -> Iterator[Kind]:
    """Kinds at random, in these proportions."""
    drawn = random.Random(seed)
    kinds, parts = list(weights), list(weights.values())
    while True:
        yield from drawn.choices(kinds, parts, k=1024)

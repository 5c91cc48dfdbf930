"""Replay the SMF's side of a captured N4 conversation against a UPF and compare the answers.

The SMF's requests leave octet for octet as captured, but for the UP SEID in their headers, which is
the one this UPF chose. Its answers are compared with the captured UPF's in what they carry. Values
a UPF chooses for itself (SEIDs, TEIDs, time stamps, volumes) may differ; causes and rules may not.
"""

import argparse
import contextlib
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scapy.contrib import pfcp as n4
from scapy.layers.inet import IP, UDP
from scapy.packet import Packet
from scapy.utils import RawPcapWriter, rdpcap

from testbed import dissection
from testbed.comparison import differences
from testbed.dissection import PFCP_PORT
from testbed.errors import PeerError, TestbedError

_ASSOCIATION_SETUP_REQUEST = 5
_LINKTYPE_RAW_IP = 101
_SEID = slice(4, 12)


@dataclass(frozen=True)
class Exchange:
    """A request of the SMF and the captured UPF's answer, None if the capture has none."""

    request: bytes
    answer: bytes | None


@dataclass(frozen=True)
class Conversation:
    """The SMF's side of a capture, in order, repetitions left out."""

    cp_address: str
    recovery_time_stamp: int
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True)
class Outcome:
    """An exchange replayed: the answer (None: silence) and where it says less than captured."""

    exchange: Exchange
    answer: bytes | None
    differences: tuple[str, ...]


def load(pcap: Path) -> Conversation:
    """Read a capture. Raises TestbedError if it holds no association setup."""
    datagrams = [
        (str(frame[IP].src), bytes(frame[UDP].payload))
        for frame in rdpcap(str(pcap))
        if IP in frame and UDP in frame and PFCP_PORT in (frame[UDP].sport, frame[UDP].dport)
    ]
    setups = (source for source, octets in datagrams if octets[1] == _ASSOCIATION_SETUP_REQUEST)
    cp_address = next(setups, None)
    if cp_address is None:
        raise TestbedError(f"{pcap}: no PFCP Association Setup Request in this capture")
    answers = {_key(octets): octets for source, octets in datagrams if source != cp_address}
    requests = dict.fromkeys(
        octets
        for source, octets in datagrams
        if source == cp_address and dissection.is_request(octets[1])
    )
    exchanges = tuple(Exchange(octets, answers.get(_key(octets, answer=1))) for octets in requests)
    setup = next(octets for octets in requests if octets[1] == _ASSOCIATION_SETUP_REQUEST)
    stamp = dissection.ie(dissection.read(setup), 96)
    return Conversation(cp_address, int(stamp.timestamp), exchanges)


def _key(octets: bytes, answer: int = 0) -> tuple[int, int]:
    """Message type and sequence number; with `answer` 1, those of the answer to this request."""
    message = n4.PFCP(octets)
    return message.message_type + answer, message.seq


@dataclass
class Replay:
    """One replay over a socket that is bound as the SMF; `heard` keeps all the UPF sent."""

    socket: socket.socket
    upf: tuple[str, int]
    recovery_time_stamp: int
    timeout_s: float = 3.0
    heard: list[bytes] = field(default_factory=list)
    _up_seids: dict[bytes, bytes] = field(default_factory=dict)
    _up_seid_of_cp_seid: dict[int, int] = field(default_factory=dict)

    def run(self, conversation: Conversation) -> list[Outcome]:
        """Send every request of the SMF, one at a time, and return what came of it."""
        return [self._play(exchange) for exchange in conversation.exchanges]

    def _play(self, exchange: Exchange) -> Outcome:
        request = self._readdress(exchange.request)
        self.socket.sendto(request, self.upf)
        answer = self._await(_key(request, answer=1))
        if answer is None:
            silent = ("the UPF did not answer",) if exchange.answer is not None else ()
            return Outcome(exchange, None, silent)
        if exchange.answer is None:
            return Outcome(exchange, answer, ())
        self._learn_up_seid(exchange.answer, answer)
        found = differences(dissection.read(exchange.answer), dissection.read(answer))
        return Outcome(exchange, answer, tuple(found))

    def _readdress(self, request: bytes) -> bytes:
        has_seid = request[0] & 1
        seid = self._up_seids.get(request[_SEID]) if has_seid else None
        return request if seid is None else request[:4] + seid + request[12:]

    def _learn_up_seid(self, captured: bytes, answer: bytes) -> None:
        if captured[1] != dissection.SESSION_ESTABLISHMENT_RESPONSE:
            return
        with contextlib.suppress(PeerError):  # its absence is one of the differences
            theirs, ours = (
                dissection.ie(dissection.read(octets), 57) for octets in (captured, answer)
            )
            self._up_seids[int(theirs.seid).to_bytes(8)] = int(ours.seid).to_bytes(8)
            self._up_seid_of_cp_seid[int.from_bytes(captured[_SEID])] = int(ours.seid)

    def _await(self, key: tuple[int, int]) -> bytes | None:
        deadline = time.monotonic() + self.timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left_s)
            try:
                octets = self.socket.recv(65536)
            except (TimeoutError, ConnectionRefusedError):
                continue
            self.heard.append(octets)
            if dissection.is_request(octets[1]):
                self._accept(dissection.read(octets))
            elif _key(octets) == key:
                return octets
        return None

    def _accept(self, request: Packet) -> None:
        """Answer what the UPF asks meanwhile as an SMF content with everything would."""
        if request.message_type == dissection.HEARTBEAT_REQUEST:
            stamp = n4.IE_RecoveryTimeStamp(timestamp=self.recovery_time_stamp)
            answer = n4.PFCP(S=0, seq=request.seq) / n4.PFCPHeartbeatResponse(IE_list=[stamp])
            self.socket.sendto(bytes(answer), self.upf)
        elif request.message_type == dissection.SESSION_REPORT_REQUEST:
            up_seid = self._up_seid_of_cp_seid.get(int(request.seid), 0)
            accepted = n4.PFCPSessionReportResponse(IE_list=[n4.IE_Cause(cause=1)])
            answer = n4.PFCP(S=1, seid=up_seid, seq=request.seq) / accepted
            self.socket.sendto(bytes(answer), self.upf)


def write_pcap(path: Path, datagrams: Sequence[bytes], source: str, destination: str) -> None:
    """Write PFCP datagrams as IPv4 packets, one frame each, for tshark to read."""
    writer = RawPcapWriter(str(path), linktype=_LINKTYPE_RAW_IP)
    try:
        for octets in datagrams:
            ip = IP(src=source, dst=destination)
            writer.write(bytes(ip / UDP(sport=PFCP_PORT, dport=PFCP_PORT) / octets))
    finally:
        writer.close()


def _print(outcome: Outcome) -> None:
    request = dissection.name(dissection.read(outcome.exchange.request))
    if outcome.answer is None:
        told = "no answer"
    else:
        answer = dissection.read(outcome.answer)
        causes = [f", cause {int(ie.cause)}" for ie in dissection.ies(answer, 19)]
        told = "".join([dissection.name(answer), *causes])
    print(f"{'DIFFERS' if outcome.differences else 'same   '}  {request} -> {told}")
    for difference in outcome.differences:
        print(f"           {difference}")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m testbed.replay",
        description="Replay the SMF's side of a captured N4 conversation against a running UPF and "
        "compare its answers with the captured ones. Exit status 0 if they carry the same.",
    )
    parser.add_argument("pcap", type=Path, help="capture of PFCP between an SMF and a UPF")
    parser.add_argument("--upf", required=True, help="IPv4 address of the UPF's N4")
    parser.add_argument(
        "--bind", help="IPv4 address to send from (default: the captured SMF's, if it is ours)"
    )
    parser.add_argument("--out", type=Path, help="write all the UPF sent to this pcap file")
    return parser.parse_args(argv)


def _bind(smf: socket.socket, wanted: str | None, captured: str) -> None:
    """Send from `wanted`, else from the captured SMF's address, else from any of ours."""
    if wanted is not None:
        smf.bind((wanted, PFCP_PORT))
        return
    try:
        smf.bind((captured, PFCP_PORT))
    except OSError:
        smf.bind(("", 0))


def main(argv: Sequence[str] | None = None) -> int:
    """Replay as the command line says; return the exit status."""
    arguments = _arguments(argv)
    try:
        conversation = load(arguments.pcap)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as smf:
            _bind(smf, arguments.bind, conversation.cp_address)
            replay = Replay(smf, (arguments.upf, PFCP_PORT), conversation.recovery_time_stamp)
            outcomes = replay.run(conversation)
    except (OSError, TestbedError) as failure:
        print(f"replay: {failure}", file=sys.stderr)
        return 2
    for outcome in outcomes:
        _print(outcome)
    if arguments.out is not None:
        write_pcap(arguments.out, replay.heard, arguments.upf, conversation.cp_address)
    return 1 if any(outcome.differences for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

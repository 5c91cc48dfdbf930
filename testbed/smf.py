"""A simulated SMF: PFCP over UDP from the core's namespace, worded like Open5GS, coded by scapy.

Requests are synchronous: one call, one answer or PeerError. A thread answers what the UPF asks of
its own accord (heartbeats, session reports) and keeps the reports.
"""

import itertools
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Self

from scapy.contrib import pfcp as n4
from scapy.packet import Packet

from testbed import dissection, open5gs
from testbed.dissection import PFCP_PORT
from testbed.errors import PeerError
from testbed.listening import Listener, arriving, udp_socket
from testbed.open5gs import PDUSession, Tunnel

_SECONDS_1900_TO_1970 = 2_208_988_800
_T1_S = 1.0
_N1 = 4
_ACCEPTED = 1
_REPORT_TRIGGERS = (
    ("perio", "volth", "timth", "quhti", "start", "stopt", "droth", "immer"),
    ("volqu", "timqu", "liusa", "termr", "monit", "envcl", "macar", "eveth"),
    ("evequ", "tebur", "ipmjl", "quvti", "emrre", "upint"),
)


@dataclass(frozen=True)
class Association:
    """What the UPF told of itself when the association was set up."""

    node_id: IPv4Address
    recovery_time_stamp: int
    up_function_features: bytes


@dataclass(frozen=True)
class UsageReport:
    """A usage report; a volume not told is None. `triggers` are flags of Usage Report Trigger in
    small letters, `part` is `bef` or `aft` a monitoring time.
    """

    urr_id: int
    ur_seqn: int
    triggers: frozenset[str]
    part: str | None = None
    duration_s: int | None = None
    total_bytes: int | None = None
    uplink_bytes: int | None = None
    downlink_bytes: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether it is the last of its URR."""
        return "termr" in self.triggers


@dataclass(frozen=True)
class EstablishedSession:
    """A PDU session with its user plane: the UPF's SEID and the F-TEIDs it chose, by PDR id."""

    session: PDUSession
    up_seid: int
    up_ipv4: IPv4Address
    fteids: dict[int, Tunnel] = field(hash=False)

    @property
    def uplink(self) -> Tunnel:
        """Where the gNB sends uplink packets."""
        return self.fteids[open5gs.PDR_UPLINK]


class SMF(Listener):
    """An SMF with its socket on `address`:8805 of `namespace`, for the length of a `with` block."""

    def __init__(self, namespace: str, address: IPv4Address, upf: IPv4Address) -> None:
        super().__init__("smf")
        self.namespace, self.address, self.upf = namespace, address, upf
        self.recovery_time_stamp = int(time.time()) + _SECONDS_1900_TO_1970
        self.heartbeats_answered = 0
        self.reports: list[UsageReport] = []
        self.pagings: list[tuple[int, ...]] = []  # PDR ids of each Downlink Data Report
        self.inactive: list[EstablishedSession] = []
        self.faults: list[str] = []
        self._cp_seids = itertools.count(1)
        self._sequence_numbers = itertools.count(1)
        self._answers: queue.SimpleQueue[Packet] = queue.SimpleQueue()
        self._sessions: dict[int, EstablishedSession] = {}

    def __enter__(self) -> Self:
        self._socket = udp_socket(self.namespace)
        self._socket.bind((str(self.address), PFCP_PORT))
        return super().__enter__()

    def allocate_cp_seid(self) -> int:
        """A CP SEID no session of this SMF has had."""
        return next(self._cp_seids)

    def associate(self) -> Association:
        """Set up the association. Raises PeerError if the UPF is silent or refuses."""
        answer = self._ask(
            open5gs.association_setup_request(self.address, self.recovery_time_stamp)
        )
        dissection.require_acceptance(answer)
        return Association(
            node_id=IPv4Address(dissection.ie(answer, 60).ipv4),
            recovery_time_stamp=int(dissection.ie(answer, 96).timestamp),
            up_function_features=dissection.value(dissection.ie(answer, 43)),
        )

    def heartbeat(self) -> int:
        """Send a heartbeat; return the UPF's recovery time stamp."""
        stamp = n4.IE_RecoveryTimeStamp(timestamp=self.recovery_time_stamp)
        answer = self._ask(n4.PFCPHeartbeatRequest(IE_list=[stamp]))
        return int(dissection.ie(answer, 96).timestamp)

    def release(self) -> None:
        """Release the association and every session with it."""
        dissection.require_acceptance(self._ask(open5gs.association_release_request(self.address)))
        self._sessions.clear()

    def establish(self, session: PDUSession) -> EstablishedSession:
        """Establish a PDU session that buffers downlink packets until the gNB is known."""
        request = open5gs.session_establishment_request(session)
        answer = self._ask(request, seid=0, cp_seid=session.cp_seid)
        dissection.require_acceptance(answer)
        up_fseid = dissection.ie(answer, 57)
        established = EstablishedSession(
            session, int(up_fseid.seid), IPv4Address(up_fseid.ipv4), dict(_created_pdrs(answer))
        )
        if open5gs.PDR_UPLINK not in established.fteids:
            raise PeerError("Session Establishment Response: no F-TEID for the uplink PDR")
        self._sessions[session.cp_seid] = established
        return established

    def forward_to_gnb(self, established: EstablishedSession, gnb_fteid: Tunnel) -> None:
        """Give the UPF the gNB's tunnel: downlink packets flow from the answer on."""
        self._modify(established, open5gs.forward_to_gnb_request(established.session, gnb_fteid))

    def buffer(self, established: EstablishedSession) -> None:
        """Tell the UPF the UE is idle: downlink packets wait."""
        self._modify(established, open5gs.buffer_request())

    def modify(self, established: EstablishedSession, *ies: Packet) -> list[UsageReport]:
        """Change a session's rules; return the usage reports in the answer.

        Raises PeerError if the UPF refuses.
        """
        request = n4.PFCPSessionModificationRequest(IE_list=list(ies))
        answer = self._ask_session(established, request)
        return [_usage_report(report) for report in dissection.ies(answer, 78)]

    def delete(self, established: EstablishedSession) -> list[UsageReport]:
        """Delete a session; return the usage reports the UPF closes it with."""
        answer = self._ask_session(established, open5gs.session_deletion_request())
        del self._sessions[established.session.cp_seid]
        return [_usage_report(report) for report in dissection.ies(answer, 79)]

    def _modify(self, established: EstablishedSession, request: Packet) -> None:
        self._ask_session(established, request)

    def _ask_session(self, established: EstablishedSession, request: Packet) -> Packet:
        answer = self._ask(request, seid=established.up_seid, cp_seid=established.session.cp_seid)
        dissection.require_acceptance(answer)
        return answer

    def _ask(
        self, request: Packet, *, seid: int | None = None, cp_seid: int | None = None
    ) -> Packet:
        """Send a request, again every T1 up to N1 times (clause 6.4), and return its answer."""
        sequence_number = next(self._sequence_numbers)
        header = _header(seid, sequence_number)
        octets = bytes(header / request)
        for _ in range(_N1):
            self._send(octets)
            answer = self._await_answer(sequence_number)
            if answer is None:
                continue
            if cp_seid is not None and int(answer.seid) != cp_seid:
                raise PeerError(
                    f"{dissection.name(answer)}: SEID {answer.seid:#x} in the header, "
                    f"our session is {cp_seid:#x}"
                )
            return answer
        raise PeerError(
            f"{request.name}: no answer from {self.upf} in {_N1} attempts of {_T1_S:g} s"
            + "".join(f"; {fault}" for fault in self.faults[-1:])
        )

    def _await_answer(self, sequence_number: int) -> Packet | None:
        for answer in arriving(self._answers, _T1_S):
            if answer.seq == sequence_number:
                return answer
        return None

    def _send(self, octets: bytes) -> None:
        self._socket.sendto(octets, (str(self.upf), PFCP_PORT))

    def _take(self) -> None:
        octets, _ = self._socket.recvfrom(65536)
        try:
            message = dissection.read(octets)
            if dissection.is_request(message.message_type):
                self._answer(message)
            else:
                self._answers.put(message)
        except PeerError as fault:
            self.faults.append(str(fault))

    def _answer(self, request: Packet) -> None:
        if request.message_type == dissection.HEARTBEAT_REQUEST:
            stamp = n4.IE_RecoveryTimeStamp(timestamp=self.recovery_time_stamp)
            response = n4.PFCPHeartbeatResponse(IE_list=[stamp])
            self._send(bytes(_header(None, request.seq) / response))
            self.heartbeats_answered += 1
        elif request.message_type == dissection.SESSION_REPORT_REQUEST:
            self._take_report(request)
        else:
            self.faults.append(f"the UPF asked {dissection.name(request)}, which this SMF ignores")

    def _take_report(self, request: Packet) -> None:
        established = self._sessions.get(int(request.seid))
        if established is None:
            self.faults.append(f"Session Report Request for unknown CP SEID {request.seid:#x}")
            return
        for paging in dissection.ies(request, 83):
            self.pagings.append(tuple(int(each.id) for each in dissection.ies(paging, 56)))
        self.reports += [_usage_report(report) for report in dissection.ies(request, 80)]
        if dissection.ie(request, 39).UPIR:
            self.inactive.append(established)
        response = n4.PFCPSessionReportResponse(IE_list=[n4.IE_Cause(cause=_ACCEPTED)])
        self._send(bytes(_header(established.up_seid, request.seq) / response))


def _header(seid: int | None, sequence_number: int) -> Packet:
    return n4.PFCP(S=int(seid is not None), seid=seid or 0, seq=sequence_number)


def _created_pdrs(answer: Packet) -> Iterator[tuple[int, Tunnel]]:
    for created in dissection.ies(answer, 8):
        pdr_id = int(dissection.ie(created, 56).id)
        for fteid in dissection.ies(created, 21):
            if not fteid.V4:
                raise PeerError(f"Created PDR {pdr_id}: F-TEID without IPv4 address")
            yield pdr_id, Tunnel(int(fteid.TEID), IPv4Address(fteid.ipv4))


def _usage_report(report: Packet) -> UsageReport:
    volumes: dict[str, int] = {}
    for volume in dissection.ies(report, 66):
        for flag, name in (("TOVOL", "total"), ("ULVOL", "uplink"), ("DLVOL", "downlink")):
            if getattr(volume, flag):
                volumes[f"{name}_bytes"] = int(getattr(volume, name))
    parts = [name for each in dissection.ies(report, 90) for name in _parts(each)]
    durations = [int(each.duration) for each in dissection.ies(report, 67)]
    return UsageReport(
        urr_id=int(dissection.ie(report, 81).id),
        ur_seqn=int(dissection.ie(report, 104).number),
        triggers=_triggers(dissection.value(dissection.ie(report, 63))),
        part=parts[0] if parts else None,
        duration_s=durations[0] if durations else None,
        **volumes,
    )


def _parts(information: Packet) -> list[str]:
    return [name.lower() for name in ("BEF", "AFT") if getattr(information, name)]


def _triggers(octets: bytes) -> frozenset[str]:
    """The flags set, of more octets than scapy knows (TS 29.244 clause 8.2.41)."""
    return frozenset(
        name
        for octet, names in zip(octets, _REPORT_TRIGGERS, strict=False)
        for bit, name in enumerate(names)
        if octet >> bit & 1
    )

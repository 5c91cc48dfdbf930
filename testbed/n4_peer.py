"""A CP function that says exactly what a test wants said, one rule after the other.

Beside `testbed.smf`, which words requests as one real SMF does. Requests are synchronous; a thread
answers what the UPF asks of its own accord, and keeps it.
"""

import itertools
import queue
import time
from ipaddress import IPv4Address
from typing import Any

from pfcp import enums, ies, messages
from pfcp.errors import DecodeError
from testbed.errors import PeerError
from testbed.listening import Listener, arriving, udp_socket

PFCP_PORT = 8805
_PATIENCE_S = 3.0
_RECEIVE_OCTETS = 65536
_SECONDS_1900_TO_1970 = 2_208_988_800


class N4Peer(Listener):
    """A CP function at `address` of a namespace, for the length of a `with` block.

    `asked` are the UPF's requests but for heartbeats, in order.
    """

    def __init__(self, namespace: str, address: IPv4Address, upf: IPv4Address) -> None:
        super().__init__("cp")
        self.address, self.upf = address, upf
        self.asked: list[messages.Message] = []
        self.recovery_time_stamp = int(time.time()) + _SECONDS_1900_TO_1970
        self._seids = itertools.count(1)
        self._sequence_numbers = itertools.count(1)
        self._answers: queue.SimpleQueue[messages.Message] = queue.SimpleQueue()
        self._socket = udp_socket(namespace)
        self._socket.bind((str(address), PFCP_PORT))

    @property
    def node_id(self) -> ies.NodeID:
        """What it calls itself."""
        return ies.NodeID(value=self.address)

    def associate(self, **more: Any) -> messages.AssociationSetupResponse:
        """Set up the association."""
        request = messages.AssociationSetupRequest(
            node_id=self.node_id, recovery_time_stamp=self.recovery_time_stamp, **more
        )
        answer = self.ask(request)
        assert isinstance(answer, messages.AssociationSetupResponse)
        return answer

    def establish(
        self, pdrs: tuple[ies.CreatePDR, ...], fars: tuple[ies.CreateFAR, ...], **more: Any
    ) -> messages.SessionEstablishmentResponse:
        """Ask for a session of these rules; the answer, whatever it says."""
        request = messages.SessionEstablishmentRequest(
            node_id=self.node_id,
            cp_fseid=ies.FSEID(seid=next(self._seids), ipv4=self.address),
            create_pdrs=pdrs,
            create_fars=fars,
            **more,
        )
        answer = self.ask(request)
        assert isinstance(answer, messages.SessionEstablishmentResponse)
        return answer

    def modify(self, seid: int, **changes: Any) -> messages.SessionModificationResponse:
        """Change the rules of a session."""
        answer = self.ask(messages.SessionModificationRequest(seid=seid, **changes))
        assert isinstance(answer, messages.SessionModificationResponse)
        return answer

    def delete(self, seid: int) -> messages.SessionDeletionResponse:
        """End a session."""
        answer = self.ask(messages.SessionDeletionRequest(seid=seid))
        assert isinstance(answer, messages.SessionDeletionResponse)
        return answer

    def ask(self, request: messages.Message) -> Any:
        """Send a request and return its answer; PeerError if none comes."""
        number = next(self._sequence_numbers)
        return self.ask_octets(request.encode(number), number)

    def ask_octets(self, octets: bytes, number: int) -> Any:
        """Send the octets of a request with a sequence number; return its answer."""
        self._send(octets)
        for answer in arriving(self._answers, _PATIENCE_S):
            if answer.sequence_number == number:
                return answer
        raise PeerError(f"no answer to request {number} within {_PATIENCE_S:g} s")

    def told(self, kind: type[messages.Message], within_s: float = _PATIENCE_S) -> Any:
        """Wait for a request of the UPF; it counts as dealt with then. PeerError if none comes."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for each in self.asked:
                if isinstance(each, kind):
                    self.asked.remove(each)
                    return each
            time.sleep(0.01)
        raise PeerError(f"the UPF sends no {kind.__name__} within {within_s:g} s")

    def _send(self, octets: bytes) -> None:
        self._socket.sendto(octets, (str(self.upf), PFCP_PORT))

    def _take(self) -> None:
        octets, _ = self._socket.recvfrom(_RECEIVE_OCTETS)
        try:
            message = messages.decode(octets)
        except DecodeError:
            return
        answer = self._answer(message)
        if answer is None:
            self._answers.put(message)
        else:
            self._send(answer.encode(message.sequence_number))

    def _answer(self, request: messages.Message) -> messages.Message | None:
        """What the UPF is answered; None if it answered us."""
        match request:
            case messages.HeartbeatRequest():
                return messages.HeartbeatResponse(recovery_time_stamp=self.recovery_time_stamp)
            case messages.SessionReportRequest():
                answer: messages.Message = messages.SessionReportResponse(
                    cause=enums.Cause.REQUEST_ACCEPTED
                )
            case messages.NodeReportRequest():
                answer = messages.NodeReportResponse(
                    node_id=self.node_id, cause=enums.Cause.REQUEST_ACCEPTED
                )
            case messages.AssociationUpdateRequest():
                answer = messages.AssociationUpdateResponse(
                    node_id=self.node_id, cause=enums.Cause.REQUEST_ACCEPTED
                )
            case _:
                return None
        self.asked.append(request)
        return answer

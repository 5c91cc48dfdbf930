"""A simulated gNB and its UEs, as a scenario holds them; packets are carried by `testbed.relay`."""

import itertools
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Self

from testbed.command import spawn
from testbed.errors import PeerError

_STOP_TIMEOUT_S = 5.0

#: Counters of downlink packets a gNB must not be sent.
REFUSALS = frozenset(
    {
        "downlink_unknown_teid",
        "downlink_without_qfi",
        "downlink_wrong_qfi",
        "downlink_undelivered",
        "malformed",
    }
)


@dataclass(frozen=True)
class UE:
    """A UE with one PDU session: the namespace it lives in, its address and its N3 tunnel.

    `uplink_teid` was given by the UPF, `downlink_teid` by the gNB.
    """

    namespace: str
    ipv4: IPv4Address
    qfi: int
    uplink_teid: int
    downlink_teid: int


class GNB:
    """One gNB in a network namespace, with its GTP-U socket on `address`:2152."""

    def __init__(self, namespace: str, address: IPv4Address) -> None:
        self.namespace = namespace
        self.address = address
        self._downlink_teids = itertools.count(1)
        self._relay: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        argv = [sys.executable, "-m", "testbed.relay", str(self.address)]
        pipe = subprocess.PIPE
        self._relay = spawn(argv, namespace=self.namespace, stdin=pipe, stdout=pipe, stderr=pipe)
        return self

    def __exit__(self, *raised: object) -> None:
        relay = self._relay
        if relay is None:
            return
        try:
            relay.communicate(timeout=_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            relay.kill()
            relay.communicate()

    def allocate_downlink_teid(self) -> int:
        """A TEID of this gNB for one more tunnel."""
        return next(self._downlink_teids)

    def attach(self, ue: UE, upf_address: IPv4Address, interface: str = "ue0") -> None:
        """Bring a UE on air: make its TUN device and carry its packets to and from the UPF."""
        self._order(
            "attach",
            namespace=ue.namespace,
            interface=interface,
            ue_ipv4=str(ue.ipv4),
            qfi=ue.qfi,
            uplink_teid=ue.uplink_teid,
            downlink_teid=ue.downlink_teid,
            upf_address=str(upf_address),
        )

    def detach(self, ue: UE) -> None:
        """Take a UE off air and remove its TUN device."""
        self._order("detach", downlink_teid=ue.downlink_teid)

    def echo(self, upf_address: IPv4Address) -> float:
        """Send a GTP-U Echo Request; return the round trip in seconds.

        Raises PeerError if no answer comes.
        """
        return float(self._order("echo", upf_address=str(upf_address))["round_trip_s"])

    def counters(self) -> Mapping[str, int]:
        """Packets the gNB carried and refused, by kind; what it refuses is in REFUSALS."""
        return {**self._order("counters")}

    def _order(self, order: str, **what: Any) -> dict[str, Any]:
        relay = self._relay
        if relay is None or relay.stdin is None or relay.stdout is None or relay.stderr is None:
            raise PeerError("the gNB is not running: use it as a context manager")
        try:
            relay.stdin.write(json.dumps({"order": order, **what}).encode() + b"\n")
            relay.stdin.flush()
            line = relay.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise PeerError(f"the gNB's relay ended: {relay.stderr.read().decode().strip()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(f"gNB: {answer['error']}")
        return answer

"""A UPF between ends that say and see single packets: where every rule can be tried.

One lab, one UPF as an operator runs it, one CP function, and an end for each way a packet can go.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

from testbed.n4_peer import N4Peer
from testbed.topologies import (
    EVERY_RULE,
    FAR_UPF_ADDRESS,
    GNB2_ADDRESS,
    GNB_IPV6,
    UE_POOL_IPV6,
)
from testbed.topology import GNB_ADDRESS, SMF_ADDRESS, UE_POOL, UPF_N4_ADDRESS, Lab
from testbed.upf_process import UPFProcess
from testbed.wire import GTPUEnd, Host

CONFIGURATION = """\
[n4]
address = "10.100.4.2"

[[interface]]
name = "n3"
role = "access"
gtpu_address = "10.100.3.1"
gtpu_ipv6_address = "fd00:3::1"

[[interface]]
name = "n6"
role = "core"
network_instance = "internet"

[[interface]]
name = "n6b"
role = "core"
network_instance = "corporate"

[[interface]]
name = "n9"
role = "core"
network_instance = "n9"
gtpu_address = "10.100.9.1"

[gtpu]
echo_interval_s = 1
echo_timeout_s = 0.3
echo_attempts = 3

[[application]]
id = "configured"
flows = ["permit out 17 from 192.0.2.51 to assigned"]

[[predefined_rule]]
name = "no-video"
flows = ["permit out 17 from 192.0.2.51 to assigned"]
action = "drop"

[[predefined_rule]]
name = "marked-video"
flows = ["permit out 17 from 192.0.2.51 to assigned"]
qfi = 33

[[forwarding_policy]]
id = "firewall"
network_instance = "corporate"
next_hops = ["10.100.7.2"]

[[vn_group]]
name = "factory"

[[ue_pool]]
prefix = "10.45.0.0/16"

[[ue_pool]]
prefix = "fd00:45::/40"
network_instance = "internet"

[[ue_pool]]
prefix = "10.46.0.0/28"
network_instance = "internet"
allocate = true

[[ue_pool]]
prefix = "fd00:46::/60"
network_instance = "internet"
allocate = true

[rest]
listen = "127.0.0.1:8080"
"""


ALLOCATED_POOL = IPv4Network("10.46.0.0/28")
ALLOCATED_POOL_IPV6 = IPv6Network("fd00:46::/60")


@dataclass
class Stage:
    """Everybody there is: `dn` and `branch` are the data networks, `far` is another UPF."""

    lab: Lab
    upf: UPFProcess
    smf: N4Peer
    smf_gtpu: GTPUEnd
    gnb: GTPUEnd
    gnb2: GTPUEnd
    gnb6: GTPUEnd
    far: GTPUEnd
    dn: Host
    branch: Host
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    def number(self) -> int:
        """A number that no session here has had: for TEIDs and addresses."""
        return next(self._numbers)

    def ue_ipv4(self) -> IPv4Address:
        """An address that no UE here has had."""
        return UE_POOL[self.number()]

    def ue_prefix(self) -> IPv6Network:
        """A /64 that no UE here has had."""
        return IPv6Network((int(UE_POOL_IPV6.network_address) + (self.number() << 64), 64))

    def punted(self, outcome: str) -> int:
        """Packets shown to the control plane that came to this."""
        text: str = self.upf.rest.get_text("/metrics")
        wanted = f'upf_punted_packets_total{{outcome="{outcome}"}} '
        found = (line for line in text.splitlines() if line.startswith(wanted))
        return int(float(next(found, "0").rpartition(" ")[2]))

    def drops(self, reason: str) -> int:
        """Packets dropped so far for a reason."""
        drops = self.upf.rest.get("/v1/drops")
        return sum(each["packets"] for each in drops if each["reason"] == reason)


@contextlib.contextmanager
def stage_in(directory: Path, configuration: str = CONFIGURATION) -> Iterator[Stage]:
    """Build the lab and start everybody; the UPF's log goes to `directory`."""
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab(EVERY_RULE))
        room = lab.namespace
        upf = stack.enter_context(UPFProcess(room("upf"), directory, configuration))
        enter = stack.enter_context
        stage = Stage(
            lab=lab,
            upf=upf,
            smf=enter(N4Peer(room("core"), SMF_ADDRESS, UPF_N4_ADDRESS)),
            smf_gtpu=enter(GTPUEnd(room("core"), SMF_ADDRESS)),
            gnb=enter(GTPUEnd(room("ran"), GNB_ADDRESS)),
            gnb2=enter(GTPUEnd(room("ran"), GNB2_ADDRESS)),
            gnb6=enter(GTPUEnd(room("ran"), GNB_IPV6)),
            far=enter(GTPUEnd(room("far"), FAR_UPF_ADDRESS)),
            dn=enter(Host(room("dn"), "n6", room("upf"))),
            branch=enter(Host(room("branch"), "n6b", room("upf"))),
        )
        stage.smf.associate()
        yield stage

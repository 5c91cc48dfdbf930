"""Outer headers that a FAR asks for, other than those of GTP-U: UDP/IP and IP alone."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from pfcp import enums, ies
from testbed import rules
from testbed.topologies import (
    FAR_UPF_ADDRESS,
    GNB_IPV6,
    SERVER_ADDRESS,
    SERVER_IPV6,
    UPF_N3_IPV6,
    UPF_N9_ADDRESS,
)
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS
from testbed.wire import Host, datagram, ip

pytestmark = pytest.mark.root

PORT = 4444
MARK = b"in an outer header"
NEXT_HEADER = {4: 4, 6: 41}


def to_end(far_id, address, port, destination, instance=None):
    """A FAR that puts packets into UDP to a port of `address`, or without one into IP alone."""
    is_ipv4 = isinstance(address, IPv4Address)
    ends = {"ipv4" if is_ipv4 else "ipv6": address}
    parameters = ies.ForwardingParameters(
        destination_interface=destination,
        network_instance=rules.name(instance),
        outer_header_creation=ies.OuterHeaderCreation(port=port, **ends),
    )
    return ies.CreateFAR(
        far_id=far_id, apply_action=rules.FORWARD, forwarding_parameters=parameters
    )


def check(seen, user, port, src, dst, version):
    """The packet is `user`'s, one hop on or none, in the outer headers asked for."""
    outer = IP if dst.version == 4 else IPv6
    assert (seen[outer].src, seen[outer].dst) == (str(src), str(dst))
    octets = bytes(seen[outer].payload)
    if port is None:
        assert (seen.proto if dst.version == 4 else seen.nh) == NEXT_HEADER[version]
    else:
        assert (seen[UDP].dport, seen[UDP].len) == (port, 8 + len(user))
        octets = octets[8:]
    assert octets[: len(user)][-len(MARK) :] == MARK
    inner = ip(octets)
    assert (inner.src, inner.dst) == (user.src, user.dst)


@pytest.mark.parametrize("port", [PORT, None], ids=["udp", "ip"])
@pytest.mark.parametrize("gnb", [GNB_ADDRESS, GNB_IPV6], ids=["over-ipv4", "over-ipv6"])
@pytest.mark.parametrize("version", [4, 6], ids=["of-ipv4", "of-ipv6"])
def test_downlink_goes_out_in_them(stage, session, port, gnb, version):
    ue = stage.ue_ipv4() if version == 4 else stage.ue_prefix()[1]
    server = SERVER_ADDRESS if version == 4 else SERVER_IPV6
    downlink = rules.ue(ue, is_destination=True)
    session(
        (rules.from_core(1, 1, downlink),),
        (to_end(1, gnb, port, enums.DestinationInterface.ACCESS),),
    )
    user = datagram(server, ue, MARK)
    ours = UPF_N3_IPV6 if isinstance(gnb, IPv6Address) else UPF_N3_ADDRESS
    with Host(stage.lab.namespace("ran"), "n3", stage.lab.namespace("upf")) as host:
        stage.dn.send(user)
        check(host.receive(MARK), user, port, ours, gnb, version)


@pytest.mark.parametrize("port", [PORT, None], ids=["udp", "ip"])
def test_uplink_goes_out_in_them_from_our_address_there(stage, session, port):
    ue = stage.ue_ipv4()
    answer = session(
        (rules.from_tunnel(1, rules.choose_fteid(), 1),),
        (to_end(1, FAR_UPF_ADDRESS, port, enums.DestinationInterface.CORE, "n9"),),
    )
    user = datagram(ue, SERVER_ADDRESS, MARK)
    teid = rules.created(answer, 1).local_fteid.teid
    with Host(stage.lab.namespace("far"), "n9", stage.lab.namespace("upf")) as host:
        stage.gnb.send_packet(user, UPF_N3_ADDRESS, teid, 9)
        check(host.receive(MARK), user, port, UPF_N9_ADDRESS, FAR_UPF_ADDRESS, 4)

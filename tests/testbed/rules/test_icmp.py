"""Packets that cannot be sent on, and what their senders hear of it."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6

from testbed.topologies import SERVER_ADDRESS, SERVER_IPV6, UPF_N6_IPV6
from testbed.topology import UPF_N3_ADDRESS, UPF_N6_ADDRESS
from testbed.wire import datagram

pytestmark = pytest.mark.root

OVERHEAD = 36  # IPv4, UDP, GTP-U without a container
BIG = b"big".ljust(1450, b"-")


def test_a_packet_whose_hops_ran_out_is_answered_in_both_directions(stage, simple):
    ue, network = stage.ue_ipv4(), stage.ue_prefix()
    _, fteid, teid = simple(ue, network[1])
    stage.gnb.send_packet(
        datagram(ue, SERVER_ADDRESS, b"late", ttl=1), UPF_N3_ADDRESS, fteid.teid, 9
    )
    got = stage.gnb.receive()
    assert (got.message.teid, got.packet[IP].src) == (teid, str(UPF_N6_ADDRESS))
    assert (got.packet[ICMP].type, got.packet[ICMP].code) == (11, 0)
    assert b"late" in bytes(got.packet)
    stage.dn.send(datagram(SERVER_IPV6, network[1], b"late too", hlim=1))
    seen = stage.dn.receive(b"late too")
    assert (seen[IPv6].src, seen[IPv6].dst) == (str(UPF_N6_IPV6), str(SERVER_IPV6))
    assert seen[ICMPv6TimeExceeded].code == 0


def test_a_packet_too_big_for_the_tunnel_is_answered_with_the_size_that_fits(stage, simple):
    ue, network = stage.ue_ipv4(), stage.ue_prefix()
    simple(ue, network[1])
    stage.dn.send(datagram(SERVER_ADDRESS, ue, BIG, flags="DF"))
    seen = stage.dn.receive(b"big-")
    assert (seen[ICMP].type, seen[ICMP].code, seen[ICMP].nexthopmtu) == (3, 4, 1500 - OVERHEAD)
    stage.dn.send(datagram(SERVER_IPV6, network[1], BIG))
    seen = stage.dn.receive(b"big-")
    assert seen[ICMPv6PacketTooBig].mtu == 1500 - OVERHEAD


def test_a_packet_that_may_be_cut_arrives_in_parts(stage, simple):
    ue = stage.ue_ipv4()
    _, _, teid = simple(ue)
    whole = datagram(SERVER_ADDRESS, ue, BIG, id=77)
    stage.dn.send(whole)
    got = [stage.gnb.receive(), stage.gnb.receive()]
    assert [each.message.teid for each in got] == [teid, teid]
    first, second = sorted((each.packet[IP] for each in got), key=lambda each: each.frag)
    assert (first.flags.MF, second.flags.MF, second.frag * 8) == (1, 0, first.len - 20)
    parts = [bytes(each)[20 : each.len] for each in (first, second)]
    assert b"".join(parts) == bytes(whole)[20:]

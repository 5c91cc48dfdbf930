"""Every way a session's packets can go, packet by packet."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6

from pfcp import ies
from testbed import rules
from testbed.topologies import (
    BRANCH_SERVER_ADDRESS,
    FAR_UPF_ADDRESS,
    GNB_IPV6,
    SERVER_ADDRESS,
    SERVER_IPV6,
    UPF_N3_IPV6,
    UPF_N9_ADDRESS,
)
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS
from testbed.wire import SILENCE_S, datagram

pytestmark = pytest.mark.root


def test_ipv4_goes_up_and_down(stage, simple):
    ue = stage.ue_ipv4()
    _, fteid, teid = simple(ue)
    stage.gnb.send_packet(datagram(ue, SERVER_ADDRESS, b"up4"), UPF_N3_ADDRESS, fteid.teid, 9)
    seen = stage.dn.receive(b"up4")
    assert (seen[IP].src, seen[IP].dst, seen[IP].ttl) == (str(ue), str(SERVER_ADDRESS), 63)
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"down4"))
    got = stage.gnb.receive()
    assert (got.message.teid, got.peer, got.packet[IP].dst) == (teid, UPF_N3_ADDRESS, str(ue))


@pytest.mark.parametrize("is_whole_address", [False, True])
def test_ipv6_goes_up_and_down_for_every_address_of_the_prefix(stage, simple, is_whole_address):
    network = stage.ue_prefix()
    named = network[0x1234] if is_whole_address else network.network_address
    _, fteid, teid = simple(named)
    ue = network[0xBEEF]
    stage.gnb.send_packet(datagram(ue, SERVER_IPV6, b"up6"), UPF_N3_ADDRESS, fteid.teid, 9)
    seen = stage.dn.receive(b"up6")
    assert (seen[IPv6].src, seen[IPv6].hlim) == (str(ue), 63)
    stage.dn.send(datagram(SERVER_IPV6, ue, b"down6"))
    got = stage.gnb.receive()
    assert (got.message.teid, got.packet[IPv6].dst) == (teid, str(ue))


def test_a_session_of_both_versions_carries_both(stage, simple):
    ipv4, network = stage.ue_ipv4(), stage.ue_prefix()
    _, fteid, _ = simple(ipv4, network[1])
    for ue, far_end, mark in (
        (ipv4, SERVER_ADDRESS, b"dual4"),
        (network[7], SERVER_IPV6, b"dual6"),
    ):
        stage.gnb.send_packet(datagram(ue, far_end, mark), UPF_N3_ADDRESS, fteid.teid, 9)
        assert stage.dn.receive(mark) is not None
        stage.dn.send(datagram(far_end, ue, mark))
        assert mark in bytes(stage.gnb.receive().message.payload)


def test_gtpu_over_ipv6(stage, simple):
    ue = stage.ue_ipv4()
    _, fteid, teid = simple(ue, fteid=rules.choose_fteid(v4=False, v6=True), gnb=GNB_IPV6)
    assert fteid.ipv6 == UPF_N3_IPV6
    stage.gnb6.send_packet(datagram(ue, SERVER_ADDRESS, b"over6"), UPF_N3_IPV6, fteid.teid, 9)
    assert stage.dn.receive(b"over6") is not None
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"over6"))
    got = stage.gnb6.receive()
    assert (got.message.teid, got.peer) == (teid, UPF_N3_IPV6)


def test_two_data_networks_may_have_ues_of_the_same_address(stage, simple):
    ue = stage.ue_ipv4()
    _, internet, teid = simple(ue)
    _, corporate, other_teid = simple(ue, instance="corporate")
    for fteid, host, far_end, gnb_teid in (
        (internet, stage.dn, SERVER_ADDRESS, teid),
        (corporate, stage.branch, BRANCH_SERVER_ADDRESS, other_teid),
    ):
        mark = b"of %d" % gnb_teid
        stage.gnb.send_packet(datagram(ue, far_end, mark), UPF_N3_ADDRESS, fteid.teid, 9)
        assert host.receive(mark) is not None
        host.send(datagram(far_end, ue, mark))
        assert stage.gnb.receive().message.teid == gnb_teid


def test_another_upf_is_reached_over_n9_both_ways(stage, session):
    ue, teid, far_teid = stage.ue_ipv4(), stage.number(), stage.number()
    answer = session(
        (
            rules.from_tunnel(1, rules.choose_fteid(), 1, qers=(1,)),
            rules.from_tunnel(
                2,
                rules.choose_fteid(),
                2,
                source=rules.CORE,
                network_instance=rules.name("n9"),
                qers=(1,),
            ),
        ),
        (
            rules.to_tunnel(1, far_teid, FAR_UPF_ADDRESS, destination=1, instance="n9"),
            rules.to_tunnel(2, teid, GNB_ADDRESS),
        ),
        create_qers=(rules.qer(1, qfi=9),),
    )
    n3, n9 = (rules.created(answer, pdr_id).local_fteid for pdr_id in (1, 2))
    assert n9.ipv4 == UPF_N9_ADDRESS
    stage.gnb.send_packet(datagram(ue, SERVER_ADDRESS, b"n9 up"), UPF_N3_ADDRESS, n3.teid, 9)
    got = stage.far.receive()
    assert (got.message.teid, got.message.qfi, got.peer) == (far_teid, 9, UPF_N9_ADDRESS)
    stage.far.send_packet(datagram(SERVER_ADDRESS, ue, b"n9 down"), UPF_N9_ADDRESS, n9.teid)
    got = stage.gnb.receive()
    assert (got.message.teid, got.message.qfi, got.packet[IP].dst) == (teid, 9, str(ue))


def test_a_spoofed_source_goes_nowhere_and_is_counted(stage, simple):
    ue, network = stage.ue_ipv4(), stage.ue_prefix()
    _, fteid, _ = simple(ue, network[1])
    before = stage.drops("spoofed_source")
    for src, dst in (
        (ue + 1, SERVER_ADDRESS),
        (IPv6Address(int(network[1]) + (1 << 64)), SERVER_IPV6),
    ):
        stage.gnb.send_packet(datagram(src, dst, b"spoof"), UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.dn.receive(b"spoof", SILENCE_S) is None
    assert stage.drops("spoofed_source") == before + 2


def test_outer_headers_are_marked_as_the_far_says(stage, session):
    ue, teid, expedited = stage.ue_ipv4(), stage.number(), 46
    answer = session(
        (rules.from_core(1, 1, rules.ue(ue, is_destination=True)),),
        (rules.to_tunnel(1, teid, GNB_ADDRESS, transport_level_marking=expedited << 10 | 0xFC),),
    )
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"marked"))
    assert stage.gnb.receive().tos >> 2 == expedited
    parameters = ies.UpdateForwardingParameters(transport_level_marking=10 << 10 | 0xFC)
    update = ies.UpdateFAR(far_id=1, update_forwarding_parameters=parameters)
    assert stage.smf.modify(answer.up_fseid.seid, update_fars=(update,)).cause == 1
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"marked"))
    assert stage.gnb.receive().tos >> 2 == 10

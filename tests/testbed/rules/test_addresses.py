"""UEs found by addresses given here, by networks behind them, and by other UEs."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6

from pfcp import ies
from testbed import rules
from testbed.stage import ALLOCATED_POOL, ALLOCATED_POOL_IPV6
from testbed.topologies import SERVER_ADDRESS, SERVER_IPV6
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS
from testbed.wire import SILENCE_S, datagram

pytestmark = pytest.mark.root


def asking(stage, session, **families):
    """A session whose UE is to get its addresses here: (answer, TEID of the gNB)."""
    teid = stage.number()
    chosen = (ies.UEIPAddress(**families),)
    answer = session(
        (
            rules.from_tunnel(1, rules.choose_fteid(), 1, ue_ip_addresses=chosen),
            rules.from_core(2, 2, chosen),
        ),
        (rules.to_core(1), rules.to_tunnel(2, teid, GNB_ADDRESS)),
    )
    return answer, teid


def carries(stage, fteid, teid, ue, server):
    """Whether packets of this address go up and down."""
    mark = b"of %s" % str(ue).encode()
    stage.gnb.send_packet(datagram(ue, server, mark), UPF_N3_ADDRESS, fteid.teid, 9)
    if stage.dn.receive(mark, SILENCE_S) is None:
        return False
    stage.dn.send(datagram(server, ue, mark))
    got = stage.gnb.receive(SILENCE_S)
    return got is not None and got.message.teid == teid


def test_addresses_of_both_versions_are_given_and_are_the_same_for_both_directions(stage, session):
    answer, teid = asking(stage, session, choose_ipv4=True, choose_ipv6=True)
    given = [rules.created(answer, pdr_id).ue_ip_addresses for pdr_id in (1, 2)]
    assert given[0] == given[1]
    ((address,),) = (given[0],)
    assert address.ipv4 in ALLOCATED_POOL
    assert address.ipv6 in ALLOCATED_POOL_IPV6
    fteid = rules.created(answer, 1).local_fteid
    assert carries(stage, fteid, teid, address.ipv4, SERVER_ADDRESS)
    assert carries(stage, fteid, teid, address.ipv6 + 0x99, SERVER_IPV6)


def test_addresses_run_out_with_the_cause_for_that_and_come_back(stage, session):
    taken = [asking(stage, session, choose_ipv4=True)[0] for _ in ALLOCATED_POOL.hosts()]
    assert len({rules.created(each, 1).ue_ip_addresses for each in taken}) == len(taken)
    chosen = (ies.UEIPAddress(choose_ipv4=True),)
    pdrs = (rules.from_core(1, 1, chosen),)
    fars = (rules.to_tunnel(1, 1, GNB_ADDRESS),)
    refused = stage.smf.establish(pdrs, fars)
    assert (refused.cause, refused.offending_ie) == (79, 93)
    gone = taken[3]
    address = rules.created(gone, 1).ue_ip_addresses
    assert stage.smf.delete(gone.up_fseid.seid).cause == 1
    answer = stage.smf.establish(pdrs, fars)
    assert rules.created(answer, 1).ue_ip_addresses == address
    stage.smf.delete(answer.up_fseid.seid)


def test_a_network_without_a_pool_is_told_so(stage):
    chosen = (ies.UEIPAddress(choose_ipv4=True),)
    refused = stage.smf.establish(
        (rules.from_core(1, 1, chosen, instance="corporate"),),
        (rules.to_tunnel(1, 1, GNB_ADDRESS),),
    )
    assert (refused.cause, refused.offending_ie) == (73, 93)
    assert refused.failed_rule_id.rule_id == 1


@pytest.mark.parametrize("version", [4, 6])
def test_networks_behind_a_ue_are_reached_and_may_send(stage, session, version):
    teid, number = stage.number(), stage.number()
    if version == 4:
        behind, other = IPv4Network((f"172.20.{number}.0", 24)), IPv4Address("172.19.0.1")
        routes = {"framed_routes": (f"{behind} 0.0.0.0 1".encode(),)}
    else:
        behind, other = IPv6Network((f"fd00:99:{number:x}::", 56)), SERVER_IPV6 + 77
        routes = {"framed_ipv6_routes": (f"{behind} :: 1".encode(),)}
    server = SERVER_ADDRESS if version == 4 else SERVER_IPV6
    ue = stage.ue_ipv4()
    answer = session(
        (
            rules.from_tunnel(1, rules.choose_fteid(), 1, ue_ip_addresses=rules.ue(ue)),
            rules.from_core(2, 2, rules.ue(ue, is_destination=True), **routes),
        ),
        (rules.to_core(1), rules.to_tunnel(2, teid, GNB_ADDRESS)),
    )
    fteid = rules.created(answer, 1).local_fteid
    assert carries(stage, fteid, teid, behind[0x21], server)
    assert carries(stage, fteid, teid, ue, SERVER_ADDRESS)
    stage.gnb.send_packet(datagram(other, server, b"foreign"), UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.dn.receive(b"foreign", SILENCE_S) is None


@pytest.mark.parametrize(
    ("routes", "offending_ie"),
    [({"framed_routes": (b"nonsense",)}, 153), ({"framed_ipv6_routes": (b"10.0.0.0/8",)}, 155)],
)
def test_a_framed_route_that_is_none_is_refused(stage, routes, offending_ie):
    refused = stage.smf.establish(
        (rules.from_core(1, 1, rules.ue(stage.ue_ipv4()), **routes),),
        (rules.to_tunnel(1, 1, GNB_ADDRESS),),
    )
    assert (refused.cause, refused.offending_ie) == (73, offending_ie)


def test_a_ue_reaches_another_without_the_data_network(stage, simple):
    ues = [stage.ue_ipv4(), stage.ue_ipv4()]
    sessions = [simple(ue) for ue in ues]
    (_, fteid, _), (_, _, teid) = sessions
    stage.gnb.send_packet(datagram(*ues, b"to a ue"), UPF_N3_ADDRESS, fteid.teid, 9)
    got = stage.gnb.receive()
    assert (got.message.teid, got.packet[IP].ttl) == (teid, 62)
    assert stage.dn.receive(b"to a ue", SILENCE_S) is None
    networks = [stage.ue_prefix(), stage.ue_prefix()]
    (_, fteid, _), (_, _, teid) = [simple(network[1]) for network in networks]
    packet = datagram(networks[0][1], networks[1][1], b"to a ue")
    stage.gnb.send_packet(packet, UPF_N3_ADDRESS, fteid.teid, 9)
    got = stage.gnb.receive()
    assert (got.message.teid, got.packet[IPv6].hlim) == (teid, 62)


def test_what_a_ue_sends_to_an_address_of_no_ue_goes_nowhere(stage, simple):
    ue = stage.ue_ipv4()
    _, fteid, _ = simple(ue)
    stage.gnb.send_packet(datagram(ue, ue + 5000, b"nobody"), UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.gnb.receive(SILENCE_S) is None
    assert stage.dn.receive(b"nobody", 0.05) is None


def test_ues_of_a_vn_group_reach_each_other_and_nobody_else(stage, session):
    ues, teids, seids = [stage.ue_ipv4(), stage.ue_ipv4()], [], []
    for ue in ues:
        teids.append(stage.number())
        answer = session(
            (
                rules.from_tunnel(1, rules.choose_fteid(), 1, ue_ip_addresses=rules.ue(ue)),
                rules.from_vn(2, 2, rules.ue(ue, is_destination=True), "factory"),
            ),
            (rules.to_vn(1, "factory"), rules.to_tunnel(2, teids[-1], GNB_ADDRESS)),
        )
        seids.append(rules.created(answer, 1).local_fteid)
    stage.gnb.send_packet(datagram(*ues, b"in the group"), UPF_N3_ADDRESS, seids[0].teid, 9)
    got = stage.gnb.receive()
    assert (got.message.teid, got.packet[IP].dst) == (teids[1], str(ues[1]))
    packet = datagram(ues[0], SERVER_ADDRESS, b"out of it")
    stage.gnb.send_packet(packet, UPF_N3_ADDRESS, seids[0].teid, 9)
    stage.dn.send(datagram(SERVER_ADDRESS, ues[0], b"into it"))
    assert stage.dn.receive(b"out of it", SILENCE_S) is None
    assert stage.gnb.receive(0.05) is None


def test_a_vn_group_there_is_not_is_refused(stage):
    refused = stage.smf.establish(
        (rules.from_tunnel(1, rules.choose_fteid(), 1),), (rules.to_vn(1, "nowhere"),)
    )
    assert (refused.cause, refused.offending_ie) == (73, 22)

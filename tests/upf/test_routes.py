"""From the kernel's routes and neighbours to entries."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network

import pytest

from upf.entry import Prefix
from upf.plan import diff
from upf.routes import (
    KernelState,
    Link,
    Neighbour,
    NextHop,
    NextHopIds,
    PortBinding,
    Route,
    Unresolved,
    addresses_to_probe,
    header_entry,
    hop_to_peer,
    next_hop_address,
    peer_entries,
    port_entries,
    resolve,
    wanted_routes,
)
from upf.rules import OuterProtocol
from upf.treatment import TunnelPeer

A = IPv4Address
N = IPv4Network
BINDINGS = (PortBinding(1, "n3", 1), PortBinding(2, "n6", 2))
N3, N6 = Link(10, "n3", 0x0A), Link(11, "n6", 0x0B)
KERNEL = KernelState(
    links=(Link(1, "lo", 0), N3, N6, Link(12, "n4", 0x0C)),
    routes=(
        Route(N("10.100.3.0/24"), 10),
        Route(N("10.100.6.0/24"), 11),
        Route(N("0.0.0.0/0"), 11, A("10.100.6.2")),
        Route(N("10.100.4.0/24"), 12),
    ),
)
DN = Neighbour(11, A("10.100.6.2"), 0xD)
GNB = Neighbour(10, A("10.100.3.2"), 0xE)


def test_each_network_instance_has_the_routes_of_its_own_interfaces():
    assert wanted_routes(KERNEL, BINDINGS) == {
        (1, N("10.100.3.0/24")): Unresolved(1),
        (2, N("10.100.6.0/24")): Unresolved(2),
        (2, N("0.0.0.0/0")): Unresolved(2),
    }


def test_gateway_resolved_becomes_a_next_hop_and_a_host_route():
    routes = wanted_routes(replace(KERNEL, neighbours=(DN, GNB)), BINDINGS)
    hop = NextHop(2, src_mac=0x0B, dst_mac=0xD)
    assert routes[2, N("0.0.0.0/0")] == hop
    assert routes[2, N("10.100.6.2/32")] == hop
    assert routes[1, N("10.100.3.2/32")] == NextHop(1, src_mac=0x0A, dst_mac=0xE)
    assert routes[1, N("10.100.3.0/24")] == Unresolved(1)


def test_of_two_routes_to_a_network_the_lower_metric_stands():
    kernel = replace(
        KERNEL,
        routes=(
            Route(N("0.0.0.0/0"), 11, A("10.100.6.9"), metric=100),
            Route(N("0.0.0.0/0"), 11, A("10.100.6.2"), metric=50),
        ),
        neighbours=(DN,),
    )
    assert isinstance(wanted_routes(kernel, BINDINGS)[2, N("0.0.0.0/0")], NextHop)


def test_interface_that_is_gone_has_no_routes():
    kernel = replace(KERNEL, links=(N6,))
    assert {instance for instance, _ in wanted_routes(kernel, BINDINGS)} == {2}


def test_neighbour_to_resolve_is_the_gateway_or_the_destination():
    assert next_hop_address(KERNEL, BINDINGS, 2, A("8.8.8.8")) == A("10.100.6.2")
    assert next_hop_address(KERNEL, BINDINGS, 2, A("10.100.6.7")) == A("10.100.6.7")
    assert next_hop_address(KERNEL, BINDINGS, 1, A("10.100.3.2")) == A("10.100.3.2")


def test_unknown_gateways_and_stale_neighbours_are_probed():
    assert addresses_to_probe(KERNEL, BINDINGS) == [(11, A("10.100.6.2"))]
    known = replace(KERNEL, neighbours=(DN, replace(GNB, is_stale=True)))
    assert addresses_to_probe(known, BINDINGS) == [(10, A("10.100.3.2"))]


def test_next_hops_come_before_the_routes_that_use_them():
    ids = NextHopIds(100)
    routes = wanted_routes(replace(KERNEL, neighbours=(DN,)), BINDINGS)
    entries = ids.entries(routes)
    assert entries[0].table.endswith("next_hops")
    assert entries[0].params == (2, 0x0B, 0xD, 0)
    default = next(e for e in entries if e.key == (2, Prefix(0, 0)))
    # 1500 octets and 64034 fit 16 bits, one more does not.
    assert default.action.endswith("set_next_hop_group")
    assert default.params == (entries[0].key[0], 0, 65534 - 1500)


def test_new_mac_address_is_a_new_next_hop_written_before_the_old_one_goes():
    ids = NextHopIds(100)
    before = ids.entries(wanted_routes(replace(KERNEL, neighbours=(DN,)), BINDINGS))
    moved = wanted_routes(replace(KERNEL, neighbours=(replace(DN, mac=0xF),)), BINDINGS)
    plan = diff(before, ids.entries(moved))
    assert [each.params for each in plan.inserts] == [(2, 0x0B, 0xF, 0)]
    assert [each.params for each in plan.deletes] == [(2, 0x0B, 0xD, 0)]
    ids.release_unused(moved)
    assert list(ids._ids) == [NextHop(2, src_mac=0x0B, dst_mac=0xF)]
    assert diff(ids.entries(moved), plan.apply_to(before)) == diff((), ())


def hop_of(routes):
    return lambda peer: hop_to_peer(peer, routes, UE_SIDE, BINDINGS)


UE_SIDE = replace(KERNEL, neighbours=(DN, GNB))


def test_longest_prefix_resolves_a_tunnel_peer():
    routes = wanted_routes(UE_SIDE, BINDINGS)
    assert resolve(routes, 1, A("10.100.3.2")) == NextHop(1, src_mac=0x0A, dst_mac=0xE)
    assert resolve(routes, 1, A("10.100.3.9")) == Unresolved(1)
    assert resolve(routes, 1, A("8.8.8.8")) is None
    assert resolve(routes, 2, A("8.8.8.8")) == NextHop(2, src_mac=0x0B, dst_mac=0xD)


def test_tunnel_leaves_less_of_the_mtu_to_the_user():
    routes = wanted_routes(UE_SIDE, BINDINGS)
    ids = NextHopIds(100)
    ids.entries(routes)
    peer = TunnelPeer(1, A("10.100.3.1"), A("10.100.3.2"), overhead=44)
    header, way = peer_entries({7: peer}, hop_of(routes), ids)
    assert (header.key, header.params) == ((7,), (int(peer.src), int(peer.dst), 2152, 1, 0))
    assert way.params[1:] == (0, 65534 - (1500 - 44))


@pytest.mark.parametrize("version", [4, 6])
def test_tunnels_of_udp_and_of_ip_alone_have_headers_of_their_own(version):
    src, dst = (
        (A("10.1.1.1"), A("10.1.1.2"))
        if version == 4
        else (ip_address("fd00::1"), ip_address("fd00::2"))
    )
    udp = TunnelPeer(1, src, dst, 28, dst_port=4444, protocol=OuterProtocol.UDP)
    alone = replace(udp, protocol=OuterProtocol.IP)
    assert header_entry(7, udp).params == (int(src), int(dst), 4444, 0, 0)
    assert header_entry(7, alone).params == (int(src), int(dst), 0)
    assert [header_entry(7, each).action.rpartition(".")[2] for each in (udp, alone)] == [
        f"add_ipv{version}",
        f"add_ipv{version}_alone",
    ]


def test_peer_without_a_route_has_a_header_alone():
    peer = TunnelPeer(1, A("10.100.3.1"), A("192.0.2.1"), overhead=44)
    routes = wanted_routes(UE_SIDE, BINDINGS)
    assert len(peer_entries({7: peer}, hop_of(routes), NextHopIds(9))) == 1


def test_the_cp_function_is_reached_as_the_host_routes_lead_and_others_by_ports_alone():
    n4 = replace(
        UE_SIDE,
        routes=(*UE_SIDE.routes, Route(ip_network("10.100.4.0/24"), 99)),
        links=UE_SIDE.links,
    )
    routes = wanted_routes(n4, BINDINGS)
    cp = TunnelPeer(1, A("10.100.3.1"), A("10.100.4.1"), overhead=36, is_of_cp=True)
    assert hop_to_peer(cp, routes, n4, BINDINGS) == Unresolved(BINDINGS[0].host_port)
    assert hop_to_peer(replace(cp, is_of_cp=False), routes, n4, BINDINGS) is None
    by_n3 = replace(cp, dst=A("10.100.3.2"))
    assert hop_to_peer(by_n3, routes, n4, BINDINGS) == NextHop(1, src_mac=0x0A, dst_mac=0xE)


def test_ipv6_routes_and_neighbours_stand_beside_those_of_ipv4():
    gateway, link_local = ip_address("2001:db8:6::2"), ip_address("fe80::2")
    kernel = replace(
        KERNEL,
        routes=(*KERNEL.routes, Route(ip_network("::/0"), 11, link_local)),
        neighbours=(Neighbour(11, gateway, 0xD), Neighbour(11, link_local, 0xD)),
    )
    routes = wanted_routes(kernel, BINDINGS)
    hop = NextHop(2, src_mac=0x0B, dst_mac=0xD)
    assert routes[2, ip_network("::/0")] == routes[2, ip_network(gateway)] == hop
    assert (2, ip_network(link_local)) not in routes
    tables = {each.table.rpartition(".")[2] for each in NextHopIds(9).entries(routes)}
    assert tables == {"next_hops", "routes_ipv4", "routes_ipv6"}


def test_ports_have_the_mac_addresses_of_their_interfaces():
    entries = port_entries(KERNEL, BINDINGS)
    assert [(each.key, each.params) for each in entries] == [
        ((1, 0), (1, 0, 0, 0x0A)),
        ((2, 0), (2, 0, 0, 0x0B)),
    ]

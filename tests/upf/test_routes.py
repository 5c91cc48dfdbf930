"""From the kernel's routes and neighbours to entries."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

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
    next_hop_address,
    wanted_routes,
)

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
    ids = NextHopIds()
    routes = wanted_routes(replace(KERNEL, neighbours=(DN,)), BINDINGS)
    entries = ids.entries(routes)
    assert entries[0].table.endswith("next_hops")
    assert entries[0].params == (2, 0x0B, 0xD)
    default = next(e for e in entries if e.key == (2, Prefix(0, 0)))
    assert (default.action.rpartition(".")[2], default.params) == ("set_next_hop", entries[0].key)


def test_new_mac_address_is_a_new_next_hop_written_before_the_old_one_goes():
    ids = NextHopIds()
    before = ids.entries(wanted_routes(replace(KERNEL, neighbours=(DN,)), BINDINGS))
    moved = wanted_routes(replace(KERNEL, neighbours=(replace(DN, mac=0xF),)), BINDINGS)
    plan = diff(before, ids.entries(moved))
    assert [each.params for each in plan.inserts] == [(2, 0x0B, 0xF)]
    assert [each.params for each in plan.deletes] == [(2, 0x0B, 0xD)]
    ids.release_unused(moved)
    assert list(ids._ids) == [NextHop(2, src_mac=0x0B, dst_mac=0xF)]
    assert diff(ids.entries(moved), plan.apply_to(before)) == diff((), ())

"""The kernel's routes and neighbours, in a network namespace of the test's own."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network

import pytest

from upf.netlink import Kernel
from upf.routes import Neighbour, Route

pytestmark = pytest.mark.root

BOUND_S = 30.0


@pytest.fixture
async def kernel(own_network):
    own_network("link", "add", "n6", "type", "veth", "peer", "name", "dn")
    own_network("address", "add", "10.9.0.1/24", "dev", "n6")
    for name in ("n6", "dn"):
        own_network("link", "set", name, "up")
    kernel = Kernel()
    yield kernel
    await kernel.close()


def index_of(state, name):
    return next(link.index for link in state.links if link.name == name)


async def test_links_addresses_and_routes_are_read(kernel, own_network):
    own_network("route", "add", "default", "via", "10.9.0.2", "metric", "7")
    own_network("route", "add", "blackhole", "10.45.0.0/16")
    state = await kernel.read()
    n6 = index_of(state, "n6")
    assert state.addresses == {"n6": IPv4Address("10.9.0.1")}
    assert set(state.routes) == {
        Route(IPv4Network("10.9.0.0/24"), n6),
        Route(IPv4Network("0.0.0.0/0"), n6, IPv4Address("10.9.0.2"), 7),
    }
    mac = next(link.mac for link in state.links if link.name == "n6")
    assert mac != 0


async def test_multipath_route_is_read_as_its_first_hop(kernel, own_network):
    hops = [("nexthop", "via", f"10.9.0.{n}", "dev", "n6") for n in (2, 3)]
    own_network("route", "add", "default", *hops[0], *hops[1])
    state = await kernel.read()
    assert (
        Route(IPv4Network("0.0.0.0/0"), index_of(state, "n6"), IPv4Address("10.9.0.2"))
        in state.routes
    )


async def test_neighbour_that_appears_is_told_and_read(kernel, own_network):
    changed = asyncio.Event()
    kernel.watch(changed.set)
    own_network("neighbour", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:02", "dev", "n6")
    await asyncio.wait_for(changed.wait(), BOUND_S)
    state = await kernel.read()
    assert state.neighbours == (
        Neighbour(index_of(state, "n6"), IPv4Address("10.9.0.2"), 0x020000000002),
    )


async def test_neighbour_without_a_mac_address_is_none(kernel, own_network):
    own_network("neighbour", "add", "10.9.0.2", "dev", "n6", "nud", "incomplete")
    assert (await kernel.read()).neighbours == ()


@contextmanager
def arp_requests():
    """Gives the next ARP frame that arrives at the far end."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as dn:
        dn.bind(("dn", 0x0806))
        dn.settimeout(BOUND_S)
        yield lambda: asyncio.to_thread(dn.recv, 64)


async def test_probe_asks_who_has_the_address(kernel):
    index = index_of(await kernel.read(), "n6")
    with arp_requests() as heard:
        await kernel.probe(index, IPv4Address("10.9.0.2"))
        request = await heard()
    assert request[20:22] == b"\x00\x01"
    assert request[38:42] == IPv4Address("10.9.0.2").packed


async def test_probe_leaves_a_static_neighbour_alone(kernel, own_network):
    own_network("neighbour", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:02", "dev", "n6")
    index = index_of(await kernel.read(), "n6")
    await kernel.probe(index, IPv4Address("10.9.0.2"))
    assert [each.mac for each in (await kernel.read()).neighbours] == [0x020000000002]


async def test_probe_asks_again_where_nobody_answered(kernel, own_network):
    own_network("neighbour", "add", "10.9.0.2", "dev", "n6", "nud", "failed")
    index = index_of(await kernel.read(), "n6")
    with arp_requests() as heard:
        await kernel.probe(index, IPv4Address("10.9.0.2"))
        assert (await heard())[38:42] == IPv4Address("10.9.0.2").packed


async def test_probe_on_an_interface_that_is_gone_does_nothing(kernel):
    await kernel.probe(9999, IPv4Address("10.9.0.2"))

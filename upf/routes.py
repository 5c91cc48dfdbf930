"""From the kernel's routes and neighbours to the routes of the pipeline. Pure.

A network instance has the routes whose output interface belongs to it. Within a connected network
each neighbour whose MAC address is known gets a route of its own; the rest of it, and every
gateway not resolved yet, is shown to the controller, which has the kernel find the neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TypeAlias

from upf import tables
from upf.allocator import IndexPool
from upf.entry import Entry, Prefix


@dataclass(frozen=True, slots=True)
class Link:
    index: int
    name: str
    mac: int
    is_up: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """`output` is an interface index. Of two to the same network the lower metric stands."""

    dst: IPv4Network
    output: int
    gateway: IPv4Address | None = None
    metric: int = 0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Someone on a link whose MAC address is known."""

    output: int
    ipv4: IPv4Address
    mac: int
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class KernelState:
    """What the kernel of our network namespace knows, reduced to what routes need."""

    links: tuple[Link, ...] = ()
    addresses: Mapping[str, IPv4Address] | None = None
    routes: tuple[Route, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True)
class PortBinding:
    """A port of the pipeline: the interface behind it and the network instance it joins."""

    port: int
    interface: str
    network_instance_id: int


@dataclass(frozen=True, slots=True)
class NextHop:
    port: int
    src_mac: int
    dst_mac: int


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Somewhere behind this port; the neighbour is still to be found."""

    port: int


Routes: TypeAlias = dict[tuple[int, IPv4Network], NextHop | Unresolved]


def wanted_routes(kernel: KernelState, bindings: tuple[PortBinding, ...]) -> Routes:
    """Routes by network_instance_id and destination."""
    routes: Routes = {}
    for binding, link in _bound_links(kernel, bindings):
        known = {n.ipv4: n.mac for n in kernel.neighbours if n.output == link.index}
        instance = binding.network_instance_id
        for route in _by_preference(kernel, link.index):
            mac = known.get(route.gateway) if route.gateway else None
            routes.setdefault((instance, route.dst), _hop(binding, link, mac))
        for ipv4, mac in known.items():
            routes[instance, IPv4Network(ipv4)] = _hop(binding, link, mac)
    return routes


def next_hop_address(
    kernel: KernelState, bindings: tuple[PortBinding, ...], port: int, dst: IPv4Address
) -> IPv4Address:
    """The neighbour to resolve for a packet to `dst` that leaves by `port`."""
    for binding, link in _bound_links(kernel, bindings):
        if binding.port == port:
            matching = [r for r in _by_preference(kernel, link.index) if dst in r.dst]
            if matching:
                return max(matching, key=lambda route: route.dst.prefixlen).gateway or dst
    return dst


def addresses_to_probe(
    kernel: KernelState, bindings: tuple[PortBinding, ...]
) -> list[tuple[int, IPv4Address]]:
    """Interface index and address of each gateway not resolved and each neighbour gone stale."""
    probes = []
    for _, link in _bound_links(kernel, bindings):
        known = {n.ipv4: n for n in kernel.neighbours if n.output == link.index}
        gateways = {route.gateway for route in _by_preference(kernel, link.index)}
        probes += [(link.index, each) for each in gateways if each and each not in known]
        probes += [(link.index, ipv4) for ipv4, n in known.items() if n.is_stale]
    return probes


def _bound_links(
    kernel: KernelState, bindings: tuple[PortBinding, ...]
) -> Iterator[tuple[PortBinding, Link]]:
    links = {link.name: link for link in kernel.links}
    for binding in bindings:
        if binding.interface in links:
            yield binding, links[binding.interface]


def _by_preference(kernel: KernelState, output: int) -> list[Route]:
    return sorted(
        (route for route in kernel.routes if route.output == output),
        key=lambda route: route.metric,
    )


def _hop(binding: PortBinding, link: Link, mac: int | None) -> NextHop | Unresolved:
    return Unresolved(binding.port) if mac is None else NextHop(binding.port, link.mac, mac)


class NextHopIds:
    """The pipeline's identifiers of next hops: stable while a next hop is in use."""

    def __init__(self) -> None:
        self._pool = IndexPool("next hops", tables.NUM_NEXT_HOPS)
        self._ids: dict[NextHop, int] = {}

    def entries(self, routes: Routes) -> list[Entry]:
        """Entries for these routes, next hops before the routes that refer to them.

        Identifiers of next hops no longer used stay taken until `release_unused`, which is for
        when the switch has let go of them.
        """
        route_entries = []
        next_hop_entries = {}
        for (instance, dst), hop in routes.items():
            key = tables.RouteIPv4(instance, Prefix(int(dst.network_address), dst.prefixlen))
            if isinstance(hop, Unresolved):
                route_entries.append(tables.entry(key, tables.ResolveNeighbour(hop.port)))
                continue
            if hop not in self._ids:
                self._ids[hop] = self._pool.allocate()
            next_hop_id = self._ids[hop]
            next_hop_entries[next_hop_id] = tables.entry(
                tables.NextHop(next_hop_id),
                tables.SetPortAndMACs(hop.port, hop.src_mac, hop.dst_mac),
            )
            route_entries.append(tables.entry(key, tables.SetNextHop(next_hop_id)))
        return [*next_hop_entries.values(), *route_entries]

    def release_unused(self, routes: Routes) -> None:
        """Let go of the identifiers that these routes do not use."""
        used = set(routes.values())
        for hop in [hop for hop in self._ids if hop not in used]:
            self._pool.release(self._ids.pop(hop))

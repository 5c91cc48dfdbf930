"""From the kernel's routes and neighbours to the routes of the pipeline. Pure.

A network instance has the routes whose output interface belongs to it. Within a connected network
each neighbour whose MAC address is known gets a route of its own; the rest of it, and every
gateway not resolved yet, is shown to the controller, which has the kernel find the neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network
from typing import TYPE_CHECKING, TypeAlias

from upf import tables
from upf.allocator import IndexPool
from upf.entry import Entry, Prefix
from upf.rules import IPAddress, IPNetwork, OuterProtocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upf.provisions import ForwardingPolicy
    from upf.treatment import TunnelPeer

DEFAULT_MTU = 1500
NO_NEXT_HOP = 0  # a group that has no next hop, ever
LOCAL_MAC = 0x02_00_00_00_00_02  # of what stays within the switch: locally administered
LONGEST_PACKET = 65_535
# Added to the longest packet that fits, it does not overflow 16 bits; to a longer one it does.
_LONGEST_ADDEND = 65534


@dataclass(frozen=True, slots=True)
class Link:
    index: int
    name: str
    mac: int
    is_up: bool = True
    mtu: int = DEFAULT_MTU


@dataclass(frozen=True, slots=True)
class Route:
    """`output` is an interface index. Of two to the same network the lower metric stands."""

    dst: IPNetwork
    output: int
    gateway: IPAddress | None = None
    metric: int = 0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Someone on a link whose MAC address is known."""

    output: int
    address: IPAddress
    mac: int
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class KernelState:
    """What the kernel of our network namespace knows, reduced to what routes need.

    `addresses` and `addresses_ipv6` are each interface's first own one, `own` are all there are.
    """

    links: tuple[Link, ...] = ()
    addresses: Mapping[str, IPv4Address] | None = None
    routes: tuple[Route, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    addresses_ipv6: Mapping[str, IPv6Address] = field(default_factory=dict)
    own: frozenset[IPAddress] = frozenset()


@dataclass(frozen=True, slots=True)
class PortBinding:
    """A port of the pipeline: the interface behind it and the network instance it joins.

    `host_port` is where the switch gives what is the host's own.
    """

    port: int
    interface: str
    network_instance_id: int
    is_core: bool = False
    host_port: int = 0


@dataclass(frozen=True, slots=True)
class NextHop:
    """`mtu` is of what leaves there, octets of IP; VLAN 0 is no tag."""

    port: int
    src_mac: int
    dst_mac: int
    mtu: int = DEFAULT_MTU
    vlan_id: int = 0


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Somewhere behind this port; the neighbour is still to be found."""

    port: int


@dataclass(frozen=True, slots=True)
class Nowhere:
    """What is sent here is dropped."""


Hop: TypeAlias = NextHop | Unresolved | Nowhere
Routes: TypeAlias = dict[tuple[int, IPNetwork], Hop]


@dataclass(frozen=True, slots=True)
class Local:
    """Traffic from UE to UE: it leaves by a port where it comes in again, with the network instance
    as its VLAN. `pools` are network instances and the addresses of their UEs.
    """

    port: int
    pools: tuple[tuple[int, IPNetwork], ...] = ()

    def entries(self) -> list[Entry]:
        """What the pipeline has to know of the port; what is no UE's there is dropped."""
        return [
            tables.entry(
                tables.Port(self.port, instance),
                tables.SetPort(instance, 1, self.port, LOCAL_MAC),
            )
            for instance in dict.fromkeys(instance for instance, _ in self.pools)
        ]

    def add_to(self, routes: Routes) -> None:
        """Have UEs reached by the port, unless the kernel routes just these addresses itself."""
        for instance, pool in self.pools:
            hop = NextHop(self.port, LOCAL_MAC, LOCAL_MAC, LONGEST_PACKET, vlan_id=instance)
            routes.setdefault((instance, pool), hop)


def add_policies(routes: Routes, policies: Iterable[ForwardingPolicy]) -> None:
    """Routes to the next hops of forwarding policies, whatever the destination."""
    for policy in policies:
        for address in policy.next_hops:
            hop = resolve(routes, policy.network_instance_id, address)
            if hop is not None:
                everything = ip_network("0.0.0.0/0" if address.version == 4 else "::/0")
                routes[policy.route_instance_id, everything] = hop


def port_entries(kernel: KernelState, bindings: tuple[PortBinding, ...]) -> list[Entry]:
    """What the pipeline has to know of each port that is there."""
    return [
        tables.entry(
            tables.Port(binding.port, 0),
            tables.SetPort(
                binding.network_instance_id, int(binding.is_core), binding.host_port, link.mac
            ),
        )
        for binding, link in _bound_links(kernel, bindings)
    ]


def wanted_routes(kernel: KernelState, bindings: tuple[PortBinding, ...]) -> Routes:
    """Routes by network_instance_id and destination."""
    routes: Routes = {}
    for binding, link in _bound_links(kernel, bindings):
        known = {n.address: n.mac for n in kernel.neighbours if n.output == link.index}
        instance = binding.network_instance_id
        for route in _by_preference(kernel, link.index):
            mac = known.get(route.gateway) if route.gateway else None
            routes.setdefault((instance, route.dst), _hop(binding, link, mac))
        for address, mac in known.items():
            if not address.is_link_local:
                routes[instance, ip_network(address)] = _hop(binding, link, mac)
    # What listens on this host is nothing for UEs.
    for instance in {each.network_instance_id for each in bindings if each.is_core}:
        for own in kernel.own:
            routes[instance, ip_network(own)] = Nowhere()
    return routes


def resolve(routes: Routes, instance: int, address: IPAddress) -> Hop | None:
    """The hop towards an address in a network instance, by the longest prefix; None without."""
    matching = [
        (network.prefixlen, hop)
        for (its_instance, network), hop in routes.items()
        if its_instance == instance and network.version == address.version and address in network
    ]
    return max(matching, key=lambda each: each[0])[1] if matching else None


def next_hop_address(
    kernel: KernelState, bindings: tuple[PortBinding, ...], port: int, dst: IPAddress
) -> IPAddress:
    """The neighbour to resolve for a packet to `dst` that leaves by `port`."""
    for binding, link in _bound_links(kernel, bindings):
        if binding.port == port:
            matching = [
                route
                for route in _by_preference(kernel, link.index)
                if route.dst.version == dst.version and dst in route.dst
            ]
            if matching:
                return max(matching, key=lambda route: route.dst.prefixlen).gateway or dst
    return dst


def is_by_host(kernel: KernelState, bindings: tuple[PortBinding, ...], dst: IPAddress) -> bool:
    """Whether the host's own routes lead to `dst` by an interface that is no port of ours."""
    ports = {link.index for _, link in _bound_links(kernel, bindings)}
    matching = [
        route for route in kernel.routes if route.dst.version == dst.version and dst in route.dst
    ]
    best = max(matching, key=lambda each: (each.dst.prefixlen, -each.metric), default=None)
    return best is not None and best.output not in ports


def hop_to_peer(
    peer: TunnelPeer, routes: Routes, kernel: KernelState, bindings: tuple[PortBinding, ...]
) -> Hop | None:
    """The hop towards a tunnel peer; that of one the host reaches is the controller's to find."""
    if peer.is_of_cp and bindings and is_by_host(kernel, bindings, peer.dst):
        return Unresolved(bindings[0].host_port)
    return resolve(routes, peer.network_instance_id, peer.dst)


def addresses_to_probe(
    kernel: KernelState, bindings: tuple[PortBinding, ...]
) -> list[tuple[int, IPAddress]]:
    """Interface index and address of each gateway not resolved and each neighbour gone stale."""
    probes: list[tuple[int, IPAddress]] = []
    for _, link in _bound_links(kernel, bindings):
        known = {n.address: n for n in kernel.neighbours if n.output == link.index}
        gateways = {route.gateway for route in _by_preference(kernel, link.index)}
        probes += [(link.index, each) for each in gateways if each and each not in known]
        probes += [(link.index, address) for address, n in known.items() if n.is_stale]
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


def _hop(binding: PortBinding, link: Link, mac: int | None) -> Hop:
    if mac is None:
        return Unresolved(binding.port)
    return NextHop(binding.port, link.mac, mac, link.mtu)


class NextHopIds:
    """The pipeline's identifiers of next hops: stable while a next hop is in use."""

    def __init__(self, capacity: int) -> None:
        self._pool = IndexPool("next hops", capacity)
        self._ids: dict[NextHop, int] = {}
        self._known: dict[tuple[int, ...], int] = {}

    def restore(self, held: Iterable[Entry]) -> None:
        """Give next hops that a switch knows the identifiers it knows them by, as they are met."""
        self._known = {each.params[:3]: int(str(each.key[0])) for each in held}
        for number in self._pool.restore(set(self._known.values())):
            self._pool.release(number)

    def entries(self, routes: Routes) -> list[Entry]:
        """Entries for these routes, next hops before the routes that refer to them.

        Identifiers of next hops no longer used stay taken until `release_unused`, which is for
        when the switch has let go of them.
        """
        route_entries = []
        next_hop_entries = {}
        for (instance, dst), hop in routes.items():
            if isinstance(hop, NextHop):
                if hop not in self._ids:
                    self._ids[hop] = self._new_id(hop)
                next_hop_entries[hop] = tables.entry(
                    tables.NextHop(self._ids[hop], 0),
                    tables.SetPortAndMACs(hop.port, hop.src_mac, hop.dst_mac, hop.vlan_id),
                )
            prefix = Prefix(int(dst.network_address), dst.prefixlen)
            key: tables.RouteIPv4 | tables.RouteIPv6
            if isinstance(dst, IPv4Network):
                key = tables.RouteIPv4(instance, prefix)
            else:
                key = tables.RouteIPv6(instance, prefix)
            route_entries.append(tables.entry(key, self.action(hop)))
        return [*next_hop_entries.values(), *route_entries]

    def _new_id(self, hop: NextHop) -> int:
        known = self._known.pop((hop.port, hop.src_mac, hop.dst_mac), None)
        return self._pool.allocate() if known is None else known

    def action(
        self, hop: Hop, overhead: int = 0
    ) -> tables.SetNextHopGroup | tables.ResolveNeighbour:
        """What leads to a hop that `entries` has seen, with `overhead` octets before a packet."""
        if isinstance(hop, Unresolved):
            return tables.ResolveNeighbour(hop.port)
        if isinstance(hop, Nowhere):
            return tables.SetNextHopGroup(NO_NEXT_HOP, 0, 0)
        longest = max(hop.mtu - overhead, 0)
        addend = max(_LONGEST_ADDEND - longest, 0)
        return tables.SetNextHopGroup(self._ids[hop], 0, addend)

    def release_unused(self, routes: Routes) -> None:
        """Let go of the identifiers that these routes do not use."""
        used = set(routes.values())
        for hop in [hop for hop in self._ids if hop not in used]:
            self._pool.release(self._ids.pop(hop))
        while self._known:
            self._pool.release(self._known.popitem()[1])


def header_entry(peer_id: int, peer: TunnelPeer) -> Entry:
    """What is put before packets to a tunnel peer."""
    is_ipv4, ends = isinstance(peer.dst, IPv4Address), (int(peer.src), int(peer.dst))
    if peer.protocol is OuterProtocol.IP:
        alone = tables.AddIPv4Alone if is_ipv4 else tables.AddIPv6Alone
        return tables.entry(tables.TunnelHeader(peer_id), alone(*ends, peer.dscp))
    add = tables.AddIPv4 if is_ipv4 else tables.AddIPv6
    action = add(*ends, peer.dst_port, int(peer.protocol is OuterProtocol.GTPU), peer.dscp)
    return tables.entry(tables.TunnelHeader(peer_id), action)


def peer_entries(
    peers: Mapping[int, TunnelPeer],
    hop_of: Callable[[TunnelPeer], Hop | None],
    ids: NextHopIds,
) -> list[Entry]:
    """What tunnel peers need: their headers, and the way there where there is one."""
    entries = []
    for peer_id, peer in peers.items():
        entries.append(header_entry(peer_id, peer))
        hop = hop_of(peer)
        if hop is not None:
            action = ids.action(hop, peer.overhead)
            entries.append(tables.entry(tables.TunnelPeer(peer_id), action))
    return entries

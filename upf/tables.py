"""The tables, actions, counters and meters of p4/upf.p4 as types: one class each, fields in the
order of P4Info. A change of the pipeline that is not made here too turns a test red.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from upf.entry import Entry, Prefix


class Port(NamedTuple):
    ingress_port: int


class Endpoint(NamedTuple):
    network_instance: int
    ipv4_addr: int


class SessionByFTEID(NamedTuple):
    endpoint_id: int
    teid: int


class SessionByUEIPv4(NamedTuple):
    network_instance: int
    ue_ipv4: int


class TunnelPeer(NamedTuple):
    tunnel_peer_id: int


class RouteIPv4(NamedTuple):
    network_instance: int
    ipv4_dst: Prefix


class NextHop(NamedTuple):
    next_hop_id: int


class SetPort(NamedTuple):
    network_instance: int
    is_core: int
    host_port: int


class SetEndpoint(NamedTuple):
    endpoint_id: int


class Forward(NamedTuple):
    """Outer header removal, no outer header creation."""

    usage_id: int
    slice_meter_id: int
    route_instance: int
    is_source_checked: int
    ue_ipv4: int


class ForwardTunnel(NamedTuple):
    """Outer header creation GTP-U/UDP/IPv4."""

    usage_id: int
    slice_meter_id: int
    route_instance: int
    tunnel_peer_id: int
    teid: int
    psc: int
    qfi: int


class Drop(NamedTuple):
    reason: int


class SetTunnelPeer(NamedTuple):
    src_addr: int
    dst_addr: int


class SetNextHop(NamedTuple):
    next_hop_id: int


class ResolveNeighbour(NamedTuple):
    port: int


class SetPortAndMACs(NamedTuple):
    port: int
    src_mac: int
    dst_mac: int


Key: TypeAlias = (
    Port | Endpoint | SessionByFTEID | SessionByUEIPv4 | TunnelPeer | RouteIPv4 | NextHop
)
Action: TypeAlias = (
    SetPort
    | SetEndpoint
    | Forward
    | ForwardTunnel
    | Drop
    | SetTunnelPeer
    | SetNextHop
    | ResolveNeighbour
    | SetPortAndMACs
)

TABLES: Final[dict[type, str]] = {
    Port: "Ingress.detection.ports",
    Endpoint: "Ingress.detection.endpoints",
    SessionByFTEID: "Ingress.detection.sessions_by_fteid",
    SessionByUEIPv4: "Ingress.detection.sessions_by_ue_ipv4",
    TunnelPeer: "Ingress.routing.tunnel_peers",
    RouteIPv4: "Ingress.routing.routes_ipv4",
    NextHop: "Ingress.routing.next_hops",
}

ACTIONS: Final[dict[type, str]] = {
    SetPort: "Ingress.detection.set_port",
    SetEndpoint: "Ingress.detection.set_endpoint",
    Forward: "Ingress.detection.forward",
    ForwardTunnel: "Ingress.detection.forward_tunnel",
    Drop: "Ingress.detection.drop",
    SetTunnelPeer: "Ingress.routing.set_tunnel_peer",
    SetNextHop: "Ingress.routing.set_next_hop",
    ResolveNeighbour: "Ingress.routing.resolve_neighbour",
    SetPortAndMACs: "Ingress.routing.set_port_and_macs",
}

USAGE_COUNTER: Final = "Egress.enforcement.usage"
SLICE_METER: Final = "Egress.enforcement.slice_meters"
INGRESS_DROP_COUNTER: Final = "Ingress.ingress_drops"
EGRESS_DROP_COUNTER: Final = "Egress.egress_drops"

# Sizes of p4/include/sizes.p4 that bound what we hand out; a switch may have larger ones.
NUM_USAGE_COUNTERS: Final = 32768
NUM_SLICES: Final = 256
NUM_TUNNEL_PEERS: Final = 4096
NUM_NEXT_HOPS: Final = 1024

# psc_t of p4/include/types.p4
PSC_NONE: Final = 0
PSC_DOWNLINK: Final = 1
PSC_UPLINK: Final = 2


def entry(key: Key, action: Action) -> Entry:
    """Entry of the table that `key` belongs to."""
    return Entry(TABLES[type(key)], tuple(key), ACTIONS[type(action)], tuple(action))


def slice_meter_id(slice_id: int, *, is_uplink: bool) -> int:
    """Index of a slice's meter for one direction."""
    return slice_id * 2 + (0 if is_uplink else 1)

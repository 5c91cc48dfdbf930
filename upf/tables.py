"""The tables, actions, counters and meters of p4/upf.p4 as types: one class each, fields in the
order of P4Info. A change of the pipeline that is not made here too turns a test red.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from upf.entry import Entry, Prefix, Range, Ternary


class Port(NamedTuple):
    ingress_port: int
    vlan_id: int


class EndpointIPv4(NamedTuple):
    ingress_port: int
    vlan_id: int
    ipv4_addr: int


class EndpointIPv6(NamedTuple):
    ingress_port: int
    vlan_id: int
    ipv6_addr: int


class SessionByFTEID(NamedTuple):
    endpoint_id: int
    teid: int


class SessionByUEIPv4(NamedTuple):
    network_instance: int
    ue_ipv4: int


class SessionByUEIPv6(NamedTuple):
    network_instance: int
    ue_prefix: int


class ClassifiedByFTEID(NamedTuple):
    endpoint_id: int
    teid: int


class ClassifiedByUEIPv4(NamedTuple):
    network_instance: int
    ue_ipv4: int


class ClassifiedByUEIPv6(NamedTuple):
    network_instance: int
    ue_prefix: int


class FramedRouteIPv4(NamedTuple):
    network_instance: int
    ipv4_dst: Prefix


class FramedRouteIPv6(NamedTuple):
    network_instance: int
    ipv6_dst: Prefix


class FilterIPv4(NamedTuple):
    rules_id: int
    src_addr: Ternary
    dst_addr: Ternary
    protocol: Ternary
    src_port: Range
    dst_port: Range
    traffic_class: Ternary
    qfi: Ternary


class FilterIPv6(NamedTuple):
    rules_id: int
    src_addr: Ternary
    dst_addr: Ternary
    protocol: Ternary
    src_port: Range
    dst_port: Range
    traffic_class: Ternary
    flow_label: Ternary
    qfi: Ternary


class Flow(NamedTuple):
    classified_id: int
    filter_slot: int


class SourcePrefix(NamedTuple):
    usage_id: int
    ue_prefix: int


class Queue(NamedTuple):
    slice_id: int
    traffic_class: int


class TunnelPeer(NamedTuple):
    tunnel_peer_id: int


class RouteIPv4(NamedTuple):
    network_instance: int
    ipv4_dst: Prefix


class RouteIPv6(NamedTuple):
    network_instance: int
    ipv6_dst: Prefix


class NextHop(NamedTuple):
    next_hop_group_id: int
    bucket: int


class TunnelHeader(NamedTuple):
    tunnel_peer_id: int


class Marking(NamedTuple):
    """`color`: what the slice's meter made of the packet, 0 green, 1 yellow."""

    slice_id: int
    traffic_class: int
    color: int


class SetPort(NamedTuple):
    network_instance: int
    is_core: int
    host_port: int
    own_mac: int


class SetEndpoint(NamedTuple):
    endpoint_id: int


class Forward(NamedTuple):
    """Outer header removal, no outer header creation."""

    usage_id: int
    is_source_checked: int
    is_session_metered: int
    slice_id: int
    traffic_class: int
    route_instance: int
    ue_ipv4: int


class ForwardTunnel(NamedTuple):
    """Outer header creation. QFI 0 is no PDU session container."""

    usage_id: int
    is_session_metered: int
    slice_id: int
    traffic_class: int
    tunnel_peer_id: int
    teid: int
    qfi: int
    reflective_qos: int


class Buffer(NamedTuple):
    usage_id: int


class Notify(NamedTuple):
    usage_id: int


class Drop(NamedTuple):
    reason: int


class Classify(NamedTuple):
    rules_id: int
    classified_id: int


class SetSlot(NamedTuple):
    filter_slot: int


class ForwardFlow(NamedTuple):
    usage_id: int
    flow_meter_id: int
    session_meter_id: int
    is_guaranteed: int
    quota_id: int
    slice_id: int
    traffic_class: int
    route_instance: int


class ForwardFlowTunnel(NamedTuple):
    usage_id: int
    flow_meter_id: int
    session_meter_id: int
    is_guaranteed: int
    quota_id: int
    slice_id: int
    traffic_class: int
    tunnel_peer_id: int
    teid: int
    qfi: int
    reflective_qos: int
    is_ppi_present: int
    ppi: int


class IsOwnPrefix(NamedTuple):
    pass


class SetQueue(NamedTuple):
    qid: int


class SetNextHopGroup(NamedTuple):
    """`length_addend`: 65534 less the longest user packet that fits this way."""

    next_hop_group_id: int
    bucket_mask: int
    length_addend: int


class ResolveNeighbour(NamedTuple):
    port: int


class SetPortAndMACs(NamedTuple):
    """VLAN identifier 0 is no tag."""

    port: int
    src_mac: int
    dst_mac: int
    vlan_id: int


class AddIPv4(NamedTuple):
    src_addr: int
    dst_addr: int
    dst_port: int
    is_gtpu: int
    outer_dscp: int


class AddIPv4Alone(NamedTuple):
    """Outer headers without UDP."""

    src_addr: int
    dst_addr: int
    outer_dscp: int


class AddIPv6(NamedTuple):
    src_addr: int
    dst_addr: int
    dst_port: int
    is_gtpu: int
    outer_dscp: int


class AddIPv6Alone(NamedTuple):
    """Outer headers without UDP."""

    src_addr: int
    dst_addr: int
    outer_dscp: int


class SetDSCP(NamedTuple):
    outer_dscp: int


LookupKey: TypeAlias = (
    SessionByFTEID | SessionByUEIPv4 | SessionByUEIPv6 | FramedRouteIPv4 | FramedRouteIPv6
)
ClassifiedKey: TypeAlias = ClassifiedByFTEID | ClassifiedByUEIPv4 | ClassifiedByUEIPv6
FilterKey: TypeAlias = FilterIPv4 | FilterIPv6
FusedAction: TypeAlias = Forward | ForwardTunnel | Buffer | Notify | Drop
FlowAction: TypeAlias = ForwardFlow | ForwardFlowTunnel | Buffer | Notify | Drop

TABLES: Final[dict[type, str]] = {
    Port: "Ingress.arrival.ports",
    EndpointIPv4: "Ingress.arrival.endpoints_ipv4",
    EndpointIPv6: "Ingress.arrival.endpoints_ipv6",
    SessionByFTEID: "Ingress.detection.sessions_by_fteid",
    SessionByUEIPv4: "Ingress.detection.sessions_by_ue_ipv4",
    SessionByUEIPv6: "Ingress.detection.sessions_by_ue_ipv6",
    ClassifiedByFTEID: "Ingress.detection.classified_by_fteid",
    ClassifiedByUEIPv4: "Ingress.detection.classified_by_ue_ipv4",
    ClassifiedByUEIPv6: "Ingress.detection.classified_by_ue_ipv6",
    FramedRouteIPv4: "Ingress.detection.framed_routes_ipv4",
    FramedRouteIPv6: "Ingress.detection.framed_routes_ipv6",
    FilterIPv4: "Ingress.detection.filters_ipv4",
    FilterIPv6: "Ingress.detection.filters_ipv6",
    Flow: "Ingress.detection.flows",
    SourcePrefix: "Ingress.forwarding.source_prefixes",
    Queue: "Ingress.routing.queues",
    TunnelPeer: "Ingress.routing.tunnel_peers",
    RouteIPv4: "Ingress.routing.routes_ipv4",
    RouteIPv6: "Ingress.routing.routes_ipv6",
    NextHop: "Ingress.next_hop.next_hops",
    TunnelHeader: "Egress.tunnel_headers.tunnel_headers",
    Marking: "Egress.encapsulation.markings",
}

ACTIONS: Final[dict[type, str]] = {
    SetPort: "Ingress.arrival.set_port",
    SetEndpoint: "Ingress.arrival.set_endpoint",
    Forward: "Ingress.detection.forward",
    ForwardTunnel: "Ingress.detection.forward_tunnel",
    Buffer: "Ingress.detection.buffer",
    Notify: "Ingress.detection.notify",
    Drop: "Ingress.detection.drop",
    Classify: "Ingress.detection.classify",
    SetSlot: "Ingress.detection.set_slot",
    ForwardFlow: "Ingress.detection.forward_flow",
    ForwardFlowTunnel: "Ingress.detection.forward_flow_tunnel",
    IsOwnPrefix: "NoAction",
    SetQueue: "Ingress.routing.set_queue",
    SetNextHopGroup: "Ingress.routing.set_next_hop_group",
    ResolveNeighbour: "Ingress.routing.resolve_neighbour",
    SetPortAndMACs: "Ingress.next_hop.set_port_and_macs",
    AddIPv4: "Egress.tunnel_headers.add_ipv4",
    AddIPv4Alone: "Egress.tunnel_headers.add_ipv4_alone",
    AddIPv6: "Egress.tunnel_headers.add_ipv6",
    AddIPv6Alone: "Egress.tunnel_headers.add_ipv6_alone",
    SetDSCP: "Egress.encapsulation.set_dscp",
}

# Several of this name, numbered: the low bits of a usage_id tell which, the rest the cell.
USAGE_COUNTER: Final = "Egress.enforcement.usage"
FLOW_METER: Final = "Egress.enforcement.flow_meters"
SESSION_METER: Final = "Egress.enforcement.session_meters"
SLICE_METER: Final = "Egress.enforcement.slice_meters"
PUNT_METER: Final = "Egress.punt_meters"
# Where copies of packets that the controller has to know of go.
MIRROR_SESSION_CONTROLLER: Final = 1
CONTROLLER_PORT: Final = 192
QUOTAS: Final = "Egress.enforcement.quotas"  # a cell: octets that may still pass, then one of
QUOTA_UNTOLD: Final = 1  # every packet has fitted so far
QUOTA_TOLD: Final = 2  # one did not
INGRESS_DROP_COUNTER: Final = "Ingress.verdict.drops"
EGRESS_DROP_COUNTER: Final = "Egress.egress_drops"
SLICE_DROP_COUNTER: Final = "Egress.enforcement.slice_drops"  # by slice_meter_id

NUM_SLICES: Final = 256  # of an 8-bit identifier
MAX_FILTER_SLOT: Final = 255
MAX_RULES_ID: Final = 65535


def entry(key: NamedTuple, action: NamedTuple, priority: int = 0) -> Entry:
    """Entry of the table that `key` belongs to."""
    return Entry(TABLES[type(key)], tuple(key), ACTIONS[type(action)], tuple(action), priority)


def slice_meter_id(slice_id: int, *, is_uplink: bool) -> int:
    """Index of a slice's meter for one direction."""
    return slice_id * 2 + (0 if is_uplink else 1)

"""The network that hostile packets come into: two ports, two endpoints, three sessions.

One session is decided by one lookup in each direction, one by filters. The third goes from tunnel
to tunnel uplink, and downlink into IP alone.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.dataplane import Entry, Match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Of an lpm or ternary field value and prefix length, of a range its ends, None for anything.
Key: TypeAlias = "tuple[int | tuple[int, int] | None, ...]"
Said: TypeAlias = "tuple[str, Key, str, dict[str, int]]"

ACCESS_PORT, CORE_PORT, CPU_PORT, HOST_PORT = 1, 2, 192, 193
VLAN = 100  # both ports have the same network with this tag as without
ACCESS, CORE = 11, 12  # network instances
ENDPOINT, PEER, SLICE, TRAFFIC_CLASS = 5, 0x123, 3, 1
ACCESS_GROUP, CORE_GROUP = 30, 60

TEID, GNB_TEID, QFI = 0x01020304, 0xA1B2C3D4, 9
UPLINK_USAGE, DOWNLINK_USAGE = 16 * 100 + 1, 16 * 200 + 10  # cells 100 and 200 of banks 1 and 10

# The classified session: DNS is forwarded; TCP is stopped uplink and buffered downlink.
CLASSIFIED_TEID, CLASSIFIED_GNB_TEID, CLASSIFIED_QFI, CLASSIFIED_PEER = 0x0A0B0C0D, 0x51525354, 5, 7
CLASSIFIED_UPLINK_USAGE, CLASSIFIED_DOWNLINK_USAGE = 16 * 3 + 4, 16 * 4 + 11
BUFFERED_USAGE = 16 * 5 + 6
CLASSIFIED_GROUP = 31  # leaves with the tag
FILTERED_PORT = 53

# The relayed session. Its source is not checked.
RELAYED_TEID, RELAYED_GNB_TEID, RELAYED_QFI, ALONE_PEER, ALONE_DSCP = (
    0x1B1C1D1E,
    0x61626364,
    7,
    9,
    46,
)
RELAYED_UPLINK_USAGE, RELAYED_DOWNLINK_USAGE = 16 * 6 + 2, 16 * 7 + 5

N3_IPV4 = ipaddress.IPv4Address("10.3.0.1").packed
N3_IPV6 = ipaddress.IPv6Address("2001:db8:3::1").packed
GNB_IPV4 = ipaddress.IPv4Address("10.3.0.20").packed
GNB_IPV6 = ipaddress.IPv6Address("2001:db8:3::20").packed
UE_IPV4 = ipaddress.IPv4Address("172.16.0.5").packed
UE_IPV6 = ipaddress.IPv6Address("2001:db8:ee::5").packed
CLASSIFIED_UE_IPV4 = ipaddress.IPv4Address("172.31.0.90").packed
CLASSIFIED_UE_IPV6 = ipaddress.IPv6Address("2001:db8:c0de::9").packed
RELAYED_UE_IPV4 = ipaddress.IPv4Address("172.29.0.77").packed
RELAYED_UE_IPV6 = ipaddress.IPv6Address("2001:db8:e1a:7::3").packed
SERVER_IPV4 = ipaddress.IPv4Address("198.51.100.7").packed
SERVER_IPV6 = ipaddress.IPv6Address("2001:db8:5::7").packed

ACCESS_MAC, GNB_MAC = bytes.fromhex("020000000301"), bytes.fromhex("020000000320")
CORE_MAC, ROUTER_MAC = bytes.fromhex("020000000601"), bytes.fromhex("020000000607")

LONGEST_USER_PACKET = 1400
_RULES, _SLOTS = (21, 22), (1, 2)  # of filters uplink and downlink; of DNS and of TCP
_GATE_CLOSED = 6
_WITH_PRIORITY = (ir.MatchKind.TERNARY, ir.MatchKind.RANGE)


def entries(program: ir.Program) -> Iterator[tuple[str, Entry]]:
    """Yield tables' names and their entries: the sessions, dual stack, and the routes around."""
    sessions = (*_session(), *_classified_session(), *_filters(), *_relayed_session())
    for name, key, action, arguments in (*_arrival(), *sessions, *_routes()):
        yield entry(program, name, key, action, arguments)


def _arrival() -> Iterator[Said]:
    for vlan in (0, VLAN):
        for port, instance, mac in (
            (ACCESS_PORT, ACCESS, ACCESS_MAC),
            (CORE_PORT, CORE, CORE_MAC),
        ):
            arguments = {
                "network_instance": instance,
                "is_core": int(port == CORE_PORT),
                "host_port": HOST_PORT,
                "own_mac": _number(mac),
            }
            yield "ports", (port, vlan), "set_port", arguments
        for version, address in ((4, N3_IPV4), (6, N3_IPV6)):
            key = (ACCESS_PORT, vlan, _number(address))
            yield f"endpoints_ipv{version}", key, "set_endpoint", {"endpoint_id": ENDPOINT}


def _session() -> Iterator[Said]:
    ue_ipv4, ue_prefix = _number(UE_IPV4), _number(UE_IPV6[:8])
    slice_ = {"slice_id": SLICE, "traffic_class": TRAFFIC_CLASS}
    uplink = {"usage_id": UPLINK_USAGE, "route_instance": CORE, "is_source_checked": 1}
    uplink |= {"ue_ipv4": ue_ipv4} | slice_
    downlink = {"usage_id": DOWNLINK_USAGE, "tunnel_peer_id": PEER, "teid": GNB_TEID, "qfi": QFI}
    downlink |= slice_
    yield "sessions_by_fteid", (ENDPOINT, TEID), "forward", uplink
    yield "source_prefixes", (UPLINK_USAGE, ue_prefix), "NoAction", {}
    yield "sessions_by_ue_ipv4", (CORE, ue_ipv4), "forward_tunnel", downlink
    yield "sessions_by_ue_ipv6", (CORE, ue_prefix), "forward_tunnel", downlink


def _classified_session() -> Iterator[Said]:
    slice_ = {"slice_id": SLICE, "traffic_class": TRAFFIC_CLASS}
    up, down = ({"rules_id": number, "classified_id": number} for number in _RULES)
    yield "classified_by_fteid", (ENDPOINT, CLASSIFIED_TEID), "classify", up
    yield "classified_by_ue_ipv4", (CORE, _number(CLASSIFIED_UE_IPV4)), "classify", down
    yield "classified_by_ue_ipv6", (CORE, _number(CLASSIFIED_UE_IPV6[:8])), "classify", down
    uplink = {"usage_id": CLASSIFIED_UPLINK_USAGE, "route_instance": CORE}
    downlink = {"usage_id": CLASSIFIED_DOWNLINK_USAGE, "tunnel_peer_id": CLASSIFIED_PEER}
    downlink |= {"teid": CLASSIFIED_GNB_TEID, "qfi": CLASSIFIED_QFI}
    (up_rules, down_rules), (dns, tcp) = _RULES, _SLOTS
    yield "flows", (up_rules, dns), "forward_flow", uplink | slice_
    yield "flows", (up_rules, tcp), "drop", {"reason": _GATE_CLOSED}
    yield "flows", (down_rules, dns), "forward_flow_tunnel", downlink | slice_
    yield "flows", (down_rules, tcp), "buffer", {"usage_id": BUFFERED_USAGE}


def _relayed_session() -> Iterator[Said]:
    uplink = {"usage_id": RELAYED_UPLINK_USAGE, "tunnel_peer_id": PEER, "slice_id": SLICE}
    uplink |= {"teid": RELAYED_GNB_TEID, "qfi": RELAYED_QFI}
    downlink = {"usage_id": RELAYED_DOWNLINK_USAGE, "tunnel_peer_id": ALONE_PEER}
    downlink |= {"slice_id": SLICE}
    yield "sessions_by_fteid", (ENDPOINT, RELAYED_TEID), "forward_tunnel", uplink
    for version, address in ((4, RELAYED_UE_IPV4), (6, RELAYED_UE_IPV6[:8])):
        table = f"sessions_by_ue_ipv{version}"
        yield table, (CORE, _number(address)), "forward_tunnel", downlink


def _filters() -> Iterator[Said]:
    """By protocol and port, and uplink by source: the check of the UE's address."""
    ports, any_port = (FILTERED_PORT, FILTERED_PORT), (0, 0xFFFF)
    for version, address in ((4, CLASSIFIED_UE_IPV4), (6, CLASSIFIED_UE_IPV6)):
        ue = (_number(address), 32 if version == 4 else 64)
        rest = (None,) * (2 if version == 4 else 3)  # traffic class, flow label, QFI
        table = f"filters_ipv{version}"
        (up_rules, down_rules), (dns, tcp) = _RULES, _SLOTS
        for slot, protocol, port in ((dns, 17, ports), (tcp, 6, any_port)):
            arguments = {"filter_slot": slot}
            uplink = (up_rules, ue, None, (protocol, 8), any_port, port, *rest)
            downlink = (down_rules, None, ue, (protocol, 8), port, any_port, *rest)
            yield table, uplink, "set_slot", arguments
            yield table, downlink, "set_slot", arguments


def _routes() -> Iterator[Said]:
    addend = 65534 - LONGEST_USER_PACKET
    peer = {"src_addr": _number(N3_IPV4), "dst_addr": _number(GNB_IPV4), "dst_port": 2152}
    yield "tunnel_headers", (PEER,), "add_ipv4", peer | {"is_gtpu": 1}
    peer = {"src_addr": _number(N3_IPV6), "dst_addr": _number(GNB_IPV6), "dst_port": 2152}
    yield "tunnel_headers", (CLASSIFIED_PEER,), "add_ipv6", peer | {"is_gtpu": 1}
    ends = {"src_addr": _number(N3_IPV6), "dst_addr": _number(GNB_IPV6), "outer_dscp": ALONE_DSCP}
    yield "tunnel_headers", (ALONE_PEER,), "add_ipv6_alone", ends
    for number, group_id in (
        (PEER, ACCESS_GROUP),
        (CLASSIFIED_PEER, CLASSIFIED_GROUP),
        (ALONE_PEER, ACCESS_GROUP),
    ):
        group = {"next_hop_group_id": group_id, "length_addend": addend}
        yield "tunnel_peers", (number,), "set_next_hop_group", group
    for version in (4, 6):
        group = {"next_hop_group_id": CORE_GROUP, "length_addend": addend}
        yield f"routes_ipv{version}", (CORE, (0, 0)), "set_next_hop_group", group
    for number, port, vlan, macs in (
        (ACCESS_GROUP, ACCESS_PORT, 0, (ACCESS_MAC, GNB_MAC)),
        (CLASSIFIED_GROUP, ACCESS_PORT, VLAN, (ACCESS_MAC, GNB_MAC)),
        (CORE_GROUP, CORE_PORT, 0, (CORE_MAC, ROUTER_MAC)),
    ):
        src_mac, dst_mac = map(_number, macs)
        arguments = {"port": port, "src_mac": src_mac, "dst_mac": dst_mac, "vlan_id": vlan}
        yield "next_hops", (number, 0), "set_port_and_macs", arguments


def entry(
    program: ir.Program, name: str, key: Key, action_name: str, arguments: dict[str, int]
) -> tuple[str, Entry]:
    """Return the table's full name and the entry; a parameter that is not mentioned is 0."""
    gress = next(g for g in (program.ingress, program.egress) if _ends_in(g.tables, name))
    table = gress.tables[_ends_in(gress.tables, name)]
    matches = tuple(
        _match(declared, value) for declared, value in zip(table.keys, key, strict=True)
    )
    has_priority = any(declared.match_kind in _WITH_PRIORITY for declared in table.keys)
    action = gress.actions[_ends_in([ref.action for ref in table.actions], action_name)]
    given = tuple(arguments.get(parameter, 0) for parameter, _ in action.params)
    return table.name, Entry(matches, action.name, given, int(has_priority))


def _match(declared: ir.Key, value: int | tuple[int, int] | None) -> Match:
    ones = (1 << declared.width) - 1
    if value is None:
        return Match(0, 0)
    if not isinstance(value, tuple):
        return Match(value, ones)
    if declared.match_kind is ir.MatchKind.RANGE:
        return Match(value[0], ones, value[1])
    mask = ones ^ (ones >> value[1])
    return Match(value[0] & mask, mask)


def _ends_in(names: Iterable[str], end: str) -> str:
    """Return the one of `names` that has `end` behind its last dot, or nothing."""
    return next((name for name in names if name.rpartition(".")[2] == end), "")


def _number(octets: bytes) -> int:
    return int.from_bytes(octets)

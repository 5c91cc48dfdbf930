"""The network that hostile packets come into: two ports, two endpoints, one session."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, TypeAlias

from p4xdp.dataplane import Entry, Match

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp import ir

_Key: TypeAlias = "tuple[int | tuple[int, int], ...]"  # of an lpm field value and prefix length
_Said: TypeAlias = "tuple[str, _Key, str, *tuple[int, ...]]"

ACCESS_PORT, CORE_PORT, CPU_PORT, HOST_PORT = 1, 2, 192, 193
VLAN = 100  # both ports have the same network with this tag as without
ACCESS, CORE = 11, 12  # network instances
ENDPOINT, PEER, SLICE, TRAFFIC_CLASS = 5, 0x123, 3, 1
ACCESS_GROUP, CORE_GROUP = 30, 60

TEID, GNB_TEID, QFI = 0x01020304, 0xA1B2C3D4, 9
UPLINK_USAGE, DOWNLINK_USAGE = 8 * 100 + 1, 8 * 200 + 2  # cells 100 and 200 of banks 1 and 2

N3_IPV4 = ipaddress.IPv4Address("10.3.0.1").packed
N3_IPV6 = ipaddress.IPv6Address("2001:db8:3::1").packed
GNB_IPV4 = ipaddress.IPv4Address("10.3.0.20").packed
GNB_IPV6 = ipaddress.IPv6Address("2001:db8:3::20").packed
UE_IPV4 = ipaddress.IPv4Address("172.16.0.5").packed
UE_IPV6 = ipaddress.IPv6Address("2001:db8:ee::5").packed
SERVER_IPV4 = ipaddress.IPv4Address("198.51.100.7").packed
SERVER_IPV6 = ipaddress.IPv6Address("2001:db8:5::7").packed

ACCESS_MAC, GNB_MAC = bytes.fromhex("020000000301"), bytes.fromhex("020000000320")
CORE_MAC, ROUTER_MAC = bytes.fromhex("020000000601"), bytes.fromhex("020000000607")

LONGEST_USER_PACKET = 1400


def entries(program: ir.Program) -> Iterator[tuple[str, Entry]]:
    """Yield tables' names and their entries: the session, dual stack, and the routes around it."""
    for name, key, action, *arguments in (*_arrival(), *_session(), *_routes()):
        yield _entry(program, name, key, action, *arguments)


def _arrival() -> Iterator[_Said]:
    for vlan in (0, VLAN):
        access, core = (
            (ACCESS, 0, HOST_PORT, _number(ACCESS_MAC)),
            (CORE, 1, HOST_PORT, _number(CORE_MAC)),
        )
        yield "arrival.ports", (ACCESS_PORT, vlan), "set_port", *access
        yield "arrival.ports", (CORE_PORT, vlan), "set_port", *core
        for version, address in ((4, N3_IPV4), (6, N3_IPV6)):
            key = (ACCESS_PORT, vlan, _number(address))
            yield f"arrival.endpoints_ipv{version}", key, "set_endpoint", ENDPOINT


def _session() -> Iterator[_Said]:
    ue_ipv4, ue_prefix = _number(UE_IPV4), _number(UE_IPV6[:8])
    uplink = (UPLINK_USAGE, 0, SLICE, TRAFFIC_CLASS, CORE, 1, ue_ipv4)
    downlink = (DOWNLINK_USAGE, 0, SLICE, TRAFFIC_CLASS, PEER, GNB_TEID, 2, QFI, 0)
    yield "detection.sessions_by_fteid", (ENDPOINT, TEID), "forward", *uplink
    yield "forwarding.source_prefixes", (UPLINK_USAGE, ue_prefix), "NoAction"
    yield "detection.sessions_by_ue_ipv4", (CORE, ue_ipv4), "forward_tunnel", *downlink
    yield "detection.sessions_by_ue_ipv6", (CORE, ue_prefix), "forward_tunnel", *downlink


def _routes() -> Iterator[_Said]:
    addend = 65534 - LONGEST_USER_PACKET
    yield "routing.tunnel_peers", (PEER,), "set_next_hop_group", ACCESS_GROUP, 0, addend
    peer = (_number(N3_IPV4), _number(GNB_IPV4), 2152)
    yield "encapsulation.tunnel_headers", (PEER,), "add_ipv4", *peer
    for version in (4, 6):
        route = (CORE, (0, 0))
        yield f"routing.routes_ipv{version}", route, "set_next_hop_group", CORE_GROUP, 0, addend
    access = (ACCESS_PORT, _number(ACCESS_MAC), _number(GNB_MAC))
    core = (CORE_PORT, _number(CORE_MAC), _number(ROUTER_MAC))
    yield "next_hop.next_hops", (ACCESS_GROUP, 0), "set_port_and_macs", *access
    yield "next_hop.next_hops", (CORE_GROUP, 0), "set_port_and_macs", *core


def _entry(program: ir.Program, name: str, key: _Key, action: str, *args: int) -> tuple[str, Entry]:
    gress = "Egress" if name.startswith("encapsulation") else "Ingress"
    tables = {**program.ingress.tables, **program.egress.tables}
    table = tables[f"{gress}.{name}"]
    matches = []
    for declared, value in zip(table.keys, key, strict=True):
        ones = (1 << declared.width) - 1
        if isinstance(value, tuple):
            matches.append(Match(value[0], ones ^ (ones >> value[1])))
        else:
            matches.append(Match(value, ones))
    (full_name,) = [ref.action for ref in table.actions if ref.action.split(".")[-1] == action]
    return table.name, Entry(tuple(matches), full_name, args)


def _number(octets: bytes) -> int:
    return int.from_bytes(octets)

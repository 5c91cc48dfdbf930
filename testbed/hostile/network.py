"""The network that hostile packets come into: two ports, two endpoints, one session."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, TypeAlias

from p4xdp.dataplane import Entry, Match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from p4xdp import ir

_Key: TypeAlias = "tuple[int | tuple[int, int], ...]"  # of an lpm field value and prefix length
_Said: TypeAlias = "tuple[str, _Key, str, dict[str, int]]"

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
    for name, key, action, arguments in (*_arrival(), *_session(), *_routes()):
        yield _entry(program, name, key, action, arguments)


def _arrival() -> Iterator[_Said]:
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


def _session() -> Iterator[_Said]:
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


def _routes() -> Iterator[_Said]:
    addend = 65534 - LONGEST_USER_PACKET
    peer = {"src_addr": _number(N3_IPV4), "dst_addr": _number(GNB_IPV4), "dst_port": 2152}
    yield "tunnel_headers", (PEER,), "add_ipv4", peer | {"is_gtpu": 1}
    group = {"next_hop_group_id": ACCESS_GROUP, "length_addend": addend}
    yield "tunnel_peers", (PEER,), "set_next_hop_group", group
    for version in (4, 6):
        group = {"next_hop_group_id": CORE_GROUP, "length_addend": addend}
        yield f"routes_ipv{version}", (CORE, (0, 0)), "set_next_hop_group", group
    for number, port, macs in (
        (ACCESS_GROUP, ACCESS_PORT, (ACCESS_MAC, GNB_MAC)),
        (CORE_GROUP, CORE_PORT, (CORE_MAC, ROUTER_MAC)),
    ):
        src_mac, dst_mac = map(_number, macs)
        arguments = {"port": port, "src_mac": src_mac, "dst_mac": dst_mac}
        yield "next_hops", (number, 0), "set_port_and_macs", arguments


def _entry(
    program: ir.Program, name: str, key: _Key, action_name: str, arguments: dict[str, int]
) -> tuple[str, Entry]:
    """Return the table's full name and the entry; a parameter that is not mentioned is 0."""
    gress = next(g for g in (program.ingress, program.egress) if _ends_in(g.tables, name))
    table = gress.tables[_ends_in(gress.tables, name)]
    matches = []
    for declared, value in zip(table.keys, key, strict=True):
        ones = (1 << declared.width) - 1
        if isinstance(value, tuple):
            matches.append(Match(value[0], ones ^ (ones >> value[1])))
        else:
            matches.append(Match(value, ones))
    action = gress.actions[_ends_in([ref.action for ref in table.actions], action_name)]
    given = tuple(arguments.get(parameter, 0) for parameter, _ in action.params)
    return table.name, Entry(tuple(matches), action.name, given)


def _ends_in(names: Iterable[str], end: str) -> str:
    """Return the one of `names` that has `end` behind its last dot, or nothing."""
    return next((name for name in names if name.rpartition(".")[2] == end), "")


def _number(octets: bytes) -> int:
    return int.from_bytes(octets)

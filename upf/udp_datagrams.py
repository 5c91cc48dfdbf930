"""UDP datagrams out of captured packets: Ethernet, Linux cooked, loopback and raw IP.

What is no UDP over IP gives None. IP fragments are not put together: the first one of a datagram
gives the octets it holds, the others None.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from upf.pcap import Packet

_ETHERNET, _SLL, _SLL2 = 1, 113, 276
_LOOPBACK = frozenset({0, 108})
_RAW = frozenset({12, 14, 101, 228, 229})

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN = frozenset({0x8100, 0x88A8, 0x9100})
_UDP, _FRAGMENT = 17, 44
_EXTENSIONS = frozenset({0, 43, 60, 135})
"""IPv6 headers between the fixed one and UDP that say their own length."""

Address = tuple[IPv4Address | IPv6Address, int]


class Datagram(NamedTuple):
    """A captured UDP datagram. `missing_octets` of it are not in the capture."""

    at_s: float
    source: Address
    destination: Address
    octets: bytes
    missing_octets: int = 0


def datagram(packet: Packet) -> Datagram | None:
    """The UDP datagram of a packet, if it holds one."""
    try:
        ip = _network_layer(packet)
        if not ip:
            return None
        found = _ipv4(ip) if ip[0] >> 4 == 4 else _ipv6(ip) if ip[0] >> 4 == 6 else None
        if found is None:
            return None
        source, destination, udp = found
        source_port, destination_port, length, _ = struct.unpack_from(">HHHH", udp)
    except (struct.error, IndexError, ValueError):
        # Cut off before its UDP header ends.
        return None
    # A length of 0 stands for a jumbogram: all that is there.
    wanted = length - 8 if length else len(udp) - 8
    octets = udp[8 : 8 + wanted]
    return Datagram(
        packet.at_s,
        (source, source_port),
        (destination, destination_port),
        octets,
        max(0, wanted - len(octets)),
    )


def _network_layer(packet: Packet) -> bytes:
    """The IP packet; empty if there is none."""
    octets = packet.octets
    if packet.link_type in _RAW:
        return octets
    if packet.link_type in _LOOPBACK:
        return octets[4:]
    if packet.link_type == _ETHERNET:
        at = 12
    elif packet.link_type == _SLL:
        at = 14
    elif packet.link_type == _SLL2:
        return octets[20:] if _number(octets, 0) in {_IPV4, _IPV6} else b""
    else:
        return b""
    while _number(octets, at) in _VLAN:
        at += 4
    return octets[at + 2 :] if _number(octets, at) in {_IPV4, _IPV6} else b""


def _number(octets: bytes, at: int) -> int:
    return int(struct.unpack_from(">H", octets, at)[0])


Found = tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address, bytes]


def _ipv4(ip: bytes) -> Found | None:
    length, fragment = _number(ip, 2), _number(ip, 6)
    if ip[9] != _UDP or fragment & 0x1FFF:
        return None
    # Ethernet pads short packets: what lies behind the length is not the packet's.
    udp = ip[(ip[0] & 0x0F) * 4 : length or len(ip)]
    return IPv4Address(ip[12:16]), IPv4Address(ip[16:20]), udp


def _ipv6(ip: bytes) -> Found | None:
    end = 40 + _number(ip, 4)
    if end == 40:
        end = len(ip)
    protocol, at = ip[6], 40
    while protocol in _EXTENSIONS or protocol == _FRAGMENT:
        if protocol == _FRAGMENT:
            if _number(ip, at + 2) >> 3:
                return None
            protocol, at = ip[at], at + 8
        else:
            protocol, at = ip[at], at + 8 + ip[at + 1] * 8
    if protocol != _UDP:
        return None
    return IPv6Address(ip[8:24]), IPv6Address(ip[24:40]), ip[at:end]

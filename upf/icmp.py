"""What a router says of packets it cannot send on: ICMP and ICMPv6 errors, and fragments. Pure.

Whole IP packets in and out (RFC 792, 1191, 4443; RFC 1122 clause 3.2.2 on what is not answered).
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from upf.made_frames import checksum, ip_packet, ipv4_header

if TYPE_CHECKING:
    from upf.rules import IPAddress

MIN_MTU_IPV6: Final = 1280
_ICMP, _ICMPV6 = 1, 58
_MAX_IPV4_OCTETS = 576
_IPV4_OCTETS, _IPV6_OCTETS, _ICMP_OCTETS = 20, 40, 8
_DONT_FRAGMENT, _MORE_FRAGMENTS, _FRAGMENT_OFFSET = 0x4000, 0x2000, 0x1FFF
# ICMP that tells of no error: all else is not answered with an error.
_QUERIES = frozenset({0, 8, 9, 10, 13, 14})
_FIRST_QUERY_V6 = 128
_ERROR = struct.Struct("!BBHI")


def time_exceeded(packet: bytes, src: IPAddress) -> bytes | None:
    """An answer from `src` to a packet whose hops ran out; None if it must not be answered."""
    kind = (11, 0) if packet[0] >> 4 == 4 else (3, 0)
    return _error(packet, src, *kind, 0)


def too_big(packet: bytes, src: IPAddress, mtu: int) -> bytes | None:
    """An answer to a packet longer than `mtu`; None if it must not be answered."""
    if packet[0] >> 4 == 4:
        return _error(packet, src, 3, 4, mtu & 0xFFFF)
    return _error(packet, src, 2, 0, max(mtu, MIN_MTU_IPV6))


def may_be_fragmented(packet: bytes) -> bool:
    """Whether a router has to cut a packet in parts rather than refuse it."""
    return packet[0] >> 4 == 4 and not _flags(packet) & _DONT_FRAGMENT


def fragments(packet: bytes, mtu: int) -> list[bytes]:
    """The parts of an IPv4 packet, none longer than `mtu`; empty if no part fits.

    Options stay in every part, as if all were to be copied.
    """
    header_octets = 4 * (packet[0] & 0xF)
    payload = packet[header_octets:]
    step = (mtu - header_octets) // 8 * 8
    if step <= 0:
        return []
    flags = _flags(packet)
    parts = []
    for at in range(0, len(payload), step):
        part = payload[at : at + step]
        is_last = at + step >= len(payload) and not flags & _MORE_FRAGMENTS
        offset = (flags & _FRAGMENT_OFFSET) + at // 8
        header = bytearray(packet[:header_octets])
        header[2:4] = (header_octets + len(part)).to_bytes(2, "big")
        header[6:8] = (offset | (0 if is_last else _MORE_FRAGMENTS)).to_bytes(2, "big")
        header[10:12] = bytes(2)
        header[10:12] = checksum(bytes(header)).to_bytes(2, "big")
        parts.append(bytes(header) + part)
    return parts


def _flags(packet: bytes) -> int:
    return int.from_bytes(packet[6:8], "big")


def _error(packet: bytes, src: IPAddress, kind: int, code: int, rest: int) -> bytes | None:
    if packet[0] >> 4 == 4:
        return _error_ipv4(packet, src, kind, code, rest)
    return _error_ipv6(packet, src, kind, code, rest)


def _error_ipv4(packet: bytes, src: IPAddress, kind: int, code: int, rest: int) -> bytes | None:
    header_octets = 4 * (packet[0] & 0xF)
    sender, receiver = IPv4Address(packet[12:16]), IPv4Address(packet[16:20])
    first = packet[header_octets : header_octets + 1]
    is_error = packet[9] == _ICMP and (not first or first[0] not in _QUERIES)
    if is_error or _flags(packet) & _FRAGMENT_OFFSET or not _is_host(sender):
        return None
    if receiver.is_multicast or int(receiver) == 0xFFFFFFFF:
        return None
    quoted = packet[: _MAX_IPV4_OCTETS - _IPV4_OCTETS - _ICMP_OCTETS]
    message = _ERROR.pack(kind, code, 0, rest) + quoted
    message = message[:2] + checksum(message).to_bytes(2, "big") + message[4:]
    return ipv4_header(src.packed, sender.packed, _ICMP, len(message)) + message


def _error_ipv6(packet: bytes, src: IPAddress, kind: int, code: int, rest: int) -> bytes | None:
    sender, receiver = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
    next_header, first = packet[6], packet[_IPV6_OCTETS : _IPV6_OCTETS + 1]
    if next_header == _ICMPV6 and first < bytes([_FIRST_QUERY_V6]):
        return None
    # Packet Too Big alone answers multicast (RFC 4443 clause 2.4).
    if not _is_host(sender) or (receiver.is_multicast and kind != 2):
        return None
    quoted = packet[: MIN_MTU_IPV6 - _IPV6_OCTETS - _ICMP_OCTETS]
    message = _ERROR.pack(kind, code, 0, rest) + quoted
    pseudo = src.packed + sender.packed + struct.pack("!II", len(message), _ICMPV6)
    message = message[:2] + checksum(pseudo + message).to_bytes(2, "big") + message[4:]
    return ip_packet(src, sender, _ICMPV6, message)


def _is_host(address: IPAddress) -> bool:
    return not (address.is_multicast or address.is_unspecified or address.is_loopback)

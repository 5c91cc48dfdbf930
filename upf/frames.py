"""The IP packet of a user inside a frame as it arrived. Pure; nothing in a frame is trusted."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from upf.rules import IPAddress

ETHERTYPE_VLAN = 0x8100
_ETHERNET_OCTETS, _VLAN_OCTETS, _UDP_OCTETS, _GTPU_OCTETS = 14, 4, 8, 8
_IPV4_OCTETS, _IPV6_OCTETS = 20, 40
_GTPU_OPTIONS_OCTETS = 4
_GTPU_ANY_OPTION, _GTPU_EXTENSION = 0x07, 0x04
_MAX_EXTENSIONS = 8


@dataclass(frozen=True, slots=True)
class IPPacket:
    """An IP packet of a frame. It begins at `offset`, what it carries at `payload`."""

    offset: int
    payload: int
    version: int
    src: IPAddress
    dst: IPAddress


def ip_packet_of(frame: bytes, offset: int | None = None) -> IPPacket | None:
    """The IP packet at an offset, that of the Ethernet header unless given; None if none is."""
    if offset is None:
        offset = _ETHERNET_OCTETS
        if frame[12:14] == ETHERTYPE_VLAN.to_bytes(2, "big"):
            offset += _VLAN_OCTETS
    if len(frame) < offset + _IPV4_OCTETS:
        return None
    version = frame[offset] >> 4
    if version == 4:
        header_octets = 4 * (frame[offset] & 0xF)
        src, dst = (IPv4Address(frame[offset + at : offset + at + 4]) for at in (12, 16))
        return IPPacket(offset, offset + header_octets, version, src, dst)
    if version == 6 and len(frame) >= offset + _IPV6_OCTETS:
        src6, dst6 = (IPv6Address(frame[offset + at : offset + at + 16]) for at in (8, 24))
        return IPPacket(offset, offset + _IPV6_OCTETS, version, src6, dst6)
    return None


def dscp_of(frame: bytes) -> int | None:
    """The DSCP of a frame's IP packet; None if it has none."""
    packet = ip_packet_of(frame)
    if packet is None:
        return None
    first = int.from_bytes(frame[packet.offset : packet.offset + 2], "big")
    return (first & 0xFF if packet.version == 4 else first >> 4 & 0xFF) >> 2


def octets_of(frame: bytes, packet: IPPacket) -> bytes:
    """The octets of an IP packet of a frame, without what pads the frame."""
    at = packet.offset
    if packet.version == 4:
        return frame[at : at + int.from_bytes(frame[at + 2 : at + 4], "big")]
    return frame[at : at + _IPV6_OCTETS + int.from_bytes(frame[at + 4 : at + 6], "big")]


def user_packet_of(frame: bytes, *, is_tunnelled: bool) -> IPPacket | None:
    """The user's packet: what the frame carries, or what a G-PDU in it does."""
    outer = ip_packet_of(frame)
    if outer is None or not is_tunnelled:
        return outer
    at = gtpu_payload(frame, outer.payload + _UDP_OCTETS)
    return None if at is None else ip_packet_of(frame, at)


def gtpu_payload(frame: bytes, offset: int) -> int | None:
    """Where what a GTP-U header at `offset` precedes begins; None if it is cut off."""
    if len(frame) < offset + _GTPU_OCTETS:
        return None
    flags = frame[offset]
    at = offset + _GTPU_OCTETS
    if not flags & _GTPU_ANY_OPTION:
        return at
    at += _GTPU_OPTIONS_OCTETS
    for _ in range(_MAX_EXTENSIONS):
        if len(frame) < at + 1:
            return None
        if not flags & _GTPU_EXTENSION or frame[at - 1] == 0:
            return at
        if frame[at] == 0:
            return None
        at += 4 * frame[at]
    return None


class Datagram(NamedTuple):
    """A UDP datagram and who sent it to whom. `tos`: DSCP and ECN of its IP packet."""

    src: IPAddress
    dst: IPAddress
    src_port: int
    dst_port: int
    tos: int
    octets: bytes


def datagram_of(frame: bytes) -> Datagram | None:
    """The UDP datagram of a frame, known to be one; None if it is cut off."""
    packet = ip_packet_of(frame)
    if packet is None or len(frame) < packet.payload + _UDP_OCTETS:
        return None
    src_port, dst_port, length = struct.unpack_from("!HHH", frame, packet.payload)
    first = int.from_bytes(frame[packet.offset : packet.offset + 2], "big")
    tos = first & 0xFF if packet.version == 4 else first >> 4 & 0xFF
    octets = frame[packet.payload + _UDP_OCTETS : packet.payload + length]
    return Datagram(packet.src, packet.dst, src_port, dst_port, tos, octets)

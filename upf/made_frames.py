"""Frames as a gNB or the data network would send them, for a user's packet. Pure."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upf.rules import IPAddress

HOST_MAC = bytes.fromhex("020000000001")  # source of frames made here: locally administered
PROTOCOL_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}

_TCP, _UDP, _SCTP = 6, 17, 132
_VLAN_ETHERTYPE = b"\x81\x00"
_ETHERTYPES = {4: 0x0800, 6: 0x86DD}
_GTPU_PORT = 2152
_G_PDU = 255
_PSC_EXTENSION = 0x85
_UPLINK_PDU = 1
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
# What a packet has at least behind its IP header.
_MIN_PAYLOAD_OCTETS = {_TCP: 20, _UDP: 8, _SCTP: 12}


def user_packet(  # noqa: PLR0913 - the fields of a packet
    src: IPAddress,
    dst: IPAddress,
    *,
    protocol: int,
    src_port: int,
    dst_port: int,
    octets: int,
    dscp: int = 0,
    hop_limit: int = 64,
) -> bytes:
    """An IP packet of `octets`, or as many as its headers take."""
    header_octets = 20 if src.version == 4 else 40
    payload_octets = max(octets - header_octets, _MIN_PAYLOAD_OCTETS.get(protocol, 8))
    payload = bytes(payload_octets)
    ports = struct.pack("!HH", src_port, dst_port)
    if protocol == _UDP:
        payload = ports + struct.pack("!HH", payload_octets, 0) + payload[8:]
    elif protocol == _TCP:
        payload = ports + bytes(8) + b"\x50\x02" + payload[14:]  # 5 words of header; SYN
    elif protocol == _SCTP:
        payload = ports + payload[4:]
    return ip_packet(src, dst, protocol, payload, dscp=dscp, hop_limit=hop_limit)


def ip_packet(
    src: IPAddress,
    dst: IPAddress,
    protocol: int,
    payload: bytes,
    *,
    dscp: int = 0,
    hop_limit: int = 64,
) -> bytes:
    """An IP header before `payload`."""
    if not isinstance(src, IPv4Address):
        head = 6 << 28 | dscp << 22
        fields6 = (head, len(payload), protocol, hop_limit, src.packed, dst.packed)
        return _IPV6.pack(*fields6) + payload
    header = ipv4_header(
        src.packed, dst.packed, protocol, len(payload), tos=dscp << 2, hop_limit=hop_limit
    )
    return header + payload


def ipv4_header(
    src: bytes,
    dst: bytes,
    protocol: int,
    payload_octets: int,
    *,
    tos: int = 0,
    hop_limit: int = 64,
) -> bytes:
    """An IPv4 header without options; `tos` is the octet of DSCP and ECN."""
    length = _IPV4.size + payload_octets
    header: bytes = _IPV4.pack(0x45, tos, length, 0, 0, hop_limit, protocol, 0, src, dst)
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:]


def g_pdu(gnb: IPAddress, endpoint: IPAddress, teid: int, qfi: int | None, packet: bytes) -> bytes:
    """A user's packet as a gNB sends it to a GTP-U endpoint of ours (TS 29.281 clause 5.1).

    With a PDU session container (TS 38.415 clause 5.5.2.2) if a QFI is given.
    """
    options = b""
    if qfi is not None:
        options = struct.pack("!HBB", 0, 0, _PSC_EXTENSION)
        options += struct.pack("!BBBB", 1, _UPLINK_PDU << 4, qfi, 0)
    flags = 0x30 if qfi is None else 0x34
    gtpu = struct.pack("!BBHI", flags, _G_PDU, len(options) + len(packet), teid) + options + packet
    udp = struct.pack("!HHHH", _GTPU_PORT, _GTPU_PORT, 8 + len(gtpu), 0) + gtpu
    return ip_packet(gnb, endpoint, _UDP, udp)


def udp_packet(
    src: IPAddress,
    dst: IPAddress,
    src_port: int,
    dst_port: int,
    payload: bytes,
    *,
    tos: int = 0,
) -> bytes:
    """A UDP datagram, with a checksum where one must be (RFC 8200 clause 8.1)."""
    length = 8 + len(payload)
    header = struct.pack("!HHHH", src_port, dst_port, length, 0)
    if src.version == 6:
        pseudo = src.packed + dst.packed + struct.pack("!II", length, _UDP)
        header = header[:6] + (checksum(pseudo + header + payload) or 0xFFFF).to_bytes(2, "big")
    return ip_packet(src, dst, _UDP, header + payload, dscp=tos >> 2)


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = octets + b"\0" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet_back(frame: bytes, packet: bytes) -> bytes:
    """A frame with an IP packet to whoever sent `frame`, with its VLAN tag if it has one."""
    tag = frame[12:16] if frame[12:14] == _VLAN_ETHERTYPE else b""
    ethertype = _ETHERTYPES[packet[0] >> 4].to_bytes(2, "big")
    return frame[6:12] + frame[:6] + tag + ethertype + packet


def ethernet(dst_mac: int, packet: bytes, *, src: int | None = None) -> bytes:
    """A frame to `dst_mac`, from a locally administered address unless one is given."""
    ethertype = _ETHERTYPES[packet[0] >> 4]
    source = HOST_MAC if src is None else src.to_bytes(6, "big")
    return dst_mac.to_bytes(6, "big") + source + ethertype.to_bytes(2, "big") + packet

"""Frames as gNBs, UEs and servers of the hostile packets' network send them, octet by octet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.hostile import network as net

if TYPE_CHECKING:
    from collections.abc import Iterable

Arrival = tuple[int, bytes]

PAYLOAD = bytes(range(40))
UDP = 17
CONTAINER = 0x85


def ethernet(
    dst: bytes, src: bytes, ether_type: int, payload: bytes, vlans: Iterable[int] = ()
) -> bytes:
    """Return a frame with the 802.1Q tags of `vlans`."""
    tags = b"".join(b"\x81\x00" + vlan.to_bytes(2) for vlan in vlans)
    return dst + src + tags + ether_type.to_bytes(2) + payload


def ipv4(src: bytes, dst: bytes, payload: bytes, *, protocol: int = UDP, ttl: int = 61) -> bytes:
    """Return a packet with the right checksum."""
    total = (20 + len(payload)).to_bytes(2)
    header = bytearray(b"\x45\x00" + total + bytes(4) + bytes([ttl, protocol, 0, 0]) + src + dst)
    words = sum(header[at] << 8 | header[at + 1] for at in range(0, 20, 2))
    words = (words & 0xFFFF) + (words >> 16)
    header[10:12] = (~(words + (words >> 16)) & 0xFFFF).to_bytes(2)
    return bytes(header) + payload


def ipv6(src: bytes, dst: bytes, payload: bytes, *, protocol: int = UDP, ttl: int = 61) -> bytes:
    """Return a packet."""
    return b"\x60\0\0\0" + len(payload).to_bytes(2) + bytes([protocol, ttl]) + src + dst + payload


def udp(src_port: int, dst_port: int, payload: bytes) -> bytes:
    """Return a datagram without checksum."""
    ports = src_port.to_bytes(2) + dst_port.to_bytes(2)
    return ports + (8 + len(payload)).to_bytes(2) + bytes(2) + payload


def g_pdu(
    user: bytes,
    *,
    flags: int = 0x30,
    options: bytes = b"",
    teid: int = net.TEID,
    message_type: int = 255,
) -> bytes:
    """Return a GTP-U message; `options` is all between TEID and the user's packet."""
    length = (len(options) + len(user)).to_bytes(2)
    return bytes([flags, message_type]) + length + teid.to_bytes(4) + options + user


def on_n3(gtpu: bytes, *, version: int = 4, vlans: Iterable[int] = ()) -> Arrival:
    """Return a GTP-U message's arrival from the gNB."""
    datagram = udp(2152, 2152, gtpu)
    if version == 4:
        packet = ipv4(net.GNB_IPV4, net.N3_IPV4, datagram)
        frame = ethernet(net.ACCESS_MAC, net.GNB_MAC, 0x0800, packet, vlans)
    else:
        packet = ipv6(net.GNB_IPV6, net.N3_IPV6, datagram)
        frame = ethernet(net.ACCESS_MAC, net.GNB_MAC, 0x86DD, packet, vlans)
    return net.ACCESS_PORT, frame


def from_ue(version: int = 4, payload: bytes | None = None, **fields: int) -> bytes:
    """Return a packet of the session's UE."""
    payload = udp(4242, 53, PAYLOAD) if payload is None else payload
    if version == 4:
        return ipv4(net.UE_IPV4, net.SERVER_IPV4, payload, **fields)
    return ipv6(net.UE_IPV6, net.SERVER_IPV6, payload, **fields)


def to_ue(version: int = 4, payload: bytes | None = None, **fields: int) -> bytes:
    """Return a packet for the session's UE."""
    payload = udp(53, 4242, PAYLOAD) if payload is None else payload
    if version == 4:
        return ipv4(net.SERVER_IPV4, net.UE_IPV4, payload, **fields)
    return ipv6(net.SERVER_IPV6, net.UE_IPV6, payload, **fields)


def on_n6(packet: bytes, vlans: Iterable[int] = ()) -> Arrival:
    """Return an arrival from the data network."""
    ether_type = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    return net.CORE_PORT, ethernet(net.CORE_MAC, net.ROUTER_MAC, ether_type, packet, vlans)


def chain_of(*headers: tuple[int, bytes], last: int = 0) -> bytes:
    """Return GTP-U options: sequence and N-PDU numbers, then extension headers of (type, content);
    every content is whole but for the type of the next header.
    """
    kinds = [kind for kind, _ in headers] + [last]
    octets = bytes(3) + bytes([kinds[0]])
    for (_, content), following in zip(headers, kinds[1:], strict=True):
        octets += content + bytes([following])
    return octets


def container(units: int = 1) -> tuple[int, bytes]:
    """Return an uplink PDU session container of so many units of four octets, for `chain_of`."""
    return CONTAINER, bytes([units, 0x10, net.QFI]) + bytes(4 * units - 4)

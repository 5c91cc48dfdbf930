"""What must become of a frame in `network`, worked out from the octets by the standards alone.

Checksums and the lengths of outer headers are not looked at, neither here nor in the pipeline. What
stands behind the user's packet stays behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from testbed.hostile import network as net

_TCP, _UDP = 6, 17
_WITH_PORTS = (_TCP, _UDP, 50, 132)  # TCP, UDP, ESP (its SPI), SCTP: four octets are read
_GTPU_PORT = 2152
_G_PDU = 255
_CONTAINER = 0x85


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reason` is the drop's or the punt's, as types.p4 calls it. A frame that leaves is `frame`
    but for the octets numbered in `wild`. One that is forwarded leaves by `port`, and `charged` of
    its octets are the user's, of `usage_id`, which also says whose packet is buffered. A drop
    counts `charged` octets, 0 is all of the frame.
    """

    verdict: Literal["drop", "forward", "host", "controller"]
    reason: str = ""
    frame: bytes = b""
    wild: tuple[int, ...] = ()
    port: int | None = None
    charged: int = 0
    usage_id: int = 0


@dataclass(frozen=True, slots=True)
class _Packet:
    """The user's packet: where it begins, and what its header says."""

    at: int
    version: int
    ttl: int
    src: bytes
    dst: bytes
    octets: int


class _SettledError(Exception):
    """It is clear what becomes of the frame."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def outcome(port: int, frame: bytes) -> Outcome:
    """Return what becomes of `frame`, 14 octets at least, that arrives on `port`."""
    try:
        at, version = _arrive(port, frame)
        packet = _packet(frame, at, version)
        gtpu_at = _gtpu(frame, packet)
        if port == net.CORE_PORT:
            return _downlink(frame, packet)
        if packet.dst not in (net.N3_IPV4, net.N3_IPV6):
            return Outcome("host", frame=frame)
        if gtpu_at is None:
            return _not_gtpu(frame, packet)
        return _uplink(frame, gtpu_at)
    except _SettledError as settled:
        return settled.outcome


def _arrive(port: int, frame: bytes) -> tuple[int, int]:
    """Return place and version of the first IP header of a frame that is for this UPF."""
    at, ether_type, vlan = 14, _u16(frame, 12), 0
    is_cut = ether_type == 0x8100 and len(frame) < 18
    if ether_type == 0x8100 and not is_cut:
        at, ether_type, vlan = 18, _u16(frame, 16), _u16(frame, 14) & 0xFFF
    if port not in (net.ACCESS_PORT, net.CORE_PORT) or vlan not in (0, net.VLAN):
        raise _SettledError(Outcome("drop", "UNKNOWN_PORT"))
    own_mac = net.CORE_MAC if port == net.CORE_PORT else net.ACCESS_MAC
    if frame[:6] == own_mac and is_cut:
        raise _SettledError(Outcome("drop", "MALFORMED_IP"))
    if frame[:6] != own_mac or ether_type not in (0x0800, 0x86DD):
        raise _SettledError(Outcome("host", frame=frame))
    return at, 4 if ether_type == 0x0800 else 6


def _packet(frame: bytes, at: int, version: int) -> _Packet:
    _need(frame, at + (20 if version == 4 else 40))
    ihl = frame[at] & 15
    is_none = version == 4 and (ihl < 5 or _u16(frame, at + 2) < 4 * ihl)
    if frame[at] >> 4 != version or is_none:
        raise _SettledError(Outcome("drop", "MALFORMED_IP"))
    if version == 4:
        src, dst = frame[at + 12 : at + 16], frame[at + 16 : at + 20]
        return _Packet(at, 4, frame[at + 8], src, dst, _u16(frame, at + 2))
    src, dst = frame[at + 8 : at + 24], frame[at + 24 : at + 40]
    return _Packet(at, 6, frame[at + 7], src, dst, _u16(frame, at + 4) + 40)


def _transport(frame: bytes, packet: _Packet) -> tuple[int, int] | None:
    """Return protocol and place of what an option-less packet, or its first fragment, carries."""
    if packet.version == 6:
        return frame[packet.at + 6], packet.at + 40
    has_options = frame[packet.at] & 15 != 5
    is_later_fragment = _u16(frame, packet.at + 6) & 0x1FFF
    return None if has_options or is_later_fragment else (frame[packet.at + 9], packet.at + 20)


def _gtpu(frame: bytes, packet: _Packet) -> int | None:
    """Return where a GTP-U header begins, if the packet carries one whole."""
    carried = _transport(frame, packet)
    if carried is None or carried[0] not in _WITH_PORTS:
        return None
    protocol, at = carried
    _need(frame, at + 4)
    is_fragment = packet.version == 4 and _u16(frame, packet.at + 6) & 0x3FFF
    if protocol != _UDP or is_fragment or _u16(frame, at + 2) != _GTPU_PORT:
        return None
    _need(frame, at + 8)
    return at + 8


def _not_gtpu(frame: bytes, packet: _Packet) -> Outcome:
    """To an endpoint, but no whole GTP-U message: its fragments are not put together again."""
    if packet.version == 4 and frame[packet.at + 9] == _UDP and _u16(frame, packet.at + 6) & 0x3FFF:
        return Outcome("drop", "OUTER_FRAGMENT")
    return Outcome("host", frame=frame)


def _uplink(frame: bytes, at: int) -> Outcome:
    """A GTP-U message to this UPF (TS 29.281 clause 5)."""
    _need(frame, at + 8)
    if frame[at + 1] != _G_PDU:
        return Outcome("controller", "GTPU_NODE", frame)
    if frame[at] >> 4 != 0b0011:  # version 1 of GTP
        return Outcome("drop", "UNSUPPORTED_INNER")
    packet = _inner(frame, _user_at(frame, at))
    if _u16(frame, at + 2) != packet.at - at - 8 + packet.octets:
        return Outcome("drop", "MALFORMED_GTPU")
    teid = int.from_bytes(frame[at + 4 : at + 8])
    if teid == net.RELAYED_TEID:
        return _relayed(frame, packet)
    usage_id = _uplink_usage(frame, packet, teid)
    _require_routable(packet, frame)
    ether_type = b"\x08\x00" if packet.version == 4 else b"\x86\xdd"
    user = _one_hop(frame, packet)
    leaving = net.ROUTER_MAC + net.CORE_MAC + ether_type + user
    return Outcome("forward", "", leaving, (), net.CORE_PORT, len(user), usage_id)


def _uplink_usage(frame: bytes, packet: _Packet, teid: int) -> int:
    """Return the usage number of the session's flow that the packet may be forwarded in."""
    if teid == net.TEID:
        if packet.src[:8] not in (net.UE_IPV4, net.UE_IPV6[:8]):
            raise _SettledError(Outcome("drop", "SPOOFED_SOURCE"))
        return net.UPLINK_USAGE
    if teid != net.CLASSIFIED_TEID:
        raise _SettledError(Outcome("controller", "UNKNOWN_TUNNEL", frame))
    protocol, _, dst_port = _flow(frame, packet)
    if packet.src[:8] not in (net.CLASSIFIED_UE_IPV4, net.CLASSIFIED_UE_IPV6[:8]):
        raise _SettledError(Outcome("drop", "NO_MATCHING_RULE"))
    if protocol == _TCP:
        raise _SettledError(Outcome("drop", "GATE_CLOSED"))
    if (protocol, dst_port) != (_UDP, net.FILTERED_PORT):
        raise _SettledError(Outcome("drop", "NO_MATCHING_RULE"))
    return net.CLASSIFIED_UPLINK_USAGE


def _flow(frame: bytes, packet: _Packet) -> tuple[int, int, int]:
    """Return protocol and ports; ports are 0 where none can be found."""
    carried = _transport(frame, packet)
    if carried is None or carried[0] not in _WITH_PORTS:
        return frame[packet.at + (9 if packet.version == 4 else 6)], 0, 0
    protocol, at = carried
    return protocol, _u16(frame, at), _u16(frame, at + 2)


def _user_at(frame: bytes, at: int) -> int:
    """Return where the user's packet begins behind the GTP-U header at `at`."""
    if not frame[at] & 7:
        return at + 8
    _need(frame, at + 12)
    if not frame[at] & 4:
        return at + 12
    user_at = _extensions(frame, at + 11)
    if user_at is None:
        raise _SettledError(Outcome("controller", "GTPU_EXTENSION", frame))
    return user_at


def _inner(frame: bytes, at: int) -> _Packet:
    _need(frame, at + 4)
    version = frame[at] >> 4
    if version not in (4, 6):
        raise _SettledError(Outcome("drop", "UNSUPPORTED_INNER"))
    packet = _packet(frame, at, version)
    carried = _transport(frame, packet)
    if carried is not None and carried[0] in _WITH_PORTS:
        _need(frame, carried[1] + 4)
    return packet


def _extensions(frame: bytes, type_at: int) -> int | None:
    """Return where the chain of extension headers ends: a PDU session container of up to 68 octets,
    and one that may be skipped, of up to 8, before it and one behind. None if it is another chain.
    """
    before, inside, behind = range(3)
    place = before
    while True:
        kind, at = frame[type_at], type_at + 1
        if kind == 0:
            return at
        if place > behind:
            return None
        _need(frame, at + 1)  # its length
        units = frame[at]
        is_container = kind == _CONTAINER and 1 <= units <= 17 and place <= inside
        if not is_container and not (kind < 0x80 and 1 <= units <= 2):
            return None
        _need(frame, at + 4 * units)
        type_at = at + 4 * units - 1
        place = behind if is_container else inside if place == before else behind + 1


def _relayed(frame: bytes, packet: _Packet) -> Outcome:
    """From tunnel to tunnel is no hop of the user's packet."""
    _require_routable(packet, frame)
    tunnel = _gtpu_tunnel(packet, net.RELAYED_GNB_TEID, net.RELAYED_QFI, is_downlink=False)
    head = net.GNB_MAC + net.ACCESS_MAC + b"\x08\x00" + _outer_ipv4(packet.octets + len(tunnel))
    return _leaving(head + tunnel, len(head), frame[packet.at :], net.RELAYED_UPLINK_USAGE)


def _downlink(frame: bytes, packet: _Packet) -> Outcome:
    ethernet = net.GNB_MAC + net.ACCESS_MAC
    if packet.dst[:8] in (net.UE_IPV4, net.UE_IPV6[:8]):
        _require_routable(packet, frame)
        tunnel = _gtpu_tunnel(packet, net.GNB_TEID, net.QFI, is_downlink=True)
        head = ethernet + b"\x08\x00" + _outer_ipv4(packet.octets + len(tunnel))
        usage_id = net.DOWNLINK_USAGE
    elif packet.dst[:8] in (net.CLASSIFIED_UE_IPV4, net.CLASSIFIED_UE_IPV6[:8]):
        _require_dns(frame, packet)
        _require_routable(packet, frame)
        teid, qfi = net.CLASSIFIED_GNB_TEID, net.CLASSIFIED_QFI
        tunnel = _gtpu_tunnel(packet, teid, qfi, is_downlink=True)
        ethernet += b"\x81\x00" + net.VLAN.to_bytes(2)
        head = ethernet + b"\x86\xdd" + _outer_ipv6(packet.octets + len(tunnel), _UDP, 0)
        usage_id = net.CLASSIFIED_DOWNLINK_USAGE
    elif packet.dst[:8] in (net.RELAYED_UE_IPV4, net.RELAYED_UE_IPV6[:8]):
        _require_routable(packet, frame)
        protocol = 4 if packet.version == 4 else 41
        head = ethernet + b"\x86\xdd" + _outer_ipv6(packet.octets, protocol, net.ALONE_DSCP)
        tunnel, usage_id = b"", net.RELAYED_DOWNLINK_USAGE
    else:
        return Outcome("host", frame=frame)
    return _leaving(head + tunnel, len(head), _one_hop(frame, packet), usage_id)


def _leaving(head: bytes, ports_at: int, user: bytes, usage_id: int) -> Outcome:
    """To the access side, behind `head`; its UDP source port is the flow's hash."""
    wild = (ports_at, ports_at + 1) if ports_at < len(head) else ()
    return Outcome("forward", "", head + user, wild, net.ACCESS_PORT, len(user), usage_id)


def _gtpu_tunnel(packet: _Packet, teid: int, qfi: int, *, is_downlink: bool) -> bytes:
    """UDP, GTP-U and a PDU session container."""
    length = packet.octets + 8
    gtpu = bytes([0x34, _G_PDU]) + length.to_bytes(2) + teid.to_bytes(4) + bytes(3)
    gtpu += bytes([_CONTAINER, 1, 0 if is_downlink else 0x10, qfi, 0])
    return bytes(2) + _GTPU_PORT.to_bytes(2) + (length + 16).to_bytes(2) + bytes(2) + gtpu


def _require_dns(frame: bytes, packet: _Packet) -> None:
    protocol, src_port, _ = _flow(frame, packet)
    if protocol == _TCP:
        usage_id = net.BUFFERED_USAGE
        raise _SettledError(Outcome("controller", "BUFFER", frame, usage_id=usage_id))
    if (protocol, src_port) != (_UDP, net.FILTERED_PORT):
        raise _SettledError(Outcome("drop", "NO_MATCHING_RULE"))


def _outer_ipv6(octets: int, protocol: int, dscp: int) -> bytes:
    first = (6 << 28 | dscp << 22).to_bytes(4)
    return first + octets.to_bytes(2) + bytes([protocol, 64]) + net.N3_IPV6 + net.GNB_IPV6


def _outer_ipv4(octets: int) -> bytes:
    total = (octets + 20).to_bytes(2)
    head = b"\x45\x00" + total + bytes(4) + b"\x40\x11" + bytes(2) + net.N3_IPV4 + net.GNB_IPV4
    return head[:10] + _checksum(head).to_bytes(2) + head[12:]


def _require_routable(packet: _Packet, frame: bytes) -> None:
    if packet.ttl <= 1:
        raise _SettledError(Outcome("controller", "TTL_EXPIRED", frame))
    if packet.octets > net.LONGEST_USER_PACKET:
        raise _SettledError(Outcome("controller", "TOO_BIG", frame))
    if packet.octets > len(frame) - packet.at:
        octets = 14 + len(frame) - packet.at  # it is dropped without tags and outer headers
        raise _SettledError(Outcome("drop", "TRUNCATED", charged=octets))


def _one_hop(frame: bytes, packet: _Packet) -> bytes:
    """Return the packet and all behind it with one hop less to live (RFC 1624)."""
    user = bytearray(frame[packet.at :])
    if packet.version == 6:
        user[7] -= 1
        return bytes(user)
    old = _u16(user, 8)
    user[8] -= 1
    total = (~_u16(user, 10) & 0xFFFF) + (~old & 0xFFFF) + _u16(user, 8)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    user[10:12] = (~total & 0xFFFF).to_bytes(2)
    return bytes(user)


def _checksum(header: bytes) -> int:
    total = sum(_u16(header, at) for at in range(0, len(header), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _need(frame: bytes, octets: int) -> None:
    if len(frame) < octets:
        raise _SettledError(Outcome("drop", "MALFORMED_IP"))


def _u16(octets: bytes | bytearray, at: int) -> int:
    return octets[at] << 8 | octets[at + 1]

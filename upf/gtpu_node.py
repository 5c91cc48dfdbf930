"""GTP-U messages between nodes rather than of a session: path management (TS 29.281 clause 7.2).

Pure functions from frame to frame. The pipeline shows us only whole IPv4 datagrams without options.
"""

from __future__ import annotations

import struct

from upf.frames import ip_packet_of, teid_of
from upf.made_frames import ipv4_header

ECHO_REQUEST = 1
ECHO_RESPONSE = 2
ERROR_INDICATION = 26

_ETHERNET_OCTETS = 14
_IPV4_OCTETS = 20
_UDP_PROTOCOL = 17
_UDP_OCTETS = 8
_GTPU = struct.Struct("!BBHI")  # flags, message type, length, TEID
_UDP = struct.Struct("!HHHH")  # source port, destination port, length, checksum
_TEID_IE = struct.Struct("!BI")
_PEER_ADDRESS_IE = struct.Struct("!BH")
_GTPU_PORT = 2152
_SEQUENCE_FLAG = 0x02
_VERSION_1_GTP = 0x30
_RECOVERY_IE = b"\x0e\x00"  # the value is not used in GTP-U: zero (clause 8.2)


def echo_response(frame: bytes) -> bytes | None:
    """The answer to an Echo Request, to go out where it came in; None if it is something else."""
    udp_at = _ETHERNET_OCTETS + _IPV4_OCTETS
    gtpu_at = udp_at + _UDP_OCTETS
    if len(frame) < gtpu_at + _GTPU.size:
        return None
    flags, message_type, _, _ = _GTPU.unpack_from(frame, gtpu_at)
    if message_type != ECHO_REQUEST or flags & 0xF0 != _VERSION_1_GTP:
        return None
    sequence_at = gtpu_at + _GTPU.size
    # The sequence number flag is set in every Echo Request (clause 4.3.2); be lenient all the same.
    sequence = frame[sequence_at : sequence_at + 2] if flags & _SEQUENCE_FLAG else b"\0\0"
    if len(sequence) != 2:
        return None
    body = sequence + b"\0\0" + _RECOVERY_IE
    gtpu = _GTPU.pack(_VERSION_1_GTP | _SEQUENCE_FLAG, ECHO_RESPONSE, len(body), 0) + body
    source_port, destination_port, _, _ = _UDP.unpack_from(frame, udp_at)
    # The answer leaves from the port that was asked (clause 4.4.2.3). Checksum 0: none.
    udp = _UDP.pack(destination_port, source_port, _UDP_OCTETS + len(gtpu), 0) + gtpu
    return _ethernet_back(frame) + _ipv4_back(frame, len(udp)) + udp


def error_indication(frame: bytes) -> bytes | None:
    """What tells the sender of a G-PDU that its tunnel is not known here (TS 29.281 clause 7.3.1),
    to go out where the G-PDU came in; None if the frame is something else or not over IPv4.
    """
    outer = ip_packet_of(frame)
    teid = teid_of(frame)
    if outer is None or outer.version != 4 or teid is None or outer.offset != _ETHERNET_OCTETS:
        return None
    # The TEID of the G-PDU, and the address it was sent to.
    ies = _TEID_IE.pack(16, teid) + _PEER_ADDRESS_IE.pack(133, 4) + outer.dst.packed
    body = b"\0" * 4 + ies  # sequence number 0, nothing follows
    gtpu = _GTPU.pack(_VERSION_1_GTP | _SEQUENCE_FLAG, ERROR_INDICATION, len(body), 0) + body
    udp = _UDP.pack(_GTPU_PORT, _GTPU_PORT, _UDP_OCTETS + len(gtpu), 0) + gtpu
    return _ethernet_back(frame) + _ipv4_back(frame, len(udp)) + udp


def _ethernet_back(frame: bytes) -> bytes:
    return frame[6:12] + frame[:6] + frame[12:_ETHERNET_OCTETS]


def _ipv4_back(frame: bytes, payload_octets: int) -> bytes:
    """An IPv4 header to whoever sent this frame."""
    source, destination = frame[26:30], frame[30:34]
    tos = frame[15] & 0xFC  # their DSCP, no ECN
    return ipv4_header(destination, source, _UDP_PROTOCOL, payload_octets, tos=tos)

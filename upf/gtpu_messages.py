"""GTP-U messages that are no user's packets (TS 29.281 clause 7). Pure octets."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from upf.rules import IPAddress

PORT: Final = 2152
ECHO_REQUEST: Final = 1
ECHO_RESPONSE: Final = 2
ERROR_INDICATION: Final = 26
SUPPORTED_EXTENSION_HEADERS: Final = 31
END_MARKER: Final = 254
G_PDU: Final = 255

_HEADER = struct.Struct("!BBHI")  # flags, message type, length, TEID
_VERSION_1_GTP = 0x30
_VERSION_MASK = 0xF0
_EXTENSION_FLAG, _SEQUENCE_FLAG, _ANY_OPTION = 0x04, 0x02, 0x07
_OPTIONS_OCTETS = 4
_RECOVERY = b"\x0e\x00"  # the value is not used in GTP-U: zero (clause 8.2)
_TEID_IE, _TEID_OCTETS = 16, 5
_PEER_ADDRESS_IE = 133
_EXTENSION_TYPES_IE = 141
_PDU_SESSION_CONTAINER = 0x85
_TLV = 0x80
_ADDRESSES: dict[int, type[IPv4Address | IPv6Address]] = {4: IPv4Address, 16: IPv6Address}


@dataclass(frozen=True, slots=True)
class Message:
    """A message read. `sequence` 0 where none was given; `body` is what follows the header."""

    message_type: int
    teid: int
    sequence: int
    body: bytes


def decode(octets: bytes) -> Message | None:
    """A message without its extension headers; None if it is none."""
    if len(octets) < _HEADER.size:
        return None
    flags, message_type, length, teid = _HEADER.unpack_from(octets)
    end = _HEADER.size + length
    if flags & _VERSION_MASK != _VERSION_1_GTP or end > len(octets):
        return None
    at, sequence = _HEADER.size, 0
    if flags & _ANY_OPTION:
        at += _OPTIONS_OCTETS
        if at > end:
            return None
        sequence = int.from_bytes(octets[8:10], "big") if flags & _SEQUENCE_FLAG else 0
        next_type = octets[11] if flags & _EXTENSION_FLAG else 0
        while next_type:
            units = octets[at] if at < end else 0
            if units == 0 or at + 4 * units > end:
                return None
            at += 4 * units
            next_type = octets[at - 1]
    return Message(message_type, teid, sequence, octets[at:end])


def echo_request(sequence: int) -> bytes:
    """An Echo Request (clause 7.2.1)."""
    return _numbered(ECHO_REQUEST, sequence, b"")


def echo_response(sequence: int) -> bytes:
    """An Echo Response (clause 7.2.2)."""
    return _numbered(ECHO_RESPONSE, sequence, _RECOVERY)


def error_indication(teid: int, address: IPAddress) -> bytes:
    """The tunnel `teid` at our `address` is not known (clause 7.3.1)."""
    packed = address.packed
    ies = struct.pack("!BIBH", _TEID_IE, teid, _PEER_ADDRESS_IE, len(packed)) + packed
    return _numbered(ERROR_INDICATION, 0, ies)


def supported_extension_headers(sequence: int) -> bytes:
    """The extension headers known here, for who sent another one (clauses 7.2.3 and 8.5)."""
    ie = bytes([_EXTENSION_TYPES_IE, 1, _PDU_SESSION_CONTAINER])
    return _numbered(SUPPORTED_EXTENSION_HEADERS, sequence, ie)


def end_marker(teid: int) -> bytes:
    """Nothing more comes by this tunnel (clause 7.3.2)."""
    return _HEADER.pack(_VERSION_1_GTP, END_MARKER, 0, teid)


def g_pdu(teid: int, packet: bytes) -> bytes:
    """A user's packet without extension headers."""
    return _HEADER.pack(_VERSION_1_GTP, G_PDU, len(packet), teid) + packet


def tunnel_in_error(message: Message) -> tuple[int, IPAddress] | None:
    """TEID and address of the tunnel that an Error Indication is about; None if it says neither."""
    teid, address, at, body = None, None, 0, message.body
    while at < len(body):
        if body[at] == _TEID_IE and at + _TEID_OCTETS <= len(body):
            teid = int.from_bytes(body[at + 1 : at + _TEID_OCTETS], "big")
            at += _TEID_OCTETS
            continue
        if not body[at] & _TLV or at + 3 > len(body):
            break
        length = int.from_bytes(body[at + 1 : at + 3], "big")
        value = body[at + 3 : at + 3 + length]
        if body[at] == _PEER_ADDRESS_IE and len(value) == length and length in _ADDRESSES:
            address = _ADDRESSES[length](value)
        at += 3 + length
    return None if teid is None or address is None else (teid, address)


def _numbered(message_type: int, sequence: int, ies: bytes) -> bytes:
    flags = _VERSION_1_GTP | _SEQUENCE_FLAG
    header = _HEADER.pack(flags, message_type, _OPTIONS_OCTETS + len(ies), 0)
    return header + struct.pack("!HH", sequence, 0) + ies

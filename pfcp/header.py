"""The PFCP message header (TS 29.244 §7.2.2)."""

import struct
from typing import NamedTuple

from pfcp.errors import HeaderError, UnsupportedVersionError

VERSION = 1
"""The only version there is."""

VERSION_NOT_SUPPORTED_RESPONSE = 11
"""Its type is the same in every version (§7.6.2)."""

_FOLLOW_ON = 0x04
_PRIORITY = 0x02
_SEID = 0x01

_NODE = struct.Struct(">BBHI")
_SESSION = struct.Struct(">BBHQI")


class Header(NamedTuple):
    """A decoded header.

    `start` and `end` bound the IEs in the datagram, in octets. `end` is what the length field says
    and may lie behind the datagram's last octet.
    """

    message_type: int
    sequence_number: int
    seid: int | None
    message_priority: int | None
    follow_on: bool
    start: int
    end: int


def decode_header(octets: bytes, offset: int = 0) -> Header:
    """Header at `offset` of a datagram.

    Raises HeaderError where the octets are too few or too inconsistent to be a header, and
    UnsupportedVersionError for another version.
    """
    if len(octets) - offset < _NODE.size:
        raise HeaderError(f"{len(octets) - offset} octets are too few for a PFCP header")
    flags, message_type, length, tail = _NODE.unpack_from(octets, offset)
    if flags >> 5 != VERSION:
        raise UnsupportedVersionError(f"PFCP version {flags >> 5}, only {VERSION} is spoken")
    end = offset + 4 + length
    seid: int | None = None
    start = offset + _NODE.size
    if flags & _SEID:
        start = offset + _SESSION.size
        if start > len(octets):
            raise HeaderError("header announces a SEID the datagram does not hold")
        _, _, _, seid, tail = _SESSION.unpack_from(octets, offset)
    if start > end:
        raise HeaderError(f"message length {length} does not cover the header")
    return Header(
        message_type,
        tail >> 8,
        seid,
        (tail & 0xF0) >> 4 if flags & _PRIORITY else None,
        bool(flags & _FOLLOW_ON),
        start,
        end,
    )


def encode_header(
    message_type: int,
    sequence_number: int,
    seid: int | None,
    message_priority: int | None,
    body_octets: int,
) -> bytes:
    """Octets of a header before `body_octets` octets of IEs; struct.error if a value is too big."""
    flags = VERSION << 5
    tail = sequence_number << 8
    if message_priority is not None:
        flags |= _PRIORITY
        # Four bits; anything else overflows the field and is refused by struct.
        tail |= message_priority << 4 if 0 <= message_priority < 16 else 1 << 32
    if seid is None:
        return _NODE.pack(flags, message_type, body_octets + 4, tail)
    return _SESSION.pack(flags | _SEID, message_type, body_octets + 12, seid, tail)


def version_not_supported(octets: bytes) -> bytes | None:
    """Answer to a datagram of another PFCP version (§7.6.2), or None where silence is right.

    Only the first octet of another version can be trusted; the S flag and the sequence number have
    been where they are since version 1, so the answer carries that number for the peer to match.
    """
    if len(octets) < _NODE.size or octets[1] == VERSION_NOT_SUPPORTED_RESPONSE:
        return None
    at = _NODE.size + 4 if octets[0] & _SEID else 4
    if len(octets) < at + 4:
        return None
    sequence_number = int.from_bytes(octets[at : at + 3], "big")
    return encode_header(VERSION_NOT_SUPPORTED_RESPONSE, sequence_number, None, None, 0)

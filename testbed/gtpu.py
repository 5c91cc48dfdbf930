"""GTP-U as a gNB speaks it (TS 29.281) with the PDU session container of TS 38.415. Pure octets."""

import struct
from dataclasses import dataclass

PORT = 2152

ECHO_REQUEST = 1
ECHO_RESPONSE = 2
ERROR_INDICATION = 26
SUPPORTED_EXTENSION_HEADERS_NOTIFICATION = 31
END_MARKER = 254
G_PDU = 255

_VERSION_1_GTP = 0x30
_EXTENSION_FLAG = 0x04
_SEQUENCE_FLAG = 0x02
_ANY_OPTION = 0x07  # E, S or PN set: four more octets follow the TEID
_PDU_SESSION_CONTAINER = 0x85
_DL_PDU_SESSION_INFORMATION = 0
_UL_PDU_SESSION_INFORMATION = 1

_HEADER = struct.Struct("!BBHI")

#: Octets that `UplinkEncapsulation.header` puts before the inner packet.
UPLINK_HEADER_BYTES = 16


class MalformedGTPUError(ValueError):
    """Octets that are not a GTP-U message a gNB could use."""


@dataclass(frozen=True)
class GTPUMessage:
    """A received GTP-U message.

    `payload` is the inner packet of a G-PDU, or the information elements of any other message.
    `qfi` is that of the DL PDU SESSION INFORMATION, None where no PDU session container came along.
    """

    message_type: int
    teid: int
    payload: memoryview
    qfi: int | None = None
    sequence_number: int | None = None


class UplinkEncapsulation:
    """Makes the GTP-U header of a UE's uplink packets, its QFI in a PDU session container."""

    def __init__(self, teid: int, qfi: int) -> None:
        self._fixed = struct.pack(
            "!IHBBBBBB",
            teid,
            0,  # sequence number, not used
            0,  # N-PDU number, not used
            _PDU_SESSION_CONTAINER,
            1,  # length of the container in units of four octets
            _UL_PDU_SESSION_INFORMATION << 4,
            qfi & 0x3F,
            0,  # no further extension header
        )

    def header(self, inner_bytes: int) -> bytes:
        """The octets before an inner packet of that length."""
        length = inner_bytes + UPLINK_HEADER_BYTES - 8
        return b"\x34\xff" + length.to_bytes(2) + self._fixed


def echo_request(sequence_number: int) -> bytes:
    """An Echo Request (TS 29.281 clause 7.2.1)."""
    flags = _VERSION_1_GTP | _SEQUENCE_FLAG
    return _HEADER.pack(flags, ECHO_REQUEST, 4, 0) + struct.pack("!HH", sequence_number, 0)


def echo_response(sequence_number: int) -> bytes:
    """An Echo Response with the Recovery IE it must carry (clause 7.2.2)."""
    flags = _VERSION_1_GTP | _SEQUENCE_FLAG
    body = struct.pack("!HHBB", sequence_number, 0, 14, 0)  # Recovery, restart counter 0
    return _HEADER.pack(flags, ECHO_RESPONSE, len(body), 0) + body


def g_pdu(packet: bytes, teid: int, qfi: int | None = None) -> bytes:
    """A G-PDU, as a gNB sends it if a QFI is given."""
    if qfi is None:
        return _HEADER.pack(_VERSION_1_GTP, G_PDU, len(packet), teid) + packet
    return UplinkEncapsulation(teid, qfi).header(len(packet)) + packet


def end_marker(teid: int) -> bytes:
    """An End Marker: nothing more comes by the tunnel `teid` (clause 7.3.2)."""
    return _HEADER.pack(_VERSION_1_GTP, END_MARKER, 0, teid)


def error_indication(teid: int, address: bytes) -> bytes:
    """An Error Indication: the tunnel `teid` at `address` is not known there (clause 7.3.1)."""
    ies = struct.pack("!BIBH", 16, teid, 133, len(address)) + address
    flags = _VERSION_1_GTP | _SEQUENCE_FLAG
    return _HEADER.pack(flags, ERROR_INDICATION, 4 + len(ies), 0) + bytes(4) + ies


def decode(octets: memoryview, *, is_downlink: bool | None = True) -> GTPUMessage:
    """Read one GTP-U message. Raises MalformedGTPUError, naming what does not hold.

    `is_downlink`: which PDU session container is right, None for either.
    """
    if len(octets) < _HEADER.size:
        raise MalformedGTPUError(f"{len(octets)} octets are no GTP-U header")
    flags, message_type, length, teid = _HEADER.unpack_from(octets)
    if flags & 0xF0 != _VERSION_1_GTP:
        raise MalformedGTPUError(f"flags {flags:#04x} are not those of GTP-U version 1")
    end = _HEADER.size + length
    if end > len(octets):
        raise MalformedGTPUError(f"length {length} but only {len(octets) - _HEADER.size} octets")
    if not flags & _ANY_OPTION:
        return GTPUMessage(message_type, teid, octets[_HEADER.size : end])
    if length < 4:
        raise MalformedGTPUError(f"flags {flags:#04x} announce options that length {length} denies")
    sequence_number = int.from_bytes(octets[8:10]) if flags & _SEQUENCE_FLAG else None
    start, qfi = _HEADER.size + 4, None
    if flags & _EXTENSION_FLAG:
        start, qfi = _read_extension_headers(octets[:end], is_downlink=is_downlink)
    return GTPUMessage(message_type, teid, octets[start:end], qfi, sequence_number)


def _read_extension_headers(
    octets: memoryview, *, is_downlink: bool | None
) -> tuple[int, int | None]:
    """Walk the chain; return where the payload begins and the QFI of the container."""
    wrong = {True: _UL_PDU_SESSION_INFORMATION, False: _DL_PDU_SESSION_INFORMATION, None: None}
    kind, at, qfi = octets[11], 12, None
    while kind:
        size = 4 * octets[at] if at < len(octets) else 0
        if size == 0 or at + size > len(octets):
            raise MalformedGTPUError(f"extension header {kind:#04x} does not fit the message")
        if kind == _PDU_SESSION_CONTAINER:
            if octets[at + 1] >> 4 == wrong[is_downlink]:
                raise MalformedGTPUError("PDU session information of the other direction")
            qfi = octets[at + 2] & 0x3F
        kind, at = octets[at + size - 1], at + size
    return at, qfi

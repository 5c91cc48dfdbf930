"""What an answer says: its cause, and the UPF's SEID. A layout seen before is read at once."""

import struct

ACCEPTED = 1
HEARTBEAT_REQUEST, SESSION_REPORT_REQUEST = 1, 56
ASKED_BY_UPF = frozenset({HEARTBEAT_REQUEST, SESSION_REPORT_REQUEST})
_CAUSE, _FSEID = 19, 57
_HAS_SEID = 1
_IE = struct.Struct(">HH")
_CAUSE_HEAD = _IE.pack(_CAUSE, 1)
_FSEID_TYPE = struct.pack(">H", _FSEID)
_SEID = struct.Struct(">Q")


class Answers:
    """Reads answers to session requests."""

    def __init__(self) -> None:
        self._layouts: dict[tuple[int, int], tuple[int, int]] = {}

    def read(self, octets: bytes) -> tuple[int, int]:
        """Cause and UP SEID; 0 for what is not there."""
        key = (octets[1], len(octets))
        cause_at, seid_at = self._layouts.get(key, (0, 0))
        if not cause_at or octets[cause_at - 4 : cause_at] != _CAUSE_HEAD:
            self._layouts[key] = cause_at, seid_at = _layout(octets)
        seid = 0
        if seid_at:
            if octets[seid_at - 5 : seid_at - 3] != _FSEID_TYPE:
                return octets[cause_at], 0
            (seid,) = _SEID.unpack_from(octets, seid_at)
        return octets[cause_at] if cause_at else 0, seid


def _layout(octets: bytes) -> tuple[int, int]:
    """Where the cause's and the SEID's octets begin; 0 for what is not there."""
    at = 16 if octets[0] & _HAS_SEID else 8
    cause_at = seid_at = 0
    while at + 4 <= len(octets):
        ie_type, length = _IE.unpack_from(octets, at)
        if ie_type == _CAUSE and not cause_at:
            cause_at = at + 4
        elif ie_type == _FSEID and not seid_at:
            seid_at = at + 5
        at += 4 + length
    return cause_at, seid_at


def sequence_number(octets: bytes) -> int:
    """Which request a message answers, or the number it has itself."""
    at = 12 if octets[0] & _HAS_SEID else 4
    return int.from_bytes(octets[at : at + 3], "big")


def answer_to(request: bytes, recovery_time_stamp: int, up_seid: int) -> bytes | None:
    """What an SMF says to a heartbeat or a report; None to anything else."""
    number = sequence_number(request) << 8
    if request[1] == HEARTBEAT_REQUEST:
        return struct.pack(">BBHIHHI", 0x20, 2, 12, number, 96, 4, recovery_time_stamp)
    if request[1] == SESSION_REPORT_REQUEST:
        return struct.pack(">BBHQIHHB", 0x21, 57, 17, up_seid, number, _CAUSE, 1, ACCEPTED)
    return None

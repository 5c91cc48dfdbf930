"""P4Runtime's Write as octets, made by hand: a message object for each part costs many times more.

Field numbers are those of p4/v1/p4runtime.proto (v1.4). A test holds what is written here against
the messages themselves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upf.entry import MeterRate

INSERT, MODIFY, DELETE = 1, 2, 3  # Update.Type

_VARINT, _OCTETS = 0, 2  # wire types
_KNOWN = 256  # values kept as octets


def varint(number: int) -> bytes:
    """An unsigned number of 64 bits at most."""
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


_VARINTS = tuple(varint(number) for number in range(0x80))
_TAGS = tuple(varint(field << 3 | _OCTETS) for field in range(16))


def number_field(field: int, number: int) -> bytes:
    """A field of a number; nothing where it is 0, as proto3 has it."""
    return varint(field << 3 | _VARINT) + varint(number) if number else b""


def octets_field(field: int, octets: bytes) -> bytes:
    """A field of octets, or of a message that is given as octets."""
    length = len(octets)
    return _TAGS[field] + (_VARINTS[length] if length < 0x80 else varint(length)) + octets


class Piece:
    """Octets of a message that differ in one bytestring alone: an exact match, a parameter.

    `outer` is the field it stands in, `head` the octets before the bytestring's own field, `inner`
    the field the bytestring is put into, in a message of its own if `nested` is its field. The
    bytestring has at most `size` octets.
    """

    __slots__ = ("_heads", "_known")

    def __init__(
        self, outer: int, head: bytes, inner: int, size: int, *, nested: int | None = None
    ) -> None:
        self._heads: list[bytes] = []
        for length in range(size + 1):
            value = bytes(length)
            part = octets_field(inner, value)
            if nested is not None:
                part = octets_field(nested, part)
            whole = octets_field(outer, head + part)
            self._heads.append(whole[: len(whole) - length])
        self._known = [self._heads[1] + bytes((value,)) for value in range(_KNOWN)]

    def of(self, value: int) -> bytes:
        """The octets for an unsigned value; ValueError if it is too large."""
        if 0 <= value < _KNOWN:
            return self._known[value]
        size = (value.bit_length() + 7) >> 3
        try:
            return self._heads[size] + value.to_bytes(size, "big")
        except IndexError:
            raise ValueError(f"{value} has more than {len(self._heads) - 1} octets") from None


def exact_piece(field_id: int, width: int) -> Piece:
    """`match` of a TableEntry, exact, of so many bits."""
    return Piece(2, number_field(1, field_id), 1, (width + 7) // 8, nested=2)


def param_piece(param_id: int, width: int) -> Piece:
    """`params` of an Action, of so many bits."""
    return Piece(4, number_field(2, param_id), 3, (width + 7) // 8)


def table_update(kind: int, entry: bytes) -> bytes:
    """An Update, as a field of WriteRequest, of a TableEntry given as octets."""
    return _update(kind, octets_field(2, entry))


def meter_update(meter_id: int, index: int, rate: MeterRate | None) -> bytes:
    """An Update of a MeterEntry; without a rate it is unlimited."""
    entry = number_field(1, meter_id) + octets_field(2, number_field(1, index))
    if rate is not None:
        entry += octets_field(3, meter_config(rate))
    return _update(MODIFY, octets_field(5, entry))


@lru_cache(maxsize=1024)
def meter_config(rate: MeterRate) -> bytes:
    """A MeterConfig."""
    return (
        number_field(1, rate.cir_bytes_per_s)
        + number_field(2, rate.cburst_bytes)
        + number_field(3, rate.pir_bytes_per_s)
        + number_field(4, rate.pburst_bytes)
    )


def _update(kind: int, entity: bytes) -> bytes:
    return octets_field(4, number_field(1, kind) + octets_field(2, entity))


def write_request(
    device_id: int, election_id: int, atomicity: int, updates: Iterable[bytes]
) -> bytes:
    """A WriteRequest of updates made here."""
    election = number_field(1, election_id >> 64) + number_field(2, election_id & (1 << 64) - 1)
    head = number_field(1, device_id) + octets_field(3, election) + number_field(5, atomicity)
    return head + b"".join(updates)

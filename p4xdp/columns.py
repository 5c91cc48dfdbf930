"""Cells of counters by the hundred thousand, as protocol buffers of fixed length.

Numbers are written with as many octets as the largest one needs, which decoders take as well as
fewer, so that all entities of a message are equally long: columns of octets, written and read as
such. What comes from somebody who writes otherwise is read like any other message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Octets: TypeAlias = "NDArray[np.uint8]"
Numbers: TypeAlias = "NDArray[np.uint64]"

_ID_OCTETS = 5  # of 32 bits
_COUNT_OCTETS = 9  # of 63 bits
_MOST = np.uint64((1 << 63) - 1)
# CounterEntry: counter_id = 1, index = 2 {index = 1}, data = 3 {byte_count = 1, packet_count = 2}.
_KEY_OCTETS = 1 + _ID_OCTETS + 3 + _ID_OCTETS
_DATA_OCTETS = 2 * (1 + _COUNT_OCTETS)
_ID, _INDEX = 5, 5 + _ID_OCTETS + 3  # where they are in a record of either kind
_BYTES, _PACKETS = _INDEX + _ID_OCTETS + 3, _INDEX + _ID_OCTETS + 3 + _COUNT_OCTETS + 1
_ENTITIES_OF_REQUEST, _ENTITIES_OF_RESPONSE = 0x12, 0x0A
_COUNTER_ENTRY = 0x3A


class Cells(NamedTuple):
    """Cells of one counter, by index, and what they show: in the same order."""

    counter_id: int
    indexes: Numbers
    packets: Numbers
    octets: Numbers


class Counted(Protocol):
    """What a counter shows."""

    @property
    def packets(self) -> int: ...

    @property
    def octets(self) -> int: ...


def of_values(values: Sequence[Counted]) -> tuple[Numbers, Numbers]:
    """Return packets and octets of counters."""
    packets = np.array([each.packets for each in values], np.uint64)
    return packets, np.array([each.octets for each in values], np.uint64)


def of_cells(counter_id: int, indexes: Sequence[int], values: Sequence[Counted]) -> Cells:
    """Return cells that were told one by one."""
    return Cells(counter_id, np.array(indexes, np.uint64), *of_values(values))


def _template(entities: int, data_octets: int) -> Octets:
    entry = _KEY_OCTETS + (2 + data_octets if data_octets else 0)
    head = bytes([entities, entry + 2, _COUNTER_ENTRY, entry])
    key = b"\x08" + bytes(_ID_OCTETS) + bytes([0x12, 1 + _ID_OCTETS, 0x08]) + bytes(_ID_OCTETS)
    data = bytes([0x1A, data_octets, 0x08]) + bytes(_COUNT_OCTETS) + b"\x10" + bytes(_COUNT_OCTETS)
    return np.frombuffer(head + key + (data if data_octets else b""), np.uint8)


_REQUEST = _template(_ENTITIES_OF_REQUEST, 0)
_RESPONSE = _template(_ENTITIES_OF_RESPONSE, _DATA_OCTETS)


def request(device_id: int, counter_id: int, indexes: Sequence[int]) -> bytes:
    """Return a ReadRequest for cells of a counter."""
    table = np.tile(_REQUEST, (len(indexes), 1))
    _put(table, _ID, _ID_OCTETS, np.uint64(counter_id))
    _put(table, _INDEX, _ID_OCTETS, np.asarray(indexes, np.uint64))
    return b"\x08" + _varint(device_id) + table.tobytes()


def read_request(octets: bytes) -> tuple[int, int, Numbers] | None:
    """Return device, counter and indexes of a ReadRequest as `request` makes it, None of others."""
    start = len(octets) % len(_REQUEST)
    if not 2 <= start <= 1 + _COUNT_OCTETS or octets[0] != 0x08 or len(octets) == start:
        return None
    table = np.frombuffer(octets, np.uint8, offset=start).reshape(-1, len(_REQUEST))
    if not _is_like(table, _REQUEST, ((_ID, _ID_OCTETS), (_INDEX, _ID_OCTETS))):
        return None
    ids, indexes = _numbers(table, _ID, _ID_OCTETS), _numbers(table, _INDEX, _ID_OCTETS)
    device_id = _number(octets[1:start])
    if device_id is None or (ids != ids[0]).any():
        return None
    return device_id, int(ids[0]), indexes


def response(cells: Cells) -> bytes:
    """Return a ReadResponse."""
    table = np.tile(_RESPONSE, (len(cells.indexes), 1))
    _put(table, _ID, _ID_OCTETS, np.uint64(cells.counter_id))
    _put(table, _INDEX, _ID_OCTETS, cells.indexes)
    _put(table, _BYTES, _COUNT_OCTETS, np.minimum(cells.octets, _MOST))
    _put(table, _PACKETS, _COUNT_OCTETS, np.minimum(cells.packets, _MOST))
    return table.tobytes()


def read_response(octets: bytes) -> Cells | None:
    """Return what a ReadResponse as `response` makes it says, None of others."""
    if not octets or len(octets) % len(_RESPONSE):
        return None
    table = np.frombuffer(octets, np.uint8).reshape(-1, len(_RESPONSE))
    counts = ((_BYTES, _COUNT_OCTETS), (_PACKETS, _COUNT_OCTETS))
    if not _is_like(table, _RESPONSE, ((_ID, _ID_OCTETS), (_INDEX, _ID_OCTETS), *counts)):
        return None
    ids = _numbers(table, _ID, _ID_OCTETS)
    if (ids != ids[0]).any():
        return None
    return Cells(
        int(ids[0]),
        _numbers(table, _INDEX, _ID_OCTETS),
        _numbers(table, _PACKETS, _COUNT_OCTETS),
        _numbers(table, _BYTES, _COUNT_OCTETS),
    )


def _put(table: Octets, at: int, size: int, numbers: Numbers | np.uint64) -> None:
    """Write numbers as varints of `size` octets: seven bits each, the lowest first."""
    for place in range(size):
        part = (numbers >> np.uint64(7 * place)) & np.uint64(0x7F)
        more = np.uint64(0x80 if place < size - 1 else 0)
        table[:, at + place] = (part | more).astype(np.uint8)


def _numbers(table: Octets, at: int, size: int) -> Numbers:
    found = np.zeros(len(table), np.uint64)
    for place in range(size):
        part = table[:, at + place].astype(np.uint64) & np.uint64(0x7F)
        found |= part << np.uint64(7 * place)
    return found


def _is_like(table: Octets, template: Octets, numbers: Sequence[tuple[int, int]]) -> bool:
    """Return whether all records are the template, but for varints of full length."""
    fixed = np.ones(len(template), bool)
    for at, size in numbers:
        fixed[at : at + size] = False
        if (table[:, at : at + size - 1] < 0x80).any() or (table[:, at + size - 1] >= 0x80).any():
            return False
    return bool((table[:, fixed] == template[fixed]).all())


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


def _number(octets: bytes) -> int | None:
    """Return what one varint says; None if it is not one."""
    if any(octet < 0x80 for octet in octets[:-1]) or octets[-1] >= 0x80:
        return None
    return sum((octet & 0x7F) << 7 * place for place, octet in enumerate(octets))

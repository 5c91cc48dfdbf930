"""From the octets in maps back to entries: the inverse of how `tables` and `rules` write them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from p4xdp.dataplane import Entry, Match
from p4xdp.xdp.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.xdp.layout import Slot, TableLayout
    from p4xdp.xdp.manifest import TableInfo

_LIMITS = struct.Struct("<QQ")
_PRIORITY_SIZE = 8
_PREFIX_BITS_SIZE = 4


def entry_of(info: TableInfo, key: bytes, value: bytes) -> Entry:
    """Return the entry that has `key` and `value` in the table's map."""
    layout = info.layout
    priority = 0
    if layout.kind in ("scan", "groups"):
        matches = _rule_matches(layout, key)
        priority = int.from_bytes(key[-_PRIORITY_SIZE:], "little")
    elif layout.kind == "lpm":
        matches = _prefix_matches(layout.keys, key)
    elif layout.kind == "array":
        index = int.from_bytes(key, "little")
        matches = {s.name: _exactly(s, index >> s.offset & _ones(s.width)) for s in layout.keys}
    else:
        values = zip(layout.keys, unpacked(layout.keys, key), strict=True)
        matches = {slot.name: _exactly(slot, number) for slot, number in values}
    action, arguments = action_of(layout, value)
    return Entry(tuple(matches[name] for name in info.key_order), action, arguments, priority)


def action_of(layout: TableLayout, value: bytes) -> tuple[str, tuple[int, ...]]:
    """Return the action in an entry, and its arguments; LoadError if it is none of the table's."""
    for action in layout.actions:
        if action.id == value[0]:
            return action.name, tuple(unpacked(action.params, value))
    raise LoadError(f"{layout.name}: an entry in the kernel has action {value[0]}, which is none")


def unpacked(slots: Sequence[Slot], octets: bytes) -> list[int]:
    """Return the values in their slots."""
    return [int.from_bytes(octets[s.offset : s.offset + s.size], "little") for s in slots]


def _rule_matches(layout: TableLayout, key: bytes) -> dict[str, Match]:
    values = unpacked(layout.keys, key)
    masks = unpacked(layout.keys, key[layout.key_size :])
    matches = {
        slot.name: Match(value, mask)
        for slot, value, mask in zip(layout.keys, values, masks, strict=True)
    }
    for position, name in enumerate(layout.ranges):
        low, high = _LIMITS.unpack_from(key, 2 * layout.key_size + position * _LIMITS.size)
        matches[name] = Match(low, 0, high)
    return matches


def _prefix_matches(slots: Sequence[Slot], key: bytes) -> dict[str, Match]:
    prefix_bits = int.from_bytes(key[:_PREFIX_BITS_SIZE], "little")
    words = key[_PREFIX_BITS_SIZE:]
    matches = {}
    for slot in slots:
        number = int.from_bytes(words[slot.offset : slot.offset + slot.size], "big")
        value = number >> (slot.size * 8 - slot.width)
        matches[slot.name] = _exactly(slot, value)
    last = slots[-1]
    length = prefix_bits - last.offset * 8
    mask = _ones(last.width) ^ _ones(last.width - length)
    matches[last.name] = Match(matches[last.name].value, mask)
    return matches


def _exactly(slot: Slot, value: int) -> Match:
    return Match(value, _ones(slot.width))


def _ones(width: int) -> int:
    return (1 << width) - 1

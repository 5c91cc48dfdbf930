"""Values in their places: the octets of keys and entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.dataplane import Match
    from p4xdp.xdp.layout import Slot


def packed(slots: Sequence[Slot], values: Sequence[int], size: int) -> bytes:
    """Return `size` octets with the values in their slots."""
    whole = 0
    for slot, value in zip(slots, values, strict=True):
        whole |= value << 8 * slot.offset
    return whole.to_bytes(size, "little")


def prefix_key(slots: Sequence[Slot], by_name: dict[str, Match]) -> bytes:
    """Return the key of a prefix: the last of the slots; those before it match whole words."""
    words = bytearray()
    for slot in slots:
        shift = slot.size * 8 - slot.width
        words += (by_name[slot.name].value << shift).to_bytes(slot.size, "big")
    prefix_bits = slots[-1].offset * 8 + by_name[slots[-1].name].mask.bit_count()
    return prefix_bits.to_bytes(4, "little") + bytes(words)

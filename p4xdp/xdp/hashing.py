"""Hashes in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.errors import UnsupportedProgramError
from p4xdp.xdp.expressions import constant
from p4xdp.xdp.layout import LARGEST_SCALAR_BITS
from p4xdp.xdp.storage import wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp import ir

_WORD_BITS = 64


def hash_of(statement: ir.ComputeHash, fields: Sequence[tuple[str, int]]) -> str:
    """Return the C of a hash of `fields`, each its C and its width in bits."""
    total = sum(width for _, width in fields)
    width = statement.algorithm.bits
    if width is None:
        if statement.width > LARGEST_SCALAR_BITS:
            raise UnsupportedProgramError(
                f"a hash of {statement.width} bits; XDP takes at most {LARGEST_SCALAR_BITS}",
                statement.at,
            )
        return f"({_bits(fields, total - statement.width, total)})"
    crc = "0xffffffff" if width == 32 else "0"
    for start in range(0, total, _WORD_BITS):
        end = min(start + _WORD_BITS, total)
        word = _bits(fields, start, end)
        shift = _WORD_BITS - (end - start)
        aligned = f"({word}) << {shift}" if shift else word
        crc = f"crc{width}({crc}, {aligned}, {(end - start) // 8})"
    if width == 32:
        crc = f"~{crc}"
    return crc if statement.width == width else f"({crc} & {constant((1 << statement.width) - 1)})"


def _bits(fields: Sequence[tuple[str, int]], start: int, end: int) -> str:
    """Return the C of bits `start` to before `end` of the concatenated fields, from the front."""
    kind = wide(end - start)
    parts = []
    at = 0
    for value, width in fields:
        first, last = max(start, at), min(end, at + width)
        at += width
        if first >= last:
            continue
        part = f"{value} >> {at - last}" if at > last else value
        if last - first != width:
            part = f"({part} & {constant((1 << (last - first)) - 1)})"
        shift = end - last
        parts.append(f"({kind}){part} << {shift}" if shift else f"({kind}){part}")
    return " | ".join(parts)

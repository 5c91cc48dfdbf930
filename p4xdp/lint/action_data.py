"""What an entry holds for its action, and where: beside the key, or in a memory of its own.

Action data are cut as the containers of the fields they go to, since one instruction writes a
container whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.lint.access import bits_of, flat
from p4xdp.walk import expressions, parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_IMMEDIATE_OCTETS = 4


@dataclass(frozen=True, slots=True)
class Format:
    """Where the data of a table's actions lie: beside the key, and in a memory of its own."""

    immediate_bits: int
    table_octets: int


def formats(table: ir.Table, gress: ir.Gress, live: set[str]) -> list[Format]:
    """Return the ways to divide action data, from none beside the key to as much as fits."""
    slots = [
        sorted(slots_of(gress.actions[reference.action], live), key=lambda slot: slot[1])
        for reference in table.actions
        if not reference.default_only
    ]
    total = max((sum(octets for _, octets in action) for action in slots), default=0)
    if table.direct_meter is not None:
        # The colour comes by the way of immediate data, in its last octet.
        return [Format(8 * _IMMEDIATE_OCTETS, _power_of_two(total))]
    found = [Format(0, _power_of_two(total))]
    for limit in range(1, _IMMEDIATE_OCTETS + 1):
        immediate = [_greedy(action, limit) for action in slots]
        rest = [
            sum(octets for _, octets in action) - moved
            for action, (_, moved) in zip(slots, immediate, strict=True)
        ]
        bits = max((bits for bits, _ in immediate), default=0)
        found.append(Format(bits, _power_of_two(max(rest, default=0))))
    return list(dict.fromkeys(found))


def _greedy(slots: Sequence[tuple[int, int]], limit: int) -> tuple[int, int]:
    bits = octets = 0
    for width, size in slots:
        if octets + size <= limit:
            bits = octets * 8 + width
            octets += size
    return bits, octets


def slots_of(action: ir.Action, live: set[str]) -> list[tuple[int, int]]:
    """Return (bits, octets of the container) for what an action takes from its entry.

    A parameter that only goes where nobody looks is none. Those for fields of one header come in
    the header's octets, which its containers hold side by side; another one in a container of its
    own. What is not a multiple of a container is cut: 48 bits are 32 and 16.
    """
    used = {part.index for statement in flat(action.body) for part in _params(statement, live)}
    octets, in_headers = _header_octets(action, live)
    found = [slot for run in _runs(octets) for slot in _cut(8 * run)]
    for index, (_, width) in enumerate(action.params):
        if index in used - in_headers:
            found += _cut(width)
    return found


def _header_octets(action: ir.Action, live: set[str]) -> tuple[set[tuple[str, int]], set[int]]:
    """Return the octets of headers that parameters are copied to, and these parameters."""
    octets: set[tuple[str, int]] = set()
    params: set[int] = set()
    for statement in flat(action.body):
        match statement:
            case ir.Assign(target=ir.HeaderField() as target, value=ir.Param(index=index)) if (
                set(bits_of(target)) & live
            ):
                low, width = target.field.offset, target.field.width
                octets |= {
                    (target.header.name, at) for at in range(low // 8, -(-(low + width) // 8))
                }
                params.add(index)
    return octets, params


def _runs(octets: set[tuple[str, int]]) -> Iterator[int]:
    """Yield how many octets each run of neighbours has."""
    for name, at in octets:
        if (name, at - 1) not in octets:
            yield next(length for length in count(1) if (name, at + length) not in octets)


def _cut(bits: int) -> list[tuple[int, int]]:
    """Return the containers, as (bits, octets), that so many bits are cut into."""
    found: list[tuple[int, int]] = []
    while bits > 0:
        piece = min(bits, 32 if bits > 16 else 16 if bits > 8 else 8)
        if piece == 24:  # two containers, so that no octet is wasted
            found += [(16, 2), (8, 1)]
        else:
            found.append((piece, 4 if piece > 16 else 2 if piece > 8 else 1))
        bits -= piece
    return found


def _params(statement: ir.Statement, live: set[str]) -> Iterator[ir.Param]:
    target = getattr(statement, "target", None)
    if isinstance(statement, ir.Assign) and not set(bits_of(statement.target)) & live:
        return
    for expression in expressions(statement):
        if expression is not target:
            yield from (part for part in parts(expression) if isinstance(part, ir.Param))


def _power_of_two(octets: int) -> int:
    return 1 << (octets - 1).bit_length() if octets else 0

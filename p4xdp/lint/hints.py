"""What the program says of the stages of a table: `@stage(STAGE)` and `@stage(STAGE, ENTRIES)`."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from p4xdp.lint.memory import Blocks

if TYPE_CHECKING:
    from p4xdp.lint.units import Unit


def shares(unit: Unit, blocks: Blocks) -> dict[int, Blocks]:
    """Return what of a table stands in which stage by `@stage(STAGE)`, `@stage(STAGE, ENTRIES)`.

    The last one named takes the rest, as does one without a number of entries.
    """
    if unit.table is None:
        return {}
    hints = []
    for annotation in unit.table.annotations:
        if annotation.name == "stage":
            named, *entries = (part.strip() for part in annotation.text.split(","))
            if all(part.isdecimal() for part in (named, *entries)):
                hints.append((int(named), int(entries[0]) if entries else unit.table.size))
    found: dict[int, Blocks] = {}
    left = blocks
    for stage, share_of_entries in sorted(hints):
        part = min(1.0, share_of_entries / unit.table.size)
        share = left if stage == max(hints)[0] else _part(blocks, part)
        found[stage] = Blocks(
            *(min(one, rest) for one, rest in zip(_sizes(share), _sizes(left), strict=True))
        )
        left = less(left, found[stage])
    return found


def _sizes(blocks: Blocks) -> tuple[int, int, int]:
    return blocks.srams, blocks.tcams, blocks.map_rams


def _part(blocks: Blocks, part: float) -> Blocks:
    return Blocks(*(ceil(size * part) for size in _sizes(blocks)))


def less(blocks: Blocks, taken: Blocks) -> Blocks:
    """Return what is left of blocks."""
    pairs = zip(_sizes(blocks), _sizes(taken), strict=True)
    return Blocks(*(size - gone for size, gone in pairs))

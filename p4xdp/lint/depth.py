"""How many stages the order of things alone takes, whatever memory there is.

A stage matches first and acts at its end. So what needs a value another unit writes - to match on
it, to compute with it, or to overwrite it - stands in a later stage. What only decides whether
another unit runs may share its stage, and so may a unit that overwrites what an earlier one reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp.lint.access import overlap
from p4xdp.lint.units import are_exclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.lint.units import Unit


@dataclass(frozen=True, slots=True)
class Need:
    """`later` must stand `stages` (0 or 1) below `earlier`, because of `storage`."""

    earlier: int
    later: int
    stages: int
    storage: str
    why: str  # "matches on", "computes with", "overwrites", "overwrites what is read", "runs after"


def needs_of(units: Sequence[Unit]) -> list[Need]:
    """Return what stands between pairs of units of one gress; numbers are places in `units`."""
    found = []
    for later, unit in enumerate(units):
        for earlier in range(later):
            need = _need(earlier, later, units[earlier], unit)
            if need is not None:
                found.append(need)
    return found


def _need(earlier: int, later: int, first: Unit, second: Unit) -> Need | None:
    if are_exclusive(first, second):
        return None
    is_missed = any(unit is first for unit in second.missed)
    written = first.written_by_default if is_missed else first.written
    for bits, why in (
        (second.matched, "matches on"),
        (second.read, "computes with"),
        (second.written, "overwrites"),
    ):
        storage = overlap(written, bits)
        if storage is not None:
            return Need(earlier, later, 1, storage, why)
    if any(unit is first for unit in second.after):
        return Need(earlier, later, 0, "", "runs after")
    storage = overlap(first.matched, second.written) or overlap(first.read, second.written)
    if storage is not None:
        return Need(earlier, later, 0, storage, "overwrites what is read")
    return None


def levels(units: Sequence[Unit], needs: Sequence[Need]) -> list[int]:
    """Return for each unit the earliest stage it can stand in, from 0."""
    found = [0] * len(units)
    for need in sorted(needs, key=lambda one: one.later):
        found[need.later] = max(found[need.later], found[need.earlier] + need.stages)
    return found


def longest_chain(units: Sequence[Unit], needs: Sequence[Need]) -> list[tuple[Unit, Need | None]]:
    """Return the units that make the control as deep as it is, each with what it waits for."""
    depth = levels(units, needs)
    if not depth:
        return []
    current = depth.index(max(depth))
    chain: list[tuple[Unit, Need | None]] = []
    while True:
        causes = [
            need
            for need in needs
            if need.later == current and depth[need.earlier] + need.stages == depth[current]
        ]
        cause = max(causes, key=lambda need: need.stages, default=None)
        chain.append((units[current], cause if cause is not None and cause.stages else None))
        if cause is None:
            return chain[::-1]
        current = cause.earlier

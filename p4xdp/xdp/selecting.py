"""The select of a parser state on a likely way: what fits, and what is known behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.abstract import Known, Other
from p4xdp.xdp.facts import Facts, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp import ir


def fits(
    matches: Sequence[tuple[int, int]],
    values: Sequence[Known | None],
    keys: Sequence[ir.Expression],
) -> bool | None:
    """Return whether a select fits `values`, of which something is known; None if that is open."""
    result: bool | None = True
    for (wanted, mask), value, key in zip(matches, values, keys, strict=True):
        full = (1 << key.width) - 1
        if not mask:
            continue
        if isinstance(value, int):
            if value & mask != wanted & mask:
                return False
        elif isinstance(value, Other) and mask & full == full and value.value == wanted:
            return False
        else:
            result = None
    return result


def chosen(state: ir.ParserState, select: ir.Select, facts: Facts) -> Facts:
    """Return what is known where a select fits."""
    for key, (value, mask) in zip(state.keys, select.matches, strict=True):
        full = (1 << key.width) - 1
        name = name_of(key, facts.gress)
        if name is not None and mask & full == full:
            facts = facts.with_values({name: value})
    return facts

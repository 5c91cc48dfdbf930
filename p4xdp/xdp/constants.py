"""Tables that the program itself fills, for ever, in C: comparisons instead of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.xdp.expressions import constant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from p4xdp.dataplane import Entry, Match

Outcome = tuple[str, tuple[int, ...]]  # an action and its arguments


def outcomes(table: ir.Table, keys: Sequence[str]) -> Iterator[tuple[str, Outcome]]:
    """Yield conditions on `keys`, the C of the values, and what to do if that is the first to hold.
    Entries in a row that do the same are one.
    """
    assert table.entries is not None, "a constant table"
    waiting: list[str] = []
    ordered = sorted(table.entries, key=lambda entry: -entry.priority)
    for entry, following in zip(ordered, [*ordered[1:], None], strict=True):
        waiting.append(_condition(table, keys, entry))
        if following is None or _outcome(following) != _outcome(entry):
            yield _unwrapped(waiting), _outcome(entry)
            waiting = []


def _unwrapped(conditions: list[str]) -> str:
    """Return that one of the conditions holds; the C compiler frowns at needless parentheses."""
    if len(conditions) == 1 and conditions[0].startswith("(") and " && " in conditions[0]:
        return conditions[0][1:-1]
    return " || ".join(conditions)


def _outcome(entry: Entry) -> Outcome:
    return entry.action, entry.arguments


def _condition(table: ir.Table, keys: Sequence[str], entry: Entry) -> str:
    terms = [
        term
        for key, value, match in zip(table.keys, keys, entry.matches, strict=True)
        for term in _terms(key, value, match)
    ]
    if len(terms) > 1:
        return f"({' && '.join(terms)})"
    return terms[0] if terms else "1"


def _terms(key: ir.Key, value: str, match: Match) -> Iterator[str]:
    ones = (1 << key.width) - 1
    if key.match_kind is ir.MatchKind.RANGE:
        assert match.high is not None, "a range"
        if match.value > 0:
            yield f"{value} >= {constant(match.value)}"
        if match.high < ones:
            yield f"{value} <= {constant(match.high)}"
    elif match.mask == ones:
        yield f"{value} == {constant(match.value)}"
    elif match.mask:
        yield f"({value} & {constant(match.mask)}) == {constant(match.value & match.mask)}"

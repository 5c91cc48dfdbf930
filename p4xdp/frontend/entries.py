"""What the key sets of constant entries match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.dataplane import Match
from p4xdp.frontend import syntax
from p4xdp.frontend.constants import unsigned
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import width_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def entry_matches(
    node: syntax.Expression, keys: Sequence[syntax.TableKeyNode]
) -> tuple[Match, ...]:
    """Return the matches of an entry, one a key, from its checked key set."""
    parts = node.items if isinstance(node, syntax.ListOf) else [node]
    return tuple(_match(part, key) for part, key in zip(parts, keys, strict=True))


def require_distinct(table: syntax.TableDeclaration, keys: Sequence[object]) -> None:
    """Refuse an entry that nothing can match, because an earlier one has its key."""
    seen: set[object] = set()
    for entry, key in zip(table.entries or [], keys, strict=True):
        if key in seen:
            raise SourceError(entry.at, f"{table.name} has an entry with this key", "remove it")
        seen.add(key)


def _match(node: syntax.Expression, key: syntax.TableKeyNode) -> Match:
    kind = key.expression.type
    assert kind is not None
    width = width_of(kind)
    full = (1 << width) - 1
    is_range = key.match_kind.name == "range"
    match node:
        case syntax.Anything():
            return Match(0, 0, full if is_range else None)
        case syntax.Masked():
            mask = _number(node.mask, width)
            return Match(_number(node.operand, width) & mask, mask)
        case syntax.RangeOf():
            return Match(_number(node.low, width), 0, _number(node.high, width))
        case _:
            value = _number(node, width)
            return Match(value, 0, value) if is_range else Match(value, full)


def _number(node: syntax.Expression, width: int) -> int:
    assert node.value is not None, "the checker takes constants only"
    return unsigned(node.value, width)

"""Sets of sessions that nodes of the core form, to lose them together (TS 23.007). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pfcp import ies


class SessionSet(NamedTuple):
    """The set that a node, by its address in text and its type, gave an identifier."""

    node_type: int | None
    node: str
    csid: int


def sets_of(fq_csids: Iterable[ies.FQCSID]) -> frozenset[SessionSet]:
    """The sets that FQ-CSIDs name."""
    return frozenset(
        SessionSet(_number(each.node_type), str(each.node_address), csid)
        for each in fq_csids
        for csid in each.csids
    )


def sets_after(
    before: frozenset[SessionSet], fq_csids: tuple[ies.FQCSID, ...]
) -> frozenset[SessionSet]:
    """The sets of a session after a request: a node's are replaced by those it names now."""
    if not fq_csids:
        return before
    if any(each.node_address is None for each in fq_csids):
        return frozenset()
    named = sets_of(fq_csids)
    types = {_number(each.node_type) for each in fq_csids}
    return frozenset(each for each in before if each.node_type not in types) | named


def is_in_sets(sets: frozenset[SessionSet], fq_csids: Iterable[ies.FQCSID]) -> bool:
    """Whether a session is of one of the sets that FQ-CSIDs name."""
    return not sets.isdisjoint(sets_of(fq_csids))


def _number(node_type: int | None) -> int | None:
    """A node type as a plain number."""
    return None if node_type is None else int(node_type)

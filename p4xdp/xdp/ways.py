"""The likely ways through a parser, which the program's author names: those through states that are
`@likely`, to one that accepts whatever comes. On each all headers lie at known places.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p4xdp import ir

if TYPE_CHECKING:
    from collections.abc import Iterable

ANNOTATION = "likely"
MOST_ENDS = 16  # each has the program's control once more
ACCEPT = "accept"


@dataclass(eq=False, slots=True)
class Step:
    """A parser state on a likely way, entered with the cursor `at` an octet and headers at
    `places`. `following` has the next step for each of the state's selects: None if that way is not
    likely, or if it is the end.
    """

    state: ir.ParserState
    at: int
    places: tuple[tuple[str, int], ...]
    following: list[Step | None] = field(default_factory=list)
    is_end: bool = False

    @property
    def after(self) -> int:
        """Return where the cursor is behind the state's extractions."""
        return self.at + sum(map(_octets, self.state.statements))


def likely_ways(parser: ir.Parser) -> list[Step]:
    """Return the steps of all likely ways, every one before those that follow it; none if the
    program names none, or too many.
    """
    known: dict[tuple[str, int, tuple[tuple[str, int], ...]], Step | None] = {}
    order: list[Step] = []

    def visit(name: str, at: int, places: tuple[tuple[str, int], ...]) -> Step | None:
        state = parser.states.get(name)
        if state is None or not (name == "start" or _is_likely(state)):
            return None
        key = (name, at, places)
        if key not in known:
            step = Step(state, at, places)
            behind = _placed(state.statements, at, places)
            names = [select.next_state for select in state.selects]
            step.is_end = names == [ACCEPT] and not state.keys
            step.following = [visit(following, step.after, behind) for following in names]
            known[key] = step if step.is_end or any(step.following) else None
            if known[key] is not None:
                order.append(step)
        return known[key]

    if any(map(_is_likely, parser.states.values())):
        visit("start", 0, ())
    if sum(step.is_end for step in order) > MOST_ENDS:
        return []
    return order[::-1]


def _is_likely(state: ir.ParserState) -> bool:
    return any(annotation.name == ANNOTATION for annotation in state.annotations)


def _octets(statement: ir.Statement) -> int:
    match statement:
        case ir.Extract() if not statement.header.intrinsic:
            return statement.header.type.width // 8
        case ir.Advance():
            return statement.bits // 8
        case _:
            return 0


def _placed(
    statements: Iterable[ir.Statement], at: int, places: tuple[tuple[str, int], ...]
) -> tuple[tuple[str, int], ...]:
    for statement in statements:
        if isinstance(statement, ir.Extract) and not statement.header.intrinsic:
            places = (*places, (statement.header.name, at))
        at += _octets(statement)
    return places

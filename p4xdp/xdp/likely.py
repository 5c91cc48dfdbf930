"""The likely ways through the program in C, from the wire to the wire. A packet's headers lie at
places that are known when the C is compiled, and so is which are valid; what decides the way is
known as far as the way tells. What is left is straight, and its variables need no memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from p4xdp import ir
from p4xdp.walk import octets_ahead
from p4xdp.xdp.expressions import constant, load
from p4xdp.xdp.parsing import render_select
from p4xdp.xdp.points import (
    Device,
    Dropped,
    Fork,
    Leave,
    Lookup,
    Onward,
    Selection,
    Take,
    following,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from p4xdp.xdp.facts import Facts
    from p4xdp.xdp.parsing import Parsing
    from p4xdp.xdp.points import Point, Step
    from p4xdp.xdp.statements import Statements
    from p4xdp.xdp.storage import Storage
    from p4xdp.xdp.writer import Writer

UNLIKELY = "any_packet"  # the label where packets go that take no likely way


class Surroundings(Protocol):
    """What writes the rest of the program."""

    def device(self, done: Device, facts: Facts) -> None:
        """Write what the device does."""

    def leave(self, facts: Facts) -> None:
        """Write the end of the program."""


class LikelyWays:
    """Renders `points`, in their order. `statements` and `storages` are those of both gresses."""

    def __init__(
        self,
        points: Sequence[Point],
        statements: Mapping[str, Statements],
        storages: Mapping[str, Storage],
        taking: Parsing,
        surroundings: Surroundings,
        out: Writer,
    ) -> None:
        self._points = points
        self._statements = statements
        self._storages = storages
        self._taking = taking
        self._surroundings = surroundings
        self._out = out
        self._numbers = {id(point): number for number, point in enumerate(points)}
        self._checked = _checks(points)

    def render(self) -> None:
        """Write all ways. They go to the label UNLIKELY where a packet leaves them."""
        for point in self._points:
            self._out.label(self._label(point))
            octets = self._checked.get(id(point))
            if octets:
                self._jump_if(f"data + {octets} > data_end", UNLIKELY)
            for step in point.steps:
                self._step(step)
            self._end(point)
        for statements in self._statements.values():
            statements.be_where(None)

    def _label(self, point: Point | None) -> str:
        if point is None or not point.is_live:
            return UNLIKELY
        return f"way_{self._numbers[id(point)]}"

    def _jump_if(self, condition: str, label: str) -> None:
        guess = "UNLIKELY" if label == UNLIKELY else ""
        if guess or not condition.startswith("("):
            condition = f"{guess}({condition})"
        with self._out.block(f"if {condition}"):
            self._out.jump(label)

    def _at(self, facts: Facts) -> Statements:
        statements = self._statements[facts.gress]
        statements.be_where(frozenset(facts.places(facts.gress)))
        return statements

    def _step(self, step: Step) -> None:
        match step.done:
            case Device():
                self._surroundings.device(step.done, step.facts)
            case Take(header, source):
                self._taking.take(header, source)
            case ir.Extract():
                self._extract(step.done.header, step.facts.cursor)
            case ir.Advance():
                pass
            case statement:
                statements = self._at(step.facts)
                arguments = step.arguments
                if arguments is None:
                    statements.render((statement,))
                    return
                with statements.in_action(lambda i: constant(arguments[i])):
                    statements.render((statement,))

    def _extract(self, header: ir.Header, at: int) -> None:
        storage, out = self._storages["ingress"], self._out
        out.line(f"{storage.valid(header)} = 1;")
        if storage.is_in_frame(header):
            out.line(f"{storage.offset(header)} = {at};")
        for of in storage.local_fields(header):
            out.line(f"{storage.field(header, of)} = {load('data', of, at)};")

    def _end(self, point: Point) -> None:
        out, end = self._out, point.end
        match end:
            case Fork():
                self._fork(end)
            case Lookup():
                self._look_up(end)
            case Selection():
                statements = self._at(end.facts)
                if max(map(octets_ahead, end.state.keys), default=0):
                    out.line(f"cursor = data + {end.facts.cursor};")
                targets = [self._label(one) for one in end.following]
                render_select(end.state, targets, UNLIKELY, statements, out)
            case Onward():
                out.jump(self._label(end.following))
            case Leave():
                self._surroundings.leave(end.facts)
            case Dropped():
                out.line("return DROPPED_BY_PROGRAM;")
            case None:
                raise AssertionError("a point that was not gone through")

    def _fork(self, fork: Fork) -> None:
        then, otherwise = self._label(fork.then), self._label(fork.otherwise)
        condition = self._at(fork.facts).expression(fork.condition)
        if otherwise == UNLIKELY:
            self._jump_if(f"!({condition})", UNLIKELY)
            self._out.jump(then)
            return
        self._jump_if(condition, then)
        self._out.jump(otherwise)

    def _look_up(self, lookup: Lookup) -> None:
        def outcome(action: str, param: Callable[[int], str], cell: str | None, hit: int) -> None:
            found = (lookup.hits if hit else lookup.misses)[action]
            label = self._label(found.following)
            if label != UNLIKELY:
                with self._statements[lookup.facts.gress].in_action(param, cell):
                    for step in found.steps:
                        self._step(step)
            self._out.jump(label)

        self._at(lookup.facts).find(lookup.statement, outcome)


def _checks(points: Sequence[Point]) -> dict[int, int]:
    """Return of how many octets each point has to see that they are in the frame: as many as all
    ways from there need, if that is more than those before have made sure of.
    """
    needed: dict[int, int] = {}
    for point in reversed(points):
        behind = [needed[id(one)] for one in following(point.end) if one and one.is_live]
        needed[id(point)] = max(point.octets, min(behind, default=0))
    sure: dict[int, int] = {id(points[0]): 0} if points else {}
    checks: dict[int, int] = {}
    for point in points:
        before = sure.get(id(point), 0)
        if needed[id(point)] > before:
            checks[id(point)] = before = needed[id(point)]
        for one in following(point.end):
            if one is not None:
                sure[id(one)] = min(sure.get(id(one), before), before)
    return checks

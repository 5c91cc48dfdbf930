"""The likely ways through a program, from the wire to the wire, as a graph without loops.

The program's author names what is likely: states of the ingress parser, and actions of tables
(`@likely`); a table may be `@unlikely`. From the parser's start all that can follow is gone through
with all that is known of the packet. What leaves the likely ways before anything has been counted,
metered or told begins once more as any packet, so nothing of it needs to be here; behind that,
everything is. A point of the program is there once for each knowledge that makes a difference.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import emitted, looks_ahead, mirrors, nested, octets_ahead
from p4xdp.xdp.aftermath import STRAIGHT, after, changed_by, perhaps_after, run
from p4xdp.xdp.choices import Choices
from p4xdp.xdp.facts import Facts, Name, assume, evaluate, name_of
from p4xdp.xdp.layout import is_constant
from p4xdp.xdp.mattering import UsesOfPlaces
from p4xdp.xdp.parsing import first_bits
from p4xdp.xdp.points import (
    LIKELY,
    UNLIKELY,
    Cell,
    Choice,
    Device,
    Dropped,
    Fork,
    Item,
    Leave,
    Lookup,
    Onward,
    Outcome,
    Parsed,
    Place,
    Point,
    Run,
    Selection,
    Stage,
    Step,
    Take,
    TooHardError,
    Unlikely,
    decided,
    deparsed,
    following,
    is_called,
    likely_actions,
)
from p4xdp.xdp.relevance import reduced
from p4xdp.xdp.selecting import chosen, fits
from p4xdp.xdp.shapes import have_same_layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p4xdp.xdp.abstract import Known
    from p4xdp.xdp.shapes import Shapes

_MOST_POINTS = 4000


def likely_ways(program: ir.Program, shapes: Shapes) -> list[Point]:
    """Return the points of all likely ways, every one before those that follow it; none if the
    program names none, or they cannot be gone apart.
    """
    if not any(is_called(s.annotations, LIKELY) for s in program.ingress.parser.states.values()):
        return []
    try:
        start = _Walk(program, shapes).run()
    except TooHardError:
        return []
    order = _ordered(start)
    for point in reversed(order):
        ends = isinstance(point.end, Leave | Dropped)
        point.is_live = ends or any(one and one.is_live for one in following(point.end))
    return [point for point in order if point.is_live]


def _ordered(start: Point) -> list[Point]:
    order: list[Point] = []
    seen: set[int] = set()
    waiting: list[tuple[Point, bool]] = [(start, False)]
    while waiting:
        point, is_done = waiting.pop()
        if is_done:
            order.append(point)
        elif id(point) not in seen:
            seen.add(id(point))
            waiting.append((point, True))
            waiting += [(one, False) for one in following(point.end) if one is not None]
    return order[::-1]


class _Walk:
    def __init__(self, program: ir.Program, shapes: Shapes) -> None:
        self._gresses = {"ingress": program.ingress, "egress": program.egress}
        self._cells: dict[tuple[int, int, int, bool], Cell] = {}
        self._points: dict[tuple[int | Place, Facts], Point] = {}
        self._waiting: list[Point] = []
        self._choices = Choices(self._gresses)
        self._uses = UsesOfPlaces(program, shapes)

    def run(self) -> Point:
        """Return the first point of all ways."""
        values = _zero(self._gresses["ingress"].variables, "ingress")
        start = self._point(Parsed("ingress", "start"), Facts().with_values(values))
        while self._waiting:
            point = self._waiting.pop()
            self._go(point)
            if len(self._points) > _MOST_POINTS:
                raise TooHardError
        return start

    def _point(self, place: Place, facts: Facts) -> Point:
        facts = reduced(facts, self._uses.relevant(place))
        key = (id(place) if isinstance(place, Cell) else place, facts)
        if key not in self._points:
            self._points[key] = Point(place, facts)
            self._waiting.append(self._points[key])
        return self._points[key]

    def _cell(
        self,
        gress: str,
        items: tuple[Item, ...],
        at: int,
        following: Place,
        *,
        is_sure: bool = False,
    ) -> Place:
        if at == len(items):
            return following
        key = (id(items), at, id(following), is_sure)
        return self._cells.setdefault(key, Cell(gress, items, at, following, is_sure))

    def _go(self, point: Point) -> None:
        place: Place | None = point.place
        facts = point.facts
        while place is not None:
            match place:
                case Parsed():
                    place, facts = self._parse(point, place, facts)
                case Stage():
                    place, facts = self._pass(point, place, facts)
                case Cell():
                    place, facts = self._do(point, place, facts)

    # --- statements -------------------------------------------------------------------------------

    def _do(  # noqa: C901, PLR0911  # one case a kind
        self, point: Point, cell: Cell, facts: Facts
    ) -> tuple[Place | None, Facts]:
        item = cell.items[cell.at]
        rest = self._cell(cell.gress, cell.items, cell.at + 1, cell.following)
        if not facts.is_committed and not cell.is_sure and self._choices.commits(item, facts.gress):
            sure = self._cell(cell.gress, cell.items, cell.at, cell.following, is_sure=True)
            return self._cell(cell.gress, self._choices.ahead_of(cell), 0, sure), facts
        if isinstance(item, STRAIGHT):
            point.steps.append(Step(item, facts))
            return rest, after(item, facts)
        match item:
            case Unlikely():
                point.end = Onward(None)
                return None, facts
            case Run() if not (item.is_likely or facts.is_committed):
                point.end = Onward(None)
                return None, facts
            case Run():
                steps, facts = run(item.body, facts, item.arguments)
                point.steps += steps
                return rest, facts
            case ir.CallAction():
                return self._cell(facts.gress, item.body, 0, rest), facts
            case ir.Emit():
                return rest, facts
            case ir.If() | Choice():
                return self._choose(point, item, rest, facts)
            case ir.Apply():
                return self._apply(point, item, rest, facts)
            case ir.Exit():
                return decided(facts.gress), facts

    def _choose(
        self, point: Point, item: ir.If | Choice, rest: Place, facts: Facts
    ) -> tuple[Place | None, Facts]:
        value = evaluate(item.condition, facts)
        if isinstance(value, int):
            return self._cell(facts.gress, item.then if value else item.otherwise, 0, rest), facts
        if isinstance(item, ir.If) and self._makes_no_difference(item, rest, facts):
            point.steps.append(Step(item, facts))
            return rest, perhaps_after(item, facts)
        then, otherwise = (
            self._point(
                self._cell(facts.gress, body, 0, rest), assume(item.condition, facts, holds=holds)
            )
            for body, holds in ((item.then, True), (item.otherwise, False))
        )
        point.end = Fork(item.condition, facts, then, otherwise)
        return None, facts

    def _makes_no_difference(self, item: ir.If, rest: Place, facts: Facts) -> bool:
        """Return whether what follows goes on alike whichever way is taken; of a packet that has
        committed itself, whether it need not be told apart: all its ways have to be here.
        """
        relevant = () if facts.is_committed else self._uses.relevant(rest)
        for statement in nested((item,)):
            if not isinstance(statement, STRAIGHT | ir.If) or isinstance(statement, ir.SetValid):
                return False
            if any(name_of(one, facts.gress) in relevant for one in changed_by(statement)):
                return False
        return True

    def _apply(
        self, point: Point, item: ir.Apply, rest: Place, facts: Facts
    ) -> tuple[Place | None, Facts]:
        table = self._gresses[facts.gress].tables[item.table]
        if not facts.is_committed and is_called(table.annotations, UNLIKELY):
            point.end = Onward(None)
            return None, facts
        if is_constant(table):
            return self._cell(facts.gress, self._choices.compared(item, table), 0, rest), facts
        hits = {
            ref.action: self._outcome(item, ref, rest, facts, hit=1)
            for ref in table.actions
            if table.keys and not ref.default_only
        }
        misses = {
            ref.action: self._outcome(item, ref, rest, facts, hit=0)
            for ref in table.actions
            if ref.action == table.default_action or not (table.is_default_const or ref.table_only)
        }
        point.end = Lookup(item, facts, hits, misses)
        return None, facts

    def _outcome(
        self, item: ir.Apply, ref: ir.ActionRef, rest: Place, facts: Facts, *, hit: int
    ) -> Outcome:
        gress = self._gresses[facts.gress]
        table = gress.tables[item.table]
        if not facts.is_committed and ref.action not in likely_actions(table):
            return Outcome((), None)
        if item.hit is not None:
            facts = facts.with_values({(facts.gress, "", item.hit.name): hit})
        is_fixed = not hit and table.is_default_const
        arguments = table.default_arguments if is_fixed else None
        steps, facts = run(gress.actions[ref.action].body, facts, arguments)
        case = dict(item.cases).get(ref.action, item.default_case)
        return Outcome(tuple(steps), self._point(self._cell(facts.gress, case, 0, rest), facts))

    # --- parsers ----------------------------------------------------------------------------------

    def _parse(self, point: Point, place: Parsed, facts: Facts) -> tuple[Place | None, Facts]:
        state = self._gresses[place.gress].parser.states[place.state]
        for statement in state.statements:
            if isinstance(statement, ir.Extract):
                if statement.header.intrinsic:
                    continue
                taken = self._extract(point, statement, facts)
                if taken is None:
                    self._give_up(point, facts)
                    return None, facts
                facts = taken
            elif isinstance(statement, STRAIGHT):
                point.steps.append(Step(statement, facts))
                facts = after(statement, facts)
            else:
                raise TooHardError
        if place.gress == "ingress":
            ahead = max(map(octets_ahead, state.keys), default=0)
            point.octets = max(point.octets, facts.cursor + ahead)
        return self._select(point, state, facts)

    def _extract(self, point: Point, statement: ir.Extract, facts: Facts) -> Facts | None:
        header = statement.header
        if facts.gress == "ingress":
            point.steps.append(Step(statement, facts))
            return after(statement, facts)
        source = self._next(facts)
        if source is None or not have_same_layout(source, header):
            return None
        place = facts.places("ingress")[source.name]
        point.steps.append(Step(Take(header, source), facts))
        known: dict[Name, Known | None] = {}
        for to, of in zip(header.type.fields, source.type.fields, strict=True):
            known["egress", header.name, to.name] = facts.value(("ingress", source.name, of.name))
            known["ingress", source.name, of.name] = None
        gone = frozenset(one for one in facts.headers if one[:2] != ("ingress", source.name))
        facts = dataclasses.replace(facts, headers=gone)
        return facts.with_header(header, place).with_values(known)

    def _next(self, facts: Facts) -> ir.Header | None:
        """Return the header that ingress has emitted and egress meets next."""
        places = facts.places("ingress")
        headers = emitted(self._gresses["ingress"])
        return next((header for header in headers if header.name in places), None)

    def _give_up(self, point: Point, facts: Facts) -> None:
        if facts.is_committed:
            raise TooHardError
        point.end = Onward(None)

    def _select(
        self, point: Point, state: ir.ParserState, facts: Facts
    ) -> tuple[Place | None, Facts]:
        values = [self._key(key, facts) for key in state.keys]
        found: list[Point | None] = []
        is_decided = True
        for select in state.selects:
            does_fit = fits(select.matches, values, state.keys)
            if does_fit is False:
                found.append(None)
                continue
            onward = self._onward(state, select, facts)
            if does_fit and is_decided:
                if onward is None:
                    self._give_up(point, facts)
                    return None, facts
                return onward, facts
            is_decided = False
            known = chosen(state, select, facts)
            found.append(None if onward is None else self._point(onward, known))
            if onward is None and facts.is_committed:
                raise TooHardError
            if does_fit:
                break
        if facts.gress == "egress" and any(map(looks_ahead, state.keys)):
            self._give_up(point, facts)
            return None, facts
        found += [None] * (len(state.selects) - len(found))
        point.end = Selection(state, facts, tuple(found))
        return None, facts

    def _key(self, key: ir.Expression, facts: Facts) -> Known | None:
        if not looks_ahead(key):
            return evaluate(key, facts)
        source = self._next(facts) if facts.gress == "egress" else None
        if source is None or not isinstance(key, ir.Lookahead):
            return None
        return evaluate(first_bits(source, key.width), dataclasses.replace(facts, gress="ingress"))

    def _onward(self, state: ir.ParserState, select: ir.Select, facts: Facts) -> Place | None:
        """Return where a select leads, None if that is not likely."""
        gress = self._gresses[facts.gress]
        if select.next_state == "accept":
            if facts.gress == "ingress" and state.keys:
                return None
            return self._cell(gress.name, gress.control, 0, decided(gress.name))
        to = gress.parser.states.get(select.next_state)
        if to is None or (gress.name == "ingress" and not is_called(to.annotations, LIKELY)):
            return None
        return Parsed(gress.name, select.next_state)

    # --- what the device does ---------------------------------------------------------------------

    def _pass(self, point: Point, stage: Stage, facts: Facts) -> tuple[Place | None, Facts]:
        gress = self._gresses[facts.gress]
        drop = self._role("drop_ctl", facts)
        is_kept = isinstance(drop, int) and not drop & 1
        match stage:
            case Stage.INGRESS_DECIDED | Stage.EGRESS_DECIDED:
                if isinstance(drop, int) and drop & 1 and not (mirrors(gress) or gress.digests):
                    point.end = Dropped()
                    return None, facts
                if not is_kept:
                    point.steps.append(Step(Device.DROP, facts))
                return self._cell(gress.name, gress.deparser, 0, deparsed(gress.name)), facts
            case Stage.INGRESS_DEPARSED:
                if not is_kept:
                    point.steps.append(Step(Device.DROP_AT_LAST, facts))
                point.steps.append(Step(Device.CHOOSE_PORT, facts))
                return self._enter_egress(point, facts)
            case Stage.EGRESS_DEPARSED:
                point.end = Leave(facts)
                return None, facts

    def _role(self, role: str, facts: Facts) -> Known | None:
        variable = self._gresses[facts.gress].roles.get(role)
        return 0 if variable is None else facts.value((facts.gress, "", variable.name))

    def _enter_egress(self, point: Point, facts: Facts) -> tuple[Place | None, Facts]:
        is_past = self._role("bypass_egress", facts)
        if not isinstance(is_past, int):
            raise TooHardError
        names = {header.name for header in emitted(self._gresses["ingress"])}
        headers = frozenset(one for one in facts.headers if one[1] in names)
        values = frozenset(one for one in facts.values if one[0][1])  # no variables
        facts = dataclasses.replace(facts, headers=headers, values=values, gress="egress")
        if is_past:
            point.end = Leave(facts)
            return None, facts
        point.steps.append(Step(Device.MEASURE, facts))
        point.steps.append(Step(Device.START_CLOCK, facts))
        zero = _zero(self._gresses["egress"].variables, "egress")
        return Parsed("egress", "start"), facts.with_values(zero)


def _zero(variables: Iterable[ir.Variable], gress: str) -> dict[Name, Known | None]:
    return {(gress, "", variable.name): 0 for variable in variables}

"""Reads of fields of headers that may not be there: Tofino gives whatever lies in the container.

What is valid is followed through parser and control. A header is certain where every way here made
it valid, and inside `if (header.isValid())`. A condition tells more than itself: where a variable
has a value, all is valid that was wherever it could have got that value (`md.endpoint != 0` may be
true of GTP-U packets only); and where a header is valid, so is what was valid when it became so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.lint.access import flat, validity
from p4xdp.lint.report import Finding, Severity
from p4xdp.walk import expressions, parts, root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_Headers: TypeAlias = frozenset[str]
_ROUNDS = 5  # each finds more certain than the last; where it stops, it is less than it could be


@dataclass(frozen=True, slots=True)
class _State:
    """Headers that are valid for certain, and those that some way here made invalid."""

    certain: _Headers
    removed: _Headers = frozenset()

    def knowing(self, more: _Headers) -> _State:
        return _State(self.certain | (more - self.removed), self.removed)

    def after(self, statement: ir.Statement) -> _State:
        match statement:
            case ir.Extract(header=header) | ir.SetValid(header=header, valid=True):
                return _State(self.certain | {header.name}, self.removed - {header.name})
            case ir.SetValid(header=header):
                return _State(self.certain - {header.name}, self.removed | {header.name})
            case _:
                return self


def _join(states: Iterable[_State | None]) -> _State | None:
    known = [state for state in states if state is not None]
    if not known:
        return None
    return _State(
        frozenset.intersection(*(state.certain for state in known)),
        frozenset.union(*(state.removed for state in known)),
    )


class _Origins:
    """Where variables and validity bits got their values, and what was certain there.

    A value of None is any. What nobody wrote is 0, and implies nothing.
    """

    def __init__(self) -> None:
        self._of: dict[str, list[tuple[int | None, _Headers]]] = {}

    def add(self, name: str, value: int | None, certain: _Headers) -> None:
        self._of.setdefault(name, []).append((value, certain))

    def implied(self, name: str, is_possible: Callable[[int], bool]) -> _Headers:
        """Return what is valid wherever `name` has a value that is possible."""
        if is_possible(0):
            return frozenset()
        found = [c for value, c in self._of.get(name, []) if value is None or is_possible(value)]
        return frozenset.intersection(*found) if found else frozenset()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Origins) and self._of == other._of

    __hash__ = None  # type: ignore[assignment]


def check_validity(gress: ir.Gress) -> list[Finding]:
    """Return one warning for each header, at the first place where it may be missing."""
    origins = _Origins()
    for _ in range(_ROUNDS):
        watcher = _Watcher(gress, origins)
        watcher.run()
        if watcher.seen == origins:
            break
        origins = watcher.seen
    return [_finding(header, places) for header, places in watcher.places.items()]


def _finding(header: str, places: Sequence[tuple[ir.Position, str]]) -> Finding:
    others = len(places) - 1
    more = f", and at {others} more place{'s' if others > 1 else ''}" if others else ""
    at, name = places[0]
    return Finding(
        Severity.warning,
        "maybe-invalid-header",
        at,
        f"{name} is read where {header} may be invalid{more}",
        f"ask {header}.isValid() before, or make it valid on every way here",
    )


@dataclass(slots=True)
class _Watcher:
    """One walk through a gress with what the walk before found out about variables."""

    gress: ir.Gress
    origins: _Origins
    seen: _Origins = field(default_factory=_Origins)
    places: dict[str, list[tuple[ir.Position, str]]] = field(default_factory=dict)

    def run(self) -> None:
        self._block(self.gress.control, self._parse())

    def _parse(self) -> _State:
        """Return what is certain when the parser accepts."""
        intrinsic = frozenset(header.name for header in self.gress.headers if header.intrinsic)
        arriving: dict[str, _State] = {}
        for name in _states_in_order(self.gress.parser):
            state = _State(intrinsic) if name == "start" else arriving.get(name)
            if state is None or name not in self.gress.parser.states:
                continue
            for statement in self.gress.parser.states[name].statements:
                self._note(statement, state)
                state = state.after(statement)
            for select in self.gress.parser.states[name].selects:
                both = _join([arriving.get(select.next_state), state])
                arriving[select.next_state] = both if both is not None else state
        return arriving.get("accept", _State(intrinsic))

    def _block(self, statements: Sequence[ir.Statement], state: _State) -> _State | None:
        """Return what is certain after the statements; None if they end in `exit`."""
        for statement in statements:
            after: _State | None
            match statement:
                case ir.If():
                    yes, no = self._condition(statement.condition, state, statement.at)
                    ends = (self._block(statement.then, yes), self._block(statement.otherwise, no))
                    after = _join(ends)
                case ir.Apply():
                    after = self._apply(statement, state)
                case ir.CallAction():
                    after = self._block(statement.body, state)
                case ir.Exit():
                    return None
                case _:
                    target = getattr(statement, "target", None)
                    values = (e for e in expressions(statement) if e is not target)
                    self._read(values, state, statement.at)
                    self._note(statement, state)
                    after = state.after(statement)
            if after is None:
                return None
            state = after
        return state

    def _apply(self, statement: ir.Apply, state: _State) -> _State | None:
        table = self.gress.tables[statement.table]
        self._read((key.expression for key in table.keys), state, statement.at)
        if statement.hit is not None:
            self.seen.add(statement.hit.name, None, state.certain)
        cases = dict(statement.cases)
        ends = []
        for reference in table.actions:
            end = self._block(flat(self.gress.actions[reference.action].body), state)
            if end is not None:
                body = cases.get(reference.action, statement.default_case)
                ends.append(self._block(body, end))
        return _join(ends)

    def _condition(
        self, condition: ir.Expression, state: _State, at: ir.Position
    ) -> tuple[_State, _State]:
        """Return what is certain where the condition holds and where it does not."""
        match condition:
            case ir.IsValid(header=header):
                more = self.origins.implied(validity(header), lambda value: value == 1)
                return state.knowing(more | {header.name}), state
            case ir.Unary(op=ir.UnaryOp.NOT):
                yes, no = self._condition(condition.operand, state, at)
                return no, yes
            case ir.Binary(op=ir.BinaryOp.LOGICAL_AND):
                left_yes, left_no = self._condition(condition.left, state, at)
                right_yes, right_no = self._condition(condition.right, left_yes, at)
                return right_yes, _join([left_no, right_no]) or state
            case ir.Binary(op=ir.BinaryOp.LOGICAL_OR):
                left_yes, left_no = self._condition(condition.left, state, at)
                right_yes, right_no = self._condition(condition.right, left_no, at)
                return _join([left_yes, right_yes]) or state, right_no
            case _:
                self._read([condition], state, at)
                return self._compared(condition, state)

    def _compared(self, condition: ir.Expression, state: _State) -> tuple[_State, _State]:
        """Return what a comparison of a variable with a constant tells."""
        match condition:
            case ir.Read(variable=variable):
                name, wanted = variable.name, 1
            case ir.Binary(
                op=ir.BinaryOp.EQUAL | ir.BinaryOp.NOT_EQUAL,
                left=ir.Read(variable=variable),
                right=ir.Const(value=wanted),
            ):
                name = variable.name
            case _:
                return state, state
        equal = state.knowing(self.origins.implied(name, lambda value: value == wanted))
        other = state.knowing(self.origins.implied(name, lambda value: value != wanted))
        if isinstance(condition, ir.Binary) and condition.op is ir.BinaryOp.NOT_EQUAL:
            return other, equal
        return equal, other

    def _note(self, statement: ir.Statement, state: _State) -> None:
        """Remember what a statement writes and what is certain then."""
        match statement:
            case ir.Extract(header=header) | ir.SetValid(header=header, valid=True):
                self.seen.add(validity(header), 1, state.certain | {header.name})
            case ir.Assign(target=ir.Read(variable=variable), value=value):
                constant = value.value if isinstance(value, ir.Const) else None
                self.seen.add(variable.name, constant, state.certain)
            case _:
                target = getattr(statement, "target", None)
                if target is not None:
                    written = root(target)
                    if isinstance(written, ir.Read):
                        self.seen.add(written.variable.name, None, state.certain)

    def _read(self, values: Iterable[ir.Expression], state: _State, at: ir.Position) -> None:
        for value in values:
            for part in parts(value):
                if isinstance(part, ir.HeaderField) and part.header.name not in state.certain:
                    name = f"{part.header.name}.{part.field.name}"
                    place = at if part.at == ir.NOWHERE else part.at
                    places = self.places.setdefault(part.header.name, [])
                    if all(known != place for known, _ in places):
                        places.append((place, name))


def _states_in_order(parser: ir.Parser) -> list[str]:
    """Return the states so that each comes after all that lead to it: they form no circle."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in parser.states:
            for select in parser.states[name].selects:
                visit(select.next_state)
        order.append(name)

    visit("start")
    return order[::-1]

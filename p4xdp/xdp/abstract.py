"""What is known of a packet at a point of the program: which headers are valid, where they lie in
the frame, and what the variables that decide the way hold. Going a statement further gives all
states that can follow; never too few.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.walk import conditions, expressions, nested, parts, statements_of, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MADE = -1  # the place of a header that the program made: not in the frame
LARGEST_NUMBER_OF_STATES = 500
_ROLES = {"drop_ctl", "bypass_egress", "parser_err"}


@dataclass(frozen=True, slots=True)
class Other:
    """Anything but `value`."""

    value: int


Known: TypeAlias = int | Other


@dataclass(frozen=True, slots=True)
class State:
    """`headers`: valid header -> octet in the frame, or MADE. `values`: what is known of tracked
    variables. `cursor`: where the payload begins. `rest`: headers emitted by ingress that the
    egress parser has not taken, likewise placed. `removed`: headers made invalid since the parser.
    """

    headers: frozenset[tuple[str, int]] = frozenset()
    values: frozenset[tuple[str, Known]] = frozenset()
    cursor: int = 0
    rest: frozenset[tuple[str, int]] = frozenset()
    removed: frozenset[str] = frozenset()

    def place(self, header: ir.Header) -> int | None:
        """Return where `header` lies, or None if it is invalid."""
        return dict(self.headers).get(header.name)

    def with_header(self, header: ir.Header, place: int | None) -> State:
        """Return the state with `header` valid at `place`, or invalid."""
        others = frozenset(entry for entry in self.headers if entry[0] != header.name)
        if place is None:
            removed = self.removed | {header.name}
            return dataclasses.replace(self, headers=others, removed=removed)
        headers = others | {(header.name, place)}
        return dataclasses.replace(self, headers=headers, removed=self.removed - {header.name})

    def valid(self) -> frozenset[str]:
        """Return the names of the valid headers."""
        return frozenset(name for name, _ in self.headers)

    def value(self, variable: ir.Variable) -> Known | None:
        """Return what is known of `variable`, or None."""
        return dict(self.values).get(variable.name)

    def with_value(self, variable: ir.Variable, value: Known | None) -> State:
        """Return the state with another knowledge of `variable`."""
        others = frozenset(entry for entry in self.values if entry[0] != variable.name)
        added = frozenset() if value is None else frozenset({(variable.name, value)})
        return dataclasses.replace(self, values=others | added)


def deciding_headers(gress: ir.Gress) -> frozenset[str]:
    """Return the headers whose validity decides the way, or what is made."""
    found: set[str] = set()
    for statement in statements_of(gress):
        if isinstance(statement, ir.SetValid) and statement.valid:
            found.add(statement.header.name)
        for expression in expressions(statement):
            found |= {one.header.name for one in parts(expression) if isinstance(one, ir.IsValid)}
    return frozenset(found)


def tracked_variables(gress: ir.Gress) -> dict[str, ir.Variable]:
    """Return the variables that decide the way: compared with constants, or read by the device."""
    tracked = {gress.roles[role].name: gress.roles[role] for role in _ROLES & gress.roles.keys()}
    for statement in statements_of(gress):
        if isinstance(statement, ir.If):
            for term in conditions(statement.condition):
                variable = _compared(term)
                if variable is not None:
                    tracked[variable.name] = variable
    return tracked


def _compared(term: ir.Expression) -> ir.Variable | None:
    match term:
        case ir.Read():
            return term.variable
        case ir.Binary(op=ir.BinaryOp.EQUAL | ir.BinaryOp.NOT_EQUAL, left=ir.Read() as read):
            return read.variable if isinstance(term.right, ir.Const) else None
        case _:
            return None


def evaluate(expression: ir.Expression, state: State) -> Known | None:
    """Return what is known of the value."""
    match expression:
        case ir.Const():
            return expression.value
        case ir.Read():
            return state.value(expression.variable)
        case ir.IsValid():
            return int(state.place(expression.header) is not None)
        case ir.Cast(signed=False):
            value = evaluate(expression.operand, state)
            return value & ((1 << expression.width) - 1) if isinstance(value, int) else None
        case _:
            return None


def assume(condition: ir.Expression, state: State, *, holds: bool) -> list[State]:
    """Return the states, none to several, in which `condition` is as `holds` says."""
    match condition:
        case ir.Unary(op=ir.UnaryOp.NOT):
            return assume(condition.operand, state, holds=not holds)
        case ir.Binary(op=ir.BinaryOp.LOGICAL_AND):
            return _both(condition, state, holds=holds, needed=True)
        case ir.Binary(op=ir.BinaryOp.LOGICAL_OR):
            return _both(condition, state, holds=holds, needed=False)
        case ir.Binary(op=ir.BinaryOp.EQUAL | ir.BinaryOp.NOT_EQUAL, right=ir.Const() as constant):
            equal = holds == (condition.op is ir.BinaryOp.EQUAL)
            return _assume_equal(condition.left, constant.value, state, equal=equal)
        case _:
            return _assume_equal(condition, 1, state, equal=holds)


def _both(condition: ir.Binary, state: State, *, holds: bool, needed: bool) -> list[State]:
    """`left && right` holds if both do; `left || right` does not if neither does."""
    together = [
        after
        for between in assume(condition.left, state, holds=needed)
        for after in assume(condition.right, between, holds=holds)
    ]
    if holds == needed:
        return together
    return assume(condition.left, state, holds=not needed) + together


def _assume_equal(  # noqa: PLR0911  # one case a kind of knowledge
    expression: ir.Expression, constant: int, state: State, *, equal: bool
) -> list[State]:
    value = evaluate(expression, state)
    if isinstance(value, int):
        return [state] if (value == constant) == equal else []
    if value == Other(constant):
        return [] if equal else [state]
    if not isinstance(expression, ir.Read):
        return [state]
    if equal:
        return [state.with_value(expression.variable, constant)]
    if expression.width == 1:
        return [state.with_value(expression.variable, 1 - constant)]
    if value is None:
        return [state.with_value(expression.variable, Other(constant))]
    return [state]


class Control:
    """Runs statements of one gress on sets of states."""

    def __init__(self, gress: ir.Gress) -> None:
        self._gress = gress
        self.tracked: Mapping[str, ir.Variable] = tracked_variables(gress)
        # By the identity of a statement: the headers valid whenever it is reached.
        self.certain: dict[int, frozenset[str]] = {}
        self._left: set[State] = set()

    def observe(self, node: ir.Statement | ir.ParserState, states: set[State]) -> None:
        """Note which headers are valid in all `states`, in which `node` is reached."""
        for headers in {state.headers for state in states}:
            valid = frozenset(name for name, _ in headers)
            self.certain[id(node)] = self.certain.get(id(node), valid) & valid

    def initial_values(self) -> frozenset[tuple[str, Known]]:
        """Return what metadata starts with: zero."""
        return frozenset((name, 0) for name in self.tracked)

    def run(self, statements: Iterable[ir.Statement], states: set[State]) -> set[State]:
        """Return all states after the control, however it was left."""
        self._left = set()
        return self._run(statements, states) | self._left

    def _run(self, statements: Iterable[ir.Statement], states: set[State]) -> set[State]:
        for statement in statements:
            states = self._limited(self._step(statement, states))
        return states

    def _limited(self, states: set[State]) -> set[State]:
        if len(states) <= LARGEST_NUMBER_OF_STATES:
            return states
        # Knowing less is always right.
        return {dataclasses.replace(state, values=frozenset()) for state in states}

    def _step(  # noqa: PLR0911  # one case a kind
        self, statement: ir.Statement, states: set[State]
    ) -> set[State]:
        self.observe(statement, states)
        match statement:
            case ir.SetValid():
                return {self._set_valid(statement, state) for state in states}
            case ir.Assign():
                return {self._store(statement.target, statement.value, state) for state in states}
            case (
                ir.UpdateChecksum(target=target)
                | ir.ComputeHash(target=target)
                | ir.ExecuteMeter(target=target)
            ):
                return {self._store(target, None, state) for state in states}
            case ir.ExecuteRegister():
                return self._execute_register(statement, states)
            case ir.If():
                return self._branch(statement, states)
            case ir.Apply():
                return self._apply(statement, states)
            case ir.CallAction():
                return self._run(statement.body, states)
            case ir.Exit():
                self._left |= states
                return set()
            case _:
                return states

    def _set_valid(self, statement: ir.SetValid, state: State) -> State:
        if not statement.valid:
            return state.with_header(statement.header, None)
        if state.place(statement.header) is not None:
            return state
        return state.with_header(statement.header, MADE)

    def _store(self, target: ir.LValue | None, value: ir.Expression | None, state: State) -> State:
        while isinstance(target, ir.Slice):
            operand = target.operand
            assert isinstance(operand, ir.Read | ir.HeaderField | ir.Slice), "an lvalue's slice"
            target, value = operand, None
        if not isinstance(target, ir.Read) or target.variable.name not in self.tracked:
            return state
        known = None if value is None else evaluate(value, state)
        return state.with_value(target.variable, known)

    def _execute_register(self, statement: ir.ExecuteRegister, states: set[State]) -> set[State]:
        own = {ir.Read(variable) for variable in statement.cell}
        if statement.result is not None:
            own.add(ir.Read(statement.result))
        for read in own:
            states = {self._store(read, None, state) for state in states}
        states = self._run(statement.body, states)
        # Nothing else reads what the body computed.
        own |= {read for read in map(written, nested(statement.body)) if isinstance(read, ir.Read)}
        for target in (*own, statement.target):
            states = {self._store(target, None, state) for state in states}
        return states

    def _branch(self, statement: ir.If, states: set[State]) -> set[State]:
        after: set[State] = set()
        for body, holds in ((statement.then, True), (statement.otherwise, False)):
            entering = {
                assumed
                for state in states
                for assumed in assume(statement.condition, state, holds=holds)
            }
            if entering:
                after |= self._run(body, entering)
        return after

    def _apply(self, statement: ir.Apply, states: set[State]) -> set[State]:
        table = self._gress.tables[statement.table]
        after: set[State] = set()
        for action, hit in possible_outcomes(table):
            reached = self._run(self._gress.actions[action].body, states)
            if statement.hit is not None and statement.hit.name in self.tracked:
                reached = {state.with_value(statement.hit, int(hit)) for state in reached}
            after |= self._run(dict(statement.cases).get(action, statement.default_case), reached)
        return after


def possible_outcomes(table: ir.Table) -> list[tuple[str, bool]]:
    """Return the actions that applying `table` may run, each with hit (True) or miss."""
    outcomes = []
    if table.keys:
        outcomes += [(ref.action, True) for ref in table.actions if not ref.default_only]
    if table.is_default_const:
        return [*outcomes, (table.default_action, False)]
    return outcomes + [(ref.action, False) for ref in table.actions if not ref.table_only]

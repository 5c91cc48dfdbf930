"""Which values matter to what is still to be done: those that something is decided by, and those
that such are copied from. Knowledge of any other only tells ways apart that go on alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.walk import nested, octets_ahead, parts, written
from p4xdp.xdp.abstract import Known, Other
from p4xdp.xdp.facts import Facts, Name, name_of
from p4xdp.xdp.parsing import first_bits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p4xdp.xdp.shapes import Shapes

# The constants that a value is compared with, or None: all of it matters.
Compared: TypeAlias = frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Uses:
    """What statements do with values: those `compared`, and those `copied` to others."""

    compared: Mapping[Name, Compared]
    copied: frozenset[tuple[Name, Name]]  # (to, from)

    def joined(self, other: Uses) -> Uses:
        """Return both."""
        compared = dict(self.compared)
        for name, constants in other.compared.items():
            compared[name] = _joined(compared[name], constants) if name in compared else constants
        return Uses(compared, self.copied | other.copied)

    def relevant(self) -> Mapping[Name, Compared]:
        """Return what matters, and with what it is compared."""
        found = dict(self.compared)
        waiting = list(found)
        while waiting:
            to = waiting.pop()
            for _, source in (one for one in self.copied if one[0] == to):
                together = _joined(found[source], found[to]) if source in found else found[to]
                if source not in found or together != found[source]:
                    found[source] = together
                    waiting.append(source)
        return found


NOTHING = Uses({}, frozenset())


def reduced(facts: Facts, relevant: Mapping[Name, Compared]) -> Facts:
    """Return as much of `facts` as matters."""
    kept: dict[Name, Known | None] = {}
    for name, value in facts.values:
        constants = relevant.get(name, frozenset())
        if constants is None or (isinstance(value, int) and value in constants):
            kept[name] = value
        elif isinstance(value, int) and len(constants) == 1:
            kept[name] = Other(*constants)
        elif (isinstance(value, int) and constants) or (
            isinstance(value, Other) and value.value in constants
        ):
            kept[name] = value
        else:
            kept[name] = None
    return facts.with_values(kept)


def uses_of(gress: ir.Gress, statements: Iterable[ir.Statement]) -> Uses:
    """Return what `statements` do, and what they contain, and the tables they apply."""
    found = _Finder(gress)
    found.follow(statements)
    return found.uses()


def uses_of_state(gress: ir.Gress, state: ir.ParserState, shapes: Shapes, given: ir.Gress) -> Uses:
    """Return what a parser state does, in egress with what ingress (`given`) has emitted."""
    found = _Finder(gress)
    found.follow(state.statements)
    headers = {header.name: header for header in given.headers}
    for number, key in enumerate(state.keys):
        found.select(key, {select.matches[number] for select in state.selects})
        octets = octets_ahead(key)
        for source in (headers[name] for name in shapes.ahead.get(id(state), ()) if name):
            found.read_all(first_bits(source, octets * 8), given.name)
    taken = found.uses()
    extracted = [s.header for s in state.statements if isinstance(s, ir.Extract)]
    copied = {
        ((gress.name, header.name, to.name), (given.name, source.name, of.name))
        for header in extracted
        for source in (headers[name] for name in shapes.sources.get(header.name, ()) if name)
        for to, of in zip(header.type.fields, source.type.fields, strict=True)
    }
    return Uses(taken.compared, taken.copied | copied)


class _Finder:
    def __init__(self, gress: ir.Gress) -> None:
        self._gress = gress
        self._compared: dict[Name, Compared] = {}
        self._copied: set[tuple[Name, Name]] = set()

    def uses(self) -> Uses:
        """Return what was found."""
        return Uses(self._compared, frozenset(self._copied))

    def follow(self, statements: Iterable[ir.Statement]) -> None:
        """Find what statements do."""
        for statement in nested(statements):
            target = written(statement)
            to = None if target is None else name_of(target, self._gress.name)
            match statement:
                case ir.Assign() if to is not None:
                    self._copy(to, statement.value)
                case ir.If():
                    self.condition(statement.condition)
                case ir.Apply():
                    self._table(self._gress.tables[statement.table])
                case _:
                    pass

    def _copy(self, to: Name, value: ir.Expression) -> None:
        for part in parts(value):
            source = name_of(part, self._gress.name)
            if source is not None:
                self._copied.add((to, source))

    def _table(self, table: ir.Table) -> None:
        for reference in table.actions:
            self.follow(self._gress.actions[reference.action].body)
        for number, key in enumerate(table.keys):
            matches = [entry.matches[number] for entry in table.entries or ()]
            if any(match.high is not None for match in matches):
                self.read_all(key.expression, self._gress.name)
            elif matches:
                self.select(key.expression, {(match.value, match.mask) for match in matches})

    def condition(self, expression: ir.Expression) -> None:
        """Find what a condition decides by."""
        match expression:
            case ir.Unary(op=ir.UnaryOp.NOT):
                self.condition(expression.operand)
            case ir.Binary(op=ir.BinaryOp.LOGICAL_AND | ir.BinaryOp.LOGICAL_OR):
                self.condition(expression.left)
                self.condition(expression.right)
            case ir.Binary(op=ir.BinaryOp.EQUAL | ir.BinaryOp.NOT_EQUAL, right=ir.Const()):
                assert isinstance(expression.right, ir.Const), "the case says so"
                self._compare(expression.left, frozenset({expression.right.value}))
            case ir.Read():
                self._compare(expression, frozenset({0, 1}))
            case _:
                self.read_all(expression, self._gress.name)

    def select(self, key: ir.Expression, matches: Iterable[tuple[int, int]]) -> None:
        """Find what choosing by `key` among (value, mask) decides by."""
        used = [(value, mask) for value, mask in matches if mask]
        if all(mask == (1 << key.width) - 1 for _, mask in used):
            self._compare(key, frozenset(value for value, _ in used))
        else:
            self.read_all(key, self._gress.name)

    def _compare(self, expression: ir.Expression, constants: frozenset[int]) -> None:
        name = name_of(expression, self._gress.name)
        if name is None:
            self.read_all(expression, self._gress.name)
        elif constants:
            self._add(name, constants)

    def read_all(self, expression: ir.Expression, gress: str) -> None:
        """Take it that all of what an expression reads matters."""
        for part in parts(expression):
            name = name_of(part, gress)
            if name is not None:
                self._add(name, None)

    def _add(self, name: Name, constants: Compared) -> None:
        known = name in self._compared
        self._compared[name] = _joined(self._compared[name], constants) if known else constants


def _joined(one: Compared, other: Compared) -> Compared:
    return None if one is None or other is None else one | other

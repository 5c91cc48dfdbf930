"""A control as what goes into stages: tables, conditions (gateways) and code between tables.

p4c makes a table without a key of statements in a row, and a new one where a statement needs what
an earlier one wrote or where a second extern is used; so does this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.lint.access import Bits, bits_of, extern_of, flat, merge, overlap, reads, writes
from p4xdp.walk import expressions, statements_of

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Unit:
    """Something that a stage runs.

    `matched` decides what it does (key, condition); `read` and `written` are what its actions use.
    `path` says on which side of which branch it is: (branch, arm) from the outside in. `after` are
    the units that must not come in a later stage, because they decide whether this one runs;
    `missed` are tables among them that have then written `written_by_default` and no more.
    """

    name: str
    gress: str
    at: ir.Position
    path: tuple[tuple[int, str], ...]
    table: ir.Table | None = None
    is_gateway: bool = False
    matched: Bits = field(default_factory=dict)
    read: Bits = field(default_factory=dict)
    written: Bits = field(default_factory=dict)
    written_by_default: Bits = field(default_factory=dict)
    externs: tuple[str, ...] = ()
    after: tuple[Unit, ...] = ()
    missed: tuple[Unit, ...] = ()
    body: tuple[ir.Statement, ...] = ()


def are_exclusive(one: Unit, other: Unit) -> bool:
    """Return whether no packet meets both: they are on different sides of one branch."""
    arms = dict(one.path)
    return any(arms.get(branch, arm) != arm for branch, arm in other.path)


def units_of(gress: ir.Gress) -> list[Unit]:
    """Return the units of a control in the order of the source."""
    collector = _Collector(gress, live_names(gress))
    collector.block(gress.control, (), ())
    return collector.units


def live_names(gress: ir.Gress) -> set[str]:
    """Return storage whose value somebody asks for; what nobody does, compilers drop."""
    names = {variable.name for variable in gress.roles.values()}
    for statement in statements_of(gress):
        target = getattr(statement, "target", None)
        for expression in expressions(statement):
            if expression is not target:
                names |= set(bits_of(expression))
    for state in gress.parser.states.values():
        for key in state.keys:
            names |= set(bits_of(key))
    for table in gress.tables.values():
        for table_key in table.keys:
            names |= set(bits_of(table_key.expression))
    for header in gress.headers:
        names |= {f"{header.name}.{one.name}" for one in header.type.fields}
        names.add(f"{header.name}.$valid")
    return names


class _Collector:
    def __init__(self, gress: ir.Gress, live: set[str]) -> None:
        self._gress = gress
        self._live = live
        self._branches = 0
        self._missed: list[Unit] = []
        self.units: list[Unit] = []

    def block(
        self,
        statements: Sequence[ir.Statement],
        path: tuple[tuple[int, str], ...],
        after: tuple[Unit, ...],
    ) -> None:
        straight: list[ir.Statement] = []
        hit: tuple[ir.Variable, Unit] | None = None
        for statement in statements:
            if isinstance(statement, ir.If | ir.Apply | ir.Exit):
                self._code(straight, path, after)
                straight = []
            match statement:
                case ir.If():
                    self._if(statement, path, after, hit)
                case ir.Apply():
                    unit = self._apply(statement, path, after)
                    hit = (statement.hit, unit) if statement.hit is not None else None
                case ir.Exit():
                    return
                case _:
                    straight.append(statement)
        self._code(straight, path, after)

    def _if(
        self,
        statement: ir.If,
        path: tuple[tuple[int, str], ...],
        after: tuple[Unit, ...],
        hit: tuple[ir.Variable, Unit] | None,
    ) -> None:
        matched = bits_of(statement.condition)
        if hit is not None and set(matched) == {hit[0].name}:
            decides = hit[1]  # the table itself names the table to run next
        else:
            name = f"condition at {_place(statement.at)}"
            decides = self._add(
                Unit(name, self._gress.name, statement.at, path, is_gateway=True, after=after)
            )
            decides.matched = matched
        branch = self._branch()
        for arm, body in (("then", statement.then), ("else", statement.otherwise)):
            is_miss = not decides.is_gateway and arm == _arm_of_miss(statement.condition)
            self._missed += [decides] * is_miss
            self.block(body, (*path, (branch, arm)), (*after, decides))
            del self._missed[len(self._missed) - is_miss :]

    def _apply(
        self, statement: ir.Apply, path: tuple[tuple[int, str], ...], after: tuple[Unit, ...]
    ) -> Unit:
        table = self._gress.tables[statement.table]
        unit = Unit(table.name, self._gress.name, statement.at, path, table, after=after)
        for key in table.keys:
            merge(unit.matched, bits_of(key.expression))
        externs: list[str] = []
        for reference in table.actions:
            body = flat(self._gress.actions[reference.action].body)
            merge(unit.read, reads(body))
            merge(unit.written, self._live_only(writes(body)))
            externs += [name for one in body if (name := extern_of(one)) is not None]
        unit.externs = tuple(dict.fromkeys(externs))
        default = flat(self._gress.actions[table.default_action].body)
        unit.written_by_default = self._live_only(writes(default))
        self._add(unit)
        branch = self._branch()
        for action, body_of_case in statement.cases:
            self.block(body_of_case, (*path, (branch, action)), (*after, unit))
        self.block(statement.default_case, (*path, (branch, "default")), (*after, unit))
        return unit

    def _code(
        self,
        statements: Sequence[ir.Statement],
        path: tuple[tuple[int, str], ...],
        after: tuple[Unit, ...],
    ) -> None:
        run: list[ir.Statement] = []
        for statement in statements:
            body = flat([statement])
            if not self._joins(run, body):
                self._add_code(run, path, after)
                run = []
            run += body
        self._add_code(run, path, after)

    def _joins(self, run: Sequence[ir.Statement], body: Sequence[ir.Statement]) -> bool:
        """Return whether one action can do both: no result of the first is needed by the second."""
        if any(map(extern_of, run)) and any(map(extern_of, body)):
            return False
        # A hash may be the index of an extern in the same action.
        plain = [one for one in run if not isinstance(one, ir.ComputeHash)]
        return overlap(writes(plain), reads(body)) is None

    def _add_code(
        self,
        run: Sequence[ir.Statement],
        path: tuple[tuple[int, str], ...],
        after: tuple[Unit, ...],
    ) -> None:
        written = self._live_only(writes(run))
        externs = tuple(name for one in run if (name := extern_of(one)) is not None)
        if not written and not externs:
            return
        at = run[0].at
        unit = Unit(f"code at {_place(at)}", self._gress.name, at, path, after=after)
        unit.read, unit.written = reads(run), written
        unit.externs, unit.body = externs, tuple(run)
        self._add(unit)

    def _live_only(self, bits: Bits) -> Bits:
        return {name: mask for name, mask in bits.items() if name in self._live}

    def _add(self, unit: Unit) -> Unit:
        unit.missed = tuple(self._missed)
        self.units.append(unit)
        return unit

    def _branch(self) -> int:
        self._branches += 1
        return self._branches


def _arm_of_miss(condition: ir.Expression) -> str | None:
    """Return the arm taken when the table missed, for a condition that is its `hit` or not that."""
    match condition:
        case ir.Read():
            return "else"
        case ir.Unary(operand=ir.Read()):
            return "then"
        case _:
            return None


def _place(at: ir.Position) -> str:
    return f"{at.file.rpartition('/')[2]}:{at.line}"

"""Constant tables on likely ways: choices among what their entries do, and seeing to it, before a
packet commits itself, that those further on will do something likely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import nested, parts
from p4xdp.xdp.aftermath import COMMITTING, changed_by
from p4xdp.xdp.facts import name_of
from p4xdp.xdp.layout import is_constant
from p4xdp.xdp.points import Cell, Choice, Item, Place, Run, Unlikely, likely_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from p4xdp.dataplane import Match

    # Gives what is to be done for an action, its arguments and 1 for a hit.
    _Chosen = Callable[[str, tuple[int, ...], int], tuple[Item, ...]]


class Choices:
    """What tables of these gresses are on likely ways. The same is given for the same each time."""

    def __init__(self, gresses: Mapping[str, ir.Gress]) -> None:
        self._gresses = gresses
        self._ahead: dict[int, tuple[Cell, tuple[Item, ...]]] = {}
        self._lowered: dict[int, tuple[Item, ...]] = {}

    def compared(self, item: ir.Apply, table: ir.Table) -> tuple[Item, ...]:
        """Return a constant table as choices."""
        if id(item) not in self._lowered:
            self._lowered[id(item)] = self._compared(item, table)
        return self._lowered[id(item)]

    def _compared(self, item: ir.Apply, table: ir.Table) -> tuple[Item, ...]:
        gress = next(g for g in self._gresses.values() if table.name in g.tables)
        likely = likely_actions(table)

        def chosen(action: str, arguments: tuple[int, ...], hit: int) -> tuple[Item, ...]:
            items: list[Item] = [Run(gress.actions[action].body, arguments, action in likely)]
            if item.hit is not None:
                items.insert(0, ir.Assign(ir.Read(item.hit), ir.Const(hit, 1)))
            return (*items, *dict(item.cases).get(action, item.default_case))

        return _choices(table, chosen)

    def commits(self, item: Item, gress: str) -> bool:
        """Return whether a packet that does `item` cannot be begun with once more."""
        done = item.body if isinstance(item, Run) else (item,)
        return any(isinstance(one, COMMITTING) for one in self._all(done, gress))

    def _all(self, items: Iterable[Item], gress: str) -> Iterator[ir.Statement]:
        """Yield statements, and what they contain, and the actions of tables they apply."""
        for one in items:
            if isinstance(one, Run):
                yield from nested(one.body)
            elif isinstance(one, Choice):
                yield from self._all((*one.then, *one.otherwise), gress)
            elif not isinstance(one, Unlikely):
                for statement in nested((one,)):
                    yield statement
                    if isinstance(statement, ir.Apply):
                        table = self._gresses[gress].tables[statement.table]
                        for ref in table.actions:
                            yield from nested(self._gresses[gress].actions[ref.action].body)

    def ahead_of(self, cell: Cell) -> tuple[Item, ...]:
        """Return what sees to it that constant tables further on will do something likely, if that
        can be told here.
        """
        if id(cell) in self._ahead:
            return self._ahead[id(cell)][1]
        checks: list[Item] = []
        changed: set[tuple[str, str]] = set()
        gress = self._gresses[cell.gress]
        place: Place = cell
        while isinstance(place, Cell):
            for item in place.items[place.at :]:
                table = gress.tables[item.table] if isinstance(item, ir.Apply) else None
                if table is not None and is_constant(table) and not _read_by(table, changed):
                    likely = likely_actions(table)
                    if len(likely) < len(table.actions):
                        checks += _choices(table, _ending_outside(likely))
                for statement in self._all((item,), cell.gress):
                    names = [name_of(one, cell.gress) for one in changed_by(statement)]
                    changed |= {name[1:] for name in names if name is not None}
                    if isinstance(statement, ir.SetValid):
                        changed.add((statement.header.name, ""))
            place = place.following
        self._ahead[id(cell)] = cell, tuple(checks)
        return tuple(checks)


def _choices(table: ir.Table, chosen: _Chosen) -> tuple[Item, ...]:
    """Return a constant table as choices among what `chosen` gives."""
    found = chosen(table.default_action, table.default_arguments, 0)
    for entry in sorted(table.entries or (), key=lambda entry: entry.priority):
        pairs = zip(table.keys, entry.matches, strict=True)
        fits = _all(term for key, match in pairs for term in _matches(key, match))
        found = (Choice(fits, chosen(entry.action, entry.arguments, 1), found),)
    return found


def _ending_outside(likely: frozenset[str]) -> _Chosen:
    def chosen(action: str, _arguments: tuple[int, ...], _hit: int) -> tuple[Item, ...]:
        return () if action in likely else (Unlikely(),)

    return chosen


def _read_by(table: ir.Table, changed: set[tuple[str, str]]) -> bool:
    """Return whether a key depends on what has changed: variables ("", name), fields of headers, or
    (header, "") if their validity has.
    """
    for part in (part for key in table.keys for part in parts(key.expression)):
        match part:
            case ir.Read():
                depends = {("", part.variable.name)}
            case ir.HeaderField():
                depends = {(part.header.name, part.field.name), (part.header.name, "")}
            case ir.IsValid():
                depends = {(part.header.name, "")}
            case _:
                depends = set()
        if depends & changed:
            return True
    return False


def _all(terms: Iterable[ir.Expression]) -> ir.Expression:
    found: ir.Expression | None = None
    for term in terms:
        found = term if found is None else ir.Binary(ir.BinaryOp.LOGICAL_AND, found, term, 1)
    return ir.Const(1, 1) if found is None else found


def _matches(key: ir.Key, match: Match) -> Iterator[ir.Expression]:
    """Yield what has to hold for a key to fit an entry."""
    width, ones = key.width, (1 << key.width) - 1
    if key.match_kind is ir.MatchKind.RANGE:
        assert match.high is not None, "a range"
        low, high = ir.Const(match.value, width), ir.Const(match.high, width)
        yield ir.Binary(ir.BinaryOp.GREATER_EQUAL, key.expression, low, 1)
        yield ir.Binary(ir.BinaryOp.LESS_EQUAL, key.expression, high, 1)
    elif match.mask == ones:
        value = ir.Const(match.value, width)
        yield ir.Binary(ir.BinaryOp.EQUAL, key.expression, value, 1)
    elif match.mask:
        mask, value = ir.Const(match.mask, width), ir.Const(match.value & match.mask, width)
        masked = ir.Binary(ir.BinaryOp.AND, key.expression, mask, width)
        yield ir.Binary(ir.BinaryOp.EQUAL, masked, value, 1)

"""A control as a graph: tables, conditions and the statements between them, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir, wording
from p4xdp.graph.model import Graph, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from p4xdp.graph.model import Node

_EXTERNS = (
    ir.Count,
    ir.ExecuteMeter,
    ir.ExecuteRegister,
    ir.ComputeHash,
    ir.UpdateChecksum,
    ir.MirrorPacket,
    ir.PackDigest,
)

# Ends that still lead nowhere: the node, and when its edge is taken.
_Loose: TypeAlias = list[tuple[str, str]]


def control_graph(gress: ir.Gress) -> Graph:
    """Return the control of a gress, its deparser as the last node."""
    graph = Graph(f"{gress.name}_control", f"{gress.name} control")
    return _Drawer(graph, gress).draw()


class _Drawer:
    """Appends nodes in the order of the source and ties loose ends to the next one."""

    def __init__(self, graph: Graph, gress: ir.Gress) -> None:
        self._graph = graph
        self._gress = gress
        self._exits: _Loose = []

    def draw(self) -> Graph:
        start = self._graph.add(Kind.START, "start")
        loose = self._block(self._gress.control, [(start.id, "")])
        emits = tuple(_lines(self._gress.deparser))
        end = self._graph.add(Kind.END, "deparser", emits)
        self._tie(loose + self._exits, end)
        return self._graph

    def _block(self, statements: Sequence[ir.Statement], loose: _Loose) -> _Loose:
        straight: list[ir.Statement] = []
        hit: ir.Variable | None = None  # where the table just applied left hit or miss
        for statement in statements:
            asked, hit = hit, statement.hit if isinstance(statement, ir.Apply) else None
            if asked is not None and isinstance(statement, ir.If):
                branches = _hit_and_miss(statement, asked)
                if branches is not None:
                    loose = self._hit_or_miss(loose, *branches)
                    continue
            if isinstance(statement, ir.If | ir.Apply | ir.Exit):
                loose = self._code(straight, loose)
                straight = []
            match statement:
                case ir.If():
                    loose = self._if(statement, loose)
                case ir.Apply():
                    loose = self._apply(statement, loose)
                case ir.Exit():
                    self._exits += loose
                    return []
                case _:
                    straight.append(statement)
        return self._code(straight, loose)

    def _code(self, statements: Sequence[ir.Statement], loose: _Loose) -> _Loose:
        if not statements or not loose:
            return loose
        is_extern = any(isinstance(statement, _EXTERNS) for statement in _leaves(statements))
        title, *lines = [wording.statement(statement) for statement in statements]
        tip = "\n".join(str(statement.at) for statement in statements[:1])
        node = self._graph.add(Kind.EXTERN if is_extern else Kind.CODE, title, tuple(lines), tip)
        self._tie(loose, node)
        return [(node.id, "")]

    def _if(self, statement: ir.If, loose: _Loose) -> _Loose:
        if not loose:
            return []
        text = wording.expression(statement.condition)
        node = self._graph.add(Kind.CONDITION, text, (), str(statement.at))
        self._tie(loose, node)
        then = self._block(statement.then, [(node.id, "true")])
        return then + self._block(statement.otherwise, [(node.id, "false")])

    def _apply(self, statement: ir.Apply, loose: _Loose) -> _Loose:
        if not loose:
            return []
        table = self._gress.tables[statement.table]
        keys = tuple(
            f"{wording.expression(key.expression)} : {key.match_kind.value}" for key in table.keys
        )
        tip = f"{table.name}, {table.size} entries, {table.at}"
        node = self._graph.add(Kind.TABLE, wording.short(table.name), keys, tip)
        self._tie(loose, node)
        if not statement.cases and not statement.default_case:
            return [(node.id, "")]
        ends: _Loose = []
        for action, body in statement.cases:
            ends += self._block(body, [(node.id, wording.short(action))])
        return ends + self._block(statement.default_case, [(node.id, "default")])

    def _hit_or_miss(
        self, loose: _Loose, hit: Sequence[ir.Statement], miss: Sequence[ir.Statement]
    ) -> _Loose:
        """Continue from the table itself: `loose` is its one end."""
        ends: _Loose = []
        for source, _ in loose:
            ends += self._block(hit, [(source, "hit")])
            ends += self._block(miss, [(source, "miss")])
        return ends

    def _tie(self, loose: _Loose, node: Node) -> None:
        for source, label in loose:
            self._graph.connect(source, node.id, label)


def _hit_and_miss(
    statement: ir.If, hit: ir.Variable
) -> tuple[tuple[ir.Statement, ...], tuple[ir.Statement, ...]] | None:
    """Return what runs after a hit and after a miss, if that is all that the `if` asks."""
    match statement.condition:
        case ir.Read(variable=variable) if variable == hit:
            return statement.then, statement.otherwise
        case ir.Unary(op=ir.UnaryOp.NOT, operand=ir.Read(variable=variable)) if variable == hit:
            return statement.otherwise, statement.then
        case _:
            return None


def _leaves(statements: Iterable[ir.Statement]) -> Iterable[ir.Statement]:
    for statement in statements:
        if isinstance(statement, ir.CallAction):
            yield from _leaves(statement.body)
        else:
            yield statement


def _lines(statements: Iterable[ir.Statement]) -> Iterable[str]:
    for statement in statements:
        if isinstance(statement, ir.If):
            yield from (f"if {line}" for line in _lines(statement.then))
            yield from (f"else {line}" for line in _lines(statement.otherwise))
        else:
            yield wording.statement(statement)

"""Which numbers of a program stand for the same thing, and which are special to it.

Two things are of one kind if the program assigns or compares one with the other: an action's
parameter, the variable it is kept in, the field that variable is held against. Values of a kind are
drawn from few, so that what an entry says is what a packet has. Fields of a header type are of one
kind in all headers of that type, in both gresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.walk import nested, operands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Node: TypeAlias = tuple[str, str, str]

_EQUALITIES = (ir.BinaryOp.EQUAL, ir.BinaryOp.NOT_EQUAL)
_ORDERS = (
    ir.BinaryOp.LESS,
    ir.BinaryOp.LESS_EQUAL,
    ir.BinaryOp.GREATER,
    ir.BinaryOp.GREATER_EQUAL,
)


@dataclass(slots=True)
class Kind:
    """`constants` are what the program itself names. `size` is that of the array it is an index of.

    `slices` are other kinds of which this one is a part: (a node of it, the lowest bit).
    """

    width: int
    constants: set[int] = field(default_factory=set)
    size: int | None = None
    slices: list[tuple[Node, int]] = field(default_factory=list)
    is_shared: bool = False


def field_node(header: ir.Header, of: ir.Field) -> Node:
    """Return what stands for a field of a header."""
    return ("field", header.type.name, of.name)


def param_node(action: str, index: int) -> Node:
    """Return what stands for a parameter of an action."""
    return ("param", action, str(index))


def key_node(table: str, index: int) -> Node:
    """Return what stands for a field of a table's key."""
    return ("key", table, str(index))


class Vocabulary:
    """The kinds of `program`. `ports` are the numbers of ports that there are."""

    def __init__(self, program: ir.Program, ports: Iterable[int]) -> None:
        self._parents: dict[Node, Node] = {}
        self._kinds: dict[Node, Kind] = {}
        for gress in (program.ingress, program.egress):
            self._read(gress)
        self._name_ports(program.ingress, set(ports))

    def kind(self, node: Node, width: int) -> tuple[Node, Kind]:
        """Return the kind of a node, and the one node that stands for all of that kind."""
        root = self._root(node, width)
        return root, self._kinds[root]

    def _root(self, node: Node, width: int) -> Node:
        if node not in self._parents:
            self._parents[node] = node
            self._kinds[node] = Kind(width)
        while self._parents[node] != node:
            self._parents[node] = self._parents[self._parents[node]]
            node = self._parents[node]
        return node

    def _unite(self, left: Node, right: Node, width: int) -> None:
        one, other = self._root(left, width), self._root(right, width)
        if one == other:
            return
        kept, gone = self._kinds[one], self._kinds.pop(other)
        self._parents[other] = one
        kept.constants |= gone.constants
        kept.slices += gone.slices
        kept.size = kept.size if gone.size is None else gone.size
        kept.is_shared = True

    def _name_ports(self, gress: ir.Gress, ports: set[int]) -> None:
        role = gress.roles.get("ucast_egress_port")
        if role is not None:
            node = ("variable", gress.name, role.name)
            self.kind(node, role.width)[1].constants |= ports

    def _read(self, gress: ir.Gress) -> None:
        reader = _Reader(self, gress)
        for state in gress.parser.states.values():
            reader.read(state.statements, None)
            reader.read_transition(state)
        reader.read(gress.control, None)
        for action in gress.actions.values():
            reader.read(action.body, action.name)
        reader.read(gress.deparser, None)
        for table in gress.tables.values():
            for index, key in enumerate(table.keys):
                node = key_node(table.name, index)
                self.kind(node, key.width)[1].is_shared = True
                reader.relate(node, key.width, key.expression, None)
                values = [entry.matches[index].value for entry in table.entries or ()]
                self.add_constants(node, key.width, values)
        for action in gress.actions.values():
            for index, (_, width) in enumerate(action.params):
                self.kind(param_node(action.name, index), width)

    def relate(self, left: Node, right: Node, width: int) -> None:
        """Say that two nodes are of one kind."""
        self._unite(left, right, width)

    def add_constants(self, node: Node, width: int, values: Iterable[int]) -> None:
        """Say that the program names these values of a kind."""
        self.kind(node, width)[1].constants.update(v & ((1 << width) - 1) for v in values)

    def add_slice(self, node: Node, width: int, whole: Node, low: int) -> None:
        """Say that a kind is what bits of another are, from `low` on."""
        kind = self.kind(node, width)[1]
        kind.slices.append((whole, low))
        kind.is_shared = True


class _Reader:
    """Takes from the statements of a gress what they say of kinds."""

    def __init__(self, vocabulary: Vocabulary, gress: ir.Gress) -> None:
        self._vocabulary = vocabulary
        self._gress = gress
        self._sizes = {
            name: extern.size
            for externs in (gress.counters, gress.meters, gress.registers)
            for name, extern in externs.items()
        }

    def read(self, statements: Iterable[ir.Statement], action: str | None) -> None:
        """Read statements; `action` is the one whose parameters they name."""
        for statement in nested(statements):
            for expression in _expressions(statement):
                self._read_comparisons(expression, action)
            if isinstance(statement, ir.Assign):
                self._read_assignment(statement, action)
            self._read_index(statement, action)

    def _read_assignment(self, statement: ir.Assign, action: str | None) -> None:
        node = self._node(statement.target, action)
        if node is not None:
            self.relate(node, statement.target.width, statement.value, action)

    def _read_index(self, statement: ir.Statement, action: str | None) -> None:
        match statement:
            case ir.Count(index=index) if index is not None:
                size = self._sizes[statement.counter]
            case ir.ExecuteMeter(index=index) if index is not None:
                size = self._sizes[statement.meter]
            case ir.ExecuteRegister(index=index):
                size = self._sizes[statement.register]
            case _:
                return
        whole, low = _whole(index)
        node = self._node(whole, action)
        if node is None:
            return
        size = None if size is None else size << low
        kind = self._vocabulary.kind(node, whole.width)[1]
        kind.size = size if kind.size is None else kind.size
        kind.is_shared = True

    def read_transition(self, state: ir.ParserState) -> None:
        """Take the values that a parser state goes by."""
        for select in state.selects:
            for key, (value, mask) in zip(state.keys, select.matches, strict=True):
                if mask:
                    self.relate_constant(key, value & mask, None)

    def relate(self, node: Node, width: int, value: ir.Expression, action: str | None) -> None:
        """Say what `value`, stored in or held against `node`, tells of it."""
        other = self._node(value, action)
        if other is not None and value.width == width:
            self._vocabulary.relate(node, other, width)
            return
        match value:
            case ir.Const():
                self._vocabulary.add_constants(node, width, [value.value])
            case ir.Conditional():
                self.relate(node, width, value.if_true, action)
                self.relate(node, width, value.if_false, action)
            case ir.Cast() | ir.Slice():
                whole = self._node(value.operand, action)
                low = value.low if isinstance(value, ir.Slice) else 0
                if whole is not None:
                    self._vocabulary.kind(whole, value.operand.width)
                    self._vocabulary.add_slice(node, width, whole, low)
            case _:
                pass

    def relate_constant(self, left: ir.Expression, value: int, action: str | None) -> None:
        """Say that the program holds `left` against `value`."""
        left, low = _whole(left)
        if isinstance(left, ir.Binary) and left.op is ir.BinaryOp.AND:
            left = left.left
        node = self._node(left, action)
        if node is not None:
            low_ones = (1 << low) - 1
            values = [value << low, value << low | low_ones]
            self._vocabulary.add_constants(node, left.width, values)

    def _read_comparisons(self, expression: ir.Expression, action: str | None) -> None:
        for part in _parts(expression):
            if not isinstance(part, ir.Binary) or part.op not in (*_EQUALITIES, *_ORDERS):
                continue
            around = (0,) if part.op in _EQUALITIES else (-1, 0, 1)
            for one, other in ((part.left, part.right), (part.right, part.left)):
                if isinstance(other, ir.Const):
                    for by in around:
                        self.relate_constant(one, other.value + by, action)
                    continue
                if isinstance(one, ir.Slice) and isinstance(other, ir.Slice):
                    # The same part of two things: what holds of it holds of the whole.
                    one, other = one.operand, other.operand  # noqa: PLW2901
                node = self._node(one, action)
                if node is not None:
                    self.relate(node, one.width, other, action)

    def _node(self, expression: ir.Expression, action: str | None) -> Node | None:
        match expression:
            case ir.Read():
                return ("variable", self._gress.name, expression.variable.name)
            case ir.HeaderField():
                return field_node(expression.header, expression.field)
            case ir.Param() if action is not None:
                return param_node(action, expression.index)
            case _:
                return None


def compared(
    expression: ir.Expression,
) -> Iterator[tuple[ir.Expression, ir.Expression]]:
    """Yield what is held against each other in an expression, if only in part."""
    for part in _parts(expression):
        if isinstance(part, ir.Binary) and part.op in (*_EQUALITIES, *_ORDERS):
            left, right = part.left, part.right
            if isinstance(left, ir.Slice) and isinstance(right, ir.Slice):
                left, right = left.operand, right.operand
            yield left, right


def _whole(expression: ir.Expression) -> tuple[ir.Expression, int]:
    """Return what `expression` is a part of, and the lowest bit of the part."""
    low = 0
    while isinstance(expression, ir.Slice | ir.Cast):
        low += expression.low if isinstance(expression, ir.Slice) else 0
        expression = expression.operand
    return expression, low


def _parts(expression: ir.Expression) -> Iterator[ir.Expression]:
    yield expression
    for operand in operands(expression):
        yield from _parts(operand)


def _expressions(statement: ir.Statement) -> Iterator[ir.Expression]:
    """Yield the expressions that decide or compute in a statement."""
    match statement:
        case ir.Assign():
            yield statement.value
        case ir.If():
            yield statement.condition
        case _:
            pass

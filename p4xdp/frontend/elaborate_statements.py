"""Statements of the source to statements of the elaborated program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend import syntax
from p4xdp.frontend.effects import cells, overlap
from p4xdp.frontend.elaborate_expressions import ExpressionElaborator
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.storage import StructBinding, TableBinding
from p4xdp.frontend.types import BOOL, Aggregate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.frontend.storage import Binding
    from p4xdp.ir import Position


class StatementElaborator(ExpressionElaborator):
    """Elaborates statements.

    `_returned` is the one-bit variable that a `return` sets, while a body that has one where others
    may follow it is elaborated.
    """

    _returned: ir.Read | None = None

    def body(self, node: syntax.Block) -> tuple[ir.Statement, ...]:
        """Elaborate the body of an action or of an apply, `return` included."""
        outer, self._returned = self._returned, None
        start: list[ir.Statement] = []
        if _returns_early(node.statements):
            self._returned = self._temporary("returned", BOOL)
            start.append(ir.Assign(self._returned, ir.Const(0, 1), node.at))
        result = (*start, *self._sequence(node.statements))
        self._returned = outer
        return result

    def _sequence(self, nodes: Sequence[syntax.StatementNode]) -> list[ir.Statement]:
        """Elaborate statements; those after one that may return run only if it did not."""
        result: list[ir.Statement] = []
        for index, node in enumerate(nodes):
            if isinstance(node, syntax.ReturnStatement):
                if self._returned is not None:
                    result.append(ir.Assign(self._returned, ir.Const(1, 1), node.at))
                return result
            result.extend(self._statement(node))
            if isinstance(node, syntax.ExitStatement):
                return result
            rest = nodes[index + 1 :]
            if rest and _contains_return(node):
                assert self._returned is not None
                going = ir.Unary(ir.UnaryOp.NOT, self._returned, 1, node.at)
                following = tuple(self._sequence(rest))
                if following:
                    result.append(ir.If(going, following, (), rest[0].at))
                return result
        return result

    def _statement(self, node: syntax.StatementNode) -> list[ir.Statement]:
        """Elaborate one statement, with what has to run before it."""
        outer, self._before = self._before, []
        made = self._one(node)
        result = [*self._before, *made]
        self._before = outer
        return result

    def _one(self, node: syntax.StatementNode) -> list[ir.Statement]:  # noqa: PLR0911
        match node:
            case syntax.Block():
                return self._sequence(node.statements)
            case syntax.Assignment():
                return self._assign(self._binding(node.target), node.value, node.at)
            case syntax.CallStatement():
                return self._call(node.call)
            case syntax.IfStatement():
                return self._if(node)
            case syntax.SwitchStatement():
                return self._switch(node)
            case syntax.ExitStatement():
                return [ir.Exit(node.at)]
            case syntax.VariableDeclaration():
                return self._declare(node)
            case syntax.ConstantDeclaration():
                return []
            case syntax.ReturnStatement():
                return self._sequence([node])

    def _call(self, node: syntax.Call) -> list[ir.Statement]:
        raise NotImplementedError

    def _branch(self, node: syntax.StatementNode | None) -> tuple[ir.Statement, ...]:
        return tuple(self._sequence([node])) if node is not None else ()

    def _if(self, node: syntax.IfStatement) -> list[ir.Statement]:
        condition = self._expression(node.condition)
        if isinstance(condition, ir.Const):
            return list(self._branch(node.then if condition.value else node.otherwise))
        then, otherwise = self._branch(node.then), self._branch(node.otherwise)
        return [ir.If(condition, then, otherwise, node.at)]

    def _switch(self, node: syntax.SwitchStatement) -> list[ir.Statement]:
        subject = node.subject
        if not (isinstance(subject, syntax.Member) and isinstance(subject.base, syntax.Call)):
            raise SourceError(
                subject.at, "switch wants table.apply().action_run", "apply the table in the switch"
            )
        table = self._table_of(subject.base)
        named = {
            reference.name.name: self._action_name(table, reference)
            for reference in table.declaration.actions or []
        }
        named.setdefault("NoAction", "NoAction")
        cases: list[tuple[str, tuple[ir.Statement, ...]]] = []
        default: tuple[ir.Statement, ...] = ()
        waiting: list[str] = []
        for case in node.cases:
            if case.label is not None:
                waiting.append(named[case.label.name])
            if case.body is None:
                continue
            body = tuple(self._sequence([case.body]))
            if case.label is None:
                default = body
            cases.extend((label, body) for label in waiting)
            waiting = []
        cases.extend((label, ()) for label in waiting)
        name = self._use_table(table)
        return [ir.Apply(name, None, tuple(cases), default, node.at)]

    def _table_of(self, node: syntax.Call) -> TableBinding:
        assert isinstance(node.callee, syntax.Member)
        table = self._binding(node.callee.base)
        assert isinstance(table, TableBinding)
        return table

    def _action_name(self, table: TableBinding, reference: syntax.ActionRefNode) -> str:
        raise NotImplementedError

    def _use_table(self, table: TableBinding) -> str:
        raise NotImplementedError

    def _declare(self, node: syntax.VariableDeclaration) -> list[ir.Statement]:
        assert node.resolved is not None
        binding = self._storage.allocate(self._local_name(node.name), node.resolved)
        self._environment[node] = binding
        if node.initial is None:
            return []
        return self._assign(binding, node.initial, node.at)

    # --- assignment ---

    def _assign(
        self, target: Binding, value: syntax.Expression, at: Position
    ) -> list[ir.Statement]:
        if isinstance(value, syntax.ListOf):
            return self._assign_list(target, value, at)
        if isinstance(value.type, Aggregate):
            if isinstance(value, syntax.Call):
                raise SourceError(value.at, "assigning a whole lookahead", "assign its fields")
            return copy(target, self._binding(value), at)
        if isinstance(value, syntax.Call):
            direct = self._assign_call(target, value)
            if direct is not None:
                return direct
        return [ir.Assign(as_lvalue(target), self._expression(value), at)]

    def _assign_call(self, target: Binding, value: syntax.Call) -> list[ir.Statement] | None:
        raise NotImplementedError

    def _assign_list(
        self, target: Binding, value: syntax.ListOf, at: Position
    ) -> list[ir.Statement]:
        """`target = {a, b}`: into temporaries first if the values come from the target."""
        kind = value.type
        assert isinstance(kind, Aggregate)
        source: Binding = self._list_binding(value, kind)
        statements: list[ir.Statement] = []
        if overlap(cells(target), cells(source)):
            held = self._storage.allocate(self._local_name(kind.name), kind)
            statements += copy(held, source, at)
            source = held
        if isinstance(target, ir.Header):
            statements.append(ir.SetValid(target, valid=True, at=at))
        return [*statements, *_copy_fields(target, source, at)]

    def _list_binding(self, value: syntax.ListOf, kind: Aggregate) -> StructBinding:
        fields: dict[str, Binding] = {}
        for item, part in zip(value.items, kind.fields, strict=True):
            if isinstance(item, syntax.ListOf):
                inner = part.type
                assert isinstance(inner, Aggregate)
                fields[part.name] = self._list_binding(item, inner)
            else:
                fields[part.name] = self._binding(item)
        return StructBinding(fields)


def as_lvalue(binding: Binding) -> ir.LValue:
    """Return storage that can be assigned; the checker has made sure that it is."""
    assert isinstance(binding, (ir.Read, ir.HeaderField, ir.Slice)), binding
    return binding


def copy(target: Binding, source: Binding, at: Position) -> list[ir.Statement]:
    """Assign a value of any type. A header takes the other's validity too."""
    if target == source:
        return []
    if isinstance(target, ir.Header) and isinstance(source, ir.Header):
        return [
            ir.If(
                ir.IsValid(source, at),
                (ir.SetValid(target, valid=True, at=at), *_copy_fields(target, source, at)),
                (ir.SetValid(target, valid=False, at=at),),
                at,
            )
        ]
    if isinstance(target, ir.Header) and isinstance(source, StructBinding):
        return [ir.SetValid(target, valid=True, at=at), *_copy_fields(target, source, at)]
    return _copy_fields(target, source, at)


def _copy_fields(target: Binding, source: Binding, at: Position) -> list[ir.Statement]:
    if isinstance(target, ir.Header):
        parts = {field.name: ir.HeaderField(target, field, at) for field in target.type.fields}
        return [
            statement
            for name, part in parts.items()
            for statement in copy(part, _field_of(source, name, at), at)
        ]
    if isinstance(target, StructBinding):
        assert isinstance(source, StructBinding)
        return [
            statement
            for name, field in target.fields.items()
            for statement in copy(field, source.fields[name], at)
        ]
    return [ir.Assign(as_lvalue(target), source, at)]  # type: ignore[arg-type]


def _field_of(source: Binding, name: str, at: Position) -> Binding:
    if isinstance(source, ir.Header):
        return ir.HeaderField(source, source.type.field(name), at)
    assert isinstance(source, StructBinding)
    return source.fields[name]


def _contains_return(node: syntax.StatementNode | None) -> bool:
    match node:
        case syntax.ReturnStatement():
            return True
        case syntax.Block():
            return any(_contains_return(inner) for inner in node.statements)
        case syntax.IfStatement():
            return _contains_return(node.then) or _contains_return(node.otherwise)
        case syntax.SwitchStatement():
            return any(_contains_return(case.body) for case in node.cases)
        case _:
            return False


def _returns_early(nodes: Sequence[syntax.StatementNode]) -> bool:
    """Whether some return stands inside a statement, not at the end of the sequence itself."""
    for node in nodes:
        if isinstance(node, syntax.ReturnStatement):
            return False
        if _contains_return(node):
            return True
    return False

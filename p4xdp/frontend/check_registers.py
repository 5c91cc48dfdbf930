"""Registers and the actions on them, as far as Tofino's stateful ALU has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend import syntax
from p4xdp.frontend.check_calls import accepts
from p4xdp.frontend.check_packages import PackageChecker
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import BOOL, Aggregate, Bits, ExternOf, Type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTHS = (8, 16, 32)
_LARGEST_RESULT_BITS = 32
_LARGEST_INDEX_BITS = 32
_ALLOWED = (
    syntax.Assignment,
    syntax.Block,
    syntax.ConstantDeclaration,
    syntax.IfStatement,
    syntax.VariableDeclaration,
)


class RegisterChecker(PackageChecker):
    """Checks instances of Register and RegisterAction."""

    def _check_parameters(self, parameters: Sequence[syntax.Parameter]) -> None:
        raise NotImplementedError

    def _check_register(self, node: syntax.InstanceDeclaration, kind: ExternOf) -> None:
        cell, index = kind.arguments
        if not is_cell(cell):
            raise SourceError(
                node.type.at,
                f"a register of {cell}",
                "bit<1>, bit<8>, bit<16>, bit<32>, or a struct of one or two of the same of these",
            )
        if not isinstance(index, Bits) or index.width > _LARGEST_INDEX_BITS:
            raise SourceError(
                node.type.at, f"a register with an index of {index}", "use at most bit<32>"
            )
        constructors = kind.declaration.constructors
        fitting = [found for found in constructors if accepts(found, node.arguments)]
        chosen = fitting[0] if fitting else constructors[0]
        node.bound = self._bind(
            "Register", chosen.parameters, node.arguments, node.at, dict(kind.bindings)
        )
        for argument in node.bound.values():
            for value in _scalars(argument):
                if value.value is None:
                    raise SourceError(
                        syntax.start_of(value), "this is not known at compile time", "use a const"
                    )

    def _check_register_action(self, node: syntax.InstanceDeclaration, kind: ExternOf) -> None:
        cell, index, result = kind.arguments
        is_result = isinstance(result, Bits) and result.width <= _LARGEST_RESULT_BITS
        if not (is_result or result == BOOL) or not isinstance(index, Bits):
            raise SourceError(
                node.type.at,
                f"a RegisterAction with an index of {index} and a result of {result}",
                f"an index of bit<>, a result of at most {_LARGEST_RESULT_BITS} bits or bool",
            )
        (constructor,) = kind.declaration.constructors
        if len(node.arguments) != 1 or node.arguments[0].value is None:
            raise SourceError(node.at, "a RegisterAction wants a register", "name one")
        register = self._check(node.arguments[0].value)
        if not isinstance(register, ExternOf) or register.declaration.name != "Register":
            raise SourceError(
                node.arguments[0].at, f"{register} is not a register", "name a Register"
            )
        if register.arguments[0] != cell:
            raise SourceError(
                node.type.at,
                f"a RegisterAction on {cell} of a register of {register.arguments[0]}",
                "write the register's type",
            )
        node.bound = {constructor.parameters[0].name: node.arguments[0].value}
        self._check_apply(node, cell, result)

    def _check_apply(self, node: syntax.InstanceDeclaration, cell: Type, result: Type) -> None:
        form = f"void apply(inout {_name(cell)} value, out {_name(result)} rv) {{ ... }}"
        if len(node.methods) != 1 or node.methods[0].name != "apply":
            at = node.methods[0].at if node.methods else node.at
            raise SourceError(at, f"{node.name} wants the method apply", form)
        method = node.methods[0]
        with self._inner_scope():
            self._check_parameters(method.parameters)
            given = [(one.direction, one.resolved) for one in method.parameters]
            wanted = [("inout", cell), ("out", result)]
            if not given or given != wanted[: len(given)]:
                raise SourceError(method.at, "apply has other parameters", form)
            for statement in _statements(method.body):
                if not isinstance(statement, _ALLOWED):
                    raise SourceError(
                        statement.at,
                        "this cannot stand in a RegisterAction",
                        "the ALU assigns and branches, and nothing else",
                    )
            outer, self._place = self._place, "register"
            self._check_statement(method.body)
            self._place = outer


def is_cell(kind: Type) -> bool:
    """Whether the stateful ALU works on values of that type."""
    if isinstance(kind, Bits):
        return kind.width in _WIDTHS or kind == Bits(1)
    if not isinstance(kind, Aggregate) or kind.is_header:
        return False
    parts = {part.type for part in kind.fields}
    (only, *others) = parts or {BOOL}
    is_number = isinstance(only, Bits) and only.width in _WIDTHS
    return is_number and not others and len(kind.fields) <= 2


def _name(kind: Type) -> str:
    return kind.name if isinstance(kind, Aggregate) else str(kind)


def _scalars(node: syntax.Expression | None) -> Iterator[syntax.Expression]:
    if isinstance(node, syntax.ListOf):
        for item in node.items:
            yield from _scalars(item)
    elif node is not None:
        yield node


def _statements(node: syntax.StatementNode | None) -> Iterator[syntax.StatementNode]:
    if node is None:
        return
    yield node
    if isinstance(node, syntax.Block):
        for statement in node.statements:
            yield from _statements(statement)
    elif isinstance(node, syntax.IfStatement):
        yield from _statements(node.then)
        yield from _statements(node.otherwise)

"""Instances of Register, and what one execution of an action on them may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend import syntax
from p4xdp.frontend.constants import unsigned
from p4xdp.frontend.effects import writes
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import Aggregate, Bits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from p4xdp.frontend.types import ExternOf, Type


def elaborate_register(name: str, node: syntax.InstanceDeclaration, kind: ExternOf) -> ir.Register:
    """Return a checked Register; SourceError if it has no cells."""
    cell = kind.arguments[0]
    size = node.bound["size"]
    assert size is not None
    assert isinstance(size.value, int)
    if size.value < 1:
        raise SourceError(size.at, "the size is less than 1", "size 1 or more")
    fields = tuple(_fields(cell))
    return ir.Register(
        name,
        fields,
        size.value,
        _initial(node.bound.get("initial_value"), fields),
        cell.name if isinstance(cell, Aggregate) else None,
        node.annotations,
    )


def _fields(cell: Type) -> Iterator[ir.RegisterField]:
    if isinstance(cell, Bits):
        yield ir.RegisterField("", cell.width, cell.signed)
        return
    assert isinstance(cell, Aggregate)
    for part in cell.fields:
        assert isinstance(part.type, Bits)
        yield ir.RegisterField(part.name, part.type.width, part.type.signed)


def _initial(node: syntax.Expression | None, fields: Sequence[ir.RegisterField]) -> tuple[int, ...]:
    if node is None:
        return (0,) * len(fields)
    parts = node.items if isinstance(node, syntax.ListOf) else [node]
    values = []
    for part, field in zip(parts, fields, strict=True):
        assert part.value is not None
        values.append(unsigned(part.value, field.width))
    return tuple(values)


def require_local(
    body: Sequence[ir.Statement], made: Iterable[ir.Variable], node: syntax.MethodBody
) -> None:
    """Refuse the body of a RegisterAction that does more than compute and store in `made`."""
    own = {variable.name for variable in made}
    others = sorted(name for name, _ in writes(body) if name not in own)
    if others:
        raise SourceError(
            node.at, f"{node.name} assigns to {others[0]}", "assign the result where it is executed"
        )
    for statement in _all(body):
        if not isinstance(statement, ir.Assign | ir.If):
            raise SourceError(
                statement.at, "a call with effects in a RegisterAction", "call it before execute"
            )


def require_one_execution(body: Sequence[ir.Statement]) -> None:
    """Refuse an action that executes two register actions: the stateful ALU does one."""
    executions = [one for one in _all(body) if isinstance(one, ir.ExecuteRegister)]
    if len(executions) > 1:
        raise SourceError(
            executions[1].at, "a second execution of a register in an action", "one in each action"
        )


def _all(body: Sequence[ir.Statement]) -> Iterator[ir.Statement]:
    for statement in body:
        yield statement
        if isinstance(statement, ir.If):
            yield from _all((*statement.then, *statement.otherwise))
        elif isinstance(statement, ir.CallAction):
            yield from _all(statement.body)

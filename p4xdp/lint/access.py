"""What statements read and write, bit by bit.

Storage is named as the source names it, a header's validity `hdr.ipv4.$valid`. Bits are a mask: two
statements that use different slices of a field have nothing to do with each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.walk import expressions, nested, operands, parts, statements_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Bits: TypeAlias = dict[str, int]


def merge(into: Bits, more: Mapping[str, int]) -> None:
    """Add the bits of `more`."""
    for name, mask in more.items():
        into[name] = into.get(name, 0) | mask


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> str | None:
    """Return the name of storage that both use a bit of, if any."""
    for name, mask in one.items():
        if other.get(name, 0) & mask:
            return name
    return None


def validity(header: ir.Header) -> str:
    """Return the name of the bit that says a header is valid."""
    return f"{header.name}.$valid"


def bits_of(expression: ir.Expression) -> Bits:
    """Return what an expression reads."""
    match expression:
        case ir.Read():
            return {expression.variable.name: _mask(expression.width)}
        case ir.HeaderField():
            return {f"{expression.header.name}.{expression.field.name}": _mask(expression.width)}
        case ir.IsValid():
            return {validity(expression.header): 1}
        case ir.Slice(operand=ir.Read() | ir.HeaderField()):
            ((name, _),) = bits_of(expression.operand).items()
            return {name: _mask(expression.width) << expression.low}
        case _:
            found: Bits = {}
            for operand in operands(expression):
                merge(found, bits_of(operand))
            return found


def _mask(width: int) -> int:
    return (1 << width) - 1


def reads(statements: Iterable[ir.Statement]) -> Bits:
    """Return what statements in a row read before any of them has written it."""
    found: Bits = {}
    written: Bits = {}
    for statement in statements:
        own: Bits = {}
        for expression in _sources(statement):
            merge(own, bits_of(expression))
        merge(found, {name: mask & ~written.get(name, 0) for name, mask in own.items()})
        merge(written, writes([statement]))
    return found


def writes(statements: Iterable[ir.Statement]) -> Bits:
    """Return what statements write."""
    found: Bits = {}
    for statement in statements:
        match statement:
            case ir.SetValid():
                merge(found, {validity(statement.header): 1})
            case ir.CallAction():
                merge(found, writes(statement.body))
            case ir.If():
                merge(found, writes((*statement.then, *statement.otherwise)))
            case _:
                target = getattr(statement, "target", None)
                if target is not None:
                    merge(found, bits_of(target))
    return found


def _sources(statement: ir.Statement) -> tuple[ir.Expression, ...]:
    match statement:
        case ir.Assign():
            return (statement.value,)
        case ir.Count():
            return () if statement.index is None else (statement.index,)
        case ir.ExecuteMeter():
            found = (statement.index, statement.color)
            return tuple(expression for expression in found if expression is not None)
        case ir.ExecuteRegister():
            return (statement.index, *_operands_of_cell(statement))
        case ir.UpdateChecksum() | ir.ComputeHash():
            return statement.fields
        case _:
            return ()


def _operands_of_cell(statement: ir.ExecuteRegister) -> Iterator[ir.Expression]:
    """Yield what the body takes from the packet, not from the cell or its own variables."""
    own = {variable.name for variable in statement.cell}
    if statement.result is not None:
        own.add(statement.result.name)
    body = list(nested(statement.body))
    own |= {
        one.target.variable.name
        for one in body
        if isinstance(one, ir.Assign) and isinstance(one.target, ir.Read)
    }
    for one in body:
        for expression in expressions(one):
            for part in parts(expression):
                is_own = isinstance(part, ir.Read) and part.variable.name in own
                if isinstance(part, ir.HeaderField | ir.Read) and not is_own:
                    yield part


def extern_of(statement: ir.Statement) -> str | None:
    """Return the name of the counter, meter or register that a statement uses."""
    match statement:
        case ir.Count():
            return statement.counter
        case ir.ExecuteMeter():
            return statement.meter
        case ir.ExecuteRegister():
            return statement.register
        case _:
            return None


def flat(statements: Iterable[ir.Statement]) -> list[ir.Statement]:
    """Return the statements with called actions opened up."""
    found: list[ir.Statement] = []
    for statement in statements:
        if isinstance(statement, ir.CallAction):
            found += flat(statement.body)
        else:
            found.append(statement)
    return found


def inside_registers(gress: ir.Gress) -> set[int]:
    """Return the identities of the statements that a stateful ALU runs."""
    return {
        id(inner)
        for statement in statements_of(gress)
        if isinstance(statement, ir.ExecuteRegister)
        for inner in nested(statement.body)
    }

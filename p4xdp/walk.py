"""Going through a program: every statement of a gress, and what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def statements_of(gress: ir.Gress) -> Iterator[ir.Statement]:
    """Yield every statement of parser, control, actions of tables, and deparser."""
    for state in gress.parser.states.values():
        yield from nested(state.statements)
    yield from nested(gress.control)
    for table in gress.tables.values():
        for reference in table.actions:
            yield from nested(gress.actions[reference.action].body)
    yield from nested(gress.deparser)


def nested(statements: Iterable[ir.Statement]) -> Iterator[ir.Statement]:
    """Yield `statements` and all that they contain, in the order of the source."""
    for statement in statements:
        yield statement
        match statement:
            case ir.If():
                yield from nested(statement.then)
                yield from nested(statement.otherwise)
            case ir.Apply():
                for _, body in statement.cases:
                    yield from nested(body)
                yield from nested(statement.default_case)
            case ir.CallAction() | ir.ExecuteRegister():
                yield from nested(statement.body)
            case _:
                pass


def written(statement: ir.Statement) -> ir.Read | ir.HeaderField | None:
    """Return the variable or field that a statement stores to, whole or in part."""
    match statement:
        case (
            ir.Assign(target=target)
            | ir.UpdateChecksum(target=target)
            | ir.ComputeHash(target=target)
        ):
            return root(target)
        case ir.ExecuteMeter(target=target) | ir.ExecuteRegister(target=target) if (
            target is not None
        ):
            return root(target)
        case _:
            return None


def root(target: ir.LValue) -> ir.Read | ir.HeaderField:
    """Return the variable or field that an lvalue is, or is a slice of."""
    while isinstance(target, ir.Slice):
        operand = target.operand
        assert isinstance(operand, ir.Read | ir.HeaderField | ir.Slice), "an lvalue's slice"
        target = operand
    return target


def conditions(expression: ir.Expression) -> Iterator[ir.Expression]:
    """Yield the terms that `&&`, `||` and `!` combine to `expression`."""
    match expression:
        case ir.Binary(op=ir.BinaryOp.LOGICAL_AND | ir.BinaryOp.LOGICAL_OR):
            yield from conditions(expression.left)
            yield from conditions(expression.right)
        case ir.Unary(op=ir.UnaryOp.NOT):
            yield from conditions(expression.operand)
        case _:
            yield expression


def emitted(gress: ir.Gress) -> tuple[ir.Header, ...]:
    """Return the headers of the deparser in the order they are emitted."""
    return tuple(s.header for s in nested(gress.deparser) if isinstance(s, ir.Emit))


def operands(expression: ir.Expression) -> tuple[ir.Expression, ...]:
    """Return the direct operands."""
    match expression:
        case ir.Slice() | ir.Unary() | ir.Cast():
            return (expression.operand,)
        case ir.Binary():
            return (expression.left, expression.right)
        case ir.Conditional():
            return (expression.condition, expression.if_true, expression.if_false)
        case _:
            return ()


def looks_ahead(expression: ir.Expression) -> bool:
    """Return whether reading `expression` may find the packet too short."""
    return isinstance(expression, ir.Lookahead) or any(map(looks_ahead, operands(expression)))


def octets_ahead(expression: ir.Expression) -> int:
    """Return how many octets must be left of the packet so that `expression` can be read."""
    own = (expression.width + 7) // 8 if isinstance(expression, ir.Lookahead) else 0
    return max(own, *map(octets_ahead, operands(expression)), 0)


def mirrors(gress: ir.Gress) -> bool:
    """Return whether the deparser of `gress` may have packets copied."""
    return any(isinstance(statement, ir.MirrorPacket) for statement in nested(gress.deparser))


def is_catch_all(select: ir.Select) -> bool:
    """Return whether `select` fits whatever the keys are."""
    return all(mask == 0 for _, mask in select.matches)


def variables_mentioned(gress: ir.Gress) -> set[str]:
    """Return the names of all variables that statements and keys read or write."""
    statements = list(statements_of(gress))
    found = [expression for s in statements for expression in expressions(s)]
    found += [key for state in gress.parser.states.values() for key in state.keys]
    found += [key.expression for table in gress.tables.values() for key in table.keys]
    names = {
        part.variable.name
        for expression in found
        for part in parts(expression)
        if isinstance(part, ir.Read)
    }
    hits = {s.hit.name for s in statements if isinstance(s, ir.Apply) and s.hit is not None}
    return names | hits


def parts(expression: ir.Expression) -> Iterator[ir.Expression]:
    """Yield an expression and all that it is made of."""
    yield expression
    for operand in operands(expression):
        yield from parts(operand)


def expressions(  # noqa: PLR0911  # one case a kind
    statement: ir.Statement,
) -> tuple[ir.Expression, ...]:
    """Return the expressions of a statement itself, targets first, not of those it contains."""
    match statement:
        case ir.Assign():
            return (statement.target, statement.value)
        case ir.If():
            return (statement.condition,)
        case ir.Count():
            return () if statement.index is None else (statement.index,)
        case ir.ExecuteMeter():
            found = (statement.target, statement.index, statement.color)
            return tuple(one for one in found if one is not None)
        case ir.ExecuteRegister(target=target):
            return (statement.index,) if target is None else (target, statement.index)
        case ir.UpdateChecksum() | ir.ComputeHash():
            return (statement.target, *statement.fields)
        case ir.MirrorPacket():
            return (statement.session, *statement.fields)
        case ir.PackDigest():
            return statement.fields
        case _:
            return ()

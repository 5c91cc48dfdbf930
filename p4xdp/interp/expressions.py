"""What an expression is worth (P4-16 clause 8), on integers modulo 2**width, and storing it."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.interp.machine import Machine, mask

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPARISONS: dict[ir.BinaryOp, Callable[[int, int], bool]] = {
    ir.BinaryOp.EQUAL: operator.eq,
    ir.BinaryOp.NOT_EQUAL: operator.ne,
    ir.BinaryOp.LESS: operator.lt,
    ir.BinaryOp.LESS_EQUAL: operator.le,
    ir.BinaryOp.GREATER: operator.gt,
    ir.BinaryOp.GREATER_EQUAL: operator.ge,
}

_ARITHMETIC: dict[ir.BinaryOp, Callable[[int, int], int]] = {
    ir.BinaryOp.ADD: operator.add,
    ir.BinaryOp.SUB: operator.sub,
    ir.BinaryOp.AND: operator.and_,
    ir.BinaryOp.OR: operator.or_,
    ir.BinaryOp.XOR: operator.xor,
}


def evaluate(expression: ir.Expression, machine: Machine) -> int:  # noqa: C901  # one case a kind
    """Return the value, an unsigned integer of `expression.width` bits."""
    match expression:
        case ir.Const():
            value = expression.value
        case ir.Read():
            value = machine.variables.get(expression.variable.name, 0)
        case ir.HeaderField():
            fields = machine.headers.get(expression.header.name, {})
            value = fields.get(expression.field.name, 0)
        case ir.IsValid():
            value = int(expression.header.name in machine.headers)
        case ir.Param():
            value = machine.arguments[expression.index]
        case ir.Slice():
            value = evaluate(expression.operand, machine) >> expression.low
        case ir.Unary():
            value = _unary(expression, machine)
        case ir.Binary():
            value = _binary(expression, machine)
        case ir.Cast():
            value = _cast(expression, machine)
        case ir.Conditional():
            chosen = evaluate(expression.condition, machine)
            value = evaluate(expression.if_true if chosen else expression.if_false, machine)
        case ir.Lookahead():
            value = machine.peek(expression.width)
    return value & mask(expression.width)


def assign(target: ir.LValue, value: int, machine: Machine) -> None:
    """Store `value`, cut to the width of `target`."""
    value &= mask(target.width)
    match target:
        case ir.Read():
            machine.variables[target.variable.name] = value
        case ir.HeaderField():
            fields = machine.headers.get(target.header.name)
            if fields is not None:
                fields[target.field.name] = value
        case ir.Slice():
            whole = target.operand
            assert isinstance(whole, ir.Read | ir.HeaderField | ir.Slice), "an lvalue's slice"
            around = evaluate(whole, machine) & ~(mask(target.width) << target.low)
            assign(whole, around | value << target.low, machine)


def _unary(expression: ir.Unary, machine: Machine) -> int:
    operand = evaluate(expression.operand, machine)
    match expression.op:
        case ir.UnaryOp.NEGATE:
            return -operand
        case ir.UnaryOp.COMPLEMENT:
            return ~operand
        case ir.UnaryOp.NOT:
            return int(operand == 0)


def _binary(expression: ir.Binary, machine: Machine) -> int:
    left = evaluate(expression.left, machine)
    if expression.op is ir.BinaryOp.LOGICAL_AND:
        return left and evaluate(expression.right, machine)
    if expression.op is ir.BinaryOp.LOGICAL_OR:
        return left or evaluate(expression.right, machine)
    right = evaluate(expression.right, machine)
    if expression.op is ir.BinaryOp.CONCAT:
        return left << expression.right.width | right
    if expression.signed:
        left = _signed(left, expression.left.width)
    if expression.op in (ir.BinaryOp.SHIFT_LEFT, ir.BinaryOp.SHIFT_RIGHT):
        return _shift(expression, left, right)
    if expression.signed:
        right = _signed(right, expression.right.width)
    return _calculate(expression, left, right)


def _shift(expression: ir.Binary, left: int, right: int) -> int:
    distance = min(right, expression.width)  # further gives the same: 0, or all sign
    if expression.op is ir.BinaryOp.SHIFT_LEFT:
        return left << distance
    return left >> distance


def _calculate(expression: ir.Binary, left: int, right: int) -> int:
    if expression.op in _COMPARISONS:
        return int(_COMPARISONS[expression.op](left, right))
    if expression.op in _ARITHMETIC:
        return _ARITHMETIC[expression.op](left, right)
    exact = left + right if expression.op is ir.BinaryOp.SATURATING_ADD else left - right
    return _saturate(exact, expression)


def _saturate(value: int, expression: ir.Binary) -> int:
    if expression.signed:
        limit = 1 << (expression.width - 1)
        return max(-limit, min(value, limit - 1))
    return max(0, min(value, mask(expression.width)))


def _cast(expression: ir.Cast, machine: Machine) -> int:
    value = evaluate(expression.operand, machine)
    return _signed(value, expression.operand.width) if expression.signed else value


def _signed(value: int, width: int) -> int:
    """Return what `width` bits mean in two's complement."""
    return value - (1 << width) if value >> (width - 1) else value

"""Conditions that a gateway cannot evaluate.

A gateway compares 32 bits of fields, and 12 more by hash. `||` is split over gateways, `&&` is not.
`<` and `>` need the 12 bits, less those that end the constant in zeros; p4c refuses them between
two fields, and arithmetic in any condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir, wording
from p4xdp.lint.access import bits_of
from p4xdp.lint.report import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.lint.target import Target

_LOGIC = (ir.BinaryOp.LOGICAL_AND, ir.BinaryOp.LOGICAL_OR)
_RELATIONS = (
    ir.BinaryOp.LESS,
    ir.BinaryOp.LESS_EQUAL,
    ir.BinaryOp.GREATER,
    ir.BinaryOp.GREATER_EQUAL,
)
_ARITHMETIC = (
    ir.BinaryOp.ADD,
    ir.BinaryOp.SUB,
    ir.BinaryOp.SATURATING_ADD,
    ir.BinaryOp.SATURATING_SUB,
    ir.BinaryOp.SHIFT_LEFT,
    ir.BinaryOp.SHIFT_RIGHT,
)


def check_condition(condition: ir.Expression, at: ir.Position, target: Target) -> Iterator[Finding]:
    """Yield what p4c will say of an `if`."""
    for term in _terms(condition):
        yield from _check_term(term, at)
    for alternative in _alternatives(condition, negated=False):
        bits = sum(map(_width, alternative))
        if bits > target.gateway_bits:
            text = " && ".join(map(wording.expression, alternative))
            yield Finding(
                Severity.error,
                "condition-too-wide",
                at,
                f"a condition compares {bits} bits at once ({text}); a gateway has "
                f"{target.gateway_bits}",
                "nest two ifs, or let a table match on the fields",
            )
        ranges = sum(_range_width(term) for term in alternative)
        if ranges > target.gateway_range_bits:
            yield Finding(
                Severity.error,
                "condition-range-too-wide",
                at,
                f"comparing with < or > takes {ranges} bits here; a gateway has "
                f"{target.gateway_range_bits}",
                "compare with a power of two, or let a table with a range key decide",
            )


def _check_term(term: ir.Expression, at: ir.Position) -> Iterator[Finding]:
    if not isinstance(term, ir.Binary):
        return
    if any(_is_arithmetic(side) for side in (term.left, term.right)):
        yield Finding(
            Severity.error,
            "arithmetic-in-condition",
            at,
            f"{wording.expression(term)}: a gateway compares, it does not compute",
            "store the result in a variable first; that takes a stage",
        )
    is_constant = isinstance(term.left, ir.Const) or isinstance(term.right, ir.Const)
    if term.op in _RELATIONS and not is_constant:
        yield Finding(
            Severity.error,
            "order-of-two-fields",
            at,
            f"{wording.expression(term)}: a gateway orders a field and a constant only",
            "subtract with |-| into a variable and compare that with 0",
        )


def _is_arithmetic(side: ir.Expression) -> bool:
    match side:
        case ir.Binary():
            return side.op in _ARITHMETIC
        case ir.Cast() | ir.Slice():
            return _is_arithmetic(side.operand)
        case _:
            return False


def _terms(condition: ir.Expression) -> Iterator[ir.Expression]:
    match condition:
        case ir.Binary(op=op) if op in _LOGIC:
            yield from _terms(condition.left)
            yield from _terms(condition.right)
        case ir.Unary(op=ir.UnaryOp.NOT):
            yield from _terms(condition.operand)
        case _:
            yield condition


def _alternatives(condition: ir.Expression, *, negated: bool) -> list[list[ir.Expression]]:
    """Return the terms that must hold together, for each way the condition can hold."""
    match condition:
        case ir.Unary(op=ir.UnaryOp.NOT):
            return _alternatives(condition.operand, negated=not negated)
        case ir.Binary(op=op) if op in _LOGIC:
            left = _alternatives(condition.left, negated=negated)
            right = _alternatives(condition.right, negated=negated)
            if (op is ir.BinaryOp.LOGICAL_OR) != negated:
                return left + right
            return [one + other for one in left for other in right]
        case _:
            return [[condition]]


def _width(term: ir.Expression) -> int:
    """Return bits to match: of two fields that are compared, one."""
    if isinstance(term, ir.Binary):
        widths = [sum(m.bit_count() for m in bits_of(s).values()) for s in (term.left, term.right)]
        return max(widths)
    return sum(mask.bit_count() for mask in bits_of(term).values())


def _range_width(term: ir.Expression) -> int:
    if not isinstance(term, ir.Binary) or term.op not in _RELATIONS:
        return 0
    for constant, other in ((term.left, term.right), (term.right, term.left)):
        if isinstance(constant, ir.Const) and not isinstance(other, ir.Const):
            flipped = constant is term.left
            above = term.op in (
                (ir.BinaryOp.LESS, ir.BinaryOp.GREATER_EQUAL)
                if flipped
                else (ir.BinaryOp.GREATER, ir.BinaryOp.LESS_EQUAL)
            )
            bound = constant.value + above  # the first value on the far side
            zeros = (bound & -bound).bit_length() - 1 if bound else other.width
            return max(0, other.width - zeros)
    return 0

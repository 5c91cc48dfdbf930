"""Arithmetic at compile time."""

from __future__ import annotations

import operator as op
from typing import TYPE_CHECKING

from p4xdp.frontend.types import Bits, Type

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = int | bool | str

_ORDERS: dict[str, Callable[[int, int], bool]] = {
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
}
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": op.add,
    "|+|": op.add,
    "-": op.sub,
    "|-|": op.sub,
    "*": op.mul,
    "/": op.floordiv,
    "%": op.mod,
    "&": op.and_,
    "|": op.or_,
    "^": op.xor,
    "<<": op.lshift,
    ">>": op.rshift,
}


def fold_unary(operator: str, value: _Value, kind: Type) -> int | bool:
    """Compute `operator value`; the result is in the range of `kind`."""
    if operator == "!":
        return not value
    assert isinstance(value, int)
    if operator == "+":
        return value
    result = -value if operator == "-" else ~value
    return kind.wrap(result) if isinstance(kind, Bits) else result


def compare(operator: str, left: _Value, right: _Value) -> bool:
    """Compute a comparison."""
    if operator in ("==", "!="):
        return (left == right) == (operator == "==")
    assert isinstance(left, int)
    assert isinstance(right, int)
    return _ORDERS[operator](left, right)


def fold_arithmetic(operator: str, left: int, right: int, kind: Type) -> int:
    """Compute an operation whose result has type `kind`: Bits (modulo, or saturating) or INT."""
    result = _ARITHMETIC[operator](left, right)
    if not isinstance(kind, Bits):
        return result
    if operator in ("|+|", "|-|"):
        low = -(1 << (kind.width - 1)) if kind.signed else 0
        high = (1 << (kind.width - (1 if kind.signed else 0))) - 1
        return max(low, min(high, result))
    return kind.wrap(result)


def unsigned(value: _Value, width: int) -> int:
    """Return the bits of a constant as an unsigned number."""
    assert isinstance(value, int)
    return int(value) & ((1 << width) - 1)

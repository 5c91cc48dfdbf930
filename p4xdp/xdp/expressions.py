"""Expressions in C. A value is always below 2**width, in the smallest type that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.xdp.errors import UnsupportedProgramError
from p4xdp.xdp.layout import LARGEST_SCALAR_BITS
from p4xdp.xdp.storage import ctype, wide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from p4xdp.xdp.storage import Storage

_LARGEST_SATURATING_BITS = 64

_WRAPPING = {
    ir.BinaryOp.ADD: "+",
    ir.BinaryOp.SUB: "-",
    ir.BinaryOp.AND: "&",
    ir.BinaryOp.OR: "|",
    ir.BinaryOp.XOR: "^",
}
_COMPARING = {
    ir.BinaryOp.EQUAL: "==",
    ir.BinaryOp.NOT_EQUAL: "!=",
    ir.BinaryOp.LESS: "<",
    ir.BinaryOp.LESS_EQUAL: "<=",
    ir.BinaryOp.GREATER: ">",
    ir.BinaryOp.GREATER_EQUAL: ">=",
    ir.BinaryOp.LOGICAL_AND: "&&",
    ir.BinaryOp.LOGICAL_OR: "||",
}


def constant(value: int) -> str:
    """Return a C literal."""
    if value > 0xFFFFFFFFFFFFFFFF:
        return f"((u128){constant(value >> 64)} << 64 | {constant(value & 0xFFFFFFFFFFFFFFFF)})"
    if value > 0xFFFFFFFF:
        return f"{value:#x}ULL"
    return str(value) if value < 256 else f"{value:#x}"


def load(at: str, of: ir.Field, base_octets: int = 0) -> str:
    """Return the value of a field of the header at `at`."""
    first = of.offset // 8
    last = (of.offset + of.width - 1) // 8
    octets = last - first + 1
    place = f"{at} + {first + base_octets}" if first + base_octets else at
    if octets > 16:
        # Seventeen octets for at most 128 bits: the field begins and ends inside an octet.
        raise UnsupportedProgramError(f"field {of.name} lies across more than sixteen octets")
    whole = load_octets(place, octets)
    after = (last + 1) * 8 - of.offset - of.width
    if after:
        whole = f"{whole} >> {after}"
    if after or octets * 8 != of.width:
        whole = f"({whole} & {constant((1 << of.width) - 1)})"
    return f"(__u64){whole}" if octets > 8 and of.width <= 64 else whole


def load_octets(place: str, octets: int) -> str:
    """Return the big-endian number of at most 16 octets at `place`."""
    return f"LOAD{octets * 8}({place})" if octets <= 8 else f"LOAD_WIDE({octets * 8 - 64}, {place})"


class Expressions:
    """Renders expressions of one gress.

    `device` gives the C of the fields of the device's own header; `param`, which the statements set
    while they are in an action, that of action data.
    """

    def __init__(self, storage: Storage, device: Mapping[str, str]) -> None:
        self.storage = storage
        self._device = device
        self.param: Callable[[int], str] | None = None
        self.certain: frozenset[str] = frozenset()  # headers that are valid where we are
        self.required: list[str] = []  # C that has to run before what was rendered
        # A C variable and its width: the first bits ahead of an egress parser.
        self.ahead: tuple[str, int] | None = None

    def render(self, expression: ir.Expression) -> str:  # noqa: C901, PLR0911  # one case a kind
        """Return the C of `expression`, ready to stand in any other."""
        if expression.width > LARGEST_SCALAR_BITS:
            raise UnsupportedProgramError(
                f"a value of {expression.width} bits: the XDP target computes with at most "
                f"{LARGEST_SCALAR_BITS}",
                getattr(expression, "at", None),
            )
        match expression:
            case ir.Const():
                return constant(expression.value)
            case ir.Read():
                return self.storage.variable(expression.variable)
            case ir.HeaderField():
                return self._field(expression)
            case ir.IsValid():
                return self.storage.valid(expression.header)
            case ir.Param():
                assert self.param is not None, "action data outside of an action"
                return self.param(expression.index)
            case ir.Slice():
                return self._slice(expression)
            case ir.Unary():
                return self._unary(expression)
            case ir.Binary():
                return self._binary(expression)
            case ir.Cast():
                return self._cast(expression)
            case ir.Conditional():
                parts = (expression.condition, expression.if_true, expression.if_false)
                condition, if_true, if_false = map(self.render, parts)
                return f"({condition} ? {if_true} : {if_false})"
            case ir.Lookahead():
                return self._lookahead(expression.width)

    def _lookahead(self, width: int) -> str:
        if self.ahead is None:
            return load("cursor", ir.Field("lookahead", width, 0))
        name, known = self.ahead
        return f"({name} >> {known - width})" if known > width else name

    def _field(self, expression: ir.HeaderField) -> str:
        header = expression.header
        if header.intrinsic:
            return self._device.get(expression.field.name, "0")
        if expression.field in self.storage.local_fields(header):
            return self.storage.field(header, expression.field)
        pointer = self.storage.pointer(header)
        is_certain = header.name in self.certain
        before = self.storage.reach(header, is_certain=is_certain)
        if before and before not in self.required:
            self.required.append(before)
        if is_certain:
            return load(pointer, expression.field)
        return f"({pointer} ? {load(pointer, expression.field)} : 0)"

    def _slice(self, expression: ir.Slice) -> str:
        operand = self.render(expression.operand)
        shifted = f"({operand} >> {expression.low})" if expression.low else operand
        return f"(({ctype(expression.width)}){shifted} & {constant(_ones(expression.width))})"

    def _unary(self, expression: ir.Unary) -> str:
        operand = self.render(expression.operand)
        if expression.op is ir.UnaryOp.NOT:
            return f"!{operand}"
        sign = "-" if expression.op is ir.UnaryOp.NEGATE else "~"
        return _cut(f"{sign}({wide(expression.width)}){operand}", expression.width)

    def _binary(self, expression: ir.Binary) -> str:
        left, right = self.render(expression.left), self.render(expression.right)
        width = expression.left.width
        if expression.op is ir.BinaryOp.CONCAT:
            return f"(({wide(expression.width)}){left} << {expression.right.width} | {right})"
        if expression.op in (ir.BinaryOp.SHIFT_LEFT, ir.BinaryOp.SHIFT_RIGHT):
            return self._shift(expression, left, right)
        if expression.signed and expression.op is not ir.BinaryOp.EQUAL:
            left, right = _signed(left, width), _signed(right, width)
        if expression.op in _COMPARING:
            return f"({left} {_COMPARING[expression.op]} {right})"
        if expression.op in _WRAPPING:
            return _cut(f"{left} {_WRAPPING[expression.op]} {right}", expression.width)
        return _saturating(expression, left, right)

    def _shift(self, expression: ir.Binary, left: str, right: str) -> str:
        width = expression.left.width
        distance = f"({right} < {width} ? {right} : {width - 1})"
        if expression.op is ir.BinaryOp.SHIFT_RIGHT and expression.signed:
            return _cut(f"{_signed(left, width)} >> {distance}", width)
        sign = "<<" if expression.op is ir.BinaryOp.SHIFT_LEFT else ">>"
        shifted = _cut(f"({wide(width)}){left} {sign} {distance}", width)
        return f"({right} < {width} ? {shifted} : 0)"

    def _cast(self, expression: ir.Cast) -> str:
        operand = self.render(expression.operand)
        if expression.signed:
            operand = _signed(operand, expression.operand.width)
        elif expression.width >= expression.operand.width:
            return operand if expression.width <= 32 else f"({wide(expression.width)}){operand}"
        return _cut(operand, expression.width)


def _signed(value: str, width: int) -> str:
    """Return what `width` bits mean in two's complement."""
    return f"{'SIGNED_WIDE' if width > 64 else 'SIGNED'}({value}, {width})"


def _ones(width: int) -> int:
    return (1 << width) - 1


def _cut(value: str, width: int) -> str:
    """Return `value` modulo 2**width."""
    cut = f"({ctype(width)})({value})"
    return f"({cut})" if width in (8, 16, 32, 64, 128) else f"({cut} & {constant(_ones(width))})"


def _saturating(expression: ir.Binary, left: str, right: str) -> str:
    width = expression.width
    sign = "+" if expression.op is ir.BinaryOp.SATURATING_ADD else "-"
    if expression.signed:
        if width >= _LARGEST_SATURATING_BITS:
            raise UnsupportedProgramError(
                f"saturating arithmetic on int<{width}> is not implemented on XDP", expression.at
            )
        return _cut(f"saturated({left} {sign} {right}, {width})", width)
    if sign == "-":
        return f"({left} > {right} ? {_cut(f'{left} - {right}', width)} : 0)"
    room = f"({constant(_ones(width))} - {left})"
    total = _cut(f"({wide(width)}){left} + {right}", width)
    return f"({right} < {room} ? {total} : {constant(_ones(width))})"

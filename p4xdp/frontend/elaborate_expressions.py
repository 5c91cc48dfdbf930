"""Expressions of the source to expressions of the elaborated program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend import syntax
from p4xdp.frontend.constants import compare, fold_arithmetic, unsigned
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.storage import (
    Binding,
    Environment,
    GressStorage,
    PacketBinding,
    Place,
    StructBinding,
    header_type,
    is_signed,
)
from p4xdp.frontend.types import BOOL, INT, Aggregate, Bits, is_scalar, width_of

if TYPE_CHECKING:
    from p4xdp.frontend.types import Type

_EXPRESSIONS = (
    ir.Const, ir.Read, ir.HeaderField, ir.IsValid, ir.Param, ir.Slice, ir.Unary, ir.Binary,
    ir.Cast, ir.Conditional, ir.Lookahead,
)  # fmt: skip
_SHIFT_WIDTH = 32  # of the constant a shift is by


class ExpressionElaborator:
    """Elaborates expressions in `_environment`.

    What has effects (table.apply(), meter.execute()) is put into `_before`, the statements that run
    before the one at hand, and its result read from a variable.
    """

    def __init__(
        self, storage: GressStorage, path: str, environment: Environment, place: Place
    ) -> None:
        self._place = place
        self._storage = storage
        self._path = path  # of the control-plane names of what is declared here
        self._environment = environment
        self._before: list[ir.Statement] = []
        self._conditional = 0  # inside an operand that may not be evaluated

    def _local_name(self, name: str) -> str:
        """Name a local variable after where it is, without the gress's own control."""
        _, _, inner = self._path.partition(".")
        return f"{inner}.{name}" if inner else name

    # --- values of any type ---

    def _binding(self, node: syntax.Expression) -> Binding:
        """Return what an expression denotes: storage if it is a name or a member of one."""
        match node:
            case syntax.Name() if node.value is None:
                return self._environment[node.declaration]
            case syntax.Member() if node.value is None:
                base = node.base.type
                if isinstance(base, Aggregate) and not isinstance(node.base, syntax.Call):
                    return self._member(self._binding(node.base), node)
        return self._expression(node)

    @staticmethod
    def _member(base: Binding, node: syntax.Member) -> Binding:
        if isinstance(base, StructBinding):
            return base.fields[node.name]
        assert isinstance(base, ir.Header), base
        return ir.HeaderField(base, base.type.field(node.name), node.at)

    # --- numbers ---

    def _expression(self, node: syntax.Expression) -> ir.Expression:  # noqa: C901, PLR0911  # one case a kind
        if node.value is not None and (is_scalar(node.type) or node.type == INT):
            return self._constant(node)
        match node:
            case syntax.Name():
                return self._read(self._environment[node.declaration], node)
            case syntax.Member():
                return self._member_value(node)
            case syntax.SliceOf():
                assert isinstance(node.high.value, int)
                assert isinstance(node.low.value, int)
                return slice_of(self._expression(node.base), node.high.value, node.low.value)
            case syntax.UnaryOperation():
                operand = self._expression(node.operand)
                if node.operator == "+":
                    return operand
                operator = ir.UnaryOp(node.operator)
                return ir.Unary(operator, operand, self._width(node), node.at)
            case syntax.BinaryOperation():
                return self._binary(node)
            case syntax.Ternary():
                return self._ternary(node)
            case syntax.CastTo():
                return self._cast(node)
            case syntax.Call():
                return self._call_value(node)
            case _:
                raise SourceError(node.at, f"{node.type} cannot stand here", "use its fields")

    @staticmethod
    def _width(node: syntax.Expression) -> int:
        assert node.type is not None
        return width_of(node.type)

    def _constant(self, node: syntax.Expression) -> ir.Const:
        assert node.value is not None
        width = _SHIFT_WIDTH if node.type == INT else self._width(node)
        return ir.Const(unsigned(node.value, width), width)

    @staticmethod
    def _read(binding: Binding, node: syntax.Expression) -> ir.Expression:
        if isinstance(binding, ir.Read):
            return ir.Read(binding.variable, node.at)
        if isinstance(binding, _EXPRESSIONS):
            return binding
        raise SourceError(node.at, f"{node.type} cannot stand here", "use its fields")

    def _member_value(self, node: syntax.Member) -> ir.Expression:
        if isinstance(node.base, syntax.Call):
            base = node.base.type
            if isinstance(base, Aggregate):  # packet.lookahead<header>().field
                self._call_value(node.base)
                field = header_type(base).field(node.name)
                width = width_of(base)
                high = width - 1 - field.offset
                whole = ir.Lookahead(width, node.at)
                return slice_of(whole, high, high - field.width + 1)
            return self._applied(node)
        return self._read(self._binding(node), node)

    def _applied(self, node: syntax.Member) -> ir.Expression:
        raise NotImplementedError

    def _call_value(self, node: syntax.Call) -> ir.Expression:
        callee = node.callee
        assert isinstance(callee, syntax.Member)
        if callee.name == "isValid":
            header = self._binding(callee.base)
            assert isinstance(header, ir.Header)
            return ir.IsValid(header, node.at)
        if callee.name == "lookahead":
            assert isinstance(self._binding(callee.base), PacketBinding)
            assert node.type is not None
            return ir.Lookahead(width_of(node.type), node.at)
        return self._extern_value(node, callee)

    def _extern_value(self, node: syntax.Call, callee: syntax.Member) -> ir.Expression:
        raise NotImplementedError

    # --- operators ---

    def _binary(self, node: syntax.BinaryOperation) -> ir.Expression:
        operator = ir.BinaryOp(node.operator)
        left = self._expression(node.left)
        effects = len(self._before)
        lazy = operator in (ir.BinaryOp.LOGICAL_AND, ir.BinaryOp.LOGICAL_OR)
        self._conditional += lazy
        right = self._expression(node.right)
        self._conditional -= lazy
        if len(self._before) > effects and not isinstance(left, ir.Const):
            raise SourceError(
                syntax.start_of(node.right), "a call with effects after another operand",
                "store its result in a variable first",
            )  # fmt: skip
        signed = is_signed(node.left.type)
        if isinstance(left, ir.Const) and isinstance(right, ir.Const) and not signed:
            return _folded(node, left, right)
        return ir.Binary(operator, left, right, self._width(node), signed, node.at)

    def _ternary(self, node: syntax.Ternary) -> ir.Expression:
        condition = self._expression(node.condition)
        if isinstance(condition, ir.Const):
            return self._expression(node.if_true if condition.value else node.if_false)
        self._conditional += 1
        if_true, if_false = self._expression(node.if_true), self._expression(node.if_false)
        self._conditional -= 1
        return ir.Conditional(condition, if_true, if_false, self._width(node))

    def _cast(self, node: syntax.CastTo) -> ir.Expression:
        operand = self._expression(node.operand)
        width = self._width(node)
        if operand.width == width:
            return operand
        return ir.Cast(operand, width, is_signed(node.operand.type))

    def _require_unconditional(self, node: syntax.Expression, what: str) -> None:
        if self._conditional:
            raise SourceError(
                node.at, f"{what} in an operand that may not be evaluated",
                "store its result in a variable first",
            )  # fmt: skip

    def _temporary(self, name: str, kind: Type) -> ir.Read:
        width = width_of(kind)
        made = self._storage.variable(self._local_name(name), width, is_bool=kind == BOOL)
        return ir.Read(made)


def _folded(node: syntax.BinaryOperation, left: ir.Const, right: ir.Const) -> ir.Const:
    """Compute what has become constant by binding parameters."""
    assert node.type is not None
    width = width_of(node.type)
    match node.operator:
        case "&&":
            value = left.value & right.value
        case "||":
            value = left.value | right.value
        case "==" | "!=" | "<" | "<=" | ">" | ">=":
            value = int(compare(node.operator, left.value, right.value))
        case "++":
            value = left.value << right.width | right.value
        case _:
            value = fold_arithmetic(node.operator, left.value, right.value, Bits(width))
    return ir.Const(value, width)


def slice_of(operand: ir.Expression, high: int, low: int) -> ir.Expression:
    """Bits high..low; a slice of a slice is one slice, and the whole is the operand."""
    if low == 0 and high == operand.width - 1:
        return operand
    if isinstance(operand, ir.Slice):
        return ir.Slice(operand.operand, operand.low + high, operand.low + low)
    if isinstance(operand, ir.Const):
        return ir.Const((operand.value >> low) & ((1 << (high - low + 1)) - 1), high - low + 1)
    return ir.Slice(operand, high, low)

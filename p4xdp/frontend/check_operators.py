"""Types and values of what operators give."""

from __future__ import annotations

from p4xdp.frontend import syntax
from p4xdp.frontend.check_conversions import MAX_WIDTH, ConversionChecker
from p4xdp.frontend.constants import compare, fold_arithmetic, fold_unary
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import BOOL, INT, Bits, EnumOf, Type, is_scalar

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_NOT_IN_HARDWARE = {"*": "shift and add", "/": "shift right", "%": "mask the low bits"}


class OperatorChecker(ConversionChecker):
    """Adds operators to the expressions that can be checked."""

    def _slice_type(self, node: syntax.SliceOf) -> Type:
        base = self._check(node.base)
        if not isinstance(base, Bits):
            raise SourceError(
                syntax.start_of(node.base),
                f"only bit<> values have slices, this is {base}",
                "cast it to bit<> first",
            )
        high = self._constant_int(node.high, "the upper bit of the slice")
        low = self._constant_int(node.low, "the lower bit of the slice")
        if not 0 <= low <= high < base.width:
            raise SourceError(
                node.at, f"slice [{high}:{low}] of {base}", "write [high:low] inside the value"
            )
        if isinstance(node.base.value, int):
            node.value = (node.base.value >> low) & ((1 << (high - low + 1)) - 1)
        return Bits(high - low + 1)

    def _unary_type(self, node: syntax.UnaryOperation) -> Type:
        kind = self._check(node.operand)
        allowed = {
            "!": kind == BOOL,
            "~": isinstance(kind, Bits),
            "-": isinstance(kind, Bits) or kind == INT,
            "+": isinstance(kind, Bits) or kind == INT,
        }[node.operator]
        if not allowed:
            wanted = "bool" if node.operator == "!" else "a number with a width"
            raise SourceError(
                node.at,
                f"{node.operator} wants {wanted}, this is {kind}",
                "! is for bool, ~ for bit<>" if kind != INT else "write 8w1 or cast it",
            )
        if node.operand.value is not None:
            node.value = fold_unary(node.operator, node.operand.value, kind)
        return kind

    # --- operators with two operands ---

    def _binary_type(self, node: syntax.BinaryOperation) -> Type:
        left, right = self._check(node.left), self._check(node.right)
        operator = node.operator
        if operator in ("&&", "||"):
            return self._logical_type(node, left, right)
        if operator in ("<<", ">>"):
            return self._shift_type(node, left, right)
        if operator == "++":
            return self._concat_type(node, left, right)
        kind = self._common_type(node, left, right)
        if operator in _COMPARISONS:
            return self._comparison_type(node, kind)
        if not (isinstance(kind, Bits) or kind == INT):
            raise SourceError(
                node.at, f"{operator} wants numbers, these are {kind}", "use && and || for bool"
            )
        if operator in ("|+|", "|-|") and kind == INT:
            raise SourceError(node.at, f"{operator} needs a width", "write 8w1 or cast")
        if isinstance(node.left.value, int) and isinstance(node.right.value, int):
            if operator in ("/", "%") and (node.right.value <= 0 or node.left.value < 0):
                raise SourceError(
                    node.at, f"{operator} wants positive numbers", "the right one is at least 1"
                )
            node.value = fold_arithmetic(operator, node.left.value, node.right.value, kind)
        elif operator in _NOT_IN_HARDWARE:
            raise SourceError(
                node.at,
                f"{operator} of values that are not known at compile time",
                f"Tofino has none: {_NOT_IN_HARDWARE[operator]}",
            )
        return kind

    def _common_type(self, node: syntax.BinaryOperation, left: Type, right: Type) -> Type:
        """Bring both operands to one type: a number without width takes the other's."""
        if left == right:
            return left
        for operand, own, other in ((node.left, left, right), (node.right, right, left)):
            if own == INT and isinstance(other, Bits):
                self._give_width(operand, other)
                return other
            if isinstance(own, EnumOf) and own.underlying is not None and own.underlying == other:
                operand.type = other
                return other
        scalar = is_scalar(left) and is_scalar(right)
        hint = "cast one of them" if scalar else "both have to be of one type"
        raise SourceError(node.at, f"{node.operator} of {left} and {right}", hint)

    @staticmethod
    def _comparison_type(node: syntax.BinaryOperation, kind: Type) -> Type:
        ordered = isinstance(kind, Bits) or kind == INT
        if node.operator in ("==", "!="):
            if not (ordered or kind == BOOL or isinstance(kind, EnumOf)):
                raise SourceError(
                    node.at, f"{node.operator} of {kind} is not supported", "compare the fields"
                )
        elif not ordered:
            raise SourceError(
                node.at,
                f"{node.operator} wants numbers, these are {kind}",
                "compare with == or !=, or compare fields",
            )
        if node.left.value is not None and node.right.value is not None:
            node.value = compare(node.operator, node.left.value, node.right.value)
        return BOOL

    @staticmethod
    def _logical_type(node: syntax.BinaryOperation, left: Type, right: Type) -> Type:
        for operand, kind in ((node.left, left), (node.right, right)):
            if kind != BOOL:
                raise SourceError(
                    syntax.start_of(operand),
                    f"{node.operator} wants bool, this is {kind}",
                    "compare it: x == 1",
                )
        if node.left.value is not None and node.right.value is not None:
            both = bool(node.left.value) and bool(node.right.value)
            either = bool(node.left.value) or bool(node.right.value)
            node.value = both if node.operator == "&&" else either
        return BOOL

    @staticmethod
    def _shift_type(node: syntax.BinaryOperation, left: Type, right: Type) -> Type:
        if not (isinstance(left, Bits) or left == INT):
            raise SourceError(
                node.at, f"{node.operator} wants a number, this is {left}", "cast it to bit<> first"
            )
        if not (right == INT or (isinstance(right, Bits) and not right.signed)):
            raise SourceError(
                syntax.start_of(node.right),
                f"a shift is by bit<> or a number, this is {right}",
                "write a number, or cast it",
            )
        if not isinstance(node.right.value, int):
            raise SourceError(
                syntax.start_of(node.right), "a shift by a value that is not known at compile time",
                "Tofino has none: shift by a constant",
            )  # fmt: skip
        if node.right.value < 0:
            raise SourceError(
                syntax.start_of(node.right), "a shift by a negative number", "shift the other way"
            )
        if left == INT and node.right.value > MAX_WIDTH:
            raise SourceError(
                syntax.start_of(node.right),
                f"a shift by more than {MAX_WIDTH} bits",
                "give the number a width",
            )
        if isinstance(node.left.value, int):
            count = min(node.right.value, MAX_WIDTH)
            node.value = fold_arithmetic(node.operator, node.left.value, count, left)
        return left

    @staticmethod
    def _concat_type(node: syntax.BinaryOperation, left: Type, right: Type) -> Type:
        if not (isinstance(left, Bits) and isinstance(right, Bits)):
            raise SourceError(
                node.at, f"++ of {left} and {right}", "both need a width: write 8w1 or cast"
            )
        kind = Bits(left.width + right.width, left.signed)
        if isinstance(node.left.value, int) and isinstance(node.right.value, int):
            low = node.right.value & ((1 << right.width) - 1)
            node.value = kind.wrap(node.left.value << right.width | low)
        return kind

    def _ternary_type(self, node: syntax.Ternary) -> Type:
        condition = self._check(node.condition)
        if condition != BOOL:
            raise SourceError(
                syntax.start_of(node.condition),
                f"?: wants bool, this is {condition}",
                "compare it: x == 1",
            )
        left, right = self._check(node.if_true), self._check(node.if_false)
        if left != right:
            if left == INT:
                self._convert(node.if_true, right, "the first value of ?:")
            else:
                self._convert(node.if_false, left, "the second value of ?:")
        kind = node.if_true.type
        assert kind is not None
        if not (is_scalar(kind) or kind == INT):
            raise SourceError(node.at, f"?: of {kind} is not supported", "use if")
        if node.condition.value is not None:
            node.value = node.if_true.value if node.condition.value else node.if_false.value
        return kind

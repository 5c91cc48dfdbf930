"""Types of expressions, and their values where these are known at compile time."""

from __future__ import annotations

from p4xdp.frontend import syntax
from p4xdp.frontend.constants import compare, fold_arithmetic, fold_unary
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.scope import Scope, TypeSymbol
from p4xdp.frontend.types import (
    ANY,
    BOOL,
    INT,
    STRING,
    VOID,
    ActionOf,
    ActionRun,
    Aggregate,
    ApplyResult,
    Bits,
    BlockOf,
    EnumOf,
    ExternOf,
    ListType,
    PackageOf,
    TableOf,
    Type,
    TypeItself,
    is_scalar,
    width_of,
)

_MAX_WIDTH = 2048
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_NOT_IN_HARDWARE = {"*": "shift and add", "/": "shift right", "%": "mask the low bits"}


class ExpressionChecker:
    """Checks one expression at a time in `_scope`, writing `type` and `value` into its nodes."""

    def __init__(self) -> None:
        self._scope = Scope()

    # --- types ---

    def _resolve_type(self, node: syntax.TypeNode) -> Type:
        if isinstance(node, syntax.AnyType):
            return ANY
        if isinstance(node, syntax.KeywordType):
            simple = {kind.name: kind for kind in (BOOL, INT, STRING, VOID)}.get(node.name)
            if simple is None:
                raise SourceError(node.at, f"the type {node.name} is not supported here")
            return simple
        if isinstance(node, syntax.BitsType):
            width = self._constant_int(node.width, "the width")
            if not 1 <= width <= _MAX_WIDTH:
                raise SourceError(node.at, f"width {width} is not in 1..{_MAX_WIDTH}")
            return Bits(width, node.signed)
        return self._resolve_named(node)

    def _resolve_named(self, node: syntax.NamedType) -> Type:
        symbol = self._scope.resolve(node.name, node.at)
        arguments = tuple(self._resolve_type(argument) for argument in node.arguments)
        expected = 0
        result: Type | None = None
        if isinstance(symbol, TypeSymbol):
            result = symbol.type
        elif isinstance(symbol, syntax.ExternDeclaration):
            expected = len(symbol.type_parameters)
            result = ExternOf(symbol, arguments)
        elif isinstance(symbol, syntax.PackageDeclaration):
            expected = len(arguments) and len(symbol.type_parameters)
            result = PackageOf(symbol, arguments)
        elif isinstance(symbol, syntax.BlockTypeDeclaration):
            expected = len(symbol.type_parameters)
            result = BlockOf(symbol, arguments)
        elif isinstance(symbol, (syntax.ParserDeclaration, syntax.ControlDeclaration)):
            result = BlockOf(symbol)
        if result is None:
            raise SourceError(node.at, f"{node.name} is not a type")
        if len(arguments) != expected:
            raise SourceError(
                node.at, f"{node.name} takes {expected} type arguments, {len(arguments)} given"
            )
        return result

    # --- entry points ---

    def _check(self, node: syntax.Expression) -> Type:
        """Find the type of an expression, or raise SourceError."""
        kind = self._type_of(node)
        node.type = kind
        return kind

    def _check_as(self, node: syntax.Expression, wanted: Type, what: str) -> None:
        """Check an expression that must have, or convert by itself to, the type `wanted`."""
        self._check(node)
        self._convert(node, wanted, what)

    def _constant_int(self, node: syntax.Expression, what: str) -> int:
        kind = self._check(node)
        if not (kind == INT or isinstance(kind, Bits)):
            raise SourceError(syntax.start_of(node), f"{what} is {kind}, not a number")
        if not isinstance(node.value, int):
            raise SourceError(
                syntax.start_of(node), f"{what} is not known at compile time", "use a const"
            )
        return node.value

    def _convert(self, node: syntax.Expression, wanted: Type, what: str) -> None:
        """Apply the conversions that need no cast (P4-16 clause 8.11.2)."""
        kind = node.type
        assert kind is not None
        if kind == wanted:
            return
        if kind == INT and isinstance(wanted, Bits):
            self._give_width(node, wanted)
            return
        if isinstance(kind, EnumOf) and kind.underlying is not None and kind.underlying == wanted:
            node.type = wanted
            return
        if isinstance(node, syntax.ListOf) and isinstance(wanted, Aggregate):
            if len(node.items) != len(wanted.fields):
                raise SourceError(
                    syntax.start_of(node),
                    f"{wanted} has {len(wanted.fields)} fields, {len(node.items)} values given",
                )
            for item, field in zip(node.items, wanted.fields, strict=True):
                self._convert(item, field.type, f"field {field.name}")
            node.type = wanted
            return
        hint = ""
        if is_scalar(kind) and is_scalar(wanted):
            hint = f"cast it: ({wanted.name if isinstance(wanted, EnumOf) else wanted})"
        raise SourceError(syntax.start_of(node), f"{what} wants {wanted}, this is {kind}", hint)

    def _give_width(self, node: syntax.Expression, wanted: Bits) -> None:
        if not isinstance(node.value, int):
            raise SourceError(
                syntax.start_of(node),
                "a choice between numbers without width",
                "write them as 8w1 or cast them",
            )
        if not wanted.fits(node.value):
            raise SourceError(
                syntax.start_of(node),
                f"{node.value} does not fit {wanted}",
                "cast it if the rest may go",
            )
        node.type = wanted

    # --- by kind of node ---

    def _type_of(  # noqa: C901, PLR0911, PLR0912  # one case a kind
        self, node: syntax.Expression
    ) -> Type:
        match node:
            case syntax.IntegerLiteral():
                node.value = node.number
                return INT if node.width is None else Bits(node.width, node.signed)
            case syntax.BoolLiteral():
                node.value = node.truth
                return BOOL
            case syntax.StringLiteral():
                node.value = node.text
                return STRING
            case syntax.Name():
                return self._name_type(node)
            case syntax.Member():
                return self._member_type(node)
            case syntax.SliceOf():
                return self._slice_type(node)
            case syntax.UnaryOperation():
                return self._unary_type(node)
            case syntax.BinaryOperation():
                return self._binary_type(node)
            case syntax.Ternary():
                return self._ternary_type(node)
            case syntax.CastTo():
                return self._cast_type(node)
            case syntax.Call():
                return self._call_type(node)
            case syntax.ListOf():
                return ListType(tuple(self._check(item) for item in node.items))
            case syntax.Masked() | syntax.RangeOf() | syntax.Anything():
                raise SourceError(node.at, "a key set can stand only in a select")

    def _call_type(self, node: syntax.Call) -> Type:
        raise NotImplementedError

    def _name_type(self, node: syntax.Name) -> Type:  # noqa: PLR0911
        scope = self._scope.outermost() if node.is_global else self._scope
        symbol = scope.resolve(node.name, node.at)
        node.declaration = symbol
        match symbol:
            case syntax.ConstantDeclaration():
                node.value = symbol.value
                assert symbol.resolved is not None
                return symbol.resolved
            case syntax.VariableDeclaration() | syntax.Parameter():
                assert symbol.resolved is not None
                return symbol.resolved
            case syntax.InstanceDeclaration():
                assert symbol.resolved is not None
                return symbol.resolved
            case syntax.ActionDeclaration():
                return ActionOf(symbol)
            case syntax.TableDeclaration():
                return TableOf(symbol)
            case TypeSymbol():
                return TypeItself(symbol.type)
            case syntax.ExternDeclaration():
                return TypeItself(ExternOf(symbol))
            case syntax.PackageDeclaration():
                return TypeItself(PackageOf(symbol))
            case (
                syntax.BlockTypeDeclaration()
                | syntax.ParserDeclaration()
                | syntax.ControlDeclaration()
            ):
                return TypeItself(BlockOf(symbol))

    def _member_type(self, node: syntax.Member) -> Type:
        base = self._check(node.base)
        if isinstance(base, TypeItself) and isinstance(base.type, EnumOf):
            return self._enum_member(node, base.type)
        if isinstance(base, Aggregate):
            field = base.find(node.name)
            if field is not None:
                return field.type
            if base.is_header and node.name in ("isValid", "setValid", "setInvalid"):
                raise SourceError(node.at, f"{node.name} is a method", f"write {node.name}()")
            names = ", ".join(field.name for field in base.fields)
            raise SourceError(node.at, f"{base} has no field {node.name}", f"it has {names}")
        if isinstance(base, ApplyResult):
            if node.name in ("hit", "miss"):
                return BOOL
            if node.name == "action_run":
                return ActionRun(base.table)
        raise SourceError(node.at, f"{base} has no member {node.name}")

    @staticmethod
    def _enum_member(node: syntax.Member, enum: EnumOf) -> Type:
        if node.name not in enum.members:
            raise SourceError(
                node.at, f"{enum} has no member {node.name}", f"it has {', '.join(enum.members)}"
            )
        if enum.values is None:
            node.value = node.name
        else:
            node.value = enum.values[enum.members.index(node.name)]
        return enum

    def _slice_type(self, node: syntax.SliceOf) -> Type:
        base = self._check(node.base)
        if not isinstance(base, Bits):
            raise SourceError(
                syntax.start_of(node.base), f"only bit<> values have slices, this is {base}"
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
            raise SourceError(node.at, f"{node.operator} wants {wanted}, this is {kind}")
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
            raise SourceError(node.at, f"{operator} wants numbers, these are {kind}")
        if operator in ("|+|", "|-|") and kind == INT:
            raise SourceError(node.at, f"{operator} needs a width", "write 8w1 or cast")
        if isinstance(node.left.value, int) and isinstance(node.right.value, int):
            if operator in ("/", "%") and (node.right.value <= 0 or node.left.value < 0):
                raise SourceError(node.at, f"{operator} wants positive numbers")
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
        hint = "cast one of them" if is_scalar(left) and is_scalar(right) else ""
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
            raise SourceError(node.at, f"{node.operator} wants numbers, these are {kind}")
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
            raise SourceError(node.at, f"{node.operator} wants a number, this is {left}")
        if not (right == INT or (isinstance(right, Bits) and not right.signed)):
            raise SourceError(
                syntax.start_of(node.right), f"a shift is by bit<> or a number, this is {right}"
            )
        if not isinstance(node.right.value, int):
            raise SourceError(
                syntax.start_of(node.right), "a shift by a value that is not known at compile time",
                "Tofino has none: shift by a constant",
            )  # fmt: skip
        if node.right.value < 0:
            raise SourceError(syntax.start_of(node.right), "a shift by a negative number")
        if left == INT and node.right.value > _MAX_WIDTH:
            raise SourceError(
                syntax.start_of(node.right), f"a shift by more than {_MAX_WIDTH} bits"
            )
        if isinstance(node.left.value, int):
            count = min(node.right.value, _MAX_WIDTH)
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
                syntax.start_of(node.condition), f"?: wants bool, this is {condition}"
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

    # --- casts ---

    def _cast_type(self, node: syntax.CastTo) -> Type:
        target = self._resolve_type(node.target)
        kind = self._check(node.operand)
        if kind == target:
            node.value = node.operand.value
            return target
        if isinstance(node.operand, syntax.ListOf):
            self._convert(node.operand, target, "the cast")
            return target
        if not _is_castable(kind, target):
            raise SourceError(node.at, f"cannot cast {kind} to {target}", _cast_hint(kind, target))
        value = node.operand.value
        if value is not None and isinstance(value, int):
            node.value = _cast_value(value, target)
        return target

    def _require_lvalue(self, node: syntax.Expression, what: str) -> None:
        """Refuse what cannot be written to."""
        position = syntax.start_of(node)
        current = node
        while isinstance(current, (syntax.Member, syntax.SliceOf)):
            current = current.base
        if not isinstance(current, syntax.Name):
            raise SourceError(position, f"{what} is not something that can be written to")
        symbol = current.declaration
        if isinstance(symbol, syntax.Parameter):
            if symbol.direction in ("out", "inout"):
                return
            kind = f"an {symbol.direction}" if symbol.direction else "a directionless"
            raise SourceError(
                position, f"{symbol.name} is {kind} parameter and cannot be written to"
            )
        if isinstance(symbol, syntax.ConstantDeclaration):
            raise SourceError(position, f"{symbol.name} is a constant and cannot be written to")
        if not isinstance(symbol, syntax.VariableDeclaration):
            raise SourceError(position, f"{what} is not something that can be written to")


def _is_castable(kind: Type, target: Type) -> bool:
    """P4-16 clause 8.11.1."""
    if isinstance(kind, EnumOf) and kind.underlying is not None:
        return isinstance(target, (Bits, EnumOf)) and is_scalar(target)
    if isinstance(target, EnumOf):
        return target.underlying is not None and (kind in (INT, target.underlying))
    if kind == INT:
        return isinstance(target, Bits)
    if BOOL in (kind, target):
        return Bits(1) in (kind, target)
    if isinstance(kind, Bits) and isinstance(target, Bits):
        return kind.signed == target.signed or kind.width == target.width
    return False


def _cast_hint(kind: Type, target: Type) -> str:
    if target == BOOL:
        return "compare it: x == 1"
    if isinstance(kind, Bits) and isinstance(target, Bits):
        return "change the width first, then the sign"
    return ""


def _cast_value(value: int, target: Type) -> int | bool:
    if target == BOOL:
        return bool(value)
    if isinstance(target, Bits):
        return target.wrap(int(value))
    return int(value) & ((1 << width_of(target)) - 1)

"""Types as written, and the conversions between them."""

from __future__ import annotations

from p4xdp.frontend import syntax
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.scope import Scope, TypeSymbol
from p4xdp.frontend.types import (
    ANY,
    BOOL,
    INT,
    STRING,
    VOID,
    Aggregate,
    Bits,
    BlockOf,
    EnumOf,
    ExternOf,
    PackageOf,
    Type,
    is_scalar,
    width_of,
)

MAX_WIDTH = 2048


class ConversionChecker:
    """Resolves types and converts expressions to them."""

    def __init__(self) -> None:
        self._scope = Scope()

    # --- types ---

    def _resolve_type(self, node: syntax.TypeNode) -> Type:
        if isinstance(node, syntax.AnyType):
            return ANY
        if isinstance(node, syntax.KeywordType):
            simple = {kind.name: kind for kind in (BOOL, INT, STRING, VOID)}.get(node.name)
            if simple is None:
                raise SourceError(
                    node.at,
                    f"the type {node.name} is not supported here",
                    "use bit<>, bool, a header or a struct",
                )
            return simple
        if isinstance(node, syntax.BitsType):
            width = self._constant_int(node.width, "the width")
            if not 1 <= width <= MAX_WIDTH:
                raise SourceError(
                    node.at,
                    f"width {width} is not in 1..{MAX_WIDTH}",
                    "a value has at least one bit",
                )
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
            raise SourceError(
                node.at,
                f"{node.name} is not a type",
                "name a header, struct, enum, typedef or extern",
            )
        if len(arguments) != expected:
            raise SourceError(
                node.at,
                f"{node.name} takes {expected} type arguments, {len(arguments)} given",
                f"write {node.name}<{', '.join(['...'] * expected)}>"
                if expected
                else "remove <...>",
            )
        return result

    # --- entry points ---

    def _check(self, node: syntax.Expression) -> Type:
        """Find the type of an expression, or raise SourceError."""
        kind = self._type_of(node)
        node.type = kind
        return kind

    def _type_of(self, node: syntax.Expression) -> Type:
        raise NotImplementedError

    def _check_as(self, node: syntax.Expression, wanted: Type, what: str) -> None:
        """Check an expression that must have, or convert by itself to, the type `wanted`."""
        self._check(node)
        self._convert(node, wanted, what)

    def _constant_int(self, node: syntax.Expression, what: str) -> int:
        kind = self._check(node)
        if not (kind == INT or isinstance(kind, Bits)):
            raise SourceError(
                syntax.start_of(node),
                f"{what} is {kind}, not a number",
                "write a number or the name of a const",
            )
        if not isinstance(node.value, int):
            raise SourceError(
                syntax.start_of(node), f"{what} is not known at compile time", "use a const"
            )
        return node.value

    # --- conversions ---

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
                    f"it has {', '.join(field.name for field in wanted.fields)}",
                )
            for item, field in zip(node.items, wanted.fields, strict=True):
                self._convert(item, field.type, f"field {field.name}")
            node.type = wanted
            return
        raise SourceError(
            syntax.start_of(node), f"{what} wants {wanted}, this is {kind}", _hint(kind, wanted)
        )

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


def _hint(kind: Type, wanted: Type) -> str:
    """Say how a value of one type becomes one of another."""
    if is_scalar(kind) and is_scalar(wanted) and BOOL not in (kind, wanted):
        return f"cast it: ({wanted.name if isinstance(wanted, EnumOf) else wanted})"
    if wanted == BOOL:
        return "write true, false or a comparison: x == 1"
    if kind == BOOL:
        return "cast it to bit<1> first, then to the width"
    if isinstance(kind, Aggregate):
        return "name one of its fields"
    if isinstance(wanted, EnumOf):
        return f"name one of its members: {wanted.name}.{wanted.members[0]}"
    return f"write an expression of {wanted}"


def _cast_hint(kind: Type, target: Type) -> str:
    if target == BOOL:
        return "compare it: x == 1"
    if isinstance(kind, Bits) and isinstance(target, Bits):
        return "change the width first, then the sign"
    if kind == BOOL:
        return "cast it to bit<1> first"
    if isinstance(kind, Aggregate):
        return "name one of its fields"
    return "only numbers, bool and enums with a representation can be cast"


def _cast_value(value: int, target: Type) -> int | bool:
    if target == BOOL:
        return bool(value)
    if isinstance(target, Bits):
        return target.wrap(int(value))
    return int(value) & ((1 << width_of(target)) - 1)

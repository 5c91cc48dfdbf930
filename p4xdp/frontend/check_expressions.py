"""Types of expressions, and their values where these are known at compile time."""

from __future__ import annotations

from p4xdp.frontend import syntax
from p4xdp.frontend.check_operators import OperatorChecker
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.scope import TypeSymbol
from p4xdp.frontend.types import (
    BOOL,
    INT,
    STRING,
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
)


class ExpressionChecker(OperatorChecker):
    """Checks one expression at a time in `_scope`, writing `type` and `value` into its nodes."""

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
                raise SourceError(
                    node.at, "a key set can stand only in a select", "compare with ==, <= or &"
                )

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
        raise SourceError(
            node.at,
            f"{base} has no member {node.name}",
            "only headers, structs, enums and the results of tables have members",
        )

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

    def _require_lvalue(self, node: syntax.Expression, what: str) -> None:
        """Refuse what cannot be written to."""
        position = syntax.start_of(node)
        current = node
        while isinstance(current, (syntax.Member, syntax.SliceOf)):
            current = current.base
        if not isinstance(current, syntax.Name):
            raise SourceError(
                position,
                f"{what} is not something that can be written to",
                "write to a variable, a field or a slice of one",
            )
        symbol = current.declaration
        if isinstance(symbol, syntax.Parameter):
            if symbol.direction in ("out", "inout"):
                return
            kind = f"an {symbol.direction}" if symbol.direction else "a directionless"
            raise SourceError(
                position,
                f"{symbol.name} is {kind} parameter and cannot be written to",
                "copy it into a variable",
            )
        if isinstance(symbol, syntax.ConstantDeclaration):
            raise SourceError(
                position,
                f"{symbol.name} is a constant and cannot be written to",
                "declare a variable in a control",
            )
        if not isinstance(symbol, syntax.VariableDeclaration):
            raise SourceError(
                position,
                f"{what} is not something that can be written to",
                "write to a variable, a field or a slice of one",
            )

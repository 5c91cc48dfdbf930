"""The types of P4-16, resolved: equal types compare equal. `str()` is for messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from p4xdp.frontend import syntax
from p4xdp.ir import Annotation


@dataclass(frozen=True, slots=True)
class Bits:
    width: int
    signed: bool = False

    def __str__(self) -> str:
        return f"int<{self.width}>" if self.signed else f"bit<{self.width}>"

    def fits(self, value: int) -> bool:
        """Whether `value` is one of this type's."""
        if self.signed:
            return -(1 << (self.width - 1)) <= value < 1 << (self.width - 1)
        return 0 <= value < 1 << self.width

    def wrap(self, value: int) -> int:
        """`value` modulo 2**width, in this type's range."""
        value &= (1 << self.width) - 1
        if self.signed and value >> (self.width - 1):
            value -= 1 << self.width
        return value


@dataclass(frozen=True, slots=True)
class Simple:
    """A type without parts; one object each, below."""

    name: str

    def __str__(self) -> str:
        return self.name


BOOL = Simple("bool")
INT = Simple("int")  # of any size, known at compile time
STRING = Simple("string")
VOID = Simple("void")
ANY = Simple("_")


@dataclass(frozen=True, slots=True)
class FieldOf:
    name: str
    type: Type
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A header or struct type."""

    name: str
    is_header: bool
    fields: tuple[FieldOf, ...]
    annotations: tuple[Annotation, ...] = ()

    def __str__(self) -> str:
        return f"{'header' if self.is_header else 'struct'} {self.name}"

    def find(self, name: str) -> FieldOf | None:
        """Return the field of that name, if there is one."""
        return next((found for found in self.fields if found.name == name), None)


@dataclass(frozen=True, slots=True)
class EnumOf:
    """`underlying` and `values` are None for an enum without representation."""

    name: str
    members: tuple[str, ...]
    underlying: Bits | None = None
    values: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return f"enum {self.name}"


@dataclass(frozen=True, slots=True)
class ListType:
    items: tuple[Type, ...]

    def __str__(self) -> str:
        return "{" + ", ".join(str(item) for item in self.items) + "}"


@dataclass(frozen=True, slots=True)
class TypeVariable:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ExternOf:
    declaration: syntax.ExternDeclaration
    arguments: tuple[Type, ...] = ()

    def __str__(self) -> str:
        return self.declaration.name

    @property
    def bindings(self) -> dict[str, Type]:
        return dict(zip(self.declaration.type_parameters, self.arguments, strict=True))


@dataclass(frozen=True, slots=True)
class BlockOf:
    """A parser or control: one of the program's, or one the architecture describes."""

    declaration: syntax.ParserDeclaration | syntax.ControlDeclaration | syntax.BlockTypeDeclaration
    arguments: tuple[Type, ...] = ()

    def __str__(self) -> str:
        return self.declaration.name


@dataclass(frozen=True, slots=True)
class PackageOf:
    declaration: syntax.PackageDeclaration
    arguments: tuple[Type, ...] = ()

    def __str__(self) -> str:
        return self.declaration.name


@dataclass(frozen=True, slots=True)
class ActionOf:
    declaration: syntax.ActionDeclaration

    def __str__(self) -> str:
        return f"action {self.declaration.name}"


@dataclass(frozen=True, slots=True)
class TableOf:
    declaration: syntax.TableDeclaration

    def __str__(self) -> str:
        return f"table {self.declaration.name}"


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What `table.apply()` gives: hit, miss, action_run."""

    table: syntax.TableDeclaration

    def __str__(self) -> str:
        return f"the result of {self.table.name}.apply()"


@dataclass(frozen=True, slots=True)
class ActionRun:
    table: syntax.TableDeclaration

    def __str__(self) -> str:
        return f"the action run by {self.table.name}"


@dataclass(frozen=True, slots=True)
class TypeItself:
    """What the name of a type denotes where a value could stand."""

    type: Type

    def __str__(self) -> str:
        return f"the type {self.type}"


Type: TypeAlias = (
    Bits
    | Simple
    | Aggregate
    | EnumOf
    | ListType
    | TypeVariable
    | ExternOf
    | BlockOf
    | PackageOf
    | ActionOf
    | TableOf
    | ApplyResult
    | ActionRun
    | TypeItself
)


def substitute(kind: Type, bindings: dict[str, Type]) -> Type:
    """Replace type variables by what they are bound to, where they are."""
    if isinstance(kind, TypeVariable):
        return bindings.get(kind.name, kind)
    if isinstance(kind, ExternOf):
        return ExternOf(
            kind.declaration, tuple(substitute(part, bindings) for part in kind.arguments)
        )
    return kind


def unify(pattern: Type, actual: Type, bindings: dict[str, Type]) -> bool:
    """Bind the variables of `pattern` so that it equals `actual`; False if that cannot be."""
    if isinstance(pattern, TypeVariable):
        known = bindings.setdefault(pattern.name, actual)
        return known == actual
    return pattern == actual


def is_scalar(kind: Type | None) -> bool:
    """Whether a value of that type is one number in hardware."""
    return (
        isinstance(kind, Bits)
        or kind == BOOL
        or (isinstance(kind, EnumOf) and kind.underlying is not None)
    )


def width_of(kind: Type) -> int:
    """Bits of a scalar or header type."""
    if isinstance(kind, Bits):
        return kind.width
    if isinstance(kind, EnumOf) and kind.underlying is not None:
        return kind.underlying.width
    if isinstance(kind, Aggregate):
        return sum(width_of(field.type) for field in kind.fields)
    assert kind == BOOL, kind
    return 1

"""What names are bound to after elaboration, and the storage of one gress."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from p4xdp import ir
from p4xdp.frontend import syntax
from p4xdp.frontend.types import BOOL, Aggregate, Bits, ExternOf, Type, width_of


class Place(Enum):
    """Where the code that is being elaborated stands."""

    PARSER = "parser"
    CONTROL = "control"
    ACTION = "action"
    DEPARSER = "deparser"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class StructBinding:
    """A struct, taken apart."""

    fields: dict[str, Binding]


@dataclass(frozen=True, slots=True)
class PacketBinding:
    """packet_in or packet_out: there is one packet."""


@dataclass(frozen=True, slots=True)
class ExternBinding:
    """`name` is the control-plane name; `hash_algorithm` is a Hash's, `register_action` a
    RegisterAction's, `selected` the type that a Mirror or Digest is constructed with, `digest` what
    the Digest is, `profile` that of an ActionSelector.
    """

    name: str
    type: ExternOf
    hash_algorithm: ir.HashAlgorithm | None = None
    register_action: RegisterMethod | None = None
    selected: int | None = None
    digest: ir.Digest | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterMethod:
    """What an action does to the cells of `register`."""

    register: str
    method: syntax.MethodBody
    environment: Environment


@dataclass(frozen=True, slots=True)
class ActionBinding:
    """`environment` is what the declaring control's names are bound to."""

    name: str
    declaration: syntax.ActionDeclaration
    environment: Environment
    path: str


@dataclass(frozen=True, slots=True)
class TableBinding:
    name: str
    declaration: syntax.TableDeclaration
    environment: Environment


@dataclass(slots=True)
class ControlBinding:
    """An instance of a control. `path` is its hierarchical name: `Ingress.detection`."""

    path: str
    declaration: syntax.ControlDeclaration
    applied: bool = False


Binding: TypeAlias = (
    ir.Expression
    | ir.Header
    | StructBinding
    | PacketBinding
    | ExternBinding
    | ActionBinding
    | TableBinding
    | ControlBinding
)

# Declarations are nodes, compared by identity: an instance of a control has its own environment.
Environment: TypeAlias = dict[object, Binding]


@dataclass(slots=True)
class GressStorage:
    """Collects what one gress stores and does. Names given out are unique in it."""

    name: str
    headers: list[ir.Header] = field(default_factory=list)
    variables: list[ir.Variable] = field(default_factory=list)
    actions: dict[str, ir.Action] = field(default_factory=dict)
    tables: dict[str, ir.Table] = field(default_factory=dict)
    counters: dict[str, ir.Counter] = field(default_factory=dict)
    meters: dict[str, ir.Meter] = field(default_factory=dict)
    registers: dict[str, ir.Register] = field(default_factory=dict)
    digests: dict[str, ir.Digest] = field(default_factory=dict)
    profiles: dict[str, ir.ActionProfile] = field(default_factory=dict)
    roles: dict[str, ir.Variable] = field(default_factory=dict)
    called_actions: dict[str, None] = field(default_factory=dict)
    intrinsic: ir.Header | None = None
    header_types: dict[str, ir.HeaderType] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def _unique(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self._names:
            count += 1
            name = f"{wanted}_{count}"
        self._names.add(name)
        return name

    def variable(self, name: str, width: int, *, is_bool: bool = False) -> ir.Variable:
        """Make a scalar."""
        made = ir.Variable(self._unique(name), width, is_bool)
        self.variables.append(made)
        return made

    def header(self, name: str, kind: Aggregate, *, intrinsic: bool = False) -> ir.Header:
        """Make an instance of a header type."""
        made = ir.Header(self._unique(name), header_type(kind), intrinsic)
        self.headers.append(made)
        return made

    def allocate(self, name: str, kind: Type) -> Binding:
        """Make storage for a value of any type that has values."""
        if isinstance(kind, Aggregate):
            if kind.is_header:
                return self.header(name, kind)
            return StructBinding(
                {part.name: self.allocate(f"{name}.{part.name}", part.type) for part in kind.fields}
            )
        return ir.Read(self.variable(name, width_of(kind), is_bool=kind == BOOL))

    def mark(self) -> tuple[int, int]:
        """Remember what has been made, for `forget`."""
        return len(self.variables), len(self.headers)

    def forget(self, mark: tuple[int, int]) -> None:
        """Undo what was made since `mark`."""
        self._names.difference_update(made.name for made in self.variables[mark[0] :])
        self._names.difference_update(made.name for made in self.headers[mark[1] :])
        del self.variables[mark[0] :]
        del self.headers[mark[1] :]


def header_type(kind: Aggregate) -> ir.HeaderType:
    """Lay out the fields of a header type."""
    fields: list[ir.Field] = []
    offset = 0
    for part in kind.fields:
        width = width_of(part.type)
        fields.append(ir.Field(part.name, width, offset, part.annotations))
        offset += width
    return ir.HeaderType(kind.name, tuple(fields), offset, kind.annotations)


def is_signed(kind: Type | None) -> bool:
    """Whether a number of that type is signed."""
    return isinstance(kind, Bits) and kind.signed

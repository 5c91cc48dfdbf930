"""Class bodies become IEs and messages here: the registry, the value types and the parsed layouts.

An IE is declared once, in the words of TS 29.244. Presence is the type: `X` is mandatory,
`X | None` conditional or optional, `tuple[X, ...]` several. Flags are derived from which fields are
set. `link` reads the declarations of a module and has `pfcp.codegen` write one decoder and one
encoder for each class; nothing interprets a declaration while messages flow.
"""

import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from enum import Enum, IntEnum
from typing import Annotated, Any, TypeVar, dataclass_transform

from pfcp.reader import OwnLayout
from pfcp.record import IE, Group, Record, record
from pfcp.wire import Bits, Enumeration, Fixed, Flag, Kind, Octets

T = TypeVar("T")


class Presence(Enum):
    """How often a field occurs."""

    MANDATORY = "M"
    OPTIONAL = "C/O"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class LeafField:
    """One field inside an IE that holds no other IEs."""

    name: str
    kind: Kind
    presence: Presence
    flag: Flag | None
    enumeration: Enumeration | None


@dataclass(frozen=True, slots=True)
class GroupField:
    """One IE inside a grouped IE or a message; `at_least_one` counts for SEVERAL only."""

    name: str
    ie: "IESpec"
    presence: Presence
    at_least_one: bool


@dataclass(slots=True, eq=False)
class IESpec:
    """What the registry knows of one IE type.

    A scalar has a `kind` and is a plain int, bool or bytes in its owner. Any other IE has a `cls`,
    and once linked `leaf_fields`, `group_fields` or, where it reads and writes itself, neither.
    """

    ie_type: int
    name: str
    clause: str
    kind: Fixed | Octets | None = None
    enumeration: Enumeration | None = None
    cls: "type[IE] | None" = None
    flag_octets: int = 0
    least_octets: int = 0
    is_trimmed: bool = False
    leaf_fields: tuple[LeafField, ...] = ()
    group_fields: tuple[GroupField, ...] = ()

    @property
    def is_grouped(self) -> bool:
        """Whether it holds other IEs."""
        return self.cls is not None and issubclass(self.cls, Group)


@dataclass(slots=True, eq=False)
class MessageSpec:
    """What the registry knows of one message type; `response` is the type that answers it."""

    message_type: int
    name: str
    clause: str
    cls: "type[Record]"
    response: int | None
    group_fields: tuple[GroupField, ...] = ()


IES: dict[int, IESpec] = {}
"""Every IE declared, by type."""

MESSAGES: dict[int, MessageSpec] = {}
"""Every message declared, by type."""

_SPEC_OF: dict[type, IESpec | MessageSpec] = {}


def spec_of(cls: type) -> Any:
    """The IESpec or MessageSpec of a declared class."""
    return _SPEC_OF[cls]


@dataclass_transform(kw_only_default=True, frozen_default=True)
def ie(
    ie_type: int,
    name: str,
    *,
    clause: str,
    flag_octets: int = 0,
    least_octets: int | None = None,
    is_trimmed: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Declare a class as the IE of this type.

    `flag_octets` lead the IE and hold its flags and bit fields. An IE of flags alone may arrive
    with fewer, down to `least_octets`; `is_trimmed` leaves out trailing zero octets when sending.
    """

    def declare(cls: type[T]) -> type[T]:
        made = record(cls)
        spec = IESpec(
            ie_type,
            name,
            clause,
            cls=made,  # type: ignore[arg-type]
            flag_octets=flag_octets,
            least_octets=flag_octets if least_octets is None else least_octets,
            is_trimmed=is_trimmed,
        )
        _register(IES, ie_type, spec)
        _SPEC_OF[made] = spec
        return made

    return declare


def scalar(
    ie_type: int,
    name: str,
    kind: Fixed | Octets,
    enumeration: Enumeration | None = None,
    *,
    clause: str,
) -> IESpec:
    """Declare an IE that is one plain value; put the result in an Annotated alias."""
    spec = IESpec(ie_type, name, clause, kind=kind, enumeration=enumeration)
    _register(IES, ie_type, spec)
    return spec


@dataclass_transform(kw_only_default=True, frozen_default=True)
def message(
    message_type: int, name: str, *, clause: str, response: int | None = None
) -> Callable[[type[T]], type[T]]:
    """Declare a class as the message of this type; `response` is the type of its answer."""

    def declare(cls: type[T]) -> type[T]:
        made = record(cls)
        spec = MessageSpec(message_type, name, clause, made, response)  # type: ignore[arg-type]
        _register(MESSAGES, message_type, spec)
        _SPEC_OF[made] = spec
        return made

    return declare


def _register(registry: dict[int, Any], number: int, spec: IESpec | MessageSpec) -> None:
    if number in registry:
        raise TypeError(f"{spec.name}: type {number} is already {registry[number].name}")
    registry[number] = spec


def link(namespace: dict[str, Any]) -> None:
    """Resolve the declarations made in a module and give each class its decoder and encoder."""
    from pfcp import codegen  # noqa: PLC0415 -- the generator needs the types above

    declared = [value for value in namespace.values() if isinstance(value, type)]
    mine = [cls for cls in declared if cls in _SPEC_OF and cls.__module__ == namespace["__name__"]]
    for cls in mine:
        _parse(cls, namespace)
    for cls in _inner_first(mine):
        codegen.attach(cls, _SPEC_OF[cls])


def _inner_first(classes: list[type]) -> list[type]:
    """The classes ordered so that what a group holds comes before the group."""
    order: dict[type, None] = {}

    def visit(cls: type) -> None:
        for field in _SPEC_OF[cls].group_fields:
            if field.ie.cls in classes:
                visit(field.ie.cls)
        order.setdefault(cls)

    for cls in classes:
        visit(cls)
    return list(order)


def _parse(cls: type, namespace: dict[str, Any]) -> None:
    spec = _SPEC_OF[cls]
    if issubclass(cls, OwnLayout):
        return
    hints = {
        name: hint
        for base in reversed(cls.__mro__)
        if base.__module__ == namespace["__name__"]
        for name, hint in typing.get_type_hints(base, namespace, include_extras=True).items()
    }
    undeclared = {"vendor_ies"} if isinstance(spec, IESpec) else {"vendor_ies", *HEADER_FIELDS}
    leaves: list[LeafField] = []
    groups: list[GroupField] = []
    for field in fields(cls):  # type: ignore[arg-type]
        if field.name in undeclared:
            continue
        parsed = _parse_field(
            field.name, hints[field.name], has_default=field.default is not MISSING
        )
        (leaves if isinstance(parsed, LeafField) else groups).append(parsed)  # type: ignore[arg-type]
    is_leaf = isinstance(spec, IESpec) and not spec.is_grouped
    if groups if is_leaf else leaves:
        raise TypeError(f"{cls.__name__} mixes fields of its own with IEs")
    spec.group_fields = tuple(groups)
    if isinstance(spec, IESpec):
        spec.leaf_fields = tuple(leaves)


HEADER_FIELDS = frozenset({"seid", "sequence_number", "message_priority"})
"""Fields of a message class that lie in the header."""


def _parse_field(name: str, hint: Any, *, has_default: bool) -> LeafField | GroupField:
    if typing.get_origin(hint) is tuple:
        inner = _ie_of(typing.get_args(hint)[0])
        if inner is None:
            raise TypeError(f"{name}: only IEs can occur several times")
        return GroupField(name, inner, Presence.SEVERAL, at_least_one=not has_default)
    optional = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        optional = True
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    presence = Presence.OPTIONAL if optional else Presence.MANDATORY
    inner = _ie_of(hint)
    if inner is not None:
        return GroupField(name, inner, presence, at_least_one=False)
    return _parse_leaf(name, hint)


def _ie_of(hint: Any) -> IESpec | None:
    if typing.get_origin(hint) is Annotated:
        return next((part for part in hint.__metadata__ if isinstance(part, IESpec)), None)
    spec = _SPEC_OF.get(hint)
    return spec if isinstance(spec, IESpec) else None


def _parse_leaf(name: str, hint: Any) -> LeafField:
    if typing.get_origin(hint) is not Annotated:
        raise TypeError(f"{name}: {hint} says nothing of its octets")
    base = hint.__origin__
    flag = kind = enumeration = None
    for part in hint.__metadata__:
        if isinstance(part, Flag):
            flag = part
        elif isinstance(part, Fixed | Octets | Bits):
            kind = part
        elif isinstance(part, type) and issubclass(part, IntEnum):
            enumeration = part
    optional = types.NoneType in typing.get_args(base)
    if kind is None:
        if flag is None:
            raise TypeError(f"{name}: neither a flag nor a kind")
        return LeafField(name, flag, Presence.MANDATORY, None, None)
    presence = Presence.OPTIONAL if optional else Presence.MANDATORY
    return LeafField(name, kind, presence, flag, enumeration)

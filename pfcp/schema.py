"""Class bodies become IEs and messages here: the registry, the value types and the parsed layouts.

An IE is declared once, in the words of TS 29.244. Presence is the type: `X` is mandatory,
`X | None` conditional or optional, `tuple[X, ...]` several. Flags are derived from which fields are
set. `link` reads the declarations of a module and has `pfcp.codegen` write one decoder and one
encoder for each class; nothing interprets a declaration while messages flow.

Values are frozen. What a peer sent in a form this program would not choose (another order, unknown
IEs, more octets than known, spare bits set) is kept beside the value, unseen by comparison, so that
encoding a decoded value gives the octets that came. A value built or replaced here has no such past.
"""

import struct
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from enum import Enum, IntEnum
from operator import attrgetter
from typing import Annotated, Any, Self, TypeVar, cast, dataclass_transform

from pfcp.errors import EncodeError
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
    and once linked either `leaf_fields` (or its own read and write) or `group_fields`.
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
    def is_scalar(self) -> bool:
        """Whether the value is a plain one."""
        return self.kind is not None


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


class Record:
    """A frozen value with keyword fields; what IEs and messages have in common."""

    __slots__ = ("wire_form",)

    wire_form: Any
    """None, or how the peer's form differs from ours: see `pfcp.codegen`."""
    field_values: typing.ClassVar[Callable[[Any], Any]]

    @staticmethod
    def read(buffer: bytes, start: int, end: int) -> Any:
        """Value of the octets between two offsets; generated, or the IE's own."""
        raise NotImplementedError

    @staticmethod
    def write(value: Any) -> bytes:
        """Octets of a value, without type and length; generated, or the IE's own."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to {name} of {type(self).__name__}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete {name} of {type(self).__name__}")

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        mine = type(self).field_values
        return bool(mine(self) == mine(other))

    def __hash__(self) -> int:
        return hash((self.__class__, type(self).field_values(self)))

    def __repr__(self) -> str:
        """Only what is set: most fields of most rules are absent."""
        shown = [
            f"{field.name}={value!r}"
            for field in fields(self)  # type: ignore[arg-type]
            if (value := getattr(self, field.name)) != field.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


class IE(Record):
    """Base of every IE that is more than a plain value."""

    __slots__ = ()

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Value from the octets after type and length; raises DecodeError."""
        value: Self = cls.read(octets, 0, len(octets))
        return value

    def encode(self) -> bytes:
        """Octets after type and length; raises EncodeError."""
        with refusing_misfits(self):
            return type(self).write(self)


class refusing_misfits:  # noqa: N801 -- reads as a clause after `with`
    """Turns what struct says of a value that does not fit into an EncodeError naming its owner."""

    __slots__ = ("_owner",)

    def __init__(self, owner: object) -> None:
        self._owner = owner

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, struct.error | AttributeError | TypeError | ValueError):
            raise EncodeError(f"{self._owner!r} does not fit the wire: {error}") from error


@dataclass_transform(kw_only_default=True, frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Class body → slotted class with a fast keyword-only constructor."""
    made = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    names = [field.name for field in fields(made)]  # type: ignore[arg-type]
    made.field_values = attrgetter(*names) if names else (lambda _: ())  # type: ignore[attr-defined]
    made.__init__ = _constructor(made)  # type: ignore[method-assign]
    return made


def _constructor(cls: type) -> Any:
    """`__init__(self, *, …)` that fills the slots directly, past the frozen __setattr__."""
    namespace: dict[str, Any] = {"set_wire_form": Record.__dict__["wire_form"].__set__}
    parameters, body = [], ["    set_wire_form(self, None)"]
    for field in fields(cls):
        namespace[f"set_{field.name}"] = getattr(cls, field.name).__set__
        body.append(f"    set_{field.name}(self, {field.name})")
        if field.default is MISSING:
            parameters.append(field.name)
        else:
            namespace[f"default_{field.name}"] = field.default
            parameters.append(f"{field.name}=default_{field.name}")
    signature = ", ".join(["self", "*", *parameters]) if parameters else "self"
    source = "\n".join([f"def __init__({signature}):", *body])
    exec(compile(source, f"<pfcp {cls.__name__} constructor>", "exec"), namespace)  # noqa: S102 -- our own text
    return namespace["__init__"]


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
    hints = {
        name: hint
        for base in reversed(cls.__mro__)
        if base.__module__ == namespace["__name__"]
        for name, hint in typing.get_type_hints(base, namespace, include_extras=True).items()
    }
    leaves: list[LeafField] = []
    groups: list[GroupField] = []
    for field in fields(cls):
        if field.name in HEADER_FIELDS and isinstance(spec, MessageSpec):
            continue
        parsed = _parse_field(
            field.name, hints[field.name], has_default=field.default is not MISSING
        )
        (leaves if isinstance(parsed, LeafField) else groups).append(parsed)  # type: ignore[arg-type]
    if leaves and groups:
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

"""The values of PFCP: frozen, slotted, made by keyword.

What a peer sent in a form this program would not choose (another order, unknown IEs, more octets
than known, spare bits set) is kept beside the value as `wire_form`, unseen by comparison, so that
encoding a decoded value gives the octets that came. A value built or replaced has no such past.
"""

import struct
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from pfcp.errors import EncodeError

T = TypeVar("T")


class Record:
    """A frozen value with keyword fields; what IEs and messages have in common."""

    __slots__ = ("wire_form",)

    wire_form: Any
    """None, the octets of an IE, or the order of the IEs of a group (`pfcp.groups.Order`)."""
    field_values: ClassVar[Callable[[Any], Any]]

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


@record
class VendorIE(Record):
    """An IE of a vendor (§8.1.1): carried for its owner to read, untouched.

    `ie_type` is 32768 or more, `enterprise_id` the vendor's IANA private enterprise number.
    """

    ie_type: int
    enterprise_id: int
    octets: bytes


@record
class Group(IE):
    """Base of every grouped IE; IEs of vendors follow those of the specification."""

    vendor_ies: tuple[VendorIE, ...] = ()


_MISFITS = (struct.error, AttributeError, OverflowError, TypeError, ValueError)


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
        if isinstance(error, _MISFITS):
            raise EncodeError(f"{self._owner!r} does not fit the wire: {error}") from error

"""Values as octets and back: any frozen dataclass or NamedTuple, by its type hints.

A value becomes a tuple of its fields' values in order, without their names, and that the octets of
`marshal`: a quarter of JSON's time, and a session is written before its SMF gets an answer. Names
are kept once beside the values (`Codec.layout`), so that a later version, whose classes have other
fields, reads what an earlier one wrote: a field that is new gets its default, one that is gone is
passed over.

The code is written for each type once, as source, and then runs without looking at types.
"""

from __future__ import annotations

import marshal
import types
import typing
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Generic, TypeAlias, TypeVar, Union, cast, get_args, get_origin

T = TypeVar("T")

# Names of the fields of each class, as they stand in its array.
Layout: TypeAlias = Mapping[str, list[str]]

_PLAIN = (int, str, bytes, bool, float, type(None))
_ADDRESSES = (IPv4Address, IPv6Address)
_NETWORKS = (IPv4Network, IPv6Network)
_UNIONS = (Union, types.UnionType)
# Written since Python 2.5 and read by every one since: what is kept outlives an upgrade.
_MARSHAL_FORMAT = 2


class Codec(Generic[T]):
    """Octets of values of one type. `layout` tells how values to be read were written, None: by
    this version. Values of the classes `alike` are made once where they are equal.
    """

    def __init__(
        self,
        kind: type[T],
        layout: Layout | None = None,
        alike: AbstractSet[type] = frozenset(),
    ) -> None:
        writer = _Writer(layout, alike)
        self._plain = writer.function(f"lambda o: {writer.encoded(kind, 'o')}")
        self._made = writer.function(f"lambda v: {writer.decoded(kind, 'v')}")
        self.layout: Layout = writer.layout

    def encode(self, value: T) -> bytes:
        """The octets of a value."""
        return marshal.dumps(self._plain(value), _MARSHAL_FORMAT)

    def decode(self, octets: bytes) -> T:
        """The value of octets; ValueError if they are of none."""
        try:
            plain = marshal.loads(octets)  # noqa: S302 - our own file, which root alone can write
            return cast("T", self._made(plain))
        except (EOFError, TypeError, LookupError, AttributeError) as error:
            raise ValueError(f"not written by this program: {error!r}") from error


class _Writer:
    """Writes expressions: `o` is a value, `v` what became of it. `names` is what they refer to."""

    def __init__(self, layout: Layout | None, alike: AbstractSet[type]) -> None:
        self._alike = alike
        self.layout: dict[str, list[str]] = {}
        self._known = layout or {}
        self._kinds: dict[str, Any] = {}
        self._names: dict[str, Any] = {"tuple": tuple, "frozenset": frozenset, "type": type}

    def function(self, source: str) -> Any:
        return eval(source, self._names)  # noqa: S307 - written here, of type hints alone

    def encoded(self, kind: Any, value: str) -> str:  # noqa: PLR0911 - one a kind of type
        """The expression that makes what marshal takes of a value."""
        origin, arguments = get_origin(kind), get_args(kind)
        if _is_plain(kind):
            return value
        if _is_enum(kind):
            return f"{value}._value_"
        if kind in _ADDRESSES:
            return f"int({value})"
        if kind in _NETWORKS:
            return f"(int({value}.network_address), {value}.prefixlen)"
        if origin in _UNIONS:
            return self._encoded_union(arguments, value)
        if origin is tuple and arguments[-1] is not Ellipsis:
            parts = [self.encoded(each, f"{value}[{i}]") for i, each in enumerate(arguments)]
            return f"({', '.join(parts)},)"
        if origin in (tuple, frozenset):
            return f"tuple([{self.encoded(arguments[0], 'each')} for each in {value}])"
        if origin is Mapping:
            key, item = (
                self.encoded(each, name) for each, name in zip(arguments, "kx", strict=True)
            )
            return f"{{{key}: {item} for k, x in {value}.items()}}"
        return f"{self._of_class(kind, 'encode')}({value})"

    def decoded(self, kind: Any, value: str) -> str:  # noqa: PLR0911 - one a kind of type
        """The expression that makes a value of what marshal gives."""
        origin, arguments = get_origin(kind), get_args(kind)
        if _is_plain(kind):
            return value
        if kind in _ADDRESSES or kind in _NETWORKS or _is_enum(kind):
            return f"{self._named(kind)}({value})"
        if origin in _UNIONS:
            return self._decoded_union(arguments, value)
        if origin is tuple and arguments[-1] is not Ellipsis:
            parts = [self.decoded(each, f"{value}[{i}]") for i, each in enumerate(arguments)]
            return f"({', '.join(parts)},)"
        if origin in (tuple, frozenset):
            made = self.decoded(arguments[0], "each")
            return f"{origin.__name__}([{made} for each in {value}])"
        if origin is Mapping:
            key, item = (
                self.decoded(each, name) for each, name in zip(arguments, "kx", strict=True)
            )
            return f"{{{key}: {item} for k, x in {value}.items()}}"
        return f"{self._of_class(kind, 'decode')}({value})"

    def _encoded_union(self, arguments: tuple[Any, ...], value: str) -> str:
        """None as it is, one of several with the number of its type."""
        kinds = [each for each in arguments if each is not type(None)]
        if len(kinds) == 1:
            made = self.encoded(kinds[0], value)
            return made if made == value else f"(None if {value} is None else {made})"
        made = "".join(
            f"({number}, {self.encoded(each, value)}) if type({value}) is {self._named(each)} else "
            for number, each in enumerate(kinds)
        )
        return f"({made}None)"

    def _decoded_union(self, arguments: tuple[Any, ...], value: str) -> str:
        kinds = [each for each in arguments if each is not type(None)]
        if len(kinds) == 1:
            made = self.decoded(kinds[0], value)
            return made if made == value else f"(None if {value} is None else {made})"
        made = "".join(
            f"{self.decoded(each, f'{value}[1]')} if {value}[0] == {number} else "
            for number, each in enumerate(kinds[:-1])
        )
        last = self.decoded(kinds[-1], f"{value}[1]")
        return f"(None if {value} is None else {made}{last})"

    def _of_class(self, kind: Any, what: str) -> str:
        """The name of the function for a class, which is written if it is not yet."""
        name = f"{what}_{kind.__name__}"
        if self._kinds.setdefault(kind.__name__, kind) is not kind:
            raise TypeError(f"two classes {kind.__name__}: give one of them another name")
        if name not in self._names:
            if not (is_dataclass(kind) or hasattr(kind, "_fields")):
                raise TypeError(f"no way to keep {kind}")
            self._names[name] = None  # for one that refers to itself
            hints = typing.get_type_hints(kind)
            own = [each.name for each in fields(kind)] if is_dataclass(kind) else kind._fields
            self.layout[kind.__name__] = list(own)
            if what == "encode":
                parts = [self.encoded(hints[each], f"o.{each}") for each in own]
                self._names[name] = self.function(f"lambda o: ({', '.join(parts)},)")
            else:
                stored = self._known.get(kind.__name__, own)
                parts = [
                    f"{each}={self.decoded(hints[each], f'v[{place}]')}"
                    for place, each in enumerate(stored)
                    if each in own
                ]
                made = self.function(f"lambda v: {self._named(kind)}({', '.join(parts)})")
                self._names[name] = _Once(made).__getitem__ if kind in self._alike else made
        return name

    def _named(self, kind: type) -> str:
        name = f"type_{kind.__name__}"
        self._names[name] = kind
        return name


class _Once(dict[Any, Any]):
    """What was made of each value."""

    def __init__(self, made: Callable[[Any], Any]) -> None:
        self._made = made

    def __missing__(self, value: Any) -> Any:
        made = self[value] = self._made(value)
        return made


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _is_plain(kind: Any) -> bool:
    """Whether marshal takes it as it is, and gives it back so."""
    if kind in _PLAIN:
        return True
    origin, arguments = get_origin(kind), get_args(kind)
    return origin in (*_UNIONS, tuple, frozenset, Mapping) and all(
        each is Ellipsis or _is_plain(each) for each in arguments
    )

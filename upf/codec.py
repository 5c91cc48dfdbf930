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
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
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
        encoding = _Encoding()
        self._plain = encoding.function_for(kind)
        self._made = _Decoding(layout or {}, alike).function_for(kind)
        self.layout: Layout = encoding.layout

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


class _Walk(ABC):
    """Writes expressions, by type, that make something of a value; `_names` is what they refer to.

    `parameter` is what a function calls its value.
    """

    parameter: str

    def __init__(self) -> None:
        self.layout: dict[str, list[str]] = {}
        self._kinds: dict[str, Any] = {}
        self._names: dict[str, Any] = {"tuple": tuple, "frozenset": frozenset, "type": type}

    def function_for(self, kind: Any) -> Any:
        """The function that makes something of values of a type."""
        return self._function(self._expression(kind, self.parameter))

    def _function(self, body: str) -> Any:
        source = f"lambda {self.parameter}: {body}"
        return eval(source, self._names)  # noqa: S307 - written here, of type hints alone

    def _expression(self, kind: Any, value: str) -> str:
        origin, arguments = get_origin(kind), get_args(kind)
        leaf = value if _is_plain(kind) else self._leaf(kind, value)
        if leaf is not None:
            return leaf
        if origin in _UNIONS:
            return self._union(arguments, value)
        if origin is tuple and arguments[-1] is not Ellipsis:
            parts = [self._expression(each, f"{value}[{i}]") for i, each in enumerate(arguments)]
            return f"({', '.join(parts)},)"
        if origin in (tuple, frozenset):
            made = self._expression(arguments[0], "each")
            return f"{self._collection(origin)}([{made} for each in {value}])"
        if origin is Mapping:
            key, item = (
                self._expression(each, name) for each, name in zip(arguments, "kx", strict=True)
            )
            return f"{{{key}: {item} for k, x in {value}.items()}}"
        return f"{self._of_class(kind)}({value})"

    def _union(self, arguments: tuple[Any, ...], value: str) -> str:
        """None as it is, one of several with the number of its type."""
        kinds = [each for each in arguments if each is not type(None)]
        if len(kinds) > 1:
            return self._one_of(kinds, value)
        made = self._expression(kinds[0], value)
        return made if made == value else f"(None if {value} is None else {made})"

    def _of_class(self, kind: Any) -> str:
        """The name of the function for a class, which is written if it is not yet."""
        name = f"of_{kind.__name__}"
        if self._kinds.setdefault(kind.__name__, kind) is not kind:
            raise TypeError(f"two classes {kind.__name__}: give one of them another name")
        if name not in self._names:
            if not (is_dataclass(kind) or hasattr(kind, "_fields")):
                raise TypeError(f"no way to keep {kind}")
            self._names[name] = None  # for one that refers to itself
            own = [each.name for each in fields(kind)] if is_dataclass(kind) else kind._fields
            self.layout[kind.__name__] = list(own)
            self._names[name] = self._function_of(kind, typing.get_type_hints(kind), own)
        return name

    def _named(self, kind: type) -> str:
        name = f"type_{kind.__name__}"
        self._names[name] = kind
        return name

    @abstractmethod
    def _leaf(self, kind: Any, value: str) -> str | None:
        """Of enumerations, addresses and networks; None for another type."""

    @abstractmethod
    def _collection(self, origin: type) -> str:
        """What tuples of any length and sets become."""

    @abstractmethod
    def _one_of(self, kinds: list[Any], value: str) -> str:
        """Of one of several types, or None."""

    @abstractmethod
    def _function_of(self, kind: Any, hints: Mapping[str, Any], own: Collection[str]) -> Any:
        """The function for a class with fields of its `own`."""


class _Encoding(_Walk):
    """Makes what marshal takes of a value."""

    parameter = "o"

    def _leaf(self, kind: Any, value: str) -> str | None:
        if _is_enum(kind):
            return f"{value}._value_"
        if kind in _ADDRESSES:
            return f"int({value})"
        if kind in _NETWORKS:
            return f"(int({value}.network_address), {value}.prefixlen)"
        return None

    def _collection(self, _: type) -> str:
        return "tuple"

    def _one_of(self, kinds: list[Any], value: str) -> str:
        made = "".join(
            f"({number}, {self._expression(each, value)}) "
            f"if type({value}) is {self._named(each)} else "
            for number, each in enumerate(kinds)
        )
        return f"({made}None)"

    def _function_of(self, _: Any, hints: Mapping[str, Any], own: Collection[str]) -> Any:
        parts = [self._expression(hints[each], f"o.{each}") for each in own]
        return self._function(f"({', '.join(parts)},)")


class _Decoding(_Walk):
    """Makes a value of what marshal gives; classes have the fields that `known` says, if any."""

    parameter = "v"

    def __init__(self, known: Layout, alike: AbstractSet[type]) -> None:
        super().__init__()
        self._known, self._alike = known, alike

    def _leaf(self, kind: Any, value: str) -> str | None:
        is_leaf = kind in _ADDRESSES or kind in _NETWORKS or _is_enum(kind)
        return f"{self._named(kind)}({value})" if is_leaf else None

    def _collection(self, origin: type) -> str:
        return origin.__name__

    def _one_of(self, kinds: list[Any], value: str) -> str:
        made = "".join(
            f"{self._expression(each, f'{value}[1]')} if {value}[0] == {number} else "
            for number, each in enumerate(kinds[:-1])
        )
        last = self._expression(kinds[-1], f"{value}[1]")
        return f"(None if {value} is None else {made}{last})"

    def _function_of(self, kind: Any, hints: Mapping[str, Any], own: Collection[str]) -> Any:
        stored = self._known.get(kind.__name__, own)
        parts = [
            f"{each}={self._expression(hints[each], f'v[{place}]')}"
            for place, each in enumerate(stored)
            if each in own
        ]
        made = self._function(f"{self._named(kind)}({', '.join(parts)})")
        return _Once(made).__getitem__ if kind in self._alike else made


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

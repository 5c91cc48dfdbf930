"""For the IEs whose figure cannot be declared: bounded steps through octets, and their base class.

Such an IE brings `parse` and `layout`. Octets that `layout` would write otherwise (spare bits set,
a longer IE of a later release) are kept beside the value.
"""

import struct
from collections.abc import Callable
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Self

from pfcp.errors import InvalidLengthError, MandatoryIEIncorrectError
from pfcp.record import IE, Record


class Reader:
    """Bounded steps through the octets of one IE."""

    __slots__ = ("_at", "_buffer", "_end", "_name", "_start", "_type")

    def __init__(self, name: str, ie_type: int, buffer: bytes, start: int, end: int) -> None:
        self._name = name
        self._type = ie_type
        self._buffer = buffer
        self._start = self._at = start
        self._end = end

    @property
    def left(self) -> int:
        """Octets not taken yet."""
        return self._end - self._at

    def take(self, octets: int) -> bytes:
        """The next octets; refuses to pass the end of the IE."""
        at, self._at = self._at, self._at + octets
        if self._at > self._end:
            raise InvalidLengthError(
                f"{self._name} ({self._type}): {self._end - self._start} octets are too few",
                ie_type=self._type,
            )
        return self._buffer[at : self._at]

    def number(self, octets: int) -> int:
        """The next octets as a number."""
        return int.from_bytes(self.take(octets), "big")

    def ipv4(self, present: object) -> IPv4Address | None:
        """The next four octets as an address, if it is there."""
        return IPv4Address(self.take(4)) if present else None

    def ipv6(self, present: object) -> IPv6Address | None:
        """The next sixteen octets as an address, if it is there."""
        return IPv6Address(self.take(16)) if present else None

    def optional(self, present: object, octets: int) -> int | None:
        """The next octets as a number, if it is there."""
        return self.number(octets) if present else None

    def counted(self) -> bytes:
        """Octets after their number in one octet."""
        return self.take(self.number(1))

    def meaningless(self, what: str) -> MandatoryIEIncorrectError:
        """The error for octets of the right length and no meaning (TS 29.244 §7.6.8)."""
        return MandatoryIEIncorrectError(f"{self._name} ({self._type}): {what}", ie_type=self._type)


class OwnLayout(IE):
    """Base of an IE that parses and lays out itself."""

    __slots__ = ()

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Value of the octets the reader gives; what it leaves belongs to a later release."""
        raise NotImplementedError

    def layout(self) -> bytes:
        """Octets of the value."""
        raise NotImplementedError


def own_codec(cls: type[OwnLayout], name: str, ie_type: int) -> dict[str, Callable[..., Any]]:
    """`read` and `write` of such an IE."""
    parse, layout = cls.parse, cls.layout

    def read(buffer: bytes, start: int, end: int) -> OwnLayout:
        value = parse(Reader(name, ie_type, buffer, start, end))
        octets = buffer[start:end]
        try:
            is_ours = layout(value) == octets
        except (struct.error, ValueError):
            # What came can be said, and yet has no form of its own: a name with an endless label.
            is_ours = False
        if not is_ours:
            _keep(value, octets)
        return value

    def write(value: OwnLayout) -> bytes:
        return layout(value) if value.wire_form is None else value.wire_form

    return {"read": read, "write": write}


_keep = Record.__dict__["wire_form"].__set__


def known(enumeration: type[IntEnum], number: int) -> int:
    """The enumerator of a number, or the number."""
    try:
        return enumeration(number)
    except ValueError:
        return number


def below(number: int, limit: int) -> int:
    """A number that must be below a limit."""
    if not 0 <= number < limit:
        raise ValueError(f"{number} is not below {limit}")
    return number


def counted(octets: bytes) -> bytes:
    """Octets after their number in one octet."""
    return struct.pack(">B", len(octets)) + octets


def packed(*addresses: IPv4Address | IPv6Address | None) -> bytes:
    """Octets of the addresses that are there."""
    return b"".join(address.packed for address in addresses if address is not None)


def flags_of(*present: object) -> int:
    """A number with a bit for each that is there (neither None nor False), the lowest first."""
    return sum(
        1 << bit for bit, each in enumerate(present) if each is not None and each is not False
    )


def name_of(octets: bytes) -> str:
    """Dotted text of a name sent as plain text or as DNS labels (TS 23.003 §9.1).

    Labels are recognised by their lengths adding up; a plain name begins with a printable octet,
    which as a length would reach past its end.
    """
    labels, at = [], 0
    while at < len(octets):
        length = octets[at]
        at += 1
        if length == 0 and at == len(octets):
            break
        if length == 0 or at + length > len(octets):
            return octets.decode("latin-1")
        labels.append(octets[at : at + length])
        at += length
    return b".".join(labels).decode("latin-1")


def labels_of(name: str) -> bytes:
    """DNS labels of dotted text, without a root label, as PFCP sends them."""
    labels = [label.encode("latin-1") for label in name.split(".")] if name else []
    return b"".join(counted(label) for label in labels)

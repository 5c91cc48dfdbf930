"""What lies in a datagram, octet by octet, for people who look for a fault in it.

`messages.decode` takes a message whole or refuses it. Here everything that can be read is shown in
the order it came: unknown IEs, IEs of vendors, repeated ones, and behind an IE that cannot be read
the next. `Dissection.error` is what `messages.decode` says of the same octets.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from pfcp import header, messages, schema
from pfcp.errors import DecodeError
from pfcp.header import Header
from pfcp.schema import IESpec
from pfcp.source import TL, too_short
from pfcp.wire import Fixed

VENDOR_IES = 0x8000
"""IE types from here on belong to the enterprise named in their first two octets (§5.6.3)."""

MOST_ELEMENTS = 4096
"""Bound on the elements shown of one message: hostile octets hold sixteen thousand."""

MOST_DEPTH = 16
"""Bound on groups inside each other; the specification needs five."""


@dataclass(frozen=True, slots=True)
class Element:
    """One IE as it lies there; `octets` without type and length.

    One of `value`, `elements` (a grouped IE) or `error`; none of them for an IE that is not known.
    `ie_type` is None for octets that are no IE.
    """

    ie_type: int | None
    name: str
    octets: bytes
    value: Any = None
    elements: "tuple[Element, ...]" = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Dissection:
    """One message of a datagram. Without `head` the octets are no PFCP message at all."""

    head: Header | None
    name: str
    octets: bytes
    elements: tuple[Element, ...] = ()
    error: DecodeError | None = None


def dissect(octets: bytes) -> tuple[Dissection, ...]:
    """Every message of a datagram, the unreadable included; never raises for any octets."""
    found: list[Dissection] = []
    at, more = 0, True
    while more:
        try:
            head = header.decode_header(octets, at)
        except DecodeError as error:
            found.append(Dissection(None, "no PFCP message", octets[at:], (), error))
            break
        found.append(_dissect_message(head, octets, at))
        at, more = head.end, head.follow_on and head.end < len(octets)
    return tuple(found)


def _dissect_message(head: Header, octets: bytes, at: int) -> Dissection:
    spec = schema.MESSAGES.get(head.message_type)
    error = None
    try:
        messages.decode_body(head, octets)
    except DecodeError as refused:
        error = refused
    body = octets[head.start : head.end]
    name = spec.name if spec is not None else f"message type {head.message_type}"
    elements = tuple(_Walk().elements(body))
    return Dissection(head, name, octets[at : head.end], elements, error)


class _Walk:
    """One message; counts what it shows, and how deep it is."""

    def __init__(self) -> None:
        self._left = MOST_ELEMENTS
        self._depth = 0

    def elements(self, octets: bytes) -> Iterator[Element]:
        """The IEs that follow each other in some octets."""
        at = 0
        while at < len(octets):
            if not self._left:
                yield Element(None, "more", octets[at:], error="too many IEs to show")
                return
            self._left -= 1
            if at + TL.size > len(octets):
                yield Element(None, "rest", octets[at:], error="ends inside the header of an IE")
                return
            ie_type, length = TL.unpack_from(octets, at)
            at += TL.size
            yield self._element(ie_type, length, octets[at : at + length])
            at += length

    def _element(self, ie_type: int, length: int, octets: bytes) -> Element:
        spec = schema.IES.get(ie_type)
        name = _name(ie_type, spec, octets)
        if len(octets) < length:
            missing = f"{length - len(octets)} of its {length} octets are missing"
            return Element(ie_type, name, octets, error=missing)
        if spec is None:
            return Element(ie_type, name, octets)
        if spec.group_fields:
            return Element(ie_type, name, octets, elements=self._inside(octets))
        try:
            return Element(ie_type, name, octets, value=_value(spec, octets))
        except DecodeError as error:
            return Element(ie_type, name, octets, error=str(error))

    def _inside(self, octets: bytes) -> tuple[Element, ...]:
        if self._depth == MOST_DEPTH:
            return (Element(None, "more", octets, error="too deep to show"),)
        self._depth += 1
        elements = tuple(self.elements(octets))
        self._depth -= 1
        return elements


def _name(ie_type: int, spec: IESpec | None, octets: bytes) -> str:
    if spec is not None:
        return spec.name
    if ie_type >= VENDOR_IES and len(octets) >= 2:
        return f"IE {ie_type} of enterprise {int.from_bytes(octets[:2], 'big')}"
    return f"IE {ie_type}"


def _value(spec: IESpec, octets: bytes) -> Any:
    """Value of an IE that holds no others."""
    if spec.cls is not None:
        return spec.cls.decode(octets)
    return _reader_of(spec)(octets)


@cache
def _reader_of(spec: IESpec) -> Callable[[bytes], Any]:
    """Function from the octets of a plain IE to its value."""
    kind = spec.kind
    if not isinstance(kind, Fixed):
        return bytes
    numbers = struct.Struct(">" + kind.codes)
    raw = [f"r{number}" for number in range(len(kind.write))]
    names = {"IPv4Address": IPv4Address, "IPv6Address": IPv6Address, "UUID": UUID}
    source = f"lambda {', '.join(raw)}: {kind.read.format(*raw)}"
    assemble = eval(source, names)  # noqa: S307 -- our own text
    known = {int(item): item for item in spec.enumeration or ()}

    def read(octets: bytes) -> Any:
        if len(octets) < numbers.size:
            raise too_short(spec.name, spec.ie_type, len(octets))
        value = assemble(*numbers.unpack_from(octets))
        return known.get(value, value)

    return read

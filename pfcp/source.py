"""The source text of one class's codec: its lines, the objects they name, and its compilation.

Generated functions are `read(buffer, start, end) -> value` and `write(value) -> octets`, both
without type and length. A local `v_<field>` holds what a field will be; `at` is the offset reached.
"""

import linecache
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from pfcp.errors import InvalidLengthError, MandatoryIEMissingError
from pfcp.record import Record
from pfcp.schema import IESpec, MessageSpec
from pfcp.wire import Fixed

TL = struct.Struct(">HH")
"""Type and length before every IE."""

_sources: dict[type, str] = {}


def source_of(cls: type) -> str:
    """The generated source of a class; empty where it reads and writes itself."""
    return _sources.get(cls, "")


def fit(value: int, mask: int) -> int:
    """A number that may use only the bits of `mask`."""
    if not 0 <= value <= mask:
        raise ValueError(f"{value} needs more than the bits of {mask:#x}")
    return value


def exactly(octets: bytes, length: int) -> bytes:
    """Octets of that length: struct alone would cut or pad them."""
    if len(octets) != length:
        raise ValueError(f"{len(octets)} octets where {length} belong")
    return octets


def plmn_of(octets: bytes) -> str:
    """MCC and MNC from their swapped digits (TS 24.008 §10.5.1.4): five digits or six."""
    low, middle, high = (f"{octet:02x}" for octet in octets)
    digits = low[1] + low[0] + middle[1] + high[1] + high[0]
    return digits if middle[0] == "f" else digits + middle[0]


def octets_of_plmn(plmn: str) -> bytes:
    """The three octets of MCC and MNC."""
    digits = plmn.ljust(6, "f")
    if len(digits) != 6:
        raise ValueError(f"PLMN {plmn!r} has more than six digits")
    return bytes.fromhex("".join(digits[place] for place in (1, 0, 5, 2, 4, 3)))


def texts_of(octets: bytes, name: str, ie_type: int) -> tuple[str, ...]:
    """Texts each after its length in two octets."""
    texts, at = [], 0
    while at < len(octets):
        start = at + 2
        at = start + int.from_bytes(octets[at:start], "big")
        if max(start, at) > len(octets):
            raise too_short(name, ie_type, len(octets))
        texts.append(octets[start:at].decode("latin-1"))
    return tuple(texts)


def octets_of_texts(texts: Iterable[str]) -> bytes:
    """Texts each after its length in two octets."""
    octets = (text.encode("latin-1") for text in texts)
    return b"".join(struct.pack(">H", len(text)) + text for text in octets)


def pairs_of(octets: bytes, name: str, ie_type: int) -> tuple[tuple[str, str], ...]:
    """Texts two by two."""
    texts = texts_of(octets, name, ie_type)
    if len(texts) % 2:
        raise too_short(name, ie_type, len(octets))
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def octets_of_pairs(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Texts two by two."""
    return octets_of_texts(text for pair in pairs for text in pair)


def too_short(name: str, ie_type: int, octets: int) -> InvalidLengthError:
    """An IE whose octets end before its fields do (TS 29.244 §7.6.7)."""
    return InvalidLengthError(f"{name} ({ie_type}): {octets} octets are too few", ie_type=ie_type)


def no_header(name: str, ie_type: int) -> InvalidLengthError:
    """Octets inside a group that are too few for a type and a length."""
    return InvalidLengthError(f"{name}: ends inside the header of an IE", ie_type=ie_type)


def overrun(name: str, ie_type: int, length: int) -> InvalidLengthError:
    """An IE that is longer than what holds it."""
    return InvalidLengthError(
        f"IE {ie_type} of {length} octets does not end within {name}", ie_type=ie_type
    )


def missing(name: str, field: str, ie_type: int) -> MandatoryIEMissingError:
    """A group without an IE it must hold (TS 29.244 §7.6.6)."""
    return MandatoryIEMissingError(f"{name} lacks {field} ({ie_type})", ie_type=ie_type)


EXPRESSIONS: dict[str, Any] = {
    each.__name__: each
    for each in (
        IPv4Address,
        IPv6Address,
        UUID,
        exactly,
        fit,
        octets_of_pairs,
        octets_of_plmn,
        octets_of_texts,
        pairs_of,
        plmn_of,
        texts_of,
    )
}
"""What the expressions of `pfcp.wire` may name."""


class SourceWriter:
    """Collects the lines of one class's codec and the objects they name."""

    def __init__(self, cls: type, spec: IESpec | MessageSpec) -> None:
        self.cls = cls
        self.lines: list[str] = []
        self.namespace: dict[str, Any] = {
            **EXPRESSIONS,
            "cls": cls,
            "new": object.__new__,
            "too_short": too_short,
            "no_header": no_header,
            "overrun": overrun,
            "missing": missing,
            "read_tl": TL.unpack_from,
            "pack_tl": TL.pack,
            "from_bytes": int.from_bytes,
            "NAME": spec.name,
            "TYPE": spec.ie_type if isinstance(spec, IESpec) else 0,
        }

    def run(self) -> dict[str, Any]:
        """Compile what was written."""
        source = "\n".join(self.lines) + "\n"
        file = f"<pfcp codec of {self.cls.__name__}>"
        _sources[self.cls] = source
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), self.namespace)  # noqa: S102 -- our own text
        return self.namespace

    def put(self, depth: int, *lines: str) -> None:
        """Add lines, `depth` levels in."""
        self.lines.extend("    " * depth + line for line in lines)

    def bind(self, name: str, value: Any) -> str:
        """Make an object known to the source under a name."""
        self.namespace[name] = value
        return name

    def unpack(self, codes: str) -> str:
        """Name of the unpack_from of a format."""
        return self.bind(f"unpack_{codes}", struct.Struct(">" + codes).unpack_from)

    def pack(self, codes: str) -> str:
        """Name of the pack of a format."""
        return self.bind(f"pack_{codes}", struct.Struct(">" + codes).pack)

    def enumerated(self, expression: str, enumeration: Any) -> str:
        """Expression that turns a number into its enumerator, or leaves it a number."""
        if enumeration is None:
            return expression
        name = self.bind(
            f"{enumeration.__name__}_of", {int(item): item for item in enumeration}.get
        )
        return f"{name}(raw := {expression}, raw)"

    def build(self, names: Iterable[str], wire: str) -> None:
        """Lines that make the value from local variables v_<field>."""
        self.put(1, "value = new(cls)")
        for name in names:
            setter = self.bind(f"set_{name}", getattr(self.cls, name).__set__)
            self.put(1, f"{setter}(value, v_{name})")
        setter = self.bind("set_wire_form", Record.__dict__["wire_form"].__set__)
        self.put(1, f"{setter}(value, {wire})")

    def read_fixed(self, depth: int, kind: Fixed, at: str) -> list[str]:
        """Lines that unpack a fixed kind at an offset; returns the names of its raw numbers."""
        raw = [f"r{number}" for number in range(len(kind.write))]
        self.put(depth, f"{', '.join(raw)}, = {self.unpack(kind.codes)}(buffer, {at})")
        return raw

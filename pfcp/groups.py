"""Writes the codec of what holds IEs: grouped IEs and messages.

The branch of an IE type is found by halving, without a call for each field. `wire_form` of a
decoded group is the order of its IEs if ours would differ, as `survey` notes it.
"""

import struct
from collections import defaultdict, deque
from collections.abc import Callable
from functools import cache
from typing import Any

from pfcp.keeping import keeping
from pfcp.record import Record, VendorIE
from pfcp.schema import GroupField, IESpec, MessageSpec, Presence
from pfcp.source import EXPRESSIONS, TL, SourceWriter
from pfcp.wire import Fixed

FIRST_VENDOR_TYPE = 32768
"""IE types from here on belong to vendors (§8.1.1)."""

Place = tuple[int, int]
"""Number of a field and which of its values; the number behind the last stands for vendor IEs."""

Order = tuple[bytes | Place, ...]
"""For each IE its place, or its octets."""

_VENDOR = struct.Struct(">HHH")

_DIFFERENT = frozenset({57, 84, 93, 141})
"""IEs that differ from session to session: F-SEID, a peer's tunnel, UE address, user identity."""

_kept_reader_of = cache(keeping)


def write_group_codec(cls: type, spec: IESpec | MessageSpec) -> dict[str, Any]:
    """Namespace with the `read` and `write` of a grouped IE or a message."""
    writer = GroupWriter(cls, spec)
    writer.read_group()
    writer.write_group()
    return writer.run()


def vendor_ie(ie_type: int, buffer: bytes, start: int, end: int) -> VendorIE:
    """The IE of a vendor between two offsets, at least two octets apart."""
    return VendorIE(
        ie_type=ie_type,
        enterprise_id=int.from_bytes(buffer[start : start + 2], "big"),
        octets=buffer[start + 2 : end],
    )


def octets_of_vendor_ie(value: VendorIE) -> bytes:
    """The IE of a vendor with its type and length."""
    if value.ie_type < FIRST_VENDOR_TYPE:
        raise ValueError(f"IE type {value.ie_type} is not a vendor's")
    return _VENDOR.pack(value.ie_type, 2 + len(value.octets), value.enterprise_id) + value.octets


@cache
def encoder_of(spec: IESpec) -> Callable[[Any], bytes]:
    """Function from a value to the IE with its type and length, whatever its shape."""
    write = spec.cls.write if spec.cls is not None else _scalar_writer(spec)

    def encode(value: Any) -> bytes:
        body = write(value)
        return TL.pack(spec.ie_type, len(body)) + body

    return encode


def _scalar_writer(spec: IESpec) -> Callable[[Any], bytes]:
    kind = spec.kind
    if not isinstance(kind, Fixed):
        return bytes
    arguments = ", ".join(part.format(v="value") for part in kind.write)
    namespace = {**EXPRESSIONS, "pack": struct.Struct(">" + kind.codes).pack}
    exec(f"def write(value): return pack({arguments})", namespace)  # noqa: S102 -- our own text
    writer: Callable[[Any], bytes] = namespace["write"]
    return writer


def survey(
    buffer: bytes, start: int, end: int, owner: Record, group: tuple[GroupField, ...]
) -> Order:
    """The IEs of a decoded group in the order they came.

    Each is its place among the values, or the octets of an IE that no value gives back: unknown,
    repeated where one is meant, or coded as this program would not.
    """
    due: dict[int, deque[Place]] = defaultdict(deque)
    for number in range(len(group) + 1):
        for which, value in enumerate(_values_of(owner, group, number)):
            ie_type = group[number].ie.ie_type if number < len(group) else value.ie_type
            due[ie_type].append((number, which))
    order: list[bytes | Place] = []
    while start < end:
        ie_type, length = TL.unpack_from(buffer, start)
        octets = buffer[start : start + 4 + length]
        start += len(octets)
        if due.get(ie_type):
            place = due[ie_type].popleft()
            order.append(place if _octets_at(owner, group, place) == octets else octets)
        else:
            order.append(octets)
    return tuple(order)


def resurvey(owner: Record, order: Order, group: tuple[GroupField, ...]) -> bytes:
    """Octets of a group in the order `survey` noted."""
    return b"".join(
        item if isinstance(item, bytes) else _octets_at(owner, group, item) for item in order
    )


def _octets_at(owner: Record, group: tuple[GroupField, ...], place: Place) -> bytes:
    number, which = place
    value = _values_of(owner, group, number)[which]
    if number == len(group):
        return octets_of_vendor_ie(value)
    return encoder_of(group[number].ie)(value)


def _values_of(owner: Record, group: tuple[GroupField, ...], number: int) -> tuple[Any, ...]:
    if number == len(group):
        return owner.vendor_ies  # type: ignore[attr-defined, no-any-return]
    value = getattr(owner, group[number].name)
    if group[number].presence is Presence.SEVERAL:
        return value  # type: ignore[no-any-return]
    return () if value is None else (value,)


class GroupWriter(SourceWriter):
    """The source of one group."""

    def __init__(self, cls: type, spec: IESpec | MessageSpec) -> None:
        super().__init__(cls, spec)
        self.fields = spec.group_fields
        self.header = ["sequence_number", "message_priority"]
        if not isinstance(spec, MessageSpec):
            self.header = []
        elif hasattr(cls, "seid"):
            self.header.append("seid")
        self.is_message = isinstance(spec, MessageSpec)
        self.by_type: dict[int, list[tuple[int, GroupField]]] = {}
        """Fields of one IE type with their ranks: the first such IE is for the first of them."""
        for rank, field in enumerate(self.fields):
            self.by_type.setdefault(field.ie.ie_type, []).append((rank, field))
        self.bind("FIELDS", self.fields)
        self.bind("vendor_ie", vendor_ie)
        self.bind("octets_of_vendor_ie", octets_of_vendor_ie)
        self.bind("survey", survey)
        self.bind("resurvey", resurvey)

    def read_group(self) -> None:
        """IEs in any order; a message also takes the fields of its header."""
        header = ", sequence_number, message_priority, seid" if self.is_message else ""
        self.put(0, f"def read(buffer, start, end{header}):")
        for field in self.fields:
            empty = "()" if field.presence is Presence.SEVERAL else "None"
            self.put(1, f"v_{field.name} = {empty}")
        self.put(1, "v_vendor_ies = ()")
        self.put(1, "rank, odd, at = 0, False, start", "while at < end:")
        self.put(2, "if at + 4 > end: raise no_header(NAME, TYPE)")
        self.put(2, "ie_type, length = read_tl(buffer, at)", "at, until = at + 4, at + 4 + length")
        self.put(2, "if until > end: raise overrun(NAME, ie_type, length)")
        self.branches(2, sorted(self.by_type), is_last=True)
        self.put(2, "at = until")
        for field in self.fields:
            self.settle(field)
        self.put(1, "if v_vendor_ies: v_vendor_ies = tuple(v_vendor_ies)")
        for name in self.header:
            self.put(1, f"v_{name} = {name}")
        names = [field.name for field in self.fields]
        self.build([*names, "vendor_ies", *self.header], "None")
        # An odd form is rare: only then are the octets walked again.
        self.put(1, "if odd: set_wire_form(value, survey(buffer, start, end, value, FIELDS))")
        self.put(1, "return value")

    def settle(self, field: GroupField) -> None:
        """What is known of a field once every IE was seen."""
        name = f"v_{field.name}"
        absent = f"raise missing(NAME, {field.ie.name!r}, {field.ie.ie_type})"
        if field.presence is Presence.SEVERAL:
            self.put(1, f"if {name}: {name} = tuple({name})")
            if field.at_least_one:
                self.put(1, f"else: {absent}")
        elif field.presence is Presence.MANDATORY:
            self.put(1, f"if {name} is None: {absent}")

    def branches(self, depth: int, types: list[int], *, is_last: bool) -> None:
        """Find the branch of `ie_type` by halving; types of vendors end in the last."""
        if len(types) > 3:
            middle = len(types) // 2
            self.put(depth, f"if ie_type < {types[middle]}:")
            self.branches(depth + 1, types[:middle], is_last=False)
            self.put(depth, "else:")
            self.branches(depth + 1, types[middle:], is_last=is_last)
            return
        word = "if"
        for ie_type in types:
            self.put(depth, f"{word} ie_type == {ie_type}:")
            self.branch(depth + 1, self.by_type[ie_type])
            word = "elif"
        if is_last:
            self.put(depth, f"{word} ie_type >= {FIRST_VENDOR_TYPE} and length > 1:")
            self.append(depth + 1, "v_vendor_ies", "vendor_ie(ie_type, buffer, at, until)")
            self.put(depth + 1, f"rank = {len(self.fields)}")
        self.put(depth, "else: odd = True")

    def branch(self, depth: int, fields: list[tuple[int, GroupField]]) -> None:
        """Take one IE: more than are meant do not count (TS 29.244 §7.6.10)."""
        word = "if"
        for rank, field in fields:
            name = f"v_{field.name}"
            if field.presence is Presence.SEVERAL:
                self.read_value(depth, "item", field.ie)
                self.append(depth, name, "item")
                self.ranked(depth, rank)
                return
            self.put(depth, f"{word} {name} is None:")
            self.read_value(depth + 1, name, field.ie)
            self.ranked(depth + 1, rank)
            word = "elif"
        self.put(depth, "else: odd = True")

    def append(self, depth: int, name: str, item: str) -> None:
        """Add to a list that is made when first needed."""
        self.put(depth, f"if {name}: {name}.append({item})", f"else: {name} = [{item}]")

    def ranked(self, depth: int, rank: int) -> None:
        """Note where an IE came before another that this program would put first."""
        self.put(depth, f"if rank > {rank}: odd = True", f"rank = {rank}")

    def read_value(self, depth: int, name: str, ie: IESpec) -> None:
        """Lines that put the value of an IE between `at` and `until` into a variable."""
        if ie.cls is not None:
            read = ie.cls.read if ie.ie_type in _DIFFERENT else _kept_reader_of(ie.cls.read)
            reader = self.bind(f"read_{ie.cls.__name__}", read)
            self.put(depth, f"{name} = {reader}(buffer, at, until)")
            return
        if not isinstance(ie.kind, Fixed):
            self.put(depth, f"{name} = buffer[at:until]")
            return
        kind = ie.kind
        self.put(
            depth, f"if length < {kind.size}: raise too_short({ie.name!r}, {ie.ie_type}, length)"
        )
        raw = self.read_fixed(depth, kind, "at")
        self.put(depth, f"{name} = {self.enumerated(kind.read.format(*raw), ie.enumeration)}")
        spare = f" or r0 > {kind.mask}" if kind.mask is not None else ""
        self.put(depth, f"if length != {kind.size}{spare}: odd = True")

    def write_group(self) -> None:
        """IEs in the order declared, or as they came."""
        self.put(0, "def write(value):")
        self.put(
            1, "if value.wire_form is not None: return resurvey(value, value.wire_form, FIELDS)"
        )
        self.put(1, "parts = []")
        for field in self.fields:
            if field.presence is Presence.SEVERAL:
                self.put(1, f"for v in value.{field.name}:")
                self.write_value(2, field.ie)
            elif field.presence is Presence.OPTIONAL:
                self.put(1, f"v = value.{field.name}", "if v is not None:")
                self.guard(field)
                self.write_value(2, field.ie)
            else:
                self.put(1, f"v = value.{field.name}")
                self.write_value(1, field.ie)
        self.put(1, "for v in value.vendor_ies: parts.append(octets_of_vendor_ie(v))")
        self.put(1, "return b''.join(parts)")

    def guard(self, field: GroupField) -> None:
        """The second IE of a type cannot be told from the first where that is left out."""
        first = self.by_type[field.ie.ie_type][0][1]
        if first is not field:
            reads_as = f"{field.name} without {first.name} reads as {first.name}"
            self.put(2, f"if value.{first.name} is None: raise ValueError({reads_as!r})")

    def write_value(self, depth: int, ie: IESpec) -> None:
        """Lines that add one IE with the value `v`."""
        if ie.cls is not None:
            self.put(depth, f"octets = {self.bind(f'write_{ie.cls.__name__}', ie.cls.write)}(v)")
            self.put(depth, f"parts += (pack_tl({ie.ie_type}, len(octets)), octets)")
        elif isinstance(ie.kind, Fixed):
            parts = ", ".join(part.format(v="v") for part in ie.kind.write)
            pack = self.pack("HH" + ie.kind.codes)
            self.put(depth, f"parts.append({pack}({ie.ie_type}, {ie.kind.size}, {parts}))")
        else:
            self.put(depth, f"parts += (pack_tl({ie.ie_type}, len(v)), v)")

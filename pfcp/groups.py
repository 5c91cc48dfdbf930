"""Writes the codec of what holds IEs: grouped IEs and messages.

The branch of an IE type is found by halving, without a call for each field. `wire_form` of a
decoded group is the order of its IEs if ours would differ, as `survey` notes it.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import Any

from pfcp.record import Record
from pfcp.schema import GroupField, IESpec, MessageSpec, Presence
from pfcp.source import TL, SourceWriter, fit
from pfcp.wire import Fixed

Order = tuple[bytes | tuple[int, int], ...]
"""For each IE (number of its field, which of the field's values), or its octets."""


def write_group_codec(cls: type, spec: IESpec | MessageSpec) -> dict[str, Any]:
    """Namespace with the `read` and `write` of a grouped IE or a message."""
    writer = GroupWriter(cls, spec)
    writer.read_group()
    writer.write_group()
    return writer.run()


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
    namespace: dict[str, Any] = {"fit": fit, "pack": struct.Struct(">" + kind.codes).pack}
    exec(f"def write(value): return pack({arguments})", namespace)  # noqa: S102 -- our own text
    writer: Callable[[Any], bytes] = namespace["write"]
    return writer


def survey(
    buffer: bytes, start: int, end: int, owner: Record, group: tuple[GroupField, ...]
) -> Order:
    """The IEs of a decoded group in the order they came.

    Each is (number of the field, which of its values), or the octets of an IE that no value gives
    back: unknown, repeated where one is meant, or coded as this program would not.
    """
    number_of = {field.ie.ie_type: number for number, field in enumerate(group)}
    seen = [0] * len(group)
    order: list[bytes | tuple[int, int]] = []
    while start < end:
        ie_type, length = TL.unpack_from(buffer, start)
        octets = buffer[start : start + 4 + length]
        start += len(octets)
        number = number_of.get(ie_type)
        if number is None:
            order.append(octets)
            continue
        which, values = seen[number], _values_of(owner, group[number])
        seen[number] += 1
        known = which < len(values) and encoder_of(group[number].ie)(values[which]) == octets
        order.append((number, which) if known else octets)
    return tuple(order)


def resurvey(owner: Record, order: Order, group: tuple[GroupField, ...]) -> bytes:
    """Octets of a group in the order `survey` noted."""
    parts: list[bytes] = []
    for item in order:
        if isinstance(item, bytes):
            parts.append(item)
        else:
            number, which = item
            field = group[number]
            parts.append(encoder_of(field.ie)(_values_of(owner, field)[which]))
    return b"".join(parts)


def _values_of(owner: Record, field: GroupField) -> tuple[Any, ...]:
    value = getattr(owner, field.name)
    if field.presence is Presence.SEVERAL:
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
        self.bind("FIELDS", self.fields)
        self.bind("survey", survey)
        self.bind("resurvey", resurvey)

    def read_group(self) -> None:
        """IEs in any order; a message also takes the fields of its header."""
        header = ", sequence_number, message_priority, seid" if self.is_message else ""
        self.put(0, f"def read(buffer, start, end{header}):")
        for field in self.fields:
            empty = "()" if field.presence is Presence.SEVERAL else "None"
            self.put(1, f"v_{field.name} = {empty}")
        self.put(1, "rank, odd, at = 0, False, start", "while at < end:")
        self.put(2, "if at + 4 > end: raise no_header(NAME, TYPE)")
        self.put(2, "ie_type, length = read_tl(buffer, at)", "at, until = at + 4, at + 4 + length")
        self.put(2, "if until > end: raise overrun(NAME, ie_type, length)")
        self.branches(2, sorted(enumerate(self.fields), key=lambda item: item[1].ie.ie_type))
        self.put(2, "at = until")
        for field in self.fields:
            self.settle(field)
        for name in self.header:
            self.put(1, f"v_{name} = {name}")
        self.build([field.name for field in self.fields] + self.header, "None")
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

    def branches(self, depth: int, ranked: list[tuple[int, GroupField]]) -> None:
        """Find the branch of `ie_type` by halving."""
        if len(ranked) > 3:
            middle = len(ranked) // 2
            self.put(depth, f"if ie_type < {ranked[middle][1].ie.ie_type}:")
            self.branches(depth + 1, ranked[:middle])
            self.put(depth, "else:")
            self.branches(depth + 1, ranked[middle:])
            return
        word = "if"
        for rank, field in ranked:
            self.put(depth, f"{word} ie_type == {field.ie.ie_type}:")
            self.branch(depth + 1, rank, field)
            word = "elif"
        self.put(depth, *(["else: odd = True"] if ranked else ["odd = True"]))

    def branch(self, depth: int, rank: int, field: GroupField) -> None:
        """Take one IE: repeated where one is meant, only the first counts (TS 29.244 §7.6.10)."""
        name, last = f"v_{field.name}", rank
        if field.presence is Presence.SEVERAL:
            self.read_value(depth, "item", field.ie)
            self.put(depth, f"if {name}: {name}.append(item)", f"else: {name} = [item]")
        else:
            self.put(depth, f"if {name} is None:")
            self.read_value(depth + 1, name, field.ie)
            self.put(depth, "else: odd = True")
        self.put(depth, f"if rank > {last}: odd = True", f"rank = {last}")

    def read_value(self, depth: int, name: str, ie: IESpec) -> None:
        """Lines that put the value of an IE between `at` and `until` into a variable."""
        if ie.cls is not None:
            reader = self.bind(f"read_{ie.cls.__name__}", ie.cls.read)
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
                self.write_value(2, field.ie)
            else:
                self.put(1, f"v = value.{field.name}")
                self.write_value(1, field.ie)
        self.put(1, "return b''.join(parts)")

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

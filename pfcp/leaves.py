"""Writes the codec of an IE that holds no other IEs: flag octets, then fields in their order.

`wire_form` of a decoded leaf is its octets if encoding the fields would give others.
"""

import struct
from typing import Any

from pfcp.schema import IESpec, LeafField, Presence
from pfcp.source import SourceWriter
from pfcp.wire import Bits, Fixed, Flag, Octets

SHARED_LIMIT = 1024
"""Bound on the decoded values of a flags-only IE kept for sharing."""

_FLAG_CODES = {0: "", 1: "B", 2: "H"}


def write_leaf_codec(spec: IESpec) -> dict[str, Any]:
    """Namespace with the `read` and `write` of an IE."""
    assert spec.cls is not None
    writer = LeafWriter(spec.cls, spec)
    if all(isinstance(field.kind, Flag | Bits) for field in spec.leaf_fields):
        writer.flags_only()
    else:
        writer.read_leaf()
        writer.write_leaf()
    return writer.run()


class LeafWriter(SourceWriter):
    """The source of one leaf."""

    def __init__(self, cls: type, spec: IESpec) -> None:
        super().__init__(cls, spec)
        self.spec = spec
        fields = [field for field in spec.leaf_fields if not isinstance(field.kind, Flag | Bits)]
        head = 0
        while head < len(fields) and _is_always_there(fields[head]):
            head += 1
        self.head = fields[:head]
        """Fields that are always there at the same place, unpacked at once with the flags."""
        self.tail = fields[head:]

    def flags_only(self) -> None:
        """An IE of flag octets alone: few values exist, so decoded ones are shared."""
        spec, size, least = self.spec, self.spec.flag_octets, self.spec.least_octets
        self.bind("shared", {})
        self.put(0, "def read(buffer, start, end):")
        self.put(1, "octets = buffer[start:end]", "value = shared.get(octets)")
        self.put(1, "if value is not None: return value")
        self.put(1, f"if end - start < {least}: raise too_short(NAME, TYPE, end - start)")
        self.put(1, f"flags = from_bytes(octets[:{size}].ljust({size}, b'\\0'), 'big')")
        for field in spec.leaf_fields:
            self.put(1, f"v_{field.name} = {self.from_flags(field)}")
        self.build((field.name for field in spec.leaf_fields), "None")
        self.put(1, "if write(value) != octets: set_wire_form(value, octets)")
        # Longer ones are not kept: a peer could fill the memory with them.
        self.put(1, f"if len(shared) < {SHARED_LIMIT} and end - start <= {size}:")
        self.put(2, "shared[octets] = value")
        self.put(1, "return value")
        self.put(0, "def write(value):")
        self.put(1, "if value.wire_form is not None: return value.wire_form")
        self.put(1, f"octets = ({self.to_flags()}).to_bytes({size}, 'big')")
        if spec.is_trimmed:
            self.put(1, f"return octets[:{least}] + octets[{least}:].rstrip(b'\\0')")
        else:
            self.put(1, "return octets")

    def from_flags(self, field: LeafField) -> str:
        """Expression for a field that lies in `flags`."""
        size = self.spec.flag_octets
        if isinstance(field.kind, Flag):
            return f"flags & {field.kind.mask(size)} != 0"
        assert isinstance(field.kind, Bits)
        shifted = f"flags >> {field.kind.shift(size)} & {field.kind.mask}"
        return self.enumerated(shifted, field.enumeration)

    def to_flags(self) -> str:
        """Expression for the flag octets as one number."""
        terms, size = [], self.spec.flag_octets
        for field in self.spec.leaf_fields:
            value = f"value.{field.name}"
            if isinstance(field.kind, Flag):
                terms.append(f"({field.kind.mask(size)} if {value} else 0)")
            elif isinstance(field.kind, Bits):
                terms.append(f"fit({value}, {field.kind.mask}) << {field.kind.shift(size)}")
            elif field.flag is not None:
                terms.append(f"({field.flag.mask(size)} if {value} is not None else 0)")
        return " | ".join(terms) or "0"

    def spare_flags(self) -> int:
        """Mask of the bits of the flag octets that mean nothing."""
        size = self.spec.flag_octets
        spare = (1 << 8 * size) - 1
        for field in self.spec.leaf_fields:
            if isinstance(field.kind, Bits):
                spare &= ~(field.kind.mask << field.kind.shift(size))
            for flag in (field.kind, field.flag):
                if isinstance(flag, Flag):
                    spare &= ~flag.mask(size)
        return spare

    def read_leaf(self) -> None:
        """Flags and leading fixed fields in one unpack, then one step for each other field."""
        odd = ["at != end"]
        self.put(0, "def read(buffer, start, end):")
        odd += self.read_head()
        for field in self.spec.leaf_fields:
            if isinstance(field.kind, Flag | Bits):
                self.put(1, f"v_{field.name} = {self.from_flags(field)}")
        spare = self.spare_flags()
        if spare:
            odd.append(f"flags & {spare}")
        for field in self.tail:
            odd += self.read_step(field)
        names = [field.name for field in self.spec.leaf_fields]
        self.build(names, f"buffer[start:end] if {' or '.join(odd)} else None")
        self.put(1, "return value")

    def read_head(self) -> list[str]:
        """What is always there, in one unpack; returns conditions for an odd form."""
        flag_codes = _FLAG_CODES[self.spec.flag_octets]
        codes, numbers = flag_codes, ["flags"] if flag_codes else []
        steps, odd = [], []
        for field in self.head:
            kind = field.kind
            assert isinstance(kind, Fixed)
            raw = [f"r{len(numbers) + number}" for number in range(len(kind.write))]
            value = self.enumerated(kind.read.format(*raw), field.enumeration)
            steps.append(f"v_{field.name} = {value}")
            if kind.mask is not None:
                odd.append(f"{raw[0]} > {kind.mask}")
            numbers += raw
            codes += kind.codes
        size = struct.calcsize(">" + codes)
        self.put(1, f"if end - start < {size}: raise too_short(NAME, TYPE, end - start)")
        if codes:
            self.put(1, f"{', '.join(numbers)}, = {self.unpack(codes)}(buffer, start)", *steps)
        self.put(1, f"at = start + {size}")
        return odd

    def read_step(self, field: LeafField) -> list[str]:
        """One field that may be absent or of any length; returns conditions for an odd form."""
        depth, name = 1, f"v_{field.name}"
        if field.presence is Presence.OPTIONAL:
            here = "at < end"
            if field.flag is not None:
                here = f"flags & {field.flag.mask(self.spec.flag_octets)}"
            self.put(1, f"{name} = None", f"if {here}:")
            depth = 2
        if isinstance(field.kind, Octets):
            self.read_octets(depth, name, field.kind)
            return []
        kind = field.kind
        assert isinstance(kind, Fixed)
        self.put(depth, f"if at + {kind.size} > end: raise too_short(NAME, TYPE, end - start)")
        raw = self.read_fixed(depth, kind, "at")
        self.put(depth, f"{name} = {self.enumerated(kind.read.format(*raw), field.enumeration)}")
        if kind.mask is None:
            self.put(depth, f"at += {kind.size}")
            return []
        self.put(depth, f"at_{field.name}, at = at, at + {kind.size}")
        return [f"{name} is not None and buffer[at_{field.name}] > {kind.mask}"]

    def read_octets(self, depth: int, name: str, kind: Octets) -> None:
        """Octets after their length, or to the end of the IE."""
        value = kind.read.format(v=f"buffer[at:{'until' if kind.prefix else 'end'}]")
        if kind.prefix:
            prefix = struct.calcsize(">" + kind.prefix)
            self.put(depth, f"if at + {prefix} > end: raise too_short(NAME, TYPE, end - start)")
            self.put(depth, f"length, = {self.unpack(kind.prefix)}(buffer, at)")
            self.put(depth, f"at += {prefix}", "until = at + length")
            self.put(depth, "if until > end: raise too_short(NAME, TYPE, end - start)")
            self.put(depth, f"{name} = {value}", "at = until")
        else:
            self.put(depth, f"{name} = {value}", "at = end")

    def write_leaf(self) -> None:
        """Flags from the fields, then the fields."""
        codes = _FLAG_CODES[self.spec.flag_octets]
        arguments = [self.to_flags()] if codes else []
        for field in self.head:
            assert isinstance(field.kind, Fixed)
            codes += field.kind.codes
            arguments += [part.format(v=f"value.{field.name}") for part in field.kind.write]
        self.put(0, "def write(value):")
        self.put(1, "if value.wire_form is not None: return value.wire_form")
        packed = f"{self.pack(codes)}({', '.join(arguments)})" if codes else "b''"
        self.put(1, f"octets = {packed}")
        for field in self.tail:
            self.put(1, f"v = value.{field.name}")
            depth = 1
            if field.presence is Presence.OPTIONAL:
                self.put(1, "if v is not None:")
                depth = 2
            self.write_step(depth, field)
        self.put(1, "return octets")

    def write_step(self, depth: int, field: LeafField) -> None:
        """Lines that add the value `v` of a field."""
        if isinstance(field.kind, Fixed):
            parts = ", ".join(part.format(v="v") for part in field.kind.write)
            self.put(depth, f"octets += {self.pack(field.kind.codes)}({parts})")
            return
        assert isinstance(field.kind, Octets)
        if field.kind.write != "{v}":
            self.put(depth, f"v = {field.kind.write.format(v='v')}")
        if field.kind.prefix:
            self.put(depth, f"octets += {self.pack(field.kind.prefix)}(len(v))")
        self.put(depth, "octets += v")


def _is_always_there(field: LeafField) -> bool:
    return isinstance(field.kind, Fixed) and field.presence is Presence.MANDATORY

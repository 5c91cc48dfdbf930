"""The state of one gress at work on one packet, and what the program does to the packet.

Only valid headers are kept. A field of an invalid header reads as 0 and is not written; a header
made valid begins with all fields 0 (P4-16 leaves the three undefined).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from p4xdp import ir
from p4xdp.dataplane import Entry
from p4xdp.interp.observer import Observer
from p4xdp.interp.store import Store


class PacketTooShortError(Exception):
    """The parser asks for more than is left of the packet; ends parsing."""


@dataclass(slots=True)
class Machine:
    """One gress, one packet.

    `frame` is what the parser reads and what counters and meters take the length of; `device` holds
    the fields of the intrinsic metadata header. `arguments` and `entry` belong to the table entry
    whose action runs. `mirrored` are the copies that the deparser has asked for: the session, and
    what stands in front; `digests` the values it has packed. `observer` is told what happens.
    """

    gress: ir.Gress
    store: Store
    frame: bytes
    now_ns: int
    device: Mapping[str, int]
    cursor_bits: int = 0
    variables: dict[str, int] = field(default_factory=dict)
    headers: dict[str, dict[str, int]] = field(default_factory=dict)
    emitted: bytearray = field(default_factory=bytearray)
    arguments: tuple[int, ...] = ()
    entry: Entry | None = None
    mirrored: list[tuple[int, bytes]] = field(default_factory=list)
    digests: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    observer: Observer | None = None

    def role(self, name: str) -> int:
        """Return what the program left in intrinsic metadata; 0 if it does not know the field."""
        variable = self.gress.roles.get(name)
        return 0 if variable is None else self.variables.get(variable.name, 0)

    def set_role(self, name: str, value: int) -> None:
        """Give the program intrinsic metadata, if it takes it."""
        variable = self.gress.roles.get(name)
        if variable is not None:
            self.variables[variable.name] = value & mask(variable.width)

    def peek(self, width: int) -> int:
        """Return the next `width` bits of the frame; PacketTooShortError if there are fewer."""
        after_bits = len(self.frame) * 8 - self.cursor_bits - width
        if after_bits < 0:
            raise PacketTooShortError
        return int.from_bytes(self.frame, "big") >> after_bits & mask(width)

    def advance(self, width: int) -> None:
        """Skip `width` bits of the frame."""
        self.peek(width)
        self.cursor_bits += width

    def extract(self, header: ir.Header) -> None:
        """Make `header` valid with what comes next, or with what the device says."""
        if header.intrinsic:
            self.headers[header.name] = {
                f.name: self.device.get(f.name, 0) & mask(f.width) for f in header.type.fields
            }
            return
        bits = self.peek(header.type.width)
        self.headers[header.name] = {
            f.name: bits >> (header.type.width - f.offset - f.width) & mask(f.width)
            for f in header.type.fields
        }
        self.cursor_bits += header.type.width

    def emit(self, header: ir.Header) -> None:
        """Append `header` to the packet, if it is valid."""
        fields = self.headers.get(header.name)
        if fields is None:
            return
        bits = 0
        for f in header.type.fields:
            bits = bits << f.width | fields[f.name]
        self.emitted += bits.to_bytes(header.type.width // 8, "big")

    def deparsed(self) -> bytes:
        """Return what was emitted, then all that the parser left."""
        assert self.cursor_bits % 8 == 0, "the parser stops at an octet"
        return bytes(self.emitted) + self.frame[self.cursor_bits // 8 :]

    def set_valid(self, header: ir.Header, *, valid: bool) -> None:
        """Make `header` valid, fields 0 if it was not; or invalid."""
        if valid:
            self.headers.setdefault(header.name, {f.name: 0 for f in header.type.fields})
        else:
            self.headers.pop(header.name, None)


def mask(width: int) -> int:
    """Return `width` ones."""
    return (1 << width) - 1

"""The state of a switch out of a file of STF, and packets out of hex and capture files."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from p4xdp.stf import StfError, read
from p4xdp.stf.binding import Names
from p4xdp.stf.syntax import Add, RegisterWrite, RemoveAll, SetDefault
from p4xdp.trace.errors import TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from p4xdp import ir
    from p4xdp.dataplane import Entry, MeterConfig

_ETHERNET = 1  # LINKTYPE_ETHERNET
_PCAP = {
    bytes.fromhex("a1b2c3d4"): ">",
    bytes.fromhex("d4c3b2a1"): "<",
    bytes.fromhex("a1b23c4d"): ">",
    bytes.fromhex("4d3cb2a1"): "<",
}
_SECTION = bytes.fromhex("0a0d0d0a")  # of a pcapng
_INTERFACE, _SIMPLE, _ENHANCED = 1, 3, 6


class FileSource:
    """What the `add`, `setdefault` and `register_write` statements of an STF file say.

    Its packets are passed over. TraceError if it cannot be read or does not fit the program.
    """

    def __init__(self, program: ir.Program, path: Path | None) -> None:
        self._entries: dict[str, list[Entry]] = {}
        self._defaults: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._registers: dict[tuple[str, int], tuple[int, ...]] = {}
        if path is None:
            return
        try:
            self._read(program, path)
        except OSError as error:
            raise TraceError(f"cannot read {path}: {error.strerror}") from None
        except StfError as error:
            raise TraceError(f"{path}: {error}") from None

    def _read(self, program: ir.Program, path: Path) -> None:
        names = Names(program)
        for statement in (each for vector in read(path) for each in vector.statements):
            match statement:
                case Add():
                    table, entry = names.entry(statement)
                    self._entries.setdefault(table, []).append(entry)
                case SetDefault():
                    table, action, arguments = names.default(statement)
                    self._defaults[table] = action, arguments
                case RegisterWrite():
                    register = names.register(statement)
                    self._registers[register.name, statement.index] = statement.values
                case RemoveAll():
                    self._entries.clear()
                    self._registers.clear()
                case _:
                    pass

    def entries(self, table: ir.Table, values: Sequence[int]) -> Sequence[Entry]:  # noqa: ARG002
        """Return all of the table's."""
        return self._entries.get(table.name, ())

    def default(self, table: ir.Table) -> tuple[str, tuple[int, ...]] | None:
        """Return what the file says of a miss."""
        return self._defaults.get(table.name)

    def meter(self, meter: ir.Meter, index: int) -> MeterConfig | None:  # noqa: ARG002
        """Return None: STF sets no meters."""
        return None

    def direct_meter(self, table: ir.Table, entry: Entry) -> MeterConfig | None:  # noqa: ARG002
        """Return None: STF sets no meters."""
        return None

    def register(self, register: ir.Register, index: int) -> tuple[int, ...] | None:
        """Return what the file wrote."""
        return self._registers.get((register.name, index))


def frame_of_hex(text: str) -> bytes:
    """Return the octets that `text` spells, with or without spaces, colons and 0x."""
    digits = "".join(text.replace(":", " ").split()).removeprefix("0x")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise TraceError(f"{text[:40]!r} is not hex: give pairs of digits: 0800 45 00") from None


def frame_of_capture(path: Path, number: int) -> bytes:
    """Return frame `number`, the first is 1, of a pcap or pcapng file."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise TraceError(f"cannot read {path}: {error.strerror}") from None
    count = 0
    try:
        for link_type, frame in _frames(octets):
            count += 1
            if count == number:
                if link_type != _ETHERNET:
                    raise TraceError(f"{path}: frames of link type {link_type}, not of Ethernet")
                return frame
    except (struct.error, IndexError):
        raise TraceError(f"{path}: cut off or broken after frame {count}") from None
    raise TraceError(f"{path}: has {count} frames, not {number}" if count else f"{path}: no frames")


def _frames(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Link type and octets of each frame; struct.error or IndexError where a file is cut off."""
    if octets[:4] in _PCAP:
        return _pcap(octets, _PCAP[octets[:4]])
    if octets[:4] == _SECTION:
        return _pcapng(octets)
    raise TraceError("neither pcap nor pcapng: write one with tcpdump -w")


def _pcap(octets: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    (link_type,) = struct.unpack_from(order + "I", octets, 20)
    at = 24
    while at < len(octets):
        (length,) = struct.unpack_from(order + "I", octets, at + 8)
        yield link_type & 0xFFFF, _cut(octets, at + 16, length)
        at += 16 + length


def _pcapng(octets: bytes) -> Iterator[tuple[int, bytes]]:
    order, link_types, at = "<", list[int](), 0
    while at < len(octets):
        if octets[at : at + 4] == _SECTION:
            order = ">" if octets[at + 8 : at + 12] == bytes.fromhex("1a2b3c4d") else "<"
            link_types = []
        kind, length = struct.unpack_from(order + "II", octets, at)
        body = _cut(octets, at + 8, max(length, 12) - 8)[:-4]
        at += max(length, 12)
        if kind == _INTERFACE:
            link_types += struct.unpack_from(order + "H", body)
        elif kind == _ENHANCED:
            number, _, _, captured = struct.unpack_from(order + "IIII", body)
            yield link_types[number], _cut(body, 20, captured)
        elif kind == _SIMPLE:
            (captured,) = struct.unpack_from(order + "I", body)
            yield link_types[0], body[4 : 4 + captured]


def _cut(octets: bytes, at: int, length: int) -> bytes:
    if at + length > len(octets):
        raise IndexError
    return octets[at : at + length]

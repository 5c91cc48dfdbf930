"""Capture files: packets out of a pcap or pcapng, whatever wrote it.

Pure: octets in, packets out. A file cut off in the middle gives the packets before the cut and
then CaptureError.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from upf.errors import UPFError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = {
    bytes.fromhex("a1b2c3d4"): (">", 1_000_000),
    bytes.fromhex("d4c3b2a1"): ("<", 1_000_000),
    bytes.fromhex("a1b23c4d"): (">", 1_000_000_000),
    bytes.fromhex("4d3cb2a1"): ("<", 1_000_000_000),
}
"""Octet order and ticks a second of a pcap."""

_SECTION = bytes.fromhex("0a0d0d0a")
_INTERFACE, _SIMPLE, _ENHANCED = 1, 3, 6
_TSRESOL = 9


class CaptureError(UPFError):
    """A capture file that cannot be read."""


class Packet(NamedTuple):
    """A captured packet; `at_s` in seconds since 1970, `link_type` a LINKTYPE_ of libpcap."""

    at_s: float
    link_type: int
    octets: bytes


def is_capture(octets: bytes) -> bool:
    """Whether octets begin like a capture file."""
    return octets[:4] in _MAGIC or octets[:4] == _SECTION


def packets(octets: bytes) -> Iterator[Packet]:
    """The packets of a capture file, in its order; CaptureError."""
    if octets[:4] == _SECTION:
        return _Sections(octets).packets()
    if octets[:4] in _MAGIC:
        return _pcap(octets)
    raise CaptureError("is no capture file: neither pcap nor pcapng")


def _pcap(octets: bytes) -> Iterator[Packet]:
    order, ticks_per_s = _MAGIC[octets[:4]]
    if len(octets) < 24:
        raise CaptureError(f"ends after {len(octets)} octets, inside the header of the file")
    # The upper bits of the link type say how frames end.
    link_type = struct.unpack_from(order + "I", octets, 20)[0] & 0x0FFFFFFF
    record = struct.Struct(order + "IIII")
    at = 24
    while at < len(octets):
        if at + record.size > len(octets):
            raise CaptureError(f"is cut off in the packet at octet {at}")
        seconds, ticks, length, _ = record.unpack_from(octets, at)
        at += record.size
        if at + length > len(octets):
            raise CaptureError(f"is cut off in the packet at octet {at - record.size}")
        yield Packet(seconds + ticks / ticks_per_s, link_type, octets[at : at + length])
        at += length


class _Sections:
    """A pcapng: sections of blocks, each section with its octet order and interfaces."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._order = "<"
        self._interfaces: list[tuple[int, float]] = []

    def packets(self) -> Iterator[Packet]:
        at = 0
        while at < len(self._octets):
            kind, body, at = self._block(at)
            if kind == _INTERFACE:
                self._add_interface(body)
            elif kind in {_ENHANCED, _SIMPLE}:
                yield self._packet(kind, body)

    def _block(self, at: int) -> tuple[int, bytes, int]:
        """Type and body of the block at an offset, and where the next begins."""
        head = self._octets[at : at + 12]
        if head[:4] == _SECTION and len(head) == 12:
            self._order = ">" if head[8:12] == bytes.fromhex("1a2b3c4d") else "<"
            self._interfaces = []
        if len(head) < 12:
            raise CaptureError(f"is cut off in the block at octet {at}")
        kind, length = struct.unpack_from(self._order + "II", head)
        if length < 12 or length % 4 or at + length > len(self._octets):
            raise CaptureError(f"is cut off or broken in the block at octet {at}")
        return kind, self._octets[at + 8 : at + length - 4], at + length

    def _add_interface(self, body: bytes) -> None:
        (link_type,) = self._fields("H", body)
        seconds_per_tick = 1e-6
        at = 8
        while at + 4 <= len(body):
            code, length = struct.unpack_from(self._order + "HH", body, at)
            if code == _TSRESOL and length == 1 and at + 4 < len(body):
                resolution = body[at + 4]
                base = 2 if resolution & 0x80 else 10
                seconds_per_tick = float(base) ** -(resolution & 0x7F)
            at += 4 + length + -length % 4
        self._interfaces.append((link_type, seconds_per_tick))

    def _packet(self, kind: int, body: bytes) -> Packet:
        if kind == _SIMPLE:
            # It holds no time, and belongs to the first interface.
            number, ticks, start = 0, 0, 4
            (length,) = self._fields("I", body)
            length = min(length, len(body) - start)
        else:
            number, high, low, length = self._fields("IIII", body)
            ticks, start = high << 32 | low, 20
        if number >= len(self._interfaces) or start + length > len(body):
            raise CaptureError(f"has a packet of {length} octets that no block holds")
        link_type, seconds_per_tick = self._interfaces[number]
        return Packet(ticks * seconds_per_tick, link_type, body[start : start + length])

    def _fields(self, codes: str, body: bytes) -> tuple[int, ...]:
        fields = struct.Struct(self._order + codes)
        if len(body) < fields.size:
            raise CaptureError(f"has a block of {len(body)} octets, too few")
        return fields.unpack_from(body)

"""A tap on a port at work: frames as they were received, while they go on as before.

It stands in front of the switch's program, which it calls in the end. Of frames without the wanted
octets nothing leaves the kernel.
"""

from __future__ import annotations

import ctypes
import logging
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p4xdp.xdp import bpffs
from p4xdp.xdp.build import object_for
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.links import replace_program, runs
from p4xdp.xdp.objects import Object
from p4xdp.xdp.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_PATTERNS = 4
LONGEST_PATTERN = 8  # octets
_NEXT = "tap_next"
_HEAD = struct.Struct("<II")  # struct shown: length, taken
_logger = logging.getLogger(__name__)
_SEEN, _MISSED = (number.to_bytes(4, "little") for number in range(2))


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame of `length` octets, and the first of them: all, if it is not longer than 2,048."""

    octets: bytes
    length: int


class Tap:
    """Shows the frames of a port's link that hold all `patterns`, each of 1 to 8 octets, somewhere
    in their first 176. `program_fd` is what the link runs; `pin` is where the way there is kept if
    the link outlives the process (None: it does not).
    """

    def __init__(
        self, link_fd: int, program_fd: int, patterns: Sequence[bytes], pin: Path | None
    ) -> None:
        self._program_fd, self._pin = program_fd, pin
        self._shown: list[Shown] = []
        self._object = Object(object_for(Path(__file__).with_name("tap.bpf.c")))
        try:
            self._object.set_constants(".rodata.tap", _wanted(patterns))
            self._object.load()
            following = self._object.map(_NEXT, 4, 4)
            following.put(bytes(4), program_fd.to_bytes(4, "little"))
            self._counts = self._object.map("tap_counts", 4, 8, is_per_cpu=True)
            self._ring = Ring(self._object.map_fd("tap_ring"), self._take)
        except BaseException:
            self._object.close()
            raise
        if pin is not None:
            # The kernel empties a map of programs that nobody holds.
            pin.unlink(missing_ok=True)
            bpffs.pin(following.fd, pin)
        self._link_fd = os.dup(link_fd)  # the port may be gone before us
        replace_program(link_fd, self._object.program_fd("tap"))

    def take(self) -> list[Shown]:
        """Return what was received since the last call, as far as there was room for it."""
        self._ring.consume()
        shown, self._shown = self._shown, []
        return shown

    @property
    def seen(self) -> int:
        """Return how many frames the port has received since."""
        return self._count(_SEEN)

    @property
    def missed(self) -> int:
        """Return how many there was no room for: they came faster than they were taken."""
        return self._count(_MISSED)

    def _count(self, key: bytes) -> int:
        octets = self._counts.lookup(key) or b""
        return sum(struct.unpack(f"<{len(octets) // 8}Q", octets))

    def _take(self, record: int) -> None:
        length, taken = _HEAD.unpack(ctypes.string_at(record, _HEAD.size))
        self._shown.append(Shown(ctypes.string_at(record + _HEAD.size, taken), length))

    def close(self) -> None:
        """Show nothing any more; put the program back, unless the link runs another already."""
        try:
            if runs(self._link_fd, self._object.program_fd("tap")):
                replace_program(self._link_fd, self._program_fd)
        except LoadError as error:
            _logger.info("the port that was watched is gone: %s", error)
        if self._pin is not None:
            self._pin.unlink(missing_ok=True)
        self.abandon()

    def abandon(self) -> None:
        """Let go of everything, and leave the port as it is."""
        os.close(self._link_fd)
        self._ring.close()
        self._object.close()


def _wanted(patterns: Sequence[bytes]) -> bytes:
    packed = struct.pack("<Q", len(patterns))
    for pattern in patterns:
        mask = b"\xff" * len(pattern)
        packed += pattern.ljust(LONGEST_PATTERN, b"\0") + mask.ljust(LONGEST_PATTERN, b"\0")
    return packed

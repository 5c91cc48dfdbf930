"""Digests on their way to the controller: from the kernel's ring to a receiver."""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING

from p4xdp.xdp.ring import Ring

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from p4xdp.xdp.objects import Loaded

_RECORD = struct.Struct("<I64s")  # struct digest_record


class Digests:
    """The end of the ring. `widths`: those of the fields, by name, in the order of the numbers."""

    def __init__(self, loaded: Loaded, widths: Mapping[str, tuple[int, ...]]) -> None:
        self._digests = list(widths.items())
        self._receiver: Callable[[str, tuple[int, ...]], None] = lambda _name, _values: None
        self._ring = Ring(loaded.map("switch_digests", 0, 0).fd, self._take)

    def deliver_to(
        self,
        receiver: Callable[[str, tuple[int, ...]], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Call `receiver` with the name and values of every digest from now on, in `loop`."""
        self._receiver = receiver
        self._ring.deliver_on(loop)

    def waiting(self) -> list[tuple[str, tuple[int, ...]]]:
        """Return those that wait, which are not delivered then."""
        found: list[tuple[str, tuple[int, ...]]] = []
        outer, self._receiver = self._receiver, lambda name, values: found.append((name, values))
        self._ring.consume()
        self._receiver = outer
        return found

    def _take(self, record: int) -> None:
        number, octets = _RECORD.unpack(ctypes.string_at(record, _RECORD.size))
        name, widths = self._digests[number]
        values, at = [], 0
        for width in widths:
            after = at + (width + 7) // 8
            values.append(int.from_bytes(octets[at:after], "big"))
            at = after
        self._receiver(name, tuple(values))

    def close(self) -> None:
        """Stop, and give the memory back."""
        self._ring.close()

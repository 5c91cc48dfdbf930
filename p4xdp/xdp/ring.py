"""What the kernel leaves in a ring buffer, to a receiver, on an event loop."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.libbpf import RING_CALLBACK, last_error, library

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_LENGTH_OCTETS = 4  # struct ring_short and ring_long: a length, then the frame


class Ring:
    """The consumer's end of a ring. `take` gets the address of each record, to read it before it
    returns, and raises nothing: C has called it.
    """

    def __init__(self, map_fd: int, take: Callable[[int], None]) -> None:
        self._callback = RING_CALLBACK(self._called)  # kept: C holds the pointer
        self._take = take
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pointer = library().calls.ring_buffer__new(map_fd, self._callback, None, None)
        if not self._pointer:
            raise LoadError(f"cannot open a ring: {last_error().strerror}")

    def deliver_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take every record from now on, in the thread of `loop`."""
        self._stop()
        self._loop = loop
        loop.add_reader(library().calls.ring_buffer__epoll_fd(self._pointer), self.consume)

    def consume(self) -> int:
        """Take what waits; return how many records that were."""
        taken: int = library().calls.ring_buffer__consume(self._pointer)
        return taken

    def _called(self, _context: int | None, record: int, _size: int) -> int:
        self._take(record)
        return 0

    def _stop(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(library().calls.ring_buffer__epoll_fd(self._pointer))
        self._loop = None

    def close(self) -> None:
        """Stop, and give the memory back."""
        if self._pointer:
            self._stop()
            library().calls.ring_buffer__free(self._pointer)
            self._pointer = 0


class PacketIns:
    """Frames for the controller, to a receiver."""

    def __init__(self, map_fd: int) -> None:
        self._receiver: Callable[[bytes], None] = lambda _frame: None
        self._ring = Ring(map_fd, self._take)

    def deliver_to(
        self, receiver: Callable[[bytes], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Call `receiver` with every frame from now on, in the thread of `loop`."""
        self._receiver = receiver
        self._ring.deliver_on(loop)

    def _take(self, record: int) -> None:
        length = int.from_bytes(ctypes.string_at(record, _LENGTH_OCTETS), "little")
        self._receiver(ctypes.string_at(record + _LENGTH_OCTETS, length))

    def close(self) -> None:
        """Stop delivering and give the memory back."""
        self._ring.close()

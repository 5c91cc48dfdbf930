"""Copies on their way: from the kernel's ring, where the program has left them, through egress, one
for each replica of their clone session.
"""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING

from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.programs import COPY_PROGRAM
from p4xdp.xdp.ring import Ring
from p4xdp.xdp.running import inject_frame, run_program

if TYPE_CHECKING:
    import asyncio

    from p4xdp.dataplane import CloneSession, Replica
    from p4xdp.xdp.objects import Loaded

CLONE_SESSIONS = 1024
_HEADER_OCTETS = 64
_MIRRORED = struct.Struct(f"<III{_HEADER_OCTETS}s")  # struct mirrored, the frame behind it
_HEAD = struct.Struct("<IHH")  # struct copy_head
_CLONE_SESSION = struct.Struct("<II")  # struct clone_session


class Copies:
    """The clone sessions, and the end of the ring. `cpu_port` is the controller's."""

    def __init__(self, loaded: Loaded, cpu_port: int) -> None:
        self._program_fd = loaded.program_fd(COPY_PROGRAM)
        self._cpu_port = cpu_port
        self._sessions: dict[int, CloneSession] = {}
        self._map = loaded.map("switch_clone_sessions", 4, _CLONE_SESSION.size)
        self._ring = Ring(loaded.map("switch_copies", 0, 0).fd, self._take)
        self._use = self._send
        self.too_long = 0  # copies longer than what the kernel lets us send to another port

    def set_session(self, session: int, clones: CloneSession | None) -> None:
        """Say what becomes of what is mirrored to `session`, one below CLONE_SESSIONS."""
        values = (0, 0) if clones is None else (1, clones.most_octets)
        self._map.put(session.to_bytes(4, "little"), _CLONE_SESSION.pack(*values))
        self._sessions.pop(session, None)
        if clones is not None:
            self._sessions[session] = clones

    def deliver(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send copies from now on, in the thread of `loop`."""
        self._ring.deliver_on(loop)

    def waiting(self) -> list[tuple[Replica, bytes]]:
        """Return the copies that wait to be sent, which are not sent then."""
        found: list[tuple[Replica, bytes]] = []
        self._use = lambda replica, frame: found.append((replica, frame))
        self._ring.consume()
        self._use = self._send
        return found

    def _take(self, record: int) -> None:
        head = _MIRRORED.unpack(ctypes.string_at(record, _MIRRORED.size))
        session, header_octets, frame_octets, header = head
        frame = ctypes.string_at(record + _MIRRORED.size, frame_octets)
        clones = self._sessions.get(session)
        for replica in clones.replicas if clones is not None else ():
            self._use(replica, header[:header_octets] + frame)

    def _send(self, replica: Replica, frame: bytes) -> None:
        copy = framed(replica, frame, is_test=False)
        # To the controller the program itself hands it, so that the run need not be a live one,
        # which takes no more than a page holds.
        run = run_program if replica.port == self._cpu_port else inject_frame
        try:
            run(self._program_fd, copy)
        except LoadError:
            self.too_long += 1

    def close(self) -> None:
        """Stop, and give the memory back."""
        self._ring.close()


def framed(replica: Replica, frame: bytes, *, is_test: bool) -> bytes:
    """Return a copy as the kernel's program for copies takes it."""
    return _HEAD.pack(replica.port, replica.instance, is_test) + frame

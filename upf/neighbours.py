"""Packets that wait for their next hop's MAC address: bounded, in order, accounted for. Pure.

stored = sent + expired + refused + held, at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from upf.rules import IPAddress

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PACKETS_PER_ADDRESS = 64
MAX_ADDRESSES = 1024
WAIT_S = 3.0

Waiting: TypeAlias = tuple[int, IPAddress]  # port, next hop
Arrival: TypeAlias = tuple[int, bytes]  # the port it came by, the frame


@dataclass(slots=True)
class _Queue:
    deadline: float
    frames: list[Arrival] = field(default_factory=list)


@dataclass(slots=True)
class NeighbourCounts:
    stored: int = 0
    sent: int = 0
    expired: int = 0
    refused: int = 0


class NeighbourQueues:
    """Frames by port and next hop. `counts.stored` includes those refused for lack of room."""

    def __init__(self) -> None:
        self.counts = NeighbourCounts()
        self._queues: dict[Waiting, _Queue] = {}

    @property
    def held(self) -> int:
        return sum(len(queue.frames) for queue in self._queues.values())

    def hold(self, waiting: Waiting, frame: Arrival, now: float) -> bool:
        """Keep a frame. True if it is the first for this next hop: have it resolved."""
        self.counts.stored += 1
        queue = self._queues.get(waiting)
        is_first = queue is None
        if queue is None:
            if len(self._queues) >= MAX_ADDRESSES:
                self.counts.refused += 1
                return False
            queue = self._queues[waiting] = _Queue(now + WAIT_S)
        if len(queue.frames) >= MAX_PACKETS_PER_ADDRESS:
            self.counts.refused += 1
        else:
            queue.frames.append(frame)
        return is_first

    def release(self, waiting: Waiting) -> list[Arrival]:
        """The frames for a next hop now known."""
        queue = self._queues.pop(waiting, None)
        if queue is None:
            return []
        self.counts.sent += len(queue.frames)
        return queue.frames

    def waiting(self) -> Iterable[Waiting]:
        return tuple(self._queues)

    def expire(self, now: float) -> None:
        """Drop what waited too long."""
        for waiting in [each for each, queue in self._queues.items() if queue.deadline <= now]:
            self.counts.expired += len(self._queues.pop(waiting).frames)

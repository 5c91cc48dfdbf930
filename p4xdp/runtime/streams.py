"""One StreamChannel each: what is waiting to be sent to a client."""

from __future__ import annotations

import asyncio
from typing import Any

PACKETS_IN_FLIGHT = 1024
_STATE = object()  # where in the queue the latest state is


class Stream:
    """A client's stream. Packets give way when it is slow; notices of arbitration never do."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Any] = asyncio.Queue()
        self._state: Any = None
        self.dropped_packets = 0

    def send(self, message: Any) -> None:
        """Queue a message that must arrive."""
        self._waiting.put_nowait(message)

    def send_state(self, message: Any) -> None:
        """Queue a message that says how things are, in the place of an earlier one that waits."""
        if self._state is None:
            self._waiting.put_nowait(_STATE)
        self._state = message

    def send_packet(self, message: Any) -> None:
        """Queue a packet, or count it as dropped when too many wait."""
        if self._waiting.qsize() >= PACKETS_IN_FLIGHT:
            self.dropped_packets += 1
        else:
            self._waiting.put_nowait(message)

    def end(self) -> None:
        """Let nothing be sent any more but the message on its way."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def next(self) -> Any:
        """Wait for the next message to send; None when the stream is at its end."""
        message = await self._waiting.get()
        if message is not _STATE:
            return message
        state, self._state = self._state, None
        return state

"""Traces packets one at a time, beside the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from upf.errors import TargetError

if TYPE_CHECKING:
    from upf.packet_trace import PacketTrace
    from upf.target.schema import Schema

_MAX_WAITING = 8


class Tracer:
    """Traces packets through the switch at `address`."""

    def __init__(self, address: str, device_id: int, schema: Schema) -> None:
        self._address = address
        self._device_id = device_id
        self._schema = schema
        self._lock = asyncio.Lock()
        self._num_waiting = 0

    async def trace(self, port: int, frame: bytes) -> PacketTrace:
        """What the packet would undergo. TargetError if that cannot be told, or not now."""
        if self._num_waiting >= _MAX_WAITING:
            raise TargetError(f"{_MAX_WAITING} packets are being traced already: try again later")
        self._num_waiting += 1
        try:
            async with self._lock:
                # Reading and running take their time; the UPF goes on meanwhile.
                return await asyncio.to_thread(self._trace, port, frame)
        finally:
            self._num_waiting -= 1

    def _trace(self, port: int, frame: bytes) -> PacketTrace:
        # The language of the program is loaded when first asked for: most UPFs never are.
        from upf.target import tracing  # noqa: PLC0415

        return tracing.trace_on(self._address, self._device_id, self._schema, port, frame)

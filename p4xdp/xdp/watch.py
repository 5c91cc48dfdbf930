"""Following the kernel's interfaces: a call whenever something may have changed."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_NETLINK_ROUTE = 0
_GROUP_LINK = 1  # RTMGRP_LINK
_LARGEST_MESSAGE = 1 << 16
_SETTLE_S = 0.05  # changes come in bursts


class LinkWatch:
    """Calls `changed` on `loop` soon after interfaces came, went or changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: Callable[[], None]) -> None:
        self._loop = loop
        self._changed = changed
        self._pending: asyncio.TimerHandle | None = None
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE)
        self._socket.settimeout(0)
        self._socket.bind((0, _GROUP_LINK))
        loop.add_reader(self._socket, self._heard)

    def _heard(self) -> None:
        # What is said does not matter, and if some of it was lost (ENOBUFS) neither.
        with suppress(OSError):
            while True:
                self._socket.recv(_LARGEST_MESSAGE)
        if self._pending is None:
            self._pending = self._loop.call_later(_SETTLE_S, self._tell)

    def _tell(self) -> None:
        self._pending = None
        self._changed()

    def close(self) -> None:
        """Stop."""
        if self._pending is not None:
            self._pending.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
        self._socket.close()

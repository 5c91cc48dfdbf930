"""Requests begin one after the other, and after N4.

REST and N4 share one event loop. Each request takes a turn of it, so that a burst of them leaves
room for what arrives meanwhile, and waits while N4 requests are under way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from upf.node import UPF

# An N4 request takes a few milliseconds. One that waits longer than that for N4 goes ahead: where
# N4 is never quiet, REST is slow but served.
MAX_WAIT_S = 0.005


class Turns:
    """ASGI application that lets requests on to `app` in turns."""

    def __init__(self, app: ASGIApp, upf: UPF) -> None:
        self._app = app
        self._upf = upf
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._turn:
            # The loop looks at its sockets before it goes on here.
            await asyncio.sleep(0)
            await self._upf.wait_n4_quiet(MAX_WAIT_S)
        await self._app(scope, receive, send)

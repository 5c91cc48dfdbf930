"""Live figures as server-sent events.

A client gets what is latest when it is ready for more, never what piled up: one that reads slowly
sees fewer figures and costs nobody anything. One that does not read at all is cut off by the
kernel (TCP_USER_TIMEOUT on the listening socket).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import StreamingResponse

from api.figure_schemas import Figures
from api.figures import figures
from api.node import Node
from api.problems import answers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from upf.node import UPF

MAX_CLIENTS = 64
# A stream without events says now and then that it lives.
_KEEP_ALIVE_S = 15.0

router = APIRouter(prefix="/v1", tags=["events"])


class Broadcast:
    """The figures of one UPF, made once for all who watch."""

    def __init__(self, node: UPF) -> None:
        self.num_clients = 0
        self._node = node
        self._number: int | None = None
        self._text = ""

    def event(self) -> str:
        """The latest figures as an event."""
        number = self._node.sampler.pair()[0].number
        if number != self._number:
            self._number = number
            data = figures(self._node).model_dump_json()
            self._text = f"event: figures\nid: {number}\ndata: {data}\n\n"
        return self._text

    async def stream(self, every: int) -> AsyncIterator[str]:
        """Figures now, then with every `every`-th sample."""
        self.num_clients += 1
        try:
            yield self.event()
            while True:
                for _ in range(every):
                    try:
                        async with asyncio.timeout(_KEEP_ALIVE_S):
                            await self._node.sampler.next()
                    except TimeoutError:
                        yield ": nothing new\n\n"
                yield self.event()
        finally:
            self.num_clients -= 1


@router.get("/figures", summary="Everything that moves, at this moment")
async def get_figures(node: Node) -> Figures:
    return figures(node)


@router.get(
    "/events",
    summary="Live figures, as server-sent events",
    response_class=StreamingResponse,
    responses={
        HTTPStatus.OK: {
            "description": "`event: figures` with a Figures document, at once and then repeatedly",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'event: figures\nid: 7\ndata: {"sessions": 12}\n\n',
                }
            },
        },
        **answers(HTTPStatus.SERVICE_UNAVAILABLE),
    },
)
async def events(
    request: Request,
    interval_s: Annotated[int, Query(ge=1, le=60, description="Seconds between figures")] = 1,
) -> StreamingResponse:
    """The document is that of `GET /v1/figures`."""
    broadcast: Broadcast = request.app.state.broadcast
    if broadcast.num_clients >= MAX_CLIENTS:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"{MAX_CLIENTS} clients watch already: end one, or ask GET /v1/figures now and then",
        )
    return StreamingResponse(
        broadcast.stream(interval_s),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )

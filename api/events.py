"""Live figures as server-sent events.

A client gets what is latest when it is ready for more, never what piled up: one that reads slowly
sees fewer figures and costs nobody anything. One that does not read at all is cut off by the
kernel (TCP_USER_TIMEOUT on the listening socket).
"""

from __future__ import annotations

import asyncio
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Self

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import StreamingResponse

from api.figure_schemas import Figures
from api.figures import figures
from api.node import Node
from api.problems import answers

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator

    from upf.changes import Noun
    from upf.node import UPF

MAX_CLIENTS = 64
# A stream without events says now and then that it lives.
_KEEP_ALIVE_S = 15.0
# Changes that come closer together are told once.
_GATHER_S = 0.1

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
        """Figures now, then with every `every`-th sample; meanwhile what was changed."""
        self.num_clients += 1
        try:
            told = self._node.changes.counts()
            yield self.event()
            async with _Pulses(self._node) as pulses:
                num_ticks = 0
                while True:
                    match await pulses.next(told):
                        case _Pulse.CHANGE:
                            before, told = told, self._node.changes.counts()
                            for what in sorted(told - before):
                                yield changed(what)
                        case _Pulse.FIGURES:
                            num_ticks += 1
                            if num_ticks % every == 0:
                                yield self.event()
                        case _Pulse.SILENCE:
                            yield ": nothing new\n\n"
        finally:
            self.num_clients -= 1


class _Pulse(Enum):
    FIGURES = "figures"
    CHANGE = "change"
    SILENCE = "silence"


class _Pulses:
    """What a stream waits for: the next figures, or changes, of which many at once are one."""

    def __init__(self, node: UPF) -> None:
        self._node = node
        self._figures: asyncio.Task[object] | None = None
        self._change: asyncio.Task[object] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        for task in (self._figures, self._change):
            if task is not None:
                task.cancel()

    async def next(self, told: Counter[Noun]) -> _Pulse:
        if self._figures is None:
            self._figures = asyncio.create_task(self._node.sampler.next())
        if self._change is None:
            self._change = asyncio.create_task(self._changed(told))
        done, _ = await asyncio.wait(
            {self._figures, self._change},
            timeout=_KEEP_ALIVE_S,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self._change in done:
            self._change = None
            return _Pulse.CHANGE
        if self._figures in done:
            self._figures = None
            return _Pulse.FIGURES
        return _Pulse.SILENCE

    async def _changed(self, told: Counter[Noun]) -> None:
        await self._node.changes.next(told)
        await asyncio.sleep(_GATHER_S)


def changed(what: str) -> str:
    """The event that these are to be looked at anew."""
    return f'event: changed\ndata: {{"what": "{what}"}}\n\n'


@router.get("/figures", summary="Everything that moves, at this moment")
async def get_figures(node: Node) -> Figures:
    return figures(node)


@router.get(
    "/events",
    summary="Live figures, as server-sent events",
    response_class=StreamingResponse,
    responses={
        HTTPStatus.OK: {
            "description": "`event: figures` with a Figures document, at once and then "
            "repeatedly; `event: changed` when slices or associations were changed",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'event: figures\nid: 7\ndata: {"sessions": 12}\n\n'
                    'event: changed\ndata: {"what": "slices"}\n\n',
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
    """The document is that of `GET /v1/figures`. After `event: changed`, `{"what": "slices"}` or
    `{"what": "associations"}`, ask for these anew.
    """
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

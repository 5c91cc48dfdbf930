"""Reads of a few counter cells at a time: those that are asked for while a Read is on its way share
the next one, as sessions that end together do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from upf.entry import Counts
from upf.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

MAX_CELLS_PER_READ = 1000

Cell: TypeAlias = tuple[int, int]  # identifier of the counter, index


@dataclass(slots=True)
class _Waiting:
    cells: list[Cell]
    done: asyncio.Future[list[Counts]]


class CounterReader:
    """Reads cells. `begin` makes an empty ReadRequest, `call` gives the messages of its answer or
    raises TargetError.
    """

    def __init__(
        self,
        begin: Callable[[], Any],
        call: Callable[[Any, str], AsyncIterator[Any]],
    ) -> None:
        self._begin, self._call = begin, call
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self.reads_sent = 0

    async def read(self, counter_id: int, indexes: Sequence[int]) -> list[Counts]:
        """What cells of a counter stand at, in the order asked; TargetError."""
        done: asyncio.Future[list[Counts]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting([(counter_id, index) for index in indexes], done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await done

    async def close(self) -> None:
        """Fail what still waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        while self._waiting:
            _fail(self._waiting.popleft(), TargetError("the connection to the switch is closed"))

    async def _drain(self) -> None:
        while self._waiting:
            batch = self._take()
            try:
                await self._read_all(batch)
            except asyncio.CancelledError:
                for waiting in batch:
                    _fail(waiting, TargetError("the connection to the switch is closed"))
                raise

    def _take(self) -> list[_Waiting]:
        batch, size = [self._waiting.popleft()], 0
        while self._waiting:
            size += len(batch[-1].cells)
            if size + len(self._waiting[0].cells) > MAX_CELLS_PER_READ:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _read_all(self, batch: list[_Waiting]) -> None:
        try:
            found = await self._read([cell for waiting in batch for cell in waiting.cells])
        except TargetError as error:
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            for waiting in batch:  # each is told by itself what was wrong with it
                await self._read_all([waiting])
            return
        for waiting in batch:
            missing = [cell for cell in waiting.cells if cell not in found]
            if missing:
                _fail(waiting, TargetError(f"the switch did not tell counter cells {missing[:3]}"))
            elif not waiting.done.done():
                waiting.done.set_result([found[cell] for cell in waiting.cells])

    async def _read(self, cells: list[Cell]) -> Mapping[Cell, Counts]:
        request = self._begin()
        for counter_id, index in dict.fromkeys(cells):
            cell = request.entities.add().counter_entry
            cell.counter_id = counter_id
            cell.index.index = index
        self.reads_sent += 1
        found: dict[Cell, Counts] = {}
        async for entities in self._call(request, "reading counters"):
            for entity in entities:
                told = entity.counter_entry
                data = told.data
                found[told.counter_id, told.index.index] = Counts(
                    data.packet_count, data.byte_count
                )
        return found


def _fail(waiting: _Waiting, error: TargetError) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)

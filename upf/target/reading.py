"""Reads of a few counter cells at a time: those that are asked for while a Read is on its way share
the next one, as sessions that end together do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from upf.entry import Counts
from upf.errors import TargetError
from upf.target.gathering import Gathering, Waiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

MAX_CELLS_PER_READ = 1000

Cell: TypeAlias = tuple[int, int]  # identifier of the counter, index


@dataclass(slots=True)
class _Waiting(Waiting[list[Counts]]):
    cells: list[Cell]


class CounterReader(Gathering[_Waiting]):
    """Reads cells. `new_request` makes an empty ReadRequest, `call` gives the messages of its
    answer or raises TargetError.
    """

    def __init__(
        self,
        new_request: Callable[[], Any],
        call: Callable[[Any, str], AsyncIterator[Any]],
    ) -> None:
        super().__init__()
        self._new_request, self._call = new_request, call
        self.reads_sent = 0

    async def read(self, counter_id: int, indexes: Sequence[int]) -> list[Counts]:
        """What cells of a counter stand at, in the order asked; TargetError."""
        done: asyncio.Future[list[Counts]] = asyncio.get_running_loop().create_future()
        self._begin(_Waiting(done, [(counter_id, index) for index in indexes]))
        return await done

    def _take(self) -> list[_Waiting]:
        batch, size = [self._waiting.popleft()], 0
        while self._waiting:
            size += len(batch[-1].cells)
            if size + len(self._waiting[0].cells) > MAX_CELLS_PER_READ:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _carry_out(self, batch: list[_Waiting]) -> None:
        try:
            found = await self._read([cell for waiting in batch for cell in waiting.cells])
        except TargetError as error:
            if len(batch) == 1:
                batch[0].fail(error)
                return
            for waiting in batch:  # each is told by itself what was wrong with it
                await self._carry_out([waiting])
            return
        for waiting in batch:
            missing = [cell for cell in waiting.cells if cell not in found]
            if missing:
                waiting.fail(TargetError(f"the switch did not tell counter cells {missing[:3]}"))
            else:
                waiting.succeed([found[cell] for cell in waiting.cells])

    async def _read(self, cells: list[Cell]) -> Mapping[Cell, Counts]:
        request = self._new_request()
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

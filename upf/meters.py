"""Setting slice meters: one Write at a time, what waits meanwhile goes together in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from upf import tables
from upf.entry import MeterRate
from upf.errors import TargetError

if TYPE_CHECKING:
    from upf.slices import Slice
    from upf.target import Target

_MAX_PER_WRITE = 256


@dataclass(frozen=True, slots=True)
class _Waiting:
    rates: Mapping[int, MeterRate | None]
    done: asyncio.Future[None]


class MeterWriter:
    """The slice meters of a switch."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def set_capacity(self, wanted: Slice) -> None:
        """Limit a slice to its capacity. TargetError if the switch refuses."""
        uplink, downlink = wanted.rates()
        await self._set(wanted.slice_id, uplink, downlink)

    async def remove_capacity(self, slice_id: int) -> None:
        """Let a slice without limit. TargetError if the switch refuses."""
        await self._set(slice_id, None, None)

    async def _set(
        self, slice_id: int, uplink: MeterRate | None, downlink: MeterRate | None
    ) -> None:
        rates = {
            tables.slice_meter_id(slice_id, is_uplink=True): uplink,
            tables.slice_meter_id(slice_id, is_uplink=False): downlink,
        }
        waiting = _Waiting(rates, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        await waiting.done

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = (
                self._waiting[:_MAX_PER_WRITE],
                self._waiting[_MAX_PER_WRITE:],
            )
            error = await self._write(batch)
            for each in batch:
                # Of several, the one the switch refuses fails by itself.
                alone = error if error is None or len(batch) == 1 else await self._write([each])
                if each.done.done():
                    continue
                if alone is None:
                    each.done.set_result(None)
                else:
                    each.done.set_exception(alone)

    async def _write(self, batch: list[_Waiting]) -> TargetError | None:
        rates = {index: rate for each in batch for index, rate in each.rates.items()}
        try:
            await self._target.write_meters(tables.SLICE_METER, rates)
        except TargetError as error:
            return error
        return None

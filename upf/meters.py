"""Slice meters: one Write at a time, what waits meanwhile goes together in the next."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from upf import tables
from upf.entry import MeterRate
from upf.errors import TargetError
from upf.occupancy import NOTHING, Demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from upf.slices import Slice
    from upf.target import Target

_MAX_PER_WRITE = 256

log = logging.getLogger(__name__)

Rates: TypeAlias = tuple[MeterRate | None, MeterRate | None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    slice_id: int
    rates: Rates
    done: asyncio.Future[None]


class MeterWriter:
    """The slice meters of a switch. `taken` tells what sessions are guaranteed of a slice."""

    def __init__(self, target: Target, taken: Callable[[int], Demand] = lambda _: NOTHING) -> None:
        self._target = target
        self._taken = taken
        self._slices: dict[int, Slice] = {}
        self._accepted: dict[int, Rates] = {}
        self._under_way: Counter[int] = Counter()
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def set_capacity(self, wanted: Slice) -> None:
        """Limit a slice to its capacity. TargetError if the switch refuses; then what sessions are
        guaranteed is taken off the capacity it had.
        """
        before = self._slices.get(wanted.slice_id)
        self._slices[wanted.slice_id] = wanted
        try:
            await self._bring_about(wanted.slice_id)
        except TargetError:
            if before is None:
                del self._slices[wanted.slice_id]
            else:
                self._slices[wanted.slice_id] = before
            raise

    async def remove_capacity(self, slice_id: int) -> None:
        """Let a slice without limit. TargetError if the switch refuses."""
        self._slices.pop(slice_id, None)
        await self._bring_about(slice_id)

    def follow(self, slice_id: int) -> None:
        """Take off a slice's capacity what its sessions are guaranteed now."""
        if slice_id in self._slices:
            self._bring_about(slice_id).add_done_callback(_tell)

    def _bring_about(self, slice_id: int) -> asyncio.Future[None]:
        """Set a slice's meters as they must be at this moment; done when they are."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        rates = self._rates_of(slice_id)
        if self._accepted.get(slice_id) == rates and not self._under_way[slice_id]:
            done.set_result(None)
            return done
        self._under_way[slice_id] += 1
        self._waiting.append(_Waiting(slice_id, rates, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return done

    def _rates_of(self, slice_id: int) -> Rates:
        held = self._slices.get(slice_id)
        if held is None:
            return None, None
        taken = self._taken(slice_id)
        return held.rates(taken.uplink_bps, taken.downlink_bps)

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
                self._settle(each, alone)

    def _settle(self, waiting: _Waiting, error: TargetError | None) -> None:
        self._under_way[waiting.slice_id] -= 1
        if error is None:
            self._accepted[waiting.slice_id] = waiting.rates
        else:
            # One of its two meters may be set.
            self._accepted.pop(waiting.slice_id, None)
        if waiting.done.done():
            return
        if error is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(error)

    async def _write(self, batch: list[_Waiting]) -> TargetError | None:
        cells: dict[int, MeterRate | None] = {}
        for each in batch:
            for is_uplink, rate in zip((True, False), each.rates, strict=True):
                cells[tables.slice_meter_id(each.slice_id, is_uplink=is_uplink)] = rate
        try:
            await self._target.write_meters(tables.SLICE_METER, cells)
        except TargetError as error:
            return error
        return None


def _tell(done: asyncio.Future[None]) -> None:
    """Nobody waits for it: the log is told."""
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("what sessions are guaranteed is not taken off their slice: %s", error)

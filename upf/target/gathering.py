"""What gathers while a call to the switch is on its way: the next call takes what may share it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from upf.errors import TargetError

T = TypeVar("T")


@dataclass(slots=True)
class Waiting(Generic[T]):
    """What somebody asked for; `done` gets what came of it."""

    done: asyncio.Future[T]

    def succeed(self, result: T) -> None:
        """Give the result, if it is still waited for."""
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, error: Exception) -> None:
        """Raise where it is still waited for."""
        if not self.done.done():
            self.done.set_exception(error)


W = TypeVar("W", bound=Waiting[Any])


class Gathering(ABC, Generic[W]):
    """One batch at a time is carried out, by a task that lives while anything waits."""

    def __init__(self) -> None:
        self._waiting: deque[W] = deque()
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Fail what still waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        while self._waiting:
            self._waiting.popleft().fail(_closed())

    def _begin(self, waiting: W) -> None:
        """Have it carried out with one of the next batches."""
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        while self._waiting:
            batch = self._take()
            try:
                await self._carry_out(batch)
            except asyncio.CancelledError:
                for waiting in batch:
                    waiting.fail(_closed())
                raise

    @abstractmethod
    def _take(self) -> list[W]:
        """Take what may share a call off the queue."""

    @abstractmethod
    async def _carry_out(self, batch: list[W]) -> None:
        """Have each succeed or fail."""


def _closed() -> TargetError:
    return TargetError("the connection to the switch is closed")

"""What several sessions refer to by identifier: on the switch while at least one uses it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, Generic, TypeVar

from upf.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from upf.allocator import IndexPool

T = TypeVar("T")

log = logging.getLogger(__name__)


class Shared(Generic[T]):
    """Values by identifier, with their users counted.

    `add` and `remove` have the switch hold values no more and no less; `what` names them in logs.
    """

    def __init__(
        self,
        what: str,
        pool: IndexPool,
        add: Callable[[Mapping[int, T]], Awaitable[None]],
        remove: Callable[[Mapping[int, T]], Awaitable[None]],
    ) -> None:
        self.ids: dict[T, int] = {}
        self._what = what
        self._pool = pool
        self._add = add
        self._remove = remove
        self._users: Counter[T] = Counter()
        self._idle: set[T] = set()  # may be without users
        self._lock = asyncio.Lock()

    def restore(self, held: Iterable[Mapping[T, int]]) -> dict[int, T]:
        """Have the users of an earlier run, each with the identifiers it knows its values by; the
        values by identifier, which the switch holds or is to hold.
        """
        for values in held:
            self.ids.update(values)
            self._users.update(values.keys())
        for number in self._pool.restore(set(self.ids.values())):
            self._pool.release(number)
        return {number: value for value, number in self.ids.items()}

    async def acquire(self, values: Iterable[T]) -> None:
        """Count one more user of each and see that the switch holds it. All or none."""
        wanted = list(values)
        if not wanted:
            return
        async with self._lock:
            new: dict[T, int] = {}
            try:
                for value in wanted:
                    if value not in self.ids:
                        new[value] = self._pool.allocate()
                if new:
                    await self._add({number: value for value, number in new.items()})
            except BaseException:
                for number in new.values():
                    self._pool.release(number)
                raise
            self.ids.update(new)
            self._users.update(wanted)

    async def release(self, values: Iterable[T]) -> None:
        """Count one user less of each and remove those without any.

        What the switch will not remove now is of no harm: it goes with the next one.
        """
        released = list(values)
        if not released:
            return
        async with self._lock:
            self._users.subtract(released)
            self._idle.update(released)
            self._idle = {value for value in self._idle if self._users[value] <= 0}
            if not self._idle:
                return
            try:
                await self._remove({self.ids[value]: value for value in self._idle})
            except TargetError as error:
                log.warning("%s no longer used stay on the switch: %s", self._what, error)
                return
            for value in self._idle:
                self._pool.release(self.ids.pop(value))
                del self._users[value]
            self._idle.clear()

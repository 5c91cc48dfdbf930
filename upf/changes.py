"""That something was changed, for whoever watches: what to look at anew, not what it is now."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Literal, TypeAlias

Noun: TypeAlias = Literal["slices", "associations"]


class Changes:
    """Counts changes of each kind of thing."""

    def __init__(self) -> None:
        self._counts: Counter[Noun] = Counter()
        self._happened = asyncio.Event()

    def note(self, what: Noun) -> None:
        """One of these was made, changed or removed."""
        self._counts[what] += 1
        happened, self._happened = self._happened, asyncio.Event()
        happened.set()

    def counts(self) -> Counter[Noun]:
        """How often each was changed so far."""
        return self._counts.copy()

    async def next(self, told: Counter[Noun]) -> None:
        """Wait until there are others than these counts."""
        while self._counts == told:
            await self._happened.wait()

"""Identifiers we hand out: SEIDs and TEIDs that nobody can guess, dense indexes of the pipeline."""

from __future__ import annotations

import secrets
from collections import deque
from typing import TYPE_CHECKING

from upf.errors import ResourcesExhaustedError, RuleError
from upf.rules import LocalFTEID

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from upf.networks import Endpoint

FTEID_IE = 21
# Random draws before giving up: with three quarters of all values taken, one in 10^12 fails.
_MAX_DRAWS = 100
_DRAWN_AT_ONCE = 256


def _draws(octets: int) -> Callable[[], int]:
    """Numbers of so many random octets. The system is asked for many at a time."""

    def numbers() -> Iterator[int]:
        while True:
            drawn = secrets.token_bytes(octets * _DRAWN_AT_ONCE)
            for at in range(0, len(drawn), octets):
                yield int.from_bytes(drawn[at : at + octets], "big")

    return numbers().__next__


class IndexPool:
    """Indexes from `first` to `capacity` - 1. One released is handed out again as late as possible,
    so that a packet under way does not count for its next owner.
    """

    def __init__(self, what: str, capacity: int, *, first: int = 1) -> None:
        self._what = what
        self._capacity = capacity
        self._first = first
        self._next = first
        self._released: deque[int] = deque()

    def allocate(self) -> int:
        """An index nobody holds, else ResourcesExhaustedError."""
        if self._next < self._capacity:
            index = self._next
            self._next += 1
            return index
        if self._released:
            return self._released.popleft()
        raise ResourcesExhaustedError(f"all {self._capacity} {self._what} are in use")

    def release(self, index: int) -> None:
        """Give back what `allocate` gave."""
        self._released.append(index)

    def restore(self, taken: Collection[int], at_least: int = 0) -> list[int]:
        """Have these, and no others, be handed out, as in an earlier run that handed out those
        below `at_least` once. The indexes that run had and nobody has; they go back by `release`.
        """
        self._next = min(max(max(taken, default=0) + 1, at_least, self._first), self._capacity)
        self._released.clear()
        return [index for index in range(self._first, self._next) if index not in taken]


class SEIDAllocator:
    """SEIDs of this UPF: 64 random bits, never 0."""

    def __init__(self, draw: Callable[[], int] | None = None) -> None:
        self._draw = draw or _draws(8)
        self._held: set[int] = set()

    def allocate(self) -> int:
        for _ in range(_MAX_DRAWS):
            seid = self._draw()
            if seid and seid not in self._held:
                self._held.add(seid)
                return seid
        raise ResourcesExhaustedError("no unused SEID was drawn")

    def claim(self, seid: int) -> bool:
        """Take a given SEID, as restoring a session asks for; False if it is held."""
        if seid == 0 or seid in self._held:
            return False
        self._held.add(seid)
        return True

    def release(self, seid: int) -> None:
        self._held.remove(seid)


class FTEIDAllocator:
    """TEIDs at our endpoints: 32 random bits, never 0, each held by one session."""

    def __init__(self, draw: Callable[[], int] | None = None) -> None:
        self._draw = draw or _draws(4)
        self._owners: dict[tuple[int, int], int] = {}

    def allocate(self, endpoint: Endpoint, up_seid: int) -> LocalFTEID:
        """A tunnel endpoint nobody has."""
        for _ in range(_MAX_DRAWS):
            teid = self._draw()
            if teid and (endpoint.endpoint_id, teid) not in self._owners:
                self._owners[endpoint.endpoint_id, teid] = up_seid
                return LocalFTEID(endpoint.endpoint_id, teid, endpoint.ipv4, endpoint.ipv6)
        raise ResourcesExhaustedError("no unused TEID was drawn")

    def claim(self, endpoint: Endpoint, teid: int, up_seid: int) -> LocalFTEID:
        """The tunnel endpoint that the CP function chose; RuleError if another session has it."""
        if teid == 0:
            raise RuleError("TEID 0 cannot be a session's", offending_ie=FTEID_IE)
        if self._owners.setdefault((endpoint.endpoint_id, teid), up_seid) != up_seid:
            raise RuleError(
                f"TEID {teid:#x} at {endpoint.ipv4 or endpoint.ipv6} belongs to another session",
                offending_ie=FTEID_IE,
            )
        return LocalFTEID(endpoint.endpoint_id, teid, endpoint.ipv4, endpoint.ipv6)

    def is_held(self, fteid: LocalFTEID) -> bool:
        return (fteid.endpoint_id, fteid.teid) in self._owners

    def release(self, fteid: LocalFTEID) -> None:
        """Give back a tunnel endpoint; harmless if it went back before."""
        self._owners.pop((fteid.endpoint_id, fteid.teid), None)

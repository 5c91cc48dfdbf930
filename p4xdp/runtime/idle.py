"""Idle timeouts: who asked to be told of an entry that no packet has hit for a while is told so.

P4Runtime specification, "Table Idle Timeout Notification". Each entry is looked at when it could be
due, so however many there are, no more is done than their timeouts ask for.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.runtime.telling import add_metadata, key_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from p4xdp.dataplane import Dataplane
    from p4xdp.runtime.schema import Schema, Table
    from p4xdp.runtime.store import Key, Store

SHORTEST_WAIT_NS = 10_000_000  # between two looks; shorter timeouts are as long as that
MOST_IN_MESSAGE = 1000


class IdleTimeouts:
    """Watches the entries of `store` that have a timeout. `send` gets IdleTimeoutNotifications."""

    def __init__(
        self, schema: Schema, store: Store, dataplane: Dataplane, send: Callable[[Any], None]
    ) -> None:
        self._schema = schema
        self._store = store
        self._dataplane = dataplane
        self._send = send
        # When to look at which entry. One planned anew has another turn, and the first is void.
        self._due: list[tuple[int, int, int, Key]] = []
        self._turns: dict[tuple[int, Key], tuple[int, int]] = {}
        self._last_turn = 0
        self._told_ns: dict[tuple[int, Key], int] = {}
        self._timer: asyncio.TimerHandle | None = None
        for table in schema.tables.values():
            if table.has_idle_timeout:
                self._watch(table.id)

    def _watch(self, table_id: int) -> None:
        notes = self._store.tables[table_id].metadata
        notes.on_timeout = lambda key: self._begin(table_id, key)
        for key, note in notes.items():
            if note.idle_timeout_ns:
                notes.on_timeout(key)

    def _begin(self, table_id: int, key: Key) -> None:
        """Look at an entry soon, unless that is planned early enough for its timeout."""
        now_ns = time.monotonic_ns()
        _, planned_ns = self._turns.get((table_id, key), (0, None))
        notes = self._store.tables[table_id].metadata[key]
        if planned_ns is None or planned_ns > now_ns + notes.idle_timeout_ns:
            self._plan(table_id, key, now_ns)

    def stop(self) -> None:
        """Look at nothing any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _plan(self, table_id: int, key: Key, at_ns: int) -> None:
        self._last_turn += 1
        self._turns[table_id, key] = self._last_turn, at_ns
        heapq.heappush(self._due, (at_ns, self._last_turn, table_id, key))
        if self._timer is None:
            self._wait()

    def _wait(self) -> None:
        wait_ns = max(self._due[0][0] - time.monotonic_ns(), SHORTEST_WAIT_NS)
        self._timer = asyncio.get_running_loop().call_later(wait_ns / 1e9, self._look)

    def _look(self) -> None:
        self._timer = None
        now_ns = time.monotonic_ns()
        idle: list[Any] = []
        while self._due and self._due[0][0] <= now_ns:
            at_ns, turn, table_id, key = heapq.heappop(self._due)
            if self._turns.get((table_id, key)) != (turn, at_ns):
                continue
            told = self._look_at(self._schema.tables[table_id], key, now_ns)
            if told is not None:
                idle.append(told)
        for first in range(0, len(idle), MOST_IN_MESSAGE):
            some = idle[first : first + MOST_IN_MESSAGE]
            self._send(p4r.IdleTimeoutNotification(table_entry=some, timestamp=time.time_ns()))
        if self._due and self._timer is None:
            self._wait()

    def _look_at(self, table: Table, key: Key, now_ns: int) -> Any | None:
        """Return how an entry is told of if its time is over; look at it again in any case."""
        state = self._store.tables[table.id]
        entry, notes = state.entries.get(key), state.metadata.get(key)
        if entry is None or notes is None or not notes.idle_timeout_ns:
            del self._turns[table.id, key]
            self._told_ns.pop((table.id, key), None)
            return None
        (idle_ns,) = self._dataplane.idle_times(table.name, [entry])
        told_ns = self._told_ns.get((table.id, key))
        if told_ns is not None:
            idle_ns = min(idle_ns, now_ns - told_ns)
        if idle_ns < notes.idle_timeout_ns:
            self._plan(table.id, key, now_ns + notes.idle_timeout_ns - idle_ns)
            return None
        self._told_ns[table.id, key] = now_ns
        self._plan(table.id, key, now_ns + notes.idle_timeout_ns)
        message = key_only(table, entry)
        add_metadata(message, notes)
        return message

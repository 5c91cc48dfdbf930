"""Usage looked at while the UPF runs, and what is due told to the CP functions it concerns."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from upf.errors import StoreError, TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pfcp import ies
    from upf.keeping import SessionKeeper
    from upf.n4_server import N4Server
    from upf.paging import Paging
    from upf.records import SessionRecord
    from upf.reporting import Requests, UsageReporting

# A limit passed just after a look is reported after the next: both have to be within a second.
SWEEP_INTERVAL_S = 0.5
MIN_WAIT_S = 0.01
# Sweeps over very many sessions leave room for others: a part of what each took.
SWEEP_REST = 0.25
_SETTLE_S = 10.0
# Reports of a session that wait to be confirmed; UR-SEQN shows which are missing.
_MAX_UNTOLD = 16

log = logging.getLogger(__name__)


class Telling:
    """Of the sessions of a UPF, by SEID. `clock` gives seconds since 1970."""

    def __init__(
        self,
        sessions: Mapping[int, SessionRecord],
        reporting: UsageReporting,
        keeper: SessionKeeper,
        server: N4Server,
        paging: Paging,
        clock: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._reporting = reporting
        self._keeper = keeper
        self._server = server
        self._paging = paging
        self._clock = clock

    async def run(self) -> None:
        """Look at limits twice a second, and when one's time has come."""
        next_sweep = time.monotonic()
        while True:
            left_s = max(0.0, next_sweep - time.monotonic())
            deadline = self._reporting.next_deadline()
            if deadline is not None:
                left_s = min(left_s, max(MIN_WAIT_S, deadline - self._clock()))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._reporting.is_urgent.wait(), left_s)
            began = time.monotonic()
            is_full = began >= next_sweep
            try:
                self._paging.expire()
                due = await (self._reporting.sweep() if is_full else self._reporting.expire())
            except TargetError as error:
                log.warning("usage cannot be read: %s", error)
                due = []
            await self._tell(due)
            if is_full:
                took_s = time.monotonic() - began
                next_sweep = began + max(SWEEP_INTERVAL_S, took_s * (1 + SWEEP_REST))

    async def _tell(self, due: Requests) -> None:
        """Send reports of usage once they are kept: what is told counts no more, so it must not be
        lost either. Those nobody confirms are sent again when the SMF is back, or we are.
        """
        usage = {record.session.up_seid: record for record, each in due if each.usage_reports}
        for record, request in due:
            if request.usage_reports:
                record.untold = (*record.untold, request.encode(0))[-_MAX_UNTOLD:]
            else:
                self._server.report(record, request)
        kept = [self._keeper.keep(record) for record in usage.values()]
        for outcome in await asyncio.gather(*kept, return_exceptions=True):
            if isinstance(outcome, StoreError):
                log.warning("a report of usage is sent though it cannot be kept: %s", outcome)
        for record in usage.values():
            self._server.report_untold(record)

    def note_told(self, record: SessionRecord, octets: bytes) -> None:
        """Forget a report that was confirmed."""
        record.untold = tuple(each for each in record.untold if each is not octets)
        self._keeper.keep_later(record)

    def tell_again(self, owner: ies.NodeID | None = None) -> None:
        """Send what nobody confirmed of a CP function's sessions, or of all."""
        for record in list(self._sessions.values()):
            if record.untold and owner in (None, record.owner):
                self._server.report_untold(record)

    async def settle(self) -> None:
        """Keep what was used: the counters end with the switch."""
        records = list(self._sessions.values())
        try:
            async with asyncio.timeout(_SETTLE_S):
                await self._reporting.settle_all(records)
                for each in records:
                    self._keeper.keep_later(each)
                await self._keeper.flush()
        except (TargetError, TimeoutError) as error:
            log.warning("what was used last is not kept: %r", error)

"""Keeps the connection to the switch: when it is gone, it is sought until it is there again, and
brought to hold what it is to hold.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from upf.errors import StartError, TargetError
from upf.restoring import begin_anew, life_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from upf.image import HeldSwitch
    from upf.restoring import SessionParts
    from upf.target.p4rt import P4RuntimeTarget

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0

log = logging.getLogger(__name__)


class Supervision:
    """Of one switch. `open_target` connects to it anew; `on_health` is told why it cannot be
    written to, None once it can.
    """

    def __init__(
        self,
        switch: HeldSwitch,
        open_target: Callable[[], Awaitable[P4RuntimeTarget]],
        on_health: Callable[[str | None], None],
    ) -> None:
        self._switch = switch
        self._open_target = open_target
        self._on_health = on_health

    async def run(self, sessions: Revival) -> None:
        """Watch until cancelled."""
        while True:
            error = await self._switch.wait_trouble()
            log.error("%s: trying to reach the switch again", error)
            self._switch.lose(error)
            self._on_health(str(error))
            began = time.monotonic()
            await self._bring_back(sessions)
            log.info("the switch is back after %.1f s", time.monotonic() - began)
            self._on_health(None)

    async def _bring_back(self, sessions: Revival) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            await asyncio.sleep(wait_s)
            try:
                await self._switch.close()
                self._switch.replace(await self._open_target())
                await sessions.revive()
                log.info("the switch holds what it is to hold: %s", await self._switch.reconcile())
            except (TargetError, StartError) as error:
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                log.warning("the switch is not back (next try in %.1f s): %s", wait_s, error)
                self._on_health(str(error))
            else:
                return


class Revival:
    """What sessions need when the switch is another than it was, or started anew."""

    def __init__(self, switch: HeldSwitch, parts: SessionParts) -> None:
        self._switch = switch
        self._parts = parts

    async def revive(self) -> None:
        """Measure on, and give quotas what is left, if the switch began another life."""
        parts = self._parts
        life, is_new = await life_of(self._switch)
        if life == parts.keeper.life:
            return
        log.warning("the switch started anew: its counters begin again, quotas are granted anew")
        parts.counters.begin_anew()
        if not is_new:
            await parts.counters.adopt()
        parts.keeper.life = life
        records = list(parts.n4.sessions.values())
        await begin_anew(records, parts.reporting, parts.entries)
        for record in records:
            parts.reporting.restore(record)
            parts.keeper.keep_later(record)

"""What is kept of sessions, so that another run goes on with them: each one record of the store.

A record has the session, what was measured, and every number that the switch knows it by: its
entries follow from these.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, Protocol

from upf.answered import Answered
from upf.codec import Codec
from upf.compiler import OwnName
from upf.entry import Counts
from upf.errors import StoreError
from upf.filters import RuleList
from upf.measurement import Measurement
from upf.quotas import Grant, QuotaName
from upf.rules import BAR, QER, URR, SDFFilter
from upf.session import Session
from upf.treatment import TunnelPeer
from upf.usage import NO_COUNTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Iterable

    from upf.metering import UsageCounters
    from upf.records import SessionRecord
    from upf.store import Store
    from upf.transaction import SessionEntries

LAYOUT_KIND = "layout"
_DIGEST_OCTETS = 8
_RETRY_S = 1.0
_AT_ONCE = 200
# Longer than any SMF repeats a request.
ANSWERS_KEPT_S = 60.0

log = logging.getLogger(__name__)

# Of these many sessions have the same.
_ALIKE = frozenset({QER, URR, BAR, SDFFilter, TunnelPeer})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSession:
    """A session as it is kept.

    `life` is that of the switch whose counters `measurements` and `bases` are of. `bases` is what
    usage counters stood at when they became the session's, 0 left out.
    """

    session: Session
    owner: IPv4Address | IPv6Address | str
    since: float
    own_ids: Mapping[OwnName, int] = field(default_factory=dict)
    peers: Mapping[TunnelPeer, int] = field(default_factory=dict)
    rule_lists: Mapping[RuleList, int] = field(default_factory=dict)
    grants: Mapping[QuotaName, Grant] = field(default_factory=dict)
    life: int = 0
    measurements: Mapping[int, Measurement] = field(default_factory=dict)
    bases: Mapping[int, Counts] = field(default_factory=dict)
    active_at: float = 0.0
    is_idle_told: bool = False
    answered: Answered | None = None
    untold: tuple[bytes, ...] = ()
    is_deleted: bool = False


class Keeper(Protocol):
    """Where sessions are kept. What is durable outlives the process and the host."""

    def check(self) -> None:
        """StoreError if nothing can be kept, so that nothing is begun that had to be undone."""

    def keep(self, record: SessionRecord) -> Awaitable[None]:
        """Keep a session as it is; done when it is durable, StoreError if it is not."""

    def keep_later(self, record: SessionRecord) -> None:
        """Keep a session that nobody waits for; if that fails now, it is tried until it is done."""

    async def forget(self, record: SessionRecord) -> None:
        """Forget a session; if that fails now, it is tried until it is done."""


class NothingKept:
    """Where sessions end with the process."""

    def check(self) -> None:
        pass

    async def keep(self, record: SessionRecord) -> None:
        pass

    def keep_later(self, record: SessionRecord) -> None:
        pass

    async def forget(self, record: SessionRecord) -> None:
        pass


async def load_sessions(store: Store) -> list[tuple[int, KeptSession]]:
    """The sessions of an earlier run, by the numbers of their records. StoreError if they cannot be
    read; one that cannot is told and forgotten.

    Each record begins with the digest of its layout, so that those of several versions may stand
    side by side.
    """
    codecs = {
        bytes.fromhex(digest): Codec(KeptSession, dict(layout), alike=_ALIKE)
        for digest, layout in (await store.load(LAYOUT_KIND)).items()
    }
    found: list[tuple[int, KeptSession]] = []
    next_number = 0
    while records := await store.records(next_number, _AT_ONCE):
        for number, octets in records:
            try:
                kept = codecs[octets[:_DIGEST_OCTETS]].decode(octets[_DIGEST_OCTETS:])
            except (KeyError, ValueError) as error:
                log.error("kept session %d cannot be read, it is lost: %s", number, error)
                await store.keep(number, None)
            else:
                found.append((number, kept))
        next_number = records[-1][0] + 1
    return found


def answers_of(found: Iterable[tuple[int, KeptSession]], now: float) -> list[Answered]:
    """The answers that an SMF may still ask for again; `now` in seconds since 1970."""
    return [
        kept.answered
        for _, kept in found
        if kept.answered is not None and abs(now - kept.answered.at) < ANSWERS_KEPT_S
    ]


class SessionKeeper:
    """Keeps sessions in a store. `life` is the life of the switch (`upf.restoring`)."""

    def __init__(
        self,
        store: Store,
        entries: SessionEntries,
        counters: UsageCounters,
        first_number: int = 1,
    ) -> None:
        self._store = store
        self._entries = entries
        self._counters = counters
        self.life = 0
        self._codec = Codec(KeptSession)
        layout = json.dumps(self._codec.layout, sort_keys=True)
        self._digest = hashlib.sha256(layout.encode()).digest()[:_DIGEST_OCTETS]
        self._next = first_number
        self._undone: dict[int, SessionRecord] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tombstones: deque[tuple[float, int]] = deque()
        self._retry: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Keep how records are written from here on. StoreError."""
        await self._store.put(LAYOUT_KIND, self._digest.hex(), dict(self._codec.layout))

    def inherit(self, found: Iterable[tuple[int, KeptSession]]) -> None:
        """Forget what an earlier run kept of sessions that ended, when its time has come."""
        expiry = time.monotonic() + ANSWERS_KEPT_S
        self._tombstones.extend((expiry, number) for number, kept in found if kept.is_deleted)

    async def flush(self) -> None:
        """Wait for what `keep_later` was asked."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def check(self) -> None:
        """StoreError if nothing can be kept, so that nothing is begun that had to be undone."""
        if self._store.fault is not None:
            self._try_again()
            raise self._store.fault

    def keep(self, record: SessionRecord) -> Awaitable[None]:
        """Keep a session as it is; done when it is durable, StoreError if it is not."""
        if record.number is None:
            record.number = self._next
            self._next += 1
        return self._store.keep(
            record.number, self._digest + self._codec.encode(self._kept(record))
        )

    def keep_later(self, record: SessionRecord) -> None:
        """Keep a session that nobody waits for; if that fails now, it is tried until it is done."""

        async def keep() -> None:
            try:
                await self.keep(record)
            except StoreError as error:
                self._put_off(record, error)

        self._start(keep())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def forget(self, record: SessionRecord) -> None:
        """Forget a session; if that fails now, it is tried until it is done."""
        if record.number is None:
            return
        try:
            if record.answered is None:
                await self._store.keep(record.number, None)
            else:
                await self._store.keep(record.number, self._digest + self._tombstone(record))
                self._forget_old_tombstones(record.number)
        except StoreError as error:
            self._put_off(record, error)

    def _tombstone(self, record: SessionRecord) -> bytes:
        """What is left of a session that ended: the answer, should the SMF ask for it again."""
        whole = record.session
        session = Session(up_seid=whole.up_seid, cp_seid=whole.cp_seid, cp_address=whole.cp_address)
        return self._codec.encode(
            KeptSession(
                session=session,
                owner=record.owner.value,
                since=record.since,
                answered=record.answered,
                is_deleted=True,
            )
        )

    def _forget_old_tombstones(self, number: int) -> None:
        now = time.monotonic()
        self._tombstones.append((now + ANSWERS_KEPT_S, number))
        while self._tombstones[0][0] <= now:
            _, old = self._tombstones.popleft()
            self._start(self._bury(old))

    async def _bury(self, number: int) -> None:
        """Forget a tombstone; if that fails, the next start does it."""
        with suppress(StoreError):
            await self._store.keep(number, None)

    def _put_off(self, record: SessionRecord, error: StoreError) -> None:
        log.warning("session %016x is kept as it was: %s", record.session.up_seid, error)
        self._undone[record.session.up_seid] = record
        self._try_again()

    def _kept(self, record: SessionRecord) -> KeptSession:
        held = record.held
        base = self._counters.base
        usage_ids = [pdr.usage_id for pdr in record.session.pdrs.values()]
        return KeptSession(
            session=record.session,
            owner=record.owner.value,
            since=record.since,
            own_ids=held.own_ids,
            peers={each: self._entries.tunnel_peers.ids[each] for each in held.peers},
            rule_lists={each: self._entries.rule_lists.ids[each] for each in held.rule_lists},
            grants=held.grants,
            life=self.life,
            measurements=record.measurements,
            bases={i: base(i) for i in usage_ids if base(i) != NO_COUNTS},
            active_at=record.active_at,
            is_idle_told=record.is_idle_told,
            answered=record.answered,
            untold=record.untold,
        )

    def _try_again(self) -> None:
        if self._retry is None or self._retry.done():
            self._retry = asyncio.create_task(self._keep_trying())

    async def _keep_trying(self) -> None:
        """Write until it can be written again."""
        while self._store.fault is not None or self._undone:
            await asyncio.sleep(_RETRY_S)
            try:
                await self.open()
                for up_seid, record in list(self._undone.items()):
                    del self._undone[up_seid]
                    await (self.forget(record) if record.is_deleted else self.keep(record))
            except StoreError as error:
                log.warning("still nothing can be kept: %s", error)

"""Changing slices: the switch first, then the store, then in force and answered.

Changes of one slice wait for each other, those of different slices do not. What fails leaves the
slice as it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from upf.errors import InUseError, PortCapacityError, StoreError, TargetError
from upf.headroom import broken_promises
from upf.slices import SNSSAI, Slice, SliceRegistry

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Coroutine,
        Iterable,
        Iterator,
        Sequence,
    )

    from upf.headroom import Fit
    from upf.slice_writer import SliceWriter
    from upf.store import Document, Store

KIND = "slice"

Wanted: TypeAlias = "Callable[[Slice | None], Slice]"
Check: TypeAlias = "Callable[[Slice], None]"
T = TypeVar("T")

log = logging.getLogger(__name__)


class Provisioning:
    """The slices of a UPF.

    `rebind` puts sessions into the slices that are theirs now, `num_sessions` tells how many a
    slice has, by slice_id; `on_new_id` hears of an identifier that gets a new owner; `fits` tells
    how slices stand to the ports. Revisions begin above `first_revision`, which must be higher than
    any of an earlier run.
    """

    def __init__(
        self,
        switch: SliceWriter,
        store: Store,
        *,
        rebind: Callable[[], Awaitable[None]],
        num_sessions: Callable[[int], int],
        on_new_id: Callable[[int], None] = lambda _: None,
        fits: Callable[[Iterable[Slice]], Sequence[Fit]] = lambda _: (),
        first_revision: int = 0,
    ) -> None:
        self.registry = SliceRegistry(revision=first_revision)
        self._switch = switch
        self._store = store
        self._rebind = rebind
        self._num_sessions = num_sessions
        self._on_new_id = on_new_id
        self._fits = fits
        self._coming: dict[str, Slice] = {}
        self._configured: frozenset[str] = frozenset()
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()
        self._making: set[int] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def restore(self, configured: Iterable[Slice]) -> None:
        """Put in force what was kept, and what the configuration names and nobody changed since."""
        wanted = {each.name: each for each in configured}
        self._configured = frozenset(wanted)
        for name, document in (await self._store.load(KIND)).items():
            wanted.pop(name, None)
            if not document.get("is_deleted"):
                wanted[name] = slice_of(name, document)
        # Those that had an identifier keep it: sessions of an earlier run know them by it.
        for each in sorted(wanted.values(), key=lambda each: not each.slice_id):
            registry, put = self.registry.put(each)
            kept = replace(
                put,
                revision=each.revision or put.revision,
                slice_id=each.slice_id or put.slice_id,
            )
            self.registry = registry.with_slice(kept)
        await asyncio.gather(
            *(self._switch.put(each, None) for each in self.registry.slices.values())
        )

    async def change(self, name: str, wanted: Wanted) -> tuple[Slice, bool]:
        """Make the slice what `wanted` says, given what it is; True if it is new.

        Its capacity holds from the next packet on and it is kept when this returns. What `wanted`
        raises is passed on. SliceError if it makes no sense, PortCapacityError if the ports cannot
        carry what it would be guaranteed more than before, ResourcesExhaustedError if there is no
        identifier left, TargetError if the switch refuses, StoreError if it cannot be kept.
        """
        return await self._unbroken(self._change(name, wanted))

    async def delete(self, name: str, check: Check, *, is_forced: bool = False) -> None:
        """Remove a slice; its sessions go to whichever covers them.

        `check` sees the slice first and may raise. KeyError if there is none, InUseError if it has
        sessions and is not forced out.
        """
        await self._unbroken(self._delete(name, check, is_forced=is_forced))

    async def _change(self, name: str, wanted: Wanted) -> tuple[Slice, bool]:
        async with self._alone(name):
            held = self.registry.slices.get(name)
            _, put = self.registry.put(wanted(held), self._making)
            if held is not None and put.revision == held.revision:
                return held, False
            put.check()
            self._check_ports(put, held)
            with self._made(put, held):
                # Another slice may have got this revision: it is told when put, not before.
                put = replace(put, revision=self._next_revision())
                await self._switch.put(put, held)
                await self._keep(put, held)
            self.registry = self.registry.with_slice(put)
            if held is None or not held.has_same_members_as(put):
                await self._rebind()
            return put, held is None

    async def _keep(self, put: Slice, held: Slice | None) -> None:
        """Store the slice; on failure the switch treats it as before."""
        try:
            await self._store.put(KIND, put.name, document_of(put))
        except StoreError:
            await self._switch.restore(put, held)
            raise

    async def _delete(self, name: str, check: Check, *, is_forced: bool) -> None:
        async with self._alone(name):
            removed = self.registry.slices[name]
            check(removed)
            num_sessions = self._num_sessions(removed.slice_id)
            if num_sessions and not is_forced:
                raise InUseError(
                    f"{num_sessions} sessions are in slice {name}: end them, or force its removal, "
                    "which leaves them without its capacity"
                )
            if name in self._configured:
                # The configuration names it and must not bring it back.
                document = {"is_deleted": True, "revision": self._next_revision()}
                await self._store.put(KIND, name, document)
            else:
                await self._store.delete(KIND, name)
            self._making.add(removed.slice_id)
            try:
                self.registry = self.registry.without(name)
                await self._rebind()
                await self._lift(removed)
            finally:
                self._making.discard(removed.slice_id)

    async def _lift(self, removed: Slice) -> None:
        """Nobody is in the slice any more: what stays is set anew for the next owner."""
        try:
            await self._switch.remove(removed)
        except TargetError as error:
            log.warning("what %s was granted stays on the switch: %s", removed.name, error)

    def _check_ports(self, put: Slice, held: Slice | None) -> None:
        """A guarantee that is raised must be one that the ports can keep, with all others."""
        if not _is_promised_more(put, held):
            return
        slices = {**self.registry.slices, **self._coming, put.name: put}
        if broken := broken_promises(self._fits(slices.values())):
            raise PortCapacityError(
                f"{'; '.join(broken)}: ask for less, or lower the guarantees of other slices"
            )

    def _next_revision(self) -> int:
        self.registry = replace(self.registry, revision=self.registry.revision + 1)
        return self.registry.revision

    @contextmanager
    def _made(self, put: Slice, held: Slice | None) -> Iterator[None]:
        """Keep what a slice is promised, and a new one's identifier, from others meanwhile."""
        self._coming[put.name] = put
        if held is None:
            self._making.add(put.slice_id)
            self._on_new_id(put.slice_id)
        try:
            yield
        finally:
            del self._coming[put.name]
            self._making.discard(put.slice_id)

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[None]:
        """Wait for other changes of this slice. Locks nobody waits for are not kept."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._users[name] += 1
        try:
            async with lock:
                yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._locks[name]

    async def _unbroken(self, work: Coroutine[Any, Any, T]) -> T:
        """Finish work begun though the one who asked has gone."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)


def _is_promised_more(put: Slice, held: Slice | None) -> bool:
    before = (0, 0) if held is None else (held.guaranteed_uplink_bps, held.guaranteed_downlink_bps)
    return put.guaranteed_uplink_bps > before[0] or put.guaranteed_downlink_bps > before[1]


def document_of(held: Slice) -> Document:
    """A slice as it is kept."""
    return {
        "sst": held.s_nssai.sst if held.s_nssai else None,
        "sd": held.s_nssai.sd if held.s_nssai else None,
        "dnns": list(held.dnns),
        "uplink_bps": held.uplink_bps,
        "downlink_bps": held.downlink_bps,
        "uplink_burst_ms": held.uplink_burst_ms,
        "downlink_burst_ms": held.downlink_burst_ms,
        "guaranteed_uplink_bps": held.guaranteed_uplink_bps,
        "guaranteed_downlink_bps": held.guaranteed_downlink_bps,
        "max_sessions": held.max_sessions,
        "dscp": held.dscp,
        "excess_dscp": held.excess_dscp,
        "revision": held.revision,
        "slice_id": held.slice_id,
    }


def slice_of(name: str, document: Document) -> Slice:
    """A slice as it was kept."""
    fields = dict(document)
    sst, sd = fields.pop("sst"), fields.pop("sd")
    s_nssai = None if sst is None else SNSSAI(sst, sd)
    if "burst_ms" in fields:  # as it was kept when both directions had one burst
        fields["uplink_burst_ms"] = fields["downlink_burst_ms"] = fields.pop("burst_ms")
    return Slice(name=name, s_nssai=s_nssai, dnns=tuple(fields.pop("dnns")), **fields)

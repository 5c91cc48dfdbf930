"""Making the switch hold what a session needs, whole or not at all.

Shared entries, the tunnel peers, are counted here and stand before the session's own entries and
after them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from upf import tables
from upf.allocator import IndexPool
from upf.compiler import CompileContext, Compiled, TunnelPeer, compile_session, tunnel_peers
from upf.errors import RuleError, RuleId, RuleKind, TargetError, WriteRejectedError
from upf.plan import Plan, diff

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upf.entry import Entry, EntryKey
    from upf.networks import Networks
    from upf.session import Session
    from upf.target import Target


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """What the switch holds for one session."""

    compiled: Compiled = field(default_factory=lambda: Compiled(frozenset(), {}))
    peers: frozenset[TunnelPeer] = frozenset()


NOTHING_HELD = Held()


class TunnelPeers:
    """The entries of tunnel_peers: one for each pair of GTP-U entities, while a session uses it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._pool = IndexPool("tunnel peers", tables.NUM_TUNNEL_PEERS)
        self._users: Counter[TunnelPeer] = Counter()
        self._idle: set[TunnelPeer] = set()  # may be without users
        self._lock = asyncio.Lock()
        self.ids: dict[TunnelPeer, int] = {}

    async def acquire(self, peers: Iterable[TunnelPeer]) -> None:
        """Count one more user of each and see that the switch holds it. All or none."""
        wanted = list(peers)
        async with self._lock:
            new = {peer: self._pool.allocate() for peer in wanted if peer not in self.ids}
            if new:
                try:
                    await self._target.apply(
                        Plan(inserts=tuple(_peer_entry(each, i) for each, i in new.items()))
                    )
                except TargetError:
                    for peer_id in new.values():
                        self._pool.release(peer_id)
                    raise
            self.ids.update(new)
            self._users.update(wanted)

    async def release(self, peers: Iterable[TunnelPeer]) -> None:
        """Count one user less of each and remove those without any.

        What the switch will not remove now is of no harm: it goes with the next one.
        """
        async with self._lock:
            released = list(peers)
            self._users.subtract(released)
            self._idle.update(released)
            unused = [peer for peer in self._idle if self._users[peer] <= 0]
            self._idle = set(unused)
            if not unused:
                return
            try:
                await self._target.apply(
                    Plan(deletes=tuple(_peer_entry(peer, self.ids[peer]) for peer in unused))
                )
            except TargetError as error:
                log.warning("tunnel peers no longer used stay on the switch: %s", error)
                return
            for peer in unused:
                self._pool.release(self.ids.pop(peer))
                del self._users[peer]
            self._idle.clear()


def _peer_entry(peer: TunnelPeer, peer_id: int) -> Entry:
    return tables.entry(
        tables.TunnelPeer(peer_id), tables.SetTunnelPeer(int(peer.src), int(peer.dst))
    )


class SessionEntries:
    """Entries of all sessions. One session is changed by one caller at a time."""

    def __init__(self, target: Target, networks: Networks) -> None:
        self.networks = networks
        self.tunnel_peers = TunnelPeers(target)
        self._target = target
        self._owners: dict[EntryKey, int] = {}

    async def replace(self, held: Held, session: Session) -> Held:
        """Make the switch hold what `session` needs instead of `held`.

        On UPFError the switch holds `held` as before; the error names the rule to blame if one is.
        """
        peers = tunnel_peers(session, self.networks)
        await self.tunnel_peers.acquire(peers)
        claimed: set[EntryKey] = set()
        try:
            context = CompileContext(self.networks, self.tunnel_peers.ids)
            compiled = compile_session(session, context)
            claimed = self._claim(compiled, session.up_seid)
            plan = diff(held.compiled.entries, compiled.entries)
            if plan:
                await self._target.apply(plan)
        except WriteRejectedError as error:
            _blame(error, compiled)
            await self._give_back(claimed, peers)
            raise
        except BaseException:
            await self._give_back(claimed, peers)
            raise
        await self._give_back(held.compiled.pdr_ids.keys() - compiled.pdr_ids.keys(), held.peers)
        return Held(compiled, peers)

    async def remove(self, held: Held) -> None:
        """Take a session's entries off the switch."""
        plan = diff(held.compiled.entries, ())
        if plan:
            await self._target.apply(plan)
        await self._give_back(held.compiled.pdr_ids, held.peers)

    def _claim(self, compiled: Compiled, up_seid: int) -> set[EntryKey]:
        """Make the session the owner of its keys; RuleError if another one has a key."""
        for key, pdr_id in compiled.pdr_ids.items():
            if self._owners.get(key, up_seid) != up_seid:
                rule = RuleId(RuleKind.PDR, pdr_id)
                raise RuleError(
                    f"{rule} detects the same traffic as a PDR of another session", rule=rule
                )
        # Not by difference of the two key sets, which would walk all sessions' keys.
        new = {key for key in compiled.pdr_ids if key not in self._owners}
        self._owners.update(dict.fromkeys(new, up_seid))
        return new

    async def _give_back(self, keys: Iterable[EntryKey], peers: Iterable[TunnelPeer]) -> None:
        for key in list(keys):
            del self._owners[key]
        await self.tunnel_peers.release(peers)


def _blame(error: WriteRejectedError, compiled: Compiled) -> None:
    """Name the PDR whose entry the switch refused first."""
    for failure in error.failures:
        if failure.entry is not None and failure.entry.identity in compiled.pdr_ids:
            error.rule = RuleId(RuleKind.PDR, compiled.pdr_ids[failure.entry.identity])
            return

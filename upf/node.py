"""The running UPF: everything put together, and what REST and metrics see of it."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections import Counter
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Self

from pfcp import ies, messages
from upf import preflight, switch, tables
from upf.changes import Changes
from upf.errors import TargetError
from upf.figures import INTERVAL_S, Sample, Sampler, SliceDrops, SliceTotals, count_sessions
from upf.gtpu_side import GTPUSide
from upf.history import History
from upf.icmp_replies import ICMPReplies
from upf.image import HeldSwitch
from upf.keeping import SessionKeeper, answers_of, load_sessions
from upf.marks import MarkWriter
from upf.metering import UsageCounters
from upf.meters import MeterWriter
from upf.n4 import N4
from upf.n4_node import Identity
from upf.n4_server import N4Server
from upf.netlink import Kernel
from upf.paging import Paging
from upf.plan import Plan
from upf.provisioning import Provisioning
from upf.punts import Punts, punt_meter_rates
from upf.reporting import UsageReporting
from upf.reports import ntp_time
from upf.resources import Resources
from upf.restoring import Memory, Restoration, SessionParts, adopt_counters, life_of
from upf.routing import Routing
from upf.shown import Shown
from upf.slice_writer import SliceWriter
from upf.slices import DEFAULT_SLICE_ID
from upf.store import MemoryStore, SQLiteStore
from upf.supervision import Revival, Supervision
from upf.telling import Telling
from upf.transaction import SessionEntries
from upf.views import (
    Health,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from pfcp.association import Association
    from upf.config import Config
    from upf.keeping import KeptSession
    from upf.networks import Networks
    from upf.provisioning import Check, Wanted
    from upf.records import SessionRecord
    from upf.routes import PortBinding
    from upf.rules import PDR
    from upf.slices import SNSSAI, Slice
    from upf.store import Store
    from upf.treatment import TunnelPeer

log = logging.getLogger(__name__)


class UPF(Shown):
    """A User Plane Function at work. Made by `start`, ended by `stop`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.since = time.time()
        self._stack = AsyncExitStack()
        self._background: list[asyncio.Task[None]] = []
        self._health = Health(is_ready=False, reason="starting")
        self.sampler = Sampler(self._take_sample)
        self.history = History()
        self.changes = Changes()
        self._failed: asyncio.Future[TargetError] = asyncio.get_running_loop().create_future()
        self._num_kept = 0

    @classmethod
    async def start(cls, config: Config) -> Self:
        """Bring everything up. ConfigError, StartError or TargetError, one line each, if it cannot
        be; nothing is left behind then.
        """
        upf = cls(config)
        try:
            await upf._start()
        except BaseException:
            await upf.stop()
            raise
        return upf

    async def stop(self) -> None:
        """Take everything down, in reverse. Sessions stay in the store."""
        self._health = Health(is_ready=False, reason="stopping")
        await self._stack.aclose()

    async def wait_failed(self) -> TargetError:
        """Wait until something the UPF cannot live without is gone for good; says what."""
        return await self._failed

    async def wait_n4_quiet(self, within_s: float) -> None:
        """Wait until no N4 request is under way, or for so long."""
        await self._n4_server.wait_quiet(within_s)

    # What operators change.

    async def set_up_association(self, peer: tuple[str, int]) -> None:
        """Ask a CP function for an association. PeerError if it will not or does not answer."""
        request = messages.AssociationSetupRequest(
            node_id=self._identity.node_id,
            recovery_time_stamp=self._identity.recovery_time_stamp,
            up_function_features=self._identity.features,
        )
        await self._n4_server.ask(peer, request)

    async def release_association(self, node_id: str, *, is_forced: bool = False) -> None:
        """Ask a CP function to release its association, or end it and its sessions at once.

        KeyError if there is none; PeerError if it will not or does not answer.
        """
        known = {str(each.node_id): each for each in self._n4_server.endpoint.associations.all()}
        association = known[node_id]
        if is_forced:
            self._n4_server.release(association.node_id)
            await self._n4.forget_sessions_of(association.node_id)
            return
        request = messages.AssociationUpdateRequest(
            node_id=self._identity.node_id,
            pfcp_association_release_request=ies.PFCPAssociationReleaseRequest(sarr=True),
        )
        await self._n4_server.ask(association.peer, request)

    async def change_slice(self, name: str, wanted: Wanted) -> tuple[Slice, bool]:
        """Make a slice what `wanted` says, given what it is; True if it is new.

        Its capacity holds from the next packet on, and it outlives a restart. What `wanted` raises
        is passed on. ResourcesExhaustedError if there is no room, TargetError if the switch
        refuses, StoreError if it cannot be kept.
        """
        changed = await self._provisioning.change(name, wanted)
        self.changes.note("slices")
        return changed

    async def delete_slice(self, name: str, check: Check, *, is_forced: bool = False) -> None:
        """Remove a slice; its sessions go to whichever covers them.

        `check` sees it first and may raise. KeyError if there is none, InUseError if it has
        sessions and is not forced out.
        """
        await self._provisioning.delete(name, check, is_forced=is_forced)
        self.changes.note("slices")

    # Coming up.

    async def _start(self) -> None:
        config = self.config
        kernel = self._kernel = Kernel()
        self._stack.push_async_callback(kernel.close)
        state = await kernel.read()
        if config.target.kind == "xdp":
            preflight.check_interfaces(config, state)
            preflight.check_privileges()
        networks = self._networks = config.networks(dict(state.addresses or {}))
        path = config.state.file
        store = self._store = MemoryStore() if path is None else SQLiteStore.open(path)
        self._stack.push_async_callback(store.close)
        memory = await Memory.open(store, ntp_time(self.since))
        await self._open_n4(memory)
        with _collector_paused():
            await self._go_on(networks, kernel, store, memory)
        self._gtpu_side.serve(self._n4, self._n4_server, networks, self._identity.node_id)
        self._run("switch", self._watch_switch)
        self._run("routing", self._routing.run)
        self._run("GTP-U paths", self._gtpu_side.run)
        self._run("usage", self._telling.run)
        self._run("figures", self._sample)
        self._n4_server.serve(self._n4)
        self._telling.tell_again()
        self._health = Health(is_ready=True)

    async def _go_on(
        self, networks: Networks, kernel: Kernel, store: Store, memory: Memory
    ) -> None:
        """Have what an earlier run had, in memory and on the switch."""
        loading = asyncio.create_task(load_sessions(store))
        self._target = HeldSwitch(await switch.open_target(self.config))
        self._stack.push_async_callback(self._let_go)
        self._stack.push_async_callback(self._cancel_background)
        found = await loading
        next_number = max((number for number, _ in found), default=0) + 1
        self._n4_server.restore_answers(answers_of(found, memory.clock()))
        alive = [(number, kept) for number, kept in found if not kept.is_deleted]
        self._num_kept = len(alive)
        await self._put_together(networks, kernel, store, memory, alive, next_number)
        self._keeper.inherit(found)
        log.info("the switch holds what it is to hold: %s", await self._target.reconcile())

    async def _open_n4(self, memory: Memory) -> None:
        """Answer heartbeats as the run before did, whose sessions we go on with."""
        config = self.config
        identity = self._identity = Identity(
            _node_id(config),
            config.n4.address,
            memory.recovery_time_stamp,
            gives_addresses=any(each.allocate for each in config.ue_pool),
        )
        server = self._n4_server = N4Server(identity, config.n4.admission(), memory.clock)
        held: dict[ies.NodeID, Association] = {}
        for each in await memory.associations():
            held[each.node_id] = each
            server.endpoint.restore(each, asyncio.get_running_loop().time())
        server.know_associations(self.since)

        def on_associations() -> None:
            now = {each.node_id: each for each in server.endpoint.associations.all()}
            memory.note_associations(held, now)
            held.clear()
            held.update(now)
            self.changes.note("associations")

        server.on_associations = on_associations
        await server.open((str(config.n4.address), config.n4.port))
        self._stack.push_async_callback(server.close)

    async def _put_together(
        self,
        networks: Networks,
        kernel: Kernel,
        store: Store,
        memory: Memory,
        found: Sequence[tuple[int, KeptSession]],
        next_number: int,
    ) -> None:
        """Make all parts, and have them note what the switch is to hold; it is not touched yet."""
        target, clock = self._target, memory.clock
        counters = self._counters = UsageCounters(target)
        self._totals = SliceTotals(counters)
        self._slice_drops = SliceDrops(target)
        ports = switch.bindings(self.config, networks)
        self._routing = Routing(
            *(target, kernel, ports),
            local=switch.local_traffic(self.config, networks),
            policies=tuple(networks.provisions.policies.values()),
        )
        self._entries = SessionEntries(target, networks, counters, self._routing)
        keeper = self._keeper = SessionKeeper(store, self._entries, counters, next_number)
        await keeper.open()
        self._reporting = UsageReporting(
            counters, self._entries, clock, self._totals.settle, clock.shift_s
        )
        self._n4 = N4(
            self._identity,
            associations=self._n4_server.endpoint.associations,
            resources=Resources(
                networks, counters, self.config.ue_pools(), self.config.applications()
            ),
            entries=self._entries,
            reporting=self._reporting,
            slice_of=self._slice_of,
            wall_clock=clock,
            keeper=keeper,
        )
        self._reporting.on_changed(keeper.keep_later)
        self._n4.node.keep = memory.keep_applications
        for owner, described in (await memory.applications()).items():
            self._n4.node.applications.replace(owner, described)
        await self._set_up_switch(networks, ports)
        await self._restore_sessions(memory, found)
        await self._routing.start()
        self._n4.occupancy.limits_of = self.slice_of_id
        self._n4.paging = self._paging
        telling = self._telling = Telling(
            *(self._n4.sessions, self._reporting, keeper, self._n4_server, self._paging, clock)
        )
        self._n4_server.on_told = telling.note_told
        self._n4_server.on_returned = telling.tell_again
        self._punts.on_quota = self._reporting.note_stopped
        await self._restore_slices(store)
        await self._n4.rebind_slices()

    async def _restore_sessions(
        self, memory: Memory, found: Sequence[tuple[int, KeptSession]]
    ) -> None:
        counters, target = self._counters, self._target
        life, is_new = await life_of(target)
        self._keeper.life = life
        if not is_new and life not in {kept.life for _, kept in found}:
            # It may have run before us: what it counted is not ours.
            await counters.adopt()
        peers: dict[int, TunnelPeer] = {}
        for _, kept in found:
            peers.update({number: peer for peer, number in kept.peers.items()})
        next_hops = await target.read_entries(tables.TABLES[tables.NextHop])
        self._routing.restore(peers, next_hops)
        self._entries.tunnel_peers.restore(kept.peers for _, kept in found)
        counters.on_marks = memory.note_marks
        dirty = await Restoration(self._parts()).restore(found, (0, 0) if is_new else memory.marks)
        self._run("counters", partial(adopt_counters, counters, dirty))
        if found:
            log.info("%d sessions of the run before go on", len(self._n4.sessions))

    def _parts(self) -> SessionParts:
        return SessionParts(self._n4, self._entries, self._reporting, self._counters, self._keeper)

    async def _watch_switch(self) -> None:
        """Reach the switch again whenever it is gone."""

        def tell(reason: str | None) -> None:
            self._health = Health(is_ready=reason is None, reason=reason)

        opening = Supervision(self._target, lambda: switch.open_target(self.config), tell)
        await opening.run(Revival(self._target, self._parts()))

    async def _let_go(self) -> None:
        """End the switch, or let it forward on; it does if we stop before we began to serve."""
        if self._num_kept and (
            not self._n4_server.is_serving or self.config.target.on_stop == "forward"
        ):
            await self._target.close()
            return
        if self._n4_server.is_serving:
            await self._telling.settle()
        await self._target.detach()

    def _slice_of(self, s_nssai: SNSSAI | None, dnn: str | None) -> int:
        """By the registry of the moment, which changes."""
        return self._provisioning.registry.slice_id_for(s_nssai, dnn)

    def _owner_of(self, usage_id: int) -> tuple[SessionRecord, PDR] | None:
        """The session and the PDR that a usage counter belongs to."""
        return self._n4.owner_of(usage_id)

    async def _restore_slices(self, store: Store) -> None:
        meters = MeterWriter(self._target, self.occupancy)
        self._marks = MarkWriter(self._target, has_queues=self.has_queues)
        await self._marks.set_marks(DEFAULT_SLICE_ID, None)
        self._n4.occupancy.on_guarantee = meters.follow
        self._provisioning = Provisioning(
            SliceWriter(meters, self._marks),
            store,
            rebind=self._n4.rebind_slices,
            num_sessions=lambda slice_id: self._n4.occupancy.of(slice_id).sessions,
            on_new_id=self._forget_figures,
            fits=self._fits,
            # Higher than any of an earlier run, which changed fewer than a thousand a second.
            first_revision=1000 * int(self.since),
        )
        await self._provisioning.restore(each.to_slice() for each in self.config.slice)

    async def _set_up_switch(self, networks: Networks, ports: tuple[PortBinding, ...]) -> None:
        base = switch.base_entries(networks, ports)
        self._base_tables = Counter(each.table for each in base)
        await self._target.apply(Plan(inserts=tuple(base)))
        unlimited = dict.fromkeys(range(2 * tables.NUM_SLICES))
        await self._target.write_meters(tables.SLICE_METER, unlimited)
        await self._target.write_meters(tables.PUNT_METER, punt_meter_rates())
        await self._show_notices()
        self._paging = Paging(self._target, self._n4_server.report, self.config.buffer.to_limits())
        self._n4_server.on_report_answered = self._paging.take_answer
        self._gtpu_side = await GTPUSide.start(
            self.config.gtpu, self._target, self._routing, switch.gtpu_ports(networks, ports)
        )
        self._stack.callback(self._gtpu_side.close)
        gtpu = self._gtpu_side.node
        self._punts = Punts(
            *(gtpu, self._routing, self._paging, self._owner_of, networks),
            ICMPReplies(self._target, self._routing, networks, gtpu.counts),
        )
        self._target.on_packet_in(self._punts.receive)

    async def _show_notices(self) -> None:
        """Be told when a quota stops a packet; without it the next sweep finds out."""
        try:
            await self._target.write_clone_session(
                tables.MIRROR_SESSION_CONTROLLER, tables.CONTROLLER_PORT
            )
        except TargetError as error:
            log.warning("the switch will not tell of quotas that stop a packet: %s", error)

    def _forget_figures(self, slice_id: int) -> None:
        self._totals.forget(slice_id)
        self._slice_drops.forget(slice_id)
        self.history.forget(slice_id)

    async def _sample(self) -> None:
        """Take live figures for as long as the UPF runs."""
        while True:
            try:
                wait_s = await self.sampler.sample()
                self.history.add(self.sampler.pair()[0])
            except TargetError as error:
                log.warning("figures cannot be read: %s", error)
                wait_s = INTERVAL_S
            await asyncio.sleep(wait_s)

    async def _take_sample(self, number: int) -> Sample:
        records = list(self._n4.sessions.values())
        return Sample(
            number=number,
            time=time.time(),
            clock=time.monotonic(),
            slices=await self._totals.update(records),
            slice_drops=await self._slice_drops.update(
                [DEFAULT_SLICE_ID, *(each.slice_id for each in self.slices())]
            ),
            num_sessions=count_sessions(records),
            drops=await self.drops(),
            ports=await self._kernel.ports(each.name for each in self.config.interface),
            hits=dict(self._totals.hits.packets),
        )

    def _run(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            try:
                await work()
            except Exception:
                # The top of a background loop: tell, and say that we are not whole any more.
                log.exception("%s stopped", what)
                self._health = Health(is_ready=False, reason=f"{what} stopped")

        self._background.append(asyncio.create_task(run()))

    async def _cancel_background(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Make many objects that stay, without their being looked through again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _node_id(config: Config) -> ies.NodeID:
    """Our Node ID: as configured, an address if it reads as one; else the N4 address."""
    if config.n4.node_id is None:
        return ies.NodeID(value=config.n4.address)
    try:
        return ies.NodeID(value=IPv4Address(config.n4.node_id))
    except ValueError:
        return ies.NodeID(value=config.n4.node_id)

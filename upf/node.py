"""The running UPF: everything put together, and what REST and metrics see of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import AsyncExitStack
from heapq import nsmallest
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Self

from pfcp import ies, messages
from pfcp.association import State
from upf import preflight, switch, tables
from upf.drops import NUM_DROP_REASONS, DropReason
from upf.errors import TargetError
from upf.figures import Sample, Sampler, SliceTotals, count_sessions
from upf.headroom import Fit, fits
from upf.history import History
from upf.metering import UsageCounters
from upf.meters import MeterWriter
from upf.n4 import N4, UP_FUNCTION_FEATURES, Identity
from upf.n4_server import N4Server
from upf.netlink import Kernel
from upf.networks import Role
from upf.provisioning import Provisioning
from upf.punts import Punts
from upf.reporting import UsageReporting
from upf.reports import ntp_time
from upf.resources import Resources
from upf.routing import Routing
from upf.store import MemoryStore, SQLiteStore
from upf.transaction import SessionEntries
from upf.usage import plus
from upf.views import (
    AssociationView,
    Health,
    SessionFilter,
    SessionInside,
    SessionView,
    session_inside,
    session_view,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from upf.config import Config
    from upf.entry import Counts
    from upf.neighbours import NeighbourCounts
    from upf.networks import Networks
    from upf.occupancy import Demand
    from upf.provisioning import Check, Wanted
    from upf.routes import Neighbour, Routes
    from upf.slices import SNSSAI, Slice
from upf.store import Store

SWEEP_INTERVAL_S = 1.0

log = logging.getLogger(__name__)


class UPF:
    """A User Plane Function at work. Made by `start`, ended by `stop`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.since = time.time()
        self._stack = AsyncExitStack()
        self._background: list[asyncio.Task[None]] = []
        self._health = Health(is_ready=False, reason="starting")
        self.sampler = Sampler(self._take_sample)
        self.history = History()

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
        """Take everything down, in reverse."""
        self._health = Health(is_ready=False, reason="stopping")
        await self._stack.aclose()

    async def wait_failed(self) -> TargetError:
        """Wait until something the UPF cannot live without is gone; says what."""
        error = await self._target.wait_lost()
        self._health = Health(is_ready=False, reason=str(error))
        return error

    # What it shows.

    def health(self) -> Health:
        """Whether it serves."""
        return self._health

    def associations(self) -> list[AssociationView]:
        """The CP functions it is associated with."""
        owners = [record.owner for record in self._n4.sessions.values()]
        return [
            AssociationView(
                node_id=str(each.node_id),
                address=each.peer[0],
                recovery_time_stamp=each.recovery_time_stamp,
                is_reachable=each.state is State.ASSOCIATED,
                sessions=owners.count(each.node_id),
            )
            for each in self._n4_server.endpoint.associations.all()
        ]

    @property
    def num_sessions(self) -> int:
        return len(self._n4.sessions)

    async def find_sessions(
        self, wanted: SessionFilter, *, first: int = 0, limit: int
    ) -> tuple[int, list[SessionView]]:
        """How many sessions are wanted, and of those with an UP SEID from `first` on up to `limit`,
        in that order, with their usage.
        """
        names = self._slice_names()
        found = [each for each in self._n4.sessions.values() if wanted.is_met_by(each, names)]
        later = (each for each in found if each.session.up_seid >= first)
        page = nsmallest(limit, later, key=lambda each: each.session.up_seid)
        usage_ids = {pdr.usage_id for each in page for pdr in each.session.pdrs.values()}
        readings = await self._counters.read(usage_ids)
        views = [session_view(record, names, self._counters, readings) for record in page]
        return len(found), views

    async def session_inside(self, up_seid: int) -> SessionInside | None:
        """One session with all that is known of it."""
        record = self._n4.sessions.get(up_seid)
        if record is None:
            return None
        readings = await self._counters.read(p.usage_id for p in record.session.pdrs.values())
        return session_inside(record, self._slice_names(), self._counters, readings)

    def _slice_names(self) -> dict[int, str]:
        return {each.slice_id: each.name for each in self.slices()}

    async def set_up_association(self, peer: tuple[str, int]) -> None:
        """Ask a CP function for an association. PeerError if it will not or does not answer."""
        request = messages.AssociationSetupRequest(
            node_id=self._identity.node_id,
            recovery_time_stamp=self._identity.recovery_time_stamp,
            up_function_features=UP_FUNCTION_FEATURES,
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

    async def drops(self) -> dict[DropReason, Counts]:
        """Packets dropped by the pipeline since the switch started, by reason."""
        reasons = range(NUM_DROP_REASONS)
        ingress = await self._target.read_counters(tables.INGRESS_DROP_COUNTER, reasons)
        egress = await self._target.read_counters(tables.EGRESS_DROP_COUNTER, reasons)
        return {reason: plus(ingress[reason], egress[reason]) for reason in DropReason}

    def n4_counters(self) -> dict[str, int]:
        """What the PFCP endpoint counted."""
        return dict(self._n4_server.endpoint.counters)

    def punt_counters(self) -> dict[str, int]:
        """What became of packets shown to the controller."""
        return dict(self._punts.counts)

    def session_counters(self) -> dict[tuple[str, int], int]:
        """Session requests answered, by message and cause."""
        return dict(self._n4.counters)

    def report_counters(self) -> tuple[int, dict[int, int]]:
        """Session reports sent, and their answers by cause."""
        return self._n4_server.reports_sent, dict(self._n4_server.reports_answered)

    @property
    def node_id(self) -> str:
        return str(self._identity.node_id)

    def networks(self) -> Networks:
        """The network instances that interfaces join."""
        return self._networks

    def routes(self) -> Routes:
        """The routes in the pipeline, by network_instance_id and destination."""
        return dict(self._routing.routes)

    def neighbours(self) -> list[tuple[str, Neighbour]]:
        """Who the kernel knows on the interfaces of the pipeline, by interface name."""
        return self._routing.neighbours()

    def num_entries(self) -> dict[str, int]:
        """What the tables of the switch hold by our books, by table."""
        held = Counter(
            entry.table
            for record in self._n4.sessions.values()
            for entry in record.held.compiled.entries
        )
        held.update(self._base_tables)
        held.update(self._routing.num_entries())
        held[tables.TABLES[tables.TunnelPeer]] = len(self._entries.tunnel_peers.ids)
        return {name: held[name] for name in tables.TABLES.values()}

    def ue_addresses(self) -> list[IPv4Address]:
        """The addresses of UEs with a session."""
        records = self._n4.sessions.values()
        return [each.session.ue_ipv4 for each in records if each.session.ue_ipv4 is not None]

    def neighbour_counters(self) -> NeighbourCounts:
        """What became of packets that waited for a neighbour."""
        return self._routing.queues.counts

    # Slices.

    def slices(self) -> list[Slice]:
        """All slices, by name."""
        return sorted(self._provisioning.registry.slices.values(), key=lambda each: each.name)

    def slice(self, name: str) -> Slice | None:
        """The slice of this name."""
        return self._provisioning.registry.slices.get(name)

    def slice_of_id(self, slice_id: int) -> Slice | None:
        """The slice with an identifier of the pipeline; None for what no slice claims."""
        return self._provisioning.registry.of_id(slice_id)

    async def change_slice(self, name: str, wanted: Wanted) -> tuple[Slice, bool]:
        """Make a slice what `wanted` says, given what it is; True if it is new.

        Its capacity holds from the next packet on, and it outlives a restart. What `wanted` raises
        is passed on. ResourcesExhaustedError if there is no room, TargetError if the switch
        refuses, StoreError if it cannot be kept.
        """
        return await self._provisioning.change(name, wanted)

    async def delete_slice(self, name: str, check: Check, *, is_forced: bool = False) -> None:
        """Remove a slice; its sessions go to whichever covers them.

        `check` sees it first and may raise. KeyError if there is none, InUseError if it has
        sessions and is not forced out.
        """
        await self._provisioning.delete(name, check, is_forced=is_forced)

    def fits(self, wanted: Slice) -> list[Fit]:
        """How all slices, `wanted` in its place among them, would stand to the ports."""
        others = [each for each in self.slices() if each.name != wanted.name]
        return fits([*others, wanted], self._speeds_mbps())

    def _speeds_mbps(self) -> dict[Role, list[int | None]]:
        ports = self.sampler.pair()[0].ports
        speeds: dict[Role, list[int | None]] = {role: [] for role in Role}
        for each in self.config.interface:
            known = ports[each.name].speed_mbps if each.name in ports else None
            speeds[each.role].append(each.speed_mbps or known)
        return speeds

    def occupancy(self, slice_id: int) -> Demand:
        """Sessions of a slice and what they are guaranteed."""
        return self._n4.occupancy.of(slice_id)

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
        identity = self._identity = Identity(
            _node_id(config), config.n4.address, ntp_time(self.since)
        )
        self._n4_server = N4Server(identity, config.n4.admission())
        await self._n4_server.open((str(config.n4.address), config.n4.port))
        self._stack.push_async_callback(self._n4_server.close)
        self._target = await switch.open_target(config)
        self._stack.push_async_callback(self._target.close)
        self._counters = UsageCounters(self._target)
        self._totals = SliceTotals(self._counters)
        await self._set_up_switch(networks, kernel)
        reporting = UsageReporting(self._counters, time.time, self._totals.settle)
        self._entries = SessionEntries(self._target, networks)
        self._n4 = N4(
            identity,
            associations=self._n4_server.endpoint.associations,
            resources=Resources(networks, self._counters),
            entries=self._entries,
            reporting=reporting,
            slice_of=self._slice_of,
            wall_clock=time.time,
        )
        self._n4.occupancy.limits_of = self.slice_of_id
        await self._restore_slices()
        self._stack.push_async_callback(self._cancel_background)
        self._run("routing", self._routing.run)
        self._run("usage", lambda: self._sweep(reporting))
        self._run("figures", self._sample)
        self._n4_server.serve(self._n4)
        self._health = Health(is_ready=True)

    def _slice_of(self, s_nssai: SNSSAI | None, dnn: str | None) -> int:
        """By the registry of the moment, which changes."""
        return self._provisioning.registry.slice_id_for(s_nssai, dnn)

    async def _restore_slices(self) -> None:
        path = self.config.state.file
        store: Store = MemoryStore() if path is None else SQLiteStore.open(path)
        self._stack.push_async_callback(store.close)
        self._provisioning = Provisioning(
            MeterWriter(self._target),
            store,
            rebind=self._n4.rebind_slices,
            num_sessions=lambda slice_id: self._n4.occupancy.of(slice_id).sessions,
            on_new_id=self._forget_figures,
            # Higher than any of an earlier run, which changed fewer than a thousand a second.
            first_revision=1000 * int(self.since),
        )
        await self._provisioning.restore(each.to_slice() for each in self.config.slice)

    async def _set_up_switch(self, networks: Networks, kernel: Kernel) -> None:
        ports = switch.bindings(self.config, networks)
        base = switch.base_entries(networks, ports)
        self._base_tables = Counter(each.table for each in base)
        await switch.reset(self._target, base)
        if self.config.target.kind == "p4runtime":
            # It may have run before us: what it counted is not ours, what it limits neither.
            await self._counters.adopt()
            unlimited = dict.fromkeys(range(2 * tables.NUM_SLICES))
            await self._target.write_meters(tables.SLICE_METER, unlimited)
        self._routing = Routing(self._target, kernel, ports)
        self._punts = Punts(self._target, self._routing)
        self._target.on_packet_in(self._punts.receive)
        await self._routing.start()

    async def _sweep(self, reporting: UsageReporting) -> None:
        """Look at thresholds once a second."""
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            try:
                due = await reporting.sweep(list(self._n4.sessions.values()))
            except TargetError as error:
                log.warning("usage cannot be read: %s", error)
                continue
            for record, request in due:
                self._n4_server.report(record, request)

    def _forget_figures(self, slice_id: int) -> None:
        self._totals.forget(slice_id)
        self.history.forget(slice_id)

    async def _sample(self) -> None:
        """Take live figures for as long as the UPF runs."""
        while True:
            try:
                wait_s = await self.sampler.sample()
                self.history.add(self.sampler.pair()[0])
            except TargetError as error:
                log.warning("figures cannot be read: %s", error)
                wait_s = SWEEP_INTERVAL_S
            await asyncio.sleep(wait_s)

    async def _take_sample(self, number: int) -> Sample:
        records = list(self._n4.sessions.values())
        return Sample(
            number=number,
            time=time.time(),
            clock=time.monotonic(),
            slices=await self._totals.update(records),
            num_sessions=count_sessions(records),
            drops=await self.drops(),
            ports=await self._kernel.ports(each.name for each in self.config.interface),
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


def _node_id(config: Config) -> ies.NodeID:
    """Our Node ID: as configured, an address if it reads as one; else the N4 address."""
    if config.n4.node_id is None:
        return ies.NodeID(value=config.n4.address)
    try:
        return ies.NodeID(value=IPv4Address(config.n4.node_id))
    except ValueError:
        return ies.NodeID(value=config.n4.node_id)

"""What a running UPF shows of itself to REST, metrics and logs. Nothing here changes anything."""

from __future__ import annotations

from collections import Counter
from heapq import nsmallest
from typing import TYPE_CHECKING

from pfcp.association import State
from upf import tables
from upf.drops import NUM_DROP_REASONS, DropReason
from upf.headroom import fits
from upf.networks import Role
from upf.surroundings import Surroundings
from upf.tracing import traced
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
    from collections.abc import Iterable

    from upf.config import Config
    from upf.described import Description
    from upf.entry import Counts
    from upf.figures import Sampler
    from upf.gtpu_paths import Path, PathState
    from upf.gtpu_side import GTPUSide
    from upf.headroom import Fit
    from upf.image import HeldSwitch
    from upf.marks import MarkWriter
    from upf.metering import UsageCounters
    from upf.n4 import N4
    from upf.n4_node import Identity
    from upf.n4_server import N4Server
    from upf.neighbours import NeighbourCounts
    from upf.networks import Networks
    from upf.occupancy import Demand
    from upf.paging import Paging
    from upf.provisioning import Provisioning
    from upf.punts import Punts
    from upf.routes import Neighbour, Routes
    from upf.routing import Routing
    from upf.rules import IPAddress
    from upf.slices import Slice
    from upf.store import Store
    from upf.story import Story
    from upf.tracing import RawFrame
    from upf.transaction import SessionEntries


class Shown:
    """The face of a UPF, over the parts that `UPF` puts together."""

    config: Config
    since: float
    sampler: Sampler
    _base_tables: Counter[str]
    _counters: UsageCounters
    _entries: SessionEntries
    _health: Health
    _identity: Identity
    _marks: MarkWriter
    _n4: N4
    _n4_server: N4Server
    _networks: Networks
    _provisioning: Provisioning
    _paging: Paging
    _gtpu_side: GTPUSide
    _punts: Punts
    _routing: Routing
    _store: Store
    _target: HeldSwitch

    def health(self) -> Health:
        """Whether it serves; not while a port of its does not forward, or nothing can be kept."""
        if self._health.is_ready and self._store.fault is not None:
            return Health(is_ready=False, reason=str(self._store.fault))
        faults = self._target.port_faults() if self._health.is_ready else {}
        ours = [faults[port] for port in sorted(faults) if port in self.config.ports.values()]
        return Health(is_ready=False, reason=", ".join(ours)) if ours else self._health

    def associations(self) -> list[AssociationView]:
        """The CP functions it is associated with."""
        num_sessions = Counter(record.owner for record in self._n4.sessions.values())
        return [
            AssociationView(
                node_id=str(each.node_id),
                address=each.peer[0],
                recovery_time_stamp=each.recovery_time_stamp,
                is_reachable=each.state is State.ASSOCIATED,
                sessions=num_sessions[each.node_id],
                since=self._n4_server.associated_since.get(each.node_id, self.since),
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
        held.update(self._marks.num_entries())
        for rules in self._entries.rule_lists.ids:
            held.update(tables.TABLES[type(rule.key)] for rule in rules)
        return {name: held[name] for name in tables.TABLES.values()}

    def table_sizes(self) -> dict[str, int]:
        """How many entries each table of the switch has room for."""
        return {name: self._target.size(name) for name in tables.TABLES.values()}

    def ue_addresses(self) -> list[IPAddress]:
        """The addresses of UEs with a session, of a prefix the first one."""
        addresses: list[IPAddress] = []
        for each in self._n4.sessions.values():
            ipv4, prefix = each.session.ue_ipv4, each.session.ue_ipv6
            addresses += [] if ipv4 is None else [ipv4]
            addresses += [] if prefix is None else [prefix.network_address]
        return addresses

    def buffer_counters(self) -> dict[str, int]:
        """What became of downlink packets of idle UEs; stored is what the others sum up to."""
        counts = self._paging.counts
        return {
            "stored": counts.stored,
            "flushed": counts.flushed,
            "discarded": counts.discarded,
            "expired": counts.expired,
            "held": self._paging.held,
        }

    def gtpu_paths(self) -> dict[Path, PathState]:
        """The GTP-U peers in use, and whether they answer."""
        return dict(self._gtpu_side.node.paths.states)

    def neighbour_counters(self) -> NeighbourCounts:
        """What became of packets that waited for a neighbour."""
        return self._routing.queues.counts

    def slices(self) -> list[Slice]:
        """All slices, by name."""
        return sorted(self._provisioning.registry.slices.values(), key=lambda each: each.name)

    def slice(self, name: str) -> Slice | None:
        """The slice of this name."""
        return self._provisioning.registry.slices.get(name)

    def slice_of_id(self, slice_id: int) -> Slice | None:
        """The slice with an identifier of the pipeline; None for what no slice claims."""
        return self._provisioning.registry.of_id(slice_id)

    def fits(self, wanted: Slice) -> list[Fit]:
        """How all slices, `wanted` in its place among them, would stand to the ports."""
        others = [each for each in self.slices() if each.name != wanted.name]
        return self._fits([*others, wanted])

    def _fits(self, slices: Iterable[Slice]) -> list[Fit]:
        return fits(slices, self._speeds_mbps())

    @property
    def has_queues(self) -> bool:
        """Whether the switch has queues that classes of traffic can be told apart by."""
        return self.config.target.kind != "xdp"

    def _speeds_mbps(self) -> dict[Role, list[int | None]]:
        ports = self.sampler.pair()[0].ports
        speeds: dict[Role, list[int | None]] = {role: [] for role in Role}
        for each in self.config.interface:
            known = ports[each.name].speed_mbps if each.name in ports else None
            speeds[each.role].append(each.speed_mbps or known)
        return speeds

    async def trace(self, wanted: Description | RawFrame) -> Story:
        """What would become of a packet. Nothing is sent, nothing counted.

        DescriptionError if it cannot be put together, TargetError if the switch cannot tell.
        """
        return await traced(wanted, self._surroundings(), self._target.trace)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            networks=self._networks,
            bindings=self._routing.bindings,
            kernel=self._routing.state,
            records=self._n4.sessions,
            slices={each.slice_id: each.name for each in self.slices()},
            peers={number: peer for peer, number in self._entries.tunnel_peers.ids.items()},
            owner_of_entry=self._entries.owner_of,
            owner_of_usage=self._n4.owner_of,
            usage_id_of=self._counters.usage_id_of,
        )

    def occupancy(self, slice_id: int) -> Demand:
        """Sessions of a slice and what they are guaranteed."""
        return self._n4.occupancy.of(slice_id)

"""Keeps ports, routes and tunnel peers of the pipeline equal to what the kernel knows, and finds
neighbours for packets that wait for one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from upf import tables
from upf.errors import TargetError
from upf.made_frames import ethernet
from upf.neighbours import NeighbourQueues
from upf.plan import Plan, diff
from upf.routes import (
    Hop,
    KernelState,
    Local,
    Neighbour,
    NextHop,
    NextHopIds,
    PortBinding,
    Routes,
    Unresolved,
    add_policies,
    addresses_to_probe,
    hop_to_peer,
    next_hop_address,
    peer_entries,
    port_entries,
    resolve,
    wanted_routes,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from upf.entry import Entry, EntryKey
    from upf.neighbours import Waiting
    from upf.netlink import Kernel
    from upf.provisions import ForwardingPolicy
    from upf.rules import IPAddress
    from upf.target import Target
    from upf.treatment import TunnelPeer

PROBE_INTERVAL_S = 10.0
_RETRY_S = 1.0

log = logging.getLogger(__name__)


class Routing:
    """Ports, routes, tunnel peers and neighbours.

    `gtpu_ports` has the port behind which each of our GTP-U addresses is.
    """

    def __init__(
        self,
        target: Target,
        kernel: Kernel,
        bindings: tuple[PortBinding, ...],
        local: Local | None = None,
        policies: Collection[ForwardingPolicy] = (),
    ) -> None:
        self.queues = NeighbourQueues()
        self.routes: Routes = {}
        self.gtpu_ports: Mapping[IPAddress, PortBinding] = {}
        self._target = target
        self._kernel = kernel
        self._bindings = bindings
        self._local = local
        self._policies = policies
        self._state = KernelState()
        self._ids = NextHopIds(target.size(tables.TABLES[tables.NextHop]))
        self._peers: dict[int, TunnelPeer] = {}
        self._entries: dict[EntryKey, Entry] = {}
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()

    def restore(self, peers: Mapping[int, TunnelPeer], next_hops: Iterable[Entry]) -> None:
        """Go on with the identifiers of an earlier run. Before `start`."""
        self._peers.update(peers)
        self._ids.restore(next_hops)

    async def start(self) -> None:
        """Write what the kernel knows and begin to watch it."""
        self._kernel.watch(self._changed.set)
        await self._refresh()

    async def run(self) -> None:
        """Follow the kernel until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._probe_regularly())

    @property
    def host_port(self) -> int:
        """Where the switch gives what is the host's own; 0 without a port."""
        return self._bindings[0].host_port if self._bindings else 0

    @property
    def bindings(self) -> tuple[PortBinding, ...]:
        """The ports of the pipeline."""
        return self._bindings

    @property
    def state(self) -> KernelState:
        """What the kernel knew last."""
        return self._state

    def neighbours(self) -> list[tuple[str, Neighbour]]:
        """Who the kernel knows on our interfaces, by interface name."""
        names = {link.index: link.name for link in self._state.links}
        ours = {binding.interface for binding in self._bindings}
        return [
            (names[each.output], each)
            for each in self._state.neighbours
            if names.get(each.output) in ours
        ]

    def num_entries(self) -> Counter[str]:
        """How many entries of ours each table holds."""
        return Counter(each.table for each in self._entries.values())

    async def add_peers(self, peers: Mapping[int, TunnelPeer]) -> None:
        """Have the switch reach tunnel peers, and go on reaching them when routes change."""
        async with self._lock:
            entries = peer_entries(peers, self._hop_of, self._ids)
            await self._target.apply(Plan(inserts=tuple(entries)))
            self._entries.update((entry.identity, entry) for entry in entries)
            self._peers.update(peers)
        for peer in peers.values():
            await self._probe_peer(peer)

    async def remove_peers(self, peers: Mapping[int, TunnelPeer]) -> None:
        """Let go of tunnel peers."""
        async with self._lock:
            keys = [
                (tables.TABLES[table], (peer_id,), 0)
                for peer_id in peers
                for table in (tables.TunnelPeer, tables.TunnelHeader)
            ]
            entries = [self._entries[key] for key in keys if key in self._entries]
            await self._target.apply(Plan(deletes=tuple(entries)))
            for entry in entries:
                del self._entries[entry.identity]
            for peer_id in peers:
                self._peers.pop(peer_id, None)

    async def hold(self, port: int, dst: IPAddress, ingress_port: int, frame: bytes) -> None:
        """Keep a frame as it arrived until the way to `dst`, which leaves by `port`, is known."""
        address = next_hop_address(self._state, self._bindings, port, dst)
        now = asyncio.get_running_loop().time()
        is_first = self.queues.hold((port, address), (ingress_port, frame), now)
        if self._is_known((port, address)):
            await self._refresh()
        elif is_first:
            await self._probe(port, address)

    def gtpu_peers(self) -> list[TunnelPeer]:
        """The peers in use but for CP functions."""
        return [each for each in self._peers.values() if not each.is_of_cp]

    async def send_to_peer(self, local: IPAddress, peer: IPAddress, packet: bytes) -> bool:
        """Send a packet from a GTP-U address of ours; False if no port leads to the peer now."""
        binding = self.gtpu_ports.get(local)
        if binding is None:
            return False
        hop = resolve(self.routes, binding.network_instance_id, peer)
        if not isinstance(hop, NextHop):
            return False
        await self._target.packet_out(hop.port, ethernet(hop.dst_mac, packet, src=hop.src_mac))
        return True

    async def arrive(self, local: IPAddress, packet: bytes) -> None:
        """Have the switch deal with a packet to a GTP-U address of ours as if it arrived there."""
        binding = self.gtpu_ports.get(local)
        for link in self._state.links:
            if binding is not None and link.name == binding.interface:
                await self._target.packet_again(binding.port, ethernet(link.mac, packet))

    async def arrive_from_core(self, network_instance_id: int, packet: bytes) -> None:
        """Have the switch deal with a packet as if its data network had sent it."""
        for binding in self._bindings:
            if binding.network_instance_id == network_instance_id:
                for link in self._state.links:
                    if link.name == binding.interface:
                        frame = ethernet(link.mac, packet)
                        await self._target.packet_again(binding.port, frame)
                        return

    def has_port(self, port: int) -> bool:
        """Whether a port leads to somebody else."""
        return any(each.port == port for each in self._bindings)

    def own_address(self, network_instance_id: int, version: int) -> IPAddress | None:
        """An address of ours in a network instance."""
        ipv4, ipv6 = self._state.addresses or {}, self._state.addresses_ipv6
        for binding in self._bindings:
            if binding.network_instance_id == network_instance_id:
                address = (ipv4 if version == 4 else ipv6).get(binding.interface)
                if address is not None:
                    return address
        return None

    def mtu(self, network_instance_id: int, dst: IPAddress) -> int | None:
        """Octets of IP that fit the way to an address; None without a way."""
        hop = resolve(self.routes, network_instance_id, dst)
        return hop.mtu if isinstance(hop, NextHop) else None

    def mtu_to_peer(self, peer: TunnelPeer) -> int | None:
        """Octets of IP, outer headers in, that fit the way to a tunnel peer."""
        hop = self._hop_of(peer)
        return hop.mtu if isinstance(hop, NextHop) else None

    def _hop_of(self, peer: TunnelPeer) -> Hop | None:
        return hop_to_peer(peer, self.routes, self._state, self._bindings)

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._refresh()
            except TargetError as error:
                log.warning("routes not written, trying again: %s", error)
                await asyncio.sleep(_RETRY_S)
                self._changed.set()

    async def _probe_regularly(self) -> None:
        """Find gateways that nobody has sent to yet, and confirm neighbours gone stale: the kernel
        does not see the traffic that would tell it they are alive.
        """
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if loop.time() >= due:
                for index, address in addresses_to_probe(self._state, self._bindings):
                    await self._kernel.probe(index, address)
                for peer in list(self._peers.values()):
                    await self._probe_peer(peer)
                await self._probe_policies()
                due = loop.time() + PROBE_INTERVAL_S
            await asyncio.sleep(_RETRY_S)
            self.queues.expire(loop.time())

    async def _refresh(self) -> None:
        async with self._lock:
            state = self._state = await self._kernel.read()
            routes = wanted_routes(state, self._bindings)
            if self._local is not None:
                self._local.add_to(routes)
            add_policies(routes, self._policies)
            entries = [
                *port_entries(state, self._bindings),
                *(self._local.entries() if self._local is not None else ()),
                *self._ids.entries(routes),
                *peer_entries(
                    self._peers,
                    partial(hop_to_peer, routes=routes, kernel=state, bindings=self._bindings),
                    self._ids,
                ),
            ]
            plan = diff(self._entries.values(), entries)
            if plan:
                await self._target.apply(plan)
            self._entries = {entry.identity: entry for entry in entries}
            self.routes = routes
            self._ids.release_unused(routes)
        await self._flush()

    async def _flush(self) -> None:
        """Have the switch deal again with what waited for next hops known by now."""
        for waiting in self.queues.waiting():
            if self._is_known(waiting):
                for ingress_port, frame in self.queues.release(waiting):
                    await self._target.packet_again(ingress_port, frame)

    def _is_known(self, waiting: Waiting) -> bool:
        port, address = waiting
        links = {link.name: link.index for link in self._state.links}
        outputs = {
            links[each.interface]
            for each in self._bindings
            if each.port == port and each.interface in links
        }
        return any(
            neighbour.output in outputs and neighbour.address == address
            for neighbour in self._state.neighbours
        )

    async def _probe_peer(self, peer: TunnelPeer) -> None:
        """Find who a tunnel peer is reached by, if that is not known."""
        hop = self._hop_of(peer)
        if isinstance(hop, Unresolved):
            address = next_hop_address(self._state, self._bindings, hop.port, peer.dst)
            await self._probe(hop.port, address)

    async def _probe_policies(self) -> None:
        """Find the next hops of forwarding policies that are not known."""
        for policy in self._policies:
            for address in policy.next_hops:
                hop = resolve(self.routes, policy.network_instance_id, address)
                if isinstance(hop, Unresolved):
                    await self._probe(hop.port, address)

    async def _probe(self, port: int, address: IPAddress) -> None:
        for link in self._state.links:
            if any((b.port, b.interface) == (port, link.name) for b in self._bindings):
                await self._kernel.probe(link.index, address)

"""Keeps the routes of the pipeline equal to the kernel's, and finds neighbours for packets that
wait for one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from upf.errors import TargetError
from upf.neighbours import NeighbourQueues, Waiting
from upf.plan import diff
from upf.routes import (
    KernelState,
    Neighbour,
    NextHop,
    NextHopIds,
    PortBinding,
    Routes,
    addresses_to_probe,
    next_hop_address,
    wanted_routes,
)

if TYPE_CHECKING:
    from upf.entry import Entry
    from upf.netlink import Kernel
    from upf.target import Target

PROBE_INTERVAL_S = 10.0
_RETRY_S = 1.0
_IPV4_DST = slice(30, 34)  # behind an Ethernet header

log = logging.getLogger(__name__)


class Routing:
    """Routes and neighbours of all ports."""

    def __init__(self, target: Target, kernel: Kernel, bindings: tuple[PortBinding, ...]) -> None:
        self.queues = NeighbourQueues()
        self.routes: Routes = {}
        self._target = target
        self._kernel = kernel
        self._bindings = bindings
        self._state = KernelState()
        self._ids = NextHopIds()
        self._entries: list[Entry] = []
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Write what the kernel knows and begin to watch it."""
        self._kernel.watch(self._changed.set)
        await self._refresh()

    async def run(self) -> None:
        """Follow the kernel until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._probe_regularly())

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
        return Counter(each.table for each in self._entries)

    async def hold(self, port: int, frame: bytes) -> None:
        """Keep a frame that leaves by `port` until the MAC address of its next hop is known."""
        dst = IPv4Address(frame[_IPV4_DST])
        address = next_hop_address(self._state, self._bindings, port, dst)
        now = asyncio.get_running_loop().time()
        is_first = self.queues.hold((port, address), frame, now)
        if self._hop_to((port, address)) is not None:
            await self._flush()
        elif is_first:
            await self._probe(port, address)

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
                due = loop.time() + PROBE_INTERVAL_S
            await asyncio.sleep(_RETRY_S)
            self.queues.expire(loop.time())

    async def _refresh(self) -> None:
        self._state = await self._kernel.read()
        routes = wanted_routes(self._state, self._bindings)
        if routes != self.routes:
            entries = self._ids.entries(routes)
            plan = diff(self._entries, entries)
            await self._target.apply(plan)
            self._entries, self.routes = entries, routes
            self._ids.release_unused(routes)
            log.debug("%d routes", len(routes))
        await self._flush()

    async def _flush(self) -> None:
        """Send what waited for next hops known by now."""
        for waiting in self.queues.waiting():
            hop = self._hop_to(waiting)
            if hop is not None:
                for frame in self.queues.release(waiting, hop.src_mac, hop.dst_mac):
                    await self._target.packet_out(hop.port, frame)

    def _hop_to(self, waiting: Waiting) -> NextHop | None:
        port, address = waiting
        links = {link.name: link for link in self._state.links}
        for binding in self._bindings:
            if binding.port == port and binding.interface in links:
                link = links[binding.interface]
                for neighbour in self._state.neighbours:
                    if (neighbour.output, neighbour.ipv4) == (link.index, address):
                        return NextHop(port, link.mac, neighbour.mac)
        return None

    async def _probe(self, port: int, address: IPv4Address) -> None:
        for link in self._state.links:
            if any((b.port, b.interface) == (port, link.name) for b in self._bindings):
                await self._kernel.probe(link.index, address)

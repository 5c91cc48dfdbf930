"""The GTP-U side of the UPF: its entities, the host's sockets, and what N4 is told of tunnels."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from upf import path_reports, tables, tunnels
from upf.errors import TargetError
from upf.gtpu_node import GTPUNode, Tunnel
from upf.gtpu_paths import Path, Paths
from upf.host_gtpu import HostGTPU

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pfcp.ies import NodeID
    from upf.config import GTPUConfig
    from upf.n4 import N4
    from upf.n4_server import N4Server
    from upf.networks import Networks
    from upf.routes import PortBinding
    from upf.routing import Routing
    from upf.rules import IPAddress
    from upf.target import Target

_TICK_S = 0.1

log = logging.getLogger(__name__)


class GTPUSide:
    """Made by `start`; `serve` once N4 is there; `run` watches paths until cancelled."""

    def __init__(self, node: GTPUNode, host: HostGTPU) -> None:
        self.node = node
        self._host = host
        self._tasks: set[asyncio.Task[None]] = set()
        self._n4: N4
        self._server: N4Server
        self._networks: Networks
        self._node_id: NodeID

    @classmethod
    async def start(
        cls,
        config: GTPUConfig,
        target: Target,
        routing: Routing,
        ports: Mapping[IPAddress, PortBinding],
    ) -> Self:
        """Listen at our GTP-U addresses, each behind a port."""
        routing.gtpu_ports = ports
        paths = Paths(config.echo_interval_s, config.echo_timeout_s, config.echo_attempts)
        host = HostGTPU()
        side = cls(GTPUNode(target, routing, host, paths), host)
        await host.open(ports, side.take)
        return side

    def take(self, local: IPAddress, peer: IPAddress, port: int, octets: bytes) -> None:
        """Deal with a message that came through the host."""
        task = asyncio.create_task(self._deal(local, peer, port, octets))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def serve(self, n4: N4, server: N4Server, networks: Networks, node_id: NodeID) -> None:
        """Tell CP functions from here on."""
        self._n4, self._server = n4, server
        self._networks, self._node_id = networks, node_id
        self.node.on_error = self._report_error
        self.node.on_recovered = self._report_recovery
        self.node.onward = self._onward
        n4.end_tunnel = self.node.end_tunnel

    async def run(self) -> None:
        """Ask peers whether they are there."""
        while True:
            try:
                failed = await self.node.ask_paths()
            except TargetError as error:
                log.warning("GTP-U peers are not asked: %s", error)
                failed = []
            if failed:
                log.warning("no answer of GTP-U peers %s", ", ".join(str(p.peer) for p in failed))
                self._server.report_node(path_reports.failure(self._node_id, failed))
            await asyncio.sleep(_TICK_S)

    def close(self) -> None:
        """Stop listening."""
        self._host.close()
        for task in self._tasks:
            task.cancel()

    async def _deal(self, local: IPAddress, peer: IPAddress, port: int, octets: bytes) -> None:
        try:
            await self.node.receive_from_host(local, peer, port, octets)
        except TargetError as error:
            log.warning("packet-out: %s", error)

    def _report_error(self, tunnel: Tunnel) -> None:
        found = self._n4.remote_tunnels.error_report(tunnel)
        if found is None:
            self.node.counts["error_indication_ignored"] += 1
        else:
            self._server.report(*found)

    def _report_recovery(self, path: Path) -> None:
        log.info("GTP-U peer %s answers again", path.peer)
        self._server.report_node(path_reports.recovery(self._node_id, path))

    def _onward(self, tunnel: Tunnel) -> tuple[IPAddress, Tunnel] | None:
        """Where a tunnel of ours goes on: our address there, and the peer's tunnel."""
        address, teid = tunnel
        endpoint = self._networks.endpoint_at(address)
        if endpoint is None:
            return None
        key = (tables.TABLES[tables.SessionByFTEID], (endpoint.endpoint_id, teid), 0)
        record = self._n4.session_with(key)
        found = None if record is None else tunnels.onward(record.session, tunnel, self._networks)
        return None if found is None else (found.peer.src, (found.peer.dst, found.teid))

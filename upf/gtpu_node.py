"""What GTP-U entities say to each other besides users' packets, and who answers for us.

Messages come from the pipeline, as frames, or through the host's own network stack; what is said in
answer goes back the way the question came.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from upf import gtpu_messages
from upf.frames import Datagram, datagram_of
from upf.gtpu_paths import Path
from upf.made_frames import HOST_MAC, ethernet_back, udp_packet

if TYPE_CHECKING:
    from collections.abc import Callable

    from upf.gtpu_messages import Message
    from upf.gtpu_paths import Paths
    from upf.host_gtpu import HostGTPU
    from upf.routing import Routing
    from upf.rules import IPAddress
    from upf.target import PacketIn, Target

Tunnel: TypeAlias = tuple["IPAddress", int]  # an address and a TEID there


class GTPUNode:
    """Our GTP-U entities. `counts` by what became of messages.

    `on_error` is told of a tunnel of a peer's that the peer does not know; `onward` tells where a
    tunnel of ours goes on: our address, and the peer's tunnel; `on_recovered` of a path that
    answers again.
    """

    def __init__(self, target: Target, routing: Routing, host: HostGTPU, paths: Paths) -> None:
        self.counts: Counter[str] = Counter()
        self.paths = paths
        self.on_error: Callable[[Tunnel], None] = lambda _: None
        self.on_recovered: Callable[[Path], None] = lambda _: None
        self.onward: Callable[[Tunnel], tuple[IPAddress, Tunnel] | None] = lambda _: None
        self._target = target
        self._routing = routing
        self._host = host

    async def receive(self, packet: PacketIn) -> None:
        """Deal with a message the pipeline shows."""
        datagram = datagram_of(packet.frame)
        message = None if datagram is None else gtpu_messages.decode(datagram.octets)
        if datagram is None or message is None:
            self.counts["gtpu_node_ignored"] += 1
            return
        answer = await self._deal(datagram.dst, datagram.src, message)
        if answer is not None:
            await self.answer(packet, datagram, answer)

    async def receive_from_host(
        self, local: IPAddress, peer: IPAddress, port: int, octets: bytes
    ) -> None:
        """Deal with a message that came through the host; users' packets go to the pipeline."""
        message = gtpu_messages.decode(octets)
        if message is None:
            self.counts["gtpu_node_ignored"] += 1
        elif message.message_type == gtpu_messages.G_PDU:
            self.counts["gtpu_from_host"] += 1
            frame = udp_packet(peer, local, port, gtpu_messages.PORT, octets)
            await self._routing.arrive(local, frame)
        else:
            answer = await self._deal(local, peer, message)
            if answer is not None:
                self._host.send(local, peer, answer, port)

    async def indicate_error(self, packet: PacketIn) -> None:
        """Tell who sent a G-PDU that its tunnel is not known here."""
        datagram = datagram_of(packet.frame)
        message = None if datagram is None else gtpu_messages.decode(datagram.octets)
        if datagram is None or message is None:
            self.counts["unknown_tunnel"] += 1
            return
        self.counts["error_indication"] += 1
        octets = gtpu_messages.error_indication(message.teid, datagram.dst)
        await self.answer(packet, datagram._replace(src_port=gtpu_messages.PORT), octets)

    async def tell_extension_headers(self, packet: PacketIn) -> None:
        """Tell who sent an extension header that has to be understood which ones are."""
        datagram = datagram_of(packet.frame)
        if datagram is None:
            return
        self.counts["gtpu_extension"] += 1
        octets = gtpu_messages.supported_extension_headers(0)
        await self.answer(packet, datagram._replace(src_port=gtpu_messages.PORT), octets)

    async def answer(self, packet: PacketIn, datagram: Datagram, octets: bytes) -> None:
        """Send to where a frame came from."""
        if packet.frame[6:12] == HOST_MAC:
            self._host.send(datagram.dst, datagram.src, octets, datagram.src_port)
            return
        # The answer leaves from the port that was asked (clause 4.4.2.3), with their DSCP, no ECN.
        back = udp_packet(
            *(datagram.dst, datagram.src, datagram.dst_port, datagram.src_port, octets),
            tos=datagram.tos & 0xFC,
        )
        await self._target.packet_out(packet.ingress_port, ethernet_back(packet.frame, back))

    async def send(self, local: IPAddress, peer: IPAddress, octets: bytes) -> None:
        """Send a message of our own, by a port of the pipeline if the peer is there."""
        packet = udp_packet(local, peer, gtpu_messages.PORT, gtpu_messages.PORT, octets)
        if not await self._routing.send_to_peer(local, peer, packet):
            self._host.send(local, peer, octets)

    def send_user_packet(self, local: IPAddress, peer: IPAddress, teid: int, packet: bytes) -> None:
        """Send a user's packet to a peer that the host reaches, without extension headers."""
        self._host.send(local, peer, gtpu_messages.g_pdu(teid, packet))

    async def end_tunnel(self, local: IPAddress, tunnel: Tunnel) -> None:
        """Send an End Marker: nothing more comes by a peer's tunnel."""
        self.counts["end_marker_sent"] += 1
        peer, teid = tunnel
        await self.send(local, peer, gtpu_messages.end_marker(teid))

    async def ask_paths(self) -> list[Path]:
        """Ask the paths whose time has come; those that are down from now on."""
        clock = asyncio.get_running_loop().time
        in_use = {Path(each.src, each.dst) for each in self._routing.gtpu_peers()}
        self.paths.follow(in_use, clock())
        asked, failed = self.paths.due(clock())
        for path, sequence in asked:
            self.counts["gtpu_echo_sent"] += 1
            await self.send(path.local, path.peer, gtpu_messages.echo_request(sequence))
        return failed

    async def _deal(self, local: IPAddress, peer: IPAddress, message: Message) -> bytes | None:
        """What a message calls for; the answer, if it is answered."""
        match message.message_type:
            case gtpu_messages.ECHO_REQUEST:
                self.counts["gtpu_echo"] += 1
                return gtpu_messages.echo_response(message.sequence)
            case gtpu_messages.ECHO_RESPONSE:
                self.counts["gtpu_echo_answered"] += 1
                now = asyncio.get_running_loop().time()
                if self.paths.answered(Path(local, peer), message.sequence, now):
                    self.on_recovered(Path(local, peer))
            case gtpu_messages.ERROR_INDICATION:
                self._take_error(peer, message)
            case gtpu_messages.END_MARKER:
                await self._pass_on((local, message.teid))
            case gtpu_messages.SUPPORTED_EXTENSION_HEADERS:
                self.counts["gtpu_extension_refused"] += 1
            case _:
                self.counts["gtpu_node_ignored"] += 1
        return None

    def _take_error(self, peer: IPAddress, message: Message) -> None:
        """Believe a peer what it says of its own tunnels, and of nobody else's."""
        found = gtpu_messages.tunnel_in_error(message)
        if found is None or found[1] != peer:
            self.counts["error_indication_ignored"] += 1
            return
        self.counts["error_indication_received"] += 1
        self.on_error((peer, found[0]))

    async def _pass_on(self, tunnel: Tunnel) -> None:
        """An End Marker goes on as the packets before it did (TS 23.501 clause 5.8.2.9)."""
        onward = self.onward(tunnel)
        if onward is None:
            self.counts["end_marker_ignored"] += 1
            return
        await self.end_tunnel(*onward)

"""Packets of users that cannot be sent on: their senders are told, or they are cut in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upf import icmp
from upf.frames import octets_of, user_packet_of
from upf.made_frames import ethernet_back
from upf.treatment import Routed, Tunnelled, treatment_of

if TYPE_CHECKING:
    from collections import Counter

    from upf.networks import Networks
    from upf.records import SessionRecord
    from upf.routing import Routing
    from upf.rules import PDR
    from upf.target import PacketIn, Target


class ICMPReplies:
    """Answers for the router that a UPF is to its users. `counts` by what became of packets."""

    def __init__(
        self, target: Target, routing: Routing, networks: Networks, counts: Counter[str]
    ) -> None:
        self.counts = counts
        self._target = target
        self._routing = routing
        self._networks = networks

    async def refuse_ttl(self, packet: PacketIn, owner: tuple[SessionRecord, PDR]) -> None:
        """Tell the sender of a packet that has no hop left."""
        self.counts["ttl_expired"] += 1
        await self._refuse(packet, owner, mtu=None)

    async def refuse_size(self, packet: PacketIn, owner: tuple[SessionRecord, PDR]) -> None:
        """Tell the sender of a packet that does not fit the way out, or send it in parts."""
        self.counts["too_big"] += 1
        record, pdr = owner
        mtu = self._mtu(packet, record, pdr)
        if mtu is None:
            return
        is_tunnelled = pdr.pdi.local_fteid is not None
        user = user_packet_of(packet.frame, is_tunnelled=is_tunnelled)
        if user is not None and not is_tunnelled:
            octets = octets_of(packet.frame, user)
            if icmp.may_be_fragmented(octets):
                for part in icmp.fragments(octets, mtu):
                    self.counts["fragments"] += 1
                    head = packet.frame[: user.offset]
                    await self._target.packet_again(packet.ingress_port, head + part)
                return
        await self._refuse(packet, owner, mtu=mtu)

    async def _refuse(
        self, packet: PacketIn, owner: tuple[SessionRecord, PDR], *, mtu: int | None
    ) -> None:
        _, pdr = owner
        is_tunnelled = pdr.pdi.local_fteid is not None
        user = user_packet_of(packet.frame, is_tunnelled=is_tunnelled)
        instance = self._data_network(owner)
        if user is None or instance is None:
            return
        src = self._routing.own_address(instance, user.version)
        if src is None:
            return
        octets = octets_of(packet.frame, user)
        answer = icmp.time_exceeded(octets, src) if mtu is None else icmp.too_big(octets, src, mtu)
        if answer is None:
            return
        self.counts["icmp_sent"] += 1
        # A UE is reached as by anybody else: through its session, from the data network.
        if is_tunnelled or not self._routing.has_port(packet.ingress_port):
            await self._routing.arrive_from_core(instance, answer)
        else:
            frame = ethernet_back(packet.frame, answer)
            await self._target.packet_out(packet.ingress_port, frame)

    def _data_network(self, owner: tuple[SessionRecord, PDR]) -> int | None:
        """The data network whose router we are for a packet; None if we pass tunnels on."""
        record, pdr = owner
        if pdr.pdi.local_fteid is None:
            found = self._networks.resolve(pdr.pdi.source_interface, pdr.pdi.network_instance)
            return found.network_instance_id
        treatment = treatment_of(record.session, pdr, self._networks)
        return treatment.network_instance_id if isinstance(treatment, Routed) else None

    def _mtu(self, packet: PacketIn, record: SessionRecord, pdr: PDR) -> int | None:
        """What fits the way out of a packet, octets of the user's IP packet."""
        treatment = treatment_of(record.session, pdr, self._networks)
        if isinstance(treatment, Tunnelled):
            room = self._routing.mtu_to_peer(treatment.peer)
            return None if room is None else room - treatment.peer.overhead
        user = user_packet_of(packet.frame, is_tunnelled=pdr.pdi.local_fteid is not None)
        if not isinstance(treatment, Routed) or user is None:
            return None
        return self._routing.mtu(treatment.network_instance_id, user.dst)

"""What the pipeline shows us, the punt_reason_t of p4/include/types.p4, and what we do about it."""

from __future__ import annotations

import logging
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from upf.entry import MeterRate
from upf.errors import TargetError
from upf.frames import octets_of, user_packet_of
from upf.treatment import Routed, Tunnelled, treatment_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from upf.gtpu_node import GTPUNode
    from upf.icmp_replies import ICMPReplies
    from upf.networks import Networks
    from upf.paging import Paging
    from upf.records import SessionRecord
    from upf.routing import Routing
    from upf.rules import PDR
    from upf.target import PacketIn

OwnerOf: TypeAlias = "Callable[[int], tuple[SessionRecord, PDR] | None]"

log = logging.getLogger(__name__)


class PuntReason(IntEnum):
    GTPU_NODE = 1
    NEIGHBOUR = 2
    BUFFER = 3
    NOTIFY = 4
    TTL_EXPIRED = 5
    TOO_BIG = 6
    UNKNOWN_TUNNEL = 7
    QUOTA_EXHAUSTED = 8
    GTPU_EXTENSION = 9


# Packets/s that the controller is shown of each reason; the pipeline drops and counts the others.
PUNT_RATES = {
    PuntReason.GTPU_NODE: 2_000,
    PuntReason.NEIGHBOUR: 2_000,
    PuntReason.BUFFER: 20_000,
    PuntReason.NOTIFY: 1_000,
    PuntReason.TTL_EXPIRED: 500,
    PuntReason.TOO_BIG: 500,
    PuntReason.UNKNOWN_TUNNEL: 500,
    PuntReason.QUOTA_EXHAUSTED: 2_000,
    PuntReason.GTPU_EXTENSION: 500,
}


def punt_meter_rates() -> dict[int, MeterRate]:
    """The settings of the meters of what is shown, in packets."""
    return {int(reason): MeterRate(rate, rate, rate, rate) for reason, rate in PUNT_RATES.items()}


class Punts:
    """Takes every packet-in, a frame as it arrived. `counts` by what became of them.

    `owner_of` tells the session and the PDR that a usage_id belongs to, `on_quota` is told the
    session of which a quota stopped a packet.
    """

    def __init__(
        self,
        gtpu: GTPUNode,
        routing: Routing,
        paging: Paging,
        owner_of: OwnerOf,
        networks: Networks,
        icmp: ICMPReplies,
    ) -> None:
        self.counts: Counter[str] = gtpu.counts
        self._gtpu = gtpu
        self._routing = routing
        self._paging = paging
        self._owner_of = owner_of
        self._networks = networks
        self._icmp = icmp
        self.on_quota: Callable[[SessionRecord], None] = lambda _: None

    async def receive(self, packet: PacketIn) -> None:
        """Do what the reason calls for."""
        try:
            match packet.reason:
                case PuntReason.GTPU_NODE:
                    await self._gtpu.receive(packet)
                case PuntReason.NEIGHBOUR:
                    await self._send_on(packet)
                case PuntReason.UNKNOWN_TUNNEL:
                    await self._gtpu.indicate_error(packet)
                case PuntReason.GTPU_EXTENSION:
                    await self._gtpu.tell_extension_headers(packet)
                case PuntReason.BUFFER | PuntReason.NOTIFY:
                    self._page(packet)
                case PuntReason.QUOTA_EXHAUSTED:
                    self._tell_of_quota(packet)
                case PuntReason.TTL_EXPIRED | PuntReason.TOO_BIG:
                    await self._refuse(packet)
                case _:
                    self.counts["unknown_reason"] += 1
        except TargetError as error:
            self.counts["unsent"] += 1
            log.warning("packet-out: %s", error)

    async def _send_on(self, packet: PacketIn) -> None:
        """Have the host send what it alone can; keep what needs its next hop's MAC address."""
        owner = self._owner_of(packet.usage_id)
        if owner is None:
            self.counts["neighbour_unknown"] += 1
            return
        record, pdr = owner
        treatment = treatment_of(record.session, pdr, self._networks)
        user_packet = user_packet_of(packet.frame, is_tunnelled=pdr.pdi.local_fteid is not None)
        if user_packet is None or not isinstance(treatment, Routed | Tunnelled):
            self.counts["neighbour_unknown"] += 1
            return
        dst = user_packet.dst
        if isinstance(treatment, Routed) and treatment.policy is not None:
            dst = treatment.policy.next_hop(user_packet.version) or dst
        if isinstance(treatment, Tunnelled):
            dst = treatment.peer.dst
            if treatment.peer.is_of_cp and packet.egress_port == self._routing.host_port:
                self.counts["to_host"] += 1
                octets = octets_of(packet.frame, user_packet)
                peer = treatment.peer
                self._gtpu.send_user_packet(peer.src, peer.dst, treatment.teid, octets)
                return
        self.counts["neighbour"] += 1
        await self._routing.hold(packet.egress_port, dst, packet.ingress_port, packet.frame)

    def _page(self, packet: PacketIn) -> None:
        """Keep a packet of an idle UE, or only tell of it."""
        owner = self._owner_of(packet.usage_id)
        if owner is None:
            self.counts["idle_unknown"] += 1
        elif packet.reason == PuntReason.BUFFER:
            self.counts["buffered"] += 1
            self._paging.keep(*owner, packet.ingress_port, packet.frame)
        else:
            self.counts["notified"] += 1
            self._paging.tell(*owner, packet.frame)

    async def _refuse(self, packet: PacketIn) -> None:
        """Have the sender told why a packet goes no further."""
        owner = self._owner_of(packet.usage_id)
        if owner is None:
            self.counts["refused_unknown"] += 1
        elif packet.reason == PuntReason.TTL_EXPIRED:
            await self._icmp.refuse_ttl(packet, owner)
        else:
            await self._icmp.refuse_size(packet, owner)

    def _tell_of_quota(self, packet: PacketIn) -> None:
        self.counts["quota_exhausted"] += 1
        owner = self._owner_of(packet.usage_id)
        if owner is not None:
            self.on_quota(owner[0])

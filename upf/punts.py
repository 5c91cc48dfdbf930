"""What the pipeline shows us, the punt_reason_t of p4/include/types.p4, and what we do about it."""

from __future__ import annotations

import logging
from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING

from upf.errors import TargetError
from upf.gtpu_node import echo_response

if TYPE_CHECKING:
    from upf.routing import Routing
    from upf.target import PacketIn, Target

log = logging.getLogger(__name__)


class PuntReason(IntEnum):
    GTPU_NODE = 1
    NEIGHBOUR = 2


class Punts:
    """Takes every packet-in. `counts` by what became of them."""

    def __init__(self, target: Target, routing: Routing) -> None:
        self.counts: Counter[str] = Counter()
        self._target = target
        self._routing = routing

    async def receive(self, packet: PacketIn) -> None:
        """Do what the reason calls for."""
        try:
            match packet.reason:
                case PuntReason.GTPU_NODE:
                    await self._answer_node_message(packet)
                case PuntReason.NEIGHBOUR:
                    self.counts["neighbour"] += 1
                    await self._routing.hold(packet.egress_port, packet.frame)
                case _:
                    self.counts["unknown_reason"] += 1
        except TargetError as error:
            self.counts["unsent"] += 1
            log.warning("packet-out: %s", error)

    async def _answer_node_message(self, packet: PacketIn) -> None:
        answer = echo_response(packet.frame)
        if answer is None:
            self.counts["gtpu_node_ignored"] += 1
            return
        self.counts["gtpu_echo"] += 1
        await self._target.packet_out(packet.ingress_port, answer)

"""A packet the pipeline shows the controller."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PacketIn:
    """A frame as it arrived. `reason`: one of P4's PUNT_*. `egress_port`: where a PUNT_NEIGHBOUR
    packet waits to go. `usage_id`: of the PDR it belongs to, 0 where none is known.
    """

    ingress_port: int
    egress_port: int
    reason: int
    frame: bytes
    usage_id: int = 0

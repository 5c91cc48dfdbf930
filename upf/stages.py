"""The stages a user's packet passes in the pipeline, and where each drop reason belongs.

A packet that reached a later stage passed the ones before: what a stage was given is what it
dropped and what the next one was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from upf.drops import DropReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upf.entry import Counts


class Stage(StrEnum):
    """Controls of the P4 program, in packet order."""

    DETECTION = "detection"
    FORWARDING = "forwarding"
    ROUTING = "routing"
    ENFORCEMENT = "enforcement"
    ENCAPSULATION = "encapsulation"


TITLES = {
    Stage.DETECTION: "Ports, tunnels and session lookup",
    Stage.FORWARDING: "Source check, gates and forwarding action",
    Stage.ROUTING: "Tunnel peers, routes and next hops",
    Stage.ENFORCEMENT: "Slice capacity and usage",
    Stage.ENCAPSULATION: "New headers and sending",
}

# A reason that is not here is one of FORWARDING.
_STAGES = {
    DropReason.UNKNOWN_PORT: Stage.DETECTION,
    DropReason.MALFORMED_GTPU: Stage.DETECTION,
    DropReason.UNSUPPORTED_INNER: Stage.DETECTION,
    DropReason.NO_SESSION: Stage.DETECTION,
    DropReason.NO_TUNNEL_PEER: Stage.ROUTING,
    DropReason.NO_ROUTE: Stage.ROUTING,
    DropReason.NO_NEXT_HOP: Stage.ROUTING,
    DropReason.SLICE_CAPACITY: Stage.ENFORCEMENT,
    DropReason.NO_MATCHING_RULE: Stage.DETECTION,
    DropReason.FLOW_RATE: Stage.ENFORCEMENT,
    DropReason.SESSION_RATE: Stage.ENFORCEMENT,
    DropReason.QUOTA_EXHAUSTED: Stage.ENFORCEMENT,
    DropReason.MALFORMED_IP: Stage.DETECTION,
    DropReason.OUTER_FRAGMENT: Stage.DETECTION,
    DropReason.TRUNCATED: Stage.ENFORCEMENT,
}

MEANINGS = {
    DropReason.UNKNOWN_PORT: "came in by a port that no interface is configured for",
    DropReason.MALFORMED_GTPU: "GTP-U that cannot be read",
    DropReason.UNSUPPORTED_INNER: "a tunnel carried something else than IP",
    DropReason.NO_SESSION: "no session has this tunnel endpoint or UE address",
    DropReason.SPOOFED_SOURCE: "a UE sent from an address that is not its own",
    DropReason.GATE_CLOSED: "the SMF closed the gate of the flow",
    DropReason.FAR: "the SMF asked for this traffic to be dropped",
    DropReason.BUFFERING: "the UE is idle",
    DropReason.NO_TUNNEL_PEER: "the gNB's tunnel is not known any more",
    DropReason.NO_ROUTE: "the kernel has no route there",
    DropReason.NO_NEXT_HOP: "the next hop is not known any more",
    DropReason.SLICE_CAPACITY: "the slice is over its capacity",
    DropReason.NO_MATCHING_RULE: "no filter of the session matches",
    DropReason.FLOW_RATE: "the flow is over its maximum bit rate",
    DropReason.SESSION_RATE: "the session is over its maximum bit rate",
    DropReason.QUOTA_EXHAUSTED: "the volume granted is spent",
    DropReason.MALFORMED_IP: "IP or GTP-U that is cut off or contradicts itself",
    DropReason.OUTER_FRAGMENT: "a fragment of a GTP-U datagram",
    DropReason.PUNT_RATE: "more was to be shown to the UPF than it looks at",
    DropReason.TRUNCATED: "a packet was longer than the frame it came in",
}


# Controls of the P4 program that stand in a stage of another name.
_CONTROLS = {
    "arrival": Stage.DETECTION,
    "admission": Stage.DETECTION,
    "next_hop": Stage.ROUTING,
    "hop": Stage.ENCAPSULATION,
    "tunnel_headers": Stage.ENCAPSULATION,
}


@dataclass(frozen=True, slots=True)
class StageCount:
    """Packets that a stage was given, and those of them that it dropped."""

    stage: Stage
    packets: int
    dropped_packets: int


def stage_of(reason: DropReason) -> Stage:
    """Where packets are dropped for this reason."""
    return _STAGES.get(reason, Stage.FORWARDING)


def stage_of_control(name: str) -> Stage:
    """Where the table, counter or meter of this name stands; FORWARDING for other controls."""
    control = name.split(".")[-2] if "." in name else name
    return Stage(control) if control in list(Stage) else _CONTROLS.get(control, Stage.FORWARDING)


def meaning_of(reason: DropReason) -> str:
    """The reason in a sentence for people."""
    return MEANINGS.get(reason, reason.name.lower().replace("_", " "))


def stage_counts(drops: Mapping[DropReason, Counts], passed_packets: int) -> list[StageCount]:
    """What each stage was given, when `passed_packets` came through all of them."""
    given = passed_packets
    counts = []
    for stage in reversed(Stage):
        dropped = sum(each.packets for reason, each in drops.items() if stage_of(reason) is stage)
        given += dropped
        counts.append(StageCount(stage, given, dropped))
    return counts[::-1]

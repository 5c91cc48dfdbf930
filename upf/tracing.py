"""Tracing packets of a running UPF: from what is asked to the story of what would become of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from upf.described import Description, arrival_of, raw_arrival
from upf.story import story_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from upf.packet_trace import PacketTrace
    from upf.story import Story
    from upf.surroundings import Surroundings

TraceFrame: TypeAlias = "Callable[[int, bytes], Awaitable[PacketTrace]]"


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A frame as it would arrive on an interface."""

    interface: str
    frame: bytes


async def traced(wanted: Description | RawFrame, around: Surroundings, trace: TraceFrame) -> Story:
    """What would become of the packet. DescriptionError if it cannot be put together, TargetError
    if the switch cannot tell.
    """
    if isinstance(wanted, RawFrame):
        arrival = raw_arrival(wanted.interface, wanted.frame, around)
    else:
        arrival = arrival_of(wanted, around)
    return story_of(await trace(arrival.port, arrival.frame), around)

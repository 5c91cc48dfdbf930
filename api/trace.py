"""What would become of a packet."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from api.node import Node
from api.problems import answers
from api.trace_schemas import PacketToTrace, TraceBody, TraceStep, TraceTunnel, TraceWay
from upf.meanings import mac_text
from upf.packet_trace import Counted, Lookup, Metered, Registered
from upf.story import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upf.story import Step, Story

router = APIRouter(prefix="/v1", tags=["data plane"])

# Larger numbers are rounded by readers of JSON: they are written in hex digits.
_LARGEST_NUMBER = 1 << 53


@router.post(
    "/trace",
    summary="What would become of a packet?",
    operation_id="trace_packet",
    responses=answers(HTTPStatus.SERVICE_UNAVAILABLE),
)
async def trace_packet(body: PacketToTrace, node: Node) -> TraceBody:
    """The path of one packet through the pipeline, with the entries that the switch holds now.

    Nothing is sent, and no counter or meter is touched. Meters are taken as not used up, since no
    switch tells how full they are. The packet is described, and the rest taken from the session of
    the UE; or it is given octet by octet.
    """
    return trace_body(await node.trace(body.root.wanted()))


def trace_body(story: Story) -> TraceBody:
    """A story as REST gives it."""
    tunnel, way = story.tunnel, story.way
    return TraceBody(
        fate=story.fate.value,
        summary=story.summary,
        what_to_do=story.what_to_do,
        drop_reason=None if story.drop_reason is None else story.drop_reason.name.lower(),
        shown_for=None if story.punt_reason is None else story.punt_reason.name.lower(),
        up_seid=None if story.up_seid is None else f"{story.up_seid:016x}",
        pdr_id=story.pdr_id,
        slice=story.slice_name,
        tunnel=tunnel
        and TraceTunnel(address=tunnel.address, teid=f"{tunnel.teid:08x}", qfi=tunnel.qfi),
        way=way and TraceWay(interface=way.interface, mac=mac_text(way.mac), address=way.address),
        interface=story.interface,
        hex=story.frame.hex(),
        out_hex=None if story.out_frame is None else story.out_frame.hex(),
        steps=[_step(each) for each in story.steps],
    )


def _step(step: Step) -> TraceStep:
    told = step.told
    common: dict[str, Any] = {
        "stage": step.stage,
        "name": name_of(told),
        "meaning": step.meaning,
    }
    match told:
        case Lookup():
            return TraceStep(
                kind="table",
                key=_numbers(told.key),
                is_hit=told.entry is not None,
                action=told.action.rpartition(".")[2],
                params=_numbers(told.params),
                **common,
            )
        case Metered():
            return TraceStep(kind="meter", index=told.index, **common)
        case Registered():
            return TraceStep(kind="register", index=told.index, **common)
        case _:
            index = told.index if isinstance(told, Counted) else None
            return TraceStep(kind="counter", index=index, **common)


def _numbers(values: Mapping[str, int]) -> dict[str, int | str]:
    return {
        name: value if value < _LARGEST_NUMBER else f"{value:#x}" for name, value in values.items()
    }

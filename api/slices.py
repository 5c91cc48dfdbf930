"""Slices: who may send how much."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Response

from api.conditions import IfMatches
from api.figures import slice_throughput
from api.node import Node
from api.problems import answers
from api.schemas import (
    Direction,
    Headroom,
    SliceBody,
    SliceName,
    SlicePatch,
    SliceView,
    Throughput,
    Usage,
    UsagePoint,
    UsageSeries,
    Verdict,
    etag_of,
    fields_of,
    mbps,
)
from upf.headroom import doubts, misfits
from upf.history import STEP_S, WINDOW_S
from upf.node import UPF
from upf.slices import DEFAULT_SLICE_ID, Slice
from upf.usage import Volume

router = APIRouter(prefix="/v1/slices", tags=["slices"])
usage_router = APIRouter(prefix="/v1", tags=["slices"])

Name = Annotated[SliceName, Path(description="The operator's name for the slice")]
Window = Annotated[int, Query(ge=STEP_S, le=WINDOW_S, description="How far back, in seconds")]

_ETAG = {"ETag": {"description": "For If-Match", "schema": {"type": "string"}}}
_FAILURES = (
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.INSUFFICIENT_STORAGE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_NAMED = {"path.name": "$response.body#/name"}
_UNCHANGED = {**_NAMED, "header.if-match": "$response.header.ETag"}
_LINKS: dict[str, Any] = {
    "get": {"operationId": "get_slice", "parameters": _NAMED},
    "usage": {"operationId": "get_slice_usage", "parameters": _NAMED},
    "change": {"operationId": "patch_slice", "parameters": _UNCHANGED},
    "delete": {"operationId": "delete_slice", "parameters": _UNCHANGED},
}


@router.get("", summary="All slices with their use", operation_id="list_slices")
async def list_slices(node: Node) -> list[SliceView]:
    return [_view(node, each) for each in node.slices()]


@router.get(
    "/{name}",
    summary="One slice with its use and headroom",
    operation_id="get_slice",
    responses={
        HTTPStatus.OK: {"headers": _ETAG, "links": _LINKS},
        **answers(HTTPStatus.NOT_FOUND),
    },
)
async def get_slice(name: Name, node: Node, response: Response) -> SliceView:
    return _answer(node, _held(node, name), response)


@router.put(
    "/{name}",
    summary="Make a slice, or replace it",
    operation_id="put_slice",
    response_description="The slice was there and is as given now",
    responses={
        HTTPStatus.OK: {"headers": _ETAG, "links": _LINKS},
        HTTPStatus.CREATED: {
            "model": SliceView,
            "description": "The slice is new",
            "headers": _ETAG,
            "links": _LINKS,
        },
        **answers(*_FAILURES),
    },
)
async def put_slice(
    name: Name, body: SliceBody, node: Node, response: Response, conditions: IfMatches
) -> SliceView:
    """The capacity holds from the next packet on, for sessions there are and sessions to come.

    When the answer comes, the slice outlives a restart. The same request again changes nothing.
    A guarantee that the ports cannot keep with all others is refused (409).
    """

    def wanted(held: Slice | None) -> Slice:
        conditions.check(name, held)
        return body.to_slice(name)

    held, is_new = await node.change_slice(name, wanted)
    if is_new:
        response.status_code = HTTPStatus.CREATED
    return _answer(node, held, response)


@router.patch(
    "/{name}",
    summary="Change some of a slice",
    operation_id="patch_slice",
    responses={
        HTTPStatus.OK: {"headers": _ETAG, "links": _LINKS},
        **answers(HTTPStatus.NOT_FOUND, *_FAILURES),
    },
)
async def patch_slice(
    name: Name, body: SlicePatch, node: Node, response: Response, conditions: IfMatches
) -> SliceView:
    """What is left out stays. Two changes at once of different members are both kept."""

    def wanted(held: Slice | None) -> Slice:
        conditions.check(name, held)
        if held is None:
            raise _not_found(name)
        return body.patched(held)

    return _answer(node, (await node.change_slice(name, wanted))[0], response)


@router.delete(
    "/{name}",
    summary="Remove a slice",
    operation_id="delete_slice",
    status_code=HTTPStatus.NO_CONTENT,
    responses=answers(HTTPStatus.NOT_FOUND, *_FAILURES),
)
async def delete_slice(
    name: Name,
    node: Node,
    conditions: IfMatches,
    *,
    force: Annotated[bool, Query(description="Though sessions are in it")] = False,
) -> None:
    """Refused while sessions are in it. Forced, they go on, in another slice that covers them or
    in none, without its limit.
    """
    conditions.check(name, _held(node, name))
    try:
        await node.delete_slice(name, lambda held: conditions.check(name, held), is_forced=force)
    except KeyError as error:
        # Somebody else was faster.
        raise _not_found(name) from error


@router.post(
    "/{name}/what-if",
    summary="Would this slice fit the ports?",
    operation_id="try_slice",
)
async def try_slice(name: Name, body: SliceBody, node: Node) -> Verdict:
    """Adds up all slices, this one as given among them. Nothing is changed."""
    wanted = body.to_slice(name)
    found = node.fits(wanted)
    reasons = misfits(wanted, found)
    directions = [
        Direction(
            direction=each.direction,
            port_role=each.port_role,
            port_mbps=mbps(each.port_bps),
            guaranteed_mbps=mbps(each.guaranteed_bps) or 0.0,
            capacity_mbps=mbps(each.capacity_bps),
            oversubscription=each.oversubscription,
        )
        for each in found
    ]
    return Verdict(
        fits=not reasons,
        reasons=reasons,
        doubts=doubts(found, has_queues=node.has_queues),
        directions=directions,
    )


@router.get(
    "/{name}/usage",
    summary="What a slice carried in the last hour",
    operation_id="get_slice_usage",
    responses=answers(HTTPStatus.NOT_FOUND),
)
async def get_slice_usage(name: Name, node: Node, window_s: Window = WINDOW_S) -> UsageSeries:
    return _series(node, name, _held(node, name).slice_id, window_s)


@usage_router.get(
    "/usage", summary="What every slice carried in the last hour", operation_id="get_usage"
)
async def get_usage(node: Node, window_s: Window = WINDOW_S) -> list[UsageSeries]:
    """The last one, `slice` null, is what no slice covers."""
    return [
        *(_series(node, each.name, each.slice_id, window_s) for each in node.slices()),
        _series(node, None, DEFAULT_SLICE_ID, window_s),
    ]


def _held(node: UPF, name: str) -> Slice:
    held = node.slice(name)
    if held is None:
        raise _not_found(name)
    return held


def _not_found(name: str) -> HTTPException:
    return HTTPException(
        HTTPStatus.NOT_FOUND, f"there is no slice {name!r}: PUT /v1/slices/{name} makes one"
    )


def _answer(node: UPF, held: Slice, response: Response) -> SliceView:
    response.headers["ETag"] = etag_of(held)
    return _view(node, held)


def _view(node: UPF, held: Slice) -> SliceView:
    taken = node.occupancy(held.slice_id)
    throughput = slice_throughput(node, held.slice_id)
    latest = node.sampler.pair()[0]
    return SliceView(
        **fields_of(held),
        name=held.name,
        sessions=taken.sessions,
        usage=Usage.of(latest.slices.get(held.slice_id, Volume())),
        dropped=Usage.of(latest.slice_drops.get(held.slice_id, Volume())),
        throughput=throughput,
        headroom=Headroom(
            uplink_mbps=_left(mbps(held.uplink_bps), throughput.uplink_mbps),
            downlink_mbps=_left(mbps(held.downlink_bps), throughput.downlink_mbps),
            sessions=None
            if held.max_sessions is None
            else max(0, held.max_sessions - taken.sessions),
        ),
        guaranteed_in_use=Throughput(
            uplink_mbps=mbps(taken.uplink_bps) or 0.0, downlink_mbps=mbps(taken.downlink_bps) or 0.0
        ),
        etag=etag_of(held),
    )


def _left(capacity_mbps: float | None, used_mbps: float) -> float | None:
    return None if capacity_mbps is None else round(max(0.0, capacity_mbps - used_mbps), 6)


def _series(node: UPF, name: str | None, slice_id: int, window_s: int) -> UsageSeries:
    points = node.history.points(slice_id, window_s, time.time())
    return UsageSeries(
        slice=name,
        step_s=STEP_S,
        points=[
            UsagePoint(
                time=datetime.fromtimestamp(each.time, UTC),
                uplink_mbps=each.uplink_octets * 8 / STEP_S / 1_000_000,
                downlink_mbps=each.downlink_octets * 8 / STEP_S / 1_000_000,
                sessions=each.sessions,
            )
            for each in points
        ],
    )

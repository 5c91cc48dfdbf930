"""Slices: who may send how much."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response

from api.node import Node
from api.problems import answers
from api.schemas import SliceBody, SliceName, SliceView, Usage
from upf.node import UPF
from upf.slices import Slice

router = APIRouter(prefix="/v1/slices", tags=["slices"])

Name = Annotated[SliceName, Path(description="The operator's name for the slice")]


@router.get(
    "", summary="All slices with their use", responses=answers(HTTPStatus.SERVICE_UNAVAILABLE)
)
async def list_slices(node: Node) -> list[SliceView]:
    return await _views(node, node.slices())


@router.get(
    "/{name}",
    summary="One slice with its use",
    responses=answers(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def get_slice(name: Name, node: Node) -> SliceView:
    return (await _views(node, [_held(node, name)]))[0]


@router.put(
    "/{name}",
    summary="Make a slice, or change it",
    response_description="The slice was there and is as given now",
    responses={
        HTTPStatus.CREATED: {"model": SliceView, "description": "The slice is new"},
        **answers(HTTPStatus.INSUFFICIENT_STORAGE, HTTPStatus.SERVICE_UNAVAILABLE),
    },
)
async def put_slice(name: Name, body: SliceBody, node: Node, response: Response) -> SliceView:
    """The capacity holds from the next packet on, for sessions there are and sessions to come."""
    held, is_new = await node.put_slice(body.to_slice(name))
    if is_new:
        response.status_code = HTTPStatus.CREATED
    return (await _views(node, [held]))[0]


@router.delete(
    "/{name}",
    summary="Remove a slice",
    status_code=HTTPStatus.NO_CONTENT,
    responses=answers(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def delete_slice(name: Name, node: Node) -> None:
    """Its sessions go on, in another slice that covers them or in none, without its limit."""
    await node.delete_slice(_held(node, name).name)


def _held(node: UPF, name: str) -> Slice:
    for each in node.slices():
        if each.name == name:
            return each
    raise HTTPException(
        HTTPStatus.NOT_FOUND, f"there is no slice {name!r}: PUT /v1/slices/{name} makes one"
    )


async def _views(node: UPF, slices: list[Slice]) -> list[SliceView]:
    sessions = await node.sessions()
    views = []
    for each in slices:
        members = [session for session in sessions if session.slice_name == each.name]
        usage = Usage.sum(session.usage for session in members)
        views.append(SliceView.of(each, len(members), usage))
    return views

"""Sessions and the SMFs they come from."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Path

from api.node import Node
from api.problems import answers
from api.schemas import Usage
from api.session_schemas import SessionBody, TunnelBody

if TYPE_CHECKING:
    from upf.views import SessionView, Tunnel

router = APIRouter(prefix="/v1", tags=["sessions"])

SEID = Annotated[str, Path(pattern=r"^[0-9A-Fa-f]{1,16}$", description="The UP SEID in hex digits")]


@router.get(
    "/sessions",
    summary="All sessions with their use",
    responses=answers(HTTPStatus.SERVICE_UNAVAILABLE),
)
async def list_sessions(node: Node) -> list[SessionBody]:
    return [_body(view) for view in await node.sessions()]


@router.get(
    "/sessions/{up_seid}",
    summary="One session with its use",
    responses=answers(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def get_session(up_seid: SEID, node: Node) -> SessionBody:
    view = await node.session(int(up_seid, 16))
    if view is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            f"no session has the UP SEID {up_seid}: GET /v1/sessions lists them",
        )
    return _body(view)


def _body(view: SessionView) -> SessionBody:
    return SessionBody(
        up_seid=f"{view.up_seid:016x}",
        cp_seid=f"{view.cp_seid:016x}",
        cp_node_id=view.cp_node_id,
        ue_ipv4=view.ue_ipv4,
        dnn=view.dnn,
        s_nssai=None if view.s_nssai is None else str(view.s_nssai),
        slice=view.slice_name,
        local_tunnels=[_tunnel(each) for each in view.local_tunnels],
        remote_tunnels=[_tunnel(each) for each in view.remote_tunnels],
        since=datetime.fromtimestamp(view.since, UTC),
        usage=Usage.of(view.usage),
    )


def _tunnel(tunnel: Tunnel) -> TunnelBody:
    return TunnelBody(teid=f"{tunnel.teid:08x}", ipv4=tunnel.ipv4)

"""PFCP sessions: all, some, or one with everything that is known of it."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from api.node import Node
from api.problems import answers
from api.schemas import Usage
from api.session_schemas import (
    AnyAddress,
    CounterBody,
    EntryBody,
    RulesBody,
    SessionBody,
    SessionDetails,
    TunnelBody,
)
from upf import tables
from upf.entry import Prefix
from upf.views import SessionFilter

if TYPE_CHECKING:
    from upf.entry import Entry, MatchValue
    from upf.views import SessionInside, SessionView, Tunnel

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

MAX_PAGE = 1000
_HEX = r"^[0-9A-Fa-f]{1,16}$"

# Names of match fields by table, of parameters by action.
_NAMES: dict[str, tuple[str, ...]] = {
    name: getattr(kind, "_fields", ())
    for kind, name in (*tables.TABLES.items(), *tables.ACTIONS.items())
}

SEID = Annotated[
    str,
    Path(pattern=_HEX, description="The UP SEID in hex digits", examples=["00000000000002d0"]),
]
_PAGING: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK: {
        "headers": {
            "X-Total-Count": {
                "description": "How many sessions match",
                "schema": {"type": "integer"},
            },
            "Link": {
                "description": '`<…>; rel="next"` where there is a next page',
                "schema": {"type": "string"},
            },
        }
    }
}


@router.get(
    "",
    summary="Sessions with their use",
    operation_id="list_sessions",
    responses={**_PAGING, **answers(HTTPStatus.SERVICE_UNAVAILABLE)},
)
async def list_sessions(  # noqa: PLR0913 - each is a parameter of the query
    node: Node,
    request: Request,
    response: Response,
    *,
    slice_name: Annotated[
        str | None, Query(alias="slice", max_length=64, description="Members of this slice")
    ] = None,
    dnn: Annotated[str | None, Query(max_length=100, description="Of this DNN")] = None,
    ue: Annotated[
        AnyAddress | None,
        Query(description="With this UE address, or one of the UE's prefix"),
    ] = None,
    smf: Annotated[str | None, Query(max_length=255, description="Of this SMF (node id)")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="At most so many")] = 100,
    after: Annotated[
        str | None, Query(pattern=_HEX, description="The last UP SEID of the page before")
    ] = None,
) -> list[SessionBody]:
    """In the order of their UP SEIDs. Follow `Link: rel="next"` for the next page."""
    wanted = SessionFilter(slice_name=slice_name, dnn=dnn, ue=ue, cp_node_id=smf)
    first = 0 if after is None else int(after, 16) + 1
    total, views = await node.find_sessions(wanted, first=first, limit=limit + 1)
    response.headers["X-Total-Count"] = str(total)
    page = views[:limit]
    if len(views) > limit:
        kept = [(k, v) for k, v in request.query_params.multi_items() if k != "after"]
        query = urlencode([*kept, ("after", f"{page[-1].up_seid:016x}")])
        response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return [SessionBody(**_fields(view)) for view in page]


@router.get(
    "/{up_seid}",
    summary="One session with rules, entries and counters",
    operation_id="get_session",
    responses=answers(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def get_session(up_seid: SEID, node: Node) -> SessionDetails:
    inside = await node.session_inside(int(up_seid, 16))
    if inside is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            f"no session has the UP SEID {up_seid}: GET /v1/sessions lists them",
        )
    return _details(inside)


def _details(inside: SessionInside) -> SessionDetails:
    return SessionDetails(
        **_fields(inside.view),
        rules=RulesBody(**inside.rules),
        entries=[_entry(entry, pdr_id) for entry, pdr_id in inside.entries],
        counters=[
            CounterBody(
                pdr_id=each.pdr_id,
                usage_id=each.usage_id,
                direction="uplink" if each.is_uplink else "downlink",
                packets=each.counts.packets,
                octets=each.counts.octets,
            )
            for each in inside.counters
        ],
    )


def _entry(entry: Entry, pdr_id: int | None) -> EntryBody:
    return EntryBody(
        table=entry.table,
        key=dict(zip(_NAMES[entry.table], map(_key, entry.key), strict=True)),
        action=entry.action,
        params=dict(zip(_NAMES[entry.action], entry.params, strict=True)),
        pdr_id=pdr_id,
    )


def _key(value: MatchValue) -> int | str:
    match value:
        case int():
            return value
        case Prefix():
            return f"{value.value}/{value.length}"
        case _:
            return str(value)


def _fields(view: SessionView) -> dict[str, Any]:
    return {
        "up_seid": f"{view.up_seid:016x}",
        "cp_seid": f"{view.cp_seid:016x}",
        "cp_node_id": view.cp_node_id,
        "ue_ipv4": view.ue_ipv4,
        "ue_ipv6": view.ue_ipv6,
        "dnn": view.dnn,
        "s_nssai": None if view.s_nssai is None else str(view.s_nssai),
        "slice": view.slice_name,
        "local_tunnels": [_tunnel(each) for each in view.local_tunnels],
        "remote_tunnels": [_tunnel(each) for each in view.remote_tunnels],
        "since": datetime.fromtimestamp(view.since, UTC),
        "usage": Usage.of(view.usage),
    }


def _tunnel(tunnel: Tunnel) -> TunnelBody:
    return TunnelBody(teid=f"{tunnel.teid:08x}", address=tunnel.address)

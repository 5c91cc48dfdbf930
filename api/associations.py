"""The SMFs this UPF is associated with, and associations that begin or end here."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Response

from api.asked import Time
from api.node import Node
from api.problems import answers
from api.session_schemas import AssociationBody, AssociationSetup

if TYPE_CHECKING:
    from upf.views import AssociationView

router = APIRouter(prefix="/v1/associations", tags=["associations"])

NodeId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=255,
        description="As the list shows it",
        examples=["10.100.4.1"],
    ),
]
_PEER_FAILURES = answers(HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


@router.get("", summary="SMFs associated with this UPF", operation_id="list_associations")
async def list_associations(
    node: Node,
    since: Annotated[
        Time | None, Query(description="Only those made at this time or later")
    ] = None,
) -> list[AssociationBody]:
    return [
        association_body(each)
        for each in node.associations()
        if since is None or each.since >= since.timestamp()
    ]


@router.post(
    "",
    summary="Ask an SMF for an association",
    operation_id="set_up_association",
    status_code=HTTPStatus.CREATED,
    responses=_PEER_FAILURES,
)
async def set_up_association(body: AssociationSetup, node: Node) -> list[AssociationBody]:
    """The answer comes with the SMF's, at the latest when it has not answered three times. Gives
    the associations at that address.
    """
    await node.set_up_association((str(body.address), body.port))
    return [
        association_body(each) for each in node.associations() if each.address == str(body.address)
    ]


@router.delete(
    "/{node_id}",
    summary="Release an association",
    operation_id="release_association",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    response_description="The SMF agreed and will release it",
    responses={
        HTTPStatus.NO_CONTENT: {"description": "Ended at once, by force"},
        **answers(HTTPStatus.NOT_FOUND),
        **_PEER_FAILURES,
    },
)
async def release_association(
    node_id: NodeId,
    node: Node,
    *,
    force: Annotated[
        bool, Query(description="End it and its sessions at once, without asking the SMF")
    ] = False,
) -> Response:
    """Only an SMF can release an association (TS 29.244 clause 6.2.8.3): it is asked to."""
    try:
        await node.release_association(node_id, is_forced=force)
    except KeyError as error:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            f"there is no association with {node_id!r}: GET /v1/associations lists them",
        ) from error
    return Response(status_code=HTTPStatus.NO_CONTENT if force else HTTPStatus.ACCEPTED)


def association_body(view: AssociationView) -> AssociationBody:
    """An association as REST shows it."""
    return AssociationBody(
        node_id=view.node_id,
        address=view.address,
        is_reachable=view.is_reachable,
        sessions=view.sessions,
        since=datetime.fromtimestamp(view.since, UTC),
    )

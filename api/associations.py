"""The SMFs this UPF is associated with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from api.node import Node
from api.session_schemas import AssociationBody

if TYPE_CHECKING:
    from upf.views import AssociationView

router = APIRouter(prefix="/v1/associations", tags=["associations"])


@router.get("", summary="SMFs associated with this UPF")
async def list_associations(node: Node) -> list[AssociationBody]:
    return [association_body(each) for each in node.associations()]


def association_body(view: AssociationView) -> AssociationBody:
    """An association as REST shows it."""
    return AssociationBody(
        node_id=view.node_id,
        address=view.address,
        is_reachable=view.is_reachable,
        sessions=view.sessions,
    )

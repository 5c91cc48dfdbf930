"""The UPF itself: health, status, and the configuration as running."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Response

from api.node import Node
from api.schemas import SliceBody
from api.system_schemas import HealthBody, StatusBody

health_router = APIRouter(prefix="/health", tags=["health"])
router = APIRouter(prefix="/v1", tags=["configuration"])

_NOT_READY: dict[int | str, dict[str, Any]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: {
        "model": HealthBody,
        "description": "Not ready",
        "content": {
            "application/json": {
                "example": {"status": "not ready", "reason": "the switch does not answer"}
            }
        },
    }
}


@health_router.get("", summary="Whether the UPF serves", responses=_NOT_READY)
async def health(node: Node, response: Response) -> HealthBody:
    return _health(node, response)


@health_router.get("/ready", summary="Readiness: the same", responses=_NOT_READY)
async def ready(node: Node, response: Response) -> HealthBody:
    return _health(node, response)


@health_router.get("/live", summary="Liveness: whether the process answers")
async def live() -> HealthBody:
    return HealthBody(status="live")


@router.get("/status", summary="The UPF in a few lines", operation_id="get_status")
async def get_status(node: Node) -> StatusBody:
    state = node.health()
    target = node.config.target
    return StatusBody(
        version=version("tern-upf"),
        node_id=node.node_id,
        since=datetime.fromtimestamp(node.since, UTC),
        is_ready=state.is_ready,
        reason=state.reason,
        target=f"{target.kind} {target.address or target.mode}",
        sessions=node.num_sessions,
        slices=len(node.slices()),
        associations=sum(each.is_reachable for each in node.associations()),
    )


@router.get("/config", summary="The configuration as running", operation_id="get_config")
async def get_config(node: Node) -> dict[str, Any]:
    """The tree of upf.toml with every default, and the slices as they are now. Hashes of tokens are
    left out.
    """
    tree = node.config.model_dump(mode="json", exclude={"rest": {"token": {"__all__": {"sha256"}}}})
    tree["slice"] = [
        {"name": each.name, **SliceBody.of(each).model_dump()} for each in node.slices()
    ]
    return tree


def _health(node: Node, response: Response) -> HealthBody:
    state = node.health()
    if not state.is_ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return HealthBody(status="ready" if state.is_ready else "not ready", reason=state.reason)

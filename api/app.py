"""The HTTP face of a running UPF: one router a noun."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Response

from api import associations, dashboard, events, metrics, problems, sessions, slices
from api.node import Node
from api.system_schemas import HealthBody

if TYPE_CHECKING:
    from upf.node import UPF

_health = APIRouter(tags=["health"])


@_health.get(
    "/health",
    summary="Whether the UPF serves",
    responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": HealthBody}},
)
async def health(node: Node, response: Response) -> HealthBody:
    state = node.health()
    if not state.is_ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return HealthBody(status="ready" if state.is_ready else "not ready", reason=state.reason)


def create_app(upf: UPF) -> FastAPI:
    """Return the ASGI application that shows `upf`."""
    app = FastAPI(
        title="Tern UPF",
        version=version("tern-upf"),
        summary="Slices, sessions and metrics of a 5G User Plane Function",
        redirect_slashes=False,
    )
    app.state.upf = upf
    app.state.broadcast = events.Broadcast(upf)
    problems.install(app)
    for router in (
        _health,
        slices.router,
        slices.usage_router,
        sessions.router,
        associations.router,
        events.router,
        metrics.router,
        dashboard.router,
    ):
        app.include_router(router)
    return app

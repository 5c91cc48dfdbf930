"""The HTTP face of a running UPF: one router a noun, behind one guard."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from api import (
    associations,
    dashboard,
    data_plane,
    events,
    metrics,
    openapi,
    problems,
    sdcore,
    sessions,
    slices,
    system,
    trace,
)
from api.audit import Audit
from api.security import Guard
from api.turns import Turns

if TYPE_CHECKING:
    from upf.node import UPF


def create_app(upf: UPF, audit: Audit | None = None) -> FastAPI:
    """Return the ASGI application that shows `upf` and records changes with `audit`."""
    app = FastAPI(
        title="Tern UPF",
        version=version("tern-upf"),
        summary="Slices, sessions and metrics of a 5G User Plane Function",
        redirect_slashes=False,
        # Ours is in the dashboard's folder: FastAPI's fetches its scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.upf = upf
    app.state.broadcast = events.Broadcast(upf)
    document = partial(openapi.document, app, asks_for_token=bool(upf.config.rest.token))
    app.openapi = document  # type: ignore[method-assign] # FastAPI's own way to have another one
    app.add_middleware(Turns, upf=upf)
    app.add_middleware(Guard, rest=upf.config.rest, audit=audit or Audit())
    problems.install(app)
    for router in (
        system.health_router,
        system.router,
        slices.router,
        slices.usage_router,
        sessions.router,
        associations.router,
        data_plane.router,
        trace.router,
        events.router,
        sdcore.router,
        metrics.router,
        dashboard.router,
    ):
        app.include_router(router)
    return app

"""The OpenAPI document, with what holds for every call: tokens, limits, and how errors look."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from api.examples import ANSWERS
from api.problems import Problem, answer

if TYPE_CHECKING:
    from fastapi import FastAPI

DESCRIPTION = """
Slices and their capacity, sessions, associations and live figures of a 5G User Plane Function.

Rates are Mbit/s (10**6 bit/s) of users' IP packets, octets and packets count up, times are
RFC 3339 in UTC. Errors are problem details (RFC 9457) that say what is wrong and what to do. A
change is in the data plane and outlives a restart when it is answered.
"""
TAGS = [
    {"name": "slices", "description": "Who may send how much"},
    {"name": "sessions", "description": "PFCP sessions with their rules and counters"},
    {"name": "associations", "description": "SMFs"},
    {"name": "data plane", "description": "Switch, ports, routes, drops"},
    {"name": "events", "description": "Live figures"},
    {"name": "configuration", "description": "What was configured"},
    {"name": "SD-Core", "description": "The slice call of SD-Core's UPF, for what speaks it"},
    {"name": "health", "description": "For load balancers and Kubernetes; asks for no token"},
    {"name": "metrics", "description": "Prometheus"},
]

_ALWAYS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.MISDIRECTED_REQUEST)
_GUARDED = (HTTPStatus.UNAUTHORIZED,)
_CHANGING = (
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)
_UNGUARDED = "/health"


def document(app: FastAPI, *, asks_for_token: bool) -> dict[str, Any]:
    """The document; made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app, asks_for_token=asks_for_token)
    return app.openapi_schema


def _document(app: FastAPI, *, asks_for_token: bool) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        tags=TAGS,
        routes=app.routes,
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    # Every error is a Problem; these describe what there never is.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    # {} stands for none: without tokens configured, whoever is on this host may ask.
    security: list[dict[str, list[str]]] = (
        [{"token": []}] if asks_for_token else [{}, {"token": []}]
    )
    for path, calls in made["paths"].items():
        for verb, call in calls.items():
            if not path.startswith(_UNGUARDED):
                call["security"] = security
            _complete(path, verb, call)
    return made


def _complete(path: str, verb: str, call: dict[str, Any]) -> None:
    """Add to a call what it may be answered for reasons that all calls share."""
    responses = call["responses"]
    statuses = list(_ALWAYS)
    if not path.startswith(_UNGUARDED):
        statuses += _GUARDED
    if verb != "get":
        statuses += _CHANGING
    if "requestBody" in call:
        statuses += [HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY]
    responses.pop("422", None)
    if call.get("parameters"):
        statuses.append(HTTPStatus.UNPROCESSABLE_ENTITY)
    for status in statuses:
        responses.setdefault(str(int(status)), answer(status))
    example = ANSWERS.get(f"{verb} {path}")
    if example is not None:
        for status in (HTTPStatus.OK, HTTPStatus.CREATED):
            if str(int(status)) in responses:
                responses[str(int(status))]["content"]["application/json"]["example"] = example

"""Errors as RFC 9457 problem details: what is wrong, where, and what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from upf.errors import (
    DescriptionError,
    InUseError,
    PeerError,
    PeerSilentError,
    PortCapacityError,
    PreconditionError,
    ResourcesExhaustedError,
    RuleError,
    SliceError,
    StoreError,
    TargetError,
    UPFError,
)

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"

# What each status says in an example of the OpenAPI document.
EXAMPLES = {
    HTTPStatus.BAD_REQUEST: "There was an error parsing the body",
    HTTPStatus.UNAUTHORIZED: "send a token: Authorization: Bearer TOKEN (upf token NAME makes one)",
    HTTPStatus.FORBIDDEN: "'grafana' may read only: use a token with the role operate",
    HTTPStatus.NOT_FOUND: "there is no slice 'video': PUT /v1/slices/video makes one",
    HTTPStatus.REQUEST_TIMEOUT: "the body did not come within 10 s",
    HTTPStatus.CONFLICT: "3 sessions are in slice video: end them, or force its removal, "
    "which leaves them without its capacity",
    HTTPStatus.PRECONDITION_FAILED: 'slice video has the ETag "8" now, If-Match says "7": '
    "get it anew, then change it",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "a body may have 65536 octets",
    HTTPStatus.MISDIRECTED_REQUEST: "no token is asked for here, so only this host's own names "
    "are answered, not 'example.org': use 127.0.0.1 or localhost, or set [[rest.token]]",
    HTTPStatus.UNPROCESSABLE_ENTITY: "body.uplink_mbps: Input should be greater than or equal to "
    "0.001",
    HTTPStatus.TOO_MANY_REQUESTS: "grafana asks faster than [rest] requests_per_s allows: "
    "wait 0.4 s",
    HTTPStatus.BAD_GATEWAY: "the SMF at 10.100.4.1 refused: cause 64",
    HTTPStatus.SERVICE_UNAVAILABLE: "the switch does not answer",
    HTTPStatus.GATEWAY_TIMEOUT: "the SMF at 10.100.4.1 does not answer on UDP port 8805",
    HTTPStatus.INSUFFICIENT_STORAGE: "all 255 slices are in use: delete one first",
}


class Problem(BaseModel):
    """An error as the client sees it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[dict[str, str]] | None = None


def answers(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Describe error answers for OpenAPI."""
    return {int(status): answer(status) for status in statuses}


def answer(status: HTTPStatus) -> dict[str, Any]:
    """Describe an error answer for OpenAPI, with an example."""
    example = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": EXAMPLES[status],
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {MEDIA_TYPE: {"schema": schema, "example": example}}
    return {"description": status.phrase, "content": content}


def problem_octets(
    status: int, detail: str, instance: str, errors: list[dict[str, str]] | None = None
) -> bytes:
    """A problem document."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_printable(detail),
        instance=_printable(instance),
        errors=errors,
    )
    return problem.model_dump_json(exclude_none=True).encode()


def _printable(text: str) -> str:
    """Text that any client can decode: lone surrogates stand in paths that are not UTF-8."""
    return text.encode(errors="replace").decode()


def _respond(
    request: Request,
    status: int,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    octets = problem_octets(status, detail, request.url.path, errors)
    return Response(octets, status_code=status, media_type=MEDIA_TYPE, headers=headers)


# The first kind that an error is of decides.
_STATUSES: tuple[tuple[type[UPFError], HTTPStatus], ...] = (
    (ResourcesExhaustedError, HTTPStatus.INSUFFICIENT_STORAGE),
    (SliceError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DescriptionError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (PreconditionError, HTTPStatus.PRECONDITION_FAILED),
    (RuleError, HTTPStatus.CONFLICT),
    (InUseError, HTTPStatus.CONFLICT),
    (PortCapacityError, HTTPStatus.CONFLICT),
    (PeerSilentError, HTTPStatus.GATEWAY_TIMEOUT),
    (PeerError, HTTPStatus.BAD_GATEWAY),
    (TargetError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UPFError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


def status_of(error: UPFError) -> HTTPStatus:
    """The status an error of the UPF becomes."""
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers) if error.headers else None
        return _respond(request, error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [
            {"where": ".".join(str(part) for part in item["loc"]), "what": str(item["msg"])}
            for item in error.errors()
        ]
        detail = "; ".join(f"{item['where']}: {item['what']}" for item in errors)
        return _respond(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)

    @app.exception_handler(UPFError)
    async def _refused(request: Request, error: UPFError) -> Response:
        return _respond(request, status_of(error), str(error))

    @app.exception_handler(Exception)
    async def _fault(request: Request, _error: Exception) -> Response:
        # A fault of ours is told without its details, which the server writes to the log.
        return _respond(request, HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of ours: see the log")

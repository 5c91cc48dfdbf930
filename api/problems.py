"""Errors as RFC 9457 problem details: what is wrong, where, and what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from upf.errors import (
    InUseError,
    PreconditionError,
    ResourcesExhaustedError,
    RuleError,
    StoreError,
    TargetError,
    UPFError,
)

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """An error as the client sees it."""

    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


def answers(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Describe error answers for OpenAPI."""
    return {
        int(status): {"description": status.phrase, "content": {MEDIA_TYPE: {}}, "model": Problem}
        for status in statuses
    }


def _respond(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> JSONResponse:
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(
        problem.model_dump(exclude_none=True), status_code=status, media_type=MEDIA_TYPE
    )


def _status_of(error: UPFError) -> HTTPStatus:
    match error:
        case ResourcesExhaustedError():
            return HTTPStatus.INSUFFICIENT_STORAGE
        case PreconditionError():
            return HTTPStatus.PRECONDITION_FAILED
        case RuleError() | InUseError():
            return HTTPStatus.CONFLICT
        case TargetError() | StoreError():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        return _respond(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"where": ".".join(str(part) for part in item["loc"]), "what": str(item["msg"])}
            for item in error.errors()
        ]
        detail = "; ".join(f"{item['where']}: {item['what']}" for item in errors)
        return _respond(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)

    @app.exception_handler(UPFError)
    async def _refused(_request: Request, error: UPFError) -> JSONResponse:
        return _respond(_status_of(error), str(error))

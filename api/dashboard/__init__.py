"""The dashboard at `/` and the reference of REST at `/docs`: files served as they stand; no build
step, nothing fetched elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Response

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    # Scripts, styles and figures come from this server alone, and nothing frames the page.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # A browser asks again each time and is told 304: a new version of Tern shows at once.
    "Cache-Control": "no-cache",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


@cache
def _assets() -> dict[str, _Asset]:
    """Every file of the dashboard by name. Read once; what is not in here cannot be asked for."""
    assets = {}
    for file in resources.files(__name__).iterdir():
        media_type = _MEDIA_TYPES.get("." + file.name.rpartition(".")[2])
        if media_type is not None:
            content = file.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            assets[file.name] = _Asset(content, media_type, etag)
    return assets


@router.get("/")
async def index(if_none_match: Annotated[str | None, Header()] = None) -> Response:
    return _respond("index.html", if_none_match)


@router.get("/docs")
async def reference(if_none_match: Annotated[str | None, Header()] = None) -> Response:
    return _respond("reference.html", if_none_match)


@router.get("/dashboard/{name}")
async def asset(name: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    return _respond(name, if_none_match)


def _respond(name: str, if_none_match: str | None) -> Response:
    found = _assets().get(name)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"the dashboard has no file {name!r}")
    headers = {**_HEADERS, "ETag": found.etag}
    if if_none_match is not None and found.etag in if_none_match:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)

"""How the dashboard's files reach a browser."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api import dashboard, problems

ROOM = Path(dashboard.__file__).parent
FILES = sorted(each.name for each in ROOM.iterdir() if each.suffix in {".css", ".js", ".svg"})


@pytest.fixture
async def http():
    app = FastAPI(docs_url=None)
    problems.install(app)
    app.include_router(dashboard.router)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://upf") as client:
        yield client


async def test_the_page_is_at_the_root_and_lets_no_foreign_or_inline_code_run(http):
    answer = await http.get("/")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_the_reference_of_rest_comes_from_here_alone(http):
    answer = await http.get("/docs")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "/dashboard/reference.js" in answer.text


@pytest.mark.parametrize("name", FILES)
async def test_every_file_is_served_under_a_type_a_browser_takes(http, name):
    answer = await http.get(f"/dashboard/{name}")
    wanted = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert answer.headers["Content-Type"].startswith(wanted[name.rpartition(".")[2]])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content == (ROOM / name).read_bytes()


async def test_what_a_browser_holds_already_is_not_sent_again(http):
    etag = (await http.get("/dashboard/app.js")).headers["ETag"]
    answer = await http.get("/dashboard/app.js", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["nothing.js", "__init__.py", "..%2fapp.py", "%2e%2e/%2e%2e/pyproject.toml", "a/b"]
)
async def test_nothing_else_can_be_fetched_through_it(http, path):
    answer = await http.get(f"/dashboard/{path}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("page", ["index.html", "reference.html"])
def test_a_page_names_every_script_and_style_it_needs_and_only_its_own(page):
    named = set(re.findall(r'(?:href|src)="(/[^"]*)"', (ROOM / page).read_text()))
    named -= {"/", "/docs", "/openapi.json"}
    assert all(each.removeprefix("/dashboard/") in FILES for each in named)
    for name in FILES:
        text = (ROOM / name).read_text()
        imported = re.findall(r'from "\./([^"]+)"', text)
        assert set(imported) <= set(FILES), name
        # The namespace of SVG is a name, not a place to fetch from.
        elsewhere = re.findall(r"""(?:https?:|(?<=["'(]))//[^"' )]*""", text)
        assert set(elsewhere) <= {"http://www.w3.org/2000/svg"}, name

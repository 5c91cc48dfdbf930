"""Who may ask what, how much and how large; and that changes are on record."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import closing
from urllib.parse import unquote

import httpx
import pytest

from api import security
from api.app import create_app
from api.audit import Audit
from upf.config import RESTConfig
from upf.errors import StartError

READ, OPERATE = "read-me", "let-me-in"
BODY = {"sst": 1, "uplink_mbps": 20}


def token(name, role, secret):
    return {"name": name, "role": role, "sha256": hashlib.sha256(secret.encode()).hexdigest()}


TOKENS = [token("grafana", "read", READ), token("ops", "operate", OPERATE)]


@pytest.fixture
def client_of(upf, tmp_path):
    """Make a client of the UPF with these REST settings."""

    def make(*, base_url="http://localhost", audit=None, **rest):
        upf.config = upf.config.model_copy(update={"rest": RESTConfig.model_validate(rest)})
        transport = httpx.ASGITransport(app=create_app(upf, audit), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=base_url)

    return make


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("headers", "get", "put"),
    [
        ({}, 401, 401),
        (bearer("wrong"), 401, 401),
        (bearer(""), 401, 401),
        ({"Authorization": f"Basic {OPERATE}"}, 401, 401),
        (bearer(TOKENS[1]["sha256"]), 401, 401),
        (bearer("\u00e4"), 401, 401),
        (bearer(READ), 200, 403),
        (bearer(OPERATE), 200, 201),
        ({"Authorization": f"bearer  {OPERATE}"}, 200, 201),
    ],
    ids=str,
)
async def test_a_token_opens_what_its_role_may(client_of, upf, headers, get, put) -> None:
    headers = {k: v.encode() for k, v in headers.items()}
    async with client_of(token=TOKENS) as http:
        assert (await http.get("/v1/slices", headers=headers)).status_code == get
        answer = await http.put("/v1/slices/video", json=BODY, headers=headers)
        assert answer.status_code == put
        assert ("video" in upf.registry.slices) == (put == 201)
        if put == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["Content-Type"] == "application/problem+json"


async def test_every_call_but_page_and_health_asks_for_a_token(client_of) -> None:
    async with client_of(token=TOKENS) as http:
        document = (await http.get("/openapi.json")).json()
        for path, calls in document["paths"].items():
            for method in calls:
                answer = await http.request(method, path.replace("{", "").replace("}", ""))
                is_open = path.startswith("/health")
                assert (answer.status_code == 401) != is_open, f"{method} {path}"
        assert (await http.get("/metrics")).status_code == 401
        assert (await http.get("/")).status_code == 200


async def test_a_reader_may_trace_a_packet(client_of) -> None:
    async with client_of(token=TOKENS) as http:
        packet = {"direction": "downlink", "ue": "10.45.0.2"}
        answer = await http.post("/v1/trace", json=packet, headers=bearer(READ))
        assert answer.status_code == 200
        assert (await http.post("/v1/trace", json=packet)).status_code == 401


async def test_a_reader_may_ask_what_if(client_of) -> None:
    async with client_of(token=TOKENS) as http:
        answer = await http.post("/v1/slices/x/what-if", json=BODY, headers=bearer(READ))
        assert answer.status_code == 200


async def test_guessing_is_slowed_down_and_others_are_not(client_of) -> None:
    async with client_of(token=TOKENS) as http:
        wrong = [
            (await http.get("/v1/slices", headers=bearer(f"guess-{n}"))).status_code
            for n in range(30)
        ]
        assert wrong[:20] == [401] * 20
        assert wrong[-1] == 429
        assert (await http.get("/v1/slices", headers=bearer(OPERATE))).status_code == 200


async def test_one_who_asks_too_fast_is_told_to_wait_and_others_are_not(client_of) -> None:
    async with client_of(token=TOKENS, requests_per_s=0.1, request_burst=3) as http:
        answers = [await http.get("/v1/slices", headers=bearer(READ)) for _ in range(5)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
        assert int(answers[-1].headers["Retry-After"]) >= 9
        assert (await http.get("/v1/slices", headers=bearer(OPERATE))).status_code == 200


def test_a_bucket_fills_again_and_old_ones_are_forgotten() -> None:
    now = [0.0]
    buckets = security.Buckets(2.0, 4, lambda: now[0])
    assert [buckets.wait_s("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    now[0] = 0.5
    assert buckets.wait_s("a") == 0
    now[0] = 100.0
    assert [buckets.wait_s("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    for n in range(10_000):
        buckets.wait_s(str(n))
    assert len(buckets._filled) == 4096


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
    ],
)
async def test_without_tokens_no_foreign_name_reaches_us(client_of, host, status) -> None:
    async with client_of() as http:
        assert (await http.get("/v1/slices", headers={"Host": host})).status_code == status


async def test_with_tokens_any_name_may_be_ours(client_of) -> None:
    async with client_of(token=TOKENS) as http:
        headers = {"Host": "upf.example", **bearer(READ)}
        assert (await http.get("/v1/slices", headers=headers)).status_code == 200


async def chunks(octets, number):
    for _ in range(number):
        yield octets


async def test_an_oversized_body_is_refused_declared_or_not(client_of, upf) -> None:
    async with client_of() as http:
        declared = await http.put("/v1/slices/video", content=b" " * 65_537)
        assert declared.status_code == 413
        answer = await http.put("/v1/slices/video", content=chunks(b" " * 4096, 17))
        assert (answer.status_code, answer.headers["Connection"]) == (413, "close")
        padded = json.dumps(BODY).encode().ljust(65_536)
        headers = {"Content-Type": "application/json"}
        answer = await http.put("/v1/slices/video", content=padded, headers=headers)
        assert answer.status_code == 201


async def test_a_body_that_does_not_come_is_given_up(client_of, monkeypatch) -> None:
    monkeypatch.setattr(security, "BODY_TIMEOUT_S", 0.05)

    async def slow():
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    async with client_of() as http:
        assert (await http.put("/v1/slices/video", content=slow())).status_code == 408


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 65_000,
        b'{"sst": 1' + b"0" * 5000 + b"}",
        b'{"sst": 1, "uplink_mbps": NaN}',
        b'{"sst": 1, "uplink_mbps": 1e999}',
        b'{"sst": 1, "dnns": ["\\ud800"]}',
        b'{"sst": 1, "sd": "\xff"}',
        b"null",
    ],
    ids=lambda content: content[:30],
)
async def test_a_hostile_body_is_a_problem_of_the_client(client_of, upf, content) -> None:
    async with client_of() as http:
        headers = {"Content-Type": "application/json"}
        answer = await http.put("/v1/slices/video", content=content, headers=headers)
        assert answer.status_code in (400, 422)
        assert answer.json()["status"] == answer.status_code
        assert not upf.registry.slices


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/../v1/slices",
        "/dashboard/%2e%2e/v1/slices",
        "/health/../v1/slices",
        "//v1/slices",
        "/v1/slices/",
        "/v1/slices/%2e%2e",
        "/v1/slices/a%2fb",
        "/v1/slices/%00",
        "/v1/slices/%ff",
        "/./v1/slices",
        "/V1/slices",
    ],
)
async def test_a_path_trick_opens_nothing(client_of, path) -> None:
    http = client_of(token=TOKENS)
    app = http._transport.app
    async with http:
        assert await status_of(app, path) in (401, 404)
        assert await status_of(app, path, bearer(READ)) in (404, 422)


async def status_of(app, path, headers=None):
    """The status of a GET whose path nothing has tidied up."""
    started = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        started.append(message)

    headers = {"Host": "localhost", **(headers or {})}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8080),
    }
    await app(scope, receive, send)
    return started[0]["status"]


async def test_a_fault_of_ours_tells_nothing_of_itself(client_of, upf, monkeypatch) -> None:
    def broken():
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(upf, "slices", broken)
    async with client_of() as http:
        answer = await http.get("/v1/slices")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


async def test_changes_are_recorded_with_who_and_what_and_reading_is_not(
    client_of, tmp_path
) -> None:
    with closing(Audit(tmp_path / "audit.log")) as audit:
        async with client_of(token=TOKENS, audit=audit) as http:
            await http.put("/v1/slices/video", json=BODY, headers=bearer(OPERATE))
            await http.get("/v1/slices", headers=bearer(READ))
            await http.delete("/v1/slices/video", headers=bearer(READ))
            await http.patch("/v1/slices/video%0A", json={}, headers=bearer("wrong"))
    text = (tmp_path / "audit.log").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert [(each["client"], each["method"], each["status"]) for each in entries] == [
        ("ops", "PUT", 201),
        ("grafana", "DELETE", 403),
        ("127.0.0.1", "PATCH", 401),
    ]
    assert json.loads(entries[0]["body"]) == BODY
    assert entries[0]["path"] == "/v1/slices/video"
    assert OPERATE not in text


def test_a_record_that_cannot_be_written_is_told_at_the_start(tmp_path) -> None:
    with pytest.raises(StartError, match="audit_log"):
        Audit(tmp_path / "none" / "audit.log")

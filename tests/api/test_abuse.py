"""Clients that behave badly over real sockets: others are served, and nothing piles up."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from contextlib import ExitStack, suppress

import httpx
import pytest

from api import protocol, security
from api import run as root
from api.app import create_app
from api.audit import Audit
from upf.config import RESTConfig
from upf.errors import StartError

PATIENCE_S = 20.0
STREAM = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


class _AnyPort:
    """Settings, but for whatever port is free."""

    port = 0

    def __init__(self, rest):
        self.host, self.listen = rest.host, rest.listen


@pytest.fixture
async def served(upf, monkeypatch):
    """Serve the UPF as `upf run` does, with these REST settings; gives the port."""
    monkeypatch.setattr(root, "_UNREAD_TIMEOUT_MS", 1000)

    def remembered(*arguments):
        upf.app = create_app(*arguments)
        return upf.app

    monkeypatch.setattr(root, "create_app", remembered)
    upf.wait_failed = asyncio.Event().wait
    stopping, tasks = asyncio.Event(), []
    with ExitStack() as stack:

        async def start(**rest):
            config = RESTConfig.model_validate(rest)
            upf.config = upf.config.model_copy(update={"rest": config})
            listener = stack.enter_context(root._listener(_AnyPort(config)))
            tasks.append(asyncio.create_task(root._serve(upf, Audit(), listener, stopping)))
            return listener.getsockname()[1]

        yield start
        stopping.set()
        await asyncio.gather(*tasks)


@pytest.fixture
async def address(served):
    """Where a UPF is served that asks for no token."""
    return ("127.0.0.1", await served())


@pytest.fixture
async def others(address):
    """A client that behaves."""
    async with httpx.AsyncClient(base_url="http://{}:{}".format(*address)) as http:
        yield http


async def test_streams_nobody_reads_are_cut_off_and_others_are_served(address, others, upf) -> None:
    for n in range(60):
        body = {"sst": 1, "dnns": [f"{n}{'x' * 80}"]}
        assert (await others.put(f"/v1/slices/s{n}", json=body)).status_code == 201
    with ExitStack() as stack:
        for _ in range(5):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.connect(address)
            deaf.sendall(STREAM)
        num_served = 0
        async with asyncio.timeout(PATIENCE_S):
            while upf.app.state.broadcast.num_clients < 5:
                await others.get("/health")
            while upf.app.state.broadcast.num_clients:
                await upf.sampler.sample()
                answer = await others.get("/v1/slices/s1")
                assert answer.status_code == 200
                assert answer.elapsed.total_seconds() < 2
                num_served += 1
    assert num_served > 10


async def test_a_stream_that_is_read_goes_on_and_ends_with_the_client(address, others, upf) -> None:
    async with others.stream("GET", "/v1/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: figures"
        await upf.sampler.sample()
        while not (line := await anext(lines)).startswith("id: 0"):
            pass
        assert line
    async with asyncio.timeout(PATIENCE_S):
        while upf.app.state.broadcast.num_clients:
            await upf.sampler.sample()
            await asyncio.sleep(0.01)


async def test_half_a_request_keeps_nobody_waiting(address, others, upf, monkeypatch) -> None:
    monkeypatch.setattr(security, "BODY_TIMEOUT_S", 0.2)
    halves = [
        b"GET /v1/slices HT",
        b"PUT /v1/slices/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{",
        b"PUT /v1/slices/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ]
    with ExitStack() as stack:
        waiting = [stack.enter_context(socket.create_connection(address)) for _ in halves * 20]
        for each, half in zip(waiting, halves * 20, strict=True):
            each.sendall(half)
        answer = await others.put("/v1/slices/video", json={"sst": 1})
        assert answer.status_code == 201
        waiting[1].setblocking(False)  # noqa: FBT003 - the socket's own interface
        async with asyncio.timeout(PATIENCE_S):
            told = await asyncio.get_running_loop().sock_recv(waiting[1], 100)
        assert told.startswith(b"HTTP/1.1 408")
    assert upf.registry.slices.keys() == {"video"}


@pytest.mark.parametrize("octets", [b"", b"GET /v1/slices HT", STREAM + b"GET / HTTP/1.1\r\nX: "])
async def test_who_never_ends_a_head_is_cut_off(address, others, octets, monkeypatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.3)
    with ExitStack() as stack:
        slow = stack.enter_context(socket.create_connection(address))
        slow.setblocking(False)  # noqa: FBT003 - the socket's own interface
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(slow, octets)
        async with asyncio.timeout(PATIENCE_S):
            while await loop.sock_recv(slow, 65536):
                pass
    assert (await others.get("/v1/slices")).status_code == 200


async def test_a_head_without_end_takes_no_memory(address, others) -> None:
    with ExitStack() as stack:
        endless = stack.enter_context(socket.create_connection(address))
        endless.setblocking(False)  # noqa: FBT003 - the socket's own interface
        loop = asyncio.get_running_loop()
        sent = 0
        async with asyncio.timeout(PATIENCE_S):
            await loop.sock_sendall(endless, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            with suppress(ConnectionError):
                while sent < 64_000_000:
                    await loop.sock_sendall(endless, b"x" * 65_536)
                    sent += 65_536
    # The rest went no further than the buffers of the kernel.
    assert sent < 32_000_000
    assert (await others.get("/v1/slices")).status_code == 200


async def test_many_requests_in_one_breath_are_all_answered(address) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as stack:
        hasty = stack.enter_context(socket.create_connection(address))
        hasty.setblocking(False)  # noqa: FBT003 - the socket's own interface
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(hasty, request * 100)
        answers = b""
        async with asyncio.timeout(PATIENCE_S):
            while answers.count(b"HTTP/1.1 200") < 100:
                answers += await loop.sock_recv(hasty, 65536)


ODD = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "no HTTP": b"GET / FTP/1.1\r\n\r\n",
    "no host": b"GET /v1/slices HTTP/1.1\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "length below zero": b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "proxy": b"GET http://evil.example/v1/slices HTTP/1.1\r\nHost: evil.example\r\n\r\n",
}


@pytest.mark.parametrize("octets", ODD.values(), ids=ODD.keys())
async def test_what_is_no_request_of_ours_is_refused(address, others, octets) -> None:
    with ExitStack() as stack:
        odd = stack.enter_context(socket.create_connection(address))
        odd.setblocking(False)  # noqa: FBT003 - the socket's own interface
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                await loop.sock_sendall(odd, octets)
                assert (await loop.sock_recv(odd, 100))[9:10] in (b"4", b"")
    assert (await others.get("/v1/slices")).status_code == 200


async def test_concurrent_puts_leave_one_of_them_whole(others, upf) -> None:
    bodies = [
        {"sst": n % 200, "uplink_mbps": n + 1, "downlink_mbps": n + 1, "max_sessions": n}
        for n in range(60)
    ]
    answers = await asyncio.gather(*(others.put("/v1/slices/video", json=body) for body in bodies))
    assert sorted(each.status_code for each in answers) == [200] * 59 + [201]
    shown = (await others.get("/v1/slices/video")).json()
    assert {key: shown[key] for key in bodies[0]} in bodies
    assert upf.meters.capacities[1] == upf.registry.slices["video"].rates()


async def test_of_conflicting_puts_one_wins_and_the_others_are_told(others, upf) -> None:
    made = await others.put("/v1/slices/video", json={"sst": 1})
    conditions = {"If-Match": made.headers["ETag"]}
    answers = await asyncio.gather(
        *(
            others.put(
                "/v1/slices/video", json={"sst": 1, "uplink_mbps": n + 1}, headers=conditions
            )
            for n in range(30)
        )
    )
    (winner,) = (each for each in answers if each.status_code == 200)
    losers = [each for each in answers if each is not winner]
    assert {each.status_code for each in losers} == {412}
    assert all("get it anew, then change it" in each.json()["detail"] for each in losers)
    shown = await others.get("/v1/slices/video")
    assert shown.json()["uplink_mbps"] == winner.json()["uplink_mbps"]
    assert shown.headers["ETag"] == winner.headers["ETag"]
    creations = await asyncio.gather(
        *(
            others.put(
                "/v1/slices/iot", json={"sst": 2, "dnns": [f"d{n}"]}, headers={"If-None-Match": "*"}
            )
            for n in range(30)
        )
    )
    assert sorted(each.status_code for each in creations) == [201] + [412] * 29


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of our own and its key."""
    directory = tmp_path_factory.mktemp("tls")
    paths = directory / "cert.pem", directory / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=upf", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-out", paths[0], "-keyout", paths[1]]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    return paths


async def test_tls_is_served_and_plain_http_is_not(served, certificate) -> None:
    port = await served(tls_certificate=certificate[0], tls_key=certificate[1])
    context = ssl.create_default_context(cafile=certificate[0])
    async with httpx.AsyncClient(verify=context) as http:
        answer = await http.get(f"https://127.0.0.1:{port}/health")
        assert answer.json()["status"] == "ready"
        with pytest.raises(httpx.HTTPError):
            await http.get(f"http://127.0.0.1:{port}/health")
    rest = RESTConfig(tls_certificate=certificate[0], tls_key=certificate[1])
    assert root._tls(rest).minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_are_no_certificate_are_told(tmp_path, certificate) -> None:
    for cert, key in ((tmp_path / "none", certificate[1]), (certificate[1], certificate[1])):
        rest = RESTConfig(tls_certificate=cert, tls_key=key)
        with pytest.raises(StartError, match="PEM files that belong together"):
            root._tls(rest)

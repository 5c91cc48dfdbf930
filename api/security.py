"""Who may ask what, how much and how large: in front of every route.

Tokens are random and long, so their SHA-256 is enough to keep; it is compared in constant time.
Requests without a body end here if they may not go on; with one, the body is read here, whole,
within a bound of size and time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING

from api.problems import MEDIA_TYPE, problem_octets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.audit import Audit
    from upf.config import RESTConfig, TokenConfig

MAX_BODY_OCTETS = 65_536
BODY_TIMEOUT_S = 10.0
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# What changes nothing though it is a POST.
_ASKING = ("/what-if", "/v1/trace")
_OPEN = frozenset({"/", "/health", "/docs", "/openapi.json"})
_MAX_CLIENTS = 4096
# Guesses at a token: one address may have this many wrong ones, and one more a second.
_GUESSES = 20
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain"})


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the token's name, or the address where none is asked for."""

    name: str
    may_change: bool


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """The answer to a request that goes no further."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}


class Buckets:
    """A token bucket a client, for as many clients as were seen last."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float]) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str, cost: float = 1.0) -> float:
        """Take from a client's bucket; how long until there is enough, 0 if it was taken."""
        now = self._clock()
        level, since = self._filled.pop(client, (float(self._burst), now))
        level = min(self._burst, level + (now - since) * self._per_s)
        lacking = cost - level
        self._filled[client] = (level if lacking > 0 else level - cost, now)
        if len(self._filled) > _MAX_CLIENTS:
            self._filled.popitem(last=False)
        return max(0.0, lacking) / self._per_s


class Guard:
    """ASGI application that lets through to `app` what may pass."""

    def __init__(
        self,
        app: ASGIApp,
        rest: RESTConfig,
        audit: Audit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._tokens = rest.token
        self._names = _LOCAL_NAMES | {rest.host} if rest.is_loopback else None
        self._requests = Buckets(rest.requests_per_s, rest.request_burst, clock)
        self._guesses = Buckets(1.0, _GUESSES, clock)
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_change = _is_change(scope)
        client, body, status = _address(scope), b"", 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            who = self._known(scope)
            client = who.name
            self._admit(scope, who)
            body = await _body(scope, receive)
            await self._app(scope, _replay(body, receive), answer)
        except Refusal as refusal:
            await _refuse(scope, answer, refusal)
        finally:
            if is_change:
                self._audit.note(client, scope["method"], scope["path"], status, body)

    def _known(self, scope: Scope) -> Client:
        """Who asks; Refusal of one who must say it and does not."""
        address = _address(scope)
        if _is_open(scope["path"]):
            return Client(address, may_change=False)
        if not self._tokens:
            self._check_host(scope)
            return Client(address, may_change=True)
        return self._client(scope, address)

    def _admit(self, scope: Scope, client: Client) -> None:
        """Refusal of what a client may not do, or not now."""
        wait_s = self._requests.wait_s(client.name)
        if wait_s:
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{client.name} asks faster than [rest] requests_per_s allows: wait {wait_s:.1f} s",
                {"Retry-After": str(int(wait_s) + 1)},
            )
        if _is_change(scope) and not client.may_change:
            raise Refusal(
                HTTPStatus.FORBIDDEN,
                f"{client.name!r} may read only: use a token with the role operate",
            )

    def _client(self, scope: Scope, address: str) -> Client:
        scheme, _, secret = (_header(scope, b"authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Refusal(
                HTTPStatus.UNAUTHORIZED,
                "send a token: Authorization: Bearer TOKEN (upf token NAME makes one)",
                {"WWW-Authenticate": 'Bearer realm="Tern"'},
            )
        token = _token_of(secret.strip(), self._tokens)
        if token is not None:
            return Client(token.name, may_change=token.role == "operate")
        wait_s = self._guesses.wait_s(address)
        if wait_s:
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{address} tried too many wrong tokens: wait {wait_s:.0f} s",
                {"Retry-After": str(int(wait_s) + 1)},
            )
        raise Refusal(
            HTTPStatus.UNAUTHORIZED,
            "the token is none of [[rest.token]]",
            {"WWW-Authenticate": 'Bearer realm="Tern", error="invalid_token"'},
        )

    def _check_host(self, scope: Scope) -> None:
        """A page elsewhere must not reach us by a name that it lets point at this host."""
        if self._names is None:
            return
        host = _host_name(_header(scope, b"host") or "")
        if host not in self._names and not _is_address(host):
            raise Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"no token is asked for here, so only this host's own names are answered, not "
                f"{host!r}: use 127.0.0.1 or localhost, or set [[rest.token]]",
            )


def _token_of(secret: str, tokens: Iterable[TokenConfig]) -> TokenConfig | None:
    """The token whose hash this is. All are compared, whichever matches."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    found = None
    for each in tokens:
        if hmac.compare_digest(each.sha256, digest):
            found = each
    return found


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, within bounds."""
    declared = _header(scope, b"content-length") or "0"
    if declared.isdecimal() and int(declared) > MAX_BODY_OCTETS:
        raise _too_large()
    octets = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                octets += message.get("body", b"")
                if len(octets) > MAX_BODY_OCTETS:
                    raise _too_large()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return bytes(octets)
    except TimeoutError:
        raise Refusal(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body did not come within {BODY_TIMEOUT_S:g} s",
            {"Connection": "close"},
        ) from None


def _too_large() -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"a body may have {MAX_BODY_OCTETS} octets",
        {"Connection": "close"},
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body once more, then what else comes (that the client went away)."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    octets = problem_octets(refusal.status, str(refusal), scope["path"])
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(octets)), **refusal.headers}
    await send(
        {
            "type": "http.response.start",
            "status": int(refusal.status),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
    )
    body = b"" if scope["method"] == "HEAD" else octets
    await send({"type": "http.response.body", "body": body})


def _is_change(scope: Scope) -> bool:
    return scope["method"] not in _READING and not scope["path"].endswith(_ASKING)


def _is_open(path: str) -> bool:
    """What is shown without a token: the page itself, what it is about, and whether we live."""
    return path in _OPEN or path.startswith(("/dashboard/", "/health/"))


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else "unknown"


def _host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

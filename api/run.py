"""The composition root: configuration, UPF, HTTP; then wait for a signal or a failure."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import ssl
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from api.app import create_app
from api.audit import Audit
from api.protocol import Protocol
from upf.errors import StartError
from upf.node import UPF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upf.config import Config, RESTConfig

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S = 2
_UNREAD_TIMEOUT_MS = 20_000
# Passes of the collector: over the young after so many new objects, over those that survived it
# after so many of these, over all others never.
_YOUNG_OBJECTS, _YOUNG_PASSES, _NEVER = 50_000, 5, 1 << 30
# More at once are told to come back later (503).
_MAX_CONNECTIONS = 1000
# gRPC and the store tell of what is done from threads of their own, which wait so long for a busy
# event loop to let them. Python's 5 ms would be the better part of an answer to an SMF.
_SWITCH_INTERVAL_S = 0.0005

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """uvicorn, with signals left to us: the UPF must be taken down before the process ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(config: Config) -> None:
    """Run the UPF until SIGTERM, SIGINT or SIGHUP. UPFError if it cannot start, or cannot go on."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    stop = asyncio.Event()
    for number in _SIGNALS:
        # Under nohup, the terminal's end is to be survived.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _tls(config.rest)  # that it cannot be used is told before anything is started
    with _listener(config.rest) as listener:
        audit = Audit(config.rest.audit_log)
        try:
            upf = await UPF.start(config)
            try:
                await _serve(upf, audit, listener, stop)
            finally:
                await upf.stop()
        finally:
            audit.close()


async def _serve(upf: UPF, audit: Audit, listener: socket.socket, stop: asyncio.Event) -> None:
    config = uvicorn.Config(
        create_app(upf, audit),
        http=Protocol,
        log_config=None,
        access_log=False,
        log_level="warning",
        limit_concurrency=_MAX_CONNECTIONS,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    config.load()
    config.ssl = _tls(upf.config.rest)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    failing = asyncio.create_task(upf.wait_failed())
    # What stands now stands for good, and what sessions are made of goes without the collector: it
    # need not look at it again, which takes a tenth of a second or more each time, with N4 waiting.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_PASSES, _NEVER)
    log.info(
        "ready: N4 on %s:%d, REST on %s",
        upf.config.n4.address,
        upf.config.n4.port,
        upf.config.rest.url,
    )
    await asyncio.wait({serving, stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    for task in (stopping, failing):
        task.cancel()
    if failing.done() and not failing.cancelled():
        raise failing.result()


def _listener(rest: RESTConfig) -> socket.socket:
    """Take the REST address before anything else is started."""
    family = socket.AF_INET6 if ":" in rest.host else socket.AF_INET
    try:
        listener = socket.create_server((rest.host, rest.port), family=family)
    except OSError as error:
        raise StartError(
            f"cannot listen on {rest.listen} for REST ({error.strerror}): "
            "set another [rest] listen, or end what uses it"
        ) from error
    # Connections inherit it: one whose far end does not read is reset by the kernel.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_TIMEOUT_MS)
    return listener


def _tls(rest: RESTConfig) -> ssl.SSLContext | None:
    """What connections are encrypted with; None for plain ones."""
    if rest.tls_certificate is None or rest.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(rest.tls_certificate, rest.tls_key)
    except OSError as error:
        raise StartError(
            f"{rest.tls_certificate} and {rest.tls_key} cannot be used for TLS "
            f"({error.strerror or error}): set [rest] tls_certificate and tls_key to PEM files "
            "that belong together"
        ) from error
    return context

"""The composition root: configuration, UPF, HTTP; then wait for a signal or a failure."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

import uvicorn

from api.app import create_app
from upf.errors import StartError
from upf.node import UPF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upf.config import Config, RESTConfig

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S = 2

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """uvicorn, with signals left to us: the UPF must be taken down before the process ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(config: Config) -> None:
    """Run the UPF until SIGTERM, SIGINT or SIGHUP. UPFError if it cannot start, or cannot go on."""
    stop = asyncio.Event()
    for number in _SIGNALS:
        # Under nohup, the terminal's end is to be survived.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _listener(config.rest) as listener:
        upf = await UPF.start(config)
        try:
            await _serve(upf, listener, stop)
        finally:
            await upf.stop()


async def _serve(upf: UPF, listener: socket.socket, stop: asyncio.Event) -> None:
    server = _Server(
        uvicorn.Config(
            create_app(upf),
            log_config=None,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    failing = asyncio.create_task(upf.wait_failed())
    log.info(
        "ready: N4 on %s:%d, REST on http://%s",
        upf.config.n4.address,
        upf.config.n4.port,
        upf.config.rest.listen,
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
    if not _is_loopback(rest.host):
        log.warning("REST on %s is open to whoever reaches it: it asks for no token", rest.listen)
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

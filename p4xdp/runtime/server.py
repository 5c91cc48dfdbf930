"""Listening: where the P4Runtime service is reached, and with which limits."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import stat
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import p4r_grpc

from p4xdp.runtime.service import P4RuntimeService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from p4xdp.dataplane import ServedDataplane
    from p4xdp.kept import Kept
    from p4xdp.runtime.artifacts import CompiledPipeline

DEFAULT_LISTEN = "127.0.0.1:9559"  # IANA's port for P4Runtime
MAX_MESSAGE_BYTES = 256 << 20
MAX_METADATA_BYTES = 4 << 20

_LOG = logging.getLogger(__name__)
_GRPC_LOG = logging.getLogger("grpc._cython.cygrpc")


class ListenError(Exception):
    """The address cannot be listened on. One line, saying what to do."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers. `address` is what a gRPC client dials, with the port really taken."""

    address: str
    _server: Any

    async def stop(self, grace_s: float = 0.5) -> None:
        """End all calls and stop listening."""
        await self._server.stop(grace_s)
        _remove_socket(self.address)

    async def wait(self) -> None:
        """Return when the server has stopped."""
        await self._server.wait_for_termination()


async def serve(  # noqa: PLR0913  # all but the first two are settings with a default
    dataplane: ServedDataplane,
    p4info: Any,
    *,
    listen: str = DEFAULT_LISTEN,
    device_id: int = 1,
    device_config: bytes = b"",
    sizes: Mapping[str, int] | None = None,
    kept: Kept | None = None,
    find_compiled: Callable[[], CompiledPipeline] | None = None,
) -> RunningServer:
    """Serve a data plane whose pipeline is loaded, on `unix:PATH` or `host:port`.

    `device_config` is what GetForwardingPipelineConfig tells; `sizes` the sizes the data plane was
    opened with where they differ from P4Info's, by name. ListenError if the address is no good,
    `schema.SchemaError` if the P4Info has what cannot be served.
    """
    service = P4RuntimeService(
        dataplane,
        p4info,
        device_id=device_id,
        device_config=device_config,
        sizes=sizes,
        kept=kept,
        find_compiled=find_compiled,
    )
    _GRPC_LOG.addFilter(_is_worth_telling)
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_metadata_size", MAX_METADATA_BYTES),
            ("grpc.so_reuseport", 0),  # a port that is taken must be an error
        ]
    )
    p4r_grpc.add_P4RuntimeServicer_to_server(service, server)
    address = _bind(server, listen)
    await server.start()
    # What is there now stays: looking through it again and again would hold up answers.
    gc.collect()
    gc.freeze()
    return RunningServer(address, server)


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Leave out what gRPC logs with a traceback when a client cancels a call before we see it."""
    return record.exc_info is None or record.exc_info[0] is not asyncio.CancelledError


def _remove_socket(address: str) -> None:
    if address.startswith("unix:"):
        Path(address.removeprefix("unix:")).unlink(missing_ok=True)


def check_listen(listen: str) -> None:
    """Refuse with ListenError an address that is malformed, not ours or in use."""
    if listen.startswith("unix:"):
        _check_socket(Path(listen.removeprefix("unix:")))
    else:
        _check_host(listen)


def _bind(server: Any, listen: str) -> str:
    check_listen(listen)
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError:
        port = 0
    if listen.startswith("unix:"):
        if not port:
            raise ListenError(f"cannot listen on {listen}")
        Path(listen.removeprefix("unix:")).chmod(0o600)
        return listen
    if not port:
        raise ListenError(f"cannot listen on {listen}")
    _warn_if_reachable(listen)
    return f"{listen.rpartition(':')[0]}:{port}"


def _check_socket(path: Path) -> None:
    """Refuse a socket somebody listens on, and any file that is not a socket."""
    if len(os.fsencode(path)) > 107:
        raise ListenError(f"cannot listen on unix:{path}: the path is longer than 107 octets")
    if not path.parent.is_dir():
        raise ListenError(f"cannot listen on unix:{path}: make the directory {path.parent} first")
    if not path.exists():
        return
    mode = path.stat().st_mode
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"cannot listen on unix:{path}: it is a file; remove or rename it")
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise ListenError(f"cannot listen on unix:{path}: another server is listening there")


def _check_host(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        raise ListenError(f"'{listen}' is no address: give unix:PATH or HOST:PORT")
    bare = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bare, int(port)))
        except OSError as error:
            text = f"cannot listen on {listen}: {error.strerror}; choose another address or port"
            raise ListenError(text) from None


def _warn_if_reachable(listen: str) -> None:
    host = listen.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        _LOG.warning(
            "listening on %s without encryption or authentication: whoever reaches it controls "
            "the switch; prefer unix:PATH or 127.0.0.1",
            listen,
        )

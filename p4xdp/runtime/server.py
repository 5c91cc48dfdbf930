"""Listening: where the P4Runtime service is reached, and with which limits."""

from __future__ import annotations

import asyncio
import gc
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from p4xdp.runtime import wire
from p4xdp.runtime.listening import TLS, bind, remove_socket
from p4xdp.runtime.service import P4RuntimeService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from p4xdp.dataplane import ServedDataplane
    from p4xdp.kept import Kept
    from p4xdp.runtime.artifacts import CompiledPipeline

DEFAULT_LISTEN = "127.0.0.1:9559"  # IANA's port for P4Runtime
MAX_MESSAGE_BYTES = 48 << 20  # more than the largest batch taken should need
MAX_METADATA_BYTES = 4 << 20  # of requests
MAX_PENDING = 16384  # calls that we have not yet looked at
MAX_CALLS = 4096  # at the same time, streams among them
_ALLOCATED_BEFORE_COLLECTING = 100_000  # containers of Python
_COLLECTIONS_BEFORE_THE_OLDER = 100

_GRPC_LOG = logging.getLogger("grpc._cython.cygrpc")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers. `address` is what a gRPC client dials, with the port really taken."""

    address: str
    _server: Any

    async def stop(self, grace_s: float = 0.5) -> None:
        """End all calls and stop listening."""
        await self._server.stop(grace_s)
        remove_socket(self.address)

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
    tls: TLS | None = None,
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
            # Beyond it gRPC itself says CANCELLED, and not why.
            ("grpc.server.max_pending_requests", MAX_PENDING),
            ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_PENDING),
            ("grpc.so_reuseport", 0),  # a port that is taken must be an error
        ],
        maximum_concurrent_rpcs=MAX_CALLS,
    )
    wire.add_service(server, service)
    address = bind(server, listen, tls)
    await server.start()
    # What is there now stays: looking through it again and again would hold up answers. So do
    # entries, which are no garbage however many come in a Write.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATED_BEFORE_COLLECTING, _COLLECTIONS_BEFORE_THE_OLDER)
    return RunningServer(address, server)


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Leave out what gRPC logs with a traceback when a client cancels a call before we see it."""
    return record.exc_info is None or record.exc_info[0] is not asyncio.CancelledError

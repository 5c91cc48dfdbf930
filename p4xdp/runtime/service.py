"""P4Runtime's six RPCs over a data plane.

All state changes happen on the event loop between two awaits, which is the write lock.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import p4r

from p4xdp.dataplane import DataplaneError
from p4xdp.kept import MemoryKept
from p4xdp.runtime import cells
from p4xdp.runtime.arbitration import Arbitration
from p4xdp.runtime.cells import CellsRequest
from p4xdp.runtime.channels import Channels, election_id_of
from p4xdp.runtime.device import Device
from p4xdp.runtime.errors import DETAILS_KEY, Code, RequestError, status_details
from p4xdp.runtime.read import Reader
from p4xdp.runtime.telling import in_messages
from p4xdp.runtime.write import Batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from p4xdp.dataplane import ServedDataplane
    from p4xdp.kept import Kept
    from p4xdp.runtime.artifacts import CompiledPipeline
    from p4xdp.runtime.streams import Stream

API_VERSION = "1.5.0"

_STATUS = {status.value[0]: status for status in grpc.StatusCode}
MAX_STREAMS = 1024
MAX_READS = 128


class P4RuntimeService:
    """The servicer. `sizes` are those the data plane was opened with, by name. `kept` is what an
    earlier server of the same data plane left. `find_compiled` gives the pipeline that a client may
    have instead of the one that runs.
    """

    def __init__(
        self,
        dataplane: ServedDataplane,
        p4info: Any,
        *,
        device_id: int = 1,
        device_config: bytes = b"",
        sizes: Mapping[str, int] | None = None,
        kept: Kept | None = None,
        find_compiled: Callable[[], CompiledPipeline] | None = None,
    ) -> None:
        kept = kept or MemoryKept()
        self._arbitration: Arbitration[Stream] = Arbitration(device_id, kept)
        self._channels = Channels(self._arbitration, dataplane)
        send = self._channels.send_to_primaries
        self._device = Device(
            dataplane, p4info, device_config, sizes or {}, kept, find_compiled, send
        )
        self._channels.serve(self._device)
        self._num_streams = self._num_reads = 0

    # --- unary calls (names are gRPC's) -----------------------------------------------------------

    async def Write(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Apply a batch of updates; UNKNOWN with one p4.v1.Error per update if any failed."""
        async with _refusing(context):
            self._authorise(request.head)
            device = self._device
            updates = request.decoded(device.plain)
            batch = Batch(device.schema, device.store, device.dataplane)
            with device.kept.together():
                errors = batch.run(updates, request.head.atomicity)
            if any(errors):
                await _abort_with_details(context, "Write", errors)
        return p4r.WriteResponse()

    async def Read(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        """Stream what is asked for; then UNKNOWN with details if a part was refused."""
        async with _refusing(context):
            self._arbitration.check_device(request.device_id)
            if self._num_reads >= MAX_READS:
                text = f"{MAX_READS} answers are streaming; read again when one has ended"
                raise RequestError(Code.RESOURCE_EXHAUSTED, text)
        self._num_reads += 1
        try:
            async for message in self._read(request, context):
                yield message
        finally:
            self._num_reads -= 1

    async def _read(self, request: Any, context: Any) -> AsyncIterator[Any]:
        device = self._device
        if isinstance(request, CellsRequest):
            counter = request.counter(device.schema)
            if counter is not None:
                for octets in cells.answer(device.dataplane, counter, request):
                    yield octets
                return
            request = request.message()
        reader = Reader(device.schema, device.store, device.dataplane)
        errors: list[RequestError | None] = [None] * len(request.entities)
        selected = []
        for position, found in reader.select_all(request.entities):
            if isinstance(found, RequestError):
                errors[position] = found
            else:
                selected.append((position, found))
        for message in in_messages(_each(selected, errors)):
            yield message
        if any(errors):
            await _abort_with_details(context, "Read", errors)

    async def SetForwardingPipelineConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Accept the config that runs here, clearing the state if the action says so, or go over to
        the one that was compiled into the switch's directory meanwhile.
        """
        async with _refusing(context):
            self._authorise(request)
            self._device.set_pipeline(request)
        return p4r.SetForwardingPipelineConfigResponse()

    async def GetForwardingPipelineConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Tell the config that runs here."""
        async with _refusing(context):
            self._arbitration.check_device(request.device_id)
        return self._device.pipeline.get(request.response_type)

    async def Capabilities(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Tell the version of P4Runtime spoken."""
        async with _refusing(context):
            if request.device_id:
                self._arbitration.check_device(request.device_id)
        return p4r.CapabilitiesResponse(p4runtime_api_version=API_VERSION)

    def _authorise(self, request: Any) -> None:
        self._arbitration.authorise(
            device_id=request.device_id, role=request.role, election_id=election_id_of(request)
        )

    async def StreamChannel(self, _requests: Any, context: Any) -> None:  # noqa: N802
        """Serve one client's stream until it ends or breaks a rule of arbitration."""
        if self._num_streams >= MAX_STREAMS:
            text = f"{MAX_STREAMS} streams are open, and there can be no more"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._num_streams += 1
        try:
            async with _refusing(context):
                await self._channels.run(context)
        finally:
            self._num_streams -= 1


def _each(
    selected: list[tuple[int, Iterator[Any]]], errors: list[RequestError | None]
) -> Iterator[Any]:
    """Give the entities of all requests; a fault of the data plane ends its own request only."""
    for position, found in selected:
        try:
            yield from found
        except DataplaneError as error:
            errors[position] = RequestError.from_dataplane(error)


@contextlib.asynccontextmanager
async def _refusing(context: Any) -> AsyncIterator[None]:
    """End the call with the status of a refusal raised inside."""
    try:
        yield
    except (RequestError, DataplaneError) as error:
        refusal = RequestError.of(error)
    else:
        return
    await context.abort(_STATUS[refusal.code], refusal.message)


async def _abort_with_details(context: Any, call: str, errors: list[RequestError | None]) -> None:
    refused = [(i, error) for i, error in enumerate(errors) if error is not None]
    first, error = refused[0]
    text = f"{call}: {len(refused)} of {len(errors)} failed; first, {first}: {error.message}"
    details = status_details(text, errors)
    await context.abort(_STATUS[Code.UNKNOWN], text, ((DETAILS_KEY, details),))

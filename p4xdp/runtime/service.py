"""P4Runtime's six RPCs over a data plane: the only file here that touches gRPC calls.

All state changes happen on the event loop between two awaits, which is the write lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import U128, p4r, rpc_status

from p4xdp.dataplane import DataplaneError
from p4xdp.kept import MemoryKept
from p4xdp.runtime import packet_io
from p4xdp.runtime.arbitration import Arbitration, Notice
from p4xdp.runtime.device import Device
from p4xdp.runtime.errors import DETAILS_KEY, Code, RequestError, invalid, status_details
from p4xdp.runtime.read import Reader, in_messages
from p4xdp.runtime.streams import Stream
from p4xdp.runtime.wire import Malformed
from p4xdp.runtime.write import Batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from p4xdp.dataplane import ServedDataplane
    from p4xdp.kept import Kept
    from p4xdp.runtime.artifacts import CompiledPipeline

API_VERSION = "1.5.0"

_LOG = logging.getLogger(__name__)
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
        self._device = Device(
            dataplane,
            p4info,
            device_config,
            sizes or {},
            kept,
            find_compiled,
            self._send_to_primaries,
        )
        self._arbitration: Arbitration[Stream] = Arbitration(device_id, kept)
        self._num_streams = self._num_reads = 0
        dataplane.on_packet_in(self._forward_packet_in)

    # --- unary calls (names are gRPC's) -----------------------------------------------------------

    async def Write(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Apply a batch of updates; UNKNOWN with one p4.v1.Error per update if any failed."""
        async with _refusing(context):
            self._authorise(request)
            device = self._device
            batch = Batch(device.schema, device.store, device.dataplane)
            with device.kept.together():
                errors = batch.run(request.updates, request.atomicity)
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
            device_id=request.device_id, role=request.role, election_id=_election_id(request)
        )

    # --- the stream -------------------------------------------------------------------------------

    async def StreamChannel(self, _requests: Any, context: Any) -> None:  # noqa: N802
        """Serve one client's stream until it ends or breaks a rule of arbitration."""
        if self._num_streams >= MAX_STREAMS:
            text = f"{MAX_STREAMS} streams are open, and there can be no more"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._num_streams += 1
        try:
            await self._serve_stream(context)
        finally:
            self._num_streams -= 1

    async def _serve_stream(self, context: Any) -> None:
        stream = Stream()
        sender = asyncio.create_task(_send_all(stream, context))
        async with _refusing(context):
            try:
                while (message := await context.read()) is not grpc.aio.EOF:
                    self._receive(stream, message)
            finally:
                self._announce(self._arbitration.leave(stream))
                stream.end()
                # The status may follow only when the last message is on its way.
                await asyncio.wait([sender])

    def _receive(self, stream: Stream, message: Any) -> None:
        if isinstance(message, Malformed):
            raise invalid(message.text)
        kind = message.WhichOneof("update")
        if kind == "arbitration":
            self._arbitrate(stream, message.arbitration)
        elif self._arbitration.role_of(stream) is None:
            raise RequestError(
                Code.FAILED_PRECONDITION, "the first message of a stream must be arbitration"
            )
        elif kind == "packet":
            self._packet_out(stream, message.packet)
        elif kind == "digest_ack":
            self._acknowledge(stream, message.digest_ack)
        else:
            error = RequestError(Code.UNIMPLEMENTED, f"{kind or 'an empty message'} is not served")
            response = _stream_error(error)
            response.error.other.SetInParent()
            stream.send_packet(response)

    def _arbitrate(self, stream: Stream, bid: Any) -> None:
        if bid.HasField("role") and bid.role.HasField("config"):
            raise invalid(
                "role configurations are not supported: every role has the whole pipeline"
            )
        notices = self._arbitration.update(
            stream,
            device_id=bid.device_id,
            role=bid.role.name,
            election_id=_election_id(bid),
        )
        self._announce(notices)

    def _announce(self, notices: list[Notice[Stream]]) -> None:
        for notice in notices:
            notice.client.send(_arbitration_message(self._arbitration.device_id, notice))

    def _packet_out(self, stream: Stream, packet: Any) -> None:
        try:
            self._check_primary(stream, "send packets")
            self._device.dataplane.send(
                packet_io.packet_out(self._device.schema.packet_out, packet)
            )
        except RequestError as error:
            refusal = error
        except DataplaneError as error:
            refusal = RequestError.from_dataplane(error)
        else:
            return
        response = _stream_error(refusal)
        response.error.packet_out.packet_out.CopyFrom(packet)
        stream.send_packet(response)

    def _acknowledge(self, stream: Stream, message: Any) -> None:
        try:
            self._check_primary(stream, "acknowledge digests")
            self._device.digests.acknowledge(message)
        except RequestError as error:
            response = _stream_error(error)
            response.error.digest_list_ack.digest_list_ack.CopyFrom(message)
            stream.send_packet(response)

    def _send_to_primaries(self, message: Any) -> bool:
        primaries = self._arbitration.primaries()
        for stream in primaries:
            stream.send_packet(message)
        return bool(primaries)

    def _check_primary(self, stream: Stream, to_do: str) -> None:
        if stream not in self._arbitration.primaries():
            raise RequestError(Code.PERMISSION_DENIED, f"only the primary may {to_do}")

    def _forward_packet_in(self, frame: bytes) -> None:
        primaries = self._arbitration.primaries()
        if not primaries:
            return
        try:
            packet = packet_io.packet_in(self._device.schema.packet_in, frame)
        except ValueError as error:
            _LOG.warning("packet-in dropped: %s", error)
            return
        message = p4r.StreamMessageResponse(packet=packet)
        for stream in primaries:
            stream.send_packet(message)


def _each(
    selected: list[tuple[int, Iterator[Any]]], errors: list[RequestError | None]
) -> Iterator[Any]:
    """Give the entities of all requests; a fault of the data plane ends its own request only."""
    for position, found in selected:
        try:
            yield from found
        except DataplaneError as error:
            errors[position] = RequestError.from_dataplane(error)


async def _send_all(stream: Stream, context: Any) -> None:
    while (message := await stream.next()) is not None:
        try:
            await context.write(message)
        except (grpc.aio.BaseError, asyncio.InvalidStateError):
            return  # the call has ended


@contextlib.asynccontextmanager
async def _refusing(context: Any) -> AsyncIterator[None]:
    """End the call with the status of a refusal raised inside."""
    try:
        yield
    except RequestError as error:
        refusal = error
    except DataplaneError as error:
        refusal = RequestError.from_dataplane(error)
    else:
        return
    await context.abort(_STATUS[refusal.code], refusal.message)


async def _abort_with_details(context: Any, call: str, errors: list[RequestError | None]) -> None:
    refused = [(i, error) for i, error in enumerate(errors) if error is not None]
    first, error = refused[0]
    text = f"{call}: {len(refused)} of {len(errors)} failed; first, {first}: {error.message}"
    details = status_details(text, errors)
    await context.abort(_STATUS[Code.UNKNOWN], text, ((DETAILS_KEY, details),))


def _election_id(message: Any) -> int | None:
    if not message.HasField("election_id"):
        return None
    return int(U128.decode(message.election_id))


def _arbitration_message(device_id: int, notice: Notice[Stream]) -> Any:
    response = p4r.StreamMessageResponse()
    update = response.arbitration
    update.device_id = device_id
    if notice.role:
        update.role.name = notice.role
    if notice.highest is not None:
        update.election_id.CopyFrom(U128.encode(notice.highest))
    text = {
        Code.OK: "you are the primary",
        Code.ALREADY_EXISTS: "another client is the primary",
    }.get(notice.status, "there is no primary")
    update.status.CopyFrom(rpc_status.Status(code=notice.status, message=text))
    return response


def _stream_error(error: RequestError) -> Any:
    response = p4r.StreamMessageResponse()
    response.error.canonical_code = error.code
    response.error.message = error.message
    return response

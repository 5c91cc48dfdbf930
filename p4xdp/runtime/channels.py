"""The streams of controllers: arbitration, packets and digests both ways, and what the switch tells
of its own accord.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import U128, p4r, rpc_status

from p4xdp.dataplane import DataplaneError
from p4xdp.runtime import packet_io, port_states
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.streams import Stream
from p4xdp.runtime.wire import Malformed

if TYPE_CHECKING:
    from p4xdp.dataplane import ServedDataplane
    from p4xdp.runtime.arbitration import Arbitration, Notice
    from p4xdp.runtime.device import Device

_LOG = logging.getLogger(__name__)


class Channels:
    """All streams of a server. `serve` is called once, before the first is run."""

    _device: Device

    def __init__(self, arbitration: Arbitration[Stream], dataplane: ServedDataplane) -> None:
        self._arbitration = arbitration
        self._dataplane = dataplane

    def serve(self, device: Device) -> None:
        """Say whose streams these are; from now on packets and ports are told of."""
        self._device = device
        self._dataplane.on_packet_in(self._forward_packet_in)
        self._dataplane.on_ports(self._follow_ports)

    def _follow_ports(self) -> None:
        self._device.follow_ports()
        message = port_states.message(self._dataplane)
        for stream in self._arbitration.primaries():
            stream.send_state(message)

    async def run(self, context: Any) -> None:
        """Serve a stream until its end; RequestError if it breaks a rule."""
        stream = Stream()
        sender = asyncio.create_task(_send_all(stream, context))
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
            election_id=election_id_of(bid),
        )
        self._announce(notices)

    def _announce(self, notices: list[Notice[Stream]]) -> None:
        for notice in notices:
            notice.client.send(_arbitration_message(self._arbitration.device_id, notice))
            if notice.status == Code.OK and not port_states.are_up(self._dataplane):
                notice.client.send_state(port_states.message(self._dataplane))

    def _packet_out(self, stream: Stream, packet: Any) -> None:
        try:
            self._check_primary(stream, "send packets")
            self._dataplane.send(packet_io.packet_out(self._device.schema.packet_out, packet))
        except (RequestError, DataplaneError) as error:
            response = _stream_error(RequestError.of(error))
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

    def send_to_primaries(self, message: Any) -> bool:
        """Send a message to all primaries; return whether there are any."""
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


async def _send_all(stream: Stream, context: Any) -> None:
    while (message := await stream.next()) is not None:
        try:
            await context.write(message)
        except (grpc.aio.BaseError, asyncio.InvalidStateError):
            return  # the call has ended


def election_id_of(message: Any) -> int | None:
    """Return the election id of a request, or None if it has none."""
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

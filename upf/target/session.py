"""The stream that makes us primary: arbitration, stepping down, and packets both ways."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import U128, p4r, rpc_code
from google.protobuf.struct_pb2 import Struct

from upf.errors import NotPrimaryError, TargetError
from upf.target import rpc_errors
from upf.target.writer import Identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from upf.target.packet_in import PacketIn
    from upf.target.schema import Schema

_LOG = logging.getLogger(__name__)

ARBITRATION_TIMEOUT_S = 10.0
PACKETS_WAITING = 1024


class Session:
    """One controller session of P4Runtime ("Client Arbitration"), from `open` to `close`.

    `identity()` gives the right to write, or raises what took it away.
    """

    def __init__(self, stub: Any, *, device_id: int, election_id: int) -> None:
        self._stub = stub
        self.device_id = device_id
        self._election_id = election_id
        self._stream: Any = None
        self._is_primary = False
        self._lost: asyncio.Future[TargetError] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._packets: asyncio.Queue[Any] = asyncio.Queue(PACKETS_WAITING)
        self._receiver: Callable[[PacketIn], Awaitable[None]] | None = None
        self.dropped_packets = 0
        self.port_faults: dict[int, str] = {}

    async def open(self, schema: Schema) -> None:
        """Bid for mastership; NotPrimaryError if another controller has a better claim."""
        self._stream = self._stub.StreamChannel()
        try:
            async with asyncio.timeout(ARBITRATION_TIMEOUT_S):
                await self._win()
        except TimeoutError:
            raise TargetError("the switch did not answer our bid for mastership") from None
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                text = f"election id {self._election_id} is refused: {error.details()}"
                raise NotPrimaryError(text) from error
            raise rpc_errors.from_rpc(error, "arbitration") from error
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._dispatch(schema)),
        ]

    async def _win(self) -> None:
        await self._bid()
        while True:
            update = await self._next_arbitration()
            if update.status.code == rpc_code.OK:
                self._is_primary = True
                return
            highest = U128.decode(update.election_id)
            if update.status.code == rpc_code.ALREADY_EXISTS:
                raise NotPrimaryError(
                    f"another controller is primary on the switch with election id {highest}; "
                    f"ours is {self._election_id}"
                )
            # Nobody is primary, but somebody was, with a higher id: only that id or a higher one
            # is heard ("the highest election id ever received").
            if highest <= self._election_id:
                raise NotPrimaryError(f"election id {self._election_id} does not win the switch")
            _LOG.info("taking over election id %d from a controller that left", highest)
            self._election_id = highest
            await self._bid()

    async def _bid(self) -> None:
        message = p4r.StreamMessageRequest()
        message.arbitration.device_id = self.device_id
        message.arbitration.election_id.CopyFrom(U128.encode(self._election_id))
        await self._stream.write(message)

    async def _next_arbitration(self) -> Any:
        while True:
            message = await self._stream.read()
            if message is grpc.aio.EOF:
                raise TargetError("the switch closed the stream during arbitration")
            if message.WhichOneof("update") == "arbitration":
                return message.arbitration

    def identity(self) -> Identity:
        """How to sign a write now."""
        if self._lost.done():
            raise self._lost.result()
        if not self._is_primary:
            raise NotPrimaryError("another controller has become primary on the switch")
        return Identity(self.device_id, self._election_id)

    @property
    def is_primary(self) -> bool:
        """Whether writes are allowed at this moment."""
        return self._is_primary and not self._lost.done()

    async def wait_lost(self) -> TargetError:
        """Wait until the switch is gone; says why."""
        return await asyncio.shield(self._lost)

    def lose(self, error: TargetError) -> None:
        """Note that the switch is gone; the first reason stays."""
        if not self._lost.done():
            _LOG.error("%s", error)
            self._lost.set_result(error)

    def on_packet_in(self, receiver: Callable[[PacketIn], Awaitable[None]]) -> None:
        """Name who gets packets."""
        self._receiver = receiver

    async def send_packet(self, packet: Any) -> None:
        """Send a p4.v1.PacketOut."""
        self.identity()
        try:
            await self._stream.write(p4r.StreamMessageRequest(packet=packet))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            raise TargetError("packet-out: the stream to the switch is broken") from error

    async def close(self) -> None:
        """End the stream."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._stream is not None:
            self._stream.cancel()
        if not self._lost.done():
            self._lost.set_result(TargetError("the connection to the switch is closed"))

    async def _read(self) -> None:
        try:
            while (message := await self._stream.read()) is not grpc.aio.EOF:
                self._receive(message)
            self.lose(TargetError("the switch closed the stream"))
        except grpc.aio.AioRpcError as error:
            self.lose(rpc_errors.from_rpc(error, "stream"))

    def _receive(self, message: Any) -> None:
        kind = message.WhichOneof("update")
        if kind == "packet":
            try:
                self._packets.put_nowait(message.packet)
            except asyncio.QueueFull:
                self.dropped_packets += 1
        elif kind == "arbitration":
            self._hear(message.arbitration)
        elif kind == "error":
            _LOG.warning("the switch refused a packet-out: %s", message.error.message)
        elif kind == "other":
            self._hear_of_ports(message.other)

    def _hear_of_ports(self, message: Any) -> None:
        """Take the switch's own notification (docs/switch.md); other switches may send others."""
        told = Struct()
        if not message.Unpack(told) or "ports" not in told:
            return
        faults = {
            int(number): f"{port['interface']} is {port['state']}"
            for number, port in told["ports"].items()
            if port["state"] != "up"
        }
        for number in faults.keys() - self.port_faults.keys():
            _LOG.error("port %d of the switch: %s", number, faults[number])
        for number in self.port_faults.keys() - faults.keys():
            _LOG.warning("port %d of the switch is up again", number)
        self.port_faults = faults

    def _hear(self, update: Any) -> None:
        was_primary = self._is_primary
        self._is_primary = update.status.code == rpc_code.OK
        if was_primary and not self._is_primary:
            highest = U128.decode(update.election_id)
            text = f"another controller, with election id {highest}, leads the switch now"
            self.lose(NotPrimaryError(text))

    async def _dispatch(self, schema: Schema) -> None:
        while True:
            packet = await self._packets.get()
            if self._receiver is None:
                continue
            try:
                await self._receiver(schema.packet_in(packet))
            except Exception:  # noqa: BLE001 - one packet must not end the loop over all others
                _LOG.exception("a packet from the switch could not be dealt with")

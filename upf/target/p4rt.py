"""Any switch that speaks P4Runtime and runs our pipeline, as a `Target`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import grpc
from finsy.proto import p4r, p4r_grpc, rpc_code

from p4xdp import columns
from upf.entry import Counts
from upf.errors import PipelineMismatchError, TargetError, WriteRejectedError
from upf.target import rpc_errors, schema, values
from upf.target.reading import MAX_CELLS_PER_READ, CounterReader
from upf.target.session import Session
from upf.target.tracer import Tracer
from upf.target.writer import WRITE_TIMEOUT_S, Writer, write_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

    from upf.entry import Entry, MeterRate
    from upf.packet_trace import PacketTrace
    from upf.plan import Plan
    from upf.target.packet_in import PacketIn


DEFAULT_ELECTION_ID = 1  # some servers refuse 0
CALL_TIMEOUT_S = 30.0
MAX_MESSAGE_BYTES = 256 << 20
MAX_METADATA_BYTES = 4 << 20  # details of a refused batch travel in metadata
_CELLS_PER_READ = MAX_CELLS_PER_READ

_Cell = TypeVar("_Cell")


@dataclass(frozen=True, slots=True)
class CountersRequest:
    """Cells of a counter, and the ReadRequest that asks for them."""

    counter: str
    indexes: list[int]
    octets: bytes


class P4RuntimeTarget:
    """`upf.target.Target` over a channel. Made by `connect`."""

    def __init__(self, address: str, channel: Any, session: Session, info: Any) -> None:
        self._channel = channel
        self._stub = p4r_grpc.P4RuntimeStub(channel)
        self._read_cells = channel.unary_stream("/p4.v1.P4Runtime/Read")  # octets both ways
        self._session = session
        self._schema = schema.Schema(info)
        self._writer = Writer(write_call(channel), self._schema, session.identity)
        self._counter_reader = CounterReader(self._read_request, self._read_messages)
        self._tracer = Tracer(address, session.device_id, self._schema)

    @classmethod
    async def connect(
        cls,
        address: str,
        pipeline: Any,
        *,
        device_id: int = 1,
        election_id: int = DEFAULT_ELECTION_ID,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> Self:
        """Become primary on the switch at `host:port` or `unix:PATH`.

        `pipeline` is our P4Info. TargetError if nobody answers, PipelineMismatchError if the switch
        runs another program, NotPrimaryError if another controller has it.
        """
        channel = grpc.aio.insecure_channel(
            address,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_metadata_size", MAX_METADATA_BYTES),
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.enable_http_proxy", 0),
            ],
        )
        stub = p4r_grpc.P4RuntimeStub(channel)
        session = Session(stub, device_id=device_id, election_id=election_id)
        try:
            info = await _pipeline_of(stub, device_id, address, timeout_s)
            schema.check_same_pipeline(pipeline, info)
            target = cls(address, channel, session, info)
            await session.open(target._schema)
        except BaseException:
            await session.close()
            await channel.close()
            raise
        return target

    # --- Target -----------------------------------------------------------------------------------

    async def apply(self, plan: Plan) -> None:
        """Carry out a plan whole, or raise and leave the switch as it was."""
        await self._writer.apply(plan)

    async def read_counters(self, counter: str, indexes: Sequence[int]) -> list[Counts]:
        """Read cells of an indexed counter, in the order asked."""
        counter_id = self._schema.counter(counter).id
        found: list[Counts] = []
        for first in range(0, len(indexes), _CELLS_PER_READ):
            some = indexes[first : first + _CELLS_PER_READ]
            found += await self._counter_reader.read(counter_id, some)
        return found

    def counters_request(self, counter: str, indexes: Sequence[int]) -> object:
        """A request for cells of an indexed counter, which may be made any number of times."""
        array = self._schema.counter(counter)
        octets = columns.request(self._session.device_id, array.id, indexes)
        return CountersRequest(counter, list(indexes), octets)

    async def read_columns(self, request: object) -> tuple[Sequence[int], Sequence[int]]:
        """Packets and octets of the cells of a request, in the order asked."""
        assert isinstance(request, CountersRequest)
        indexes: list[int] = []
        packets: list[int] = []
        octets: list[int] = []
        call = self._read_cells(request.octets, timeout=CALL_TIMEOUT_S)
        async for message in self._each(call, f"reading {request.counter}"):
            found = columns.read_response(message) or _columns_of(message)
            indexes += found.indexes.tolist()
            packets += found.packets.tolist()
            octets += found.octets.tolist()
        if indexes == request.indexes:
            return packets, octets
        by_index = dict(zip(indexes, zip(packets, octets, strict=True), strict=True))
        ordered = _in_order(by_index, request.indexes, request.counter)
        return [each[0] for each in ordered], [each[1] for each in ordered]

    async def write_meter(self, meter: str, index: int, rate: MeterRate | None) -> None:
        """Set a cell of an indexed meter; None removes the limit."""
        await self.write_meters(meter, {index: rate})

    async def write_meters(self, meter: str, rates: Mapping[int, MeterRate | None]) -> None:
        """Set several cells of an indexed meter in one call."""
        request = self._session.identity().request(p4r.WriteRequest.CONTINUE_ON_ERROR)
        for index, rate in rates.items():
            entity = request.updates.add(type=p4r.Update.MODIFY).entity
            cell = _cell(entity, "meter", self._schema.meter(meter).id, index)
            if rate is not None:
                cell.config.CopyFrom(schema.meter_config(rate))
        await self._write_cells(request, f"setting {meter}{list(rates)}")

    async def read_meters(self, meter: str, indexes: Sequence[int]) -> list[MeterRate | None]:
        """The settings of cells of an indexed meter, in the order asked; None is no limit."""
        found = await self._read_array("meter", self._schema.meter(meter).id, indexes, meter)
        return [schema.meter_rate(cell) for cell in found]

    async def write_registers(self, register: str, cells: Mapping[int, Sequence[int]]) -> None:
        """Set cells of a register in one call."""
        request = self._session.identity().request(p4r.WriteRequest.CONTINUE_ON_ERROR)
        for index, value in cells.items():
            entity = request.updates.add(type=p4r.Update.MODIFY).entity
            cell = _cell(entity, "register", self._schema.register(register).id, index)
            cell.data.CopyFrom(schema.register_data(value))
        await self._write_cells(request, f"setting {register}{list(cells)}")

    async def read_registers(self, register: str, indexes: Sequence[int]) -> list[tuple[int, ...]]:
        """Read cells of a register, in the order asked."""
        array_id = self._schema.register(register).id
        found = await self._read_array("register", array_id, indexes, register)
        return [schema.register_cell(cell.data) for cell in found]

    async def _read_array(
        self, kind: str, array_id: int, indexes: Sequence[int], array: str
    ) -> list[Any]:
        """Entries of cells of a meter or register, in the order asked."""
        found: dict[int, Any] = {}
        for first in range(0, len(indexes), _CELLS_PER_READ):
            request = self._read_request()
            for index in indexes[first : first + _CELLS_PER_READ]:
                _cell(request.entities.add(), kind, array_id, index)
            async for entity in self._read(request, f"reading {array}"):
                cell = getattr(entity, f"{kind}_entry")
                found[cell.index.index] = cell
        return _in_order(found, indexes, array)

    async def write_clone_session(self, session_id: int, port: int) -> None:
        """Have copies of packets that are mirrored to a session leave by a port."""
        try:
            await self._write_clone_session(p4r.Update.INSERT, session_id, port)
        except WriteRejectedError as error:
            if [failure.code for failure in error.failures] != [rpc_code.ALREADY_EXISTS]:
                raise
            await self._write_clone_session(p4r.Update.MODIFY, session_id, port)

    async def _write_clone_session(self, kind: int, session_id: int, port: int) -> None:
        request = self._session.identity().request(p4r.WriteRequest.CONTINUE_ON_ERROR)
        entity = request.updates.add(type=kind).entity
        entry = entity.packet_replication_engine_entry.clone_session_entry
        entry.session_id = session_id
        entry.replicas.add(port=values.encode(port), instance=1)
        await self._write_cells(request, f"setting clone session {session_id}")

    async def read_entries(self, table: str) -> list[Entry]:
        """Everything a table holds."""
        known = self._schema.table(table)
        request = self._read_request()
        request.entities.add().table_entry.table_id = known.id
        return [
            known.decode(entity.table_entry)
            async for entity in self._read(request, f"reading {table}")
        ]

    async def differences(
        self, table: str, wanted: Collection[Entry]
    ) -> tuple[list[Entry], list[Entry], int]:
        """What a table holds that is not wanted so, what is wanted and not there so, and how many
        entries it holds.

        Octets are compared, which costs a fraction of reading entries; what has others is read.
        """
        known = self._schema.table(table)
        missing = {known.octets(entry): entry for entry in wanted}
        request = self._read_request()
        request.entities.add().table_entry.table_id = known.id
        others: list[Entry] = []
        num_held = 0
        async for entities in self._read_messages(request, f"reading {table}"):
            for entity in entities:
                num_held += 1
                octets = entity.table_entry.SerializeToString(deterministic=True)
                if missing.pop(octets, None) is None:
                    others.append(known.decode(entity.table_entry))
        return others, list(missing.values()), num_held

    async def packet_out(self, egress_port: int, frame: bytes) -> None:
        """Send a finished frame."""
        packet = self._schema.packet_out(egress_port, frame, is_arrival=False)
        await self._session.send_packet(packet)

    async def packet_again(self, ingress_port: int, frame: bytes) -> None:
        """Have the switch deal with a frame as if it had just arrived on a port."""
        packet = self._schema.packet_out(ingress_port, frame, is_arrival=True)
        await self._session.send_packet(packet)

    def size(self, name: str) -> int:
        """How many entries a table, or cells an array, has on this switch."""
        return self._schema.size(name)

    def counters(self) -> Sequence[str]:
        """The names of all indexed counters of this switch's program."""
        return tuple(self._schema.counters)

    def on_packet_in(self, receiver: Callable[[PacketIn], Awaitable[None]]) -> None:
        """Name who gets the packets that the pipeline shows the controller."""
        self._session.on_packet_in(receiver)

    async def close(self) -> None:
        """Let go of the switch."""
        await self._writer.close()
        await self._counter_reader.close()
        await self._session.close()
        await self._channel.close()

    async def detach(self) -> None:
        """Let go of the switch, which is not ours to end."""
        await self.close()

    # --- beyond Target ----------------------------------------------------------------------------

    def port_faults(self) -> Mapping[int, str]:
        """What is wrong with ports that do not forward, as the switch told last."""
        return self._session.port_faults

    @property
    def is_primary(self) -> bool:
        """Whether the switch is there and takes our writes."""
        return self._session.is_primary

    async def trace(self, ingress_port: int, frame: bytes) -> PacketTrace:
        """What the pipeline would make of a frame. Nothing is sent or counted."""
        return await self._tracer.trace(ingress_port, frame)

    async def wait_lost(self) -> TargetError:
        """Wait until the switch is gone; says why."""
        return await self._session.wait_lost()

    async def _write_cells(self, request: Any, what: str) -> None:
        """Write cells of an array."""
        try:
            await self._stub.Write(request, timeout=WRITE_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            codes = rpc_errors.update_codes(error)
            if codes:
                raise rpc_errors.rejected(codes, [None] * len(codes)) from error
            raise rpc_errors.from_rpc(error, what) from error

    def _read_request(self) -> Any:
        return p4r.ReadRequest(device_id=self._session.device_id)

    async def _read(self, request: Any, what: str) -> AsyncIterator[Any]:
        async for entities in self._read_messages(request, what):
            for entity in entities:
                yield entity

    async def _read_messages(self, request: Any, what: str) -> AsyncIterator[Any]:
        async for response in self._each(self._stub.Read(request, timeout=CALL_TIMEOUT_S), what):
            yield response.entities

    @staticmethod
    async def _each(call: AsyncIterator[Any], what: str) -> AsyncIterator[Any]:
        """The messages of an answer; TargetError."""
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as error:
            codes = rpc_errors.update_codes(error)
            reasons = [message for code, message in codes if code]
            if reasons:
                raise TargetError(f"{what}: {reasons[0]}") from error
            raise rpc_errors.from_rpc(error, what) from error


def _columns_of(octets: bytes) -> columns.Cells:
    """What a ReadResponse says of cells, however it is written."""
    entries = [each.counter_entry for each in p4r.ReadResponse.FromString(octets).entities]
    values = [Counts(each.data.packet_count, each.data.byte_count) for each in entries]
    counter_id = entries[0].counter_id if entries else 0
    return columns.of_cells(counter_id, [each.index.index for each in entries], values)


def _cell(entity: Any, kind: str, array_id: int, index: int) -> Any:
    """Have an entity be that of a cell of a meter or register; its entry."""
    cell = getattr(entity, f"{kind}_entry")
    setattr(cell, f"{kind}_id", array_id)
    cell.index.index = index
    return cell


def _in_order(found: Mapping[int, _Cell], indexes: Sequence[int], array: str) -> list[_Cell]:
    """Cells as asked for; TargetError if the switch left one out."""
    try:
        return [found[index] for index in indexes]
    except KeyError as error:
        raise TargetError(f"the switch told nothing of cell {error} of {array}") from None


async def _pipeline_of(stub: Any, device_id: int, address: str, timeout_s: float) -> Any:
    """Ask what the switch runs, waiting until it answers at all."""
    request = p4r.GetForwardingPipelineConfigRequest(
        device_id=device_id,
        response_type=p4r.GetForwardingPipelineConfigRequest.P4INFO_AND_COOKIE,
    )
    try:
        response = await stub.GetForwardingPipelineConfig(
            request, timeout=timeout_s, wait_for_ready=True
        )
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            text = f"no P4Runtime server answers at {address}; is the switch running?"
            raise TargetError(text) from error
        raise rpc_errors.from_rpc(error, f"asking {address} for its pipeline") from error
    if not response.HasField("config"):
        text = f"the switch at {address} has no pipeline; load p4/build into it first"
        raise PipelineMismatchError(text)
    return response.config.p4info

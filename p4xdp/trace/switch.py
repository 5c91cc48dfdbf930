"""The state of a running switch, read over P4Runtime. Nothing is written, no mastership asked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import grpc
from finsy.proto import p4r, p4r_grpc

from p4xdp import ir
from p4xdp.dataplane import Entry, MeterConfig
from p4xdp.p4info import p4info
from p4xdp.runtime import bytestrings, entries, schema
from p4xdp.runtime.errors import RequestError
from p4xdp.runtime.registers import cell_of
from p4xdp.trace.errors import TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIMEOUT_S = 10.0
_MAX_MESSAGE_BYTES = 64 << 20


class SwitchSource:
    """The switch at `address`, `HOST:PORT` or `unix:PATH`, which runs `program`; for `with`.

    Tables with exact keys are asked for the one entry that a packet looks for, others once for all
    they hold. TraceError if nobody answers or another program runs there.
    """

    def __init__(self, program: ir.Program, address: str, device_id: int = 1) -> None:
        self._address = address
        self._device_id = device_id
        self._channel = grpc.insecure_channel(
            address,
            options=[
                ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.enable_http_proxy", 0),
            ],
        )
        self._stub = p4r_grpc.P4RuntimeStub(self._channel)
        self._whole: dict[str, list[Entry]] = {}
        try:
            self._schema = self._checked_schema(program)
        except BaseException:
            self._channel.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._channel.close()

    def entries(self, table: ir.Table, values: Sequence[int]) -> Sequence[Entry]:
        """Return the one that an exact key names, or all of the table's."""
        known = self._schema.tables_by_name[table.name]
        query = p4r.TableEntry(table_id=known.id)
        if all(key.match_kind is ir.MatchKind.EXACT for key in table.keys):
            for field, value in zip(known.fields, values, strict=True):
                match = query.match.add(field_id=field.id)
                match.exact.value = bytestrings.encode(value)
            return self._table_entries(known, query)
        if table.name not in self._whole:
            self._whole[table.name] = self._table_entries(known, query)
        return self._whole[table.name]

    def default(self, table: ir.Table) -> tuple[str, tuple[int, ...]] | None:
        """Return what a miss does, where that can be changed."""
        if table.is_default_const:
            return None
        known = self._schema.tables_by_name[table.name]
        query = p4r.TableEntry(table_id=known.id, is_default_action=True)
        for entity in self._read(p4r.Entity(table_entry=query), table.name):
            with _told_by(self._address):
                default = entries.decode_action(known, entity.table_entry.action, is_default=True)
            return default.action, default.arguments
        return None

    def meter(self, meter: ir.Meter, index: int) -> MeterConfig | None:
        """Return how the cell is set; None beyond the meter too."""
        known = next(each for each in self._schema.meters.values() if each.name == meter.name)
        if index >= known.size:
            return None
        query = p4r.MeterEntry(meter_id=known.id)
        query.index.index = index
        for entity in self._read(p4r.Entity(meter_entry=query), meter.name):
            return _config_of(entity.meter_entry)
        return None

    def direct_meter(self, table: ir.Table, entry: Entry) -> MeterConfig | None:
        """Return how the entry's meter is set."""
        known = self._schema.tables_by_name[table.name]
        query = p4r.DirectMeterEntry(table_entry=entries.encode_entry(known, entry))
        query.table_entry.ClearField("action")
        for entity in self._read(p4r.Entity(direct_meter_entry=query), table.name):
            return _config_of(entity.direct_meter_entry)
        return None

    def register(self, register: ir.Register, index: int) -> tuple[int, ...] | None:
        """Return the cell."""
        known = next(each for each in self._schema.registers.values() if each.name == register.name)
        query = p4r.RegisterEntry(register_id=known.id)
        query.index.index = index
        for entity in self._read(p4r.Entity(register_entry=query), register.name):
            with _told_by(self._address):
                return cell_of(known, entity.register_entry.data)
        return None

    def _table_entries(self, table: schema.Table, query: Any) -> list[Entry]:
        found = []
        for entity in self._read(p4r.Entity(table_entry=query), table.name):
            message = entity.table_entry
            with _told_by(self._address):
                matches, _ = entries.decode_key(table, message)
                default = entries.decode_action(table, message.action, is_default=False)
            found.append(Entry(matches, default.action, default.arguments, message.priority))
        return found

    def _read(self, entity: Any, what: str) -> list[Any]:
        request = p4r.ReadRequest(device_id=self._device_id)
        request.entities.append(entity)
        try:
            answers = self._stub.Read(request, timeout=_TIMEOUT_S)
            return [each for answer in answers for each in answer.entities]
        except grpc.RpcError as error:
            raise TraceError(f"{self._address}: reading {what}: {error.details()}") from None

    def _checked_schema(self, program: ir.Program) -> schema.Schema:
        """The switch's own, with its sizes; TraceError unless it is `program`'s but for them."""
        request = p4r.GetForwardingPipelineConfigRequest(
            device_id=self._device_id,
            response_type=p4r.GetForwardingPipelineConfigRequest.P4INFO_AND_COOKIE,
        )
        try:
            answer = self._stub.GetForwardingPipelineConfig(
                request, timeout=_TIMEOUT_S, wait_for_ready=True
            )
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                text = f"no P4Runtime server answers at {self._address}: is the switch running?"
                raise TraceError(text) from None
            raise TraceError(f"{self._address}: {error.details()}") from None
        try:
            theirs = schema.load(answer.config.p4info)
        except schema.SchemaError as error:
            raise TraceError(f"{self._address}: {error}") from None
        differing = _difference(schema.load(p4info(program)), theirs)
        if differing is not None:
            raise TraceError(
                f"{self._address} runs another program: {differing} differs; give the source that "
                "was compiled for it"
            )
        return theirs


def _difference(ours: schema.Schema, theirs: schema.Schema) -> str | None:
    """What first tells two programs apart, sizes aside."""
    for name in sorted(ours.tables_by_name.keys() | theirs.tables_by_name.keys()):
        if _shape(ours.tables_by_name.get(name)) != _shape(theirs.tables_by_name.get(name)):
            return f"table {name}"
    for kind in ("counters", "meters", "registers"):
        of_ours, of_theirs = (
            {(each.id, each.name) for each in getattr(one, kind).values()} for one in (ours, theirs)
        )
        if of_ours != of_theirs:
            return str(min(name for _, name in of_ours ^ of_theirs))
    return None


def _shape(table: schema.Table | None) -> object:
    return None if table is None else (table.id, table.fields, table.actions, table.scopes)


def _config_of(message: Any) -> MeterConfig | None:
    if not message.HasField("config"):
        return None
    config = message.config
    return MeterConfig(config.cir, config.cburst, config.pir, config.pburst)


@contextmanager
def _told_by(address: str) -> Iterator[None]:
    """What a switch tells that does not fit its own P4Info ends the trace."""
    try:
        yield
    except RequestError as error:
        raise TraceError(f"{address} tells what does not fit its P4Info: {error}") from None

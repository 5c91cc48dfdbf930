"""Reading a running switch over P4Runtime: its program, tables and counters.

Nothing is written, and no mastership asked: any number of readers may look beside the controller.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import grpc
from finsy.proto import p4r, p4r_grpc

from p4xdp.dataplane import CounterValue, Entry
from p4xdp.runtime import entries, schema
from p4xdp.runtime.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 120.0
_MAX_MESSAGE_BYTES = 64 << 20


class SwitchError(Exception):
    """A switch that does not answer, or refuses. One line, saying what to do."""


class Reader:
    """The switch at `address`, `HOST:PORT` or `unix:PATH`; for `with`.

    SwitchError if nobody answers there. `schema` is the switch's own, with its sizes.
    """

    def __init__(self, address: str, device_id: int = 1) -> None:
        self.address = address
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
        try:
            self.schema = self._schema()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._channel.close()

    def read(self, entity: Any, what: str) -> Iterator[Any]:
        """Yield the entities that one asks for; `what` names it if the switch refuses."""
        request = p4r.ReadRequest(device_id=self._device_id)
        request.entities.append(entity)
        try:
            for answer in self._stub.Read(request, timeout=_READ_TIMEOUT_S):
                yield from answer.entities
        except grpc.RpcError as error:
            raise SwitchError(f"{self.address}: reading {what}: {error.details()}") from None

    def table_entries(self, table: schema.Table, query: Any = None) -> Iterator[Entry]:
        """Yield what a table holds, or those entries that a TableEntry asks for."""
        asked = p4r.TableEntry(table_id=table.id) if query is None else query
        for entity in self.read(p4r.Entity(table_entry=asked), table.name):
            message = entity.table_entry
            with self.understanding():
                matches, _ = entries.decode_key(table, message)
                default = entries.decode_action(table, message.action, is_default=False)
            yield Entry(matches, default.action, default.arguments, message.priority)

    def default(self, table: schema.Table) -> schema.Default | None:
        """Return what a miss does; None if the switch does not tell."""
        query = p4r.TableEntry(table_id=table.id, is_default_action=True)
        for entity in self.read(p4r.Entity(table_entry=query), table.name):
            with self.understanding():
                return entries.decode_action(table, entity.table_entry.action, is_default=True)
        return None

    def counter(self, array: schema.Array) -> Iterator[tuple[int, CounterValue]]:
        """Yield index and value of every cell of an indexed counter."""
        query = p4r.CounterEntry(counter_id=array.id)
        for entity in self.read(p4r.Entity(counter_entry=query), array.name):
            cell = entity.counter_entry
            yield cell.index.index, _value(cell.data)

    def direct_counters(self, table: schema.Table) -> Iterator[tuple[Entry, CounterValue]]:
        """Yield the entries of a table with direct counters, with what they counted."""
        query = p4r.TableEntry(table_id=table.id)
        query.counter_data.SetInParent()
        for entity in self.read(p4r.Entity(table_entry=query), table.name):
            message = entity.table_entry
            with self.understanding():
                matches, _ = entries.decode_key(table, message)
                default = entries.decode_action(table, message.action, is_default=False)
            entry = Entry(matches, default.action, default.arguments, message.priority)
            yield entry, _value(message.counter_data)

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """What a switch tells that does not fit its own P4Info is a fault of its."""
        try:
            yield
        except RequestError as error:
            text = f"{self.address} tells what does not fit its P4Info: {error}"
            raise SwitchError(text) from None

    def _schema(self) -> schema.Schema:
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
                text = f"no P4Runtime server answers at {self.address}: is the switch running?"
                raise SwitchError(text) from None
            raise SwitchError(f"{self.address}: {error.details()}") from None
        try:
            return schema.load(answer.config.p4info)
        except schema.SchemaError as error:
            raise SwitchError(f"{self.address}: {error}") from None


def _value(data: Any) -> CounterValue:
    return CounterValue(data.packet_count, data.byte_count)

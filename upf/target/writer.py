"""Plans into Write calls: one at a time, many plans in one when they wait for each other.

While a Write is on its way, plans gather; the next Write takes them all. If the switch refuses it,
it has rolled back, and every plan is tried alone: a bad one fails by itself. A switch that cannot
roll back is undone from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import grpc
from finsy.proto import U128, p4r, rpc_code

from upf.errors import TargetError, WriteRejectedError
from upf.plan import Cell, Plan
from upf.target import rpc_errors, wire
from upf.target.gathering import Gathering, Waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from upf.entry import Entry
    from upf.target.schema import Schema

_WRITE = "/p4.v1.P4Runtime/Write"
MAX_UPDATES_PER_WRITE = 4096  # a batch of this size keeps a switch busy for some tens of ms
WRITE_TIMEOUT_S = 30.0

_ROLLBACK = p4r.WriteRequest.ROLLBACK_ON_ERROR
_CONTINUE = p4r.WriteRequest.CONTINUE_ON_ERROR


@dataclass(frozen=True, slots=True)
class Identity:
    """How requests are signed."""

    device_id: int
    election_id: int

    def request(self, atomicity: int) -> Any:
        """Begin a WriteRequest."""
        return p4r.WriteRequest(
            device_id=self.device_id,
            election_id=U128.encode(self.election_id),
            atomicity=atomicity,
        )


class WriteCall(Protocol):
    """The Write RPC, of a request as octets; raises grpc.aio.AioRpcError."""

    def __call__(self, request: bytes, *, timeout: float) -> Awaitable[Any]: ...


def write_call(channel: Any) -> WriteCall:
    """The Write RPC of a channel."""
    call: WriteCall = channel.unary_unary(_WRITE)
    return call


class Update(NamedTuple):
    """An update as octets. `order` tells which go first, `source` is what it was made of."""

    order: int
    octets: bytes
    source: Entry | Cell
    entry: Entry | None


_order_of = attrgetter("order")
# Orders of updates: rates, then entries to create, change and remove, those by the rank of tables.
_RATES, _INSERTS, _MODIFIES, _DELETES = 0, 1 << 16, 2 << 16, 3 << 16


@dataclass(slots=True)
class _Waiting(Waiting[None]):
    plan: Plan
    updates: list[Update]
    touched: Sequence[object]


class Writer(Gathering[_Waiting]):
    """Applies plans by a Write RPC. `check` raises when writing is not allowed."""

    def __init__(self, call: WriteCall, schema: Schema, check: Callable[[], Identity]) -> None:
        super().__init__()
        self._call = call
        self._schema = schema
        self._check = check
        self._can_roll_back = True
        self.writes_sent = 0

    async def apply(self, plan: Plan) -> None:
        """Carry out a plan whole, or raise and leave the switch as it was.

        ValueError if an entry does not fit its table: a fault of ours.
        """
        if not plan:
            return
        self._check()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        touched = [*plan.rates, *(entry.identity for entry in entries_of(plan))]
        self._begin(_Waiting(done, plan, self._encoded(plan), touched))
        await done

    def _take(self) -> list[_Waiting]:
        """Take what may share a Write: plans that touch different entries, up to a size."""
        batch: list[_Waiting] = []
        touched: set[object] = set()
        size = 0
        while self._waiting:
            waiting = self._waiting[0]
            if waiting.done.cancelled():
                self._waiting.popleft()
                continue
            too_many = size + len(waiting.updates) > MAX_UPDATES_PER_WRITE
            if batch and (too_many or not touched.isdisjoint(waiting.touched)):
                break
            batch.append(self._waiting.popleft())
            touched.update(waiting.touched)
            size += len(waiting.updates)
        return batch

    async def _carry_out(self, batch: list[_Waiting]) -> None:
        if len(batch) > 1 and self._can_roll_back:
            try:
                await self._write(batch)
            except WriteRejectedError:
                pass  # below each is told by itself what was wrong with it
            except TargetError as error:
                for waiting in batch:
                    waiting.fail(error)
                return
            else:
                for waiting in batch:
                    waiting.succeed(None)
                return
        for waiting in batch:
            try:
                await self._write([waiting])
            except TargetError as error:
                waiting.fail(error)
            else:
                waiting.succeed(None)

    async def _write(self, batch: list[_Waiting]) -> None:
        """Write plans as one batch; they are in force when this returns, and not when it raises."""
        atomicity = _ROLLBACK if self._can_roll_back else _CONTINUE
        updates = _in_order(each for waiting in batch for each in waiting.updates)
        try:
            await self._send(atomicity, updates)
        except grpc.aio.AioRpcError as error:
            if atomicity == _ROLLBACK and error.code() is grpc.StatusCode.UNIMPLEMENTED:
                self._can_roll_back = False
                for waiting in batch:
                    await self._write([waiting])
                return
            codes = rpc_errors.update_codes(error)
            if not codes:
                raise rpc_errors.from_rpc(error, "write") from error
            if atomicity == _CONTINUE:
                done = [
                    each
                    for each, (code, _) in zip(updates, codes, strict=False)
                    if code == rpc_code.OK
                ]
                await self._undo(batch[0].plan, done)
            raise rpc_errors.rejected(codes, [each.entry for each in updates]) from error

    async def _undo(self, plan: Plan, done: list[Update]) -> None:
        """Reverse the updates that were accepted, on a switch that does not do it itself."""
        accepted = {id(each.source) for each in done}

        def of(entries: Sequence[Entry]) -> tuple[Entry, ...]:
            return tuple(each for each in entries if id(each) in accepted)

        undone = Plan(
            rates={cell: rate for cell, rate in plan.rates.items() if id(cell) in accepted},
            inserts=of(plan.inserts),
            modifies=of(plan.modifies),
            deletes=of(plan.deletes),
            before=plan.before,
            rates_before=plan.rates_before,
        ).inverse()
        if not undone:
            return
        try:
            await self._send(_CONTINUE, _in_order(self._encoded(undone)))
        except grpc.aio.AioRpcError as error:
            raise rpc_errors.from_rpc(error, "undoing a refused write") from error

    async def _send(self, atomicity: int, updates: list[Update]) -> None:
        self.writes_sent += 1
        identity = self._check()
        octets = [each.octets for each in updates]
        request = wire.write_request(identity.device_id, identity.election_id, atomicity, octets)
        await self._call(request, timeout=WRITE_TIMEOUT_S)

    def _encoded(self, plan: Plan) -> list[Update]:
        """A plan's updates."""
        table_of, meter, octets_of = self._schema.table, self._schema.meter, wire.table_update
        updates = [
            Update(_RATES, wire.meter_update(meter(cell[0]).id, cell[1], rate), cell, None)
            for cell, rate in plan.rates.items()
        ]
        for entry in plan.inserts:
            table = table_of(entry.table)
            octets = octets_of(wire.INSERT, table.octets(entry))
            updates.append(Update(_INSERTS - table.rank, octets, entry, entry))
        for entry in plan.modifies:
            table = table_of(entry.table)
            octets = octets_of(wire.MODIFY, table.octets(entry))
            updates.append(Update(_MODIFIES - table.rank, octets, entry, entry))
        for entry in plan.deletes:
            table = table_of(entry.table)
            octets = octets_of(wire.DELETE, table.key_octets(entry))
            updates.append(Update(_DELETES + table.rank, octets, entry, entry))
        return updates


def _in_order(updates: Iterable[Update]) -> list[Update]:
    """Updates of one kind to one table stand together, and no switch need reorder them: what is
    referred to before what refers, and removed after it.
    """
    return sorted(updates, key=_order_of)


def entries_of(plan: Plan) -> list[Entry]:
    """The entries of a plan in the order of its updates."""
    return [*plan.inserts, *plan.modifies, *plan.deletes]

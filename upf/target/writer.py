"""Plans into Write calls: one at a time, many plans in one when they wait for each other.

While a Write is on its way, plans gather; the next Write takes them all. If the switch refuses it,
it has rolled back, and every plan is tried alone: a bad one fails by itself. A switch that cannot
roll back is undone from here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import grpc
from finsy.proto import U128, p4r, rpc_code

from upf.errors import TargetError, WriteRejectedError
from upf.plan import Plan
from upf.target import rpc_errors, wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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


@dataclass(slots=True)
class _Waiting:
    """`updates` are the plan's, as octets, one after the other."""

    plan: Plan
    updates: list[bytes]
    done: asyncio.Future[None]
    touched: Sequence[object]


class Writer:
    """Applies plans by a Write RPC. `check` raises when writing is not allowed."""

    def __init__(self, call: WriteCall, schema: Schema, check: Callable[[], Identity]) -> None:
        self._call = call
        self._schema = schema
        self._check = check
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._can_roll_back = True
        self.writes_sent = 0

    async def apply(self, plan: Plan) -> None:
        """Carry out a plan whole, or raise and leave the switch as it was.

        ValueError if an entry does not fit its table: a fault of ours.
        """
        if not plan:
            return
        self._check()
        loop = asyncio.get_running_loop()
        touched = [*plan.rates, *(entry.identity for entry in entries_of(plan))]
        waiting = _Waiting(plan, self._encoded(plan), loop.create_future(), touched)
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        await waiting.done

    async def close(self) -> None:
        """Fail what still waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        while self._waiting:
            _fail(self._waiting.popleft(), TargetError("the connection to the switch is closed"))

    async def _drain(self) -> None:
        while self._waiting:
            batch = self._take()
            try:
                await self._write_all(batch)
            except asyncio.CancelledError:
                for waiting in batch:
                    _fail(waiting, TargetError("the connection to the switch is closed"))
                raise

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

    async def _write_all(self, batch: list[_Waiting]) -> None:
        if len(batch) > 1 and self._can_roll_back:
            try:
                await self._write(batch)
            except WriteRejectedError:
                pass  # below each is told by itself what was wrong with it
            except TargetError as error:
                for waiting in batch:
                    _fail(waiting, error)
                return
            else:
                for waiting in batch:
                    _succeed(waiting)
                return
        for waiting in batch:
            try:
                await self._write([waiting])
            except TargetError as error:
                _fail(waiting, error)
            else:
                _succeed(waiting)

    async def _write(self, batch: list[_Waiting]) -> None:
        """Write plans as one batch; they are in force when this returns, and not when it raises."""
        atomicity = _ROLLBACK if self._can_roll_back else _CONTINUE
        try:
            await self._send(atomicity, [each for waiting in batch for each in waiting.updates])
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
                await self._undo(batch[0].plan, [code == rpc_code.OK for code, _ in codes])
            entries: list[Entry | None] = []
            for waiting in batch:
                entries += [None] * len(waiting.plan.rates)
                entries += entries_of(waiting.plan)
            raise rpc_errors.rejected(codes, entries) from error

    async def _undo(self, plan: Plan, was_done: list[bool]) -> None:
        """Reverse the updates that were accepted, on a switch that does not do it itself."""
        flags = iter(was_done)
        done = Plan(
            rates={cell: rate for cell, rate in plan.rates.items() if next(flags)},
            inserts=tuple(entry for entry in plan.inserts if next(flags)),
            modifies=tuple(entry for entry in plan.modifies if next(flags)),
            deletes=tuple(entry for entry in plan.deletes if next(flags)),
            before=plan.before,
            rates_before=plan.rates_before,
        )
        if not done:
            return
        try:
            await self._send(_CONTINUE, self._encoded(done.inverse()))
        except grpc.aio.AioRpcError as error:
            raise rpc_errors.from_rpc(error, "undoing a refused write") from error

    async def _send(self, atomicity: int, updates: list[bytes]) -> None:
        self.writes_sent += 1
        identity = self._check()
        request = wire.write_request(identity.device_id, identity.election_id, atomicity, updates)
        await self._call(request, timeout=WRITE_TIMEOUT_S)

    def _encoded(self, plan: Plan) -> list[bytes]:
        """A plan's updates: set rates, create, change, then remove."""
        table, meter, update = self._schema.table, self._schema.meter, wire.table_update
        updates = [
            wire.meter_update(meter(name).id, index, rate)
            for (name, index), rate in plan.rates.items()
        ]
        for kind, entries in ((wire.INSERT, plan.inserts), (wire.MODIFY, plan.modifies)):
            updates += [update(kind, table(each.table).octets(each)) for each in entries]
        updates += [
            update(wire.DELETE, table(each.table).key_octets(each)) for each in plan.deletes
        ]
        return updates


def entries_of(plan: Plan) -> list[Entry]:
    """The entries of a plan in the order of its updates."""
    return [*plan.inserts, *plan.modifies, *plan.deletes]


def _succeed(waiting: _Waiting) -> None:
    if not waiting.done.done():
        waiting.done.set_result(None)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)

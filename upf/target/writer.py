"""Plans into Write calls: one at a time, many plans in one when they wait for each other.

While a Write is on its way, plans gather; the next Write takes them all. If the switch refuses it,
it has rolled back, and every plan is tried alone: a bad one fails by itself. A switch that cannot
roll back is undone from here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import U128, p4r, rpc_code

from upf.entry import EntryKey
from upf.errors import TargetError, WriteRejectedError
from upf.plan import Plan
from upf.target import rpc_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from upf.entry import Entry
    from upf.target.schema import Schema

MAX_UPDATES_PER_WRITE = 4096  # a batch of this size keeps a switch busy for some tens of ms
WRITE_TIMEOUT_S = 30.0

_INSERT, _MODIFY, _DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE
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


@dataclass(slots=True)
class _Waiting:
    plan: Plan
    done: asyncio.Future[None]
    identities: frozenset[EntryKey] = field(init=False)

    def __post_init__(self) -> None:
        self.identities = frozenset(entry.identity for entry in entries_of(self.plan))

    @property
    def size(self) -> int:
        return len(self.identities)


class Writer:
    """Applies plans through a P4Runtime stub. `check` raises when writing is not allowed."""

    def __init__(self, stub: Any, schema: Schema, check: Callable[[], Identity]) -> None:
        self._stub = stub
        self._schema = schema
        self._check = check
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._can_roll_back = True
        self.writes_sent = 0

    async def apply(self, plan: Plan) -> None:
        """Carry out a plan whole, or raise and leave the switch as it was."""
        if not plan:
            return
        self._check()
        waiting = _Waiting(plan, asyncio.get_running_loop().create_future())
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
        touched: set[EntryKey] = set()
        size = 0
        while self._waiting:
            waiting = self._waiting[0]
            if waiting.done.cancelled():
                self._waiting.popleft()
                continue
            too_many = size + waiting.size > MAX_UPDATES_PER_WRITE
            if batch and (too_many or not touched.isdisjoint(waiting.identities)):
                break
            batch.append(self._waiting.popleft())
            touched |= waiting.identities
            size += waiting.size
        return batch

    async def _write_all(self, batch: list[_Waiting]) -> None:
        if len(batch) > 1 and self._can_roll_back:
            try:
                await self._write([waiting.plan for waiting in batch])
            except (WriteRejectedError, ValueError):
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
                await self._write([waiting.plan])
            except (TargetError, ValueError) as error:
                _fail(waiting, error)
            else:
                _succeed(waiting)

    async def _write(self, plans: list[Plan]) -> None:
        """Write plans as one batch; they are in force when this returns, and not when it raises."""
        identity = self._check()
        atomicity = _ROLLBACK if self._can_roll_back else _CONTINUE
        request = identity.request(atomicity)
        for plan in plans:
            self._encode(plan, request)
        try:
            await self._send(request)
        except grpc.aio.AioRpcError as error:
            if atomicity == _ROLLBACK and error.code() is grpc.StatusCode.UNIMPLEMENTED:
                self._can_roll_back = False
                for plan in plans:
                    await self._write([plan])
                return
            codes = rpc_errors.update_codes(error)
            if not codes:
                raise rpc_errors.from_rpc(error, "write") from error
            if atomicity == _CONTINUE:
                await self._undo(plans[0], [code == rpc_code.OK for code, _ in codes])
            entries = [entry for plan in plans for entry in entries_of(plan)]
            raise rpc_errors.rejected(codes, entries) from error

    async def _undo(self, plan: Plan, was_done: list[bool]) -> None:
        """Reverse the updates that were accepted, on a switch that does not do it itself."""
        flags = iter(was_done)
        done = Plan(
            inserts=tuple(entry for entry in plan.inserts if next(flags)),
            modifies=tuple(entry for entry in plan.modifies if next(flags)),
            deletes=tuple(entry for entry in plan.deletes if next(flags)),
            before=plan.before,
        )
        if not done:
            return
        request = self._check().request(_CONTINUE)
        self._encode(done.inverse(), request)
        try:
            await self._send(request)
        except grpc.aio.AioRpcError as error:
            raise rpc_errors.from_rpc(error, "undoing a refused write") from error

    async def _send(self, request: Any) -> None:
        self.writes_sent += 1
        await self._stub.Write(request, timeout=WRITE_TIMEOUT_S)

    def _encode(self, plan: Plan, request: Any) -> None:
        """Append a plan's updates: create, change, then remove."""
        table = self._schema.table
        updates = request.updates
        for entry in plan.inserts:
            update = updates.add(type=_INSERT)
            table(entry.table).encode(entry, update.entity.table_entry)
        for entry in plan.modifies:
            update = updates.add(type=_MODIFY)
            table(entry.table).encode(entry, update.entity.table_entry)
        for entry in plan.deletes:
            update = updates.add(type=_DELETE)
            table(entry.table).encode_key(entry, update.entity.table_entry)


def entries_of(plan: Plan) -> list[Entry]:
    """The entries of a plan in the order of its updates."""
    return [*plan.inserts, *plan.modifies, *plan.deletes]


def _succeed(waiting: _Waiting) -> None:
    if not waiting.done.done():
        waiting.done.set_result(None)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)

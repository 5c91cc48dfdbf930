"""A switch together with what it is to hold, so that it can be brought there again.

Writes go through to the switch and are noted once they are in force. Until the first `reconcile`
they are only noted; that reads back what the switch holds and writes what differs, nothing else.
While the switch is gone or being brought up to date, what is asked of it waits a moment, then
fails.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from upf import tables
from upf.errors import NotPrimaryError, TargetError, WriteRejectedError
from upf.plan import Plan, diff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence

    from upf.entry import Counts, Entry, EntryKey, MeterRate
    from upf.packet_trace import PacketTrace
    from upf.target import PacketIn
    from upf.target.p4rt import P4RuntimeTarget

# An SMF asks again after a few seconds: what takes longer is better refused than asked twice.
WAIT_S = 1.5
_UPDATES_PER_WRITE = 4096

log = logging.getLogger(__name__)


class _Link(Enum):
    """How the switch is reached."""

    NOT_YET = "not yet"
    GONE = "gone"
    LIVE = "live"


class HeldSwitch:
    """`upf.target.Target` over a switch that may go and come back."""

    def __init__(self, target: P4RuntimeTarget) -> None:
        # Writes that failed so that nobody knows what the switch holds.
        self._doubt: asyncio.Queue[TargetError] = asyncio.Queue()
        self.entries: dict[EntryKey, Entry] = {}
        self.meters: dict[tuple[str, int], MeterRate | None] = {}
        self._target = target
        self._link = _Link.NOT_YET
        self._is_live = asyncio.Event()
        self._why = "it is not yet known what the switch holds"
        self._clones: dict[int, int] = {}
        self._receiver: Callable[[PacketIn], Awaitable[None]] | None = None

    # Bringing it about.

    def lose(self, error: TargetError) -> None:
        """Have everything wait, and fail: the switch is gone."""
        if self._link is _Link.LIVE:
            self._link = _Link.GONE
            self._is_live.clear()
        self._why = str(error)

    def replace(self, target: P4RuntimeTarget) -> None:
        """Go on with another connection, once it is reconciled."""
        self._target = target
        self._doubt = asyncio.Queue()
        if self._receiver is not None:
            target.on_packet_in(self._receiver)

    async def reconcile(self) -> Reconciled:
        """Make the switch hold what it is to hold, and let writes through from here on.

        TargetError if it cannot be brought there.
        """
        plan, num_held = await self._differences()
        num_meters = await self._reconcile_meters()
        await self._write(plan)
        for session_id, port in self._clones.items():
            await self._target.write_clone_session(session_id, port)
        self._link = _Link.LIVE
        self._is_live.set()
        return Reconciled(
            num_held, len(plan.inserts), len(plan.modifies), len(plan.deletes), num_meters
        )

    async def _differences(self) -> tuple[Plan, int]:
        """What has to be written, and how many entries the switch holds."""
        wanted: dict[str, list[Entry]] = {table: [] for table in tables.TABLES.values()}
        for entry in self.entries.values():
            wanted[entry.table].append(entry)
        strays: list[Entry] = []
        missing: set[EntryKey] = set()
        num_held = 0
        for table, entries in wanted.items():
            others, lacking, num = await self._target.differences(table, entries)
            strays += others
            missing.update(entry.identity for entry in lacking)
            num_held += num
        # In the order noted, in which what an entry refers to comes before it.
        lacking = [entry for key, entry in self.entries.items() if key in missing]
        return diff(strays, lacking), num_held

    async def _reconcile_meters(self) -> int:
        """Meters before what runs through them; how many had another rate."""
        wanted: dict[str, dict[int, MeterRate | None]] = {}
        for (meter, index), rate in self.meters.items():
            wanted.setdefault(meter, {})[index] = rate
        num_changed = 0
        for meter, rates in wanted.items():
            found = await self._target.read_meters(meter, list(rates))
            changed = {
                index: rate
                for (index, rate), its in zip(rates.items(), found, strict=True)
                if rate != its
            }
            num_changed += len(changed)
            for indexes in _chunks(list(changed)):
                await self._target.write_meters(meter, {each: changed[each] for each in indexes})
        return num_changed

    async def _write(self, plan: Plan) -> None:
        """Carry out a plan that may be larger than one Write."""
        inserts = [Plan(inserts=chunk) for chunk in _chunks(plan.inserts)]
        deletes = [Plan(deletes=chunk) for chunk in _chunks(plan.deletes)]
        for chunk in _chunks(plan.modifies):
            before = {each.identity: plan.before[each.identity] for each in chunk}
            inserts.append(Plan(modifies=chunk, before=before))
        try:
            for each in inserts:
                await self._target.apply(each)
        except WriteRejectedError as error:
            # What does not belong there may take the room; what was accepted stays.
            log.warning("the switch has no room (%s): removing what does not belong there", error)
            for each in deletes:
                await self._target.apply(each)
            await self._write_missing()
            return
        for each in deletes:
            await self._target.apply(each)

    async def _write_missing(self) -> None:
        plan, _ = await self._differences()
        for chunk in _chunks((*plan.inserts, *plan.modifies)):
            new = tuple(each for each in chunk if each.identity not in plan.before)
            old = tuple(each for each in chunk if each.identity in plan.before)
            await self._target.apply(Plan(inserts=new, modifies=old, before=plan.before))

    # The calls of Target.

    async def apply(self, plan: Plan) -> None:
        """Carry out a plan whole; if it fails the switch is to hold what it was to hold before."""
        if self._link is not _Link.NOT_YET:
            await self._live()
            try:
                await self._target.apply(plan)
            except (WriteRejectedError, NotPrimaryError):
                raise
            except TargetError as error:
                self._doubt.put_nowait(error)
                raise
        if plan.rates:
            self.meters.update(plan.rates)
        entries = self.entries
        for entry in plan.inserts:
            entries[entry.identity] = entry
        for entry in plan.modifies:
            entries[entry.identity] = entry
        for entry in plan.deletes:
            entries.pop(entry.identity, None)

    async def write_meter(self, meter: str, index: int, rate: MeterRate | None) -> None:
        """Set a cell of an indexed meter; None removes the limit."""
        await self.write_meters(meter, {index: rate})

    async def write_meters(self, meter: str, rates: Mapping[int, MeterRate | None]) -> None:
        """Set several cells of an indexed meter in one call."""
        if self._link is not _Link.NOT_YET:
            await self._live()
            await self._target.write_meters(meter, rates)
        self.meters.update({(meter, index): rate for index, rate in rates.items()})

    async def write_clone_session(self, session_id: int, port: int) -> None:
        """Have copies of packets that are mirrored to a session leave by a port."""
        if self._link is not _Link.NOT_YET:
            await self._live()
        await self._target.write_clone_session(session_id, port)
        self._clones[session_id] = port

    async def write_registers(self, register: str, cells: Mapping[int, Sequence[int]]) -> None:
        """Set cells of a register. They are the switch's: nobody sets them again."""
        await self._target.write_registers(register, cells)

    async def read_registers(self, register: str, indexes: Sequence[int]) -> list[tuple[int, ...]]:
        """Read cells of a register, in the order asked."""
        return await self._target.read_registers(register, indexes)

    async def read_counters(self, counter: str, indexes: Sequence[int]) -> list[Counts]:
        """Read cells of an indexed counter, in the order asked."""
        self._check_there()
        return await self._target.read_counters(counter, indexes)

    def counters_request(self, counter: str, indexes: Sequence[int]) -> object:
        """A request for cells of an indexed counter, which may be made any number of times."""
        return self._target.counters_request(counter, indexes)

    async def read_columns(self, request: object) -> tuple[Sequence[int], Sequence[int]]:
        """Packets and octets of the cells of a request, in the order asked."""
        self._check_there()
        return await self._target.read_columns(request)

    async def read_meters(self, meter: str, indexes: Sequence[int]) -> list[MeterRate | None]:
        """The settings of cells of an indexed meter, in the order asked; None is no limit."""
        return await self._target.read_meters(meter, indexes)

    async def read_entries(self, table: str) -> list[Entry]:
        """Everything a table holds."""
        return await self._target.read_entries(table)

    async def differences(
        self, table: str, wanted: Collection[Entry]
    ) -> tuple[list[Entry], list[Entry], int]:
        """What a table holds that is not wanted so, what is wanted and not there so, and how many
        entries it holds.
        """
        return await self._target.differences(table, wanted)

    async def packet_out(self, egress_port: int, frame: bytes) -> None:
        """Send a finished frame."""
        self._check_there()
        await self._target.packet_out(egress_port, frame)

    async def packet_again(self, ingress_port: int, frame: bytes) -> None:
        """Have the switch deal with a frame as if it had just arrived on a port."""
        self._check_there()
        await self._target.packet_again(ingress_port, frame)

    def size(self, name: str) -> int:
        """How many entries a table, or cells an array, has on this switch."""
        return self._target.size(name)

    def counters(self) -> Sequence[str]:
        """The names of all indexed counters of this switch's program."""
        return self._target.counters()

    def port_faults(self) -> Mapping[int, str]:
        """What is wrong with ports that do not forward, as the switch told last."""
        return self._target.port_faults()

    def on_packet_in(self, receiver: Callable[[PacketIn], Awaitable[None]]) -> None:
        """Name who gets the packets that the pipeline shows the controller."""
        self._receiver = receiver
        self._target.on_packet_in(receiver)

    async def trace(self, ingress_port: int, frame: bytes) -> PacketTrace:
        """What the pipeline would make of a frame. Nothing is sent or counted."""
        return await self._target.trace(ingress_port, frame)

    async def wait_trouble(self) -> TargetError:
        """Wait until the switch is gone, or nobody knows what it holds; says why."""
        waits = [
            asyncio.ensure_future(self._target.wait_lost()),
            asyncio.ensure_future(self._doubt.get()),
        ]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        return done.pop().result()

    async def close(self) -> None:
        """Let go of the switch (and end it, if it is ours)."""
        await self._target.close()

    async def detach(self) -> None:
        """Let go of the switch and leave its interfaces as they were before."""
        await self._target.detach()

    def _check_there(self) -> None:
        if self._link is _Link.GONE:
            raise TargetError(f"the switch cannot be reached now: {self._why}")

    async def _live(self) -> None:
        """Wait for the switch, but not for long."""
        if self._link is _Link.LIVE:
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._is_live.wait()
        except TimeoutError:
            raise TargetError(f"the switch cannot be written to now: {self._why}") from None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many entries a switch held, and how many were missing, other, or did not belong there;
    how many meters had another rate.
    """

    held: int
    missing: int
    changed: int
    strays: int
    meters: int

    def __str__(self) -> str:
        return (
            f"{self.held} entries read back, {self.missing} missing, {self.changed} changed, "
            f"{self.strays} strays, {self.meters} meters set"
        )


def _chunks(items: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for first in range(0, len(items), _UPDATES_PER_WRITE):
        yield tuple(items[first : first + _UPDATES_PER_WRITE])

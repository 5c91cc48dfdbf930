"""The interpreter and the XDP code of one program side by side: same contents, same clock."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from p4xdp import xdp
from p4xdp.dataplane import (
    CloneSession,
    CounterValue,
    DataplaneError,
    Entry,
    MeterConfig,
    PacketResult,
    Replica,
    TableFullError,
)
from p4xdp.interp import Interpreter
from p4xdp.profiles import lowered
from p4xdp.walk import mirrors
from p4xdp.xdp.manifest import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from p4xdp import ir
    from p4xdp.interp.observer import Observer

CPU_PORT, HOST_PORT, RECIRCULATION_PORT = 192, 193, 68
SHORTEST_OCTETS = 14  # the kernel takes and makes no shorter frame
_BEGINNING_NS = 10**12
_LARGEST_TABLE = 1024
_LARGEST_ARRAY = 64

_DROPPED = PacketResult("drop", None, b"")
_CLONE_SESSIONS = {
    **{session: CloneSession((Replica(CPU_PORT),)) for session in range(1, 8)},
    8: CloneSession((Replica(CPU_PORT, 1), Replica(RECIRCULATION_PORT, 2)), most_octets=40),
}

Arguments: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame received on `port`, `elapsed_ns` after what was before it."""

    port: int
    frame: bytes
    elapsed_ns: int


@dataclass(frozen=True, slots=True)
class Change:
    """What the controller does between packets: `verb` is "insert", "modify" or "delete"."""

    verb: str
    table: str
    entry: Entry


Step: TypeAlias = Packet | Change


@dataclass(slots=True)
class Scenario:
    """What both sides are given before the first step, and the steps."""

    defaults: list[tuple[str, str, Arguments]] = field(default_factory=list)
    entries: list[tuple[str, Entry]] = field(default_factory=list)
    meters: list[tuple[str, int, MeterConfig]] = field(default_factory=list)
    direct_meters: list[tuple[str, Entry, MeterConfig]] = field(default_factory=list)
    registers: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the sides differ: after `step`, or in the end in what they have counted."""

    what: str
    interpreter: object
    xdp: object
    step: int | None = None

    def __str__(self) -> str:
        return f"{self.what}\n  interpreter {self.interpreter}\n  XDP         {self.xdp}"


def resized(program: ir.Program) -> ir.Program:
    """Return the program with tables and arrays small enough to compare whole."""

    def smaller(things: Mapping[str, Any], most: int) -> dict[str, Any]:
        return {
            name: thing
            if thing.size is None
            else dataclasses.replace(thing, size=min(thing.size, most))
            for name, thing in things.items()
        }

    def gress(one: ir.Gress) -> ir.Gress:
        return dataclasses.replace(
            one,
            tables=smaller(one.tables, _LARGEST_TABLE),
            counters=smaller(one.counters, _LARGEST_ARRAY),
            meters=smaller(one.meters, _LARGEST_ARRAY),
            registers=smaller(one.registers, _LARGEST_ARRAY),
        )

    return dataclasses.replace(
        program, ingress=gress(program.ingress), egress=gress(program.egress)
    )


class Sides:
    """Both sides of `program` (as `resized` gives it). The XDP code stays loaded."""

    def __init__(self, program: ir.Program, loaded: xdp.XdpDataplane) -> None:
        self.program = program
        self._xdp = loaded
        self._gresses = (program.ingress, program.egress)
        self._tables = {name: t for g in self._gresses for name, t in g.tables.items()}
        self._counters = {name: c for g in self._gresses for name, c in g.counters.items()}
        self._registers = {name: r for g in self._gresses for name, r in g.registers.items()}
        self._mirrors = any(map(mirrors, self._gresses))
        self._set_clone_sessions(loaded)

    @classmethod
    def build(cls, program: ir.Program, directory: Path) -> Self:
        """Generate and load the XDP code of `program`."""
        return cls.load(program, directory, *xdp.generate(program))

    @classmethod
    def load(
        cls, program: ir.Program, directory: Path, c_text: str, manifest: Mapping[str, object]
    ) -> Self:
        """Load `c_text` as the XDP code of `program`."""
        program = lowered(program)
        small = resized(program)
        (directory / "program.bpf.c").write_text(c_text, encoding="utf-8")
        (directory / "program.json").write_text(to_text(manifest), encoding="utf-8")
        sizes = {
            thing.name: thing.size
            for gress in (small.ingress, small.egress)
            for things in (gress.tables, gress.counters, gress.meters, gress.registers)
            for thing in things.values()
            if thing.size is not None
        }
        loaded = xdp.XdpDataplane.open(
            directory, {}, recirculation_ports=(RECIRCULATION_PORT,), sizes=sizes, testing=True
        )
        return cls(small, loaded)

    def close(self) -> None:
        """Unload."""
        self._xdp.close()

    def run(self, scenario: Scenario, observer: Observer | None = None) -> Difference | None:
        """Return the first difference, or None. Both sides are empty before and after."""
        interpreter = Interpreter(
            self.program,
            cpu_port=CPU_PORT,
            host_port=HOST_PORT,
            recirculation_ports=(RECIRCULATION_PORT,),
            observer=observer,
        )
        self._set_clone_sessions(interpreter)
        there: dict[tuple[str, object], Entry] = {}
        try:
            self._set_up(scenario, interpreter, there)
            return (
                self._take_steps(scenario, interpreter, there)
                or self._counted(interpreter, there)
                or self._metered(scenario, interpreter)
                or self._registered(interpreter)
            )
        finally:
            self._clear(scenario, there)

    def _set_clone_sessions(self, side: Interpreter | xdp.XdpDataplane) -> None:
        for session, clones in _CLONE_SESSIONS.items() if self._mirrors else ():
            side.set_clone_session(session, clones)

    def _set_up(
        self, scenario: Scenario, interpreter: Interpreter, there: dict[tuple[str, object], Entry]
    ) -> None:
        for side in (interpreter, self._xdp):
            for default in scenario.defaults:
                side.set_default(*default)
        for table, entry in scenario.entries:
            self._change(Change("insert", table, entry), interpreter, there)
        for side in (interpreter, self._xdp):
            for meter in scenario.meters:
                side.write_meter(*meter)
            for cell in scenario.registers:
                side.write_register(*cell)
        for table, entry, config in scenario.direct_meters:
            if (table, (entry.matches, entry.priority)) in there:
                for side in (interpreter, self._xdp):
                    side.write_direct_meter(table, entry, config)

    def _take_steps(
        self, scenario: Scenario, interpreter: Interpreter, there: dict[tuple[str, object], Entry]
    ) -> Difference | None:
        now_ns = _BEGINNING_NS
        for number, step in enumerate(scenario.steps):
            if isinstance(step, Change):
                found = self._change(step, interpreter, there)
            else:
                now_ns += step.elapsed_ns
                found = self._receive(step, now_ns, interpreter)
            if found is not None:
                return dataclasses.replace(found, step=number)
        return None

    def _receive(self, packet: Packet, now_ns: int, interpreter: Interpreter) -> Difference | None:
        expected = _possible(interpreter.run(packet.port, packet.frame, now_ns))
        seen: object
        try:
            seen = self._xdp.run(packet.port, packet.frame, now_ns)
        except DataplaneError as error:
            seen = error
        if seen == expected:
            return None
        return Difference(f"port {packet.port}, frame {packet.frame.hex()}", expected, seen)

    def _change(
        self, change: Change, interpreter: Interpreter, there: dict[tuple[str, object], Entry]
    ) -> Difference | None:
        outcomes = [_outcome(change, side) for side in (interpreter, self._xdp)]
        if outcomes[0] != outcomes[1]:
            return Difference(str(change), outcomes[0], outcomes[1])
        identity = (change.table, (change.entry.matches, change.entry.priority))
        if change.verb == "insert" and outcomes[0] == "done":
            there[identity] = change.entry
        elif change.verb == "delete":
            there.pop(identity, None)
        return None

    def _counted(
        self, interpreter: Interpreter, there: dict[tuple[str, object], Entry]
    ) -> Difference | None:
        for name, counter in self._counters.items():
            if counter.size is None:
                continue
            values = [side.read_counter(name, 0, counter.size) for side in (interpreter, self._xdp)]
            for index, (expected, seen) in enumerate(zip(*values, strict=True)):
                if expected != seen:
                    return Difference(f"cell {index} of {name}", expected, seen)
        for (table, _), entry in there.items():
            if self._tables[table].direct_counter is None:
                continue
            expected, seen = (
                side.read_direct_counter(table, entry) for side in (interpreter, self._xdp)
            )
            if expected != seen:
                return Difference(f"the counter of {entry} in {table}", expected, seen)
        return None

    def _metered(self, scenario: Scenario, interpreter: Interpreter) -> Difference | None:
        for name, index, _ in scenario.meters:
            expected, seen = (side.meter_state(name, index) for side in (interpreter, self._xdp))
            if expected != seen:
                return Difference(f"the buckets of cell {index} of {name}", expected, seen)
        return None

    def _registered(self, interpreter: Interpreter) -> Difference | None:
        for name, register in self._registers.items():
            sides = (interpreter, self._xdp)
            values = [side.read_register(name, 0, register.size) for side in sides]
            for index, (expected, seen) in enumerate(zip(*values, strict=True)):
                if expected != seen:
                    return Difference(f"cell {index} of {name}", expected, seen)
        return None

    def _clear(self, scenario: Scenario, there: dict[tuple[str, object], Entry]) -> None:
        for (table, _), entry in there.items():
            self._xdp.delete_entries(table, [entry])
        for table, _, _ in scenario.defaults:
            declared = self._tables[table]
            self._xdp.set_default(table, declared.default_action, declared.default_arguments)
        for name, index, _ in scenario.meters:
            self._xdp.write_meter(name, index, None)
        self._xdp.reset_registers()
        for name, counter in self._counters.items():
            if counter.size is None:
                continue
            for index, value in enumerate(self._xdp.read_counter(name, 0, counter.size)):
                if value != CounterValue(0, 0):
                    self._xdp.write_counter(name, index, CounterValue(0, 0))


def _outcome(change: Change, side: Interpreter | xdp.XdpDataplane) -> str:
    methods = {
        "insert": side.insert_entries,
        "modify": side.modify_entries,
        "delete": side.delete_entries,
    }
    try:
        methods[change.verb](change.table, [change.entry])
    except TableFullError:
        return "full"
    except DataplaneError:
        return "refused"
    return "done"


def _possible(result: PacketResult) -> PacketResult:
    """Return what the kernel makes of it, which lets no frame be made that is too short."""
    copies = tuple(map(_possible, result.copies))
    is_short = result.verdict != "drop" and len(result.frame) < SHORTEST_OCTETS
    leaving = _DROPPED if is_short else result
    return dataclasses.replace(leaving, copies=copies, digests=result.digests)

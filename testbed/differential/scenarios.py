"""Scenarios from seeds: entries that packets find, and packets that find them.

Entries are learnt. A frame goes through the interpreter; where a table has nothing for it, an entry
is made that it finds, and it goes again, until it gets through or enough was learnt. Packets are
made of the same few values, so they find what others were taught by.
"""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.dataplane import DataplaneError, Entry
from p4xdp.interp import Interpreter
from p4xdp.interp.expressions import evaluate
from testbed.differential.frames import Frames, broken
from testbed.differential.lengths import repaired
from testbed.differential.sides import (
    CPU_PORT,
    HOST_PORT,
    RECIRCULATION_PORT,
    SHORTEST_OCTETS,
    Change,
    Packet,
    Scenario,
)
from testbed.differential.vocabulary import Vocabulary
from testbed.differential.world import World, meter_config, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.interp.machine import Machine
    from p4xdp.interp.store import TableStore
    from testbed.differential.sides import Step

PORTS = (1, 2, 3)
_ALL_PORTS = (*PORTS, CPU_PORT, HOST_PORT, RECIRCULATION_PORT)
_ROUNDS = 16  # how often a frame goes through to learn from
_LESSONS_A_TABLE = 40
_ELAPSED_NS = (0, 1, 1000, 10**6, 10**9)


class Composer:
    """Makes scenarios for `program` (as `sides.resized` gives it)."""

    def __init__(self, program: ir.Program) -> None:
        self._program = program
        self._vocabulary = Vocabulary(program, _ALL_PORTS)
        self._meters = {
            name: meter
            for gress in (program.ingress, program.egress)
            for name, meter in gress.meters.items()
        }

    def compose(self, seed: int, lessons: Sequence[int], packets: Sequence[int]) -> Scenario:
        """Return the scenario of the world `seed`; each lesson and each packet is a seed too."""
        world = World(self._vocabulary, seed)
        frames = Frames(self._program, world)
        scenario = Scenario()
        self._set_defaults(scenario, world, random.Random(f"defaults {seed}"))
        self._learn(scenario, world, frames, lessons)
        self._set_meters(scenario, random.Random(f"meters {seed}"))
        self._set_registers(scenario, random.Random(f"registers {seed}"))
        sent: list[Packet] = []
        for one in packets:
            rng = random.Random(f"packet {one}")
            if scenario.entries and rng.random() < 0.02:
                scenario.steps.append(self._change(scenario, world, rng))
            sent.append(_packet(frames, sent, rng))
            scenario.steps.append(sent[-1])
        return scenario

    def _set_defaults(self, scenario: Scenario, world: World, rng: random.Random) -> None:
        for gress in (self._program.ingress, self._program.egress):
            for table in gress.tables.values():
                if not table.is_default_const and rng.random() < 0.6:
                    action = world.action(table, gress, rng, is_default=True)
                    scenario.defaults.append((table.name, *action))

    def _learn(
        self, scenario: Scenario, world: World, frames: Frames, lessons: Sequence[int]
    ) -> None:
        learner = _Learner(self._program, world)
        for default in scenario.defaults:
            learner.interpreter.set_default(*default)
        sent: list[Packet] = []
        for one in lessons:
            rng = random.Random(f"lesson {one}")
            sent.append(_packet(frames, sent, rng))
            learner.learn_from(sent[-1], rng)
        scenario.entries = learner.learnt

    def _set_meters(self, scenario: Scenario, rng: random.Random) -> None:
        for name, meter in self._meters.items():
            if meter.size is not None:
                chosen = {rng.randrange(meter.size) for _ in range(3)} | {0, 1, meter.size - 1}
                cells = sorted(index for index in chosen if index < meter.size)
                scenario.meters += [
                    (name, index, meter_config(rng)) for index in cells if rng.random() < 0.7
                ]
            scenario.direct_meters += [
                (table, entry, meter_config(rng))
                for table, entry in scenario.entries
                if table == meter.table and rng.random() < 0.5
            ]

    def _set_registers(self, scenario: Scenario, rng: random.Random) -> None:
        for gress in (self._program.ingress, self._program.egress):
            for name, register in gress.registers.items():
                chosen = {rng.randrange(register.size) for _ in range(3)} | {0, 1}
                for index in sorted(index for index in chosen if index < register.size):
                    values = (number(field.width, rng) for field in register.fields)
                    scenario.registers.append((name, index, tuple(values)))

    def _change(self, scenario: Scenario, world: World, rng: random.Random) -> Step:
        name, entry = rng.choice(scenario.entries)
        gress = next(g for g in (self._program.ingress, self._program.egress) if name in g.tables)
        verb = rng.choice(("insert", "modify", "modify", "delete"))
        action = world.action(gress.tables[name], gress, rng)
        return Change(verb, name, Entry(entry.matches, *action, entry.priority))


class _Learner:
    """Watches an interpreter, and adds the entries its packets miss."""

    def __init__(self, program: ir.Program, world: World) -> None:
        self.interpreter = Interpreter(
            program,
            cpu_port=CPU_PORT,
            host_port=HOST_PORT,
            recirculation_ports=(RECIRCULATION_PORT,),
            watch=self._watch,
        )
        self.learnt: list[tuple[str, Entry]] = []
        self._world = world
        self._rng = random.Random(0)
        self._counts: dict[str, int] = {}
        self._has_learnt = False

    def learn_from(self, packet: Packet, rng: random.Random) -> None:
        """Send a packet until nothing more is learnt from it."""
        self._rng = rng
        for _ in range(_ROUNDS):
            self._has_learnt = False
            self.interpreter.run(packet.port, packet.frame, 1)
            if not self._has_learnt:
                return

    def _watch(self, statement: ir.Statement, machine: Machine) -> None:
        match statement:
            case ir.Apply() if not self._has_learnt:
                self._see_lookup(machine.store.table(statement.table), machine)
            case ir.UpdateChecksum() if self._rng.random() < 0.3:
                self._make_carry(statement, machine)
            case _:
                pass

    def _see_lookup(self, store: TableStore, machine: Machine) -> None:
        table = store.table
        if not table.keys or table.entries is not None:
            return
        if self._counts.get(table.name, 0) >= _LESSONS_A_TABLE:
            return
        values = [evaluate(key.expression, machine) for key in table.keys]
        is_known = store.lookup(values) is not None
        if self._rng.random() < (0.9 if is_known else 0.1):
            return
        entry = self._world.entry(table, values, machine.gress, str(self._rng.random()))
        try:
            store.insert([entry])
        except DataplaneError:
            return  # it is there, or no more fit
        self._counts[table.name] = self._counts.get(table.name, 0) + 1
        self.learnt.append((table.name, entry))
        self._has_learnt = True

    def _make_carry(self, statement: ir.UpdateChecksum, machine: Machine) -> None:
        """Change an argument so that this packet's checksum carries twice, which few do.

        The sum of the words, folded once, is then more than 16 bits.
        """
        total, width = 0, 0
        for expression in reversed(statement.fields):
            total += _words(evaluate(expression, machine) << width % 16)
            width += expression.width
        lacking = 0xFFFF - (total & 0xFFFF)
        values = {evaluate(field, machine) for field in statement.fields}
        values = {value for value in values if value > 0xFFFF}  # addresses, and nothing by chance
        for at, (table, entry) in enumerate(self.learnt):
            for old in values.intersection(entry.arguments):
                if (old & 0xFFFF) + lacking > 0xFFFF:
                    continue
                arguments = tuple(v + lacking if v == old else v for v in entry.arguments)
                changed = dataclasses.replace(entry, arguments=arguments)
                machine.store.table(table).modify([changed])
                self.learnt[at] = table, changed
                return


def _words(number: int) -> int:
    """Return the sum of the 16-bit words of `number`."""
    total = 0
    while number:
        total += number & 0xFFFF
        number >>= 16
    return total


def _packet(frames: Frames, sent: Sequence[Packet], rng: random.Random) -> Packet:
    elapsed_ns = rng.choice(_ELAPSED_NS)
    chance = rng.random()
    if sent and chance < 0.35:
        model = rng.choice(sent[-20:])
        frame = model.frame if chance < 0.1 else broken(model.frame, rng)
        return Packet(model.port, frame, elapsed_ns)
    port = rng.choice((*PORTS * 6, CPU_PORT, CPU_PORT, 7, 300))
    frame, ethernet_at = frames.walk(port, rng)
    if len(frame) < SHORTEST_OCTETS:
        frame += rng.randbytes(SHORTEST_OCTETS - len(frame))
    if rng.random() < 0.7:
        frame = repaired(frame, ethernet_at)
    if rng.random() < 0.1:
        frame = broken(frame, rng)
    return Packet(port, frame, elapsed_ns)

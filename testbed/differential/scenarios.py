"""Scenarios from seeds: entries that packets find, and packets that find them."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

from p4xdp.dataplane import Entry
from testbed.differential.frames import Frames, broken, resized
from testbed.differential.learning import Learner
from testbed.differential.lengths import repaired
from testbed.differential.sides import (
    CPU_PORT,
    HOST_PORT,
    RECIRCULATION_PORT,
    Change,
    Packet,
    Scenario,
)
from testbed.differential.vocabulary import Vocabulary
from testbed.differential.world import World, meter_config, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp import ir
    from testbed.differential.frames import Frame
    from testbed.differential.sides import Step

PORTS = (1, 2, 3)
_ALL_PORTS = (*PORTS, CPU_PORT, HOST_PORT, RECIRCULATION_PORT)
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
        models = self._learn(scenario, world, frames, lessons)
        self._set_meters(scenario, random.Random(f"meters {seed}"))
        self._set_registers(scenario, random.Random(f"registers {seed}"))
        for one in packets:
            rng = random.Random(f"packet {one}")
            if scenario.entries and rng.random() < 0.02:
                scenario.steps.append(self._change(scenario, world, rng))
            is_like_another = models and rng.random() < 0.6
            frame = _like(rng.choice(models), rng) if is_like_another else _fresh(frames, rng)
            packet = Packet(frame.port, frame.octets, rng.choice(_ELAPSED_NS))
            scenario.steps.append(packet)
        return scenario

    def _set_defaults(self, scenario: Scenario, world: World, rng: random.Random) -> None:
        for gress in (self._program.ingress, self._program.egress):
            for table in gress.tables.values():
                if not table.is_default_const and rng.random() < 0.6:
                    action = world.action(table, gress, rng, is_default=True)
                    scenario.defaults.append((table.name, *action))

    def _learn(
        self, scenario: Scenario, world: World, frames: Frames, lessons: Sequence[int]
    ) -> list[Frame]:
        """Learn entries, and return the frames that got farthest with them."""
        learner = Learner(self._program, world)
        for default in scenario.defaults:
            learner.interpreter.set_default(*default)
        sent: list[Frame] = []
        for one in lessons:
            rng = random.Random(f"lesson {one}")
            is_like_another = sent and rng.random() < 0.3
            sent.append(_like(rng.choice(sent), rng) if is_like_another else _fresh(frames, rng))
            learner.learn_from(sent[-1], rng)
        learner.improve_for(_best(sent, learner), random.Random(f"improvement {lessons}"))
        scenario.entries = learner.learnt
        return _best(sent, learner)

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
                    values = (_small_or_any(field.width, rng) for field in register.fields)
                    scenario.registers.append((name, index, tuple(values)))

    def _change(self, scenario: Scenario, world: World, rng: random.Random) -> Step:
        name, entry = rng.choice(scenario.entries)
        gress = next(g for g in (self._program.ingress, self._program.egress) if name in g.tables)
        verb = rng.choice(("insert", "modify", "modify", "delete"))
        action = world.action(gress.tables[name], gress, rng)
        return Change(verb, name, Entry(entry.matches, *action, entry.priority))


def _small_or_any(width: int, rng: random.Random) -> int:
    """Registers hold states, which are small, and amounts."""
    return rng.randrange(3) & (1 << width) - 1 if rng.random() < 0.5 else number(width, rng)


def _best(frames: Sequence[Frame], learner: Learner) -> list[Frame]:
    return sorted(frames, key=learner.worth, reverse=True)[: len(frames) // 3]


def _fresh(frames: Frames, rng: random.Random) -> Frame:
    port = rng.choice((*PORTS * 6, CPU_PORT, CPU_PORT, 7, 300))
    frame = frames.walk(port, rng)
    if len(frame.octets) < frame.least_octets:
        rest = rng.randbytes(frame.least_octets - len(frame.octets))
        frame = dataclasses.replace(frame, octets=frame.octets + rest)
    if rng.random() < 0.8:
        frame = repaired(frame)
    return broken(frame, rng) if rng.random() < 0.1 else frame


def _like(model: Frame, rng: random.Random) -> Frame:
    """Return a frame that does much of what `model` does: the same, longer, or with a mistake."""
    match rng.randrange(4):
        case 0:
            return model
        case 1:
            return repaired(resized(model, rng))
        case 2:
            return repaired(broken(model, rng))
        case _:
            return broken(model, rng)

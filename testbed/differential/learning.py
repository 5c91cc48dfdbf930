"""Entries that packets find, learnt by looking on.

A frame goes through the interpreter; where a table has nothing for it, an entry is made that it
finds, rather one by which it gets farther, and it goes again, until it finds all it looks for. What
was learnt from one frame others find, as all are made of the same few values.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.dataplane import DataplaneError, Entry
from p4xdp.interp import Interpreter
from p4xdp.interp.expressions import evaluate
from p4xdp.interp.observer import Observer
from p4xdp.interp.store import TableStore
from testbed.differential.sides import CPU_PORT, HOST_PORT, RECIRCULATION_PORT

if TYPE_CHECKING:
    from p4xdp.interp.machine import Machine
    from testbed.differential.frames import Frame
    from testbed.differential.world import World

_LARGEST_TABLE = 40
_LESSONS_A_FRAME = 16
_TRIES = 4


@dataclass(frozen=True, slots=True)
class _Lookup:
    """What a packet looked for in a table."""

    store: TableStore
    gress: ir.Gress
    values: list[int]


class Learner(Observer):
    """Watches an interpreter of `program`, and gives it entries with values of `world`."""

    def __init__(self, program: ir.Program, world: World) -> None:
        self.interpreter = Interpreter(
            program,
            cpu_port=CPU_PORT,
            host_port=HOST_PORT,
            recirculation_ports=(RECIRCULATION_PORT,),
            observer=self,
        )
        self.learnt: list[tuple[str, Entry]] = []
        self._world = world
        self._rng = random.Random(0)
        self._wanted: _Lookup | None = None
        self._is_looking = False
        self._seen: set[int] = set()  # identities of statements
        self._lessons_with: Counter[int] = Counter()  # the same, and how many lessons ran them

    def learn_from(self, frame: Frame, rng: random.Random) -> None:
        """Learn what `frame` needs."""
        self._rng = rng
        for _ in range(_LESSONS_A_FRAME):
            worth = self._run(frame, is_looking=True)
            if self._wanted is None:
                break
            self._teach(self._wanted, frame, worth)
        self._lessons_with.update(self._seen)

    def worth(self, frame: Frame) -> float:
        """Return how much `frame` runs that few others do."""
        return self._run(frame, is_looking=False)

    def _run(self, frame: Frame, *, is_looking: bool) -> float:
        self._seen, self._wanted, self._is_looking = set(), None, is_looking
        self.interpreter.run(frame.port, frame.octets, 1)
        return sum(1 / (1 + self._lessons_with[statement]) for statement in self._seen)

    def _teach(self, wanted: _Lookup, frame: Frame, worth: float) -> None:
        """Add an entry that is found, if possible one that leads on."""
        table = wanted.store.table
        for last in (False,) * (_TRIES - 1) + (True,):
            seed = str(self._rng.random())
            entry = self._world.entry(table, wanted.values, wanted.gress, seed)
            try:
                wanted.store.insert([entry])
            except DataplaneError:
                return  # it is there, or no more fit
            leads_on = self._run(frame, is_looking=False) > worth
            if last or leads_on or self._rng.random() < 0.2:
                self.learnt.append((table.name, entry))
                return
            wanted.store.delete([entry])

    def before(self, statement: ir.Statement, machine: Machine) -> None:
        """See what runs, and what is looked for."""
        self._seen.add(id(statement))
        if not self._is_looking:
            return
        match statement:
            case ir.Apply() if self._wanted is None:
                self._see_lookup(machine.store.table(statement.table), machine)
            case ir.UpdateChecksum() if self._rng.random() < 0.3:
                self._make_carry(statement, machine)
            case _:
                pass

    def _see_lookup(self, store: TableStore, machine: Machine) -> None:
        table = store.table
        is_fixed = not table.keys or table.entries is not None
        if is_fixed or len(store.entries) >= _LARGEST_TABLE:
            return
        values = [evaluate(key.expression, machine) for key in table.keys]
        is_known = store.lookup(values) is not None
        if self._rng.random() < (0.05 if is_known else 0.9):
            self._wanted = _Lookup(store, machine.gress, values)

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

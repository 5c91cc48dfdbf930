"""Entries that packets find, learnt by looking on.

A frame goes through the interpreter; where a table has nothing for it, an entry is made that it
finds, rather one by which it gets farther, and it goes again, until it finds all it looks for. What
was learnt from one frame others find, as all are made of the same few values. In the end entries
are changed for the best frames, which then pass comparisons that they failed.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.dataplane import DataplaneError, Entry
from p4xdp.interp import Interpreter
from p4xdp.interp.expressions import evaluate
from p4xdp.interp.observer import Observer
from p4xdp.interp.store import TableStore
from testbed.differential.sides import CPU_PORT, HOST_PORT, RECIRCULATION_PORT
from testbed.differential.vocabulary import compared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from p4xdp.interp.machine import Machine
    from testbed.differential.frames import Frame
    from testbed.differential.world import World

_LARGEST_TABLE = 40
_LESSONS_A_FRAME = 16
_TRIES = 4
_IMPROVEMENTS_A_FRAME = 3


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
        # Entries that the frame found, and values held against others, by width and value.
        self._found: list[tuple[TableStore, ir.Gress, Entry]] = []
        self._compared: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
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

    def improve_for(self, frames: Sequence[Frame], rng: random.Random) -> None:
        """Give entries that `frames` find the arguments that the program compares theirs with,
        wherever one gets farther so, and the others together no less far.
        """
        self._rng = rng
        for frame in frames:
            for _ in range(_IMPROVEMENTS_A_FRAME):
                if not self._improve_for(frame, frames):
                    break
                self.learn_from(frame, rng)

    def _improve_for(self, frame: Frame, frames: Sequence[Frame]) -> bool:
        before = sum(map(self.worth, frames))
        worth = self._run(frame, is_looking=True)
        for store, old, new in list(self._matched()):
            store.modify([new])
            if self.worth(frame) > worth and sum(map(self.worth, frames)) > before:
                changed = (store.table.name, old)
                self.learnt = [(n, new if (n, e) == changed else e) for n, e in self.learnt]
                return True
            store.modify([old])
        return False

    def _matched(self) -> Iterator[tuple[TableStore, Entry, Entry]]:
        """Yield tables, and entries as they are and as a comparison that failed wants them."""
        for store, gress, entry in self._found:
            params = gress.actions[entry.action].params
            for index, (_, width) in enumerate(params):
                wanted = self._compared.get((width, entry.arguments[index]), ())
                for value in sorted(wanted):
                    arguments = (*entry.arguments[:index], value, *entry.arguments[index + 1 :])
                    yield store, entry, dataclasses.replace(entry, arguments=arguments)

    def worth(self, frame: Frame) -> float:
        """Return how much `frame` runs that few others do."""
        return self._run(frame, is_looking=False)

    def _run(self, frame: Frame, *, is_looking: bool) -> float:
        self._seen, self._is_looking = set(), is_looking
        if is_looking:
            self._wanted, self._found = None, []
            self._compared.clear()
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
            case ir.Apply():
                self._see_lookup(machine.store.table(statement.table), machine)
            case ir.If():
                self._see_comparisons(statement.condition, machine)
            case ir.UpdateChecksum() if self._rng.random() < 0.3:
                self._make_carry(statement, machine)
            case _:
                pass

    def _see_lookup(self, store: TableStore, machine: Machine) -> None:
        table = store.table
        is_fixed = not table.keys or table.entries is not None
        if is_fixed:
            return
        values = [evaluate(key.expression, machine) for key in table.keys]
        entry = store.lookup(values)
        if entry is not None:
            self._found.append((store, machine.gress, entry))
        chance = 0.9 if entry is None else 0.05
        is_full = len(store.entries) >= _LARGEST_TABLE
        if self._wanted is None and not is_full and self._rng.random() < chance:
            self._wanted = _Lookup(store, machine.gress, values)

    def _see_comparisons(self, condition: ir.Expression, machine: Machine) -> None:
        for left, right in compared(condition):
            one, other = evaluate(left, machine), evaluate(right, machine)
            if one != other:
                self._compared[left.width, one].add(other)
                self._compared[right.width, other].add(one)

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

"""A switch that runs the program itself: the reference interpreter, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.dataplane import Entry, Match
from p4xdp.interp import Interpreter
from tests.upf.conftest import FakeTarget
from upf.entry import Counts, Prefix, Range, Ternary

if TYPE_CHECKING:
    from p4xdp import ir

NOW_NS = 10**12


class InterpretedTarget(FakeTarget):
    """Holds what it is given, and has the interpreter hold it too."""

    def __init__(self, program: ir.Program) -> None:
        super().__init__()
        self.interpreter = Interpreter(program)
        gresses = (program.ingress, program.egress)
        self._tables = {name: table for each in gresses for name, table in each.tables.items()}

    async def apply(self, plan):
        await super().apply(plan)
        for change, entries in (
            (self.interpreter.insert_entries, plan.inserts),
            (self.interpreter.modify_entries, plan.modifies),
            (self.interpreter.delete_entries, plan.deletes),
        ):
            for each in entries:
                change(each.table, [self._entry(each)])

    async def read_counters(self, counter, indexes):
        cells = (self.interpreter.read_counter(counter, index, 1)[0] for index in indexes)
        return [Counts(each.packets, each.octets) for each in cells]

    def run(self, port, frame):
        """What becomes of a frame."""
        return self.interpreter.run(port, frame, NOW_NS)

    def _entry(self, entry):
        keys = self._tables[entry.table].keys
        matches = tuple(map(_match, entry.key, (key.width for key in keys)))
        return Entry(matches, entry.action, entry.params, entry.priority)


def _match(value, width):
    ones = (1 << width) - 1
    match value:
        case Prefix(prefix, length):
            return Match(prefix, ones ^ (ones >> length))
        case Ternary(number, mask):
            return Match(number, mask)
        case Range(low, high):
            return Match(low, 0, high)
        case _:
            return Match(value, ones)

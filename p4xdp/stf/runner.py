"""Runs vectors on a data plane and says in what it differs from them."""

from __future__ import annotations

import operator
from collections import defaultdict
from typing import TYPE_CHECKING, Protocol

from p4xdp.dataplane import CounterValue, Dataplane, DataplaneError
from p4xdp.stf.binding import Names
from p4xdp.stf.errors import StfError
from p4xdp.stf.syntax import (
    Add,
    CheckCounter,
    Expect,
    Packet,
    RegisterWrite,
    RemoveAll,
    SetDefault,
)

if TYPE_CHECKING:
    from p4xdp import ir
    from p4xdp.dataplane import Entry, PacketResult
    from p4xdp.stf.syntax import Statement, Vector

_NOW_NS = 10**12
_NO_PORT = 511  # no Tofino has a port of this number: what is sent there is dropped
_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class RunnableDataplane(Dataplane, Protocol):
    """A data plane through which a frame can be run by hand."""

    def run(self, port: int, frame: bytes, now_ns: int) -> PacketResult:
        """Return what becomes of `frame` received on `port`."""


class Runner:
    """Runs vectors of `program` on `dataplane`, which holds no entries and is left without any.

    Counters that a vector checks are 0 when it begins.
    """

    def __init__(self, program: ir.Program, dataplane: RunnableDataplane) -> None:
        self._names = Names(program)
        self._dataplane = dataplane
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        self._changed_defaults: set[str] = set()

    def run(self, vector: Vector) -> list[str]:
        """Return what was not as the vector says; nothing if all was."""
        left: dict[int, list[bytes]] = defaultdict(list)
        problems: list[str] = []
        self._clear_counters(vector)
        try:
            for statement in vector.statements:
                problem = self._execute(statement, left)
                if problem:
                    problems.append(f"line {statement.line}: {problem}")
        finally:
            self._remove_all()
        expected = [each for each in vector.statements if isinstance(each, Expect)]
        return problems + _unlike(expected, left)

    def _execute(self, statement: Statement, left: dict[int, list[bytes]]) -> str | None:
        try:
            match statement:
                case Add():
                    table, entry = self._names.entry(statement)
                    self._dataplane.insert_entries(table, [entry])
                    self._entries[table].append(entry)
                case SetDefault():
                    table, action, arguments = self._names.default(statement)
                    self._dataplane.set_default(table, action, arguments)
                    self._changed_defaults.add(table)
                case RegisterWrite():
                    register = self._names.register(statement)
                    values = statement.values
                    self._dataplane.write_register(register.name, statement.index, values)
                case RemoveAll():
                    self._remove_all()
                case Packet():
                    result = self._dataplane.run(statement.port, statement.frame, _NOW_NS)
                    if result.port not in (None, _NO_PORT):
                        left[result.port].append(result.frame)
                case CheckCounter():
                    return self._check_counter(statement)
                case Expect():  # compared when all frames are known
                    pass
        except (StfError, DataplaneError) as error:
            return str(error)
        return None

    def _remove_all(self) -> None:
        for table, entries in self._entries.items():
            self._dataplane.delete_entries(table, entries)
        self._entries.clear()
        for name in self._changed_defaults:
            declared = self._names.tables()[name]
            self._dataplane.set_default(name, declared.default_action, declared.default_arguments)
        self._changed_defaults.clear()
        if self._names.has_registers():
            self._dataplane.reset_registers()

    def _clear_counters(self, vector: Vector) -> None:
        for check in vector.statements:
            if isinstance(check, CheckCounter):
                counter = self._names.counter(check)
                self._dataplane.write_counter(counter.name, check.index, CounterValue(0, 0))

    def _check_counter(self, check: CheckCounter) -> str | None:
        counter = self._names.counter(check)
        value = self._dataplane.read_counter(counter.name, check.index, 1)[0]
        number = value.packets if check.unit == "packets" else value.octets
        if _COMPARE[check.comparison](number, check.number):
            return None
        wanted = f"{check.comparison} {check.number}"
        return f"{counter.name}({check.index}) counted {number} {check.unit}, not {wanted}"


def _unlike(expected: list[Expect], left: dict[int, list[bytes]]) -> list[str]:
    """Return how the frames that left differ from those expected; by port, in their order."""
    problems = []
    for expect in expected:
        frames = left.get(expect.port, [])
        if expect.nibbles is None:
            frames.clear()
        elif not frames:
            problems.append(f"line {expect.line}: nothing left by port {expect.port}")
        else:
            problem = _difference(expect, frames.pop(0).hex())
            if problem:
                problems.append(f"line {expect.line}: port {expect.port}: {problem}")
    problems += [
        f"port {port}: a frame that was not expected: {frame.hex()}"
        for port, frames in left.items()
        for frame in frames
    ]
    return problems


def _difference(expect: Expect, nibbles: str) -> str | None:
    wanted = expect.nibbles or ""
    pairs = enumerate(zip(wanted, nibbles, strict=False))
    different = [position // 2 for position, (w, got) in pairs if w not in ("*", got)]
    if different:
        return f"from octet {different[0]} on\n  expected {wanted}\n  got      {nibbles}"
    if len(nibbles) < len(wanted) or (expect.is_whole and len(nibbles) > len(wanted)):
        return f"{len(nibbles) // 2} octets, not {len(wanted) // 2}"
    return None

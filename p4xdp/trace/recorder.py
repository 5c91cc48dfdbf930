"""From what the interpreter does to steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.interp.expressions import evaluate
from p4xdp.interp.observer import Observer
from p4xdp.interp.parser import PARSER_ERROR_OK
from p4xdp.interp.store import identity, is_hit
from p4xdp.trace.steps import (
    Applied,
    Counted,
    Drop,
    KeyField,
    Metered,
    Mirrored,
    Parsed,
    Passage,
    Ran,
    Registered,
    Step,
    Value,
)
from p4xdp.walk import root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.dataplane import Entry
    from p4xdp.interp.machine import Machine
    from p4xdp.trace.source import Source


@dataclass(slots=True)
class _Open:
    """A step that has begun: its place among the steps, and how it is made of what it changed."""

    place: int
    made: Callable[[tuple[Value, ...]], Step | None]
    before: dict[str, Value]
    action: str | None = None


class Recorder(Observer):
    """Records passages, and has `source` give the tables what the packet looks for in them."""

    def __init__(self, source: Source) -> None:
        self.passages: list[Passage] = []
        self._source = source
        self._steps: list[Step | None] = []
        self._open: _Open | None = None
        self._drop: Drop | None = None
        self._emitted: list[str] = []
        self._parser_error = PARSER_ERROR_OK
        self._in_parser = True
        self._cell: tuple[int, ...] | None = None

    def begins(self, machine: Machine) -> None:  # noqa: ARG002
        """Begin a passage."""
        self._steps, self._open, self._drop, self._emitted = [], None, None, []
        self._in_parser = True

    def enters(self, state: ir.ParserState, machine: Machine) -> None:
        """Begin the step of a parser state."""
        self._begin(machine, lambda changes: Parsed(state.name, state.at, changes))

    def parsed(self, machine: Machine, error: int) -> None:
        """End the parser's last step."""
        self._close(machine)
        self._in_parser = False
        self._parser_error = error

    def before(self, statement: ir.Statement, machine: Machine) -> None:
        """Begin a table's step or one of code; prepare what the statement asks for."""
        match statement:
            case ir.Apply():
                self._begin_table(statement, machine)
            case ir.ExecuteRegister():
                self._fill_register(statement, machine)
                self._begin_code(statement.at, machine)
            case ir.Assign() | ir.SetValid() | ir.UpdateChecksum() | ir.ComputeHash():
                self._begin_code(statement.at, machine)
            case _:
                pass

    def after(self, statement: ir.Statement, machine: Machine) -> None:
        """End a table's step; note what was counted, metered, emitted or dropped."""
        match statement:
            case ir.Apply() if self._open is not None and self._open.action is not None:
                self._close(machine)
            case ir.Count():
                index = None if statement.index is None else evaluate(statement.index, machine)
                octets = max(0, len(machine.frame) - statement.adjust_octets)
                self._steps.append(Counted(statement.counter, statement.at, index, octets))
            case ir.ExecuteMeter():
                self._note_meter(statement, machine)
            case ir.ExecuteRegister():
                self._note_register(statement, machine)
            case ir.MirrorPacket():
                session = evaluate(statement.session, machine)
                self._steps.append(Mirrored(statement.at, session))
            case ir.Emit() if statement.header.name in machine.headers:
                self._emitted.append(statement.header.name)
            case ir.Assign():
                self._note_drop(statement, machine)
            case _:
                pass

    def ends(self, machine: Machine, frame: bytes | None) -> None:
        """Finish the passage."""
        self._close(machine)
        drop = None
        if frame is None:
            drop = self._drop or Drop(ir.NOWHERE, None, self._parser_error)
        self.passages.append(
            Passage(
                gress=machine.gress.name,
                port=machine.device.get("ingress_port", machine.device.get("egress_port", 0)),
                frame=machine.frame,
                steps=tuple(step for step in self._steps if step is not None),
                parser_error=self._parser_error,
                drop=drop,
                emitted=tuple(self._emitted),
                leaving=frame,
            )
        )

    # --- steps ------------------------------------------------------------------------------------

    def _begin(
        self,
        machine: Machine,
        made: Callable[[tuple[Value, ...]], Step | None],
        action: str | None = None,
    ) -> None:
        self._close(machine)
        self._open = _Open(len(self._steps), made, _state(machine), action)
        self._steps.append(None)

    def _begin_code(self, at: ir.Position, machine: Machine) -> None:
        if self._open is None and not self._in_parser:
            self._begin(machine, lambda changes: Ran(at, changes) if changes else None)

    def _close(self, machine: Machine) -> None:
        if self._open is not None:
            changes = tuple(_changes(self._open.before, _state(machine)))
            self._steps[self._open.place] = self._open.made(changes)
            self._open = None

    def _begin_table(self, statement: ir.Apply, machine: Machine) -> None:
        store = machine.store.table(statement.table)
        table = store.table
        values = [evaluate(key.expression, machine) for key in table.keys]
        if table.entries is None:
            found = self._source.entries(table, values)
            wanted = [each for each in found if is_hit(each, values)]
            store.insert([each for each in wanted if identity(each) not in store.entries])
            default = self._source.default(table)
            if default is not None:
                store.default_action, store.default_arguments = default
        entry = store.lookup(values)
        action, arguments = store.default_action, store.default_arguments
        if entry is not None:
            action, arguments = entry.action, entry.arguments
        parameters = machine.gress.actions[action].params

        def made(changes: tuple[Value, ...]) -> Step:
            return Applied(
                table=table.name,
                at=statement.at,
                key=tuple(_key_fields(table, values, entry)),
                entry=entry,
                action=action,
                arguments=tuple(
                    Value(name, value, width)
                    for (name, width), value in zip(parameters, arguments, strict=True)
                ),
                is_constant=table.entries is not None,
                changes=changes,
            )

        self._begin(machine, made, action)

    def _fill_register(self, statement: ir.ExecuteRegister, machine: Machine) -> None:
        cells = machine.store.register(statement.register)
        index = evaluate(statement.index, machine)
        if index < len(cells):
            held = self._source.register(machine.gress.registers[statement.register], index)
            if held is not None:
                cells[index] = held
        self._cell = cells[index] if index < len(cells) else None

    def _note_register(self, statement: ir.ExecuteRegister, machine: Machine) -> None:
        cells = machine.store.register(statement.register)
        index = evaluate(statement.index, machine)
        after = cells[index] if index < len(cells) else None
        step = Registered(statement.register, statement.at, index, self._cell, after)
        self._steps.append(step)

    def _note_meter(self, statement: ir.ExecuteMeter, machine: Machine) -> None:
        meter = machine.gress.meters[statement.meter]
        index = None if statement.index is None else evaluate(statement.index, machine)
        config = None
        if meter.table is not None and machine.entry is not None:
            table = machine.store.table(meter.table).table
            config = self._source.direct_meter(table, machine.entry)
        elif index is not None:
            config = self._source.meter(meter, index)
        self._steps.append(Metered(statement.meter, statement.at, index, config))

    def _note_drop(self, statement: ir.Assign, machine: Machine) -> None:
        target = root(statement.target)
        control = machine.gress.roles.get("drop_ctl")
        if not isinstance(target, ir.Read) or target.variable != control:
            return
        action = self._open.action if self._open is not None else None
        is_dropped = machine.variables[target.variable.name] & 1
        self._drop = Drop(statement.at, action, self._parser_error) if is_dropped else None


def _key_fields(table: ir.Table, values: list[int], entry: Entry | None) -> Iterator[KeyField]:
    for at, (key, value) in enumerate(zip(table.keys, values, strict=True)):
        match = None if entry is None else entry.matches[at]
        yield KeyField(key.name, key.match_kind, value, key.width, match)


def _state(machine: Machine) -> dict[str, Value]:
    """Everything the program has of the packet: a header by its validity, then its fields."""
    found = {}
    for header in machine.gress.headers:
        fields = machine.headers.get(header.name)
        if fields is None or header.intrinsic:
            continue
        found[header.name] = Value(header.name, 1, 1)
        for each in header.type.fields:
            name = f"{header.name}.{each.name}"
            found[name] = Value(name, fields[each.name], each.width)
    for variable in machine.gress.variables:
        name = variable.name
        found[name] = Value(name, machine.variables.get(name, 0), variable.width)
    return found


def _changes(before: dict[str, Value], after: dict[str, Value]) -> Iterator[Value]:
    """What is other than before; a header that is gone as its validity, 0, without its fields."""
    for name, value in after.items():
        if before.get(name) != value:
            yield value
    for name, value in before.items():
        if name not in after and name.rpartition(".")[0] not in before:
            yield Value(name, 0, value.width)

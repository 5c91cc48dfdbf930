"""Registers: RegisterEntry, written and read. A cell is a bitstring, or a struct of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.runtime import bytestrings
from p4xdp.runtime.arrays import CELLS_PER_CALL, cells_of, find, selected
from p4xdp.runtime.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from p4xdp.dataplane import Dataplane
    from p4xdp.runtime.schema import Register, RegisterField, Schema


def write_register(schema: Schema, dataplane: Dataplane, message: Any) -> Callable[[], None]:
    """Set one cell, or all without an index. Returns how to undo it (what packets did is lost)."""
    register = find(schema.registers, message.register_id, "register")
    cells = cells_of(register, message)
    if not message.HasField("data"):
        raise invalid(f"{register.name}: no data is given")
    value = cell_of(register, message.data)
    before = dataplane.read_register(register.name, cells.start, len(cells))
    for index in cells:
        dataplane.write_register(register.name, index, value)

    def undo() -> None:
        for index, old in zip(cells, before, strict=True):
            dataplane.write_register(register.name, index, old)

    return undo


def read_registers(schema: Schema, dataplane: Dataplane, message: Any) -> Iterator[Any]:
    """Give the entities a RegisterEntry asks for; id 0 is every register, no index every cell."""
    chosen = selected(schema.registers, message.register_id, "register")
    return _entities(dataplane, [(one, cells_of(one, message)) for one in chosen])


def _entities(dataplane: Dataplane, chosen: list[tuple[Register, range]]) -> Iterator[Any]:
    for register, cells in chosen:
        for first in range(cells.start, cells.stop, CELLS_PER_CALL):
            count = min(CELLS_PER_CALL, cells.stop - first)
            values = dataplane.read_register(register.name, first, count)
            for index, value in enumerate(values, start=first):
                entity = p4r.Entity()
                entity.register_entry.register_id = register.id
                entity.register_entry.index.index = index
                _encode(register, value, entity.register_entry.data)
                yield entity


def cell_of(register: Register, data: Any) -> tuple[int, ...]:
    """Read the fields of a cell; RequestError if it is not one of `register`."""
    kind, wanted = data.WhichOneof("data"), "struct" if register.is_struct else "bitstring"
    if kind != wanted:
        raise invalid(f"{register.name}: a cell is a {wanted}, not {kind or 'nothing'}")
    parts = data.struct.members if register.is_struct else [data]
    if len(parts) != len(register.fields):
        raise invalid(f"{register.name}: {len(parts)} members, not {len(register.fields)}")
    return tuple(
        _number(register.name, part, field)
        for part, field in zip(parts, register.fields, strict=True)
    )


def _number(register: str, data: Any, field: RegisterField) -> int:
    if data.WhichOneof("data") != "bitstring":
        raise invalid(f"{register}: a member is no bitstring")
    if not field.is_signed:
        return bytestrings.decode(data.bitstring, field.width, register, "a cell")
    return bytestrings.decode_signed(data.bitstring, field.width, register, "a cell")


def _encode(register: Register, value: tuple[int, ...], data: Any) -> None:
    for number, field in zip(value, register.fields, strict=True):
        part = data.struct.members.add() if register.is_struct else data
        if field.is_signed:
            part.bitstring = bytestrings.encode_signed(number, field.width)
        else:
            part.bitstring = bytestrings.encode(number)

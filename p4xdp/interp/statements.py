"""What a statement does: P4-16 clause 12, TNA's externs, and the calls of parser and deparser."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from p4xdp import ir, metering
from p4xdp.interp.expressions import assign, evaluate
from p4xdp.interp.machine import mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.interp.machine import Machine


class ExitControl(Exception):  # noqa: N818  # leaving is not an error
    """`exit` was executed."""


def execute(statements: Sequence[ir.Statement], machine: Machine) -> None:
    """Run one after the other; ExitControl and PacketTooShortError leave early."""
    observer = machine.observer
    for statement in statements:
        if observer is None:
            _execute(statement, machine)
        else:
            observer.before(statement, machine)
            _execute(statement, machine)
            observer.after(statement, machine)


def _execute(  # noqa: C901, PLR0912  # one case a kind
    statement: ir.Statement, machine: Machine
) -> None:
    match statement:
        case ir.Assign():
            assign(statement.target, evaluate(statement.value, machine), machine)
        case ir.SetValid():
            machine.set_valid(statement.header, valid=statement.valid)
        case ir.If():
            chosen = evaluate(statement.condition, machine)
            execute(statement.then if chosen else statement.otherwise, machine)
        case ir.Apply():
            _apply(statement, machine)
        case ir.CallAction():
            execute(statement.body, machine)
        case ir.Count():
            index = _index(statement.index, machine)
            octets = _octets(statement.adjust_octets, machine)
            machine.store.count(statement.counter, index, machine.entry, octets)
        case ir.ExecuteMeter():
            _execute_meter(statement, machine)
        case ir.ExecuteRegister():
            _execute_register(statement, machine)
        case ir.UpdateChecksum():
            assign(statement.target, _checksum(statement.fields, machine), machine)
        case ir.ComputeHash():
            assign(statement.target, _hash(statement, machine), machine)
        case ir.MirrorPacket():
            session = evaluate(statement.session, machine)
            bits, width = _concatenated(statement.fields, machine)
            machine.mirrored.append((session, bits.to_bytes(width // 8, "big")))
        case ir.PackDigest():
            values = tuple(evaluate(field, machine) for field in statement.fields)
            machine.digests.append((statement.digest, values))
        case ir.Extract():
            machine.extract(statement.header)
        case ir.Advance():
            machine.advance(statement.bits)
        case ir.Emit():
            machine.emit(statement.header)
        case ir.Exit():
            raise ExitControl


def _apply(statement: ir.Apply, machine: Machine) -> None:
    store = machine.store.table(statement.table)
    entry = store.lookup([evaluate(key.expression, machine) for key in store.table.keys])
    if entry is None:
        action, arguments = store.default_action, store.default_arguments
    else:
        action, arguments = entry.action, entry.arguments
        store.note_hit(entry, machine.now_ns)
    outer = machine.arguments, machine.entry
    machine.arguments, machine.entry = arguments, entry
    execute(machine.gress.actions[action].body, machine)
    machine.arguments, machine.entry = outer
    if statement.hit is not None:
        machine.variables[statement.hit.name] = int(entry is not None)
    execute(dict(statement.cases).get(action, statement.default_case), machine)


def _execute_meter(statement: ir.ExecuteMeter, machine: Machine) -> None:
    index = _index(statement.index, machine)
    color = metering.GREEN if statement.color is None else evaluate(statement.color, machine)
    meter = machine.store.meter(statement.meter, index, machine.entry)
    if meter is not None:
        in_bytes = machine.store.is_meter_in_bytes(statement.meter)
        units = _octets(statement.adjust_octets, machine) if in_bytes else 1
        color = metering.execute(meter.cell, meter.state, units, machine.now_ns, color)
    if statement.target is not None:
        assign(statement.target, color, machine)


def _execute_register(statement: ir.ExecuteRegister, machine: Machine) -> None:
    cells = machine.store.register(statement.register)
    index = evaluate(statement.index, machine)
    result = 0
    if index < len(cells):
        names = [variable.name for variable in statement.cell]
        machine.variables.update(zip(names, cells[index], strict=True))
        if statement.result is not None:
            machine.variables[statement.result.name] = 0
        execute(statement.body, machine)
        cells[index] = tuple(machine.variables[name] for name in names)
        if statement.result is not None:
            result = machine.variables[statement.result.name]
    if statement.target is not None:
        assign(statement.target, result, machine)


def _index(expression: ir.Expression | None, machine: Machine) -> int | None:
    return None if expression is None else evaluate(expression, machine)


def _octets(adjust: int, machine: Machine) -> int:
    """Return the length counters and meters see; never below 0."""
    return max(0, len(machine.frame) - adjust)


def _concatenated(fields: Sequence[ir.Expression], machine: Machine) -> tuple[int, int]:
    """Return the number that the fields are together, and its width in bits."""
    bits, width = 0, 0
    for expression in fields:
        bits = bits << expression.width | evaluate(expression, machine)
        width += expression.width
    return bits, width


def _hash(statement: ir.ComputeHash, machine: Machine) -> int:
    bits, width = _concatenated(statement.fields, machine)
    if statement.algorithm is ir.HashAlgorithm.IDENTITY:
        result = bits
    elif statement.algorithm is ir.HashAlgorithm.CRC32:
        result = zlib.crc32(bits.to_bytes(width // 8, "big"))
    else:
        result = _crc16(bits.to_bytes(width // 8, "big"))
    return result & mask(statement.width)


def _crc16(octets: bytes) -> int:
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _checksum(fields: Sequence[ir.Expression], machine: Machine) -> int:
    """Return the Internet checksum (RFC 1071) of the concatenated fields."""
    bits, width = _concatenated(fields, machine)
    bits <<= -width % 16
    total = 0
    while bits:
        total += bits & 0xFFFF
        bits >>= 16
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

"""What is known of a packet on a likely way behind each statement."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import nested, root, written
from p4xdp.xdp.abstract import MADE, Known
from p4xdp.xdp.facts import Facts, Name, evaluate, name_of
from p4xdp.xdp.points import Step, TooHardError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Statements that do not branch, and those after which a packet cannot be begun with once more.
STRAIGHT = (
    ir.Assign
    | ir.SetValid
    | ir.Count
    | ir.ExecuteMeter
    | ir.ExecuteRegister
    | ir.UpdateChecksum
    | ir.ComputeHash
    | ir.MirrorPacket
    | ir.PackDigest
    | ir.Extract
    | ir.Advance
)
COMMITTING = ir.Count | ir.ExecuteMeter | ir.ExecuteRegister | ir.MirrorPacket | ir.PackDigest


def run(
    body: Iterable[ir.Statement], facts: Facts, arguments: tuple[int, ...] | None
) -> tuple[list[Step], Facts]:
    """Return the steps of an action, and what is known behind it."""
    steps: list[Step] = []
    for statement in body:
        if isinstance(statement, ir.CallAction):
            inner, facts = run(statement.body, facts, arguments)
            steps += inner
        elif isinstance(statement, STRAIGHT):
            steps.append(Step(statement, facts, arguments))
            facts = after(statement, facts, arguments)
        else:
            raise TooHardError
    return steps, facts


def after(statement: ir.Statement, facts: Facts, arguments: tuple[int, ...] | None = None) -> Facts:
    """Return what is known behind a statement that does not branch."""
    match statement:
        case ir.Extract():
            octets = statement.header.type.width // 8
            moved = dataclasses.replace(facts, cursor=facts.cursor + octets)
            return moved.with_header(statement.header, facts.cursor)
        case ir.Advance():
            return dataclasses.replace(facts, cursor=facts.cursor + statement.bits // 8)
        case ir.SetValid():
            return _after_validity(statement, facts)
        case ir.Assign():
            value = evaluate(statement.value, facts, arguments)
            is_whole = not isinstance(statement.target, ir.Slice)
            return _stored(root(statement.target), value if is_whole else None, facts)
        case _:
            pass
    return perhaps_after(statement, facts)


def perhaps_after(statement: ir.Statement, facts: Facts) -> Facts:
    """Return what is known behind a statement, whatever of it has been run."""
    for one in nested((statement,)):
        if isinstance(one, COMMITTING):
            facts = dataclasses.replace(facts, is_committed=True)
        for target in changed_by(one):
            facts = _stored(target, None, facts)
    return facts


def changed_by(statement: ir.Statement) -> list[ir.Read | ir.HeaderField]:
    """Return the variables and fields that a statement itself stores to, but for validity."""
    changed = [written(statement)]
    if isinstance(statement, ir.ExecuteRegister):
        changed += [ir.Read(variable) for variable in statement.cell]
        changed += [written(one) for one in nested(statement.body)]
        if statement.result is not None:
            changed.append(ir.Read(statement.result))
    return [target for target in changed if target is not None]


def _after_validity(statement: ir.SetValid, facts: Facts) -> Facts:
    if not statement.valid:
        return facts.with_header(statement.header, None)
    if facts.is_valid(statement.header):
        return facts
    header = statement.header
    zero: dict[Name, Known | None] = {
        (facts.gress, header.name, of.name): 0 for of in header.type.fields
    }
    return facts.with_header(header, MADE).with_values(zero)


def _stored(target: ir.Read | ir.HeaderField, value: Known | None, facts: Facts) -> Facts:
    if isinstance(target, ir.HeaderField) and not facts.is_valid(target.header):
        return facts
    name = name_of(target, facts.gress)
    return facts if name is None else facts.with_values({name: value})

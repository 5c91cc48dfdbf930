"""What p4c's Tofino back end refuses of tables, externs and actions, whatever memory is left."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from p4xdp import ir, wording
from p4xdp.lint.access import extern_of, flat, inside_registers
from p4xdp.lint.memory import is_ternary, key_bits
from p4xdp.lint.report import Finding, Severity
from p4xdp.lint.units import are_exclusive
from p4xdp.walk import parts, statements_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from p4xdp.lint.target import Target
    from p4xdp.lint.units import Unit

_ADDERS = (
    ir.BinaryOp.ADD,
    ir.BinaryOp.SUB,
    ir.BinaryOp.SATURATING_ADD,
    ir.BinaryOp.SATURATING_SUB,
)
_OPERATIONS = (*_ADDERS, ir.BinaryOp.XOR)


def action_data_bits(table: ir.Table, gress: ir.Gress) -> int:
    """Return the parameters of the widest action."""
    widths = (
        sum(width for _, width in gress.actions[reference.action].params)
        for reference in table.actions
        if not reference.default_only
    )
    return max(widths, default=0)


def check_table(table: ir.Table, gress: ir.Gress, target: Target) -> Iterator[Finding]:
    """Yield what is wrong with a table by itself."""
    name = wording.short(table.name)
    for key in table.keys:
        if key.match_kind is ir.MatchKind.RANGE and key.width > target.range_key_bits:
            yield Finding(
                Severity.error,
                "range-key-too-wide",
                table.at,
                f"range key {key.name} of table {name} is {key.width} bits wide; a range has "
                f"{target.range_key_bits} (five nibbles)",
                "range over the low bits and match the others ternary",
            )
    bits = key_bits(table)
    most = target.ternary_key_bits if is_ternary(table) else 8 * target.exact_key_bytes_per_stage
    if bits > most:
        yield Finding(
            Severity.error,
            "key-too-wide",
            table.at,
            f"the key of table {name} is {bits} bits wide; a stage matches {most}",
            "look up a short number for part of the key in a table before",
        )
    data = action_data_bits(table, gress)
    if data > target.action_data_bits:
        yield Finding(
            Severity.error,
            "action-data-too-wide",
            table.at,
            f"an action of table {name} takes {data} bits of its entry; "
            f"an entry carries {target.action_data_bits}",
            "let the entry carry a number, and a second table what it stands for",
        )
    yield from _check_direct(table, gress)


def _check_direct(table: ir.Table, gress: ir.Gress) -> Iterator[Finding]:
    for extern in (table.direct_counter, table.direct_meter):
        if extern is None:
            continue
        without = [
            wording.short(reference.action)
            for reference in table.actions
            if not reference.default_only
            and extern not in map(extern_of, flat(gress.actions[reference.action].body))
        ]
        if without:
            yield Finding(
                Severity.error,
                "direct-extern-in-some-actions",
                table.at,
                f"{wording.short(extern)} of table {wording.short(table.name)} is not used in "
                f"{', '.join(without)}; a direct counter or meter runs in every action of a hit",
                "use it there too, or take one with an index",
            )


def check_repetition(units: Sequence[Unit]) -> Iterator[Finding]:
    """Yield tables and externs that one packet could meet twice."""
    for one, other in combinations(units, 2):
        if one.table is not None and one.table is other.table:
            # The front end refuses a table that a packet may come by twice.
            what = f"table {wording.short(one.table.name)} is applied"
            yield _shared(one, other, what, "table-applied-twice")
        else:
            for extern in sorted(set(one.externs) & set(other.externs)):
                yield _used_twice(one, other, f"{wording.short(extern)} is used")


def _used_twice(one: Unit, other: Unit, what: str) -> Finding:
    if are_exclusive(one, other):
        return _shared(one, other, what, "extern-used-twice")
    return Finding(
        Severity.error,
        "extern-used-twice",
        other.at,
        f"{what} here and at line {one.at.line}, and a packet may come by both; "
        "a memory answers once per packet",
        "decide the key or index first and use it in one place",
    )


def _shared(one: Unit, other: Unit, what: str, rule: str) -> Finding:
    return Finding(
        Severity.note,
        rule,
        other.at,
        f"{what} here and at line {one.at.line}, on branches that exclude each other: "
        "both share one stage",
    )


def check_actions(gress: ir.Gress) -> Iterator[Finding]:
    """Yield assignments that are more than one instruction."""
    in_cells = inside_registers(gress)
    for statement in statements_of(gress):
        if not isinstance(statement, ir.Assign) or id(statement) in in_cells:
            continue
        found = [part for part in parts(statement.value) if isinstance(part, ir.Binary)]
        for part in found:
            yield from _check_adder(part, statement)
        if sum(part.op in _OPERATIONS for part in found) > 1:
            yield Finding(
                Severity.warning,
                "several-operations",
                statement.at,
                f"{wording.statement(statement)}: an action does one operation on two operands",
                "store the first result in a variable, outside an action; that takes a stage",
            )
        if any(isinstance(part, ir.Conditional) for part in parts(statement.value)):
            yield Finding(
                Severity.warning,
                "conditional-value",
                statement.at,
                f"{wording.statement(statement)}: an action cannot choose a value",
                "use if and else",
            )


def _check_adder(part: ir.Binary, statement: ir.Assign) -> Iterator[Finding]:
    if part.op not in _ADDERS:
        return
    is_field = any(
        isinstance(one, ir.HeaderField) for one in (*parts(part), *parts(statement.target))
    )
    if part.width > 64 or (part.width > 32 and part.width % 32 and is_field):
        yield Finding(
            Severity.error,
            "arithmetic-too-wide",
            statement.at,
            f"{wording.statement(statement)}: {part.width} bits; an adder has 32, or 64 by two",
            "add the low 32 bits only, or keep the sum in a counter",
        )


def check_registers(gress: ir.Gress, target: Target) -> Iterator[Finding]:
    """Yield registers that are changed in more ways than a stateful ALU has programs."""
    ways: dict[str, list[ir.ExecuteRegister]] = {}
    for statement in statements_of(gress):
        if isinstance(statement, ir.ExecuteRegister):
            known = ways.setdefault(statement.register, [])
            if all(one.body != statement.body for one in known):
                known.append(statement)
    for register, different in ways.items():
        if len(different) > target.register_actions:
            yield Finding(
                Severity.error,
                "register-actions",
                different[target.register_actions].at,
                f"register {wording.short(register)} has {len(different)} register actions; "
                f"its ALU holds {target.register_actions}",
                "merge some by a value from the packet that they branch on",
            )

"""From the names and patterns of vectors to what a data plane takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from p4xdp import ir
from p4xdp.dataplane import Entry, Match
from p4xdp.stf.errors import StfError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from p4xdp.stf.syntax import Add, Call, CheckCounter, Pattern, RegisterWrite, SetDefault

_T = TypeVar("_T")


class Names:
    """What `program` declares. A vector may name it by any unique end of its name.

    Every method raises StfError if the program has no such thing.
    """

    def __init__(self, program: ir.Program) -> None:
        gresses = (program.ingress, program.egress)
        self._tables = {name: table for g in gresses for name, table in g.tables.items()}
        self._actions = {name: action for g in gresses for name, action in g.actions.items()}
        self._counters = {name: counter for g in gresses for name, counter in g.counters.items()}
        self._registers = {name: one for g in gresses for name, one in g.registers.items()}

    def tables(self) -> Mapping[str, ir.Table]:
        """Return all tables by name."""
        return self._tables

    def counter(self, check: CheckCounter) -> ir.Counter:
        """Return the counter; it has the cell that is to be checked."""
        counter = _find(self._counters, check.counter, "counter")
        if counter.size is None or check.index >= counter.size:
            raise StfError(f"line {check.line}: {counter.name} has no cell {check.index}")
        return counter

    def has_registers(self) -> bool:
        """Return whether the program keeps state in registers."""
        return bool(self._registers)

    def register(self, write: RegisterWrite) -> ir.Register:
        """Return the register; the values fit its fields."""
        register = _find(self._registers, write.register, "register")
        if len(write.values) != len(register.fields):
            raise StfError(f"{register.name} has {len(register.fields)} values in a cell")
        for field, value in zip(register.fields, write.values, strict=True):
            if value >> field.width:
                raise StfError(f"{value:#x} has more than {field.width} bits")
        return register

    def entry(self, add: Add) -> tuple[str, Entry]:
        """Return the table's name and the entry."""
        table = _find(self._tables, add.table, "table")
        given = {_key_name(name): pattern for name, pattern in add.matches}
        matches = tuple(
            _match(table, key, given.pop(_key_name(key.name), None)) for key in table.keys
        )
        if given:
            raise StfError(f"table {table.name} has no key {', '.join(given)}")
        action, arguments = self._call(table, add.call)
        return table.name, Entry(matches, action, arguments, _priority(table, add.priority))

    def default(self, statement: SetDefault) -> tuple[str, str, tuple[int, ...]]:
        """Return the table's name, its new default action and the arguments."""
        table = _find(self._tables, statement.table, "table")
        if table.is_default_const:
            raise StfError(f"the default action of {table.name} is constant")
        return table.name, *self._call(table, statement.call)

    def _call(self, table: ir.Table, call: Call) -> tuple[str, tuple[int, ...]]:
        own = {ref.action: self._actions[ref.action] for ref in table.actions}
        action = _find(own, call.action, f"action of {table.name}")
        given = dict(call.arguments)
        names = [name for name, _ in action.params]
        if sorted(given) != sorted(names):
            raise StfError(f"{action.name} has the parameters ({', '.join(names)})")
        for name, width in action.params:
            if given[name] >> width:
                raise StfError(f"{name}:{given[name]:#x} has more than {width} bits")
        return action.name, tuple(given[name] for name in names)


def _find(declared: Mapping[str, _T], name: str, kind: str) -> _T:
    if name in declared:
        return declared[name]
    # Other tools put the pipe's name before ours; people leave controls' names out.
    ends = [one for one in declared if one.endswith(f".{name}") or name.endswith(f".{one}")]
    if len(ends) != 1:
        which = "more than one" if ends else "no"
        raise StfError(f"the program has {which} {kind} {name}")
    return declared[ends[0]]


def _key_name(name: str) -> str:
    """Return one spelling of `hdr.ipv4.$valid$`, which p4testgen writes without the last `$`."""
    return name.removesuffix("$")


def _match(table: ir.Table, key: ir.Key, pattern: Pattern | None) -> Match:
    ones = (1 << key.width) - 1
    where = f"{key.name} of {table.name}"
    if pattern is None:
        if key.match_kind is ir.MatchKind.EXACT:
            raise StfError(f"{where} is missing; only a key that is not exact may be")
        return Match(0, 0, ones if key.match_kind is ir.MatchKind.RANGE else None)
    if max(pattern.value, pattern.wildcard, pattern.high or 0) > ones:
        raise StfError(f"{where} has {key.width} bits, not as many as its value")
    if key.match_kind is ir.MatchKind.RANGE:
        return _range(where, pattern)
    mask = _mask(where, key, pattern)
    return Match(pattern.value & mask, mask)


def _range(where: str, pattern: Pattern) -> Match:
    if pattern.wildcard or pattern.prefix_bits is not None:
        raise StfError(f"{where} is a range: say LOW..HIGH")
    return Match(pattern.value, 0, pattern.value if pattern.high is None else pattern.high)


def _mask(where: str, key: ir.Key, pattern: Pattern) -> int:
    if pattern.high is not None:
        raise StfError(f"{where} is {key.match_kind.value}, not a range")
    ones = (1 << key.width) - 1
    mask = ones & ~pattern.wildcard
    if pattern.prefix_bits is not None:
        if pattern.prefix_bits > key.width:
            raise StfError(f"{where} has {key.width} bits, not {pattern.prefix_bits}")
        mask = ones ^ (ones >> pattern.prefix_bits)
    if key.match_kind is ir.MatchKind.EXACT and mask != ones:
        raise StfError(f"{where} is exact: every bit matters")
    if key.match_kind is ir.MatchKind.LPM and (ones ^ mask) & ((ones ^ mask) + 1):
        raise StfError(f"{where} is lpm: only its last bits may be any")
    return mask


def _priority(table: ir.Table, given: int | None) -> int:
    """Return the priority P4Runtime wants: none where the key itself decides."""
    kinds = {key.match_kind for key in table.keys}
    if not kinds & {ir.MatchKind.TERNARY, ir.MatchKind.RANGE}:
        return 0
    return 1 if given is None else given

"""How keys, entries and cells lie in BPF maps: the one description that both the generated C and
the control path in Python follow.

Scalars are stored in the byte order of the machine, as C does, in the smallest of 1, 2, 4, 8 or 16
octets, largest first so that there are no holes. Prefix tables are the exception: the kernel
compares their keys bit by bit from the front, so each field takes whole big-endian 32-bit words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.xdp.directory import Form
from p4xdp.xdp.errors import UnsupportedProgramError
from p4xdp.xdp.names import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LARGEST_SCALAR_BITS = 128
_LARGEST_RANGE_BITS = 64
_LARGEST_ALIGNMENT = 8
LARGEST_INDEX_BITS = 16
ENTRY_CELL_OFFSET = 4  # in an entry whose table has a direct counter or meter
_ENTRY_CELL_END = 8
LARGEST_SCAN = 1024  # entries a packet may have to be compared with
_SMALLEST_GROUPED = 32  # entries; with fewer, looking for the group takes longer than comparing
_MOST_COMPARISONS = 64  # constant entries; among more, a map finds one faster
RULE_END_SIZE = 8  # octets at the end of a rule: the next in its group, and its priority
GROUP_SIZE = 8  # octets: the first rule, and nothing
ARRAY_CELL_HEAD = 8  # octets before the two entries of a cell


@dataclass(frozen=True, slots=True)
class Slot:
    """A scalar in a structure: `size` octets (1, 2, 4, 8, 16) at `offset`."""

    name: str
    width: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ActionLayout:
    """An action as entries name it: `id` (0 is never used) and its parameters in their order."""

    name: str
    id: int
    symbol: str
    params: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class TableLayout:
    """A table's maps. `kind` is "array" (the key, at most 16 bits, is an index), "hash" (entries in
    a `p4xdp.xdp.directory`), "lpm", "scan" (rules in order of priority, compared one after the
    other), "groups" (likewise, but only the rules with the packet's `exact` parts of the key),
    "keyless" or "constant" (no map of entries; that of a constant one are in the C).

    In an array `keys` are the fields of the index from the most significant, offset and size in
    bits. In a prefix table `keys` are the fields in the order of the key's words, their offsets
    counted behind the prefix length. In a scanned table they are masked and compared as words of 64
    bits, but those named in `ranges`. `defaults` is the map of a default action that may change, or
    None. With `has_cells` every entry names its cell of the table's direct counter and meter, and
    with `has_hits` of the times when entries were last hit.
    """

    name: str
    symbol: str
    kind: str
    size: int
    key_size: int
    value_size: int
    keys: tuple[Slot, ...]
    actions: tuple[ActionLayout, ...]
    defaults: str | None
    ranges: tuple[str, ...] = ()
    has_cells: bool = False
    exact: tuple[Slot, ...] = ()
    exact_size: int = 0
    has_hits: bool = False

    @property
    def cells(self) -> int:
        """Return how many cells the array of an "array" table has."""
        return 1 << sum(slot.width for slot in self.keys)

    def directory(self, size: int) -> Form | None:
        """Return the directory of a "hash" table of `size` entries, or that of the groups of a
        "groups" one, where a value begins with the group's first rule; None of other kinds.
        """
        if self.kind == "hash":
            return Form(self.key_size, self.value_size, size)
        if self.kind == "groups":
            return Form(self.exact_size, GROUP_SIZE, size)
        return None

    @property
    def rule_size(self) -> int:
        """Return the octets of a rule: entry, value, mask, ranges, and the end."""
        return self.value_size + 2 * self.key_size + 16 * len(self.ranges) + RULE_END_SIZE

    def action(self, name: str) -> ActionLayout:
        """Return the layout of that action's entries; KeyError if the table has no such action."""
        for action in self.actions:
            if action.name == name:
                return action
        raise KeyError(name)


def rule_slots(size: int) -> int:
    """Return how many places for rules a "groups" table of `size` entries has: place 0 is none, and
    some hold rules that packets may still see for a moment.
    """
    return 1 + size + max(64, size // 8)


def size_of(width: int) -> int:
    """Return how many octets a scalar of `width` bits takes."""
    for size in (1, 2, 4, 8, 16):
        if width <= size * 8:
            return size
    raise UnsupportedProgramError(
        f"a value of {width} bits: the XDP target computes with at most {LARGEST_SCALAR_BITS}"
    )


def align(offset: int, size: int) -> int:
    """Return the first multiple of `size` from `offset` on."""
    return -(-offset // size) * size


def structure(fields: Iterable[tuple[str, int]], start: int = 0) -> tuple[tuple[Slot, ...], int]:
    """Lay out `(name, width)` from `start` on; return slots in the given order, and the end."""
    named = list(enumerate(fields))
    offset = start
    placed: dict[int, Slot] = {}
    for position, (name, width) in sorted(named, key=lambda f: -size_of(f[1][1])):
        size = size_of(width)
        offset = align(offset, min(size, _LARGEST_ALIGNMENT))
        placed[position] = Slot(name, width, offset, size)
        offset += size
    return tuple(placed[position] for position in sorted(placed)), offset


def table_layout(table: ir.Table, actions: dict[str, ir.Action], symbol: str) -> TableLayout:
    """Decide how `table` is kept; UnsupportedProgramError for what XDP has no map for."""
    kind = _kind(table)
    _require_scalars(table, actions)
    has_cells = bool(table.direct_counter or table.direct_meter or table.has_idle_timeout)
    # The number of the action is the first octet of an entry.
    start = _ENTRY_CELL_END if has_cells else 1
    laid_out = tuple(
        _action_layout(number, actions[reference.action], symbol, start)
        for number, reference in enumerate(table.actions, start=1)
    )
    value_end = max((s.offset + s.size for a in laid_out for s in a.params), default=start)
    keys, key_size = _KEYS[kind](table)
    exact, exact_size = _exact_key(table) if kind == "groups" else ((), 0)
    return TableLayout(
        name=table.name,
        symbol=symbol,
        kind=kind,
        size=table.size,
        key_size=key_size,
        value_size=align(value_end, 8),
        keys=keys,
        actions=laid_out,
        defaults=None if table.is_default_const else f"{symbol}_default",
        ranges=tuple(key.name for key in table.keys if key.match_kind is ir.MatchKind.RANGE),
        has_cells=has_cells,
        exact=exact,
        exact_size=exact_size,
        has_hits=table.has_idle_timeout,
    )


def _kind(table: ir.Table) -> str:
    kinds = [key.match_kind for key in table.keys]
    if not kinds:
        return "keyless"
    if is_constant(table):
        return "constant"
    if ir.MatchKind.TERNARY in kinds or ir.MatchKind.RANGE in kinds:
        if ir.MatchKind.EXACT in kinds and table.size >= _SMALLEST_GROUPED:
            return "groups"
        if table.size > LARGEST_SCAN:
            raise UnsupportedProgramError(
                f"table {table.name}: {table.size} entries with ternary or range keys; XDP "
                f"compares with one after the other, and with at most {LARGEST_SCAN}: make it "
                "smaller, or match exactly first",
                table.at,
            )
        return "scan"
    if ir.MatchKind.LPM in kinds:
        return "lpm"
    return "array" if index_width(table) <= LARGEST_INDEX_BITS else "hash"


def is_constant(table: ir.Table) -> bool:
    """Return whether nobody can change what `table` does, and comparing is worth while."""
    return (
        table.entries is not None
        and table.is_default_const
        and not (table.direct_counter or table.direct_meter or table.has_idle_timeout)
        and len(table.entries) <= _MOST_COMPARISONS
    )


def _require_scalars(table: ir.Table, actions: dict[str, ir.Action]) -> None:
    for key in table.keys:
        is_range = key.match_kind is ir.MatchKind.RANGE
        most = _LARGEST_RANGE_BITS if is_range else LARGEST_SCALAR_BITS
        if key.width > most:
            kind = key.match_kind.value
            raise UnsupportedProgramError(
                f"table {table.name}: {kind} key {key.name} has {key.width} bits; XDP takes at "
                f"most {most}",
                table.at,
            )
    for reference in table.actions:
        for name, width in actions[reference.action].params:
            if width > LARGEST_SCALAR_BITS:
                raise UnsupportedProgramError(
                    f"action {reference.action}: parameter {name} has {width} bits; XDP takes at "
                    f"most {LARGEST_SCALAR_BITS}",
                    actions[reference.action].at,
                )


def index_width(table: ir.Table) -> int:
    """Return the bits of all keys together."""
    return sum(key.width for key in table.keys)


def _action_layout(number: int, action: ir.Action, symbol: str, start: int) -> ActionLayout:
    params, _ = structure(action.params, start)
    name = f"{symbol}_{identifier(action.name.rsplit('.', 1)[-1])}"
    return ActionLayout(action.name, number, name, params)


def _exact_key(table: ir.Table) -> tuple[tuple[Slot, ...], int]:
    return _hash_key_of([key for key in table.keys if key.match_kind is ir.MatchKind.EXACT])


def _hash_key(table: ir.Table) -> tuple[tuple[Slot, ...], int]:
    return _hash_key_of(table.keys)


def _hash_key_of(keys: Sequence[ir.Key]) -> tuple[tuple[Slot, ...], int]:
    slots, end = structure((key.name, key.width) for key in keys)
    return slots, align(end, 8)


def _scan_key(table: ir.Table) -> tuple[tuple[Slot, ...], int]:
    slots, end = structure((key.name, key.width) for key in table.keys)
    return slots, align(end, 8)


def _lpm_key(table: ir.Table) -> tuple[tuple[Slot, ...], int]:
    ordered = sorted(table.keys, key=lambda key: key.match_kind is ir.MatchKind.LPM)
    slots = []
    offset = 0
    for key in ordered:
        size = align(size_of(key.width), 4)
        slots.append(Slot(key.name, key.width, offset, size))
        offset += size
    return tuple(slots), 4 + offset


def _array_key(table: ir.Table) -> tuple[tuple[Slot, ...], int]:
    slots = []
    shift = index_width(table)
    for key in table.keys:
        shift -= key.width
        slots.append(Slot(key.name, key.width, shift, key.width))
    return tuple(slots), 4


def _no_key(_table: ir.Table) -> tuple[tuple[Slot, ...], int]:
    return (), 0


_KEYS = {
    "array": _array_key,
    "hash": _hash_key,
    "lpm": _lpm_key,
    "scan": _scan_key,
    "groups": _scan_key,
    "keyless": _no_key,
    "constant": _no_key,
}

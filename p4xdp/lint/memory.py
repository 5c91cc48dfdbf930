"""Blocks of memory that tables and externs take.

The formulas are those of p4c's own estimate of a table (its `resource_estimate.cpp` and
`table_layout.cpp`), on the widths that the program gives; p4c knows the containers of each field
and is therefore more exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.lint.access import Bits, bits_of, merge
from p4xdp.lint.action_data import Format, formats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SRAM_WORDS = 1024
_SRAM_BITS = 128
_SRAM_OCTETS = 16
_OVERHEAD_BITS = 64  # of a word, beside the key
_VERSION_BITS = 4
_GHOST_BITS = 10  # of the key, told by the place of the entry
_MAX_PACK = 9
_MAX_PACK_PER_WORD = 5
_MAX_WIDTH = 8
_MIN_WAYS = 4
_TCAM_WORDS = 512
_TCAM_OCTETS = 5
_RANGE_SHARE = 0.25  # of entries that p4c takes to have a range at all
_MAX_RANGE_LINES = 8
_IDENTITY_BITS = 8


@dataclass(frozen=True, slots=True)
class Blocks:
    """RAM blocks. `entries` is what they hold, which may be more than was asked."""

    srams: int = 0
    tcams: int = 0
    map_rams: int = 0
    entries: int = 0

    def __add__(self, other: Blocks) -> Blocks:
        return Blocks(
            self.srams + other.srams,
            self.tcams + other.tcams,
            self.map_rams + other.map_rams,
            max(self.entries, other.entries),
        )


NOTHING = Blocks()


def is_ternary(table: ir.Table) -> bool:
    """Return whether the table needs TCAM."""
    return any(key.match_kind is not ir.MatchKind.EXACT for key in table.keys)


def table_blocks(table: ir.Table, gress: ir.Gress, live: set[str]) -> Blocks:
    """Return what match, action data and direct externs of a table take."""
    options = [
        _with_direct(table, gress, blocks)
        for format_ in formats(table, gress, live)
        for blocks in (
            [_ternary(table, format_)] if is_ternary(table) else list(_exact(table, format_, gress))
        )
    ]
    return min(options, key=lambda blocks: (blocks.srams, blocks.map_rams))


def key_bits(table: ir.Table) -> int:
    """Return the width of the key; a bit that is matched on twice counts once."""
    return sum(mask.bit_count() for mask in _key_masks(table).values())


def _key_masks(table: ir.Table) -> Bits:
    masks: Bits = {}
    for key in table.keys:
        merge(masks, bits_of(key.expression))
    return masks


def _hit_actions(table: ir.Table) -> int:
    return sum(not reference.default_only for reference in table.actions)


def _action_bits(table: ir.Table) -> int:
    """Return what an entry needs to name its action."""
    actions = _hit_actions(table)
    return (actions - 1).bit_length() if actions <= 8 else 6


def _action_data(entries: int, octets: int) -> int:
    if octets == 0:
        return 0
    if octets > _SRAM_OCTETS:
        return ceil(entries / _SRAM_WORDS) * (octets // _SRAM_OCTETS)
    return ceil(entries * octets / (_SRAM_WORDS * _SRAM_OCTETS))


# --- exact ----------------------------------------------------------------------------------------


def _exact(table: ir.Table, format_: Format, gress: ir.Gress) -> Iterator[Blocks]:
    """Yield what the table takes with each number of entries to a row of RAMs."""
    if not table.keys:
        yield Blocks(srams=_action_data(1, format_.table_octets), entries=1)
        return
    width = key_bits(table)
    octets = _octets_to_match(table)
    overhead = _action_bits(table) + format_.immediate_bits
    entry_bits = max(0, width - _GHOST_BITS) + overhead + _VERSION_BITS
    for pack in range(1, _MAX_PACK + 1):
        row = max(
            ceil(pack * entry_bits / _SRAM_BITS),
            ceil(pack * octets / _SRAM_OCTETS),
            ceil(pack * overhead / _OVERHEAD_BITS),
            ceil(pack / _MAX_PACK_PER_WORD),
        )
        if row > _MAX_WIDTH:
            return
        depth = _depth(table, gress, format_, pack)
        entries = depth * pack * _SRAM_WORDS
        srams = depth * row + _action_data(entries, format_.table_octets)
        yield Blocks(srams=srams, entries=entries)


def _octets_to_match(table: ir.Table) -> int:
    """Return octets of the key without those that the ghost bits stand for."""
    sizes = sorted(
        min(8, bits - low)
        for bits in (mask.bit_count() for mask in _key_masks(table).values())
        for low in range(0, bits, 8)
    )
    left, ghosts = _GHOST_BITS, 0
    for size in sizes:
        if size <= left:
            left -= size
            ghosts += 1
    return len(sizes) - ghosts


def _depth(table: ir.Table, gress: ir.Gress, format_: Format, pack: int) -> int:
    """Return rows of RAMs: as many as the entries need, but four ways to place an entry."""
    needed = ceil(table.size / (pack * _SRAM_WORDS))
    hashed_bits = max(0, key_bits(table) - _GHOST_BITS)
    if hashed_bits == 0 and needed == 1:
        return 1
    ways = max(needed, _MIN_WAYS)
    default = gress.actions[table.default_action]
    default_keeps_data = bool(default.params and format_.table_octets)
    if not default_keeps_data and hashed_bits <= _IDENTITY_BITS:
        # Every key has its own place: no hash, no ways.
        rows = 1 << (ceil((1 << hashed_bits) / pack) - 1).bit_length()
        if rows <= ways:
            return rows
    return ways


# --- ternary --------------------------------------------------------------------------------------


def _ternary(table: ir.Table, format_: Format) -> Blocks:
    ranges = [key.width for key in table.keys if key.match_kind is ir.MatchKind.RANGE]
    lines = ceil(_lines(table, ranges))
    depth = ceil(lines / _TCAM_WORDS)
    tcams = depth * _tcams_across(key_bits(table) + sum(ranges), len(ranges))
    entries = depth * _TCAM_WORDS
    overhead = _action_bits(table) + format_.immediate_bits
    indirection = max(8, 1 << (overhead - 1).bit_length()) if overhead else 0
    srams = ceil(entries * indirection / (_SRAM_WORDS * _SRAM_BITS))
    srams += _action_data(entries, format_.table_octets)
    return Blocks(srams=srams, tcams=tcams, entries=entries)


def _tcams_across(bits: int, ranges: int) -> int:
    """Return TCAMs side by side: two of them match 11 octets, one alone 5.

    A range takes its octets twice (`bits` says so), and several ranges do not share a pair.
    """
    octets = ceil(bits / 8)
    pairs, rest = divmod(octets, 2 * _TCAM_OCTETS + 1)
    across = 2 * pairs + (0 if rest == 0 else 1 if rest <= _TCAM_OCTETS else 2)
    return max(across, 2 * ranges if ranges > 1 else 0)


def _lines(table: ir.Table, ranges: Sequence[int]) -> float:
    """Return rows of TCAM: a range is cut into up to 2n-1 rows for n nibbles."""
    if not ranges:
        return table.size
    each = max(min(_MAX_RANGE_LINES, 2 * ceil(width / 4) - 1) for width in ranges)
    with_ranges = table.size * _RANGE_SHARE
    for annotation in table.annotations:
        if annotation.name == "entries_with_ranges" and annotation.text.strip().isdecimal():
            with_ranges = min(int(annotation.text), table.size)
    return with_ranges * each + (table.size - with_ranges)


# --- externs --------------------------------------------------------------------------------------


def cells_in_word(gress: ir.Gress, name: str) -> int:
    """Return how many cells of a counter, meter or register share a word of 128 bits."""
    if name in gress.meters:
        return 1
    if name in gress.registers:
        bits = sum(one.width for one in gress.registers[name].fields)
        return _SRAM_BITS // (1 << (bits - 1).bit_length())
    counter = gress.counters[name]
    if counter.unit is ir.CounterUnit.BOTH:
        return 2 if counter.width <= 36 else 1
    return 4 if counter.width <= 32 else 2


def array_blocks(gress: ir.Gress, name: str, cells: int) -> Blocks:
    """Return what so many cells of a counter, meter or register take.

    One block more than they fill is for writing while another is read; the colours of a meter lie
    in map RAMs of their own.
    """
    units = ceil(cells / (cells_in_word(gress, name) * _SRAM_WORDS)) + 1
    colours = ceil(cells / (4 * _SRAM_WORDS)) if name in gress.meters else 0
    return Blocks(srams=units, map_rams=units + colours)


def _with_direct(table: ir.Table, gress: ir.Gress, blocks: Blocks) -> Blocks:
    for name in (table.direct_counter, table.direct_meter):
        if name is not None:
            blocks += array_blocks(gress, name, blocks.entries)
    return blocks

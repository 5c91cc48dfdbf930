"""What the control plane gave: entries, counters and meters, and what a packet finds there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir, metering
from p4xdp.dataplane import (
    CounterValue,
    DataplaneError,
    Entry,
    Match,
    MeterConfig,
    TableFullError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Identity: TypeAlias = tuple[tuple[Match, ...], int]


def identity(entry: Entry) -> Identity:
    """Return what tells entries of a table apart."""
    return entry.matches, entry.priority


@dataclass(slots=True)
class CounterCell:
    """A counter while it counts."""

    packets: int = 0
    octets: int = 0

    def value(self) -> CounterValue:
        """Return what a reader sees."""
        return CounterValue(self.packets, self.octets)


@dataclass(slots=True)
class MeterCell:
    """A configured meter at work."""

    config: MeterConfig
    cell: metering.Cell
    state: metering.CellState = field(default_factory=metering.CellState)


class TableStore:
    """The entries of one table, in the order they came, with their direct counters and meters."""

    def __init__(self, table: ir.Table) -> None:
        self.table = table
        self.entries: dict[Identity, Entry] = {}
        self.counters: dict[Identity, CounterCell] = {}
        self.meters: dict[Identity, MeterCell] = {}
        self._hits_ns: dict[Identity, int] = {}  # when each was last hit, of those asked about
        self.default_action = table.default_action
        self.default_arguments = table.default_arguments
        self.insert(table.entries or ())

    def insert(self, entries: Sequence[Entry]) -> None:
        """Add all or none."""
        added = {identity(entry): entry for entry in entries}
        for known in self.entries.keys() & added.keys():
            raise DataplaneError(f"{self.table.name} already has an entry with the key {known}")
        if len(added) != len(entries):
            raise DataplaneError(f"{self.table.name}: the same key twice in one insertion")
        if len(self.entries) + len(added) > self.table.size:
            raise TableFullError(f"{self.table.name} holds {self.table.size} entries and no more")
        self.entries.update(added)
        self.counters.update((key, CounterCell()) for key in added)

    def modify(self, entries: Sequence[Entry]) -> None:
        """Replace actions, all or none; counters go on."""
        self._require(entries)
        self.entries.update((identity(entry), entry) for entry in entries)

    def delete(self, entries: Sequence[Entry]) -> None:
        """Remove all or none, with their counters and meters."""
        self._require(entries)
        for entry in entries:
            key = identity(entry)
            self.entries.pop(key, None)
            self.counters.pop(key, None)
            self.meters.pop(key, None)
            self._hits_ns.pop(key, None)

    def counter(self, entry: Entry) -> CounterCell:
        """Return the direct counter of `entry`."""
        self._require((entry,))
        return self.counters[identity(entry)]

    def note_hit(self, entry: Entry, now_ns: int) -> None:
        """Note that a packet hit `entry`, if that is ever asked about."""
        if self.table.has_idle_timeout:
            self._hits_ns[identity(entry)] = now_ns

    def idle_time(self, entry: Entry, now_ns: int) -> int:
        """Return how long `entry` has not been hit; if never, how long since it was asked."""
        if not self.table.has_idle_timeout:
            raise DataplaneError(f"{self.table.name} does not know when an entry was hit")
        self._require((entry,))
        return now_ns - self._hits_ns.setdefault(identity(entry), now_ns)

    def set_meter(self, entry: Entry, meter: MeterCell | None) -> None:
        """Configure the direct meter of `entry`; None is unmetered."""
        self._require((entry,))
        if meter is None:
            self.meters.pop(identity(entry), None)
        else:
            self.meters[identity(entry)] = meter

    def lookup(self, values: Sequence[int]) -> Entry | None:
        """Return the entry with the highest priority, then the longest prefix, that fits."""
        best: Entry | None = None
        for entry in self.entries.values():
            if not is_hit(entry, values):
                continue
            if best is None or self._rank(entry) > self._rank(best):
                best = entry
        return best

    def _rank(self, entry: Entry) -> tuple[int, int]:
        prefix_bits = sum(
            match.mask.bit_count()
            for key, match in zip(self.table.keys, entry.matches, strict=True)
            if key.match_kind is ir.MatchKind.LPM
        )
        return entry.priority, prefix_bits

    def _require(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if identity(entry) not in self.entries:
                raise DataplaneError(f"{self.table.name} has no entry with the key {entry.matches}")


class Store:
    """All tables, counters, meters and registers of both gresses, by their names."""

    def __init__(self, program: ir.Program) -> None:
        gresses = (program.ingress, program.egress)
        self.tables = {name: TableStore(t) for g in gresses for name, t in g.tables.items()}
        self._counters = {name: counter for g in gresses for name, counter in g.counters.items()}
        self._meters = {name: meter for g in gresses for name, meter in g.meters.items()}
        self._declared_registers = [one for g in gresses for one in g.registers.values()]
        self._registers: dict[str, list[tuple[int, ...]]] = {}
        self.reset_registers()
        self._counter_cells: dict[tuple[str, int], CounterCell] = {}
        self._meter_cells: dict[tuple[str, int], MeterCell] = {}

    def table(self, name: str) -> TableStore:
        """Return the table; DataplaneError if the program has none of that name."""
        if name not in self.tables:
            raise DataplaneError(f"the program has no table {name}")
        return self.tables[name]

    def counter_cell(self, name: str, index: int) -> CounterCell:
        """Return a cell of an indexed counter."""
        declared = self._counters.get(name)
        if declared is None:
            raise DataplaneError(f"the program has no counter {name}")
        _require_index(name, index, declared.size)
        return self._counter_cells.setdefault((name, index), CounterCell())

    def set_meter(self, name: str, index: int, config: MeterConfig | None) -> None:
        """Configure a cell of an indexed meter; its buckets are full then. None is unmetered."""
        declared = self._meters.get(name)
        if declared is None:
            raise DataplaneError(f"the program has no meter {name}")
        _require_index(name, index, declared.size)
        self._meter_cells.pop((name, index), None)
        if config is not None:
            self._meter_cells[name, index] = self._meter_cell(declared, config)

    def set_direct_meter(self, table: str, entry: Entry, config: MeterConfig | None) -> None:
        """Configure an entry's own meter."""
        store = self.table(table)
        name = store.table.direct_meter
        if name is None:
            raise DataplaneError(f"{table} has no direct meter")
        meter = None if config is None else self._meter_cell(self._meters[name], config)
        store.set_meter(entry, meter)

    def count(self, name: str, index: int | None, entry: Entry | None, octets: int) -> None:
        """Count one packet. A cell outside the counter, and a miss, are counted nowhere."""
        declared = self._counters[name]
        cell: CounterCell | None = None
        if declared.table is not None:
            cell = self.tables[declared.table].counter(entry) if entry is not None else None
        elif index is not None and declared.size is not None and index < declared.size:
            cell = self.counter_cell(name, index)
        if cell is None:
            return
        wrap = (1 << declared.width) - 1
        if declared.unit is not ir.CounterUnit.BYTES:
            cell.packets = cell.packets + 1 & wrap
        if declared.unit is not ir.CounterUnit.PACKETS:
            cell.octets = cell.octets + octets & wrap

    def meter(self, name: str, index: int | None, entry: Entry | None) -> MeterCell | None:
        """Return the cell a packet executes, or None if that is not configured."""
        declared = self._meters[name]
        if declared.table is not None:
            key = None if entry is None else identity(entry)
            return None if key is None else self.tables[declared.table].meters.get(key)
        return None if index is None else self._meter_cells.get((name, index))

    def configured(self, name: str) -> dict[int, MeterConfig]:
        """Return how the cells of an indexed meter are set, those that are."""
        cells = self._meter_cells.items()
        return {index: cell.config for (meter, index), cell in cells if meter == name}

    def register(self, name: str) -> list[tuple[int, ...]]:
        """Return the cells of a register, one number a field each."""
        if name not in self._registers:
            raise DataplaneError(f"the program has no register {name}")
        return self._registers[name]

    def reset_registers(self) -> None:
        """Set all registers to what they start with."""
        self._registers = {one.name: [one.initial] * one.size for one in self._declared_registers}

    def is_meter_in_bytes(self, name: str) -> bool:
        """Return whether the meter counts octets, not packets."""
        return self._meters[name].in_bytes

    @staticmethod
    def _meter_cell(meter: ir.Meter, config: MeterConfig) -> MeterCell:
        return MeterCell(config, metering.cell(config, in_bytes=meter.in_bytes))


def is_hit(entry: Entry, values: Sequence[int]) -> bool:
    """Return whether `entry` matches `values`, one a key."""
    return all(map(_fits, values, entry.matches))


def _fits(value: int, match: Match) -> bool:
    if match.high is not None:
        return match.value <= value <= match.high
    return value & match.mask == match.value & match.mask


def _require_index(name: str, index: int, size: int | None) -> None:
    if size is None:
        raise DataplaneError(f"{name} is direct: name an entry of its table, not an index")
    if not 0 <= index < size:
        raise DataplaneError(f"{name} has cells 0..{size - 1}, not {index}")

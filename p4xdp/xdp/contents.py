"""The maps of a loaded program as its tables, counters, meters and registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.dataplane import DataplaneError
from p4xdp.xdp.cells import COUNTER_CELL_SIZE, METER_CELL_SIZE, XdpCounter, XdpMeter
from p4xdp.xdp.direct import DirectCells
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.groups import GroupTable, RuleGroups
from p4xdp.xdp.hashed import HashTable, MappedDirectory
from p4xdp.xdp.hits import HIT_CELL_SIZE, Hits
from p4xdp.xdp.layout import ARRAY_CELL_HEAD, LARGEST_SCAN, rule_slots
from p4xdp.xdp.maps import Fence, num_cpus
from p4xdp.xdp.registers import REGISTER_CELL_SIZE, XdpRegister
from p4xdp.xdp.rules import BANKS_SIZE, RuleBanks, RuleTable
from p4xdp.xdp.sizes import cells_a_cpu, directory_of, set_sizes
from p4xdp.xdp.switched import CellArray
from p4xdp.xdp.tables import ConstantTable, Entries, XdpTable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from p4xdp.dataplane import Entry, MeterConfig
    from p4xdp.xdp.layout import TableLayout
    from p4xdp.xdp.manifest import ArrayInfo, Manifest
    from p4xdp.xdp.objects import Loaded, Object


class Contents:
    """Everything the control plane may read or write, by name; DataplaneError for other names.

    `sizes` are those that the maps were given before loading, by `resize`.
    """

    def __init__(self, loaded: Loaded, manifest: Manifest, sizes: Mapping[str, int]) -> None:
        self._object = loaded
        self._manifest = manifest
        self._sizes = sizes
        self._fence = Fence()
        self._counters = {
            name: XdpCounter(
                info,
                loaded.map(info.symbol, 4, COUNTER_CELL_SIZE),
                _cells(name, info, sizes),
            )
            for name, info in manifest.counters.items()
        }
        self._meters = {
            name: XdpMeter(
                info, loaded.map(info.symbol, 4, METER_CELL_SIZE), _cells(name, info, sizes)
            )
            for name, info in manifest.meters.items()
        }
        self._registers = {
            name: XdpRegister(
                name,
                info,
                loaded.map(info.symbol, 4, REGISTER_CELL_SIZE),
                sizes.get(name, info.size),
            )
            for name, info in manifest.registers.items()
        }
        self._hits: list[Hits] = []
        self._tables = {name: self._table_of(name) for name in manifest.tables}

    def begin(self, but: Collection[str] = ()) -> None:
        """Make everything what it is at the start of the program, except what is named in `but`."""
        for name, table in self._tables.items():
            if name not in but:
                table.begin()
        for name, register in self._registers.items():
            if name not in but:
                register.begin()

    def recover(self, names: Collection[str]) -> None:
        """Take up what an earlier process left in the maps of tables and meters."""
        for name, table in self._tables.items():
            if name in names:
                table.recover()
        for name, meter in self._meters.items():
            if name in names:
                meter.recover()
        self._fence.wait()  # what is not in force may have been a moment ago

    def constant_entries(self) -> dict[str, tuple[Entry, ...]]:
        """Return the entries of the tables that the program itself fills, by table."""
        tables = self._manifest.tables
        return {name: i.entries for name, i in tables.items() if i.entries is not None}

    def table(self, name: str) -> XdpTable:
        """Return a table."""
        try:
            return self._tables[name]
        except KeyError:
            raise DataplaneError(f"the program has no table {name}") from None

    def counter(self, name: str) -> XdpCounter:
        """Return an indexed counter."""
        found = self._counters.get(name)
        if found is None:
            raise DataplaneError(f"the program has no counter {name}")
        if found.is_direct:
            raise DataplaneError(f"{name} is direct: name an entry of its table, not an index")
        return found

    def meter(self, name: str) -> XdpMeter:
        """Return an indexed meter."""
        found = self._meters.get(name)
        if found is None:
            raise DataplaneError(f"the program has no meter {name}")
        if found.is_direct:
            raise DataplaneError(f"{name} is direct: name an entry of its table, not an index")
        return found

    def register(self, name: str) -> XdpRegister:
        """Return a register."""
        found = self._registers.get(name)
        if found is None:
            raise DataplaneError(f"the program has no register {name}")
        return found

    def reset_registers(self) -> None:
        """Set all registers to what they start with."""
        for register in self._registers.values():
            register.reset()

    def direct_counter(self, table: str, entry: Entry) -> tuple[XdpCounter, int]:
        """Return the counter of an entry, and the cell there."""
        found = self.table(table)
        if found.direct is None or found.direct.counter is None:
            raise DataplaneError(f"{table} has no direct counter")
        return found.direct.counter, found.cell_of(entry)

    def direct_meter(self, table: str, entry: Entry) -> tuple[XdpMeter, int]:
        """Return the meter of an entry, and the cell there."""
        found = self.table(table)
        if found.direct is None or found.direct.meter is None:
            raise DataplaneError(f"{table} has no direct meter")
        return found.direct.meter, found.cell_of(entry)

    def direct_meters(self, table: str) -> Iterator[tuple[Entry, MeterConfig]]:
        """Yield the entries of a table whose own meter is configured, each with how."""
        found = self.table(table)
        if found.direct is None or found.direct.meter is None:
            raise DataplaneError(f"{table} has no direct meter")
        for entry in found.entries():
            config = found.direct.meter.config(found.cell_of(entry))
            if config is not None:
                yield entry, config

    def idle_times(self, table: str, entries: Sequence[Entry]) -> list[int]:
        """Return how many nanoseconds ago entries were hit, or made."""
        found = self.table(table)
        if found.direct is None or found.direct.hits is None:
            raise DataplaneError(f"{table} does not know when an entry was hit")
        return [found.direct.hits.idle_ns(found.cell_of(entry)) for entry in entries]

    def close(self) -> None:
        """Give back what is not the kernel's."""
        for hits in self._hits:
            hits.close()
        for table in self._tables.values():
            table.close()
        for counter in self._counters.values():
            counter.close()
        for meter in self._meters.values():
            meter.close()
        for register in self._registers.values():
            register.close()
        self._fence.close()

    def _table_of(self, name: str) -> XdpTable:
        loaded, info = self._object, self._manifest.tables[name]
        layout = info.layout
        size = self._sizes.get(name, layout.size)
        if layout.kind == "constant":
            return ConstantTable(info, None, None, size)
        direct = self._direct_cells(name, size) if layout.has_cells else None
        defaults = None
        if layout.defaults is not None:
            defaults = self._cell_array(layout.defaults, layout, 1)
        if layout.kind == "hash":
            return HashTable(info, self._directory(layout, size), defaults, size, direct)
        if layout.kind == "groups":
            rules = loaded.map(layout.symbol, 4, layout.rule_size)
            groups = RuleGroups(rules, self._directory(layout, size), size, self._fence)
            return GroupTable(info, groups, defaults, size, direct)
        if layout.kind == "scan":
            rules = loaded.map(layout.symbol, 4, layout.rule_size)
            state = loaded.map(f"{layout.symbol}_banks", 4, BANKS_SIZE)
            banks = RuleBanks(rules, state, size, self._fence)
            return RuleTable(info, banks, defaults, size, direct)
        entries: Entries | None = None
        if layout.kind == "array":
            entries = self._cell_array(layout.symbol, layout, layout.cells)
        elif layout.kind != "keyless":
            entries = loaded.map(layout.symbol, layout.key_size, layout.value_size)
        return XdpTable(info, entries, defaults, size, direct)

    def _directory(self, layout: TableLayout, size: int) -> MappedDirectory:
        form = layout.directory(size)
        assert form is not None, "a table with a directory"
        cells = self._object.map(directory_of(layout), 4, form.cell_size)
        return MappedDirectory(cells, form, self._fence)

    def _cell_array(self, symbol: str, layout: TableLayout, count: int) -> CellArray:
        cells = self._object.map(symbol, 4, ARRAY_CELL_HEAD + 2 * layout.value_size)
        return CellArray(cells, count, self._fence)

    def _direct_cells(self, table: str, size: int) -> DirectCells:
        manifest = self._manifest
        counters = (self._counters[n] for n, c in manifest.counters.items() if c.table == table)
        meters = (self._meters[n] for n, m in manifest.meters.items() if m.table == table)
        hits, layout = None, manifest.tables[table].layout
        if layout.has_hits:
            hits = Hits(self._object.map(f"{layout.symbol}_hits", 4, HIT_CELL_SIZE), size + 1)
            self._hits.append(hits)
        return DirectCells(size, next(counters, None), next(meters, None), hits)


def resize(loaded: Object, manifest: Manifest, sizes: Mapping[str, int]) -> None:
    """Give tables and arrays the sizes wanted; before loading."""
    layouts = {name: info.layout for name, info in manifest.tables.items()}
    counters = {name for name, info in manifest.counters.items() if info.table is None}
    symbols = {n: info.symbol for n, info in manifest.meters.items() if info.table is None}
    symbols |= {name: info.symbol for name, info in manifest.registers.items()}
    for name, size in sizes.items():
        if name in layouts:
            _resize_table(loaded, name, layouts[name], size)
        elif name in symbols:
            loaded.set_size(symbols[name], size)
        elif name not in counters:
            raise LoadError(f"a size for {name}, which the program does not have")
    _resize_cells(loaded, manifest, sizes)
    told = []
    for name, layout in layouts.items():
        form = layout.directory(sizes.get(name, layout.size))
        if form is not None:
            told.append(form.homes - 1)
            loaded.set_size(directory_of(layout), form.cells)
    for name, info in manifest.counters.items():
        told.append(cells_a_cpu(_cells(name, info, sizes)))
        loaded.set_size(info.symbol, num_cpus() * told[-1])
    set_sizes(loaded, told)


def _resize_cells(loaded: Object, manifest: Manifest, sizes: Mapping[str, int]) -> None:
    """Give the cells of entries the sizes of their tables; those of counters apart."""
    for name, table in manifest.tables.items():
        if table.layout.has_hits and name in sizes:
            loaded.set_size(f"{table.layout.symbol}_hits", sizes[name] + 1)
    for name, info in manifest.meters.items():
        if info.table in sizes:
            loaded.set_size(info.symbol, _cells(name, info, sizes))


def _resize_table(loaded: Object, name: str, layout: TableLayout, size: int) -> None:
    if layout.kind == "groups":
        loaded.set_size(layout.symbol, rule_slots(size))
    elif layout.kind == "scan":
        if size > LARGEST_SCAN:
            raise LoadError(f"{name} can have at most {LARGEST_SCAN} entries, not {size}")
        loaded.set_size(layout.symbol, 2 * size)
    elif layout.kind == "lpm":
        loaded.set_size(layout.symbol, size)


def _cells(name: str, info: ArrayInfo, sizes: Mapping[str, int]) -> int:
    if info.table is None:
        return sizes.get(name, info.size)
    return sizes[info.table] + 1 if info.table in sizes else info.size

"""Cells of counters and meters in the kernel."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from p4xdp import metering
from p4xdp.dataplane import CounterValue, DataplaneError, MeterConfig

if TYPE_CHECKING:
    from p4xdp.xdp.manifest import ArrayInfo
    from p4xdp.xdp.maps import Map

COUNTER_CELL_SIZE = 16  # struct counter_cell
METER_CELL_SIZE = 128  # struct meter_cell
_CELLS_A_READ = 8192
_ACTIVE = re.compile(rb"[^\0]")

_TATS_OFFSET = 0
_ACTIVE_OFFSET = 16
_SLOT_OFFSETS = {1: 24, 2: 64}
_TOLD_OFFSET = 96


class XdpCounter:
    """A counter: one cell a CPU, so that counting shares nothing."""

    def __init__(self, info: ArrayInfo, cells: Map, size: int) -> None:
        self._info = info
        self._map = cells
        self._size = size

    @property
    def is_direct(self) -> bool:
        """Return whether the cells are those of a table's entries."""
        return self._info.table is not None

    def read(self, first: int, count: int) -> list[CounterValue]:
        """Return `count` values from `first` on."""
        self._require(first, count)
        values: list[CounterValue] = []
        for start in range(first, first + count, _CELLS_A_READ):
            values += self._read_some(start, min(_CELLS_A_READ, first + count - start))
        return values

    def write(self, index: int, value: CounterValue) -> None:
        """Set a cell. What packets add on another CPU at that moment may be lost."""
        self._require(index, 1)
        zeros = bytes(COUNTER_CELL_SIZE * (self._map.cpus - 1))
        cell = struct.pack("<QQ", value.packets, value.octets)
        self._map.put(index.to_bytes(4, "little"), cell + zeros)

    def _read_some(self, first: int, count: int) -> list[CounterValue]:
        words = memoryview(self._map.read_array(first, count)).cast("Q")
        wrap = (1 << self._info.width) - 1
        counts_packets = self._info.unit != "BYTES"
        stride = 2 * self._map.cpus
        every_cpu = range(0, stride, 2)
        packets, octets = (
            [
                sum(cpus) & wrap
                for cpus in zip(*(words[i + at :: stride] for i in every_cpu), strict=True)
            ]
            for at in (0, 1)
        )
        return list(map(CounterValue, packets if counts_packets else [0] * count, octets))

    def _require(self, first: int, count: int) -> None:
        if first < 0 or count < 0 or first + count > self._size:
            raise DataplaneError(f"cells {first}..{first + count - 1} of a counter of {self._size}")


class XdpMeter:
    """A meter, in memory shared with the kernel."""

    def __init__(self, info: ArrayInfo, cells: Map, size: int) -> None:
        self._info = info
        self.size = size
        self._memory = cells.mapped(size)

    @property
    def is_direct(self) -> bool:
        """Return whether the cells are those of a table's entries."""
        return self._info.table is not None

    def write(self, index: int, config: MeterConfig | None) -> None:
        """Configure a cell, its buckets full; None takes the configuration away."""
        if not 0 <= index < self.size:
            raise DataplaneError(f"cell {index} of a meter of {self.size}")
        at = index * METER_CELL_SIZE
        active = self._memory[at + _ACTIVE_OFFSET]
        if config is None:
            self._memory[at + _ACTIVE_OFFSET] = 0
            return
        slot = 2 if active == 1 else 1
        struct.pack_into("<QQQQ", self._memory, at + _SLOT_OFFSETS[slot], *self._slot_of(config))
        told = (config.cir, config.cburst, config.pir, config.pburst)
        struct.pack_into("<QQQQ", self._memory, at + _TOLD_OFFSET, *told)
        struct.pack_into("<QQ", self._memory, at + _TATS_OFFSET, 0, 0)
        # One octet, so packets see the old configuration or the new.
        self._memory[at + _ACTIVE_OFFSET] = slot

    def configs(self) -> dict[int, MeterConfig]:
        """Return the configurations of all cells that have one."""
        is_active = self._memory[_ACTIVE_OFFSET::METER_CELL_SIZE]
        return {found.start(): self._told(found.start()) for found in _ACTIVE.finditer(is_active)}

    def config(self, index: int) -> MeterConfig | None:
        """Return the configuration of a cell, or None."""
        is_active = self._memory[index * METER_CELL_SIZE + _ACTIVE_OFFSET]
        return self._told(index) if is_active else None

    def recover(self) -> None:
        """Finish what an earlier process had begun: a cell it told of but did not yet switch."""
        for index, config in self.configs().items():
            at = index * METER_CELL_SIZE
            slot = at + _SLOT_OFFSETS[self._memory[at + _ACTIVE_OFFSET]]
            if struct.unpack_from("<QQQQ", self._memory, slot) != self._slot_of(config):
                self.write(index, config)

    def _told(self, index: int) -> MeterConfig:
        at = index * METER_CELL_SIZE + _TOLD_OFFSET
        return MeterConfig(*struct.unpack_from("<QQQQ", self._memory, at))

    def _slot_of(self, config: MeterConfig) -> tuple[int, int, int, int]:
        cell = metering.cell(config, in_bytes=self._info.unit == "BYTES")
        peak, committed = cell.peak, cell.committed
        return peak.cost_per_unit, peak.depth, committed.cost_per_unit, committed.depth

    def state(self, index: int) -> metering.CellState | None:
        """Return how full the buckets of a cell are, or None if it is not configured."""
        at = index * METER_CELL_SIZE
        if not self._memory[at + _ACTIVE_OFFSET]:
            return None
        peak, committed = struct.unpack_from("<QQ", self._memory, at + _TATS_OFFSET)
        return metering.CellState(committed_tat=committed, peak_tat=peak)

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()

"""Cells of counters and meters in the kernel."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import numpy as np

from p4xdp import metering
from p4xdp.dataplane import CounterValue, DataplaneError, MeterConfig
from p4xdp.xdp.maps import num_cpus
from p4xdp.xdp.sizes import cells_a_cpu

if TYPE_CHECKING:
    from p4xdp.columns import Numbers
    from p4xdp.xdp.manifest import ArrayInfo
    from p4xdp.xdp.maps import Map

COUNTER_CELL_SIZE = 16  # struct counter_cell
_COUNTER_WORDS = COUNTER_CELL_SIZE // 8
METER_CELL_SIZE = 128  # struct meter_cell
_ACTIVE = re.compile(rb"[^\0]")

_TATS_OFFSET = 0
_ACTIVE_OFFSET = 16
_SLOT_OFFSETS = {1: 24, 2: 64}
_TOLD_OFFSET = 96


class XdpCounter:
    """A counter: cells for each CPU, in memory shared with the kernel."""

    def __init__(self, info: ArrayInfo, cells: Map, size: int) -> None:
        self._info = info
        self._size = size
        self._memory = cells.mapped(num_cpus() * cells_a_cpu(size))
        self._words = memoryview(self._memory).cast("Q")
        # Of the first cell of each CPU, in words.
        self._rows = range(0, len(self._words), _COUNTER_WORDS * cells_a_cpu(size))
        self._wrap = np.uint64((1 << info.width) - 1)

    @property
    def is_direct(self) -> bool:
        """Return whether the cells are those of a table's entries."""
        return self._info.table is not None

    def read(self, first: int, count: int) -> list[CounterValue]:
        """Return `count` values from `first` on."""
        return list(map(CounterValue, *(each.tolist() for each in self.read_columns(first, count))))

    def read_columns(self, first: int, count: int) -> tuple[Numbers, Numbers]:
        """Return the packets of `count` cells from `first` on, and the octets."""
        self._require(first, count)
        octets = self._column(first, count, 1)
        if self._info.unit == "BYTES":
            return np.zeros(count, np.uint64), octets
        return self._column(first, count, 0), octets

    def write(self, index: int, value: CounterValue) -> None:
        """Set a cell. What packets add at that moment may be lost."""
        self._require(index, 1)
        packets, octets = value.packets, value.octets
        for row in self._rows:
            word = row + _COUNTER_WORDS * index
            self._words[word], self._words[word + 1] = packets, octets
            packets = octets = 0

    def close(self) -> None:
        """Give the memory back."""
        self._words.release()
        self._memory.close()

    def _column(self, first: int, count: int, word: int) -> Numbers:
        column = np.zeros(count, np.uint64)
        for row in self._rows:
            at = row + _COUNTER_WORDS * first + word
            end = at + _COUNTER_WORDS * count - word
            column += np.asarray(self._words[at:end:_COUNTER_WORDS])
        return column & self._wrap

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

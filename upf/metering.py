"""The usage counters of the switch: who has which, what it stood at, and batched reads."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from upf import tables
from upf.allocator import IndexPool
from upf.entry import Counts
from upf.errors import PipelineMismatchError
from upf.read_plan import ReadPlan
from upf.usage import NO_COUNTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence

    from upf.target import Target

# A counter of a switch may be so narrow: 36 bits of octets are 64 GiB.
OCTET_BITS = 36
PACKET_BITS = 28
# Marks move in such steps: seldom, and few counters have to be read after a restart.
_MARK_STEP = 16_384


class Columns(NamedTuple):
    """What several counters stand at."""

    ids: Sequence[int]
    packets: Sequence[int]
    octets: Sequence[int]


class UsageCounters:
    """Usage counters by usage_id. They are never reset: each owner starts from a base.

    The low bits of an identifier tell the bank, the rest the cell; as many bits as the number of
    banks needs. The lowest identifiers are session meters too: who takes one may have its rate
    limited by the lookup alone.

    `marks` are identifiers, with meters and without, that nobody was given yet, nor any above them;
    `on_marks` is called before one is passed.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._banks = banks_of(target.counters())
        self._bank_bits = (len(self._banks) - 1).bit_length()
        self._cells = [target.size(name) for name in self._banks]
        self._capacity = max(self._cells) << self._bank_bits
        self.num_session_meters = target.size(tables.SESSION_METER)
        self.session_meters = IndexPool("session meters", self.num_session_meters)
        self._unmetered = IndexPool("usage counters", self._capacity, first=self.num_session_meters)
        self.marks = [0, 0]
        self.on_marks: Callable[[Sequence[int]], None] = lambda _: None
        self._bases: dict[int, Counts] = {}
        self._wide: dict[int, Counts] = {}

    async def adopt(self) -> None:
        """Take what counters of a switch that ran before us stand at as their bases."""
        readings = await self.read(i for i in range(1, self._capacity) if self._is_there(i))
        self._bases = {i: counts for i, counts in readings.items() if counts != NO_COUNTS}

    def restore(
        self,
        taken: Collection[int],
        bases: Mapping[int, Counts],
        seen: Mapping[int, Counts],
        marks: Sequence[int],
    ) -> list[int]:
        """Go on where an earlier run was: who has which, what each stood at when its owner got it,
        and what it was last seen at. `marks`: what that run had told to `on_marks`.

        The counters that may have counted for somebody before; `release` gives them back, with what
        they stand at.
        """
        self.marks = [max(pair) for pair in zip(self.marks, marks, strict=True)]
        metered = {each for each in taken if each < self.num_session_meters}
        used = [
            *self.session_meters.restore(metered, self.marks[0]),
            *self._unmetered.restore(set(taken) - metered, self.marks[1]),
        ]
        self._bases.update(bases)
        for usage_id, counts in seen.items():
            if counts.octets >> (OCTET_BITS - 1) or counts.packets >> (PACKET_BITS - 1):
                self._wide[usage_id] = counts
        return [usage_id for usage_id in used if self._is_there(usage_id)]

    def begin_anew(self) -> None:
        """Every counter of the switch starts from zero."""
        self._bases.clear()
        self._wide.clear()

    def allocate(self, *, is_metered: bool = False) -> int:
        """A counter nobody has, with a session meter or without."""
        pool = self.session_meters if is_metered else self._unmetered
        while not self._is_there(usage_id := pool.allocate()):
            pass  # its bank is smaller than others, or is none: it stays taken
        mark = 0 if is_metered else 1
        if usage_id >= self.marks[mark]:
            self.marks[mark] = usage_id + _MARK_STEP
            self.on_marks(self.marks)
        return usage_id

    def _is_there(self, usage_id: int) -> bool:
        bank = usage_id & ((1 << self._bank_bits) - 1)
        return bank < len(self._cells) and usage_id >> self._bank_bits < self._cells[bank]

    def usage_id_of(self, counter: str, cell: int) -> int | None:
        """The identifier that a cell of a bank has, None if the counter is no bank."""
        if counter not in self._banks:
            return None
        return cell << self._bank_bits | self._banks.index(counter)

    def base(self, usage_id: int) -> Counts:
        """What the counter stood at when its owner got it."""
        return self._bases.get(usage_id, NO_COUNTS)

    def release(self, usage_id: int, final: Counts | None = None) -> None:
        """Give back a counter, which stands at `final` (None: as its owner got it)."""
        if final is not None:
            self._bases[usage_id] = final
        if usage_id < self.num_session_meters:
            self.session_meters.release(usage_id)
        else:
            self._unmetered.release(usage_id)

    async def read(self, usage_ids: Iterable[int]) -> dict[int, Counts]:
        """What counters stand at, as if they were never to wrap."""
        banks: defaultdict[int, list[int]] = defaultdict(list)
        mask = (1 << self._bank_bits) - 1
        for usage_id in usage_ids:
            banks[usage_id & mask].append(usage_id)
        # All at once, so that they may share a read.
        found = await asyncio.gather(*(self._read_bank(bank, ids) for bank, ids in banks.items()))
        readings = {usage_id: counts for each in found for usage_id, counts in each.items()}
        self._widen(readings)
        return readings

    async def _read_bank(self, bank: int, usage_ids: Sequence[int]) -> dict[int, Counts]:
        cells = [usage_id >> self._bank_bits for usage_id in usage_ids]
        counts = await self._target.read_counters(self._banks[bank], cells)
        return dict(zip(usage_ids, counts, strict=True))

    def plan(self) -> ReadPlan:
        """An empty set of counters to sweep over."""
        return ReadPlan(self._bank_bits)

    async def sweep(self, plan: ReadPlan) -> AsyncIterator[Columns]:
        """Read many counters, a chunk at a time."""
        for chunk in plan.chunks():
            if chunk.request is None:
                bank = self._banks[chunk.bank]
                chunk.request = self._target.counters_request(bank, chunk.cells)
            packets, octets = await self._target.read_columns(chunk.request)
            columns = Columns(chunk.ids, packets, octets)
            yield self._widened(columns)

    def _widened(self, columns: Columns) -> Columns:
        """Columns without wraps; where none is near they are as they were."""
        if (
            max(columns.octets) >> (OCTET_BITS - 1) == 0
            and max(columns.packets) >> (PACKET_BITS - 1) == 0
            and self._wide.keys().isdisjoint(columns.ids)
        ):
            return columns
        readings = {
            usage_id: Counts(packets, octets)
            for usage_id, packets, octets in zip(*columns, strict=True)
        }
        self._widen(readings)
        return columns_of(readings)

    def _widen(self, readings: dict[int, Counts]) -> None:
        """Undo wraps. Only counters that came near one have to be remembered."""
        for usage_id, counts in readings.items():
            if (
                usage_id in self._wide
                or counts.octets >> (OCTET_BITS - 1)
                or counts.packets >> (PACKET_BITS - 1)
            ):
                known = self._wide.get(usage_id, counts)
                readings[usage_id] = self._wide[usage_id] = widened(known, counts)

    def used(self, usage_id: int, reading: Counts) -> Counts:
        """What the owner of a counter used, by this reading."""
        base = self.base(usage_id)
        return Counts(reading.packets - base.packets, reading.octets - base.octets)


def columns_of(readings: Mapping[int, Counts]) -> Columns:
    """Readings by usage_id, in columns."""
    counts = readings.values()
    return Columns(
        list(readings), [each.packets for each in counts], [each.octets for each in counts]
    )


def banks_of(counters: Iterable[str]) -> Sequence[str]:
    """The banks among a program's counters, by number; PipelineMismatchError if that cannot be."""
    banks = {
        int(found[1]): name
        for name in counters
        if (found := re.fullmatch(re.escape(tables.USAGE_COUNTER) + r"_(\d+)", name))
    }
    if not banks or sorted(banks) != list(range(len(banks))):
        raise PipelineMismatchError(
            f"the switch has {len(banks)} counters {tables.USAGE_COUNTER}_*, not numbered from 0"
        )
    return [banks[number] for number in range(len(banks))]


def widened(before: Counts, raw: Counts) -> Counts:
    """What a counter that stood at `before` and now shows `raw` stands at.

    An answer that was overtaken by a later one shows a little less than is known: no packet was
    taken back.
    """
    return Counts(
        _widened(before.packets, raw.packets, PACKET_BITS),
        _widened(before.octets, raw.octets, OCTET_BITS),
    )


def _widened(before: int, raw: int, bits: int) -> int:
    if raw >> bits:
        return max(before, raw)  # it is wider than that
    gained = (raw - before) % (1 << bits)
    return before if gained >> (bits - 1) else before + gained

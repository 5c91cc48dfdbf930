"""What a sweep over the usage of many sessions costs: `make bench-sweep > docs/bench-sweep.md`.

Sessions of two PDRs each, with one URR on both; a switch of ours with counters for them, which move
between two sweeps as if packets had come. CPU time of the UPF's process and of the switch's.
"""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from finsy.proto import p4r

from pfcp.ies import NodeID
from testbed.bench.alone import INTERFACE, alone
from testbed.bench.machine import cpu_s, machine
from upf.limits import VolumeLimit
from upf.metering import UsageCounters
from upf.records import SessionRecord
from upf.reporting import UsageReporting
from upf.rules import PDI, PDR, URR, Interface
from upf.session import Session
from upf.target.xdp import XdpTarget
from upf.transaction import SessionEntries

_CELLS_PER_WRITE = 4096
_THRESHOLD = 1 << 30


@dataclass(frozen=True)
class Figure:
    """One sweep: how many counters moved, and what it cost in seconds."""

    case: str
    counters: int
    reports: int
    upf_cpu_s: float
    switch_cpu_s: float
    elapsed_s: float


class NoQuotas(SessionEntries):
    """Sessions without quotas need no entries to be measured."""

    def __init__(self) -> None:
        """Know of no switch."""


class Population:
    """So many sessions of a UPF, without entries, but for what measures them."""

    def __init__(self, target: XdpTarget, num_sessions: int) -> None:
        self._target = target
        self._counters = UsageCounters(target)
        self.reporting = UsageReporting(self._counters, NoQuotas(), time.time)
        self.usage_ids: list[int] = []
        for number in range(1, num_sessions + 1):
            self._add(number)

    def _add(self, number: int) -> None:
        pdrs = {}
        for pdr_id, interface in ((1, Interface.ACCESS), (2, Interface.CORE)):
            usage_id = self._counters.allocate()
            self.usage_ids.append(usage_id)
            pdrs[pdr_id] = PDR(
                pdr_id=pdr_id,
                precedence=1,
                pdi=PDI(source_interface=interface),
                urr_ids=(1,),
                usage_id=usage_id,
            )
        urr = URR(
            urr_id=1,
            measures_volume=True,
            triggers=frozenset({"volth"}),
            volume_threshold=VolumeLimit(_THRESHOLD),
        )
        session = Session(
            up_seid=number,
            cp_seid=number,
            cp_address=IPv4Address("192.0.2.1"),
            pdrs=pdrs,
            urrs={1: urr},
        )
        owner = NodeID(value=session.cp_address)
        self.reporting.begin(SessionRecord(session, owner, time.time()))

    async def count(self, usage_ids: Iterable[int], octets: int) -> None:
        """Have counters show so many octets."""
        by_bank: dict[str, list[int]] = {}
        cells = {
            usage_id: (bank, cell)
            for bank in self._target.counters()
            if "usage" in bank
            for cell in range(self._target.size(bank))
            if (usage_id := self._counters.usage_id_of(bank, cell)) is not None
        }
        for usage_id in usage_ids:
            bank, cell = cells[usage_id]
            by_bank.setdefault(bank, []).append(cell)
        for bank, wanted in by_bank.items():
            for first in range(0, len(wanted), _CELLS_PER_WRITE):
                await self._write(bank, wanted[first : first + _CELLS_PER_WRITE], octets)

    async def _write(self, bank: str, cells: list[int], octets: int) -> None:
        """Set counters, as no UPF ever does."""
        request = self._target._session.identity().request(0)  # noqa: SLF001
        counter_id = self._target._schema.counter(bank).id  # noqa: SLF001
        for cell in cells:
            entry = request.updates.add(type=p4r.Update.MODIFY).entity.counter_entry
            entry.counter_id = counter_id
            entry.index.index = cell
            entry.data.byte_count = octets
            entry.data.packet_count = octets // 1000
        await self._target._stub.Write(request, timeout=60)  # noqa: SLF001

    async def sweep(self, case: str) -> Figure:
        """Measure one sweep."""
        switch_s, upf_s, began = cpu_s(self._target.pid), time.process_time(), time.monotonic()
        due = await self.reporting.sweep()
        return Figure(
            case,
            len(self.usage_ids),
            len(due),
            time.process_time() - upf_s,
            cpu_s(self._target.pid) - switch_s,
            time.monotonic() - began,
        )


async def measure(target: XdpTarget, num_sessions: int) -> list[Figure]:
    """Sweeps when nothing moved, when a tenth did, when all did, and when all are due."""
    population = Population(target, num_sessions)
    ids = population.usage_ids
    await population.sweep("first")
    # As the UPF does: what stays is not looked through again and again.
    gc.collect()
    gc.freeze()
    figures = [await population.sweep("nothing moved")]
    cases: list[tuple[str, list[int], Callable[[int], int]]] = [
        ("a tenth moved", ids[::10], lambda _: 1000),
        ("everything moved", ids, lambda _: 2000),
        ("a hundredth is due", ids[::100], lambda _: _THRESHOLD + 2000),
    ]
    for case, moved, octets in cases:
        await population.count(moved, octets(0))
        figures.append(await population.sweep(case))
    return figures


def figures_of(num_sessions: int) -> list[Figure]:
    """Measure in a namespace of its own."""
    with alone():
        return asyncio.run(_in_namespace(num_sessions))


async def _in_namespace(num_sessions: int) -> list[Figure]:
    target = await XdpTarget.start({1: INTERFACE})
    try:
        return await measure(target, num_sessions)
    finally:
        await target.close()


def report(figures: list[Figure]) -> Iterator[str]:
    """The figures as a page."""
    told = machine()
    yield "# Sweeps over usage, measured"
    yield ""
    yield "Sessions of two PDRs with one URR on both (`make bench-sweep`). A sweep reads their"
    yield "counters from the Linux switch, over P4Runtime, and finds what has to be reported."
    yield ""
    yield f"{told['cpu']}, {told['cores']} cores, load {told['load']:.1f} before; {told['python']}."
    yield ""
    yield "| Between two sweeps | Counters | Reports | UPF, CPU s | Switch, CPU s | Elapsed s |"
    yield "|---|---|---|---|---|---|"
    for each in figures:
        yield (
            f"| {each.case} | {each.counters} | {each.reports} | {each.upf_cpu_s:.2f} | "
            f"{each.switch_cpu_s:.2f} | {each.elapsed_s:.2f} |"
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000)
    options = parser.parse_args()
    print("\n".join(report(figures_of(options.sessions))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

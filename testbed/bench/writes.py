"""How fast entries are written through P4Runtime: `make bench-writes`.

Entries of the tables that sessions are found by, inserted, changed and removed in batches, by the
UPF's own client, into a Linux switch of ours. CPU time of both processes.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from testbed.bench.alone import INTERFACE, alone
from testbed.bench.machine import cpu_s, machine
from upf import tables
from upf.entry import Entry
from upf.plan import Plan
from upf.switch import LINUX_SIZES
from upf.target.xdp import XdpTarget

WANTED_PER_S = 50_000
_BATCHES = (1, 10, 100, 1000)
_WARM_UP = 1000
_UNDER_WAY = 4  # batches: some are made while the switch is at others


@dataclass(frozen=True)
class Figure:
    """One run; CPU time in microseconds an entry."""

    what: str
    batch: int
    entries: int
    per_s: float
    client_us: float
    switch_us: float


def _entries(first: int, count: int) -> list[Entry]:
    """Entries by F-TEID and by UE address, as sessions have them, in turns."""
    made = []
    for number in range(first, first + count):
        is_uplink = number % 2
        key: tables.LookupKey = tables.SessionByUEIPv4(2, 0x0A2D0000 + number)
        action: tables.FusedAction = tables.ForwardTunnel(number, 1, 0, 0, 1, number * 7919, 9, 0)
        if is_uplink:
            key = tables.SessionByFTEID(1, number * 40503 % (1 << 32))
            action = tables.Forward(number, 1, 1, 0, 0, 2, 0x0A2D0000 + number)
        made.append(tables.entry(key, action))
    return made


async def _written(
    target: XdpTarget, what: str, batch: int, plans: Sequence[Plan], count: int
) -> Figure:
    switch_s, client_s, began = cpu_s(target.pid), time.process_time(), time.perf_counter()
    waiting = iter(plans)

    async def write() -> None:
        for plan in waiting:
            await target.apply(plan)

    await asyncio.gather(*(write() for _ in range(_UNDER_WAY)))
    took_s = time.perf_counter() - began
    return Figure(
        what,
        batch,
        count,
        count / took_s,
        1e6 * (time.process_time() - client_s) / count,
        1e6 * (cpu_s(target.pid) - switch_s) / count,
    )


async def measure(target: XdpTarget, batch: int, count: int) -> list[Figure]:
    """Insert, change and remove so many entries, one batch after the other."""
    entries = _entries(1, count)
    changed = [replace(entry, params=(entry.params[0] + 1, *entry.params[1:])) for entry in entries]
    before = {entry.identity: entry for entry in entries}

    def in_batches(make: Callable[[tuple[Entry, ...]], Plan], of: list[Entry]) -> list[Plan]:
        return [make(tuple(of[at : at + batch])) for at in range(0, count, batch)]

    inserts = in_batches(lambda part: Plan(inserts=part), entries)
    modifies = in_batches(lambda part: Plan(modifies=part, before=before), changed)
    deletes = in_batches(lambda part: Plan(deletes=part), changed)
    gc.collect()
    gc.freeze()
    return [
        await _written(target, what, batch, plans, count)
        for what, plans in (("insert", inserts), ("modify", modifies), ("delete", deletes))
    ]


async def _in_namespace(count: int) -> list[Figure]:
    target = await XdpTarget.start({1: INTERFACE}, sizes=LINUX_SIZES)
    try:
        await measure(target, 100, _WARM_UP)
        figures = []
        for batch in _BATCHES:
            figures += await measure(target, batch, min(count, 400 * batch))
        return figures
    finally:
        await target.close()


def figures_of(count: int) -> list[Figure]:
    """Measure in a namespace of its own."""
    with alone():
        return asyncio.run(_in_namespace(count))


def report(host: dict[str, Any], figures: list[Figure]) -> Iterator[str]:
    """The figures as a page."""
    yield "# Writes, measured"
    yield ""
    yield "Entries of sessions written to the Linux switch over P4Runtime, by the UPF's client"
    yield "(`make bench-writes`): four batches under way, each with ROLLBACK_ON_ERROR, over a"
    yield "Unix socket; half of them by F-TEID, half by UE address. `µs` are CPU time of the"
    yield "client's process and of the switch's for an entry."
    yield ""
    yield (
        f"{host['cpu']}, {host['cores']} cores, load {host['load']:.1f} when it began, Python "
        f"{host['python']}, Linux {host['kernel']}."
    )
    yield ""
    yield f"Asked for: {WANTED_PER_S} entries/s in batches."
    yield ""
    yield "| Update | Entries a Write | Entries | Entries/s | Client, µs | Switch, µs |"
    yield "|---|--:|--:|--:|--:|--:|"
    for each in figures:
        yield (
            f"| {each.what} | {each.batch} | {each.entries} | {each.per_s:.0f} | "
            f"{each.client_us:.1f} | {each.switch_us:.1f} |"
        )


def main() -> int:
    """Print the page; exit status 1 if no batch is as fast as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    host = machine()
    figures = figures_of(options.entries)
    print("\n".join(report(host, figures)))
    if options.json:
        told = {"machine": host, "figures": [asdict(each) for each in figures]}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    best = {each.what: max(f.per_s for f in figures if f.what == each.what) for each in figures}
    return 0 if min(best.values()) >= WANTED_PER_S else 1


if __name__ == "__main__":
    sys.exit(main())

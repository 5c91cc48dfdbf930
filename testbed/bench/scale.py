"""A million sessions in the Linux switch: `python -m testbed.bench.scale > docs/bench-scale.md`.

A switch process is filled over P4Runtime, as the UPF fills it; then its memory is looked at, and
the usage of 100,000 sessions is read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from p4xdp import frontend
from testbed.bench.alone import INTERFACE, alone
from testbed.bench.forwarding.population import said_of, sizes_for, usage_cell, usage_id
from testbed.bench.machine import machine
from testbed.hostile import network as net
from upf.entry import Entry
from upf.plan import Plan
from upf.target.xdp import XdpTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from p4xdp import ir

_P4 = Path(__file__).parents[2] / "p4"
_SESSIONS_A_PLAN = 2000
_READS = 9
_TARGET_READ_S = 0.3
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Octets: of the switch's maps in the kernel, and of its process alone."""

    maps: int
    process: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What so many sessions cost. `read_s`: usage counters of `read_sessions`, several times."""

    sessions: int
    loading_s: float
    empty: Memory
    full: Memory
    read_sessions: int
    read_s: list[float]

    @property
    def maps_a_session(self) -> float:
        """Octets in the kernel."""
        return self.full.maps / self.sessions

    @property
    def process_a_session(self) -> float:
        """Octets in the process."""
        return (self.full.process - self.empty.process) / self.sessions


def memory_of(pid: int) -> Memory:
    """Look at the memory of a switch process and of the maps it holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    anonymous = next(line.split()[1] for line in status if line.startswith("RssAnon:"))
    maps: dict[str, int] = {}
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        lines = path.read_text(encoding="ascii").splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        if "map_id" in told:
            maps[told["map_id"]] = int(told["memlock"])
    return Memory(sum(maps.values()), int(anonymous) * _KIB)


def _plan(program: ir.Program, sessions: range) -> Plan:
    """What writes those sessions: an entry in each direction."""
    entries = []
    for session in sessions:
        for said in said_of(session, is_metered=True):
            table, one = net.entry(program, *said)
            key = tuple(match.value for match in one.matches)
            entries.append(Entry(table, key, one.action, one.arguments))
    return Plan(inserts=tuple(entries))


async def load(target: XdpTarget, program: ir.Program, sessions: int) -> float:
    """Write the sessions; return the seconds that took, without making them up."""
    took_s = 0.0
    for first in range(0, sessions, _SESSIONS_A_PLAN):
        plan = _plan(program, range(first, min(first + _SESSIONS_A_PLAN, sessions)))
        began = time.monotonic()
        await target.apply(plan)
        took_s += time.monotonic() - began
        if first % (50 * _SESSIONS_A_PLAN) == 0:
            print(f"{first} sessions, {took_s:.0f} s", file=sys.stderr, flush=True)
    return took_s


async def read(target: XdpTarget, sessions: int) -> list[float]:
    """Read the usage counters of sessions, both directions, as a sweep does; return the seconds."""
    cells: dict[str, list[int]] = {}
    for session in range(sessions):
        for port in (net.ACCESS_PORT, net.CORE_PORT):
            bank, cell = usage_cell(usage_id(session, port))
            cells.setdefault(bank, []).append(cell)
    requests = [target.counters_request(bank, sorted(found)) for bank, found in cells.items()]
    took_s = []
    for _ in range(_READS):
        began = time.monotonic()
        columns = [await target.read_columns(request) for request in requests]
        took_s.append(time.monotonic() - began)
        assert sum(len(octets) for _, octets in columns) == 2 * sessions
    return took_s


async def measure(sessions: int, read_sessions: int) -> Figures:
    """Start a switch with room for the sessions, fill it and read."""
    program = frontend.load(_P4 / "upf.p4")
    target = await XdpTarget.start({1: INTERFACE}, sizes=_short(sizes_for(sessions)))
    try:
        empty = memory_of(target.pid)
        loading_s = await load(target, program, sessions)
        full = memory_of(target.pid)
        read_s = await read(target, read_sessions)
    finally:
        await target.close()
    return Figures(sessions, loading_s, empty, full, read_sessions, read_s)


def _short(sizes: Mapping[str, int]) -> dict[str, int]:
    return {name.rpartition(".")[2]: size for name, size in sizes.items()}


_HEAD = """\
# A million sessions in the Linux switch

Made by `make bench-scale` (`testbed/bench/scale.py`). Each session has
an entry in each direction, two usage counters and room for two meters. The switch is filled and
read over gRPC, by what the UPF does so with; it and the switch share the cores. The maps have their
memory from the start; the process grows with its entries.
"""


def markdown(conditions: Mapping[str, Any], found: Figures) -> str:
    """Return the page."""
    mib = 1 << 20
    counters = f"{2 * found.read_sessions:,} counters"
    reading = f"reading all usage of {found.read_sessions:,} sessions ({counters})"
    rows: Sequence[tuple[str, str]] = (
        ("sessions", f"{found.sessions:,}"),
        ("written in", f"{found.loading_s:.0f} s"),
        ("entries a second", f"{2 * found.sessions / found.loading_s:,.0f}"),
        ("maps, in the kernel", f"{found.full.maps / mib:,.0f} MiB"),
        ("- of each session", f"{found.maps_a_session:,.0f} octets"),
        ("the switch's process", f"{found.full.process / mib:,.0f} MiB"),
        ("- before the first session", f"{found.empty.process / mib:,.0f} MiB"),
        ("- of each session", f"{found.process_a_session:,.0f} octets"),
        (reading, f"{median(found.read_s):.2f} s, at best {min(found.read_s):.2f} s"),
        ("- asked", f"{_TARGET_READ_S} s"),
    )
    lines = [
        _HEAD,
        "{cpu}, {cores} cores, Linux {kernel}, load {load:.1f} before.".format(**conditions),
        "",
        "| | |",
        "|---|--:|",
        *(f"| {what} | {value} |" for what, value in rows),
    ]
    return "\n".join(lines)


def figures_of(sessions: int, read_sessions: int) -> Figures:
    """Measure in a namespace of its own."""
    with alone():
        return asyncio.run(measure(sessions, read_sessions))


def main() -> int:
    """Measure and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--read", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    conditions = machine()
    found = figures_of(options.sessions, min(options.read, options.sessions))
    print(markdown(conditions, found))
    if options.json:
        text = json.dumps({"machine": conditions, "figures": asdict(found)}, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

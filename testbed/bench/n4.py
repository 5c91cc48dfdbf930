"""How fast sessions are established, modified and deleted: `make bench-n4`.

The whole UPF as an operator runs it, in a lab, with the Linux switch programmed and every answer
sent after the write (and after the session is on disk). SMFs of the load generator ask: as many
requests under way as keep the UPF busy, then at a fixed rate, with so many sessions resident.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Self

from testbed.bench.machine import cpu_s, machine, resident_mib
from testbed.command import run, spawn, stop
from testbed.errors import TestbedError
from testbed.load.templates import Shape
from testbed.topology import UPF_N4_ADDRESS, Lab
from testbed.upf_process import UPFProcess

ESTABLISHED_PER_S, MODIFIED_PER_S = 6000, 8000
OFFERED_PER_S, MOST_P99_MS = 3000, 20.0
MOST_MIB = 1536
_SMFS = tuple(IPv4Address("10.100.4.11") + number for number in range(4))
_WINDOW = 128
_MEASURED = 8000  # requests of a phase whose rate is told
_OFFERED_S = 5
_OFFERED_PER_S = (OFFERED_PER_S // 3, OFFERED_PER_S)


@dataclass(frozen=True)
class Figure:
    """One phase; CPU time in microseconds a request, latencies in milliseconds."""

    shape: str
    sessions: int
    phase: str
    per_s: float
    p50_ms: float
    p99_ms: float
    upf_us: float
    switch_us: float
    load_us: float
    failed: int


@dataclass(frozen=True)
class Memory:
    """MiB that belong to so many sessions and all else; `maps` are the kernel's."""

    shape: str
    sessions: int
    upf: float
    switch: float
    maps: float


class Load:
    """The load generator beside a UPF, for the length of a `with` block."""

    def __init__(self, lab: Lab, shape: Shape, upf: UPFProcess) -> None:
        core = lab.namespace("core")
        argv = [sys.executable, "-m", "testbed.load", "--upf", str(UPF_N4_ADDRESS)]
        argv += ["--shape", shape]
        for smf in _SMFS:
            run("ip", "-n", core, "address", "add", f"{smf}/24", "dev", "n4")
            argv += ["--smf", str(smf)]
        self.sessions = 0
        self._shape, self._upf = shape, upf
        self._process = spawn(
            argv, namespace=core, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None
        )

    def __enter__(self) -> Self:
        self._told()
        return self

    def __exit__(self, *raised: object) -> None:
        stop(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise TestbedError("the load generator ended: see what it said above")
        told: dict[str, Any] = json.loads(line)
        return told

    def run(self, phase: str) -> Figure:
        """Run a phase. `sessions` is how many there are then."""
        assert self._process.stdin is not None
        pids = (self._upf.pid or 0, self._upf.switch_pid, self._process.pid)
        before = [cpu_s(pid) for pid in pids]
        self._process.stdin.write(f"{phase}\n".encode())
        self._process.stdin.flush()
        told = self._told()
        self.sessions = told["sessions"]
        answered = max(1, told["answered"])
        spent = [1e6 * (cpu_s(pid) - was) / answered for pid, was in zip(pids, before, strict=True)]
        return Figure(
            str(self._shape),
            self.sessions,
            phase,
            told["per_s"],
            told["latency_ms"]["p50"] or 0.0,
            told["latency_ms"]["p99"] or 0.0,
            *spent,
            failed=sum(told["refused"].values()) + told["unanswered"],
        )


def measure(shape: Shape, sizes: list[int]) -> tuple[list[Figure], list[Memory]]:
    """Grow to each size; there, change and replace sessions."""
    figures, memory = [], []
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upf = stack.enter_context(UPFProcess(lab.namespace("upf"), directory))
        load = stack.enter_context(Load(lab, shape, upf))
        load.run(f"establish:500/{_WINDOW // 4}")  # code that runs once, caches
        load.run(f"modify:500/{_WINDOW // 4}")
        for size in sizes:
            measured = min(_MEASURED, size - load.sessions)
            if size - load.sessions > measured:
                load.run(f"establish:{size - load.sessions - measured}/{_WINDOW}")
            phases = [f"establish:{measured}/{_WINDOW}", f"modify:{min(_MEASURED, size)}/{_WINDOW}"]
            phases += [f"mix:{rate * _OFFERED_S}@{rate}" for rate in _OFFERED_PER_S]
            figures += [load.run(phase) for phase in phases]
            memory.append(_memory(upf, shape, load.sessions))
        figures.append(load.run(f"delete:{min(_MEASURED, load.sessions // 2)}/{_WINDOW}"))
        for fault in upf.faults():
            raise TestbedError(f"the UPF logged a fault: {fault}")
    return figures, memory


def _memory(upf: UPFProcess, shape: Shape, sessions: int) -> Memory:
    switch = upf.switch_pid
    return Memory(
        str(shape), sessions, resident_mib(upf.pid or 0), resident_mib(switch), _maps_mib(switch)
    )


def _maps_mib(pid: int) -> float:
    """Memory of the BPF maps that a process holds."""
    octets = {}
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        fields = dict(
            line.split(":\t", 1) for line in info.read_text().splitlines() if ":\t" in line
        )
        if "map_id" in fields:
            octets[fields["map_id"]] = int(fields["memlock"])
    return sum(octets.values()) / (1 << 20)


def report(host: dict[str, Any], figures: list[Figure], memory: list[Memory]) -> Iterator[str]:
    """The figures as a page."""
    yield "# N4, measured"
    yield ""
    yield "The UPF as an operator runs it, with the Linux switch as its child; every answer after"
    yield "the switch took the entries and the disk the session (`make bench-n4`). Four SMFs in"
    yield f"another network namespace have {_WINDOW} requests under way, or (`@`) offer them at a"
    yield "rate: two modifications to an establishment and a deletion. Latency counts from when a"
    yield "request was due. `plain` sessions have two PDRs, two FARs, a QER and a URR, `open5gs`"
    yield "are as its SMF words them, with four PDRs; each has its meters and usage counters. A"
    yield "modification moves the gNB's tunnel. `µs` are CPU time for a request, `Sessions`"
    yield "those there when the phase ended."
    yield ""
    yield (
        f"{host['cpu']}, {host['cores']} cores for all of it, load {host['load']:.1f} when it "
        f"began, Python {host['python']}, Linux {host['kernel']}."
    )
    yield ""
    yield (
        f"Asked for: {ESTABLISHED_PER_S} establishments/s, {MODIFIED_PER_S} modifications/s, p99 "
        f"at most {MOST_P99_MS:.0f} ms at {OFFERED_PER_S}/s, {MOST_MIB} MiB with 100,000 sessions."
    )
    yield ""
    yield "| Sessions | Of | Phase | Per s | p50, ms | p99, ms | UPF, µs | Switch, µs | Load, µs |"
    yield "|--:|---|---|--:|--:|--:|--:|--:|--:|"
    for each in figures:
        yield (
            f"| {each.sessions} | {each.shape} | `{each.phase}` | {each.per_s:.0f} | "
            f"{each.p50_ms:.1f} | {each.p99_ms:.1f} | {each.upf_us:.0f} | {each.switch_us:.0f} | "
            f"{each.load_us:.0f} |"
        )
    yield ""
    yield "Resident memory, MiB (`Maps`: of the kernel's BPF maps, whose size does not change):"
    yield ""
    yield "| Sessions | Of | UPF | Switch | Maps |"
    yield "|--:|---|--:|--:|--:|"
    for its in memory:
        yield (
            f"| {its.sessions} | {its.shape} | {its.upf:.0f} | {its.switch:.0f} | {its.maps:.0f} |"
        )


def main() -> int:
    """Print the page; exit status 1 if a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--shape", type=Shape, nargs="+", default=list(Shape))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    host = machine()
    figures: list[Figure] = []
    memory: list[Memory] = []
    for shape in options.shape:
        found, its = measure(shape, options.sessions)
        figures += found
        memory += its
    print("\n".join(report(host, figures, memory)))
    if options.json:
        told = {
            "machine": host,
            "figures": [asdict(each) for each in figures],
            "memory": [asdict(each) for each in memory],
        }
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    failed = sum(each.failed for each in figures)
    if failed:
        print(f"not as it must be: {failed} requests failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

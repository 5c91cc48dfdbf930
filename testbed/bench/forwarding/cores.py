"""Two CPUs against one: `python -m testbed.bench.forwarding.cores > docs/bench-cores.md`.

One CPU sends users' packets uplink, the other downlink, each with all of a frame's way on itself:
first one after the other, then both at once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p4xdp import frontend
from testbed.bench.forwarding.path import Paths
from testbed.bench.forwarding.population import Population, frames, sizes_for
from testbed.bench.machine import machine
from testbed.errors import TestbedError
from testbed.hostile.network import ACCESS_PORT, CORE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from typing import Any

_P4 = Path(__file__).parents[3] / "p4"
_PORTS = (ACCESS_PORT, CORE_PORT)  # of the first CPU and of the second
_FIRST = (0, 131_072)  # where their frames are kept
_BURST = 16_384
_TARGET = 1.8


@dataclass(frozen=True, slots=True)
class Figure:
    """Nanoseconds a frame on the first and on the second CPU, alone and both at once."""

    way: str
    sessions: int
    octets: int
    alone_ns: tuple[float, float]
    together_ns: tuple[float, float]

    @property
    def gain(self) -> float:
        """How much more both forward than one of them does."""
        together = sum(1 / ns for ns in self.together_ns)
        alone = sum(1 / ns for ns in self.alone_ns) / len(self.alone_ns)
        return together / alone


class Senders:
    """A process for each CPU, which sends when it is told to."""

    def __init__(self, paths: Paths, cpus: Sequence[int], sessions: int, octets: int) -> None:
        context = multiprocessing.get_context("fork")
        self._ends: list[Connection] = []
        self._processes = []
        for number, cpu in enumerate(cpus):
            ours, theirs = context.Pipe()
            sent = frames(_PORTS[number], octets, sessions)
            arguments = (paths, cpu, number, sent, theirs)
            process = context.Process(target=_serve, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._ends.append(ours)
            self._processes.append(process)

    def ns(self, way: str, numbers: Sequence[int], seconds: float) -> list[float]:
        """Have those of the processes send for so long at once; return the time a frame took."""
        begins = time.monotonic() + 0.05
        for number in numbers:
            self._ends[number].send((way, begins, begins + seconds))
        found = [self._ends[number].recv() for number in numbers]
        for one in found:
            if isinstance(one, str):
                raise TestbedError(one)
        return found

    def close(self) -> None:
        """End the processes."""
        for end in self._ends:
            end.send(None)
        for process in self._processes:
            process.join()


def _serve(paths: Paths, cpu: int, number: int, sent: Sequence[bytes], end: Connection) -> None:
    paths.go_to(cpu)
    paths.prepare(sent, first=_FIRST[number])
    while True:
        told = end.recv()
        if told is None:
            return
        way, begins, ends = told
        time.sleep(max(0.0, begins - time.monotonic()))
        taken = []
        try:
            while time.monotonic() < ends:
                taken.append(paths.ns_per_frame(way, _PORTS[number], _BURST))
        except TestbedError as error:
            end.send(str(error))
            continue
        end.send(sum(taken) / len(taken))


def measure(
    paths: Paths, cpus: Sequence[int], sessions: int, octets: int, *, rounds: int, seconds: float
) -> Iterator[Figure]:
    """Measure both ways in turns; the best round counts, since others only disturb."""
    senders = Senders(paths, cpus, sessions, octets)
    try:
        for way in ("bare", "tern"):
            alone, together = [], []
            for _ in range(rounds):
                first, second = (senders.ns(way, [number], seconds)[0] for number in range(2))
                alone.append((first, second))
                together.append(tuple(senders.ns(way, range(2), seconds)))
            yield Figure(way, sessions, octets, _best(alone), _best(together))
    finally:
        senders.close()


def _best(rounds: Sequence[tuple[float, ...]]) -> tuple[float, float]:
    first, second = (min(each) for each in zip(*rounds, strict=True))
    return first, second


_HEAD = """\
# Two cores of the data plane on Linux

Made by `make bench-cores` ([testbed/bench/forwarding](../testbed/bench/forwarding), as
[bench-xdp.md](bench-xdp.md)). One CPU sends uplink, the other downlink, each with all of a frame's
way on itself; first each alone, then both at once. The time of a frame is what its CPU spends, in
the best round. *Gain* is how much more both forward together than one: 2 would be that neither
notices the other. What the bare forwarder gains is what the machine gives (caches, memory, two
threads of one core).
"""


def markdown(conditions: Mapping[str, Any], figures: Sequence[Figure]) -> str:
    """Return the page."""
    lines = [
        _HEAD,
        "{cpu}, {cores} cores, Linux {kernel}, load {load:.1f} before.".format(**conditions),
        "",
        "| | sessions | octets | alone ns | together ns | gain | target |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in figures:
        alone, together = (f"{a:.0f} / {b:.0f}" for a, b in (one.alone_ns, one.together_ns))
        target = _TARGET if one.way == "tern" else ""
        lines.append(
            f"| {one.way} | {one.sessions:,} | {one.octets} | {alone} | {together} | "
            f"{one.gain:.2f} | {target} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=_P4 / "build")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 100_000])
    parser.add_argument("--octets", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--cpus", type=int, nargs=2, default=[0, 1])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    conditions = machine()
    figures: list[Figure] = []
    most = max(options.sessions)
    with Paths(options.build, sizes_for(most), options.cpus[0]) as paths:
        Population(frontend.load(_P4 / "upf.p4"), paths.dataplane, most)
        for sessions in options.sessions:
            figures += measure(
                paths,
                options.cpus,
                sessions,
                options.octets,
                rounds=options.rounds,
                seconds=options.seconds,
            )
    print(markdown(conditions, figures))
    if options.json:
        told = [asdict(one) | {"gain": one.gain} for one in figures]
        text = json.dumps({"machine": conditions, "figures": told}, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

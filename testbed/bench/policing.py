"""Whether meters keep their rates: `python -m testbed.bench.policing > docs/bench-policing.md`.

A flow's meter in the kernel's program, offered more than its rate: with a clock that is set for
every burst, from 1 kbit/s to 40 Gbit/s; and live, by frames that a CPU or two send as fast as they
can. What passed is what the program counted.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p4xdp import frontend
from p4xdp.dataplane import MeterConfig
from testbed.bench.forwarding.path import Paths
from testbed.bench.forwarding.population import (
    FLOW_METER,
    Population,
    classified_frame,
    classified_usage,
    sizes_for,
    usage_cell,
)
from testbed.bench.machine import machine
from testbed.hostile.network import ACCESS_PORT, CORE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from p4xdp.xdp import XdpDataplane

_P4 = Path(__file__).parents[2] / "p4"
INJECTED_BPS = (*(10**power for power in range(3, 11)), 4 * 10**10)
LIVE_BPS = (10**7, 10**8, 10**9, 2 * 10**9)
_USER_OCTETS = 1400
_OFFERED = 1.25  # times the rate, with a clock of ours
_SHORTEST_GAP_NS = 5_000  # between frames that come one by one
_TICK_NS = (
    5_000_000  # of frames that come at once: the kernel takes milliseconds to begin with them
)
_BURST_S = 0.01
_LIVE_BURST_S = 0.05  # senders pause for a moment now and then
_SHORTEST_BURST_OCTETS = 3000
_FRAMES_A_CALL = 1 << 16
_TOLERANCE = 0.01
_USAGE_WRAPS_AT = 1 << 36  # octets, as on a Tofino


@dataclass(frozen=True, slots=True)
class Figure:
    """What passed a meter in `seconds`, in octets of users' packets. `cpus` shared the meter."""

    clock: str
    cpus: int
    rate_bps: int
    seconds: float
    burst_octets: int
    offered_octets: int
    passed_octets: int

    @property
    def due_octets(self) -> float:
        """What the rate alone lets pass."""
        return self.rate_bps / 8 * self.seconds

    @property
    def error(self) -> float:
        """How much more passed than was due, in parts of that."""
        return self.passed_octets / self.due_octets - 1

    @property
    def is_kept(self) -> bool:
        """Whether it is within one part in a hundred, or one burst."""
        allowed = max(_TOLERANCE * self.due_octets, self.burst_octets)
        return abs(self.passed_octets - self.due_octets) <= allowed


class Policed:
    """The meter under test, and what it lets pass."""

    def __init__(self, dataplane: XdpDataplane) -> None:
        self._dataplane = dataplane

    def limit(self, rate_bps: int, burst_s: float) -> int:
        """Set the meter, its bucket full; return its burst."""
        burst = max(int(rate_bps / 8 * burst_s), _SHORTEST_BURST_OCTETS)
        config = MeterConfig(rate_bps // 8, burst, rate_bps // 8, burst)
        self._dataplane.write_meter(*FLOW_METER, config)
        return burst

    def passed_octets(self) -> int:
        """Return what was counted so far, in both directions."""
        usages = map(classified_usage, (ACCESS_PORT, CORE_PORT))
        return sum(self._dataplane.read_counter(*usage_cell(u), 1)[0].octets for u in usages)

    def passed_since(self, before: int) -> int:
        """Return what was counted since `passed_octets` said `before`."""
        return (self.passed_octets() - before) % _USAGE_WRAPS_AT

    def octets_of_frame(self) -> int:
        """Return how many octets of one frame are counted. The clock is the real one after it."""
        self._dataplane.write_meter(*FLOW_METER, None)
        before = self.passed_octets()
        self._dataplane.measure(ACCESS_PORT, _frame(), repeat=1, now_ns=0)
        return self.passed_since(before)


def _frame() -> bytes:
    return classified_frame(ACCESS_PORT, _USER_OCTETS)


def arrivals(
    rate_bps: int, octets: int, seconds: float, *, in_bursts: bool
) -> Iterator[tuple[int, int]]:
    """Yield when frames of so many octets come that make up the rate, and how many of them then."""
    gap_ns = octets * 8 * 10**9 / rate_bps
    end_ns = int(seconds * 1e9)
    if gap_ns >= _SHORTEST_GAP_NS and not in_bursts:
        for number in range(int(end_ns / gap_ns) + 1):
            yield int(number * gap_ns), 1
        return
    sent = 0
    for now_ns in range(0, end_ns, _TICK_NS):
        due = int((now_ns + _TICK_NS) / gap_ns)
        yield now_ns, due - sent
        sent = due


def with_our_clock(
    dataplane: XdpDataplane, rate_bps: int, seconds: float, cpus: Sequence[int]
) -> Figure:
    """Offer a rate and a quarter more, each CPU its part of every burst at the same time."""
    policed, frame = Policed(dataplane), _frame()
    octets = policed.octets_of_frame()
    in_bursts = len(cpus) > 1  # so that both are at it at once
    bursts = list(arrivals(int(rate_bps * _OFFERED), octets, seconds, in_bursts=in_bursts))
    burst, before = policed.limit(rate_bps, _BURST_S), policed.passed_octets()
    turn = threading.Barrier(len(cpus))

    def offer(number: int) -> None:
        os.sched_setaffinity(0, {cpus[number]})  # of this thread alone
        for at_ns, count in bursts:
            ours = count * (number + 1) // len(cpus) - count * number // len(cpus)
            turn.wait()
            for first in range(0, ours, _FRAMES_A_CALL):
                repeat = min(_FRAMES_A_CALL, ours - first)
                dataplane.measure(ACCESS_PORT, frame, repeat=repeat, now_ns=10**9 + at_ns)

    threads = [threading.Thread(target=offer, args=(number,)) for number in range(len(cpus))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    offered = sum(count for _, count in bursts) * octets
    passed = policed.passed_since(before)
    return Figure("ours", len(cpus), rate_bps, seconds, burst, offered, passed)


def live(paths: Paths, rate_bps: int, seconds: float, cpus: Sequence[int]) -> Figure:
    """Send as fast as can be: the first CPU uplink, the second downlink, through one meter."""
    policed = Policed(paths.dataplane)
    octets = policed.octets_of_frame()
    context = multiprocessing.get_context("fork")
    told: multiprocessing.Queue[tuple[float, float, int]] = context.Queue()
    senders = [
        context.Process(target=_send, args=(paths, cpu, number, seconds, told), daemon=True)
        for number, cpu in enumerate(cpus)
    ]
    before, burst = policed.passed_octets(), policed.limit(rate_bps, _LIVE_BURST_S)
    for sender in senders:
        sender.start()
    found = [told.get(timeout=seconds + 60) for _ in senders]
    for sender in senders:
        sender.join()
    took_s = max(end for _, end, _ in found) - min(begin for begin, _, _ in found)
    offered = sum(frames for *_, frames in found) * octets
    passed = policed.passed_since(before)
    return Figure("real", len(cpus), rate_bps, took_s, burst, offered, passed)


def _send(
    paths: Paths,
    cpu: int,
    number: int,
    seconds: float,
    told: multiprocessing.Queue[tuple[float, float, int]],
) -> None:
    port = (ACCESS_PORT, CORE_PORT)[number]
    paths.go_to(cpu)
    paths.prepare([classified_frame(port, _USER_OCTETS)], first=number)
    began = time.monotonic()
    paths.send("tern", port, _FRAMES_A_CALL)
    # In one call, since each begins with some milliseconds in which nothing is sent.
    frames = int(seconds / (time.monotonic() - began) * _FRAMES_A_CALL)
    paths.send("tern", port, frames, at_once=frames)
    told.put((began, time.monotonic(), frames + _FRAMES_A_CALL))


_HEAD = """\
# Meters, measured

Made by `make bench-policing` (`testbed/bench/policing.py`). The
meter of a flow in Tern's XDP program, with a burst of 10 ms at its rate (live 50 ms; 3,000 octets
at least), is offered more than its rate, and what the program counts as passed is compared with
rate times time. It is kept if that is within 1 %, or within one burst: the bucket is full in the
beginning.

* *clock: ours* - the time is set for every frame that the program takes in the kernel
  (BPF_PROG_TEST_RUN), 1.25 times the rate of them; of more than 1 Gbit/s, or with two CPUs, for
  those of 5 ms together. With two CPUs each takes half of them, at the same time.
* *clock: real* - frames are sent through veth pairs as fast as a CPU can; with two, one sends
  uplink and one downlink through the same meter.
"""


def markdown(conditions: Mapping[str, Any], figures: Sequence[Figure]) -> str:
    """Return the page."""
    lines = [
        _HEAD,
        "{cpu}, {cores} cores, Linux {kernel}, load {load:.1f} before.".format(**conditions),
        "",
        "| clock | CPUs | rate | offered | seconds | passed octets | due octets | error | kept |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for one in figures:
        offered = f"{one.offered_octets * 8 / one.seconds / one.rate_bps:.2f} x"
        lines.append(
            f"| {one.clock} | {one.cpus} | {_rate(one.rate_bps)} | {offered} | {one.seconds:.1f} | "
            f"{one.passed_octets:,} | {one.due_octets:,.0f} | {one.error:+.3%} | "
            f"{'yes' if one.is_kept else '**no**'} |"
        )
    return "\n".join(lines)


def _rate(bps: int) -> str:
    for unit, size in (("Gbit/s", 10**9), ("Mbit/s", 10**6), ("kbit/s", 10**3)):
        if bps >= size:
            return f"{bps // size} {unit}"
    return f"{bps} bit/s"


def measure(paths: Paths, options: argparse.Namespace) -> Iterator[Figure]:
    """Yield all figures: by our clock, then live."""
    one, both = options.cpus[:1], options.cpus
    for rate in INJECTED_BPS:
        yield with_our_clock(paths.dataplane, rate, options.seconds, one)
    for rate in INJECTED_BPS[-4:]:
        yield with_our_clock(paths.dataplane, rate, options.seconds, both)
    for cpus in (one, both):
        for rate in LIVE_BPS:
            yield live(paths, rate, options.seconds, cpus)


def main() -> int:
    """Measure and print the report; status 1 if a meter did not keep its rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=_P4 / "build")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--cpus", type=int, nargs=2, default=[0, 1])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    conditions, figures = machine(), []
    with Paths(options.build, sizes_for(1), options.cpus[0]) as paths:
        Population(frontend.load(_P4 / "upf.p4"), paths.dataplane, 1)
        for figure in measure(paths, options):
            print(f"{figure}: {figure.error:+.3%}", file=sys.stderr, flush=True)
            figures.append(figure)
    print(markdown(conditions, figures))
    if options.json:
        told = [asdict(one) | {"error": one.error, "is_kept": one.is_kept} for one in figures]
        text = json.dumps({"machine": conditions, "figures": told}, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0 if all(one.is_kept for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())

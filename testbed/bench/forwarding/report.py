"""The figures as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testbed.bench.forwarding.measuring import TARGETS
from testbed.bench.forwarding.sampling import PERIOD_US
from testbed.bench.forwarding.stages import AROUND, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.bench.forwarding.measuring import Figure
    from testbed.bench.forwarding.stages import Breakdown

_HEAD = """\
# Speed of the data plane on Linux

Made by `make bench-xdp` ([testbed/bench/forwarding](../testbed/bench/forwarding)). On one CPU a
program in the kernel sends frames into a veth pair; at its near end stands Tern's XDP program, or
one that only redirects; the frame leaves by another veth pair and is counted. Both take turns;
the ratio is the median of the rounds'. The time of a frame is what the CPU spends on its whole way,
sending included, in the best round; what it spends on other processes does not count. Users'
packets are UDP over IPv4 of so many octets; in tunnels they are behind IPv4, UDP, GTP-U and a PDU
session container.

* *one session*: a PDR a direction, found by one lookup; source checked, counted, routed.
* *two meters*: the session's and its slice's.
* *filters, three meters*: four filters, of which the last fits; flow, session and slice meters.
* *random sessions*: each frame belongs to another one, at random.
* *program*: Tern's program alone, by BPF_PROG_TEST_RUN, which puts the frame back after each run.
"""

_WHERE = """
## Where the time goes

Nanoseconds of a frame's whole way, by what they are spent on. While frames were sent as above, the
kernel noted every {period_us} us where this CPU was ({samples:,} times or more a column); it also
knows the line of the generated C that each instruction was made of, which says the stage. A lookup
includes the making of its key and the wait for the entry; some of a wait is noted at what comes
behind it. *Kernel and sender* is what the bare forwarder needs too.
"""
_NO_CACHE_MISSES = "Cache misses: this machine does not count them (most virtual machines do not)."


def where_the_time_goes(breakdowns: Sequence[Breakdown]) -> str:
    """Return the page's section on stages: a column a case. Empty if there are no cases."""
    if not breakdowns:
        return ""
    cases = [one.case for one in breakdowns]
    octets = f"packets of {cases[0].octets} octets"
    lines = [
        _WHERE.format(period_us=PERIOD_US, samples=min(one.samples for one in breakdowns)),
        _row(octets, [f"{case.scenario}, {case.direction}" for case in cases]),
        "|---|" + "--:|" * len(cases),
    ]

    def row(name: str, *stages: str) -> str:
        parts = [one.ns * sum(one.shares.get(stage, 0) for stage in stages) for one in breakdowns]
        return _row(name, [f"{ns:.0f}" for ns in parts])

    lines += [row(stage, stage) for stage in PROGRAM]
    lines += [row("**Tern's program**", *PROGRAM), row(AROUND, AROUND)]
    lines.append(_row("all", [f"{one.ns:.0f}" for one in breakdowns]))
    missed = [one.cache_misses for one in breakdowns if one.cache_misses is not None]
    if len(missed) == len(breakdowns):
        lines.append(_row("cache misses (number)", [f"{count:.2f}" for count in missed]))
    else:
        lines += ["", _NO_CACHE_MISSES]
    return "\n".join(lines)


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join((name, *cells))} |"


def markdown(conditions: Mapping[str, Any], figures: Sequence[Figure]) -> str:
    """Return the page."""
    lines = [
        _HEAD,
        "{cpu}, {cores} cores, Linux {kernel}, load {load:.1f} before. {sessions:,} sessions, "
        "{rounds} rounds.".format(**conditions),
        "",
        "| | | octets | bare ns | Tern ns | ratio | spread | target | program ns |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in figures:
        case, target = one.case, TARGETS.get(one.case.scenario)
        cells = (
            case.scenario,
            case.direction,
            case.octets,
            f"{one.bare_ns:.0f}",
            f"{one.tern_ns:.0f}",
            f"{one.ratio:.2f}",
            f"{one.spread:.2f}",
            "" if target is None else f"{target:.2f}",
            "" if one.program_ns is None else f"{one.program_ns:.0f}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)

"""The figures as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testbed.bench.forwarding.measuring import TARGETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.bench.forwarding.measuring import Figure

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

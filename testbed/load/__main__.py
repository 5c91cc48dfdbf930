"""Offer PFCP to a UPF and tell how it answers, a line of JSON a phase.

A phase is KIND:COUNT@PER_S (offered at a rate) or KIND:COUNT/WINDOW (so many unanswered at a time);
KIND is establish, modify, delete or mix (one establishment and one deletion to two modifications).
Latency counts from when a request was due, so that a UPF that stalls is not spared.

    python -m testbed.load --upf 10.100.4.2 --smf 10.100.4.1 establish:10000/64 mix:30000@3000
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from testbed.errors import TestbedError
from testbed.load.generator import Generator, Kind, Outcome, mix
from testbed.load.templates import Shape

_MIX = {Kind.ESTABLISH: 1, Kind.MODIFY: 2, Kind.DELETE: 1}
_PERCENTS = (50, 90, 99, 99.9)


@dataclass(frozen=True)
class Phase:
    """So many requests of a kind, at a rate or with a window (the other is 0)."""

    text: str
    kind: str
    count: int
    per_s: float = 0.0
    window: int = 0

    @classmethod
    def parse(cls, text: str) -> "Phase":
        """Read KIND:COUNT@PER_S or KIND:COUNT/WINDOW; ValueError if it is neither."""
        kind, _, rest = text.partition(":")
        if kind != "mix":
            kind = Kind(kind)
        if "@" in rest:
            count, _, per_s = rest.partition("@")
            return cls(text, kind, int(count), per_s=float(per_s))
        count, slash, window = rest.partition("/")
        if not slash:
            raise ValueError(f"{text}: say @PER_S or /WINDOW after the count")
        return cls(text, kind, int(count), window=int(window))

    def kinds(self) -> Iterator[Kind]:
        """What to send, one after the other."""
        return mix(_MIX) if self.kind == "mix" else itertools.repeat(Kind(self.kind))


def told(phase: Phase, outcome: Outcome, num_sessions: int) -> dict[str, Any]:
    """An outcome as figures; latencies in milliseconds."""
    every = sorted(itertools.chain.from_iterable(outcome.latencies.values()))
    return {
        "phase": phase.text,
        "sessions": num_sessions,
        "answered": len(every),
        "per_s": round(len(every) / outcome.took_s, 1),
        "took_s": round(outcome.took_s, 3),
        "refused": outcome.refused,
        "retransmissions": outcome.retransmissions,
        "unanswered": outcome.unanswered,
        "latency_ms": {f"p{percent:g}": _percentile(every, percent) for percent in _PERCENTS},
        "latency_ms_by_kind": {
            kind: {f"p{percent:g}": _percentile(sorted(each), percent) for percent in _PERCENTS}
            for kind, each in outcome.latencies.items()
        },
    }


def _percentile(ordered: list[float], percent: float) -> float | None:
    if not ordered:
        return None
    return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))], 3)


def _phases(arguments: argparse.Namespace) -> Iterable[str]:
    if arguments.phases:
        return arguments.phases
    return (line.strip() for line in iter(sys.stdin.readline, ""))


def main() -> int:
    """Exit status 1 if a request was refused or never answered."""
    parser = argparse.ArgumentParser(
        prog="python -m testbed.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("phases", nargs="*", help="what to offer; none: read from standard input, a line a phase")
    add("--upf", type=IPv4Address, required=True)
    add("--smf", type=IPv4Address, action="append", required=True, help="an address of ours")
    add("--gnb", type=IPv4Address, default=IPv4Address("10.100.3.2"), help="where tunnels end")
    add("--first-ue", type=IPv4Address, default=IPv4Address("10.45.0.0"))
    add("--shape", type=Shape, choices=list(Shape), default=Shape.PLAIN)
    arguments = parser.parse_args()
    is_well = True
    try:
        with Generator(
            arguments.upf, arguments.smf, arguments.gnb, arguments.first_ue, arguments.shape
        ) as generator:
            print(json.dumps({"associated": len(arguments.smf)}), flush=True)
            for text in _phases(arguments):
                phase = Phase.parse(text)
                outcome = generator.run(
                    phase.kinds(),
                    phase.count,
                    window=phase.window,
                    per_s=phase.per_s,
                    is_mixed=phase.kind == "mix",
                )
                is_well &= not outcome.refused and not outcome.unanswered
                print(json.dumps(told(phase, outcome, generator.num_sessions)), flush=True)
    except (TestbedError, OSError, ValueError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())

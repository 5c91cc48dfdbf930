"""The command: `python -m testbed.bench.forwarding > docs/bench-xdp.md`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from p4xdp import frontend
from testbed.bench.forwarding.measuring import METERED, UNMETERED, Figure, cases, measure
from testbed.bench.forwarding.path import Paths
from testbed.bench.forwarding.population import Population, sizes_for
from testbed.bench.forwarding.report import markdown, where_the_time_goes
from testbed.bench.forwarding.sampling import SCENARIOS, attribution_of, break_down
from testbed.bench.machine import machine

if TYPE_CHECKING:
    from testbed.bench.forwarding.stages import Breakdown

_P4 = Path(__file__).parents[3] / "p4"
_SAMPLED_FRAMES = 2_000_000


def main() -> int:
    """Measure and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=_P4 / "build")
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=200_000, help="in a round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--octets", type=int, nargs="+", default=[64, 512, 1400])
    parser.add_argument("--scenarios", nargs="+", default=[*UNMETERED, *METERED])
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures, breakdowns = _measured(options)
    conditions = machine() | {"sessions": options.sessions, "rounds": options.rounds}
    print(markdown(conditions, figures))
    print(where_the_time_goes(breakdowns))
    if options.json:
        found = {
            "machine": conditions,
            "figures": [asdict(one) for one in figures],
            "stages": [asdict(one) for one in breakdowns],
        }
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _measured(options: argparse.Namespace) -> tuple[list[Figure], list[Breakdown]]:
    figures: list[Figure] = []
    breakdowns: list[Breakdown] = []
    sessions, longest = options.sessions, max(options.octets)
    with Paths(options.build, sizes_for(sessions), options.cpu) as paths:
        program = frontend.load(_P4 / "upf.p4")
        population = Population(program, paths.dataplane, sessions)
        told = attribution_of(options.build, paths.program_id)
        for is_metered, scenarios in ((False, UNMETERED), (True, METERED)):
            wanted = [one for one in scenarios if one in options.scenarios]
            if wanted and is_metered:
                population.meter()
            for case in cases(wanted, options.octets):
                print(f"{case} ...", file=sys.stderr, flush=True)
                figure = measure(
                    paths, case, sessions, frames=options.frames, rounds=options.rounds
                )
                print(f"  {figure.ratio:.2f}", file=sys.stderr, flush=True)
                figures.append(figure)
                if case.scenario in SCENARIOS and case.octets == longest:
                    breakdowns.append(break_down(paths, told, case, sessions, _SAMPLED_FRAMES))
    return figures, breakdowns


if __name__ == "__main__":
    sys.exit(main())

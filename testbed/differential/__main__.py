"""The long campaign: `python -m testbed.differential --packets 1000000 p4/upf.p4`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from p4xdp import frontend
from testbed.differential.campaign import Campaign, minimal, told
from testbed.differential.sides import Sides

_REPORT_EVERY = 100  # scenarios


def main() -> int:
    """Run until enough packets agreed (0) or one did not (1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, nargs="?", default=Path("p4/upf.p4"))
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first scenario")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        sides = Sides.build(frontend.load(options.source), Path(directory))
        try:
            return _search(sides, options.seed, options.packets)
        finally:
            sides.close()


def _search(sides: Sides, seed: int, packets: int) -> int:
    campaign = Campaign(sides)
    while campaign.packets < packets:
        scenario, difference = campaign.run_seed(seed)
        if difference is not None:
            print(f"scenario {seed} differs:\n{told(*minimal(scenario, sides))}")
            return 1
        seed += 1
        if campaign.scenarios % _REPORT_EVERY == 0:
            print(f"{campaign.packets:,} packets, no difference", file=sys.stderr, flush=True)
    print(campaign.report())
    print("\n".join(f"never run: {place}" for place in campaign.coverage.missing()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A campaign of differential tests: many scenarios, what they reached, and the first difference."""

from __future__ import annotations

import dataclasses
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from testbed.differential.coverage import Coverage
from testbed.differential.scenarios import Composer
from testbed.differential.sides import Packet, Sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.differential.sides import Difference, Scenario

LESSONS, PACKETS = 24, 300


@dataclass(slots=True)
class Campaign:
    """Runs scenarios on `sides` and keeps count."""

    sides: Sides
    packets: int = 0
    scenarios: int = 0
    entries: int = 0
    started_s: float = field(default_factory=time.monotonic)
    coverage: Coverage = field(init=False)
    _composer: Composer = field(init=False)

    def __post_init__(self) -> None:
        self.coverage = Coverage(self.sides.program)
        self._composer = Composer(self.sides.program)

    def run(
        self, seed: int, lessons: Sequence[int], packets: Sequence[int]
    ) -> tuple[Scenario, Difference | None]:
        """Run the scenario that the seeds make; return it and the first difference."""
        scenario = self._composer.compose(seed, lessons, packets)
        difference = self.sides.run(scenario, self.coverage)
        self.scenarios += 1
        self.entries += len(scenario.entries)
        self.packets += sum(isinstance(step, Packet) for step in scenario.steps)
        return scenario, difference

    def run_seed(self, seed: int) -> tuple[Scenario, Difference | None]:
        """Run a scenario of the usual size."""
        rng = random.Random(seed)
        lessons = [rng.getrandbits(32) for _ in range(LESSONS)]
        return self.run(seed, lessons, [rng.getrandbits(32) for _ in range(PACKETS)])

    def report(self) -> str:
        """Return what was done and reached, in lines."""
        seconds = time.monotonic() - self.started_s
        packets = f"{self.packets:,} packets, {self.packets / seconds:,.0f} a second"
        lines = [
            f"{packets}, in {self.scenarios:,} scenarios: no difference",
            f"{self.entries:,} entries; {self.coverage.share:.1%} of the statements have run",
        ]
        for table, applied, runs in self.coverage.tables():
            ran = ", ".join(f"{name.rpartition('.')[2]} {count:,}" for name, count in runs.items())
            lines.append(f"  {table}: {applied:,} ({ran})")
        return "\n".join(lines)


def minimal(scenario: Scenario, sides: Sides) -> tuple[Scenario, Difference]:
    """Return the least of `scenario` on which the sides still differ, and how.

    ValueError if they do not differ on it.
    """
    found = sides.run(scenario)
    if found is None:
        raise ValueError("no difference to make smaller")
    if found.step is not None:
        scenario = dataclasses.replace(scenario, steps=scenario.steps[: found.step + 1])
    for part in ("steps", "entries", "meters", "direct_meters", "registers", "defaults"):
        scenario = _least(scenario, part, sides)
    return scenario, sides.run(scenario) or found


def _least(scenario: Scenario, part: str, sides: Sides) -> Scenario:
    """Leave out of a list of `scenario` what the difference does not need, in ever smaller runs."""
    size = len(getattr(scenario, part))
    while size:
        at = 0
        while at < len(whole := getattr(scenario, part)):
            less = dataclasses.replace(scenario, **{part: whole[:at] + whole[at + size :]})
            if sides.run(less) is None:
                at += size
            else:
                scenario = less
        size //= 2
    return scenario


def told(scenario: Scenario, difference: Difference) -> str:
    """Return a scenario and what differs, in lines for a person."""
    lines = [str(difference)]
    for name in ("defaults", "entries", "meters", "direct_meters", "registers", "steps"):
        lines += [f"  {name}: {one}" for one in getattr(scenario, name)]
    return "\n".join(lines)

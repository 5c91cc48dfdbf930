"""What is measured: cases, and the figures of each."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from testbed.bench.forwarding import population
from testbed.hostile.network import ACCESS_PORT, CORE_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from testbed.bench.forwarding.path import Paths

DIRECTIONS = {"uplink": ACCESS_PORT, "downlink": CORE_PORT}
HOT, HOT_METERED, FILTERED, RANDOM, RANDOM_METERED = (
    "one session",
    "one session, two meters",
    "filters, three meters",
    "random sessions",
    "random sessions, two meters",
)
UNMETERED = (HOT, RANDOM)
METERED = (HOT_METERED, FILTERED, RANDOM_METERED)
TARGETS = {HOT: 0.65, FILTERED: 0.5, RANDOM: 0.4}
_SHORTEST_FOR_PROGRAM_ALONE = 128  # octets of a frame
_RUNS_ALONE = 200_000
_TRIES_ALONE = 3
_WARMING = 20_000  # frames


@dataclass(frozen=True, slots=True)
class Case:
    """`octets` is the length of the users' IP packets."""

    scenario: str
    direction: str
    octets: int

    @property
    def port(self) -> int:
        """Return where the frames come in."""
        return DIRECTIONS[self.direction]

    def frames(self, sessions: int) -> list[bytes]:
        """Return the frames, one a session."""
        if self.scenario == FILTERED:
            return [population.classified_frame(self.port, self.octets)]
        count = sessions if self.scenario in (RANDOM, RANDOM_METERED) else 1
        return population.frames(self.port, self.octets, count)


@dataclass(frozen=True, slots=True)
class Figure:
    """Nanoseconds a frame: by the bare forwarder, by Tern, and (best, of one session's frame) in
    Tern's program alone. `ratio` is the median of those of each round, `spread` how far apart the
    middle half of them is.
    """

    case: Case
    bare_ns: float
    tern_ns: float
    ratio: float
    spread: float
    program_ns: float | None


def cases(scenarios: Sequence[str], octets: Sequence[int]) -> Iterator[Case]:
    """Yield every combination."""
    for scenario in scenarios:
        for direction in DIRECTIONS:
            for length in octets:
                yield Case(scenario, direction, length)


def measure(paths: Paths, case: Case, sessions: int, *, frames: int, rounds: int) -> Figure:
    """Send `frames` frames a round both ways, in turns."""
    sent = case.frames(sessions)
    paths.prepare(sent)

    def ns(way: str) -> float:
        return paths.ns_per_frame(way, case.port, frames)

    for way in ("bare", "tern"):
        paths.ns_per_frame(way, case.port, min(frames, _WARMING))
    both = [(ns("bare"), ns("tern")) for _ in range(rounds)]
    ratios = sorted(bare / tern for bare, tern in both)
    return Figure(
        case,
        min(bare for bare, _ in both),
        min(tern for _, tern in both),
        median(ratios),
        ratios[3 * len(ratios) // 4] - ratios[len(ratios) // 4],
        _alone(paths.dataplane.measure, case.port, sent[0]),
    )


def _alone(run: Callable[..., float], port: int, frame: bytes) -> float | None:
    if len(frame) < _SHORTEST_FOR_PROGRAM_ALONE:
        return None
    return min(run(port, frame, repeat=_RUNS_ALONE) for _ in range(_TRIES_ALONE))

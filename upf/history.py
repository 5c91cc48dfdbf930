"""What each slice carried over the last hour, in steps of ten seconds."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from upf.usage import Volume

if TYPE_CHECKING:
    from upf.figures import Sample

STEP_S = 10
WINDOW_S = 3600
_NUM_STEPS = WINDOW_S // STEP_S


@dataclass(frozen=True, slots=True)
class Point:
    """What passed in the step that began at `time` (seconds since 1970); sessions at its end."""

    time: int
    uplink_octets: int
    downlink_octets: int
    sessions: int


class _Ring:
    """The last steps of one slice. A step nobody wrote in this window is not there."""

    def __init__(self) -> None:
        self._times = array("q", bytes(8 * _NUM_STEPS))
        self._values = [array("Q", bytes(8 * _NUM_STEPS)) for _ in range(3)]

    def add(self, step: int, uplink_octets: int, downlink_octets: int, sessions: int) -> None:
        at = step % _NUM_STEPS
        uplinks, downlinks, numbers = self._values
        if self._times[at] != step * STEP_S:
            self._times[at] = step * STEP_S
            uplinks[at] = downlinks[at] = 0
        uplinks[at] += uplink_octets
        downlinks[at] += downlink_octets
        numbers[at] = sessions

    def points(self, since: float, until: float) -> list[Point]:
        uplinks, downlinks, numbers = self._values
        return sorted(
            (
                Point(time, uplinks[at], downlinks[at], numbers[at])
                for at, time in enumerate(self._times)
                if since < time <= until
            ),
            key=lambda point: point.time,
        )


class History:
    """Usage over time by slice_id."""

    def __init__(self) -> None:
        self._rings: dict[int, _Ring] = {}
        self._before: Sample | None = None

    def add(self, sample: Sample) -> None:
        """Take what passed since the sample before."""
        before, self._before = self._before, sample
        if before is None:
            return
        step = int(sample.time) // STEP_S
        for slice_id in sample.slices.keys() | sample.num_sessions.keys():
            now, then = (each.slices.get(slice_id, Volume()) for each in (sample, before))
            self._rings.setdefault(slice_id, _Ring()).add(
                step,
                max(0, now.uplink.octets - then.uplink.octets),
                max(0, now.downlink.octets - then.downlink.octets),
                sample.num_sessions.get(slice_id, 0),
            )

    def points(self, slice_id: int, window_s: int, now: float) -> list[Point]:
        """The whole steps of a slice that began in the last `window_s` seconds, oldest first.

        Steps in which it had neither sessions nor traffic may be missing.
        """
        ring = self._rings.get(slice_id)
        return [] if ring is None else ring.points(now - min(window_s, WINDOW_S), now - STEP_S)

    def forget(self, slice_id: int) -> None:
        """Start a slice anew: its identifier has a new owner."""
        self._rings.pop(slice_id, None)

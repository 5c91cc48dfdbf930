"""Which GTP-U peers answer (TS 29.281 clause 7.2.1, TS 23.527 clause 5.2). Pure.

Each path is asked regularly; one that leaves `attempts` requests in a row unanswered is down until
it answers again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upf.rules import IPAddress


class Path(NamedTuple):
    """A GTP-U entity of ours and one of somebody else's."""

    local: IPAddress
    peer: IPAddress


@dataclass(slots=True)
class PathState:
    """`round_trip_s` is that of the latest answer."""

    sequence: int = 0
    due_at: float = 0.0
    sent_at: float = 0.0
    unanswered: int = 0
    is_down: bool = False
    round_trip_s: float | None = None


class Paths:
    """All paths in use. `interval_s` 0: nobody is asked."""

    def __init__(self, interval_s: float, timeout_s: float, attempts: int) -> None:
        self.states: dict[Path, PathState] = {}
        self._interval_s, self._timeout_s, self._attempts = interval_s, timeout_s, attempts

    def follow(self, paths: Iterable[Path], now: float) -> None:
        """Watch these from now on and no others."""
        wanted = set(paths)
        for path in self.states.keys() - wanted:
            del self.states[path]
        for path in wanted - self.states.keys():
            self.states[path] = PathState(due_at=now)

    def due(self, now: float) -> tuple[list[tuple[Path, int]], list[Path]]:
        """Paths to ask now, with the sequence number; and those that are down from now on."""
        if not self._interval_s:
            return [], []
        asked, failed = [], []
        for path, state in self.states.items():
            if now < state.due_at:
                continue
            if state.unanswered >= self._attempts:
                if not state.is_down:
                    failed.append(path)
                state.is_down, state.unanswered = True, 0
            state.sequence = (state.sequence + 1) & 0xFFFF
            state.sent_at = now
            state.unanswered += 1
            state.due_at = now + (self._interval_s if state.is_down else self._timeout_s)
            asked.append((path, state.sequence))
        return asked, failed

    def answered(self, path: Path, sequence: int, now: float) -> bool:
        """Take an answer; True if the path was down."""
        state = self.states.get(path)
        if state is None or sequence != state.sequence or not state.unanswered:
            return False
        was_down = state.is_down
        state.is_down, state.unanswered = False, 0
        state.round_trip_s = now - state.sent_at
        state.due_at = now + self._interval_s
        return was_down

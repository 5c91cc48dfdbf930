"""Load and overload control (TS 29.244 §6.2.3, §6.2.4): what peers told, and what we tell them.

A peer's information replaces the older one if its sequence number is greater; overload also ends
by itself when its period of validity does. Ours is numbered from this entity's recovery time
stamp, so that numbers grow over a restart too.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Any, NamedTuple

from pfcp.association import Association
from pfcp.enums import TimerUnit
from pfcp.ies import LoadControlInformation, NodeID, OverloadControlInformation, Timer
from pfcp.messages import Message

_NUMBERS = 1 << 32
_TIMER_MAX = 31
_TIMER_UNITS = (
    (2, TimerUnit.TWO_SECONDS),
    (60, TimerUnit.ONE_MINUTE),
    (600, TimerUnit.TEN_MINUTES),
    (3600, TimerUnit.ONE_HOUR),
    (36000, TimerUnit.TEN_HOURS),
)


@dataclass(frozen=True, slots=True)
class LoadStatus:
    """How this entity is: `load_percent` (None: not told), and by how much peers shall send less.

    `validity_s` is how long the reduction is meant to last unless told again.
    """

    load_percent: int | None = None
    reduction_percent: int = 0
    validity_s: float = 60.0


LoadSource = Callable[[float], LoadStatus]
"""Asked with `now` whenever a message leaves that may carry the status."""


def timer_of(span_s: float) -> Timer:
    """The shortest Timer that is no shorter than a span; infinite above 310 hours."""
    for unit_s, unit in _TIMER_UNITS:
        if span_s <= unit_s * _TIMER_MAX:
            return Timer(unit=unit, value=ceil(span_s / unit_s))
    return Timer(unit=TimerUnit.INFINITE, value=0)


class Announcer:
    """Puts our status into messages for peers that take it."""

    def __init__(self, source: LoadSource, recovery_time_stamp: int) -> None:
        self._source = source
        self._load_number = self._overload_number = recovery_time_stamp
        self._load_percent: int | None = None
        self._reduction_percent = 0
        self._ageing_at = self._until = -inf

    def dress(self, message: Message, association: Association | None, now: float) -> Message:
        """The message with our information, where it has room and its receiver understands."""
        features = association.cp_function_features if association is not None else None
        if features is None or not hasattr(message, "load_control_information"):
            return message
        status = self._source(now)
        added: dict[str, Any] = {}
        if features.load and status.load_percent is not None:
            added["load_control_information"] = self._load(status.load_percent)
        if features.ovrl and (overload := self._overload(status, now)) is not None:
            added["overload_control_information"] = overload
        absent = {name: ie for name, ie in added.items() if getattr(message, name) is None}
        return replace(message, **absent) if absent else message

    def _load(self, load_percent: int) -> LoadControlInformation:
        if load_percent != self._load_percent:
            self._load_percent = load_percent
            self._load_number = (self._load_number + 1) % _NUMBERS
        return LoadControlInformation(
            load_control_sequence_number=self._load_number, load_metric=load_percent
        )

    def _overload(self, status: LoadStatus, now: float) -> OverloadControlInformation | None:
        """A reduction is numbered anew before it runs out; its end is told as long as it ran."""
        is_same = status.reduction_percent == self._reduction_percent
        is_overloaded = status.reduction_percent > 0
        if is_same and not is_overloaded and now >= self._until:
            return None
        if not is_same or (is_overloaded and now >= self._ageing_at):
            self._reduction_percent = status.reduction_percent
            self._ageing_at, self._until = now + status.validity_s / 2, now + status.validity_s
            self._overload_number = (self._overload_number + 1) % _NUMBERS
        return OverloadControlInformation(
            overload_control_sequence_number=self._overload_number,
            overload_reduction_metric=status.reduction_percent,
            period_of_validity=timer_of(status.validity_s),
        )


class PeerLoad(NamedTuple):
    """What a peer told last; `overloaded_until` is in the clock of `now`."""

    load_number: int | None = None
    load_percent: int | None = None
    overload_number: int | None = None
    reduction_percent: int = 0
    overloaded_until: float = 0.0


class PeerLoads:
    """The load of every peer that tells it, by node."""

    def __init__(self) -> None:
        self._of: dict[NodeID, PeerLoad] = {}

    def of_node(self, node_id: NodeID) -> PeerLoad:
        """What is known of a node; all absent if it never told."""
        return self._of.get(node_id, PeerLoad())

    def take(self, node_id: NodeID, message: Message, now: float) -> tuple[PeerLoad, PeerLoad]:
        """Note what a message tells; what was known before and after it."""
        before = after = self.of_node(node_id)
        load = getattr(message, "load_control_information", None)
        if load is not None and _is_later(load.load_control_sequence_number, before.load_number):
            after = after._replace(
                load_number=load.load_control_sequence_number, load_percent=load.load_metric
            )
        overload = getattr(message, "overload_control_information", None)
        if overload is not None and _is_later(
            overload.overload_control_sequence_number, before.overload_number
        ):
            after = after._replace(
                overload_number=overload.overload_control_sequence_number,
                reduction_percent=overload.overload_reduction_metric,
                overloaded_until=now + overload.period_of_validity.seconds,
            )
        if after != before:
            self._of[node_id] = after
        return before, after

    def forget(self, node_id: NodeID) -> None:
        """Drop what a node told: it restarted or left."""
        self._of.pop(node_id, None)

    def next_timer(self) -> float | None:
        """When the next reduction runs out."""
        times = [load.overloaded_until for load in self._of.values() if load.reduction_percent]
        return min((when for when in times if when < inf), default=None)

    def expire(self, now: float) -> list[NodeID]:
        """End the reductions that have run out; the nodes they were of."""
        over = [
            node_id
            for node_id, load in self._of.items()
            if load.reduction_percent and load.overloaded_until <= now
        ]
        for node_id in over:
            self._of[node_id] = self._of[node_id]._replace(reduction_percent=0)
        return over


def _is_later(number: int, known: int | None) -> bool:
    """Whether a sequence number is after one known, counting round at 32 bits."""
    return known is None or 0 < (number - known) % _NUMBERS < _NUMBERS // 2

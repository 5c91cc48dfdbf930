"""What limits use: the thresholds and quotas of a URR (TS 29.244 clause 5.2.2.2). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upf.usage import Usage, Volume


@dataclass(frozen=True, slots=True)
class VolumeLimit:
    """Octets of inner IP packets, together and by direction; None is no limit."""

    total: int | None = None
    uplink: int | None = None
    downlink: int | None = None

    def is_reached(self, volume: Volume) -> bool:
        """Whether any of its parts is used up."""
        return any(
            limit is not None and octets >= limit
            for limit, octets in (
                (self.total, volume.total.octets),
                (self.uplink, volume.uplink.octets),
                (self.downlink, volume.downlink.octets),
            )
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds, or quotas, of one URR."""

    volume: VolumeLimit | None = None
    time_s: int | None = None
    events: int | None = None

    def __bool__(self) -> bool:
        return self.volume is not None or bool(self.time_s) or bool(self.events)

    def reached(self, usage: Usage) -> frozenset[str]:
        """Which of `volume`, `time` and `events` are used up."""
        met = set()
        if self.volume is not None and self.volume.is_reached(usage.volume):
            met.add("volume")
        if self.time_s is not None and usage.duration_s >= self.time_s:
            met.add("time")
        if self.events is not None and usage.events >= self.events:
            met.add("events")
        return frozenset(met)

    def or_else(self, others: Limits) -> Limits:
        """These, and of `others` what these say nothing of."""
        return Limits(
            others.volume if self.volume is None else self.volume,
            others.time_s if self.time_s is None else self.time_s,
            others.events if self.events is None else self.events,
        )


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Monitoring:
    """A monitoring time (seconds since 1970), from which on other limits are in force."""

    time: float
    threshold: Limits = NO_LIMITS
    quota: Limits = NO_LIMITS

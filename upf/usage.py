"""Amounts of use: packets, octets, seconds and events (TS 29.244 clause 5.2.2). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from upf.entry import Counts

NO_COUNTS = Counts(0, 0)


def plus(a: Counts, b: Counts) -> Counts:
    """Sum of packets and of octets."""
    return Counts(a.packets + b.packets, a.octets + b.octets)


@dataclass(frozen=True, slots=True)
class Volume:
    """Inner IP packets and their octets, by direction."""

    uplink: Counts = NO_COUNTS
    downlink: Counts = NO_COUNTS

    @property
    def total(self) -> Counts:
        return plus(self.uplink, self.downlink)

    def __add__(self, other: Volume) -> Volume:
        return Volume(plus(self.uplink, other.uplink), plus(self.downlink, other.downlink))


NO_VOLUME = Volume()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a URR measures: volume, metered time, events."""

    volume: Volume = NO_VOLUME
    duration_s: float = 0.0
    events: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.volume + other.volume,
            self.duration_s + other.duration_s,
            self.events + other.events,
        )


NO_USAGE = Usage()

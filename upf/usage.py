"""From counters to usage reports: the arithmetic of URRs (TS 29.244 clause 5.2.2), pure.

A URR measures the PDRs that name it. Each PDR has a usage counter that only ever grows; `fold` adds
what the counters gained since the last look, and a report takes what was folded so far.
Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from upf.entry import Counts

if TYPE_CHECKING:
    from upf.rules import PDR, URR, VolumeThreshold

NO_COUNTS = Counts(0, 0)


@dataclass(frozen=True, slots=True)
class Volume:
    """Inner IP packets and their octets, by direction."""

    uplink: Counts = NO_COUNTS
    downlink: Counts = NO_COUNTS

    @property
    def total(self) -> Counts:
        return plus(self.uplink, self.downlink)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A URR under way. `seen` holds each counter's reading at the last fold, by usage_id."""

    urr_id: int
    start_time: float
    ur_seqn: int = 0
    volume: Volume = Volume()
    seen: Mapping[int, Counts] = field(default_factory=dict)
    first_packet_time: float | None = None
    last_packet_time: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """What a URR measured from `start_time` to `end_time`."""

    urr_id: int
    ur_seqn: int
    start_time: float
    end_time: float
    volume: Volume
    first_packet_time: float | None
    last_packet_time: float | None

    @property
    def duration_s(self) -> int:
        return max(0, round(self.end_time - self.start_time))


def plus(a: Counts, b: Counts) -> Counts:
    """Sum of packets and of octets."""
    return Counts(a.packets + b.packets, a.octets + b.octets)


def measured_pdrs(urr_id: int, pdrs: Iterable[PDR]) -> list[PDR]:
    """The PDRs that a URR measures."""
    return [pdr for pdr in pdrs if urr_id in pdr.urr_ids]


def begin(
    urr_id: int, pdrs: Iterable[PDR], readings: Mapping[int, Counts], now: float
) -> Measurement:
    """A new measurement, which does not count what its counters saw before."""
    seen = {pdr.usage_id: readings[pdr.usage_id] for pdr in measured_pdrs(urr_id, pdrs)}
    return Measurement(urr_id=urr_id, start_time=now, seen=seen)


def fold(
    measurement: Measurement, pdrs: Iterable[PDR], readings: Mapping[int, Counts], now: float
) -> Measurement:
    """The measurement with what its counters gained. `pdrs` are those it measured until now."""
    uplink, downlink = measurement.volume.uplink, measurement.volume.downlink
    seen = dict(measurement.seen)
    for pdr in measured_pdrs(measurement.urr_id, pdrs):
        reading = readings[pdr.usage_id]
        base = seen.get(pdr.usage_id, reading)
        gained = Counts(reading.packets - base.packets, reading.octets - base.octets)
        seen[pdr.usage_id] = reading
        if pdr.is_uplink:
            uplink = plus(uplink, gained)
        else:
            downlink = plus(downlink, gained)
    volume = Volume(uplink, downlink)
    if volume == measurement.volume:
        return replace(measurement, seen=seen)
    return replace(
        measurement,
        volume=volume,
        seen=seen,
        first_packet_time=now
        if measurement.first_packet_time is None
        else measurement.first_packet_time,
        last_packet_time=now,
    )


def relink(
    measurement: Measurement, pdrs: Iterable[PDR], readings: Mapping[int, Counts]
) -> Measurement:
    """The measurement from now on over these PDRs, without what new ones counted before."""
    seen = {
        pdr.usage_id: measurement.seen.get(pdr.usage_id, readings[pdr.usage_id])
        for pdr in measured_pdrs(measurement.urr_id, pdrs)
    }
    return replace(measurement, seen=seen)


def due_triggers(measurement: Measurement, urr: URR, now: float) -> frozenset[str]:
    """The reporting triggers of a URR that call for a report now."""
    elapsed_s = now - measurement.start_time
    met = set()
    if urr.volume_threshold is not None and _is_reached(urr.volume_threshold, measurement.volume):
        met.add("volth")
    if urr.time_threshold_s and elapsed_s >= urr.time_threshold_s:
        met.add("timth")
    if urr.measurement_period_s and elapsed_s >= urr.measurement_period_s:
        met.add("perio")
    return urr.triggers & met


def _is_reached(threshold: VolumeThreshold, volume: Volume) -> bool:
    return any(
        limit is not None and counts.octets >= limit
        for limit, counts in (
            (threshold.total, volume.total),
            (threshold.uplink, volume.uplink),
            (threshold.downlink, volume.downlink),
        )
    )


def report(measurement: Measurement, now: float) -> tuple[UsageReport, Measurement]:
    """What was measured, and the measurement that goes on from zero."""
    usage_report = UsageReport(
        urr_id=measurement.urr_id,
        ur_seqn=measurement.ur_seqn,
        start_time=measurement.start_time,
        end_time=now,
        volume=measurement.volume,
        first_packet_time=measurement.first_packet_time,
        last_packet_time=measurement.last_packet_time,
    )
    return usage_report, replace(
        measurement,
        ur_seqn=measurement.ur_seqn + 1,
        start_time=now,
        volume=Volume(),
        first_packet_time=None,
        last_packet_time=None,
    )

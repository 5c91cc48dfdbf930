"""From counters to what was used: the measurement of one URR (TS 29.244 clause 5.2.2), pure.

A URR measures the PDRs that name it. Each PDR has a usage counter that only ever grows; `fold` adds
what the counters gained since the last look, and a report takes what was folded so far.
Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from upf.entry import Counts
from upf.limits import NO_LIMITS, Limits, Monitoring
from upf.usage import NO_USAGE, Usage, Volume, plus

if TYPE_CHECKING:
    from upf.rules import PDR, URR

# Traffic has stopped when nothing came for so long, where a URR does not say (clause 5.2.2.2).
DEFAULT_STOP_S = 10.0
QUOTA_FIELDS = frozenset({"volume_quota", "time_quota_s", "event_quota"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """What was used from one time to another."""

    start_time: float
    end_time: float
    used: Usage
    first_packet_time: float | None
    last_packet_time: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A URR under way.

    `used` is what no report has told; `before` was split off it at monitoring times. The limits in
    force are `threshold` and `quota`, and what counts against them has a field each. `seen` holds
    each counter's reading at the last fold, by usage_id. `metered_until` is None while time does
    not count. `pending` are triggers met by events. `stopped_by` is the trigger by which the CP
    function was told that no more traffic passes; `is_quota_new`: a monitoring time brought a quota
    that is not in force yet.
    """

    urr_id: int
    start_time: float
    ur_seqn: int = 0
    used: Usage = NO_USAGE
    before: tuple[Portion, ...] = ()
    threshold: Limits = NO_LIMITS
    quota: Limits = NO_LIMITS
    towards_threshold: Usage = NO_USAGE
    towards_quota: Usage = NO_USAGE
    granted_at: float = 0.0
    monitorings: tuple[Monitoring, ...] = ()
    seen: Mapping[int, Counts] = field(default_factory=dict)
    first_packet_time: float | None = None
    last_packet_time: float | None = None
    active_at: float = 0.0
    is_flowing: bool = False
    is_idle_told: bool = False
    metered_until: float | None = None
    period_ends: float | None = None
    pending: frozenset[str] = frozenset()
    stopped_by: str | None = None
    is_quota_new: bool = False
    reports_left: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What counters show, and when those that gained did so for the first and the last time since
    the look before: `now` for those it does not know.
    """

    now: float
    readings: Mapping[int, Counts]
    first: Mapping[int, float] = field(default_factory=dict)
    last: Mapping[int, float] = field(default_factory=dict)


def measured_pdrs(urr_id: int, pdrs: Iterable[PDR]) -> list[PDR]:
    """The PDRs that a URR measures."""
    return [pdr for pdr in pdrs if urr_id in pdr.urr_ids]


def begin(urr: URR, pdrs: Iterable[PDR], readings: Mapping[int, Counts], now: float) -> Measurement:
    """A new measurement, which does not count what its counters saw before."""
    return Measurement(
        urr_id=urr.urr_id,
        start_time=now,
        threshold=urr.threshold,
        quota=urr.quota,
        granted_at=now,
        monitorings=tuple(each for each in urr.monitorings if each.time > now),
        seen={pdr.usage_id: readings[pdr.usage_id] for pdr in measured_pdrs(urr.urr_id, pdrs)},
        active_at=now,
        metered_until=now if urr.meters_time and urr.is_metered_at_once else None,
        period_ends=_period_end(urr, now),
        reports_left=urr.number_of_reports,
    )


def fold(measurement: Measurement, urr: URR, pdrs: Iterable[PDR], sight: Sight) -> Measurement:
    """The measurement with what its counters gained. `pdrs` are those it measured until now."""
    gained, seen, first, last = _gains(measurement, pdrs, sight)
    if urr.is_suspended:
        return replace(measurement, seen=seen, metered_until=None)
    has_gained = gained.total.packets > 0
    duration_s, metered_until = _metered(measurement, urr, first if has_gained else None, sight.now)
    is_start = has_gained and not measurement.is_flowing
    gain = Usage(gained, duration_s, int(is_start and urr.counts_events))
    changes: dict[str, Any] = {"seen": seen, "metered_until": metered_until}
    if gain != NO_USAGE:
        changes["used"] = measurement.used + gain
        changes["towards_threshold"] = measurement.towards_threshold + gain
        changes["towards_quota"] = measurement.towards_quota + gain
    if has_gained:
        changes |= {"last_packet_time": last, "active_at": last, "is_flowing": True}
        changes["is_idle_told"] = False
        if measurement.first_packet_time is None:
            changes["first_packet_time"] = first
        if is_start:
            changes["pending"] = measurement.pending | (urr.triggers & {"start"})
    folded = replace(measurement, **changes)
    if folded.is_flowing and sight.now >= folded.active_at + stop_after_s(urr):
        pending = folded.pending | (urr.triggers & {"stopt"})
        folded = replace(folded, is_flowing=False, pending=pending)
    return folded


def stop_after_s(urr: URR) -> float:
    """After how long without packets the traffic of a URR has stopped."""
    return float(urr.inactivity_detection_time_s or DEFAULT_STOP_S)


def _gains(
    measurement: Measurement, pdrs: Iterable[PDR], sight: Sight
) -> tuple[Volume, dict[int, Counts], float, float]:
    """What counters gained, what they stand at, and when the first and the last packet came."""
    uplink, downlink = Volume().uplink, Volume().downlink
    seen = dict(measurement.seen)
    firsts, lasts = [], []
    for pdr in measured_pdrs(measurement.urr_id, pdrs):
        reading = sight.readings.get(pdr.usage_id)
        if reading is None:
            continue  # nobody could read it
        base = seen.get(pdr.usage_id, reading)
        seen[pdr.usage_id] = reading
        gained = Counts(reading.packets - base.packets, reading.octets - base.octets)
        if not gained.packets:
            continue
        firsts.append(sight.first.get(pdr.usage_id, sight.now))
        lasts.append(sight.last.get(pdr.usage_id, sight.now))
        if pdr.is_uplink:
            uplink = plus(uplink, gained)
        else:
            downlink = plus(downlink, gained)
    now = sight.now
    return Volume(uplink, downlink), seen, min(firsts, default=now), max(lasts, default=now)


def _metered(
    measurement: Measurement, urr: URR, first: float | None, now: float
) -> tuple[float, float | None]:
    """Seconds to add, and until when time is counted then; `first`: when a packet came.

    Time counts from the first packet on, or at once where asked for, and pauses when no packet came
    for the inactivity detection time.
    """
    if not urr.meters_time or measurement.stopped_by is not None:
        return 0.0, None
    until, duration_s = measurement.metered_until, 0.0
    pause_s = urr.inactivity_detection_time_s
    if until is not None and pause_s:
        pause = max(until, measurement.active_at + pause_s)
        if pause <= (now if first is None else first):
            duration_s, until = pause - until, None
    if until is None:
        if first is None:
            return duration_s, None
        until = first
    return duration_s + max(0.0, now - until), now


def split(measurement: Measurement, now: float) -> Measurement:
    """The measurement with its use cut at monitoring times that have come."""
    while measurement.monitorings and measurement.monitorings[0].time <= now:
        monitoring = measurement.monitorings[0]
        changes: dict[str, Any] = {
            "before": (*measurement.before, portion_until(measurement, monitoring.time)),
            **from_zero(monitoring.time),
            "monitorings": measurement.monitorings[1:],
        }
        if monitoring.threshold:
            changes["threshold"] = monitoring.threshold.or_else(measurement.threshold)
            changes["towards_threshold"] = NO_USAGE
        if monitoring.quota:
            changes["quota"] = monitoring.quota.or_else(measurement.quota)
            changes |= {"towards_quota": NO_USAGE, "granted_at": now, "stopped_by": None}
            changes["is_quota_new"] = True
        measurement = replace(measurement, **changes)
    return measurement


def relink(
    measurement: Measurement, pdrs: Iterable[PDR], readings: Mapping[int, Counts]
) -> Measurement:
    """The measurement from now on over these PDRs, without what new ones counted before."""
    seen = {
        pdr.usage_id: measurement.seen.get(pdr.usage_id, readings[pdr.usage_id])
        for pdr in measured_pdrs(measurement.urr_id, pdrs)
    }
    return replace(measurement, seen=seen)


def reprovision(
    measurement: Measurement, before: URR, after: URR, given: Iterable[str], now: float
) -> Measurement:
    """The measurement under a changed URR; `given` are the fields that the CP function sent.

    What no report has told counts against a new threshold or quota (clause 5.2.2.2.1).
    """
    given = set(given)
    changes: dict[str, Any] = {}
    if given & {"volume_threshold", "time_threshold_s", "event_threshold"}:
        changes |= {"threshold": after.threshold, "towards_threshold": measurement.used}
    if given & QUOTA_FIELDS:
        changes |= {"quota": after.quota, "towards_quota": measurement.used}
        changes |= {"granted_at": now, "stopped_by": None, "is_quota_new": False}
    if before.monitorings != after.monitorings:
        changes["monitorings"] = tuple(each for each in after.monitorings if each.time > now)
    if given & {"measurement_period_s"}:
        changes["period_ends"] = _period_end(after, now)
    if given & {"number_of_reports"}:
        changes["reports_left"] = after.number_of_reports
    if after.is_metered_at_once and not before.is_metered_at_once and after.meters_time:
        changes["metered_until"] = now
    return replace(measurement, **changes)


def portion_until(measurement: Measurement, end_time: float) -> Portion:
    """What no report has told, as used until a time."""
    return Portion(
        start_time=measurement.start_time,
        end_time=end_time,
        used=measurement.used,
        first_packet_time=measurement.first_packet_time,
        last_packet_time=measurement.last_packet_time,
    )


def from_zero(now: float) -> dict[str, Any]:
    """Fields of a measurement that begins to use at a time."""
    return {
        "start_time": now,
        "used": NO_USAGE,
        "first_packet_time": None,
        "last_packet_time": None,
    }


def _period_end(urr: URR, now: float) -> float | None:
    return now + urr.measurement_period_s if urr.measurement_period_s else None

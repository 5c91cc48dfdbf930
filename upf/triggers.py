"""What a measurement calls for, and when to look at it again (TS 29.244 clause 5.2.2.2). Pure.

Between two looks nothing can become due unless one of its counters passes its alarm or its deadline
comes: so a sweep need look at few of many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from upf.measurement import measured_pdrs, stop_after_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from upf.limits import Limits, VolumeLimit
    from upf.measurement import Measurement
    from upf.rules import PDR, URR
    from upf.usage import Usage, Volume

_THRESHOLDS = {"volume": "volth", "time": "timth", "events": "eveth"}
_QUOTAS = {"volume": "volqu", "time": "timqu", "events": "evequ"}
# A packet that no longer fits stops a flow so much before its quota is used up.
MAX_PACKET_OCTETS = 65_535
# How much a limit may have left for its end to be waited for packet by packet.
NEAR_END_OCTETS = 2 * MAX_PACKET_OCTETS


@dataclass(frozen=True, slots=True)
class Due:
    """What to report a URR with, none for no report. `stop`: by which trigger no more of its
    traffic may pass.
    """

    triggers: frozenset[str]
    stop: str | None = None


def due(measurement: Measurement, urr: URR, now: float) -> Due:
    """What a measurement calls for now."""
    met = {
        _THRESHOLDS[what] for what in measurement.threshold.reached(measurement.towards_threshold)
    }
    if measurement.period_ends is not None and now >= measurement.period_ends:
        met.add("perio")
    if is_idle(measurement, urr, now):
        met.add("upint")
    stop = _stop(measurement, urr, now)
    if stop is not None:
        met.add(stop)
    triggers = urr.triggers & (met | measurement.pending)
    if measurement.reports_left == 0:
        triggers = frozenset()
    return Due(triggers, stop)


def is_idle(measurement: Measurement, urr: URR, now: float) -> bool:
    """Whether the URR's inactivity timer has run out and nobody was told."""
    return (
        bool(urr.inactivity_timer_s)
        and not measurement.is_idle_told
        and now >= measurement.active_at + (urr.inactivity_timer_s or 0)
    )


def _stop(measurement: Measurement, urr: URR, now: float) -> str | None:
    """The trigger by which a quota ends: used up, not used for too long, or no longer valid."""
    if not measurement.quota or measurement.stopped_by is not None:
        return None
    for what in ("volume", "time", "events"):
        if what in measurement.quota.reached(measurement.towards_quota):
            return _QUOTAS[what]
    for trigger, deadline in _quota_deadlines(measurement, urr):
        if now >= deadline:
            return trigger
    return None


def _quota_deadlines(measurement: Measurement, urr: URR) -> Iterator[tuple[str, float]]:
    if urr.quota_validity_time_s:
        yield "quvti", measurement.granted_at + urr.quota_validity_time_s
    if urr.quota_holding_time_s:
        idle_since = max(measurement.active_at, measurement.granted_at)
        yield "quhti", idle_since + urr.quota_holding_time_s


def next_deadline(measurement: Measurement, urr: URR) -> float | None:
    """When something may become due, or has to be noted, without a packet."""
    return min(_deadlines(measurement, urr), default=None)


def _deadlines(measurement: Measurement, urr: URR) -> Iterator[float]:
    is_reporting = measurement.reports_left != 0
    if measurement.period_ends is not None and "perio" in urr.triggers and is_reporting:
        yield measurement.period_ends
    if measurement.monitorings:
        yield measurement.monitorings[0].time
    if measurement.quota and measurement.stopped_by is None:
        for _, deadline in _quota_deadlines(measurement, urr):
            yield deadline
    if urr.is_suspended:
        return
    if measurement.metered_until is not None:
        yield from _time_limits(measurement, urr)
        if urr.inactivity_detection_time_s:
            yield measurement.active_at + urr.inactivity_detection_time_s
    if measurement.is_flowing and _watches_flow(urr):
        yield measurement.active_at + stop_after_s(urr)
    if "upint" in urr.triggers and not measurement.is_idle_told and is_reporting:
        yield measurement.active_at + (urr.inactivity_timer_s or math.inf)


def _watches_flow(urr: URR) -> bool:
    """Whether starts and stops of traffic matter."""
    return bool(urr.triggers & {"start", "stopt"}) or urr.counts_events


def _time_limits(measurement: Measurement, urr: URR) -> Iterator[float]:
    assert measurement.metered_until is not None
    counted: list[tuple[int | None, Usage]] = [
        (measurement.quota.time_s, measurement.towards_quota)
    ]
    if "timth" in urr.triggers:
        counted.append((measurement.threshold.time_s, measurement.towards_threshold))
    for limit_s, usage in counted:
        if limit_s is not None and usage.duration_s < limit_s:
            yield measurement.metered_until + limit_s - usage.duration_s


def alarms(
    measurement: Measurement, urr: URR, pdrs: Iterable[PDR], withheld: int = 0
) -> Mapping[int, int]:
    """Octets that counters, by usage_id, have to show before something may become due.

    Of what several counters have to gain together one of them has to gain its share. `withheld` is
    what of a quota the switch was not given: it may stop packets so much earlier.
    """
    if urr.is_suspended:
        return {}
    measured = measured_pdrs(measurement.urr_id, pdrs)
    found: dict[int, int] = {}
    is_first_awaited = _awaits_packet(measurement, urr)
    for pdr in measured:
        left = min(_octets_left(measurement, urr, measured, pdr, withheld), default=None)
        if is_first_awaited:
            left = 1
        if left is not None:
            found[pdr.usage_id] = measurement.seen[pdr.usage_id].octets + max(1, left)
    return found


def _awaits_packet(measurement: Measurement, urr: URR) -> bool:
    """Whether the next packet matters by itself."""
    is_metered = urr.meters_time and measurement.stopped_by is None
    return (
        (is_metered and measurement.metered_until is None)
        or (_watches_flow(urr) and not measurement.is_flowing)
        or (bool(urr.inactivity_timer_s) and measurement.is_idle_told)
    )


def _octets_left(
    measurement: Measurement, urr: URR, measured: list[PDR], pdr: PDR, withheld: int
) -> Iterator[int]:
    """What a PDR's counter may gain before one of the limits can be reached, and its share of a
    quota's end: from there on the switch is asked.
    """
    if "volth" in urr.triggers:
        yield from _shares(measurement.threshold, measurement.towards_threshold, measured, pdr, 0)
    if measurement.stopped_by is None:
        early = NEAR_END_OCTETS + withheld
        yield from _shares(measurement.quota, measurement.towards_quota, measured, pdr, early)


def _shares(
    limits: Limits, usage: Usage, measured: list[PDR], pdr: PDR, early: int
) -> Iterator[int]:
    if limits.volume is None:
        return
    for left, is_uplink in _left(limits.volume, usage.volume):
        if is_uplink not in (None, pdr.is_uplink):
            continue
        num_sharing = sum(is_uplink in (None, each.is_uplink) for each in measured)
        yield -(-max(0, left - early if left > early else left) // num_sharing)


def _left(limit: VolumeLimit, volume: Volume) -> Iterator[tuple[int, bool | None]]:
    """What is left of each part of a limit, and which direction counts: None for both."""
    if limit.total is not None:
        yield limit.total - volume.total.octets, None
    if limit.uplink is not None:
        yield limit.uplink - volume.uplink.octets, True
    if limit.downlink is not None:
        yield limit.downlink - volume.downlink.octets, False


def is_near_end(measurement: Measurement, withheld: int = 0) -> bool:
    """Whether a packet of the largest size might not fit any more into what the switch was given of
    a volume quota: all but `withheld`.
    """
    volume = measurement.quota.volume
    return (
        volume is not None
        and measurement.stopped_by is None
        and any(
            left <= NEAR_END_OCTETS + withheld
            for left, _ in _left(volume, measurement.towards_quota.volume)
        )
    )

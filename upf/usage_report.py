"""From a measurement to usage reports (TS 29.244 clause 5.2.2.3), pure.

A report begins what is used anew, but not what counts against limits: thresholds begin anew with
the report that one of them called for, quotas with a new quota.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from upf.measurement import Portion, from_zero, portion_until
from upf.usage import NO_USAGE

if TYPE_CHECKING:
    from upf.measurement import Measurement
    from upf.rules import URR

_THRESHOLDS = frozenset({"volth", "timth", "eveth"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """What a URR measured. `part`: `bef` or `aft` a monitoring time, None without one."""

    urr_id: int
    ur_seqn: int
    portion: Portion
    triggers: frozenset[str]
    duration_s: int
    part: str | None = None


def report(
    measurement: Measurement, urr: URR, triggers: frozenset[str], now: float
) -> tuple[tuple[UsageReport, ...], Measurement]:
    """What was measured, in as many parts as monitoring times cut it into, and the measurement
    that goes on from zero.
    """
    portions = (*measurement.before, portion_until(measurement, now))
    reports = tuple(
        UsageReport(
            urr_id=measurement.urr_id,
            ur_seqn=measurement.ur_seqn + i,
            portion=portion,
            triggers=triggers if is_last else frozenset({"monit"}),
            duration_s=_duration_s(urr, portion),
            part=None if len(portions) == 1 else "aft" if is_last else "bef",
        )
        for i, portion in enumerate(portions)
        for is_last in [i == len(portions) - 1]
    )
    changes: dict[str, Any] = {
        "ur_seqn": measurement.ur_seqn + len(reports),
        "before": (),
        "pending": frozenset(),
        **from_zero(now),
    }
    if triggers & _THRESHOLDS:
        changes["towards_threshold"] = NO_USAGE
    if "perio" in triggers:
        changes["period_ends"] = _next_period_end(measurement, urr, now)
    if "upint" in triggers:
        changes["is_idle_told"] = True
    if measurement.reports_left is not None:
        changes["reports_left"] = max(0, measurement.reports_left - 1)
    return reports, replace(measurement, **changes)


def _duration_s(urr: URR, portion: Portion) -> int:
    """Metered time where the URR measures it; peers expect one of the others too."""
    if urr.measures_duration:
        return round(portion.used.duration_s)
    return max(0, round(portion.end_time - portion.start_time))


def _next_period_end(measurement: Measurement, urr: URR, now: float) -> float | None:
    """The end of the period that `now` is in: periods that nobody looked at are one report."""
    if measurement.period_ends is None or not urr.measurement_period_s:
        return None
    missed = int((now - measurement.period_ends) // urr.measurement_period_s) + 1
    return measurement.period_ends + max(1, missed) * urr.measurement_period_s

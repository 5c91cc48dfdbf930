"""From Create and Update URR to the fields of a URR. What is not measured here is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upf.errors import UnsupportedError
from upf.limits import Limits, Monitoring, VolumeLimit
from upf.reports import unix_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pfcp import ies
    from upf.rules import URR

REPORTING_TRIGGERS_IE = 37
MEASUREMENT_INFORMATION_IE = 100

# What a URR may hold that we do not do: field -> IE type.
_UNSUPPORTED: Mapping[str, int] = {
    "dropped_dl_traffic_threshold": 72,
    "time_quota_mechanism": 115,
    "aggregated_urrs": 118,
    "ethernet_inactivity_timer_s": 146,
    "exempted_application_ids_for_quota_action": 24,
    "exempted_sdf_filters_for_quota_action": 23,
}
TRIGGERS = frozenset(
    {
        *("perio", "volth", "timth", "eveth"),
        *("volqu", "timqu", "evequ", "quhti", "quvti"),
        *("start", "stopt", "liusa", "upint"),
    }
)
_REFUSED_TRIGGERS = ("droth", "envcl", "macar", "ipmjl", "reemr")
_COPIED = (
    *("time_quota_s", "event_quota"),
    *("measurement_period_s", "quota_holding_time_s", "quota_validity_time_s"),
    *("inactivity_detection_time_s", "number_of_reports"),
)
_RENAMED = {
    "inactivity_timer_s": "user_plane_inactivity_timer_s",
    "linked_urr_ids": "linked_urr_ids",
    "quota_far_id": "far_id_for_quota_action",
}


def urr_fields(ie: ies.CreateURR | ies.UpdateURR, known: URR | None = None) -> dict[str, Any]:
    """The fields that an IE gives; `known` is the URR it changes."""
    _refuse(ie)
    fields = {name: value for name in _COPIED if (value := getattr(ie, name)) is not None}
    if ie.measurement_method is not None:
        fields["measures_volume"] = ie.measurement_method.volum
        fields["measures_duration"] = ie.measurement_method.durat
        fields["measures_events"] = ie.measurement_method.event
    if ie.reporting_triggers is not None:
        fields["triggers"] = _triggers(ie.reporting_triggers)
    if (quota := _volume_limit(ie.volume_quota)) is not None:
        fields["volume_quota"] = quota
    fields |= _thresholds(ie)
    for name, given in _RENAMED.items():
        if (value := getattr(ie, given)) not in (None, ()):
            fields[name] = value
    if ie.measurement_information is not None:
        fields |= _how(ie.measurement_information)
    return fields | _monitorings(ie, known)


def _refuse(ie: ies.CreateURR | ies.UpdateURR) -> None:
    for name, ie_type in _UNSUPPORTED.items():
        if getattr(ie, name) not in (None, ()):
            raise UnsupportedError(f"{name} is not served", offending_ie=ie_type)


def _thresholds(ie: ies.CreateURR | ies.UpdateURR) -> dict[str, Any]:
    """Thresholds; 0 is none."""
    fields: dict[str, Any] = {}
    volume = ie.volume_threshold
    if volume is not None:
        limit = VolumeLimit(
            volume.total_bytes or None, volume.uplink_bytes or None, volume.downlink_bytes or None
        )
        fields["volume_threshold"] = None if limit == VolumeLimit() else limit
    if ie.time_threshold_s is not None:
        fields["time_threshold_s"] = ie.time_threshold_s or None
    if ie.event_threshold is not None:
        fields["event_threshold"] = ie.event_threshold or None
    return fields


def _how(ie: ies.MeasurementInformation) -> dict[str, Any]:
    """How to measure. Volume before QoS enforcement (MBQE) is taken behind it like any other: the
    switch counts what it sends on. free5GC asks for it in every session, which to refuse would
    leave without a user plane.
    """
    if ie.radi:
        raise UnsupportedError(
            "reduced application detection information is not served",
            offending_ie=MEASUREMENT_INFORMATION_IE,
        )
    return {"is_suspended": ie.inam, "is_metered_at_once": ie.istm}


def _monitorings(ie: ies.CreateURR | ies.UpdateURR, known: URR | None) -> dict[str, Any]:
    """All monitoring times, if the IE says anything of them."""
    threshold = Limits(
        _volume_limit(ie.subsequent_volume_threshold),
        ie.subsequent_time_threshold_s,
        ie.subsequent_event_threshold,
    )
    quota = Limits(
        _volume_limit(ie.subsequent_volume_quota),
        ie.subsequent_time_quota_s,
        ie.subsequent_event_quota,
    )
    first: tuple[Monitoring, ...] = known.monitorings[:1] if known is not None else ()
    if ie.monitoring_time is not None:
        first = (Monitoring(unix_time(ie.monitoring_time), threshold, quota),)
    elif first and (threshold or quota):
        (old,) = first
        first = (Monitoring(old.time, threshold.or_else(old.threshold), quota.or_else(old.quota)),)
    elif not ie.additional_monitoring_times:
        return {}
    more = tuple(_additional(each) for each in ie.additional_monitoring_times)
    if not more and known is not None and ie.monitoring_time is None:
        more = known.monitorings[1:]
    return {"monitorings": tuple(sorted((*first, *more), key=lambda each: each.time))}


def _additional(ie: ies.AdditionalMonitoringTime) -> Monitoring:
    return Monitoring(
        unix_time(ie.monitoring_time),
        Limits(
            _volume_limit(ie.subsequent_volume_threshold),
            ie.subsequent_time_threshold_s,
            ie.event_threshold,
        ),
        Limits(
            _volume_limit(ie.subsequent_volume_quota), ie.subsequent_time_quota_s, ie.event_quota
        ),
    )


def _volume_limit(ie: Any) -> VolumeLimit | None:
    """Of a volume threshold or quota, subsequent or not: four IEs of the same layout.

    Some SMFs send one that limits nothing.
    """
    if ie is None:
        return None
    limit = VolumeLimit(ie.total_bytes, ie.uplink_bytes, ie.downlink_bytes)
    return None if limit == VolumeLimit() else limit


def _triggers(ie: ies.ReportingTriggers) -> frozenset[str]:
    for name in _REFUSED_TRIGGERS:
        if getattr(ie, name):
            raise UnsupportedError(
                f"reporting trigger {name.upper()} is not served",
                offending_ie=REPORTING_TRIGGERS_IE,
            )
    return frozenset(name for name in TRIGGERS if getattr(ie, name))

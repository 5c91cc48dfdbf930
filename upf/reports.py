"""Usage reports as the IEs of the three messages that carry them (TS 29.244 clause 7.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pfcp import ies

if TYPE_CHECKING:
    from upf.rules import URR
    from upf.usage import Volume
    from upf.usage_report import UsageReport

UsageReportIE = TypeVar(
    "UsageReportIE",
    ies.UsageReportInModificationResponse,
    ies.UsageReportInDeletionResponse,
    ies.UsageReportInReportRequest,
)

# Seconds from the epoch of NTP, 1900, to that of Unix.
NTP_OFFSET_S = 2_208_988_800


def ntp_time(unix_time: float) -> int:
    """A time as PFCP writes it: whole seconds since 1900, modulo 2**32."""
    return (int(unix_time) + NTP_OFFSET_S) & 0xFFFF_FFFF


def unix_time(ntp: int) -> float:
    """What `ntp_time` writes, read: of the two eras that 32 bits can mean, that of 1970 to 2106."""
    return float((ntp - NTP_OFFSET_S) & 0xFFFF_FFFF)


def usage_report_ie(
    ie_class: type[UsageReportIE],
    report: UsageReport,
    urr: URR,
    query_reference: int | None = None,
    shift_s: float = 0.0,
) -> UsageReportIE:
    """The IE of this class for a report; `query_reference` is that of the query it answers,
    `shift_s` what the time of day is ahead of the report's.
    """
    fields = _fields(report, urr, shift_s)
    if query_reference is not None:
        fields["query_urr_reference"] = query_reference
    return ie_class(**fields)


def _fields(report: UsageReport, urr: URR, shift_s: float) -> dict[str, Any]:
    """Times always; volume and duration where the URR measures them.

    Peers expect the duration of a volume URR too, so it is there in either case.
    """
    portion = report.portion
    fields: dict[str, Any] = {
        "urr_id": report.urr_id,
        "ur_seqn": report.ur_seqn,
        "usage_report_trigger": ies.UsageReportTrigger(**dict.fromkeys(report.triggers, True)),
        "start_time": ntp_time(portion.start_time + shift_s),
        "end_time": ntp_time(portion.end_time + shift_s),
        "duration_measurement_s": report.duration_s,
    }
    if urr.measures_volume:
        fields["volume_measurement"] = _volume_measurement(portion.used.volume)
    if portion.first_packet_time is not None:
        fields["time_of_first_packet"] = ntp_time(portion.first_packet_time + shift_s)
    if portion.last_packet_time is not None:
        fields["time_of_last_packet"] = ntp_time(portion.last_packet_time + shift_s)
    if report.part is not None:
        fields["usage_information"] = ies.UsageInformation(**{report.part: True})
    return fields


def _volume_measurement(volume: Volume) -> ies.VolumeMeasurement:
    return ies.VolumeMeasurement(
        total_bytes=volume.total.octets,
        uplink_bytes=volume.uplink.octets,
        downlink_bytes=volume.downlink.octets,
        total_packets=volume.total.packets,
        uplink_packets=volume.uplink.packets,
        downlink_packets=volume.downlink.packets,
    )

"""The Information Elements of TS 29.244, in the order of their type numbers.

An IE with one value is an alias: its owner holds a plain int, bool or bytes, an enumerator where
`pfcp.enums` knows the number. Any other IE is a frozen class. Fields carry the words of the
specification with the unit added; times of day are seconds since 1900-01-01 (NTP), as on the wire.
IEs that are not here are skipped when they arrive and given back when what held them is encoded.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, TypeVar

from pfcp import enums, schema
from pfcp.errors import InvalidLengthError, MandatoryIEIncorrectError
from pfcp.record import IE, Record, record
from pfcp.schema import ie, scalar
from pfcp.wire import (
    BIT,
    IPV4,
    IPV6,
    LV8,
    LV16,
    LV16_TEXT,
    REST,
    U3,
    U4,
    U6,
    U8,
    U16,
    U24,
    U32,
    U40,
    U64,
    Bits,
    Flag,
)


@record
class Volumes(IE):
    """Numbers of octets, as thresholds and quotas have them."""

    total_bytes: Annotated[int | None, Flag(5, 1), U64] = None
    uplink_bytes: Annotated[int | None, Flag(5, 2), U64] = None
    downlink_bytes: Annotated[int | None, Flag(5, 3), U64] = None


@record
class BitRates(IE):
    """Rates in both directions; 1 kbit is 1000 bits."""

    uplink_kbps: Annotated[int, U40]
    downlink_kbps: Annotated[int, U40]


@record
class Span(IE):
    """A span of time in coarse units (§8.2.35)."""

    unit: Annotated[int, Bits(5, 8, 6), enums.TimerUnit]
    value: Annotated[int, Bits(5, 5, 1)]

    @property
    def seconds(self) -> float:
        """The span; infinity where the unit says so. An unknown unit counts minutes."""
        if self.unit == enums.TimerUnit.INFINITE:
            return float("inf")
        return float(self.value * _TIMER_UNIT_S.get(self.unit, 60))


@record
class URRParameters(IE):
    """What Create URR and Update URR have in common (§7.5.2.4, §7.5.4.4)."""

    urr_id: URRID
    measurement_method: MeasurementMethod | None = None
    reporting_triggers: ReportingTriggers | None = None
    measurement_period_s: MeasurementPeriod | None = None
    volume_threshold: VolumeThreshold | None = None
    volume_quota: VolumeQuota | None = None
    event_threshold: EventThreshold | None = None
    event_quota: EventQuota | None = None
    time_threshold_s: TimeThreshold | None = None
    time_quota_s: TimeQuota | None = None
    quota_holding_time_s: QuotaHoldingTime | None = None
    dropped_dl_traffic_threshold: DroppedDLTrafficThreshold | None = None
    quota_validity_time_s: QuotaValidityTime | None = None
    monitoring_time: MonitoringTime | None = None
    subsequent_volume_threshold: SubsequentVolumeThreshold | None = None
    subsequent_time_threshold_s: SubsequentTimeThreshold | None = None
    subsequent_volume_quota: SubsequentVolumeQuota | None = None
    subsequent_time_quota_s: SubsequentTimeQuota | None = None
    subsequent_event_threshold: SubsequentEventThreshold | None = None
    subsequent_event_quota: SubsequentEventQuota | None = None
    inactivity_detection_time_s: InactivityDetectionTime | None = None
    linked_urr_ids: tuple[LinkedURRID, ...] = ()
    measurement_information: MeasurementInformation | None = None
    time_quota_mechanism: TimeQuotaMechanism | None = None
    far_id_for_quota_action: FARID | None = None
    additional_monitoring_times: tuple[AdditionalMonitoringTime, ...] = ()
    number_of_reports: NumberOfReports | None = None


@record
class UsageReport(IE):
    """What the three Usage Report IEs have in common (§7.5.5.2, §7.5.7.2, §7.5.8.3)."""

    urr_id: URRID
    ur_seqn: URSEQN
    usage_report_trigger: UsageReportTrigger
    start_time: StartTime | None = None
    end_time: EndTime | None = None
    volume_measurement: VolumeMeasurement | None = None
    duration_measurement_s: DurationMeasurement | None = None
    time_of_first_packet: TimeOfFirstPacket | None = None
    time_of_last_packet: TimeOfLastPacket | None = None
    usage_information: UsageInformation | None = None


@ie(1, "Create PDR", clause="7.5.2.2-1")
class CreatePDR(IE):
    """A new packet detection rule."""

    pdr_id: PDRID
    precedence: Precedence
    pdi: PDI
    outer_header_removal: OuterHeaderRemoval | None = None
    far_id: FARID | None = None
    urr_ids: tuple[URRID, ...] = ()
    qer_ids: tuple[QERID, ...] = ()
    activate_predefined_rules: tuple[ActivatePredefinedRules, ...] = ()
    activation_time: ActivationTime | None = None
    deactivation_time: DeactivationTime | None = None


@ie(2, "PDI", clause="7.5.2.2-2")
class PDI(IE):
    """Packet detection information: what a packet must match."""

    source_interface: SourceInterface
    local_fteid: FTEID | None = None
    network_instance: NetworkInstance | None = None
    ue_ip_address: UEIPAddress | None = None
    traffic_endpoint_ids: tuple[TrafficEndpointID, ...] = ()
    sdf_filters: tuple[SDFFilter, ...] = ()
    application_id: ApplicationID | None = None
    qfis: tuple[QFI, ...] = ()
    framed_routes: tuple[FramedRoute, ...] = ()
    framed_routing: FramedRouting | None = None
    framed_ipv6_routes: tuple[FramedIPv6Route, ...] = ()
    source_interface_type: InterfaceType | None = None


@ie(3, "Create FAR", clause="7.5.2.3-1")
class CreateFAR(IE):
    """A new forwarding action rule."""

    far_id: FARID
    apply_action: ApplyAction
    forwarding_parameters: ForwardingParameters | None = None
    duplicating_parameters: tuple[DuplicatingParameters, ...] = ()
    bar_id: BARID | None = None


@ie(4, "Forwarding Parameters", clause="7.5.2.3-2")
class ForwardingParameters(IE):
    """Where and how a FAR forwards."""

    destination_interface: DestinationInterface
    network_instance: NetworkInstance | None = None
    redirect_information: RedirectInformation | None = None
    outer_header_creation: OuterHeaderCreation | None = None
    transport_level_marking: TransportLevelMarking | None = None
    forwarding_policy: ForwardingPolicy | None = None
    linked_traffic_endpoint_id: TrafficEndpointID | None = None
    destination_interface_type: InterfaceType | None = None


@ie(5, "Duplicating Parameters", clause="7.5.2.3-3")
class DuplicatingParameters(IE):
    """Where a FAR sends its copies."""

    destination_interface: DestinationInterface
    outer_header_creation: OuterHeaderCreation | None = None
    transport_level_marking: TransportLevelMarking | None = None
    forwarding_policy: ForwardingPolicy | None = None


@ie(6, "Create URR", clause="7.5.2.4-1")
class CreateURR(URRParameters):
    """A new usage reporting rule."""

    measurement_method: MeasurementMethod
    reporting_triggers: ReportingTriggers


@ie(7, "Create QER", clause="7.5.2.5-1")
class CreateQER(IE):
    """A new QoS enforcement rule."""

    qer_id: QERID
    qer_correlation_id: QERCorrelationID | None = None
    gate_status: GateStatus
    mbr: MBR | None = None
    gbr: GBR | None = None
    dl_flow_level_marking: DLFlowLevelMarking | None = None
    qfi: QFI | None = None
    rqi: RQI | None = None
    paging_policy_indicator: PagingPolicyIndicator | None = None
    averaging_window_ms: AveragingWindow | None = None


@ie(8, "Created PDR", clause="7.5.3.2-1")
class CreatedPDR(IE):
    """What this UP function allocated for a PDR."""

    pdr_id: PDRID
    local_fteid: FTEID | None = None
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()


@ie(9, "Update PDR", clause="7.5.4.2-1")
class UpdatePDR(IE):
    """Changes of a packet detection rule; absent IEs stay as they are."""

    pdr_id: PDRID
    outer_header_removal: OuterHeaderRemoval | None = None
    precedence: Precedence | None = None
    pdi: PDI | None = None
    far_id: FARID | None = None
    urr_ids: tuple[URRID, ...] = ()
    qer_ids: tuple[QERID, ...] = ()
    activate_predefined_rules: tuple[ActivatePredefinedRules, ...] = ()
    deactivate_predefined_rules: tuple[DeactivatePredefinedRules, ...] = ()
    activation_time: ActivationTime | None = None
    deactivation_time: DeactivationTime | None = None


@ie(10, "Update FAR", clause="7.5.4.3-1")
class UpdateFAR(IE):
    """Changes of a forwarding action rule."""

    far_id: FARID
    apply_action: ApplyAction | None = None
    update_forwarding_parameters: UpdateForwardingParameters | None = None
    update_duplicating_parameters: tuple[UpdateDuplicatingParameters, ...] = ()
    bar_id: BARID | None = None


@ie(11, "Update Forwarding Parameters", clause="7.5.4.3-2")
class UpdateForwardingParameters(IE):
    """Changes of where and how a FAR forwards."""

    destination_interface: DestinationInterface | None = None
    network_instance: NetworkInstance | None = None
    redirect_information: RedirectInformation | None = None
    outer_header_creation: OuterHeaderCreation | None = None
    transport_level_marking: TransportLevelMarking | None = None
    forwarding_policy: ForwardingPolicy | None = None
    pfcpsmreq_flags: PFCPSMReqFlags | None = None
    linked_traffic_endpoint_id: TrafficEndpointID | None = None
    destination_interface_type: InterfaceType | None = None


@ie(12, "Update BAR within PFCP Session Report Response", clause="7.5.9.2-1")
class UpdateBARInReportResponse(IE):
    """Changes of a buffering action rule, in answer to a report."""

    bar_id: BARID
    downlink_data_notification_delay: DownlinkDataNotificationDelay | None = None
    dl_buffering_duration: DLBufferingDuration | None = None
    dl_buffering_suggested_packet_count: DLBufferingSuggestedPacketCount | None = None
    suggested_buffering_packets_count: SuggestedBufferingPacketsCount | None = None


@ie(13, "Update URR", clause="7.5.4.4-1")
class UpdateURR(URRParameters):
    """Changes of a usage reporting rule."""


@ie(14, "Update QER", clause="7.5.4.5-1")
class UpdateQER(IE):
    """Changes of a QoS enforcement rule."""

    qer_id: QERID
    qer_correlation_id: QERCorrelationID | None = None
    gate_status: GateStatus | None = None
    mbr: MBR | None = None
    gbr: GBR | None = None
    dl_flow_level_marking: DLFlowLevelMarking | None = None
    qfi: QFI | None = None
    rqi: RQI | None = None
    paging_policy_indicator: PagingPolicyIndicator | None = None
    averaging_window_ms: AveragingWindow | None = None


@ie(15, "Remove PDR", clause="7.5.4.6-1")
class RemovePDR(IE):
    """A PDR to remove."""

    pdr_id: PDRID


@ie(16, "Remove FAR", clause="7.5.4.7-1")
class RemoveFAR(IE):
    """A FAR to remove."""

    far_id: FARID


@ie(17, "Remove URR", clause="7.5.4.8-1")
class RemoveURR(IE):
    """A URR to remove."""

    urr_id: URRID


@ie(18, "Remove QER", clause="7.5.4.9-1")
class RemoveQER(IE):
    """A QER to remove."""

    qer_id: QERID


Cause = Annotated[int, scalar(19, "Cause", U8, enums.Cause, clause="8.2.1")]
SourceInterface = Annotated[
    int, scalar(20, "Source Interface", U4, enums.SourceInterface, clause="8.2.2")
]


@ie(21, "F-TEID", clause="8.2.3")
class FTEID(IE):
    """A tunnel endpoint, or with `choose` the order to allocate one.

    `choose_ipv4` and `choose_ipv6` name the families wanted; some CP functions set neither.
    """

    teid: Annotated[int | None, U32] = None
    ipv4: Annotated[IPv4Address | None, Flag(5, 1), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 2), IPV6] = None
    choose: Annotated[bool, Flag(5, 3)] = False
    choose_ipv4: Annotated[bool, Flag(5, 1)] = False
    choose_ipv6: Annotated[bool, Flag(5, 2)] = False
    choose_id: Annotated[int | None, Flag(5, 4), U8] = None

    @staticmethod
    def read(buffer: bytes, start: int, end: int) -> FTEID:
        reader = _Reader("F-TEID", 21, buffer, start, end)
        flags = reader.number(1)
        if flags & 4:
            value = FTEID(
                choose=True,
                choose_ipv4=bool(flags & 1),
                choose_ipv6=bool(flags & 2),
                choose_id=reader.number(1) if flags & 8 else None,
            )
        else:
            value = FTEID(
                teid=reader.number(4),
                ipv4=IPv4Address(reader.take(4)) if flags & 1 else None,
                ipv6=IPv6Address(reader.take(16)) if flags & 2 else None,
                choose_id=reader.number(1) if flags & 8 else None,
            )
        return reader.finish(value, spare=flags & 0xF0)

    @staticmethod
    def write(value: FTEID) -> bytes:
        if value.wire_form is not None:
            return bytes(value.wire_form)
        choose_id = b"" if value.choose_id is None else struct.pack(">B", value.choose_id)
        flags = 8 if choose_id else 0
        if value.choose:
            flags |= 4 | (value.choose_ipv4 and 1) | (value.choose_ipv6 and 2)
            return bytes([flags]) + choose_id
        octets = b""
        if value.ipv4 is not None:
            flags, octets = flags | 1, value.ipv4.packed
        if value.ipv6 is not None:
            flags, octets = flags | 2, octets + value.ipv6.packed
        return struct.pack(">BI", flags, value.teid) + octets + choose_id


@ie(22, "Network Instance", clause="8.2.4")
class NetworkInstance(IE):
    """A network instance, kept as it came: plain text or DNS labels."""

    octets: Annotated[bytes, REST]

    @property
    def name(self) -> str:
        """The name in dotted text, whichever coding the peer chose; "" if empty."""
        return name_of(self.octets)


@ie(23, "SDF Filter", clause="8.2.5", flag_octets=2)
class SDFFilter(IE):
    """A service data flow filter; octet 6 is spare."""

    flow_description: Annotated[str | None, Flag(5, 1), LV16_TEXT] = None
    tos_traffic_class: Annotated[int | None, Flag(5, 2), U16] = None
    security_parameter_index: Annotated[int | None, Flag(5, 3), U32] = None
    flow_label: Annotated[int | None, Flag(5, 4), U24] = None
    sdf_filter_id: Annotated[int | None, Flag(5, 5), U32] = None


ApplicationID = Annotated[bytes, scalar(24, "Application ID", REST, clause="8.2.6")]


@ie(25, "Gate Status", clause="8.2.7", flag_octets=1)
class GateStatus(IE):
    """Whether a QER lets packets pass."""

    uplink: Annotated[int, Bits(5, 4, 3), enums.Gate]
    downlink: Annotated[int, Bits(5, 2, 1), enums.Gate]


@ie(26, "MBR", clause="8.2.8")
class MBR(BitRates):
    """Maximum bit rates; 1 kbit is 1000 bits."""


@ie(27, "GBR", clause="8.2.9")
class GBR(BitRates):
    """Guaranteed bit rates."""


QERCorrelationID = Annotated[int, scalar(28, "QER Correlation ID", U32, clause="8.2.10")]
Precedence = Annotated[int, scalar(29, "Precedence", U32, clause="8.2.11")]
TransportLevelMarking = Annotated[int, scalar(30, "Transport Level Marking", U16, clause="8.2.12")]


@ie(31, "Volume Threshold", clause="8.2.13", flag_octets=1)
class VolumeThreshold(Volumes):
    """Volumes after which to report."""


TimeThreshold = Annotated[int, scalar(32, "Time Threshold", U32, clause="8.2.14")]
MonitoringTime = Annotated[int, scalar(33, "Monitoring Time", U32, clause="8.2.15")]


@ie(34, "Subsequent Volume Threshold", clause="8.2.16", flag_octets=1)
class SubsequentVolumeThreshold(Volumes):
    """Volumes after which to report, once the monitoring time is past."""


SubsequentTimeThreshold = Annotated[
    int, scalar(35, "Subsequent Time Threshold", U32, clause="8.2.17")
]
InactivityDetectionTime = Annotated[
    int, scalar(36, "Inactivity Detection Time", U32, clause="8.2.18")
]


@ie(37, "Reporting Triggers", clause="8.2.19", flag_octets=3, least_octets=1)
class ReportingTriggers(IE):
    """What makes a URR report."""

    perio: Annotated[bool, Flag(5, 1)] = False
    volth: Annotated[bool, Flag(5, 2)] = False
    timth: Annotated[bool, Flag(5, 3)] = False
    quhti: Annotated[bool, Flag(5, 4)] = False
    start: Annotated[bool, Flag(5, 5)] = False
    stopt: Annotated[bool, Flag(5, 6)] = False
    droth: Annotated[bool, Flag(5, 7)] = False
    liusa: Annotated[bool, Flag(5, 8)] = False
    volqu: Annotated[bool, Flag(6, 1)] = False
    timqu: Annotated[bool, Flag(6, 2)] = False
    envcl: Annotated[bool, Flag(6, 3)] = False
    macar: Annotated[bool, Flag(6, 4)] = False
    eveth: Annotated[bool, Flag(6, 5)] = False
    evequ: Annotated[bool, Flag(6, 6)] = False
    ipmjl: Annotated[bool, Flag(6, 7)] = False
    quvti: Annotated[bool, Flag(6, 8)] = False
    reemr: Annotated[bool, Flag(7, 1)] = False


@ie(38, "Redirect Information", clause="8.2.20", flag_octets=1)
class RedirectInformation(IE):
    """Where to redirect; the second address belongs to type IPV4_AND_IPV6."""

    address_type: Annotated[int, Bits(5, 4, 1), enums.RedirectAddressType]
    server_address: Annotated[str, LV16_TEXT]
    other_server_address: Annotated[str | None, LV16_TEXT] = None


@ie(39, "Report Type", clause="8.2.21", flag_octets=1)
class ReportType(IE):
    """What a session report is about."""

    dldr: Annotated[bool, Flag(5, 1)] = False
    usar: Annotated[bool, Flag(5, 2)] = False
    erir: Annotated[bool, Flag(5, 3)] = False
    upir: Annotated[bool, Flag(5, 4)] = False
    tmir: Annotated[bool, Flag(5, 5)] = False
    sesr: Annotated[bool, Flag(5, 6)] = False
    uisr: Annotated[bool, Flag(5, 7)] = False


OffendingIE = Annotated[int, scalar(40, "Offending IE", U16, clause="8.2.22")]


@ie(41, "Forwarding Policy", clause="8.2.23")
class ForwardingPolicy(IE):
    """Identifier of a policy known to both sides."""

    identifier: Annotated[bytes, LV8]


DestinationInterface = Annotated[
    int, scalar(42, "Destination Interface", U4, enums.DestinationInterface, clause="8.2.24")
]


@ie(
    43,
    "UP Function Features",
    clause="8.2.25",
    flag_octets=6,
    least_octets=2,
    is_trimmed=True,
)
class UPFunctionFeatures(IE):
    """What a UP function can do."""

    bucp: Annotated[bool, Flag(5, 1)] = False
    ddnd: Annotated[bool, Flag(5, 2)] = False
    dlbd: Annotated[bool, Flag(5, 3)] = False
    trst: Annotated[bool, Flag(5, 4)] = False
    ftup: Annotated[bool, Flag(5, 5)] = False
    pfdm: Annotated[bool, Flag(5, 6)] = False
    heeu: Annotated[bool, Flag(5, 7)] = False
    treu: Annotated[bool, Flag(5, 8)] = False
    empu: Annotated[bool, Flag(6, 1)] = False
    pdiu: Annotated[bool, Flag(6, 2)] = False
    udbc: Annotated[bool, Flag(6, 3)] = False
    quoac: Annotated[bool, Flag(6, 4)] = False
    trace: Annotated[bool, Flag(6, 5)] = False
    frrt: Annotated[bool, Flag(6, 6)] = False
    pfde: Annotated[bool, Flag(6, 7)] = False
    epfar: Annotated[bool, Flag(6, 8)] = False
    dpdra: Annotated[bool, Flag(7, 1)] = False
    adpdp: Annotated[bool, Flag(7, 2)] = False
    ueip: Annotated[bool, Flag(7, 3)] = False
    sset: Annotated[bool, Flag(7, 4)] = False
    mnop: Annotated[bool, Flag(7, 5)] = False
    mte: Annotated[bool, Flag(7, 6)] = False
    bundl: Annotated[bool, Flag(7, 7)] = False
    gcom: Annotated[bool, Flag(7, 8)] = False
    mpas: Annotated[bool, Flag(8, 1)] = False
    rttl: Annotated[bool, Flag(8, 2)] = False
    vtime: Annotated[bool, Flag(8, 3)] = False
    norp: Annotated[bool, Flag(8, 4)] = False
    iptv: Annotated[bool, Flag(8, 5)] = False
    ip6pl: Annotated[bool, Flag(8, 6)] = False
    tscu: Annotated[bool, Flag(8, 7)] = False
    mptcp: Annotated[bool, Flag(8, 8)] = False
    atsss_ll: Annotated[bool, Flag(9, 1)] = False
    qfqm: Annotated[bool, Flag(9, 2)] = False
    gpqm: Annotated[bool, Flag(9, 3)] = False
    mt_edt: Annotated[bool, Flag(9, 4)] = False
    ciot: Annotated[bool, Flag(9, 5)] = False
    ethar: Annotated[bool, Flag(9, 6)] = False
    ddds: Annotated[bool, Flag(9, 7)] = False
    rds: Annotated[bool, Flag(9, 8)] = False
    rttwp: Annotated[bool, Flag(10, 1)] = False
    quasf: Annotated[bool, Flag(10, 2)] = False
    nspoc: Annotated[bool, Flag(10, 3)] = False


@ie(44, "Apply Action", clause="8.2.26", flag_octets=2, least_octets=1)
class ApplyAction(IE):
    """What a FAR does with packets."""

    drop: Annotated[bool, Flag(5, 1)] = False
    forw: Annotated[bool, Flag(5, 2)] = False
    buff: Annotated[bool, Flag(5, 3)] = False
    nocp: Annotated[bool, Flag(5, 4)] = False
    dupl: Annotated[bool, Flag(5, 5)] = False
    ipma: Annotated[bool, Flag(5, 6)] = False
    ipmd: Annotated[bool, Flag(5, 7)] = False
    dfrt: Annotated[bool, Flag(5, 8)] = False
    edrt: Annotated[bool, Flag(6, 1)] = False
    bdpn: Annotated[bool, Flag(6, 2)] = False
    ddpn: Annotated[bool, Flag(6, 3)] = False


@ie(45, "Downlink Data Service Information", clause="8.2.27", flag_octets=1)
class DownlinkDataServiceInformation(IE):
    """Of which service the first buffered downlink packet is."""

    paging_policy_indication: Annotated[int | None, Flag(5, 1), U6] = None
    qfi: Annotated[int | None, Flag(5, 2), U6] = None


DownlinkDataNotificationDelay = Annotated[
    int, scalar(46, "Downlink Data Notification Delay", U8, clause="8.2.28")
]
"""In steps of 50 ms."""


@ie(47, "DL Buffering Duration", clause="8.2.29", flag_octets=1)
class DLBufferingDuration(Span):
    """How long to buffer downlink packets."""


@ie(48, "DL Buffering Suggested Packet Count", clause="8.2.30")
class DLBufferingSuggestedPacketCount(IE):
    """How many downlink packets to buffer: a number of one or two octets."""

    packets: Annotated[int, U16]

    @staticmethod
    def read(buffer: bytes, start: int, end: int) -> DLBufferingSuggestedPacketCount:
        reader = _Reader("DL Buffering Suggested Packet Count", 48, buffer, start, end)
        value = DLBufferingSuggestedPacketCount(packets=reader.number(1 if end - start == 1 else 2))
        return reader.finish(value, spare=end - start == 2 and value.packets < 256)

    @staticmethod
    def write(value: DLBufferingSuggestedPacketCount) -> bytes:
        if value.wire_form is not None:
            return bytes(value.wire_form)
        return struct.pack(">B" if value.packets < 256 else ">H", value.packets)


@ie(49, "PFCPSMReq-Flags", clause="8.2.31", flag_octets=1)
class PFCPSMReqFlags(IE):
    """Flags of a session modification."""

    drobu: Annotated[bool, Flag(5, 1)] = False
    sndem: Annotated[bool, Flag(5, 2)] = False
    qaurr: Annotated[bool, Flag(5, 3)] = False


@ie(50, "PFCPSRRsp-Flags", clause="8.2.32", flag_octets=1)
class PFCPSRRspFlags(IE):
    """Flags of the answer to a session report."""

    drobu: Annotated[bool, Flag(5, 1)] = False


@ie(51, "Load Control Information", clause="7.5.3.3-1")
class LoadControlInformation(IE):
    """How loaded the UP function is."""

    load_control_sequence_number: SequenceNumber
    load_metric: Metric


SequenceNumber = Annotated[int, scalar(52, "Sequence Number", U32, clause="8.2.33")]
Metric = Annotated[int, scalar(53, "Metric", U8, clause="8.2.34")]
"""Per cent."""


@ie(54, "Overload Control Information", clause="7.5.3.4-1")
class OverloadControlInformation(IE):
    """By how much the CP function shall send less, and for how long."""

    overload_control_sequence_number: SequenceNumber
    overload_reduction_metric: Metric
    period_of_validity: Timer
    overload_control_information_flags: OCIFlags | None = None


@ie(55, "Timer", clause="8.2.35", flag_octets=1)
class Timer(Span):
    """A span of time in coarse units."""


PDRID = Annotated[int, scalar(56, "PDR ID", U16, clause="8.2.36")]


@ie(57, "F-SEID", clause="8.2.37", flag_octets=1)
class FSEID(IE):
    """A session endpoint."""

    seid: Annotated[int, U64]
    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None


@ie(60, "Node ID", clause="8.2.38")
class NodeID(IE):
    """The name of a PFCP node: an address or a domain name."""

    value: Annotated[IPv4Address | IPv6Address | str, REST]

    @staticmethod
    def read(buffer: bytes, start: int, end: int) -> NodeID:
        reader = _Reader("Node ID", 60, buffer, start, end)
        kind = reader.number(1)
        match kind & 0x0F:
            case 0:
                value = NodeID(value=IPv4Address(reader.take(4)))
            case 1:
                value = NodeID(value=IPv6Address(reader.take(16)))
            case 2:
                octets = reader.take(end - start - 1)
                value = NodeID(value=name_of(octets))
                if labels_of(str(value.value)) != octets:
                    return reader.finish(value, spare=1)
            case other:
                raise MandatoryIEIncorrectError(f"Node ID (60): type {other}", ie_type=60)
        return reader.finish(value, spare=kind & 0xF0)

    @staticmethod
    def write(value: NodeID) -> bytes:
        if value.wire_form is not None:
            return bytes(value.wire_form)
        if isinstance(value.value, str):
            return b"\x02" + labels_of(value.value)
        return bytes([value.value.version == 6]) + value.value.packed

    def __str__(self) -> str:
        return str(self.value)


@ie(62, "Measurement Method", clause="8.2.40", flag_octets=1)
class MeasurementMethod(IE):
    """What a URR measures."""

    durat: Annotated[bool, Flag(5, 1)] = False
    volum: Annotated[bool, Flag(5, 2)] = False
    event: Annotated[bool, Flag(5, 3)] = False


@ie(63, "Usage Report Trigger", clause="8.2.41", flag_octets=3, least_octets=1)
class UsageReportTrigger(IE):
    """What made a URR report."""

    perio: Annotated[bool, Flag(5, 1)] = False
    volth: Annotated[bool, Flag(5, 2)] = False
    timth: Annotated[bool, Flag(5, 3)] = False
    quhti: Annotated[bool, Flag(5, 4)] = False
    start: Annotated[bool, Flag(5, 5)] = False
    stopt: Annotated[bool, Flag(5, 6)] = False
    droth: Annotated[bool, Flag(5, 7)] = False
    immer: Annotated[bool, Flag(5, 8)] = False
    volqu: Annotated[bool, Flag(6, 1)] = False
    timqu: Annotated[bool, Flag(6, 2)] = False
    liusa: Annotated[bool, Flag(6, 3)] = False
    termr: Annotated[bool, Flag(6, 4)] = False
    monit: Annotated[bool, Flag(6, 5)] = False
    envcl: Annotated[bool, Flag(6, 6)] = False
    macar: Annotated[bool, Flag(6, 7)] = False
    eveth: Annotated[bool, Flag(6, 8)] = False
    evequ: Annotated[bool, Flag(7, 1)] = False
    tebur: Annotated[bool, Flag(7, 2)] = False
    ipmjl: Annotated[bool, Flag(7, 3)] = False
    quvti: Annotated[bool, Flag(7, 4)] = False
    emrre: Annotated[bool, Flag(7, 5)] = False


MeasurementPeriod = Annotated[int, scalar(64, "Measurement Period", U32, clause="8.2.42")]


@ie(66, "Volume Measurement", clause="8.2.44", flag_octets=1)
class VolumeMeasurement(IE):
    """Volumes counted."""

    total_bytes: Annotated[int | None, Flag(5, 1), U64] = None
    uplink_bytes: Annotated[int | None, Flag(5, 2), U64] = None
    downlink_bytes: Annotated[int | None, Flag(5, 3), U64] = None
    total_packets: Annotated[int | None, Flag(5, 4), U64] = None
    uplink_packets: Annotated[int | None, Flag(5, 5), U64] = None
    downlink_packets: Annotated[int | None, Flag(5, 6), U64] = None


DurationMeasurement = Annotated[int, scalar(67, "Duration Measurement", U32, clause="8.2.45")]


@ie(68, "Application Detection Information", clause="7.5.8.3-2")
class ApplicationDetectionInformation(IE):
    """An application whose traffic started or stopped."""

    application_id: ApplicationID
    application_instance_id: ApplicationInstanceID | None = None
    flow_information: FlowInformation | None = None
    pdr_id: PDRID | None = None


TimeOfFirstPacket = Annotated[int, scalar(69, "Time of First Packet", U32, clause="8.2.46")]
TimeOfLastPacket = Annotated[int, scalar(70, "Time of Last Packet", U32, clause="8.2.47")]
QuotaHoldingTime = Annotated[int, scalar(71, "Quota Holding Time", U32, clause="8.2.48")]


@ie(72, "Dropped DL Traffic Threshold", clause="8.2.49", flag_octets=1)
class DroppedDLTrafficThreshold(IE):
    """Dropped downlink traffic after which to report."""

    downlink_packets: Annotated[int | None, Flag(5, 1), U64] = None
    downlink_bytes: Annotated[int | None, Flag(5, 2), U64] = None


@ie(73, "Volume Quota", clause="8.2.50", flag_octets=1)
class VolumeQuota(Volumes):
    """Volumes that may still be used."""


TimeQuota = Annotated[int, scalar(74, "Time Quota", U32, clause="8.2.51")]
StartTime = Annotated[int, scalar(75, "Start Time", U32, clause="8.2.52")]
EndTime = Annotated[int, scalar(76, "End Time", U32, clause="8.2.53")]


@ie(77, "Query URR", clause="7.5.4.10-1")
class QueryURR(IE):
    """A URR to report on at once."""

    urr_id: URRID


@ie(78, "Usage Report within PFCP Session Modification Response", clause="7.5.5.2-1")
class UsageReportInModificationResponse(UsageReport):
    """Usage reported on query or removal of a URR."""

    query_urr_reference: QueryURRReference | None = None


@ie(79, "Usage Report within PFCP Session Deletion Response", clause="7.5.7.2-1")
class UsageReportInDeletionResponse(UsageReport):
    """Usage reported at the end of a session."""


@ie(80, "Usage Report within PFCP Session Report Request", clause="7.5.8.3-1")
class UsageReportInReportRequest(UsageReport):
    """Usage reported when a trigger fired."""

    application_detection_information: ApplicationDetectionInformation | None = None
    ue_ip_address: UEIPAddress | None = None
    network_instance: NetworkInstance | None = None
    query_urr_reference: QueryURRReference | None = None
    event_time_stamps: tuple[TimeStamp, ...] = ()


URRID = Annotated[int, scalar(81, "URR ID", U32, clause="8.2.54")]
LinkedURRID = Annotated[int, scalar(82, "Linked URR ID", U32, clause="8.2.55")]


@ie(83, "Downlink Data Report", clause="7.5.8.2-1")
class DownlinkDataReport(IE):
    """Downlink packets arrived for a UE that must be paged."""

    pdr_ids: tuple[PDRID, ...]
    downlink_data_service_information: tuple[DownlinkDataServiceInformation, ...] = ()
    dl_data_packets_size: DLDataPacketsSize | None = None
    dl_data_status: DataStatus | None = None


@ie(84, "Outer Header Creation", clause="8.2.56", flag_octets=2)
class OuterHeaderCreation(IE):
    """The header to put before a packet.

    With a TEID it is GTP-U/UDP/IP, with a port UDP/IP, with neither IP alone.
    """

    teid: Annotated[int | None, U32] = None
    ipv4: Annotated[IPv4Address | None, IPV4] = None
    ipv6: Annotated[IPv6Address | None, IPV6] = None
    port: Annotated[int | None, U16] = None
    ctag: Annotated[int | None, U24] = None
    stag: Annotated[int | None, U24] = None
    n19: Annotated[bool, Flag(6, 1)] = False
    n6: Annotated[bool, Flag(6, 2)] = False

    @staticmethod
    def read(buffer: bytes, start: int, end: int) -> OuterHeaderCreation:
        reader = _Reader("Outer Header Creation", 84, buffer, start, end)
        flags = reader.number(2)
        value = OuterHeaderCreation(
            teid=reader.number(4) if flags & 0x0300 else None,
            ipv4=IPv4Address(reader.take(4)) if flags & 0x1500 else None,
            ipv6=IPv6Address(reader.take(16)) if flags & 0x2A00 else None,
            port=reader.number(2) if flags & 0x0C00 else None,
            ctag=reader.number(3) if flags & 0x4000 else None,
            stag=reader.number(3) if flags & 0x8000 else None,
            n19=bool(flags & 1),
            n6=bool(flags & 2),
        )
        return reader.finish(value, spare=flags != _creation_flags(value))

    @staticmethod
    def write(value: OuterHeaderCreation) -> bytes:
        if value.wire_form is not None:
            return bytes(value.wire_form)
        octets = struct.pack(">H", _creation_flags(value))
        if value.teid is not None:
            octets += struct.pack(">I", value.teid)
        for address in (value.ipv4, value.ipv6):
            if address is not None:
                octets += address.packed
        if value.port is not None:
            octets += struct.pack(">H", value.port)
        for tag in (value.ctag, value.stag):
            if tag is not None:
                octets += tag.to_bytes(3, "big")
        return octets


def _creation_flags(value: OuterHeaderCreation) -> int:
    """Outer Header Creation Description of what is set (§8.2.56)."""
    if value.teid is not None:
        ipv4, ipv6 = 0x0100, 0x0200
    elif value.port is not None:
        ipv4, ipv6 = 0x0400, 0x0800
    else:
        ipv4, ipv6 = 0x1000, 0x2000
    flags = ipv4 if value.ipv4 is not None else 0
    flags |= ipv6 if value.ipv6 is not None else 0
    flags |= 0x4000 if value.ctag is not None else 0
    flags |= 0x8000 if value.stag is not None else 0
    return flags | (value.n19 and 1) | (value.n6 and 2)


@ie(85, "Create BAR", clause="7.5.2.6-1")
class CreateBAR(IE):
    """A new buffering action rule."""

    bar_id: BARID
    downlink_data_notification_delay: DownlinkDataNotificationDelay | None = None
    suggested_buffering_packets_count: SuggestedBufferingPacketsCount | None = None


@ie(86, "Update BAR within PFCP Session Modification Request", clause="7.5.4.11-1")
class UpdateBAR(IE):
    """Changes of a buffering action rule."""

    bar_id: BARID
    downlink_data_notification_delay: DownlinkDataNotificationDelay | None = None
    suggested_buffering_packets_count: SuggestedBufferingPacketsCount | None = None


@ie(87, "Remove BAR", clause="7.5.4.12-1")
class RemoveBAR(IE):
    """A BAR to remove."""

    bar_id: BARID


BARID = Annotated[int, scalar(88, "BAR ID", U8, clause="8.2.57")]


@ie(
    89,
    "CP Function Features",
    clause="8.2.58",
    flag_octets=2,
    least_octets=1,
    is_trimmed=True,
)
class CPFunctionFeatures(IE):
    """What a CP function can do."""

    load: Annotated[bool, Flag(5, 1)] = False
    ovrl: Annotated[bool, Flag(5, 2)] = False
    epfar: Annotated[bool, Flag(5, 3)] = False
    sset: Annotated[bool, Flag(5, 4)] = False
    bundl: Annotated[bool, Flag(5, 5)] = False
    mpas: Annotated[bool, Flag(5, 6)] = False
    ardr: Annotated[bool, Flag(5, 7)] = False
    uiaur: Annotated[bool, Flag(5, 8)] = False
    psucc: Annotated[bool, Flag(6, 1)] = False


@ie(90, "Usage Information", clause="8.2.59", flag_octets=1)
class UsageInformation(IE):
    """Which part of the usage a report covers."""

    bef: Annotated[bool, Flag(5, 1)] = False
    aft: Annotated[bool, Flag(5, 2)] = False
    uae: Annotated[bool, Flag(5, 3)] = False
    ube: Annotated[bool, Flag(5, 4)] = False


ApplicationInstanceID = Annotated[
    bytes, scalar(91, "Application Instance ID", REST, clause="8.2.60")
]


@ie(92, "Flow Information", clause="8.2.61", flag_octets=1)
class FlowInformation(IE):
    """A flow of a detected application."""

    direction: Annotated[int, Bits(5, 3, 1), enums.FlowDirection]
    flow_description: Annotated[str, LV16_TEXT]


@ie(93, "UE IP Address", clause="8.2.62", flag_octets=1)
class UEIPAddress(IE):
    """An address of the UE, or the order to allocate one.

    `is_destination` is the S/D flag: the packet's destination rather than its source.
    """

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None
    is_destination: Annotated[bool, Flag(5, 3)] = False
    ipv6_prefix_delegation_bits: Annotated[int | None, Flag(5, 4), U8] = None
    choose_ipv4: Annotated[bool, Flag(5, 5)] = False
    choose_ipv6: Annotated[bool, Flag(5, 6)] = False
    ipv6_prefix_length: Annotated[int | None, Flag(5, 7), U8] = None


@ie(95, "Outer Header Removal", clause="8.2.64")
class OuterHeaderRemoval(IE):
    """The header to take off a packet.

    Bit 1 of the second octet asks to delete the PDU Session Container too.
    """

    description: Annotated[int, U8, enums.OuterHeaderRemovalDescription]
    gtpu_extension_header_deletion: Annotated[int | None, U8] = None


RecoveryTimeStamp = Annotated[int, scalar(96, "Recovery Time Stamp", U32, clause="8.2.65")]


@ie(97, "DL Flow Level Marking", clause="8.2.66", flag_octets=1)
class DLFlowLevelMarking(IE):
    """Marking of downlink packets."""

    tos_traffic_class: Annotated[int | None, Flag(5, 1), U16] = None
    service_class_indicator: Annotated[int | None, Flag(5, 2), U16] = None


@ie(99, "Error Indication Report", clause="7.5.8.4-1")
class ErrorIndicationReport(IE):
    """Tunnel endpoints whose owner does not know them."""

    remote_fteids: tuple[FTEID, ...]


@ie(100, "Measurement Information", clause="8.2.68", flag_octets=1)
class MeasurementInformation(IE):
    """How a URR measures."""

    mbqe: Annotated[bool, Flag(5, 1)] = False
    inam: Annotated[bool, Flag(5, 2)] = False
    radi: Annotated[bool, Flag(5, 3)] = False
    istm: Annotated[bool, Flag(5, 4)] = False
    mnop: Annotated[bool, Flag(5, 5)] = False
    sspoc: Annotated[bool, Flag(5, 6)] = False
    aspoc: Annotated[bool, Flag(5, 7)] = False


@ie(101, "Node Report Type", clause="8.2.69", flag_octets=1)
class NodeReportType(IE):
    """What a node report is about."""

    upfr: Annotated[bool, Flag(5, 1)] = False
    uprr: Annotated[bool, Flag(5, 2)] = False
    ckdr: Annotated[bool, Flag(5, 3)] = False
    gpqr: Annotated[bool, Flag(5, 4)] = False


@ie(102, "User Plane Path Failure Report", clause="7.4.5.1.2-1")
class UserPlanePathFailureReport(IE):
    """GTP-U peers that no longer answer."""

    remote_gtpu_peers: tuple[RemoteGTPUPeer, ...]


@ie(103, "Remote GTP-U Peer", clause="8.2.70", flag_octets=1)
class RemoteGTPUPeer(IE):
    """A GTP-U peer; the interface is coded as Destination Interface (42)."""

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None
    destination_interface: Annotated[bytes | None, Flag(5, 3), LV16] = None
    network_instance: Annotated[bytes | None, Flag(5, 4), LV16] = None


URSEQN = Annotated[int, scalar(104, "UR-SEQN", U32, clause="8.2.71")]


@ie(105, "Update Duplicating Parameters", clause="7.5.4.3-3")
class UpdateDuplicatingParameters(IE):
    """Changes of where a FAR sends its copies."""

    destination_interface: DestinationInterface | None = None
    outer_header_creation: OuterHeaderCreation | None = None
    transport_level_marking: TransportLevelMarking | None = None
    forwarding_policy: ForwardingPolicy | None = None


ActivatePredefinedRules = Annotated[
    bytes, scalar(106, "Activate Predefined Rules", REST, clause="8.2.72")
]
DeactivatePredefinedRules = Annotated[
    bytes, scalar(107, "Deactivate Predefined Rules", REST, clause="8.2.73")
]
FARID = Annotated[int, scalar(108, "FAR ID", U32, clause="8.2.74")]
QERID = Annotated[int, scalar(109, "QER ID", U32, clause="8.2.75")]


@ie(110, "OCI Flags", clause="8.2.76", flag_octets=1)
class OCIFlags(IE):
    """Flags of overload control."""

    aoci: Annotated[bool, Flag(5, 1)] = False


@ie(111, "PFCP Association Release Request", clause="8.2.77", flag_octets=1)
class PFCPAssociationReleaseRequest(IE):
    """The wish of a UP function to be released."""

    sarr: Annotated[bool, Flag(5, 1)] = False
    urss: Annotated[bool, Flag(5, 2)] = False


@ie(112, "Graceful Release Period", clause="8.2.78", flag_octets=1)
class GracefulReleasePeriod(Span):
    """How long sessions may still be moved away."""


PDNType = Annotated[int, scalar(113, "PDN Type", U3, enums.PDNType, clause="8.2.79")]


@ie(114, "Failed Rule ID", clause="8.2.80")
class FailedRuleID(IE):
    """The rule to blame for a refusal."""

    rule_id_type: Annotated[int, U4, enums.RuleIDType]
    rule_id: Annotated[int, U32]

    @staticmethod
    def read(buffer: bytes, start: int, end: int) -> FailedRuleID:
        reader = _Reader("Failed Rule ID", 114, buffer, start, end)
        first = reader.number(1)
        try:
            kind = enums.RuleIDType(first & 0x0F)
        except ValueError as error:
            message = f"Failed Rule ID (114): rule type {first & 0x0F}"
            raise MandatoryIEIncorrectError(message, ie_type=114) from error
        value = FailedRuleID(rule_id_type=kind, rule_id=reader.number(_RULE_ID_OCTETS[kind]))
        return reader.finish(value, spare=first & 0xF0)

    @staticmethod
    def write(value: FailedRuleID) -> bytes:
        if value.wire_form is not None:
            return bytes(value.wire_form)
        kind = enums.RuleIDType(value.rule_id_type)
        return bytes([kind]) + value.rule_id.to_bytes(_RULE_ID_OCTETS[kind], "big")


_RULE_ID_OCTETS = {
    enums.RuleIDType.PDR: 2,
    enums.RuleIDType.FAR: 4,
    enums.RuleIDType.QER: 4,
    enums.RuleIDType.URR: 4,
    enums.RuleIDType.BAR: 1,
    enums.RuleIDType.MAR: 2,
    enums.RuleIDType.SRR: 1,
}


@ie(115, "Time Quota Mechanism", clause="8.2.81", flag_octets=1)
class TimeQuotaMechanism(IE):
    """How a time quota is consumed."""

    base_time_interval_type: Annotated[int, Bits(5, 2, 1), enums.BaseTimeIntervalType]
    base_time_interval_s: Annotated[int, U32]


UserPlaneInactivityTimer = Annotated[
    int, scalar(117, "User Plane Inactivity Timer", U32, clause="8.2.83")
]


@ie(121, "Subsequent Volume Quota", clause="8.2.86", flag_octets=1)
class SubsequentVolumeQuota(Volumes):
    """Volumes that may be used once the monitoring time is past."""


SubsequentTimeQuota = Annotated[int, scalar(122, "Subsequent Time Quota", U32, clause="8.2.87")]
RQI = Annotated[bool, scalar(123, "RQI", BIT, clause="8.2.88")]
QFI = Annotated[int, scalar(124, "QFI", U6, clause="8.2.89")]
QueryURRReference = Annotated[int, scalar(125, "Query URR Reference", U32, clause="8.2.90")]


@ie(126, "Additional Usage Reports Information", clause="8.2.91", flag_octets=2)
class AdditionalUsageReportsInformation(IE):
    """How many more usage reports follow."""

    auri: Annotated[bool, Flag(5, 8)] = False
    number_of_additional_usage_reports: Annotated[int, Bits(5, 7, 1, following=1)] = 0


@ie(127, "Create Traffic Endpoint", clause="7.5.2.7-1")
class CreateTrafficEndpoint(IE):
    """An endpoint several PDRs share."""

    traffic_endpoint_id: TrafficEndpointID
    local_fteid: FTEID | None = None
    network_instance: NetworkInstance | None = None
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()
    framed_routes: tuple[FramedRoute, ...] = ()
    framed_routing: FramedRouting | None = None
    framed_ipv6_routes: tuple[FramedIPv6Route, ...] = ()
    qfis: tuple[QFI, ...] = ()
    source_interface_type: InterfaceType | None = None


@ie(128, "Created Traffic Endpoint", clause="7.5.3.5-1")
class CreatedTrafficEndpoint(IE):
    """What this UP function allocated for an endpoint."""

    traffic_endpoint_id: TrafficEndpointID
    local_fteid: FTEID | None = None
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()


@ie(129, "Update Traffic Endpoint", clause="7.5.4.13-1")
class UpdateTrafficEndpoint(IE):
    """Changes of an endpoint."""

    traffic_endpoint_id: TrafficEndpointID
    local_fteid: FTEID | None = None
    network_instance: NetworkInstance | None = None
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()
    framed_routes: tuple[FramedRoute, ...] = ()
    framed_routing: FramedRouting | None = None
    framed_ipv6_routes: tuple[FramedIPv6Route, ...] = ()
    qfis: tuple[QFI, ...] = ()
    source_interface_type: InterfaceType | None = None


@ie(130, "Remove Traffic Endpoint", clause="7.5.4.14-1")
class RemoveTrafficEndpoint(IE):
    """An endpoint to remove."""

    traffic_endpoint_id: TrafficEndpointID


TrafficEndpointID = Annotated[int, scalar(131, "Traffic Endpoint ID", U8, clause="8.2.92")]
SuggestedBufferingPacketsCount = Annotated[
    int, scalar(140, "Suggested Buffering Packets Count", U8, clause="8.2.100")
]


@ie(141, "User ID", clause="8.2.101", flag_octets=1)
class UserID(IE):
    """Identities of the subscriber, in the codings of TS 29.274 and TS 23.003."""

    imsi: Annotated[bytes | None, Flag(5, 1), LV8] = None
    imei: Annotated[bytes | None, Flag(5, 2), LV8] = None
    msisdn: Annotated[bytes | None, Flag(5, 3), LV8] = None
    nai: Annotated[bytes | None, Flag(5, 4), LV8] = None


@ie(147, "Additional Monitoring Time", clause="7.5.2.4-3")
class AdditionalMonitoringTime(IE):
    """A further monitoring time with its thresholds and quotas."""

    monitoring_time: MonitoringTime
    subsequent_volume_threshold: SubsequentVolumeThreshold | None = None
    subsequent_time_threshold_s: SubsequentTimeThreshold | None = None
    subsequent_volume_quota: SubsequentVolumeQuota | None = None
    subsequent_time_quota_s: SubsequentTimeQuota | None = None
    event_threshold: EventThreshold | None = None
    event_quota: EventQuota | None = None


EventQuota = Annotated[int, scalar(148, "Event Quota", U32, clause="8.2.112")]
EventThreshold = Annotated[int, scalar(149, "Event Threshold", U32, clause="8.2.113")]
SubsequentEventQuota = Annotated[int, scalar(150, "Subsequent Event Quota", U32, clause="8.2.106")]
SubsequentEventThreshold = Annotated[
    int, scalar(151, "Subsequent Event Threshold", U32, clause="8.2.107")
]
FramedRoute = Annotated[bytes, scalar(153, "Framed-Route", REST, clause="8.2.109")]
FramedRouting = Annotated[int, scalar(154, "Framed-Routing", U32, clause="8.2.110")]
FramedIPv6Route = Annotated[bytes, scalar(155, "Framed-IPv6-Route", REST, clause="8.2.111")]
TimeStamp = Annotated[int, scalar(156, "Time Stamp", U32, clause="8.2.114")]
AveragingWindow = Annotated[int, scalar(157, "Averaging Window", U32, clause="8.2.115")]
PagingPolicyIndicator = Annotated[int, scalar(158, "Paging Policy Indicator", U3, clause="8.2.116")]


@ie(159, "APN/DNN", clause="8.2.117")
class APNDNN(IE):
    """An access point or data network name, kept as it came."""

    octets: Annotated[bytes, REST]

    @property
    def name(self) -> str:
        """The name in dotted text, whichever coding the peer chose; "" if empty."""
        return name_of(self.octets)


InterfaceType = Annotated[
    int, scalar(160, "3GPP Interface Type", U6, enums.InterfaceType, clause="8.2.118")
]


@ie(161, "PFCPSRReq-Flags", clause="8.2.119", flag_octets=1)
class PFCPSRReqFlags(IE):
    """Flags of a session report."""

    psdbu: Annotated[bool, Flag(5, 1)] = False


@ie(162, "PFCPAUReq-Flags", clause="8.2.120", flag_octets=1)
class PFCPAUReqFlags(IE):
    """Flags of an association update."""

    parps: Annotated[bool, Flag(5, 1)] = False


ActivationTime = Annotated[int, scalar(163, "Activation Time", U32, clause="8.2.121")]
DeactivationTime = Annotated[int, scalar(164, "Deactivation Time", U32, clause="8.2.122")]


@ie(178, "Alternative SMF IP Address", clause="8.2.129", flag_octets=1)
class AlternativeSMFIPAddress(IE):
    """Another address of the CP function."""

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None


SMFSetID = Annotated[bytes, scalar(180, "SMF Set ID", REST, clause="8.2.131")]
"""A spare octet and a domain name in labels."""
QuotaValidityTime = Annotated[int, scalar(181, "Quota Validity Time", U32, clause="8.2.132")]
NumberOfReports = Annotated[int, scalar(182, "Number of Reports", U16, clause="8.2.133")]


@ie(183, "Session Retention Information", clause="7.4.4.1-2")
class SessionRetentionInformation(IE):
    """Whose sessions outlive a new association; without addresses all."""

    cp_pfcp_entity_ip_addresses: tuple[CPPFCPEntityIPAddress, ...] = ()


@ie(184, "PFCPASRsp-Flags", clause="8.2.134", flag_octets=1)
class PFCPASRspFlags(IE):
    """Flags of the answer to an association setup."""

    psrei: Annotated[bool, Flag(5, 1)] = False
    uupsi: Annotated[bool, Flag(5, 2)] = False


@ie(185, "CP PFCP Entity IP Address", clause="8.2.135", flag_octets=1)
class CPPFCPEntityIPAddress(IE):
    """Address of a PFCP entity of the CP function."""

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None


@ie(186, "PFCPSEReq-Flags", clause="8.2.136", flag_octets=1)
class PFCPSEReqFlags(IE):
    """Flags of a session establishment."""

    resti: Annotated[bool, Flag(5, 1)] = False


@ie(187, "User Plane Path Recovery Report", clause="7.4.5.1.3-1")
class UserPlanePathRecoveryReport(IE):
    """GTP-U peers that answer again."""

    remote_gtpu_peers: tuple[RemoteGTPUPeer, ...]


@ie(192, "Source IP Address", clause="8.2.138", flag_octets=1)
class SourceIPAddress(IE):
    """Address a heartbeat comes from, where address translation hides it."""

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None
    mask_prefix_length: Annotated[int | None, Flag(5, 3), U8] = None


DLDataPacketsSize = Annotated[int, scalar(250, "DL Data Packets Size", U16, clause="8.2.173")]


@ie(256, "Updated PDR", clause="7.5.5.5-1")
class UpdatedPDR(IE):
    """What this UP function newly allocated for a PDR."""

    pdr_id: PDRID
    local_fteid: FTEID | None = None
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()


@ie(257, "S-NSSAI", clause="8.2.176")
class SNSSAI(IE):
    """A slice; `sd` is 0xFFFFFF where the slice has none."""

    sst: Annotated[int, U8]
    sd: Annotated[int, U24]


@ie(260, "Data Status", clause="8.2.179", flag_octets=1)
class DataStatus(IE):
    """What became of downlink packets."""

    drop: Annotated[bool, Flag(5, 1)] = False
    buff: Annotated[bool, Flag(5, 2)] = False


_IE = TypeVar("_IE", bound=IE)


class _Reader:
    """Bounded steps through an IE that reads itself."""

    __slots__ = ("_at", "_buffer", "_end", "_name", "_start", "_type")

    def __init__(self, name: str, ie_type: int, buffer: bytes, start: int, end: int) -> None:
        self._name = name
        self._type = ie_type
        self._buffer = buffer
        self._start = self._at = start
        self._end = end

    def take(self, octets: int) -> bytes:
        """The next octets; refuses to pass the end of the IE."""
        at, self._at = self._at, self._at + octets
        if self._at > self._end or octets < 0:
            raise InvalidLengthError(
                f"{self._name} ({self._type}): {self._end - self._start} octets are too few",
                ie_type=self._type,
            )
        return self._buffer[at : self._at]

    def number(self, octets: int) -> int:
        """The next octets as a number."""
        return int.from_bytes(self.take(octets), "big")

    def finish(self, value: _IE, *, spare: int = 0) -> _IE:
        """The value, with its octets kept where encoding the fields would give others."""
        if spare or self._at != self._end:
            _KEEP(value, self._buffer[self._start : self._end])
        return value


_KEEP = Record.__dict__["wire_form"].__set__


_TIMER_UNIT_S: dict[int, int] = {
    enums.TimerUnit.TWO_SECONDS: 2,
    enums.TimerUnit.ONE_MINUTE: 60,
    enums.TimerUnit.TEN_MINUTES: 600,
    enums.TimerUnit.ONE_HOUR: 3600,
    enums.TimerUnit.TEN_HOURS: 36000,
}


def name_of(octets: bytes) -> str:
    """Dotted text of a name sent as plain text or as DNS labels (TS 23.003 §9.1).

    Labels are recognised by their lengths adding up; a plain name begins with a printable octet,
    which as a length would reach past its end.
    """
    labels, at = [], 0
    while at < len(octets):
        length = octets[at]
        at += 1
        if length == 0 and at == len(octets):
            break
        if length == 0 or at + length > len(octets):
            return octets.decode("latin-1")
        labels.append(octets[at : at + length])
        at += length
    return b".".join(labels).decode("latin-1")


def labels_of(name: str) -> bytes:
    """DNS labels of dotted text, without a root label, as PFCP sends them."""
    labels = [label.encode("latin-1") for label in name.split(".")] if name else []
    return b"".join(struct.pack(">B", len(label)) + label for label in labels)


schema.link(globals())

"""The IEs of TS 29.244 clause 8.2 that a list of fields describes, in the order of their types.

An IE with one value is an alias: its owner holds a plain int, bool or bytes, an enumerator where
`pfcp.enums` knows the number. Any other IE is a frozen class. `pfcp.ies` gives their names to the
rest of the program.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated
from uuid import UUID

from pfcp import enums, schema
from pfcp.reader import name_of
from pfcp.record import IE, record
from pfcp.schema import ie, scalar
from pfcp.wire import (
    BIT,
    IPV4,
    IPV6,
    LV8,
    LV8_NUMBERS,
    LV16,
    LV16_PAIRS,
    LV16_TEXT,
    LV16_TEXTS,
    MAC,
    PLMN,
    REST,
    REST_NUMBERS,
    S32,
    S64,
    U3,
    U4,
    U6,
    U8,
    U16,
    U24,
    U32,
    U40,
    U64,
    UUID128,
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


Cause = Annotated[int, scalar(19, "Cause", U8, enums.Cause, clause="8.2.1")]
SourceInterface = Annotated[
    int, scalar(20, "Source Interface", U4, enums.SourceInterface, clause="8.2.2")
]


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
    upint: Annotated[bool, Flag(7, 2)] = False


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


@ie(43, "UP Function Features", clause="8.2.25", flag_octets=8, least_octets=2, is_trimmed=True)
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
    l2tp: Annotated[bool, Flag(10, 4)] = False
    upber: Annotated[bool, Flag(10, 5)] = False
    resps: Annotated[bool, Flag(10, 6)] = False
    iprep: Annotated[bool, Flag(10, 7)] = False
    dnsts: Annotated[bool, Flag(10, 8)] = False
    drqos: Annotated[bool, Flag(11, 1)] = False
    mbsn4: Annotated[bool, Flag(11, 2)] = False
    psuprm: Annotated[bool, Flag(11, 3)] = False
    epppi: Annotated[bool, Flag(11, 4)] = False
    ratp: Annotated[bool, Flag(11, 5)] = False
    upidp: Annotated[bool, Flag(11, 6)] = False


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
    fssm: Annotated[bool, Flag(6, 4)] = False
    mbsu: Annotated[bool, Flag(6, 5)] = False


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


@ie(49, "PFCPSMReq-Flags", clause="8.2.31", flag_octets=1)
class PFCPSMReqFlags(IE):
    """Flags of a session modification."""

    drobu: Annotated[bool, Flag(5, 1)] = False
    sndem: Annotated[bool, Flag(5, 2)] = False
    qaurr: Annotated[bool, Flag(5, 3)] = False
    sumpc: Annotated[bool, Flag(5, 4)] = False
    rumuc: Annotated[bool, Flag(5, 5)] = False
    deteid: Annotated[bool, Flag(5, 6)] = False


@ie(50, "PFCPSRRsp-Flags", clause="8.2.32", flag_octets=1)
class PFCPSRRspFlags(IE):
    """Flags of the answer to a session report."""

    drobu: Annotated[bool, Flag(5, 1)] = False


SequenceNumber = Annotated[int, scalar(52, "Sequence Number", U32, clause="8.2.33")]
Metric = Annotated[int, scalar(53, "Metric", U8, clause="8.2.34")]
"""Per cent."""


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


@ie(61, "PFD Contents", clause="8.2.39", flag_octets=2)
class PFDContents(IE):
    """How packets of an application look; octet 6 is spare.

    A pair is a domain name and its protocol.
    """

    flow_description: Annotated[str | None, Flag(5, 1), LV16_TEXT] = None
    url: Annotated[str | None, Flag(5, 2), LV16_TEXT] = None
    domain_name: Annotated[str | None, Flag(5, 3), LV16_TEXT] = None
    custom_pfd_content: Annotated[bytes | None, Flag(5, 4), LV16] = None
    domain_name_protocol: Annotated[str | None, Flag(5, 5), LV16_TEXT] = None
    additional_flow_descriptions: Annotated[tuple[str, ...] | None, Flag(5, 6), LV16_TEXTS] = None
    additional_urls: Annotated[tuple[str, ...] | None, Flag(5, 7), LV16_TEXTS] = None
    additional_domain_names_and_protocols: Annotated[
        tuple[tuple[str, str], ...] | None, Flag(5, 8), LV16_PAIRS
    ] = None


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
    upint: Annotated[bool, Flag(7, 6)] = False


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
URRID = Annotated[int, scalar(81, "URR ID", U32, clause="8.2.54")]
LinkedURRID = Annotated[int, scalar(82, "Linked URR ID", U32, clause="8.2.55")]
BARID = Annotated[int, scalar(88, "BAR ID", U8, clause="8.2.57")]


@ie(89, "CP Function Features", clause="8.2.58", flag_octets=2, least_octets=1, is_trimmed=True)
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
    rpgur: Annotated[bool, Flag(6, 2)] = False


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


@ie(98, "Header Enrichment", clause="8.2.67", flag_octets=1)
class HeaderEnrichment(IE):
    """A header field to add to the subscriber's requests."""

    header_type: Annotated[int, Bits(5, 5, 1), enums.HeaderType]
    header_field_name: Annotated[bytes, LV8]
    header_field_value: Annotated[bytes, LV8]


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
    ciam: Annotated[bool, Flag(5, 8)] = False


@ie(101, "Node Report Type", clause="8.2.69", flag_octets=1)
class NodeReportType(IE):
    """What a node report is about."""

    upfr: Annotated[bool, Flag(5, 1)] = False
    uprr: Annotated[bool, Flag(5, 2)] = False
    ckdr: Annotated[bool, Flag(5, 3)] = False
    gpqr: Annotated[bool, Flag(5, 4)] = False
    purr: Annotated[bool, Flag(5, 5)] = False
    vsr: Annotated[bool, Flag(5, 6)] = False


@ie(103, "Remote GTP-U Peer", clause="8.2.70", flag_octets=1)
class RemoteGTPUPeer(IE):
    """A GTP-U peer; the interface is coded as Destination Interface (42)."""

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None
    destination_interface: Annotated[bytes | None, Flag(5, 3), LV16] = None
    network_instance: Annotated[bytes | None, Flag(5, 4), LV16] = None


URSEQN = Annotated[int, scalar(104, "UR-SEQN", U32, clause="8.2.71")]
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


@ie(115, "Time Quota Mechanism", clause="8.2.81", flag_octets=1)
class TimeQuotaMechanism(IE):
    """How a time quota is consumed."""

    base_time_interval_type: Annotated[int, Bits(5, 2, 1), enums.BaseTimeIntervalType]
    base_time_interval_s: Annotated[int, U32]


UserPlaneInactivityTimer = Annotated[
    int, scalar(117, "User Plane Inactivity Timer", U32, clause="8.2.83")
]


@ie(119, "Multiplier", clause="8.2.84")
class Multiplier(IE):
    """A decimal fraction: digits times ten to the exponent (RFC 4006)."""

    value_digits: Annotated[int, S64]
    exponent: Annotated[int, S32]


AggregatedURRID = Annotated[int, scalar(120, "Aggregated URR ID", U32, clause="8.2.85")]


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


TrafficEndpointID = Annotated[int, scalar(131, "Traffic Endpoint ID", U8, clause="8.2.92")]


@ie(133, "MAC Address", clause="8.2.93", flag_octets=1)
class MACAddress(IE):
    """MAC addresses to match, six octets each; with the upper one it is a range."""

    source: Annotated[bytes | None, Flag(5, 1), MAC] = None
    destination: Annotated[bytes | None, Flag(5, 2), MAC] = None
    upper_source: Annotated[bytes | None, Flag(5, 3), MAC] = None
    upper_destination: Annotated[bytes | None, Flag(5, 4), MAC] = None


Ethertype = Annotated[int, scalar(136, "Ethertype", U16, clause="8.2.96")]


@ie(137, "Proxying", clause="8.2.97", flag_octets=1)
class Proxying(IE):
    """Which questions of neighbours the UP function answers itself."""

    arp: Annotated[bool, Flag(5, 1)] = False
    ins: Annotated[bool, Flag(5, 2)] = False


EthernetFilterID = Annotated[int, scalar(138, "Ethernet Filter ID", U32, clause="8.2.98")]


@ie(139, "Ethernet Filter Properties", clause="8.2.99", flag_octets=1)
class EthernetFilterProperties(IE):
    """Whether an Ethernet filter counts in both directions."""

    bide: Annotated[bool, Flag(5, 1)] = False


SuggestedBufferingPacketsCount = Annotated[
    int, scalar(140, "Suggested Buffering Packets Count", U8, clause="8.2.100")
]


@ie(141, "User ID", clause="8.2.101", flag_octets=1)
class UserID(IE):
    """Identities of the subscriber, in the codings of TS 29.274, TS 23.003 and TS 29.571."""

    imsi: Annotated[bytes | None, Flag(5, 1), LV8] = None
    imei: Annotated[bytes | None, Flag(5, 2), LV8] = None
    msisdn: Annotated[bytes | None, Flag(5, 3), LV8] = None
    nai: Annotated[bytes | None, Flag(5, 4), LV8] = None
    supi: Annotated[bytes | None, Flag(5, 5), LV8] = None
    gpsi: Annotated[bytes | None, Flag(5, 6), LV8] = None
    pei: Annotated[bytes | None, Flag(5, 7), LV8] = None


@ie(142, "Ethernet PDU Session Information", clause="8.2.102", flag_octets=1)
class EthernetPDUSessionInformation(IE):
    """All the downlink traffic of an Ethernet session."""

    ethi: Annotated[bool, Flag(5, 1)] = False


EthernetInactivityTimer = Annotated[
    int, scalar(146, "Ethernet Inactivity Timer", U32, clause="8.2.105")
]
EventQuota = Annotated[int, scalar(148, "Event Quota", U32, clause="8.2.112")]
EventThreshold = Annotated[int, scalar(149, "Event Threshold", U32, clause="8.2.113")]
SubsequentEventQuota = Annotated[int, scalar(150, "Subsequent Event Quota", U32, clause="8.2.106")]
SubsequentEventThreshold = Annotated[
    int, scalar(151, "Subsequent Event Threshold", U32, clause="8.2.107")
]


@ie(152, "Trace Information", clause="8.2.108")
class TraceInformation(IE):
    """What to trace and where to send it (TS 32.422).

    `plmn` is MCC and MNC as five or six digits; the address has four or sixteen octets.
    """

    plmn: Annotated[str, PLMN]
    trace_id: Annotated[int, U24]
    triggering_events: Annotated[bytes, LV8]
    session_trace_depth: Annotated[int, U8]
    list_of_interfaces: Annotated[bytes, LV8]
    ip_address_of_trace_collection_entity: Annotated[bytes, LV8]


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
MARID = Annotated[int, scalar(170, "MAR ID", U16, clause="8.2.123")]
SteeringFunctionality = Annotated[
    int,
    scalar(171, "Steering Functionality", U4, enums.SteeringFunctionality, clause="8.2.124"),
]
SteeringMode = Annotated[
    int, scalar(172, "Steering Mode", U4, enums.SteeringMode, clause="8.2.125")
]
Weight = Annotated[int, scalar(173, "Weight", U8, clause="8.2.126")]
"""Per cent."""
Priority = Annotated[int, scalar(174, "Priority", U4, enums.Priority, clause="8.2.127")]


@ie(177, "UE IP Address Pool Identity", clause="8.2.128")
class UEIPAddressPoolIdentity(IE):
    """The name of a pool of addresses."""

    identity: Annotated[bytes, LV16]


@ie(178, "Alternative SMF IP Address", clause="8.2.129", flag_octets=1)
class AlternativeSMFIPAddress(IE):
    """Another address of the CP function; `ppe` says to prefer it."""

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None
    ppe: Annotated[bool, Flag(5, 3)] = False


@ie(
    179,
    "Packet Replication and Detection Carry-On Information",
    clause="8.2.130",
    flag_octets=1,
)
class PacketReplicationAndDetectionCarryOnInformation(IE):
    """Which packets not to replicate, and whether to look for further matches."""

    priueai: Annotated[bool, Flag(5, 1)] = False
    prin19i: Annotated[bool, Flag(5, 2)] = False
    prin6i: Annotated[bool, Flag(5, 3)] = False
    dcaroni: Annotated[bool, Flag(5, 4)] = False


QuotaValidityTime = Annotated[int, scalar(181, "Quota Validity Time", U32, clause="8.2.132")]
NumberOfReports = Annotated[int, scalar(182, "Number of Reports", U16, clause="8.2.133")]


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
    sumpc: Annotated[bool, Flag(5, 2)] = False


@ie(192, "Source IP Address", clause="8.2.138", flag_octets=1)
class SourceIPAddress(IE):
    """Address a heartbeat comes from, where address translation hides it."""

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None
    mask_prefix_length: Annotated[int | None, Flag(5, 3), U8] = None


@ie(194, "Create Bridge Info for TSC", clause="8.2.140", flag_octets=1)
class CreateBridgeInfoForTSC(IE):
    """The order to give a port of the bridge."""

    bii: Annotated[bool, Flag(5, 1)] = False


DSTTPortNumber = Annotated[int, scalar(196, "DS-TT Port Number", U32, clause="8.2.141")]
NWTTPortNumber = Annotated[int, scalar(197, "NW-TT Port Number", U32, clause="8.2.142")]


@ie(198, "5GS User Plane Node", clause="8.2.143", flag_octets=1)
class FiveGSUserPlaneNode(IE):
    """The bridge or router that the system shows to a time-sensitive network."""

    user_plane_node: Annotated[int | None, Flag(5, 1), U64] = None


PortManagementInformationContainer = Annotated[
    bytes, scalar(202, "Port Management Information Container", REST, clause="8.2.144")
]
"""A message of TS 24.539 §8."""


@ie(204, "Requested Clock Drift Information", clause="8.2.145", flag_octets=1)
class RequestedClockDriftInformation(IE):
    """Which drift to report."""

    rrto: Annotated[bool, Flag(5, 1)] = False
    rrcr: Annotated[bool, Flag(5, 2)] = False


TimeDomainNumber = Annotated[int, scalar(206, "Time Domain Number", U8, clause="8.2.146")]
TimeOffsetThreshold = Annotated[int, scalar(207, "Time Offset Threshold", S64, clause="8.2.147")]
"""Nanoseconds."""
CumulativeRateRatioThreshold = Annotated[
    int, scalar(208, "Cumulative rateRatio Threshold", S32, clause="8.2.148")
]
"""(ratio - 1) times 2 to the 41st."""
TimeOffsetMeasurement = Annotated[
    int, scalar(209, "Time Offset Measurement", S64, clause="8.2.149")
]
"""Nanoseconds."""
CumulativeRateRatioMeasurement = Annotated[
    int, scalar(210, "Cumulative rateRatio Measurement", S32, clause="8.2.150")
]
"""(ratio - 1) times 2 to the 41st."""
SRRID = Annotated[int, scalar(215, "SRR ID", U8, clause="8.2.151")]


@ie(217, "Requested Access Availability Information", clause="8.2.152", flag_octets=1)
class RequestedAccessAvailabilityInformation(IE):
    """Whether to report that an access comes or goes."""

    rrca: Annotated[bool, Flag(5, 1)] = False


@ie(219, "Access Availability Information", clause="8.2.153", flag_octets=1)
class AccessAvailabilityInformation(IE):
    """An access that came or went."""

    access_type: Annotated[int, Bits(5, 2, 1), enums.AccessType]
    availability_status: Annotated[int, Bits(5, 4, 3), enums.AvailabilityStatus]


@ie(222, "MPTCP Control Information", clause="8.2.154", flag_octets=1)
class MPTCPControlInformation(IE):
    """Which MPTCP functionality is wanted."""

    tci: Annotated[bool, Flag(5, 1)] = False


@ie(223, "ATSSS-LL Control Information", clause="8.2.155", flag_octets=1)
class ATSSSLLControlInformation(IE):
    """Whether the ATSSS low-layer functionality is wanted."""

    lli: Annotated[bool, Flag(5, 1)] = False


@ie(224, "PMF Control Information", clause="8.2.156", flag_octets=1)
class PMFControlInformation(IE):
    """Which performance measurements are wanted; `qfis` (PQPM) asks for them flow by flow."""

    pmfi: Annotated[bool, Flag(5, 1)] = False
    drtti: Annotated[bool, Flag(5, 2)] = False
    qfis: Annotated[tuple[int, ...] | None, Flag(5, 3), LV8_NUMBERS] = None


@ie(228, "MPTCP Address Information", clause="8.2.157", flag_octets=1)
class MPTCPAddressInformation(IE):
    """Where the MPTCP proxy listens."""

    mptcp_proxy_type: Annotated[int, U8]
    mptcp_proxy_port: Annotated[int, U16]
    ipv4: Annotated[IPv4Address | None, Flag(5, 1), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 2), IPV6] = None


@ie(229, "UE Link-Specific IP Address", clause="8.2.158", flag_octets=1)
class UELinkSpecificIPAddress(IE):
    """The UE's addresses on each access."""

    ipv4_3gpp: Annotated[IPv4Address | None, Flag(5, 1), IPV4] = None
    ipv6_3gpp: Annotated[IPv6Address | None, Flag(5, 2), IPV6] = None
    ipv4_non_3gpp: Annotated[IPv4Address | None, Flag(5, 3), IPV4] = None
    ipv6_non_3gpp: Annotated[IPv6Address | None, Flag(5, 4), IPV6] = None


@ie(231, "ATSSS-LL Information", clause="8.2.160", flag_octets=1)
class ATSSSLLInformation(IE):
    """Whether the ATSSS low-layer functionality is ready."""

    lli: Annotated[bool, Flag(5, 1)] = False


DataNetworkAccessIdentifier = Annotated[
    bytes, scalar(232, "Data Network Access Identifier", REST, clause="8.2.161")
]
AveragePacketDelay = Annotated[int, scalar(234, "Average Packet Delay", U32, clause="8.2.162")]
MinimumPacketDelay = Annotated[int, scalar(235, "Minimum Packet Delay", U32, clause="8.2.163")]
MaximumPacketDelay = Annotated[int, scalar(236, "Maximum Packet Delay", U32, clause="8.2.164")]


@ie(237, "QoS Report Trigger", clause="8.2.165", flag_octets=1)
class QoSReportTrigger(IE):
    """What makes a QoS report."""

    per: Annotated[bool, Flag(5, 1)] = False
    thr: Annotated[bool, Flag(5, 2)] = False
    ire: Annotated[bool, Flag(5, 3)] = False


@ie(241, "GTP-U Path Interface Type", clause="8.2.166", flag_octets=1)
class GTPUPathInterfaceType(IE):
    """On which interfaces the paths lie."""

    n9: Annotated[bool, Flag(5, 1)] = False
    n3: Annotated[bool, Flag(5, 2)] = False


@ie(243, "Requested QoS Monitoring", clause="8.2.167", flag_octets=1)
class RequestedQoSMonitoring(IE):
    """Which delays to measure."""

    dl: Annotated[bool, Flag(5, 1)] = False
    ul: Annotated[bool, Flag(5, 2)] = False
    rp: Annotated[bool, Flag(5, 3)] = False
    gtpupm: Annotated[bool, Flag(5, 4)] = False


@ie(244, "Reporting Frequency", clause="8.2.168", flag_octets=1)
class ReportingFrequency(IE):
    """When to report delays."""

    evett: Annotated[bool, Flag(5, 1)] = False
    perio: Annotated[bool, Flag(5, 2)] = False
    sesrl: Annotated[bool, Flag(5, 3)] = False


@ie(245, "Packet Delay Thresholds", clause="8.2.169", flag_octets=1)
class PacketDelayThresholds(IE):
    """Delays beyond which to report."""

    downlink_ms: Annotated[int | None, Flag(5, 1), U32] = None
    uplink_ms: Annotated[int | None, Flag(5, 2), U32] = None
    round_trip_ms: Annotated[int | None, Flag(5, 3), U32] = None


MinimumWaitTime = Annotated[int, scalar(246, "Minimum Wait Time", U32, clause="8.2.170")]


@ie(248, "QoS Monitoring Measurement", clause="8.2.171", flag_octets=1)
class QoSMonitoringMeasurement(IE):
    """Delays measured; `plmf` says that none could be."""

    downlink_ms: Annotated[int | None, Flag(5, 1), U32] = None
    uplink_ms: Annotated[int | None, Flag(5, 2), U32] = None
    round_trip_ms: Annotated[int | None, Flag(5, 3), U32] = None
    plmf: Annotated[bool, Flag(5, 4)] = False


@ie(249, "MT-EDT Control Information", clause="8.2.172", flag_octets=1)
class MTEDTControlInformation(IE):
    """Whether to report the size of buffered downlink packets."""

    rdsi: Annotated[bool, Flag(5, 1)] = False


DLDataPacketsSize = Annotated[int, scalar(250, "DL Data Packets Size", U16, clause="8.2.173")]


@ie(251, "QER Control Indications", clause="8.2.174", flag_octets=1)
class QERControlIndications(IE):
    """Whether to report the rate control status at the end of the session."""

    rcsr: Annotated[bool, Flag(5, 1)] = False


NFInstanceID = Annotated[UUID, scalar(253, "NF Instance ID", UUID128, clause="8.2.175")]


@ie(257, "S-NSSAI", clause="8.2.176")
class SNSSAI(IE):
    """A slice; `sd` is 0xFFFFFF where the slice has none."""

    sst: Annotated[int, U8]
    sd: Annotated[int, U24]


@ie(258, "IP Version", clause="8.2.177", flag_octets=1)
class IPVersion(IE):
    """The families of addresses of a pool."""

    v4: Annotated[bool, Flag(5, 1)] = False
    v6: Annotated[bool, Flag(5, 2)] = False


@ie(259, "PFCPASReq-Flags", clause="8.2.178", flag_octets=1)
class PFCPASReqFlags(IE):
    """Flags of an association setup."""

    uupsi: Annotated[bool, Flag(5, 1)] = False


@ie(260, "Data Status", clause="8.2.179", flag_octets=1)
class DataStatus(IE):
    """What became of downlink packets."""

    drop: Annotated[bool, Flag(5, 1)] = False
    buff: Annotated[bool, Flag(5, 2)] = False


@ie(262, "RDS Configuration Information", clause="8.2.180", flag_octets=1)
class RDSConfigurationInformation(IE):
    """Whether the Reliable Data Service is wanted, or applied."""

    rds: Annotated[bool, Flag(5, 1)] = False


@ie(265, "MPTCP Applicable Indication", clause="8.2.181", flag_octets=1)
class MPTCPApplicableIndication(IE):
    """Whether a PDR finds traffic that MPTCP may carry."""

    mai: Annotated[bool, Flag(5, 1)] = False


UserPlaneNodeManagementInformationContainer = Annotated[
    bytes,
    scalar(266, "User Plane Node Management Information Container", REST, clause="8.2.182"),
]
"""A message of TS 24.539 §9."""


@ie(268, "Number of UE IP Addresses", clause="8.2.183", flag_octets=1)
class NumberOfUEIPAddresses(IE):
    """How many addresses of each family are in use; of IPv6 the /64 prefixes."""

    ipv4_addresses: Annotated[int | None, Flag(5, 1), U32] = None
    ipv6_addresses: Annotated[int | None, Flag(5, 2), U32] = None


ValidityTimer = Annotated[int, scalar(269, "Validity Timer", U16, clause="8.2.184")]


@ie(274, "Offending IE Information", clause="8.2.185")
class OffendingIEInformation(IE):
    """An IE that made a rule fail, with its value."""

    ie_type: Annotated[int, U16]
    value: Annotated[bytes, REST]


RATType = Annotated[int, scalar(275, "RAT Type", U8, enums.RATType, clause="8.2.186")]
TunnelPreference = Annotated[int, scalar(281, "Tunnel Preference", U24, clause="8.2.189")]
CallingNumber = Annotated[bytes, scalar(282, "Calling Number", REST, clause="8.2.190")]
CalledNumber = Annotated[bytes, scalar(283, "Called Number", REST, clause="8.2.191")]


@ie(284, "L2TP Session Indications", clause="8.2.192", flag_octets=1)
class L2TPSessionIndications(IE):
    """Which addresses to ask the LNS for."""

    reuia: Annotated[bool, Flag(5, 1)] = False
    redsa: Annotated[bool, Flag(5, 2)] = False
    rensa: Annotated[bool, Flag(5, 3)] = False


DNSServerAddress = Annotated[IPv4Address, scalar(285, "DNS Server Address", IPV4, clause="8.2.193")]
NBNSServerAddress = Annotated[
    IPv4Address, scalar(286, "NBNS Server Address", IPV4, clause="8.2.194")
]
MaximumReceiveUnit = Annotated[int, scalar(287, "Maximum Receive Unit", U16, clause="8.2.195")]


@ie(288, "Thresholds", clause="8.2.196", flag_octets=1)
class Thresholds(IE):
    """When to leave an access; the loss rate is in per cent."""

    rtt_ms: Annotated[int | None, Flag(5, 1), U16] = None
    packet_loss_rate: Annotated[int | None, Flag(5, 2), U8] = None


@ie(289, "Steering Mode Indicator", clause="8.2.197", flag_octets=1)
class SteeringModeIndicator(IE):
    """Who may steer apart from the rule."""

    albi: Annotated[bool, Flag(5, 1)] = False
    ueai: Annotated[bool, Flag(5, 2)] = False


GroupID = Annotated[bytes, scalar(291, "Group Id", REST, clause="8.2.198")]


@ie(292, "CP IP Address", clause="8.2.199", flag_octets=1)
class CPIPAddress(IE):
    """An address of a CP function."""

    ipv4: Annotated[IPv4Address | None, Flag(5, 2), IPV4] = None
    ipv6: Annotated[IPv6Address | None, Flag(5, 1), IPV6] = None


@ie(293, "IP Address and Port Number Replacement", clause="8.2.200", flag_octets=1)
class IPAddressAndPortNumberReplacement(IE):
    """What to write into the packet's own header.

    The figure gives the flags two octets, §8.1.2 counts one; those who speak it send one.
    """

    destination_ipv4: Annotated[IPv4Address | None, Flag(5, 1), IPV4] = None
    destination_ipv6: Annotated[IPv6Address | None, Flag(5, 2), IPV6] = None
    destination_port: Annotated[int | None, Flag(5, 3), U16] = None
    source_ipv4: Annotated[IPv4Address | None, Flag(5, 4), IPV4] = None
    source_ipv6: Annotated[IPv6Address | None, Flag(5, 5), IPV6] = None
    source_port: Annotated[int | None, Flag(5, 6), U16] = None


@ie(294, "DNS Query Filter", clause="8.2.201")
class DNSQueryFilter(IE):
    """Which domain names to look for: a JSON object of TS 29.571 (FqdnPatternMatchingRule)."""

    domain_name_pattern: Annotated[bytes, LV16]


EventNotificationURI = Annotated[
    bytes, scalar(296, "Event Notification URI", REST, clause="8.2.202")
]
NotificationCorrelationID = Annotated[
    bytes, scalar(297, "Notification Correlation ID", REST, clause="8.2.203")
]


@ie(298, "Reporting Flags", clause="8.2.204", flag_octets=1)
class ReportingFlags(IE):
    """Whether events reported elsewhere are reported on N4 too."""

    dupl: Annotated[bool, Flag(5, 1)] = False


PredefinedRulesName = Annotated[bytes, scalar(299, "Predefined Rules Name", REST, clause="8.2.205")]


@ie(307, "MBSN4mbReq-Flags", clause="8.2.208", flag_octets=1)
class MBSN4mbReqFlags(IE):
    """Flags of the establishment of a multicast session."""

    pllssm: Annotated[bool, Flag(5, 1)] = False
    jmbssm: Annotated[bool, Flag(5, 2)] = False
    mbs_resti: Annotated[bool, Flag(5, 3)] = False


MBSUnicastParametersID = Annotated[
    int, scalar(309, "MBS Unicast Parameters ID", U16, clause="8.2.210")
]


@ie(312, "MBSN4Resp-Flags", clause="8.2.211", flag_octets=1)
class MBSN4RespFlags(IE):
    """What the UP function did for a multicast session."""

    nn19dt: Annotated[bool, Flag(5, 1)] = False
    jmti: Annotated[bool, Flag(5, 2)] = False
    n19dtr: Annotated[bool, Flag(5, 3)] = False


TunnelPassword = Annotated[bytes, scalar(313, "Tunnel Password", REST, clause="8.2.212")]
AreaSessionID = Annotated[int, scalar(314, "Area Session ID", U16, clause="8.2.213")]


@ie(317, "DSCP to PPI Mapping Information", clause="8.2.214")
class DSCPToPPIMappingInformation(IE):
    """Which paging policy packets of these DSCPs ask for."""

    ppi: Annotated[int, U3]
    dscps: Annotated[tuple[int, ...], REST_NUMBERS]


@ie(318, "PFCPSDRsp-Flags", clause="8.2.215", flag_octets=1)
class PFCPSDRspFlags(IE):
    """Flags of the answer to a session deletion."""

    puru: Annotated[bool, Flag(5, 1)] = False


@ie(319, "QER Indications", clause="8.2.216", flag_octets=1)
class QERIndications(IE):
    """Whether multicast packets carry sequence numbers."""

    iqfisn: Annotated[bool, Flag(5, 1)] = False


@ie(320, "Vendor-Specific Node Report Type", clause="8.2.217")
class VendorSpecificNodeReportType(IE):
    """What a node report of a vendor is about: a mask of bits that the vendor defines."""

    enterprise_id: Annotated[int, U16]
    report_types: Annotated[bytes, REST]


@ie(321, "Configured Time Domain", clause="8.2.218", flag_octets=1)
class ConfiguredTimeDomain(IE):
    """Whether the time domain configured to the translators is meant."""

    ctdi: Annotated[bool, Flag(5, 1)] = False


_TIMER_UNIT_S: dict[int, int] = {
    enums.TimerUnit.TWO_SECONDS: 2,
    enums.TimerUnit.ONE_MINUTE: 60,
    enums.TimerUnit.TEN_MINUTES: 600,
    enums.TimerUnit.ONE_HOUR: 3600,
    enums.TimerUnit.TEN_HOURS: 36000,
}


schema.link(globals())

"""Enumerations of TS 29.244 clause 8.2. A value not listed here survives decoding as an int."""

from enum import IntEnum


class Cause(IntEnum):
    """Cause (§8.2.1). Below 64 the request was accepted."""

    REQUEST_ACCEPTED = 1
    MORE_USAGE_REPORT_TO_SEND = 2
    REQUEST_PARTIALLY_ACCEPTED = 3
    REQUEST_REJECTED = 64
    SESSION_CONTEXT_NOT_FOUND = 65
    MANDATORY_IE_MISSING = 66
    CONDITIONAL_IE_MISSING = 67
    INVALID_LENGTH = 68
    MANDATORY_IE_INCORRECT = 69
    INVALID_FORWARDING_POLICY = 70
    INVALID_FTEID_ALLOCATION_OPTION = 71
    NO_ESTABLISHED_PFCP_ASSOCIATION = 72
    RULE_CREATION_MODIFICATION_FAILURE = 73
    PFCP_ENTITY_IN_CONGESTION = 74
    NO_RESOURCES_AVAILABLE = 75
    SERVICE_NOT_SUPPORTED = 76
    SYSTEM_FAILURE = 77
    REDIRECTION_REQUESTED = 78
    ALL_DYNAMIC_ADDRESSES_ARE_OCCUPIED = 79
    UNKNOWN_PREDEFINED_RULE = 80
    UNKNOWN_APPLICATION_ID = 81
    L2TP_TUNNEL_ESTABLISHMENT_FAILURE = 82
    L2TP_SESSION_ESTABLISHMENT_FAILURE = 83
    L2TP_TUNNEL_RELEASE = 84
    L2TP_SESSION_RELEASE = 85
    PFCP_SESSION_RESTORATION_FAILURE = 86


class SourceInterface(IntEnum):
    """Source Interface (§8.2.2)."""

    ACCESS = 0
    CORE = 1
    SGI_LAN_N6_LAN = 2
    CP_FUNCTION = 3
    FIVEG_VN_INTERNAL = 4


class DestinationInterface(IntEnum):
    """Destination Interface (§8.2.24)."""

    ACCESS = 0
    CORE = 1
    SGI_LAN_N6_LAN = 2
    CP_FUNCTION = 3
    LI_FUNCTION = 4
    FIVEG_VN_INTERNAL = 5


class InterfaceType(IntEnum):
    """3GPP Interface Type (§8.2.118)."""

    S1_U = 0
    S5_S8_U = 1
    S4_U = 2
    S11_U = 3
    S12 = 4
    GN_GP_U = 5
    S2A_U = 6
    S2B_U = 7
    ENODEB_DL_DATA_FORWARDING = 8
    ENODEB_UL_DATA_FORWARDING = 9
    SGW_UPF_DL_DATA_FORWARDING = 10
    N3_3GPP_ACCESS = 11
    N3_TRUSTED_NON_3GPP_ACCESS = 12
    N3_UNTRUSTED_NON_3GPP_ACCESS = 13
    N3_DATA_FORWARDING = 14
    N9 = 15
    SGI = 16
    N6 = 17
    N19 = 18
    S8_U = 19
    GP_U = 20
    N9_ROAMING = 21
    IU_U = 22
    N9_DATA_FORWARDING = 23
    SXA_U = 24
    SXB_U = 25
    SXC_U = 26
    N4_U = 27
    SGW_UPF_UL_DATA_FORWARDING = 28
    N6MB_NMB9 = 29
    N3MB = 30
    N19MB = 31


class Gate(IntEnum):
    """One gate of Gate Status (§8.2.7)."""

    OPEN = 0
    CLOSED = 1


class OuterHeaderRemovalDescription(IntEnum):
    """Outer Header Removal Description (§8.2.64)."""

    GTPU_UDP_IPV4 = 0
    GTPU_UDP_IPV6 = 1
    UDP_IPV4 = 2
    UDP_IPV6 = 3
    IPV4 = 4
    IPV6 = 5
    GTPU_UDP_IP = 6
    VLAN_STAG = 7
    STAG_CTAG = 8


class PDNType(IntEnum):
    """PDN Type (§8.2.79)."""

    IPV4 = 1
    IPV6 = 2
    IPV4V6 = 3
    NON_IP = 4
    ETHERNET = 5


class RuleIDType(IntEnum):
    """Rule ID Type of Failed Rule ID (§8.2.80)."""

    PDR = 0
    FAR = 1
    QER = 2
    URR = 3
    BAR = 4
    MAR = 5
    SRR = 6


class RedirectAddressType(IntEnum):
    """Redirect Address Type (§8.2.20)."""

    IPV4 = 0
    IPV6 = 1
    URL = 2
    SIP_URI = 3
    IPV4_AND_IPV6 = 4
    PORT = 5
    IPV4_AND_PORT = 6
    IPV6_AND_PORT = 7
    IPV4_AND_IPV6_AND_PORT = 8


class FlowDirection(IntEnum):
    """Flow Direction of Flow Information (§8.2.61)."""

    UNSPECIFIED = 0
    DOWNLINK = 1
    UPLINK = 2
    BIDIRECTIONAL = 3


class TimerUnit(IntEnum):
    """Timer unit (§8.2.35). Other values count one minute, as the clause says."""

    TWO_SECONDS = 0
    ONE_MINUTE = 1
    TEN_MINUTES = 2
    ONE_HOUR = 3
    TEN_HOURS = 4
    INFINITE = 7


class BaseTimeIntervalType(IntEnum):
    """Base Time Interval Type of Time Quota Mechanism (§8.2.81)."""

    CTP = 0
    DTP = 1


class FQCSIDNodeType(IntEnum):
    """Node Type of FQ-CSID (§8.2.43)."""

    MME = 0
    SGW_C = 1
    PGW_C_SMF = 2
    EPDG = 3
    TWAN = 4
    PGW_U_SGW_U_UPF = 5


class HeaderType(IntEnum):
    """Header Type of Header Enrichment (§8.2.67)."""

    HTTP = 0


class PacketRateTimeUnit(IntEnum):
    """Time unit of Packet Rate (§8.2.63). Other values count one minute, as the clause says."""

    MINUTE = 0
    SIX_MINUTES = 1
    HOUR = 2
    DAY = 3
    WEEK = 4


class SteeringFunctionality(IntEnum):
    """Steering Functionality (§8.2.124)."""

    ATSSS_LL = 0
    MPTCP = 1


class SteeringMode(IntEnum):
    """Steering Mode (§8.2.125)."""

    ACTIVE_STANDBY = 0
    SMALLEST_DELAY = 1
    LOAD_BALANCING = 2
    PRIORITY_BASED = 3


class Priority(IntEnum):
    """Priority of an access (§8.2.127)."""

    ACTIVE = 0
    STANDBY = 1
    NO_STANDBY = 2
    HIGH = 3
    LOW = 4


class AccessType(IntEnum):
    """Access Type of Access Availability Information (§8.2.153)."""

    ACCESS_3GPP = 0
    ACCESS_NON_3GPP = 1


class AvailabilityStatus(IntEnum):
    """Availability Status of Access Availability Information (§8.2.153)."""

    UNAVAILABLE = 0
    AVAILABLE = 1


class RATType(IntEnum):
    """RAT Type (§8.2.186)."""

    UTRAN = 1
    GERAN = 2
    WLAN = 3
    GAN = 4
    HSPA_EVOLUTION = 5
    EUTRAN = 6
    VIRTUAL = 7
    EUTRAN_NB_IOT = 8
    LTE_M = 9
    NR = 10

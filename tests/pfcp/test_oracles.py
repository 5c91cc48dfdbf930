"""Layouts checked against octets and readings of two other implementations, scapy and pycrate."""

import warnings
from ipaddress import IPv4Address, IPv6Address

import pytest

from pfcp import enums, ies, messages
from pfcp.schema import IES, Presence
from pfcp.wire import Fixed, Flag

with warnings.catch_warnings():
    # Both bring warnings of their own on import.
    warnings.simplefilter("ignore")
    from pycrate_mobile import TS29244_PFCP as PYCRATE
    from scapy.contrib import pfcp as scapy

V4 = IPv4Address("1.2.3.4")
V6 = IPv6Address("2001:db8::1:2:3")


KNOWN = [spec for spec in IES.values() if spec.ie_type in PYCRATE.PFCPIELUT]
"""pycrate speaks release 17.0, this library 17.7."""

YOUNGER_FLAGS = {
    (37, 7, 2),
    *((43, 10, bit) for bit in range(4, 9)),
    *((43, 11, bit) for bit in range(1, 7)),
    (44, 6, 4),
    (44, 6, 5),
    (49, 5, 4),
    (49, 5, 5),
    (49, 5, 6),
    (63, 7, 6),
    (89, 6, 2),
    (100, 5, 8),
    (101, 5, 5),
    (101, 5, 6),
    (186, 5, 2),
}
"""IE type, octet and bit of flags that release 17.0 did not have."""


def flags_only():
    return [
        spec
        for spec in KNOWN
        if spec.leaf_fields
        and all(isinstance(field.kind, Flag) for field in spec.leaf_fields)
        # pycrate gives IP Version one bit too many.
        and spec.cls is not ies.IPVersion
    ]


LIMIT = ies.PacketRateLimit(packets=0x0102, time_unit=enums.PacketRateTimeUnit.HOUR)
OTHER_LIMIT = ies.PacketRateLimit(packets=0x0304, time_unit=enums.PacketRateTimeUnit.DAY)


def pycrate_reading(ie_type, octets):
    element = PYCRATE.PFCPIELUT[ie_type]("read")
    element.from_bytes(octets)
    return element


def names_set(values):
    """Names of the flags that are set in a reading of pycrate."""
    found = set()
    for name, value in values.items():
        if isinstance(value, dict):
            found |= names_set(value)
        elif name not in {"spare", "ext"} and value == 1:
            found.add(name.lower().replace("-", "_"))
    return found


@pytest.mark.parametrize(
    ("spec", "octet", "bit"),
    [
        pytest.param(spec, octet, bit, id=f"{spec.name} octet {5 + octet} bit {bit}")
        for spec in flags_only()
        for octet in range(spec.flag_octets)
        for bit in range(1, 9)
    ],
)
def test_one_flag_alone_means_what_pycrate_reads(spec, octet, bit):
    octets = bytearray(spec.flag_octets)
    octets[octet] = 1 << (bit - 1)
    value = spec.cls.decode(bytes(octets))
    ours = {field.name for field in spec.leaf_fields if getattr(value, field.name)}
    if (spec.ie_type, 5 + octet, bit) in YOUNGER_FLAGS:
        assert len(ours) == 1
    else:
        assert ours == names_set(pycrate_reading(spec.ie_type, bytes(octets)).get_val_d())
    assert value.encode() == bytes(octets)
    assert spec.cls(**dict.fromkeys(ours, True)) == value


# (our value, the same by scapy); one flag at a time, no two octets alike where the field allows.
SCAPY = [
    (ies.FTEID(teid=0x01020304, ipv4=V4), scapy.IE_FTEID(V4=1, TEID=0x01020304, ipv4=str(V4))),
    (ies.FTEID(teid=0x01020304, ipv6=V6), scapy.IE_FTEID(V6=1, TEID=0x01020304, ipv6=str(V6))),
    (
        ies.FTEID(teid=0x01020304, ipv4=V4, ipv6=V6),
        scapy.IE_FTEID(V4=1, V6=1, TEID=0x01020304, ipv4=str(V4), ipv6=str(V6)),
    ),
    (ies.FTEID(choose=True), scapy.IE_FTEID(CH=1)),
    (ies.FTEID(choose=True, choose_ipv4=True), scapy.IE_FTEID(CH=1, V4=1)),
    (ies.FTEID(choose=True, choose_ipv6=True), scapy.IE_FTEID(CH=1, V6=1)),
    (ies.FTEID(choose=True, choose_id=7), scapy.IE_FTEID(CH=1, CHID=1, choose_id=7)),
    (
        ies.FSEID(seid=0x0102030405060708, ipv4=V4),
        scapy.IE_FSEID(v4=1, seid=0x0102030405060708, ipv4=str(V4)),
    ),
    (
        ies.FSEID(seid=0x0102030405060708, ipv6=V6),
        scapy.IE_FSEID(v6=1, seid=0x0102030405060708, ipv6=str(V6)),
    ),
    (ies.NodeID(value=V4), scapy.IE_NodeId(id_type=0, ipv4=str(V4))),
    (ies.NodeID(value=V6), scapy.IE_NodeId(id_type=1, ipv6=str(V6))),
    (ies.NodeID(value="smf.core.net"), scapy.IE_NodeId(id_type=2, id="smf.core.net")),
    (ies.UEIPAddress(ipv4=V4), scapy.IE_UE_IP_Address(V4=1, ipv4=str(V4))),
    (ies.UEIPAddress(ipv6=V6), scapy.IE_UE_IP_Address(V6=1, ipv6=str(V6))),
    (
        ies.UEIPAddress(ipv4=V4, is_destination=True),
        scapy.IE_UE_IP_Address(SD=1, V4=1, ipv4=str(V4)),
    ),
    (
        ies.SDFFilter(flow_description="permit out ip from any to assigned"),
        scapy.IE_SDF_Filter(FD=1, flow_description="permit out ip from any to assigned"),
    ),
    (
        ies.SDFFilter(security_parameter_index=0x01020304),
        scapy.IE_SDF_Filter(SPI=1, security_parameter_index=0x01020304),
    ),
    (ies.SDFFilter(flow_label=0x010203), scapy.IE_SDF_Filter(FL=1, flow_label=0x010203)),
    (ies.SDFFilter(sdf_filter_id=0x01020304), scapy.IE_SDF_Filter(BID=1, sdf_filter_id=0x01020304)),
    (
        ies.GateStatus(uplink=enums.Gate.CLOSED, downlink=enums.Gate.OPEN),
        scapy.IE_GateStatus(ul=1, dl=0),
    ),
    (
        ies.GateStatus(uplink=enums.Gate.OPEN, downlink=enums.Gate.CLOSED),
        scapy.IE_GateStatus(ul=0, dl=1),
    ),
    (
        ies.MBR(uplink_kbps=0x0102030405, downlink_kbps=0x060708090A),
        scapy.IE_MBR(ul=0x0102030405, dl=0x060708090A),
    ),
    (
        ies.GBR(uplink_kbps=0x0102030405, downlink_kbps=0x060708090A),
        scapy.IE_GBR(ul=0x0102030405, dl=0x060708090A),
    ),
    *(
        (ours(**{field: 0x0102030405060708}), theirs(**{flag: 1, name: 0x0102030405060708}))
        for ours, theirs in (
            (ies.VolumeThreshold, scapy.IE_VolumeThreshold),
            (ies.SubsequentVolumeThreshold, scapy.IE_SubsequentVolumeThreshold),
            (ies.VolumeQuota, scapy.IE_VolumeQuota),
            (ies.SubsequentVolumeQuota, scapy.IE_SubsequentVolumeQuota),
            (ies.VolumeMeasurement, scapy.IE_VolumeMeasurement),
        )
        for field, flag, name in (
            ("total_bytes", "TOVOL", "total"),
            ("uplink_bytes", "ULVOL", "uplink"),
            ("downlink_bytes", "DLVOL", "downlink"),
        )
    ),
    (
        ies.DroppedDLTrafficThreshold(downlink_packets=0x0102030405060708),
        scapy.IE_DroppedDLTrafficThreshold(DLPA=1, packet_count=0x0102030405060708),
    ),
    (
        ies.DroppedDLTrafficThreshold(downlink_bytes=0x0102030405060708),
        scapy.IE_DroppedDLTrafficThreshold(DLBY=1, byte_count=0x0102030405060708),
    ),
    (
        ies.DownlinkDataServiceInformation(paging_policy_indication=0x21),
        scapy.IE_DownlinkDataServiceInformation(PPI=1, ppi_val=0x21),
    ),
    (
        ies.DownlinkDataServiceInformation(qfi=0x21),
        scapy.IE_DownlinkDataServiceInformation(QFII=1, qfi_val=0x21),
    ),
    (
        ies.OuterHeaderCreation(teid=0x01020304, ipv4=V4),
        scapy.IE_OuterHeaderCreation(GTPUUDPIPV4=1, TEID=0x01020304, ipv4=str(V4)),
    ),
    (
        ies.OuterHeaderCreation(teid=0x01020304, ipv6=V6),
        scapy.IE_OuterHeaderCreation(GTPUUDPIPV6=1, TEID=0x01020304, ipv6=str(V6)),
    ),
    (
        ies.OuterHeaderCreation(ipv4=V4, port=0x0102),
        scapy.IE_OuterHeaderCreation(UDPIPV4=1, ipv4=str(V4), port=0x0102),
    ),
    (
        ies.OuterHeaderCreation(ipv6=V6, port=0x0102),
        scapy.IE_OuterHeaderCreation(UDPIPV6=1, ipv6=str(V6), port=0x0102),
    ),
    (ies.OuterHeaderCreation(ipv4=V4), scapy.IE_OuterHeaderCreation(IPV4=1, ipv4=str(V4))),
    (ies.OuterHeaderCreation(ipv6=V6), scapy.IE_OuterHeaderCreation(IPV6=1, ipv6=str(V6))),
    (ies.OuterHeaderCreation(ctag=0x010203), scapy.IE_OuterHeaderCreation(CTAG=1, ctag=0x010203)),
    (ies.OuterHeaderCreation(stag=0x010203), scapy.IE_OuterHeaderCreation(STAG=1, stag=0x010203)),
    (
        ies.Timer(unit=enums.TimerUnit.TEN_MINUTES, value=21),
        scapy.IE_Timer(timer_unit=2, timer_value=21),
    ),
    (
        ies.DLBufferingDuration(unit=enums.TimerUnit.TEN_HOURS, value=21),
        scapy.IE_DLBufferingDuration(timer_unit=4, timer_value=21),
    ),
    (
        ies.FlowInformation(direction=enums.FlowDirection.UPLINK, flow_description="permit in"),
        scapy.IE_FlowInformation(direction=2, flow="permit in"),
    ),
    (
        ies.AdditionalUsageReportsInformation(auri=True),
        scapy.IE_AdditionalUsageReportsInformation(AURI=1),
    ),
    (
        ies.AdditionalUsageReportsInformation(number_of_additional_usage_reports=0x0102),
        scapy.IE_AdditionalUsageReportsInformation(reports=0x0102),
    ),
    (
        ies.FailedRuleID(rule_id_type=0, rule_id=0x0102),
        scapy.IE_FailedRuleId(type=0, pdr_id=0x0102),
    ),
    *(
        (
            ies.FailedRuleID(rule_id_type=number, rule_id=0x01020304),
            scapy.IE_FailedRuleId(type=number, **{name: 0x01020304}),
        )
        for number, name in ((1, "far_id"), (2, "qer_id"), (3, "urr_id"))
    ),
    (ies.FailedRuleID(rule_id_type=4, rule_id=9), scapy.IE_FailedRuleId(type=4, bar_id=9)),
    (
        ies.OuterHeaderRemoval(description=6, gtpu_extension_header_deletion=1),
        scapy.IE_OuterHeaderRemoval(length=2, header=6, pdu_session_container=1),
    ),
    (
        ies.TimeQuotaMechanism(base_time_interval_type=1, base_time_interval_s=0x01020304),
        scapy.IE_TimeQuotaMechanism(base_time_interval_type=1, interval=0x01020304),
    ),
    (
        ies.ForwardingPolicy(identifier=b"policy"),
        scapy.IE_ForwardingPolicy(policy_identifier="policy"),
    ),
    (
        ies.RedirectInformation(address_type=2, server_address="http://there"),
        scapy.IE_RedirectInformation(type=2, address="http://there"),
    ),
    *(
        (ies.UserID(**{name: b"\x12\x34"}), scapy.IE_UserId(**{flag: 1, name: b"\x12\x34"}))
        for name, flag in (
            ("imsi", "IMSIF"),
            ("imei", "IMEIF"),
            ("msisdn", "MSISDNF"),
            ("nai", "NAIF"),
        )
    ),
]


@pytest.mark.parametrize(
    ("value", "theirs"), [pytest.param(*pair, id=repr(pair[0])) for pair in SCAPY]
)
def test_an_ie_has_the_octets_scapy_gives_it(value, theirs):
    octets = bytes(theirs)
    assert IES[int.from_bytes(octets[:2], "big")].cls is type(value)
    assert value.encode() == octets[4:]
    assert type(value).decode(octets[4:]) == value


# (our value, type, fields of pycrate): what scapy does not know.
PYCRATE_VALUES = [
    (ies.UEIPAddress(ipv6_prefix_delegation_bits=9), {"IPv6D": 1, "IPv6PrefDeleg": 9}),
    (ies.UEIPAddress(choose_ipv4=True), {"CHV4": 1}),
    (ies.UEIPAddress(choose_ipv6=True), {"CHV6": 1}),
    (ies.UEIPAddress(ipv6_prefix_length=56), {"IP6PL": 1, "IPv6PrefLen": 56}),
    (ies.VolumeMeasurement(total_packets=0x0102), {"TONOP": 1, "TotalNumPackets": 0x0102}),
    (ies.VolumeMeasurement(uplink_packets=0x0102), {"ULNOP": 1, "UplinkNumPackets": 0x0102}),
    (ies.VolumeMeasurement(downlink_packets=0x0102), {"DLNOP": 1, "DownlinkNumPackets": 0x0102}),
    (ies.SNSSAI(sst=1, sd=0x020304), {"SST": 1, "SD": 0x020304}),
    (ies.SDFFilter(tos_traffic_class=0x0102), {"TTC": 1, "ToSTrafficClass": b"\x01\x02"}),
    (ies.DLFlowLevelMarking(tos_traffic_class=0x0102), {"TTC": 1, "ToSTrafficClass": b"\x01\x02"}),
    (
        ies.DLFlowLevelMarking(service_class_indicator=0x0102),
        {"SCI": 1, "ServiceClassInd": b"\x01\x02"},
    ),
    (
        ies.SourceIPAddress(ipv4=V4, mask_prefix_length=24),
        {"V4": 1, "MPL": 1, "IPv4Addr": V4.packed, "MaskPrefLen": 24},
    ),
    (
        ies.SourceIPAddress(ipv6=V6, mask_prefix_length=56),
        {"V6": 1, "MPL": 1, "IPv6Addr": V6.packed, "MaskPrefLen": 56},
    ),
    (ies.AlternativeSMFIPAddress(ipv4=V4), {"V4": 1, "IPv4Addr": V4.packed}),
    (ies.AlternativeSMFIPAddress(ipv6=V6), {"V6": 1, "IPv6Addr": V6.packed}),
    (ies.CPPFCPEntityIPAddress(ipv4=V4), {"V4": 1, "IPv4Addr": V4.packed}),
    (ies.CPPFCPEntityIPAddress(ipv6=V6), {"V6": 1, "IPv6Addr": V6.packed}),
    (ies.RemoteGTPUPeer(ipv4=V4), {"V4": 1, "IPv4Addr": V4.packed}),
    (ies.RemoteGTPUPeer(ipv6=V6), {"V6": 1, "IPv6Addr": V6.packed}),
    (
        ies.RemoteGTPUPeer(destination_interface=b"\x01"),
        {"DI": 1, "DestinationInterface": {"Val": b"\x01"}},
    ),
    (ies.RemoteGTPUPeer(network_instance=b"n3"), {"NI": 1, "NetworkInstance": {"Val": b"n3"}}),
    (
        ies.PacketRate(downlink=LIMIT, additional_downlink=OTHER_LIMIT),
        {
            "DLPR": 1,
            "APRC": 1,
            "Downlink": {"TimeUnit": 2, "PacketRate": 0x0102},
            "AddDownlink": {"TimeUnit": 3, "PacketRate": 0x0304},
        },
    ),
    (
        ies.PacketRate(uplink=LIMIT, additional_uplink=OTHER_LIMIT),
        {
            "ULPR": 1,
            "APRC": 1,
            "Uplink": {"TimeUnit": 2, "PacketRate": 0x0102},
            "AddUplink": {"TimeUnit": 3, "PacketRate": 0x0304},
        },
    ),
    (
        ies.PacketRateStatus(
            uplink_packets=1, additional_uplink_packets=2, validity_time=0x0102030405060708
        ),
        {
            "UL": 1,
            "APR": 1,
            "NumRemainUplinkPacketsAllowed": 1,
            "NumRemainAddUplinkPacketsAllowed": 2,
            "RateCtrlStatusValidityTime": 0x0102030405060708,
        },
    ),
    (
        ies.PacketRateStatus(
            downlink_packets=1, additional_downlink_packets=2, validity_time=0x0102030405060708
        ),
        {
            "DL": 1,
            "APR": 1,
            "NumRemainDownlinkPacketsAllowed": 1,
            "NumRemainAddDownlinkPacketsAllowed": 2,
            "RateCtrlStatusValidityTime": 0x0102030405060708,
        },
    ),
    (ies.UELinkSpecificIPAddress(ipv4_3gpp=V4), {"V4": 1, "IPv4Addr": V4.packed}),
    (ies.UELinkSpecificIPAddress(ipv6_3gpp=V6), {"V6": 1, "IPv6Addr": V6.packed}),
    (ies.UELinkSpecificIPAddress(ipv4_non_3gpp=V4), {"NV4": 1, "IPv4AddrNon3GPP": V4.packed}),
    (ies.UELinkSpecificIPAddress(ipv6_non_3gpp=V6), {"NV6": 1, "IPv6AddrNon3GPP": V6.packed}),
    (
        ies.PMFAddressInformation(mac_3gpp=b"abcdef", mac_non_3gpp=b"ghijkl"),
        {"MAC": 1, "MAC3GPP": b"abcdef", "MACNon3GPP": b"ghijkl"},
    ),
    (ies.FiveGSUserPlaneNode(user_plane_node=0x0102), {"BID": 1, "BridgeID": 0x0102}),
    (ies.OuterHeaderCreation(n19=True), {"N19": 1}),
    (ies.OuterHeaderCreation(n6=True), {"N6": 1}),
]


@pytest.mark.parametrize(
    ("value", "fields"), [pytest.param(*pair, id=repr(pair[0])) for pair in PYCRATE_VALUES]
)
def test_an_ie_has_the_octets_pycrate_gives_it(value, fields):
    ie_type = next(spec.ie_type for spec in IES.values() if spec.cls is type(value))
    element = PYCRATE.PFCPIELUT[ie_type]("build")
    element.set_val(fields)
    octets = element.to_bytes()
    assert value.encode() == octets
    assert type(value).decode(octets) == value


@pytest.mark.parametrize(
    "spec",
    # A RAT Type is read with a name of its own; a UUID is octets to pycrate.
    [
        pytest.param(spec, id=spec.name)
        for spec in KNOWN
        if isinstance(spec.kind, Fixed) and spec.ie_type != 275
    ],
)
def test_a_plain_value_has_the_size_and_bits_pycrate_reads(spec):
    octets = bytes(range(1, 1 + spec.kind.size))
    element = pycrate_reading(spec.ie_type, octets)
    assert element.to_bytes() == octets
    values = element.get_val_d() if hasattr(element, "_content") else {"": element.get_val()}
    assert not values.pop("ext", b"")
    values.pop("spare", None)
    (value,) = values.values()
    if isinstance(value, bytes):
        value = int.from_bytes(value, "big")
    assert value == int.from_bytes(octets, "big") & (spec.kind.mask or -1)


# IEs of a group that pycrate's tables get wrong or release 17.0 did not have or demand: type of the
# group → mandatory ones; and those it may hold besides.
MANDATORY = {
    80: {81, 104, 63},  # pycrate has what a Downlink Data Report holds
    218: {219},
    258: set(),
}
LATER = {
    1: {275},
    2: {294, 305, 308, 314},
    3: {301, 302},
    4: {293},
    6: {117},
    7: {319},
    8: {308},
    9: {275},
    10: {302, 304},
    11: {293},
    13: {117},
    80: {63, 81, 104, 299},
    127: {188, 275, 305, 308, 314},
    128: {308},
    129: {275},
    165: {288, 289},
    166: {275},
    167: {275},
    169: {288, 289},
    175: {275},
    176: {275},
    203: {321},
    205: {22, 159, 257},
    212: {295},
    213: {295},
    218: {219},
    227: {124},
    267: {257},
}


@pytest.mark.parametrize(
    "spec", [pytest.param(spec, id=spec.name) for spec in KNOWN if spec.group_fields]
)
def test_a_group_holds_what_pycrate_lists(spec):
    theirs = PYCRATE.PFCPIELUT[spec.ie_type]
    mandatory = {
        field.ie.ie_type
        for field in spec.group_fields
        if field.presence is Presence.MANDATORY or field.at_least_one
    }
    listed = [{each} if isinstance(each, int) else set(each) for each in (theirs.MAND, theirs.OPT)]
    assert mandatory == MANDATORY.get(spec.ie_type, listed[0])
    ours = {field.ie.ie_type for field in spec.group_fields}
    later = LATER.get(spec.ie_type, set())
    assert ours - later <= listed[0] | listed[1]
    assert not later & listed[1]
    if spec.ie_type not in MANDATORY:
        assert listed[0] | listed[1] <= ours


def types_of(spec):
    return {field.ie.ie_type for field in spec.group_fields}


LATER_IN_MESSAGES = {
    12: {315, 320},
    50: {276, 277, 291, 300, 310, 316},
    51: {279, 303, 311},
    52: {291, 310, 316},
    53: {264, 272, 311},
    55: {311, 318},
    56: {19},
    57: {60, 65, 291},
}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=spec.name)
        for spec in messages.schema.MESSAGES.values()
        if spec.message_type in PYCRATE.PFCPDispatcher
    ],
)
def test_a_message_holds_what_pycrate_lists(spec):
    theirs = PYCRATE.PFCPDispatcher[spec.message_type]()[1]
    later = LATER_IN_MESSAGES.get(spec.message_type, set())
    listed = set(theirs.MAND) | set(theirs.OPT)
    # 252 and 273 are not of the modification response that lists them.
    assert types_of(spec) - later == listed - ({252, 273} if spec.message_type == 53 else set())
    assert {
        field.ie.ie_type
        for field in spec.group_fields
        if field.presence is Presence.MANDATORY or field.at_least_one
    } == set(theirs.MAND)


@pytest.mark.parametrize("spec", [pytest.param(spec, id=spec.name) for spec in KNOWN])
def test_a_type_number_has_the_name_pycrate_knows(spec):
    def plain(name):
        name = name.split(" within ")[0].split("(")[0].replace("Packet Detection Rule ID", "PDR ID")
        return name.lower().replace(" ", "").replace("-", "").replace("request", "req")

    known_as = RENAMED.get(spec.ie_type, PYCRATE.PFCPIEType_dict[spec.ie_type])
    assert plain(spec.name) in {plain(known_as), "pfcp" + plain(known_as)}


RENAMED = {
    198: "5GS User Plane Node",
    206: "Time Domain Number",
    240: "QoS Information in GTP-U Path QoS Report",
    266: "User Plane Node Management Information Container",
}
"""Names that changed after release 17.0."""

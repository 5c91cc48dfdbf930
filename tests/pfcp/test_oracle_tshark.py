"""What is encoded here, dissected by Wireshark's `tshark`: names, flags, and nothing malformed."""

import re
import shutil
import struct
import subprocess
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from pfcp import enums, ies
from pfcp.groups import encoder_of
from pfcp.messages import schema
from pfcp.schema import Presence, spec_of
from pfcp.wire import (
    IPV4,
    IPV6,
    LV16_PAIRS,
    LV16_TEXTS,
    MAC,
    PLMN,
    UUID128,
    Flag,
    Octets,
)

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed: apt-get install tshark"
)

V4 = IPv4Address("1.2.3.4")
V6 = IPv6Address("2001:db8::1:2:3")
RATE = ies.PacketRateLimit(packets=0x0102, time_unit=enums.PacketRateTimeUnit.HOUR)
MULTICAST = ies.SourceSpecificMulticast(distribution=IPv4Address("232.1.2.3"), source=V4)

OWN = {
    ies.UserID: [
        ies.UserID(
            imsi=bytes.fromhex("00010121436587f9"),
            imei=bytes.fromhex("5366770100000000"),
            msisdn=bytes.fromhex("9471000000f0"),
            nai=b"user@realm",
            supi=b"gci-1",
            gpsi=b"extid-1@realm",
            pei=b"mac-00-11-22-33-44-55",
        )
    ],
    ies.FTEID: [
        ies.FTEID(teid=0x01020304, ipv4=V4, ipv6=V6),
        ies.FTEID(choose=True, choose_ipv4=True, choose_id=7),
    ],
    ies.RedirectInformation: [
        ies.RedirectInformation(address_type=kind, server_address=address, **more)
        for kind, address, more in (
            (0, "1.2.3.4", {}),
            (1, "2001:db8::1", {}),
            (2, "http://there", {}),
            (4, "1.2.3.4", {"other_server_address": "2001:db8::1"}),
            (6, "1.2.3.4", {"port": 8080}),
            (8, "1.2.3.4", {"other_server_address": "2001:db8::1", "port": 8080}),
        )
    ],
    ies.DLBufferingSuggestedPacketCount: [
        ies.DLBufferingSuggestedPacketCount(packets=count) for count in (200, 0x0102)
    ],
    ies.NodeID: [ies.NodeID(value=value) for value in (V4, V6, "upf.core.example")],
    ies.FQCSID: [
        ies.FQCSID(node_address=address, csids=(0x0102, 0x0304), node_type=2)
        for address in (V4, V6, 0x01020304)
    ],
    ies.OuterHeaderCreation: [
        ies.OuterHeaderCreation(teid=0x01020304, ipv4=V4, ipv6=V6),
        ies.OuterHeaderCreation(ipv4=V4, port=0x0102),
        ies.OuterHeaderCreation(ctag=0x010203, stag=0x040506),
    ],
    ies.PacketRate: [
        ies.PacketRate(uplink=RATE),
        ies.PacketRate(downlink=RATE),
        ies.PacketRate(uplink=RATE, downlink=RATE),
    ],
    ies.FailedRuleID: [ies.FailedRuleID(rule_id_type=kind, rule_id=9) for kind in enums.RuleIDType],
    ies.CTAG: [ies.CTAG(pcp=5, dei=True, vid=0x123)],
    ies.STAG: [ies.STAG(pcp=5, dei=True, vid=0x123)],
    ies.MACAddressesDetected: [
        ies.MACAddressesDetected(
            addresses=(b"\1\2\3\4\5\6", b"\7\1\2\3\4\5"), ctag=ies.CTAG(vid=7), stag=ies.STAG(pcp=1)
        )
    ],
    ies.MACAddressesRemoved: [ies.MACAddressesRemoved(addresses=(b"\1\2\3\4\5\6",))],
    ies.SMFSetID: [ies.SMFSetID(fqdn="set1.smfset.5gc.example")],
    ies.IPMulticastAddress: [
        ies.IPMulticastAddress(any=True),
        ies.IPMulticastAddress(ipv4=V4),
        ies.IPMulticastAddress(ipv4=V4, end_ipv4=V4),
        ies.IPMulticastAddress(ipv6=V6, end_ipv6=V6),
    ],
    # Wireshark cannot show the eight octets of the validity time.
    ies.PacketRateStatus: [ies.PacketRateStatus()],
    ies.PMFAddressInformation: [
        ies.PMFAddressInformation(
            ipv4=V4,
            ipv6=V6,
            port_3gpp=0x0102,
            port_non_3gpp=0x0304,
            mac_3gpp=b"\1\2\3\4\5\6",
            mac_non_3gpp=b"\7\1\2\3\4\5",
        )
    ],
    ies.L2TPUserAuthentication: [
        ies.L2TPUserAuthentication(
            proxy_authen_type=2,
            proxy_authen_name=b"name",
            proxy_authen_challenge=b"challenge",
            proxy_authen_response=b"response",
            proxy_authen_id=9,
        )
    ],
    ies.LNSAddress: [ies.LNSAddress(value=V4), ies.LNSAddress(value=V6)],
    ies.MBSSessionIdentifier: [
        ies.MBSSessionIdentifier(tmgi=b"\1\2\3\x00\xf1\x10"),
        ies.MBSSessionIdentifier(source_specific_multicast=MULTICAST, nid=b"\1\2\3\4\5\x60"),
    ],
    ies.MulticastTransportInformation: [
        ies.MulticastTransportInformation(
            common_teid=0x01020304, source_specific_multicast=MULTICAST
        )
    ],
    ies.LocalIngressTunnel: [
        ies.LocalIngressTunnel(port=0x0102, ipv4=V4),
        ies.LocalIngressTunnel(choose=True, choose_ipv6=True),
    ],
}


SHORTER = {
    ies.SourceIPAddress: {"mask_prefix_length"},  # looked for behind the IE
    ies.FiveGSUserPlaneNode: {"user_plane_node"},  # six octets are shown of eight
}
"""Fields of an IE that Wireshark 4.0 cannot read where the specification puts them."""

LEFT_OUT = {
    306: "its spare octet is taken for the tunnel endpoint",
    321: "it is younger than Wireshark 4.0",
}
"""IEs that Wireshark 4.0 cannot read."""


def of_kind(kind, enumeration):
    if kind in {IPV4, IPV6, MAC, PLMN, UUID128, LV16_TEXTS, LV16_PAIRS}:
        return {
            IPV4: V4,
            IPV6: V6,
            MAC: b"\1\2\3\4\5\6",
            PLMN: "00101",
            UUID128: UUID(int=0x0102030405060708),
            LV16_TEXTS: ("one", "two"),
            LV16_PAIRS: (("one", "two"), ("three", "four")),
        }[kind]
    if isinstance(kind, Octets) and "decode" in kind.read:
        return "permit out ip from any to assigned"
    if isinstance(kind, Octets):
        return (1, 2) if "tuple" in kind.read else b"\x80"
    if isinstance(kind, Flag):
        return True
    return next(iter(enumeration)) if enumeration else 1


def full(spec):
    """A value with everything set that may be."""
    if getattr(spec, "ie_type", None) == 297:
        return b"four"  # Wireshark shows a number
    if getattr(spec, "kind", None) is not None:
        return of_kind(spec.kind, spec.enumeration)
    if spec.cls in OWN:
        return OWN[spec.cls][0]
    values = {}
    for field in spec.group_fields:
        if field.ie.ie_type in LEFT_OUT:
            continue
        value = full(field.ie)
        values[field.name] = (value, value) if field.presence is Presence.SEVERAL else value
    for field in getattr(spec, "leaf_fields", ()):
        if field.name in SHORTER.get(spec.cls, ()):
            continue
        values[field.name] = of_kind(field.kind, field.enumeration)
    return spec.cls(**values)


def in_a_message(*encoded):
    body = b"".join(encoded)
    return b"\x21\x34" + struct.pack(">HQI", 12 + len(body), 1, 0x100) + body


def dissect(folder, datagrams):
    """One element of PDML for each datagram."""
    packets = [struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for octets in datagrams:
        udp = struct.pack(">HHHH", 8805, 8805, 8 + len(octets), 0) + octets
        ip = struct.pack(">BBHIBBH", 0x45, 0, 20 + len(udp), 0, 64, 17, 0) + V4.packed + V4.packed
        packets += [struct.pack("<IIII", 0, 0, 20 + len(udp), 20 + len(udp)), ip + udp]
    file = folder / "n4.pcap"
    file.write_bytes(b"".join(packets))
    run = subprocess.run(
        ["tshark", "-r", file, "-T", "pdml"], capture_output=True, check=True, timeout=120
    )
    return ET.fromstring(run.stdout).findall("packet")


def every_ie():
    for spec in schema.IES.values():
        if spec.ie_type not in LEFT_OUT:
            for number, value in enumerate(OWN.get(spec.cls) or [full(spec)]):
                yield f"{spec.name} {number}", in_a_message(encoder_of(spec)(value))


def every_message():
    for spec in schema.MESSAGES.values():
        value = full(spec)
        yield spec.name, value.encode()


def every_flag():
    """Each flag that is a field of its own, alone."""
    for spec in schema.IES.values():
        if spec.leaf_fields and all(isinstance(field.kind, Flag) for field in spec.leaf_fields):
            for field in spec.leaf_fields:
                value = spec.cls(**{field.name: True})
                yield f"{spec.name} {field.name}", in_a_message(encoder_of(spec)(value))


LOW, HIGH = b"\1\2\3\4\5\6", b"\x0a\x0b\x0c\x0d\x0e\x0f"
SHOWN = [
    (ies.CTAG(pcp=5, dei=True), {"DEI: True", "PCP: True", "VID: False"}),
    (ies.CTAG(vid=0x123), {"VID: True", "DEI: False", "PCP: False", "C-VID: 0x0123"}),
    (
        ies.STAG(pcp=5, dei=False),
        {
            "VID: False",
            "DEI: True",
            "Drop eligible indicator (DEI): Ineligible",
            "Priority code point (PCP): Voice, < 10ms latency and jitter (5)",
        },
    ),
    (
        ies.MACAddress(source=LOW, destination=HIGH),
        {"Source MAC Address: 010203040506", "Destination MAC Address: 0a0b0c0d0e0f"},
    ),
    (ies.MACAddress(upper_source=LOW), {"Upper Source MAC Address: 010203040506"}),
    (ies.MACAddress(upper_destination=LOW), {"Upper Destination MAC Address: 010203040506"}),
    (
        ies.MACAddressesRemoved(addresses=(LOW,), stag=ies.STAG(vid=7)),
        {"MAC Address: 010203040506", "Length of C-TAG: 0", "S-VID: 0x0007"},
    ),
    (
        ies.FQCSID(node_address=V4, csids=(0x0102, 0x0304), node_type=2),
        {
            "Node-Address: 1.2.3.4",
            "PDN Connection Set Identifier (CSID): 258",
            "PDN Connection Set Identifier (CSID): 772",
            "Node Type: PGW-C (2)",
        },
    ),
    (
        ies.FQCSID(node_address=0x01020304, csids=(7,), node_type=5),
        {"Node-Address MCC MNC: 4128", "Node-Address Number: 772", "Number of CSID: 1"},
    ),
    (
        ies.PacketRate(uplink=RATE),
        {"Uplink Time Unit: Hour (2)", "Maximum Uplink Packet Rate: 258"},
    ),
    (
        ies.PacketRate(downlink=RATE),
        {"Downlink Time Unit: Hour (2)", "Maximum Downlink Packet Rate: 258"},
    ),
    (
        ies.IPMulticastAddress(ipv4=IPv4Address("232.0.0.1"), end_ipv4=IPv4Address("232.0.0.9")),
        {"(Start) IPv4 address: 232.0.0.1", "(End) IPv4 address: 232.0.0.9"},
    ),
    (ies.IPMulticastAddress(ipv6=V6), {f"(Start) IPv6 address: {V6}", "RANGE: Not Present"}),
    (ies.IPMulticastAddress(any=True), {"ANY: Present", "V4 (IPv4): Not Present"}),
    *(
        (
            ies.MPTCPAddressInformation(mptcp_proxy_type=1, mptcp_proxy_port=0x0203, **address),
            {"MPTCP proxy type: 01", "MPTCP proxy port: 515", label},
        )
        for address, label in (
            ({"ipv4": V4}, f"MPTCP proxy IPv4 address: {V4}"),
            ({"ipv6": V6}, f"MPTCP proxy IPv6 address: {V6}"),
        )
    ),
    (
        OWN[ies.PMFAddressInformation][0],
        {
            f"PMF IPv4 Address: {V4}",
            f"PMF IPv6 Address: {V6}",
            "PMF port for 3GPP: 258",
            "PMF port for Non-3GPP: 772",
            "MAC Address for 3GPP: 010203040506",
            "MAC Address for Non-3GPP: 070102030405",
        },
    ),
    (
        ies.PacketDelayThresholds(downlink_ms=7),
        {"DL (Downlink): Present", "Downlink packet delay threshold (milliseconds): 7"},
    ),
    (ies.PacketDelayThresholds(uplink_ms=7), {"UL (Uplink): Present"}),
    (
        ies.PacketDelayThresholds(round_trip_ms=7),
        {"Round trip packet delay threshold (milliseconds): 7"},
    ),
    (
        ies.QoSMonitoringMeasurement(downlink_ms=7),
        {
            "Downlink packet delay (milliseconds): 7",
            "PLMF (Packet Delay Measurement Failure): Not Present",
        },
    ),
    (ies.QoSMonitoringMeasurement(uplink_ms=7), {"UL (Uplink): Present"}),
    (
        ies.QoSMonitoringMeasurement(round_trip_ms=7),
        {"Round trip packet delay (milliseconds): 7"},
    ),
    (
        ies.NumberOfUEIPAddresses(ipv4_addresses=7, ipv6_addresses=8),
        {"Number of UE IPv4 Addresses: 7", "Number of UE IPv6 Addresses: 8"},
    ),
    (ies.NumberOfUEIPAddresses(ipv6_addresses=8), {"Number of UE IPv6 Addresses: 8"}),
    (
        ies.Thresholds(rtt_ms=0x0102, packet_loss_rate=3),
        {"RTT (in milliseconds): 258", "Packet Loss Rate (in percent): 3"},
    ),
    (ies.Thresholds(packet_loss_rate=3), {"Packet Loss Rate (in percent): 3"}),
    (ies.CPIPAddress(ipv4=V4), {f"IPv4 address: {V4}"}),
    (ies.CPIPAddress(ipv6=V6), {f"IPv6 address: {V6}"}),
    *(
        (ies.IPAddressAndPortNumberReplacement(**{field: value}), {f"{label}: {shown}"})
        for field, value, label, shown in (
            ("destination_ipv4", V4, "Destination IPv4 address", V4),
            ("destination_ipv6", V6, "Destination IPv6 address", V6),
            ("destination_port", 0x0102, "Destination Port Number", 258),
            ("source_ipv4", V4, "Source IPv4 address", V4),
            ("source_ipv6", V6, "Source IPv6 address", V6),
            ("source_port", 0x0102, "Source Port Number", 258),
        )
    ),
    (
        ies.LocalIngressTunnel(port=0x0102, ipv6=V6),
        {"UDP Port: 0x00000102", f"IPv6 address: {V6}", "CH (CHOOSE): False"},
    ),
    (
        ies.LocalIngressTunnel(choose=True, choose_ipv4=True),
        {"CH (CHOOSE): True", "V4 (IPv4): Present", "V6 (IPv6): Not Present"},
    ),
    (ies.MBSSessionIdentifier(tmgi=LOW), {"TMGI: 010203040506"}),
    (ies.MBSSessionIdentifier(nid=LOW), {"NIDI: True", "SSMI: False"}),
    (
        OWN[ies.L2TPUserAuthentication][0],
        {
            "Proxy Authen Type Value: 2",
            "Proxy Authen Name: name",
            "Proxy Authen Challenge: challenge",
            "Proxy Authen Response: response",
            "Proxy Authen ID: 9",
        },
    ),
    (ies.LNSAddress(value=V6), {f"IPv6 address: {V6}"}),
    (ies.SMFSetID(fqdn="set.example"), {"FQDN: set.example"}),
    (ies.Multiplier(value_digits=3, exponent=2), {"Value Digits: 3", "Exponent: 2"}),
    (
        ies.TraceInformation(
            plmn="262010",
            trace_id=0x010203,
            triggering_events=b"\1\2",
            session_trace_depth=3,
            list_of_interfaces=b"\4\5",
            ip_address_of_trace_collection_entity=V4.packed,
        ),
        {
            "Mobile Country Code (MCC): Germany (262)",
            "Mobile Network Code (MNC): Unknown (010)",
            "Trace ID: 66051",
            "Trigger Events: 0102",
            "Session Trace Depth: 3",
            "List of Interfaces: 0405",
            f"IP Address of Trace Collection Entity: {V4}",
        },
    ),
    (ies.UEIPAddressPoolIdentity(identity=b"pool"), {'UE IP address Pool Identity: "pool"'}),
    (ies.DNSQueryFilter(domain_name_pattern=b"{}"), {"DNS Query Filter Pattern: {}"}),
    (
        ies.OffendingIEInformation(ie_type=21, value=b"\1\2"),
        {"Type of the offending IE: F-TEID (21)", "Value of the offending IE: 0102"},
    ),
    (
        ies.VendorSpecificNodeReportType(enterprise_id=10415, report_types=b"\x80"),
        {"Enterprise ID: 3GPP (10415)"},
    ),
    (
        ies.AccessAvailabilityInformation(access_type=1, availability_status=0),
        {
            "Failed Rule ID Type: Non-3GPP access type (1)",
            "Failed Rule ID Type: Access has become unavailable (0)",
        },
    ),
    (
        ies.HeaderEnrichment(header_type=0, header_field_name=b"n", header_field_value=b"v"),
        {'Header Field Name: "n"', 'Header Field Value: "v"'},
    ),
    (
        OWN[ies.RedirectInformation][-1],
        {
            "Redirect Server Address: 1.2.3.4",
            "Other Redirect Server Address: 2001:db8::1",
            "Redirect Port: 8080",
        },
    ),
    (ies.PMFControlInformation(qfis=(1, 2)), {"Number of QFI: 2", "QFI: 0x01", "QFI: 0x02"}),
    (
        ies.DSCPToPPIMappingInformation(ppi=3, dscps=(1, 46)),
        {"PPI value: 3", "DSCP value: 1", "DSCP value: 46"},
    ),
    *((ies.UserID(**{name: b"own"}), {f"{name.upper()}: own"}) for name in ("supi", "gpsi", "pei")),
    (ies.PFDContents(flow_description="f"), {"Flow Description: f"}),
    (ies.PFDContents(url="u"), {"URL: u"}),
    (ies.PFDContents(domain_name="d"), {"Domain Name: d"}),
    (ies.PFDContents(custom_pfd_content=b"c"), {"Custom PFD Content: 63"}),
    (ies.PFDContents(domain_name_protocol="p"), {"Domain Name Protocol: p"}),
    (
        ies.PFDContents(additional_flow_descriptions=("f", "g")),
        {"AFD (Additional Flow Description): True", "Flow Description: f", "Flow Description: g"},
    ),
    (
        ies.PFDContents(additional_urls=("u", "v")),
        {"AURL (Additional URL): True", "URL: u", "URL: v"},
    ),
    (
        ies.PFDContents(additional_domain_names_and_protocols=(("d", "p"),)),
        {"Domain Name: d", "Domain Name Protocol: p"},
    ),
]
"""Value, and how Wireshark shows it: no two fields of an IE alike."""

CASES = {
    repr(value): in_a_message(encoder_of(spec_of(type(value)))(value)) for value, _ in SHOWN
} | {
    name: octets
    for cases in (every_ie(), every_message(), every_flag())
    for name, octets in cases
    if not name.startswith(tuple(f"{schema.IES[number].name} " for number in LEFT_OUT))
}


@pytest.fixture(scope="module")
def dissected(tmp_path_factory):
    """PDML by name of the case; tshark is started once for all."""
    found = dissect(tmp_path_factory.mktemp("tshark"), CASES.values())
    return dict(zip(CASES, found, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_what_is_encoded_is_dissected_without_complaint(dissected, name):
    complaints = [
        field.get("showname")
        for field in dissected[name].iter("field")
        if field.get("name").startswith(
            ("_ws.malformed", "_ws.expert", "pfcp.ie_data_not", "pfcp.ie_not")
        )
    ]
    complaints += [
        each.get("showname")
        for each in dissected[name].iter("proto")
        if each.get("name").startswith("_ws.")
    ]
    assert complaints == []


@pytest.mark.parametrize(
    ("value", "labels"), [pytest.param(*each, id=repr(each[0])) for each in SHOWN]
)
def test_a_value_is_shown_by_wireshark_under_its_name(dissected, value, labels):
    shown = {
        (field.get("showname") or "").rpartition(" = ")[2]
        for field in dissected[repr(value)].iter("field")
    }
    assert labels <= shown


# What Wireshark 4.0 shows for a flag where it does not use the name of the specification: another
# one, or None for a bit it does not know.
WIRESHARK = {
    "UP Function Features psuprm": "mbsn4",
    "UP Function Features epppi": "eppi",
    "UP Function Features mte": "mte_n4",
    "PFCPSMReq-Flags deteid": None,
    "PFCP Association Release Request urss": None,
    "QER Indications iqfisn": "iqfis",
    "Usage Report Trigger tebur": "temur",
    "Ethernet PDU Session Information ethi": "imsif",
    "PFCPAUReq-Flags parps": "parpbs",
}
LABEL = re.compile(r" = ([^(:]+?)(?: ?\(.*?\))*:")


@pytest.mark.parametrize("name", [name for name, _ in every_flag() if name in CASES])
def test_a_flag_alone_is_the_one_wireshark_names(dissected, name):
    shown = {
        label[1].lower().replace("-", "_").replace(" ", "_")
        for field in dissected[name].iter("field")
        if field.get("value") == "1" and (label := LABEL.search(field.get("showname") or ""))
    }
    expected = WIRESHARK.get(name, name.rpartition(" ")[2])
    assert shown & ALL_FLAGS == {expected} - {None}


ALL_FLAGS = {name.rpartition(" ")[2] for name, _ in every_flag()} | set(WIRESHARK.values())


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=spec.name)
        for spec in schema.IES.values()
        if spec.ie_type not in LEFT_OUT
    ],
)
def test_a_type_number_has_the_name_wireshark_gives_it(dissected, spec):
    def plain(name):
        name = name.split(" within ")[0].split(" IE")[0].split("(")[0].split(" in ")[0]
        return "".join(each for each in name.lower() if each.isalnum()).removeprefix("pfcp")

    (shown, *_) = (
        field.get("showname").split(": ", 1)[1]
        for field in dissected[f"{spec.name} 0"].iter("field")
        if field.get("name") == "pfcp.ie_type"
    )
    assert plain(RENAMED.get(spec.ie_type, spec.name)) == plain(shown)


RENAMED = {
    **dict.fromkeys((170, 171, 172, 173, 174, 254), "unknown"),
    166: "Access Forwarding Action Information 1",
    167: "Access Forwarding Action Information 2",
    175: "Update Access Forwarding Action Information 1",
    176: "Update Access Forwarding Action Information 2",
    200: "Port Management Information for TSC",
    201: "Port Management Information for TSC",
    264: "Query Packet Rate Status Report",
    279: "L2TP Session Information",
    311: "MBS Session N4 Control Information",
    314: "Area Sesson ID",
}
"""Types that Wireshark 4.0 calls otherwise than the specification, or does not name."""


def test_every_type_wireshark_names_is_declared():
    run = subprocess.run(
        ["tshark", "-G", "values"], capture_output=True, check=True, text=True, timeout=60
    )
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    named = {int(row[2]) for row in rows if row[:2] == ["V", "pfcp.ie_type"]}
    messages_named = {int(row[2]) for row in rows if row[:2] == ["V", "pfcp.msg_type"]}
    # Reserved, a User Plane IP Resource Information of release 15, and spare.
    assert named - schema.IES.keys() == {0, 116, 273}
    assert messages_named - schema.MESSAGES.keys() == {0}

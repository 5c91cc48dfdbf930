"""SDF filters of every kind, each tried with a packet that matches and one that does not."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from pfcp import ies
from testbed import rules
from testbed.topologies import SERVER_ADDRESS, SERVER_IPV6
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS
from testbed.wire import SILENCE_S

pytestmark = pytest.mark.root

ANY4 = "permit out ip from any to assigned"


@pytest.fixture
def ue(stage, session):
    """A session whose downlink is dropped but for one flow: `ue(filters)` gives its addresses."""

    def ask(*filters, **pdi):
        ipv4, prefix, teid = stage.ue_ipv4(), stage.ue_prefix(), stage.number()
        address = rules.ue(ipv4, prefix[1], is_destination=True)
        session(
            (
                rules.from_core(1, 1, address, precedence=10, sdf_filters=filters, **pdi),
                rules.from_core(2, 2, address, precedence=99),
            ),
            (
                rules.to_tunnel(1, teid, GNB_ADDRESS),
                ies.CreateFAR(far_id=2, apply_action=rules.DROP),
            ),
        )
        return {4: ipv4, 6: prefix[1]}

    return ask


def udp(sport=53, dport=7000):
    return UDP(sport=sport, dport=dport) / b"flow"


def esp(spi):
    return Raw(spi.to_bytes(4) + bytes(12))


def flow(description=None, **more):
    return ies.SDFFilter(flow_description=description, **more)


# Filter; then header fields and payload that match; then such that do not.
CASES = {
    "protocol by number": (flow("permit out 17 from any to assigned"), 4, {}, udp(), {}, TCP()),
    "protocol by name": (flow("permit out tcp from any to assigned"), 4, {}, TCP(), {}, udp()),
    "source network": (
        *(flow("permit out ip from 192.0.2.0/25 to assigned"), 4, {}, udp()),
        *({"src": "192.0.2.200"}, udp()),
    ),
    "source port": (
        *(flow("permit out 17 from any 53 to assigned"), 4, {}, udp(53)),
        *({}, udp(54)),
    ),
    "list and range of ports": (
        *(flow("permit out 17 from any to assigned 22,6000-7000"), 4, {}, udp(dport=7000)),
        *({}, udp(dport=7001)),
    ),
    "IPv6 network": (
        *(flow("permit out ip from 2001:db8::/64 to assigned"), 6, {}, udp()),
        *({"src": "2001:db8:0:1::1"}, udp()),
    ),
    "any is both versions": (
        *(flow("permit out 17 from any to any"), 6, {}, udp()),
        *({}, TCP()),
    ),
    "type of service": (
        *(flow(ANY4, tos_traffic_class=0xB8FC), 4, {"tos": 0xB8}, udp()),
        *({"tos": 0x28}, udp()),
    ),
    "traffic class": (
        *(flow(ANY4, tos_traffic_class=0xB8FC), 6, {"tc": 0xB9}, udp()),
        *({"tc": 0}, udp()),
    ),
    "flow label": (
        *(flow(ANY4, flow_label=0x12345), 6, {"fl": 0x12345}, udp()),
        *({"fl": 0x12346}, udp()),
    ),
    "security parameter index": (
        *(flow("permit out 50 from any to assigned", security_parameter_index=0xCAFE0001), 4),
        *({"proto": 50}, esp(0xCAFE0001)),
        *({"proto": 50}, esp(0xCAFE0002)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_filter_takes_what_it_says_and_nothing_else(stage, ue, case):
    sdf_filter, version, fields, payload, other_fields, other_payload = CASES[case]
    address = ue(sdf_filter)[version]
    header = IP if version == 4 else IPv6
    source = SERVER_ADDRESS if version == 4 else SERVER_IPV6
    for layer, given, is_wanted in (
        (payload, fields, True),
        (other_payload, other_fields, False),
    ):
        stage.dn.send(header(**{"src": str(source), "dst": str(address), **given}) / layer)
        got = stage.gnb.receive(2.0 if is_wanted else 0.15)
        assert (got is not None) == is_wanted


def test_a_filter_id_alone_is_the_filter_given_before_in_the_other_direction(stage, session):
    ipv4, teid = stage.ue_ipv4(), stage.number()
    described = flow("permit out 17 from any 53 to assigned", sdf_filter_id=7)
    answer = session(
        (
            rules.from_core(
                1, 1, rules.ue(ipv4, is_destination=True), precedence=10, sdf_filters=(described,)
            ),
            rules.from_tunnel(
                2,
                rules.choose_fteid(),
                2,
                ue_ip_addresses=rules.ue(ipv4),
                sdf_filters=(flow(sdf_filter_id=7),),
            ),
        ),
        (rules.to_tunnel(1, teid, GNB_ADDRESS), rules.to_core(2)),
    )
    fteid = rules.created(answer, 2).local_fteid
    for port, is_wanted in ((53, True), (54, False)):
        mark = b"to port %d" % port
        packet = IP(src=str(ipv4), dst=str(SERVER_ADDRESS)) / UDP(sport=9000, dport=port) / mark
        stage.gnb.send_packet(packet, UPF_N3_ADDRESS, fteid.teid, 9)
        assert (stage.dn.receive(mark, 2.0 if is_wanted else 0.15) is not None) == is_wanted


@pytest.mark.parametrize(
    "sdf_filter",
    [
        flow("deny out ip from any to assigned"),
        flow("permit in ip from any to assigned"),
        flow("permit out ip from !192.0.2.1 to assigned"),
        flow("permit out 17 from any 99999 to assigned"),
        flow(sdf_filter_id=99),
    ],
    ids=["deny", "in", "not", "port", "id of nothing"],
)
def test_a_filter_that_cannot_be_expressed_is_refused_with_its_rule(stage, sdf_filter):
    pdr = rules.from_core(8, 1, rules.ue(stage.ue_ipv4()), sdf_filters=(sdf_filter,))
    refused = stage.smf.establish((pdr,), (rules.to_tunnel(1, 1, GNB_ADDRESS),))
    assert refused.cause in (73, 76)
    assert (refused.offending_ie, refused.failed_rule_id.rule_id) == (23, 8)


def test_precedence_decides_and_the_qfi_of_the_rule_is_marked(stage, session):
    ipv4, teid = stage.ue_ipv4(), stage.number()
    address = rules.ue(ipv4, is_destination=True)
    session(
        (
            rules.from_core(70_000 % 65_536, 1, address, precedence=255, qers=(4_000_000_000,)),
            rules.from_core(
                2, 1, address, precedence=0, qers=(2,), sdf_filters=(flow(ANY4, flow_label=None),)
            ),
        ),
        (rules.to_tunnel(1, teid, GNB_ADDRESS),),
        create_qers=(rules.qer(4_000_000_000, qfi=9), rules.qer(2, qfi=5)),
    )
    stage.dn.send(IP(src=str(SERVER_ADDRESS), dst=str(ipv4)) / udp())
    assert stage.gnb.receive().message.qfi == 5


def test_gates_stop_each_direction_alone(stage, session):
    ipv4, teid = stage.ue_ipv4(), stage.number()
    closed = ies.GateStatus(uplink=0, downlink=1)
    answer = session(
        (
            rules.from_tunnel(
                1, rules.choose_fteid(), 1, qers=(1,), ue_ip_addresses=rules.ue(ipv4)
            ),
            rules.from_core(2, 2, rules.ue(ipv4, is_destination=True), qers=(1,)),
        ),
        (rules.to_core(1), rules.to_tunnel(2, teid, GNB_ADDRESS)),
        create_qers=(ies.CreateQER(qer_id=1, gate_status=closed),),
    )
    fteid = rules.created(answer, 1).local_fteid
    before = stage.drops("gate_closed")
    packet = IP(src=str(ipv4), dst=str(SERVER_ADDRESS)) / UDP() / b"upwards"
    stage.gnb.send_packet(packet, UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.dn.receive(b"upwards") is not None
    stage.dn.send(IP(src=str(SERVER_ADDRESS), dst=str(ipv4)) / udp())
    assert stage.gnb.receive(SILENCE_S) is None
    assert stage.drops("gate_closed") == before + 1


def test_reflective_qos_and_paging_policy_are_marked(stage, session):
    ipv4, teid = stage.ue_ipv4(), stage.number()
    session(
        (rules.from_core(1, 1, rules.ue(ipv4, is_destination=True), qers=(1,)),),
        (rules.to_tunnel(1, teid, GNB_ADDRESS),),
        create_qers=(rules.qer(1, qfi=7, rqi=True, paging_policy_indicator=3),),
    )
    stage.dn.send(IP(src=str(SERVER_ADDRESS), dst=str(ipv4)) / udp())
    got = stage.gnb.receive()
    container = got.raw[12:20]
    assert container[0] == 2  # units of four octets
    assert container[2] == 0x80 | 0x40 | 7  # PPP, RQI, QFI
    assert container[3] >> 5 == 3


def test_a_far_without_forwarding_parameters_drops(stage, session):
    ipv4 = stage.ue_ipv4()
    session(
        (rules.from_core(1, 1, rules.ue(ipv4, is_destination=True)),),
        (ies.CreateFAR(far_id=1, apply_action=rules.FORWARD),),
    )
    before = stage.drops("far")
    stage.dn.send(IP(src=str(SERVER_ADDRESS), dst=str(ipv4)) / udp())
    assert stage.gnb.receive(SILENCE_S) is None
    assert stage.drops("far") == before + 1


def test_duplication_is_refused_with_the_rule_and_the_ie(stage):
    far = ies.CreateFAR(far_id=6, apply_action=ies.ApplyAction(forw=True, dupl=True))
    refused = stage.smf.establish((rules.from_core(1, 6, rules.ue(stage.ue_ipv4())),), (far,))
    assert (refused.cause, refused.offending_ie, refused.failed_rule_id.rule_id) == (76, 44, 6)


def test_fragments_of_gtpu_are_dropped_and_counted(stage, simple):
    _, fteid, _ = simple(stage.ue_ipv4())
    before = stage.drops("outer_fragment")
    stage.gnb.send_packet(bytes(3000), UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.dn.receive(b"nothing", 0.1) is None
    assert stage.drops("outer_fragment") >= before + 2

"""What GTP-U entities say to each other besides users' packets, seen on the wire."""

from __future__ import annotations

import time
from ipaddress import IPv6Address

import pytest
from scapy.layers.inet6 import IPv6

from pfcp import messages
from testbed import gtpu, rules
from testbed.topologies import GNB2_ADDRESS, SERVER_ADDRESS, UPF_N3_IPV6
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS, UPF_N4_ADDRESS
from testbed.wire import SILENCE_S, datagram

pytestmark = pytest.mark.root


def test_packets_to_the_cp_function_and_from_it(stage, session):
    ue, teid, cp_teid = stage.ue_prefix(), stage.number(), stage.number()
    solicitations = rules.flow("permit out 58 from ff02::2/128 to assigned")
    answer = session(
        (
            rules.from_tunnel(1, rules.choose_fteid(5), 1),
            rules.from_core(2, 2, rules.ue(ue[1], is_destination=True)),
            rules.from_tunnel(3, rules.choose_fteid(), 2, source=rules.CP_FUNCTION),
            rules.from_tunnel(
                4, rules.choose_fteid(5), 3, precedence=50, sdf_filters=solicitations
            ),
        ),
        (
            rules.to_core(1),
            rules.to_tunnel(2, teid, GNB_ADDRESS),
            rules.to_tunnel(3, cp_teid, stage.smf.address, destination=3),
        ),
    )
    up, from_cp = (rules.created(answer, pdr_id).local_fteid for pdr_id in (1, 3))
    link_local = IPv6Address("fe80::1")
    solicitation = IPv6(src=str(link_local), dst="ff02::2", nh=58, hlim=255) / bytes.fromhex(
        "8500000000000000"
    )
    stage.gnb.send_packet(solicitation, UPF_N3_ADDRESS, up.teid, 9)
    got = stage.smf_gtpu.receive()
    assert (got.message.teid, got.packet[IPv6].dst) == (cp_teid, "ff02::2")
    assert got.packet[IPv6].hlim == 255
    advertisement = IPv6(src="fe80::2", dst=str(link_local), nh=58, hlim=255) / b"\x86\0\0\0adv"
    stage.smf_gtpu.send_packet(advertisement, UPF_N3_ADDRESS, from_cp.teid)
    got = stage.gnb.receive()
    assert (got.message.teid, got.packet[IPv6].dst) == (teid, str(link_local))
    assert got.packet[IPv6].hlim == 255  # else the UE ignores it (RFC 4861 clause 6.1.2)


def test_echo_is_answered_over_both_versions(stage):
    for end, upf in ((stage.gnb, UPF_N3_ADDRESS), (stage.gnb6, UPF_N3_IPV6)):
        end.send(gtpu.echo_request(77), upf)
        got = end.receive()
        assert (got.message.message_type, got.message.sequence_number) == (gtpu.ECHO_RESPONSE, 77)
        assert (got.peer, got.port) == (upf, gtpu.PORT)


def test_gtpu_to_the_n4_address_reaches_nobody(stage, simple):
    _, fteid, _ = simple(ue := stage.ue_ipv4())
    stage.smf_gtpu.send_packet(
        datagram(ue, SERVER_ADDRESS, b"to n4"), UPF_N4_ADDRESS, fteid.teid, 9
    )
    assert stage.dn.receive(b"to n4", SILENCE_S) is None


def test_an_unknown_tunnel_is_told_to_its_sender_over_both_versions(stage):
    for end, upf in ((stage.gnb, UPF_N3_ADDRESS), (stage.gnb6, UPF_N3_IPV6)):
        end.send_packet(datagram(stage.ue_ipv4(), SERVER_ADDRESS, b"x"), upf, 0xDEAD, 9)
        got = end.receive()
        assert got.message.message_type == gtpu.ERROR_INDICATION
        told = bytes(got.message.payload)
        assert told.startswith(b"\x10\x00\x00\xde\xad\x85")
        assert told.endswith(upf.packed)


def test_an_error_indication_of_the_gnb_is_reported_once_and_its_word_of_others_is_not(
    stage, simple
):
    _, _, teid = simple(stage.ue_ipv4())
    stage.gnb2.send(gtpu.error_indication(teid, GNB_ADDRESS.packed), UPF_N3_ADDRESS)
    stage.gnb.send(gtpu.error_indication(0xDEAD, GNB_ADDRESS.packed), UPF_N3_ADDRESS)
    for _ in range(20):
        stage.gnb.send(gtpu.error_indication(teid, GNB_ADDRESS.packed), UPF_N3_ADDRESS)
    report = stage.smf.told(messages.SessionReportRequest)
    assert report.report_type.erir
    (fteid,) = report.error_indication_report.remote_fteids
    assert (fteid.teid, fteid.ipv4) == (teid, GNB_ADDRESS)
    time.sleep(SILENCE_S)
    assert [each for each in stage.smf.asked if isinstance(each, type(report))] == []


def test_end_markers_follow_the_last_packet_on_the_old_path(stage, simple):
    ue = stage.ue_ipv4()
    answer, _, old = simple(ue)
    new = stage.number()
    for _ in range(5):
        stage.dn.send(datagram(SERVER_ADDRESS, ue, b"before"))
    update = rules.retarget(2, new, GNB2_ADDRESS, sends_end_marker=True)
    assert stage.smf.modify(answer.up_fseid.seid, update_fars=(update,)).cause == 1
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"after"))
    kinds = [stage.gnb.receive().message for _ in range(6)]
    assert [each.message_type for each in kinds] == [gtpu.G_PDU] * 5 + [gtpu.END_MARKER]
    assert kinds[-1].teid == old
    assert stage.gnb2.receive().message.teid == new
    # Without the flag nothing is marked.
    back = rules.retarget(2, old, GNB_ADDRESS)
    assert stage.smf.modify(answer.up_fseid.seid, update_fars=(back,)).cause == 1
    assert stage.gnb2.receive(SILENCE_S) is None


def test_an_end_marker_of_another_upf_goes_on_to_the_gnb(stage, session):
    teid = stage.number()
    answer = session(
        (
            rules.from_tunnel(
                1,
                rules.choose_fteid(),
                1,
                source=rules.CORE,
                network_instance=rules.name("n9"),
            ),
        ),
        (rules.to_tunnel(1, teid, GNB_ADDRESS),),
    )
    n9 = rules.created(answer, 1).local_fteid
    stage.far.send(gtpu.end_marker(n9.teid), n9.ipv4)
    got = stage.gnb.receive()
    assert (got.message.message_type, got.message.teid) == (gtpu.END_MARKER, teid)


def test_an_unknown_extension_header_is_answered_with_those_known(stage, simple):
    _, fteid, _ = simple(stage.ue_ipv4())
    body = b"\0\0\0\xc0" + b"\1\0\0\0" + bytes(datagram(GNB_ADDRESS, SERVER_ADDRESS, b"x"))
    octets = b"\x34\xff" + len(body).to_bytes(2) + fteid.teid.to_bytes(4) + body
    stage.gnb.send(octets, UPF_N3_ADDRESS)
    got = stage.gnb.receive()
    assert got.message.message_type == gtpu.SUPPORTED_EXTENSION_HEADERS_NOTIFICATION
    assert bytes(got.message.payload) == b"\x8d\x01\x85"


def test_peers_in_use_are_asked_and_a_silent_one_is_reported_and_so_is_its_return(stage, simple):
    stage.gnb2.is_silent = True
    try:
        simple(stage.ue_ipv4(), gnb=GNB2_ADDRESS)
        report = stage.smf.told(messages.NodeReportRequest, within_s=5)
        (peer,) = report.user_plane_path_failure_report.remote_gtpu_peers
        assert (report.node_report_type.upfr, peer.ipv4) == (True, GNB2_ADDRESS)
    finally:
        stage.gnb2.is_silent = False
    report = stage.smf.told(messages.NodeReportRequest, within_s=5)
    (peer,) = report.user_plane_path_recovery_report.remote_gtpu_peers
    assert (report.node_report_type.uprr, peer.ipv4) == (True, GNB2_ADDRESS)

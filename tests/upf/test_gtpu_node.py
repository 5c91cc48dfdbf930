"""GTP-U path management, judged by scapy."""

from __future__ import annotations

import pytest
from scapy.contrib.gtp import GTP_U_Header, GTPEchoRequest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from upf.gtpu_node import echo_response, error_indication

REQUEST = bytes(
    Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01")
    / IP(src="10.100.3.2", dst="10.100.3.1", tos=0xB8)
    / UDP(sport=40000, dport=2152)
    / GTP_U_Header(version=1, PT=1, S=1, seq=0x1234, gtp_type=1, teid=0)
    / GTPEchoRequest()
)


def test_echo_request_is_answered_to_where_it_came_from():
    answer = Ether(echo_response(REQUEST))
    assert (answer.src, answer.dst) == ("02:00:00:00:00:01", "02:00:00:00:00:02")
    assert (answer[IP].src, answer[IP].dst) == ("10.100.3.1", "10.100.3.2")
    assert (answer[UDP].sport, answer[UDP].dport) == (2152, 40000)
    assert answer[IP].tos == 0xB8


def test_echo_response_carries_the_sequence_number_and_recovery():
    gtp = Ether(echo_response(REQUEST))[GTP_U_Header]
    assert (gtp.gtp_type, gtp.teid, gtp.S, gtp.seq) == (2, 0, 1, 0x1234)
    assert bytes(gtp)[-2:] == b"\x0e\x00"
    assert gtp.length == 6


def test_lengths_and_checksum_of_the_answer_are_right():
    octets = echo_response(REQUEST)
    packet = Ether(octets)
    assert packet[IP].len == len(octets) - 14
    assert packet[UDP].len == len(octets) - 34
    told = packet[IP].chksum
    del packet[IP].chksum
    assert Ether(bytes(packet))[IP].chksum == told


def test_other_messages_are_not_answered():
    for message_type in (2, 26, 254, 255):
        frame = bytearray(REQUEST)
        frame[14 + 20 + 8 + 1] = message_type
        assert echo_response(bytes(frame)) is None


def test_other_versions_are_not_answered():
    frame = bytearray(REQUEST)
    frame[14 + 20 + 8] = 0x52
    assert echo_response(bytes(frame)) is None


@pytest.mark.parametrize("octets", range(14 + 20 + 8 + 8 + 2))
def test_truncated_request_is_not_answered(octets):
    assert echo_response(REQUEST[:octets]) is None


def test_unknown_tunnel_is_indicated_to_who_used_it():
    g_pdu = GTP_U_Header(teid=0xA1B2C3D4) / IP() / UDP()
    outer = IP(src="10.3.0.20", dst="10.3.0.1") / UDP(sport=40000, dport=2152)
    frame = Ether(src="02:00:00:00:03:20", dst="02:00:00:00:03:01") / outer / g_pdu
    answer = Ether(error_indication(bytes(frame)))
    assert (answer.src, answer.dst) == ("02:00:00:00:03:01", "02:00:00:00:03:20")
    assert (answer[IP].src, answer[IP].dst, answer[UDP].dport) == ("10.3.0.1", "10.3.0.20", 2152)
    header = answer[GTP_U_Header]
    assert (header.gtp_type, header.teid) == (26, 0)
    ies = bytes(header)[12:]
    assert ies == bytes.fromhex("10a1b2c3d4" + "850004" + "0a030001")
    assert IP(bytes(answer[IP])).chksum == answer[IP].chksum


@pytest.mark.parametrize("length", [0, 14, 34, 41, 49])
def test_nothing_is_indicated_for_what_is_cut_off(length):
    frame = Ether() / IP() / UDP(dport=2152) / GTP_U_Header(teid=1)
    assert error_indication(bytes(frame)[:length]) is None

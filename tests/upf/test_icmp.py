"""ICMP errors and fragments, judged by scapy."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from scapy.layers.inet import ICMP, IP, UDP, fragment
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6

from upf import icmp

US, US6 = ip_address("10.100.6.1"), ip_address("fd00:6::1")
V4, V6 = IP(src="10.45.0.2", dst="192.0.2.1"), IPv6(src="fd00:45::2", dst="2001:db8::1")


@pytest.mark.parametrize("payload", [UDP() / (b"x" * 1000), ICMP(type=8), ICMP(type=13)])
def test_an_ipv4_error_quotes_the_packet_and_has_right_checksums(payload):
    packet = bytes(V4 / payload)
    answer = icmp.time_exceeded(packet, US)
    found = IP(answer)
    assert (found.src, found.dst, found[ICMP].type) == (str(US), V4.src, 11)
    assert len(answer) <= 576
    assert answer[28:] == packet[: 576 - 28]
    remade = found.copy()
    del remade.chksum, remade[ICMP].chksum
    assert bytes(remade) == answer


def test_an_ipv6_error_quotes_the_packet_and_has_a_right_checksum():
    packet = bytes(V6 / UDP() / (b"x" * 3000))
    answer = icmp.too_big(packet, US6, 1400)
    found = IPv6(answer)
    assert (len(answer), found.dst, found[ICMPv6PacketTooBig].mtu) == (1280, V6.src, 1400)
    remade = found.copy()
    del remade[ICMPv6PacketTooBig].cksum
    assert bytes(remade) == answer


def test_ipv6_is_never_told_of_less_than_its_least_mtu():
    assert IPv6(icmp.too_big(bytes(V6 / UDP()), US6, 900))[ICMPv6PacketTooBig].mtu == 1280


@pytest.mark.parametrize(
    ("packet", "src"),
    [
        (V4 / ICMP(type=3), US),
        (V4 / ICMP(type=11), US),
        (IP(src="10.0.0.1", dst="224.0.0.5") / UDP(), US),
        (IP(src="224.0.0.5", dst="10.0.0.1") / UDP(), US),
        (IP(src="0.0.0.0", dst="10.0.0.1") / UDP(), US),
        (IP(src="10.0.0.1", dst="255.255.255.255") / UDP(), US),
        (IP(src="10.0.0.1", dst="10.0.0.2", frag=9) / b"x", US),
        (V6 / ICMPv6DestUnreach(), US6),
        (IPv6(src="fd00::1", dst="ff02::1") / UDP(), US6),
        (IPv6(src="ff02::1", dst="fd00::1") / UDP(), US6),
        (IP(src="10.0.0.1", dst="10.0.0.2", proto=1), US),
    ],
)
def test_errors_multicast_and_later_fragments_are_not_answered(packet, src):
    assert icmp.time_exceeded(bytes(packet), src) is None


def test_an_ipv6_question_is_answered():
    assert icmp.time_exceeded(bytes(V6 / ICMPv6EchoRequest()), US6) is not None


@pytest.mark.parametrize("mtu", [1500, 1464, 600, 28])
def test_fragments_fit_and_are_as_another_makes_them(mtu):
    packet = IP(src="10.0.0.1", dst="10.0.0.2", id=7) / UDP() / (bytes(range(250)) * 12)
    parts = icmp.fragments(bytes(packet), mtu)
    assert max(map(len, parts)) <= mtu
    others = [bytes(each) for each in fragment(packet, (mtu - 20) // 8 * 8)]
    assert parts == others


def test_a_fragment_is_cut_further():
    whole = bytes(IP(src="10.0.0.1", dst="10.0.0.2", id=7) / UDP() / (b"y" * 2000))
    first, last = icmp.fragments(whole, 1500)
    again = [*icmp.fragments(first, 700), *icmp.fragments(last, 700)]
    at = 0
    for each in map(IP, again):
        assert each.frag * 8 == at
        at += each.len - 20
        assert (at < len(whole) - 20) == each.flags.MF
    assert icmp.fragments(whole, 20) == []

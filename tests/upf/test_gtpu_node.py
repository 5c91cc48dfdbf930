"""GTP-U path management, judged by scapy."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from scapy.contrib.gtp import GTP_U_Header, GTPEchoRequest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether

from upf import gtpu_messages
from upf.gtpu_node import GTPUNode
from upf.gtpu_paths import Path, Paths
from upf.host_gtpu import HostGTPU
from upf.target import PacketIn

MACS = {"src": "02:00:00:00:00:02", "dst": "02:00:00:00:00:03"}
GNB, OURS = IPv4Address("10.100.3.2"), IPv4Address("10.100.3.1")


def frame(*layers, ip=None, sport=40000):
    made = Ether(**MACS) / (ip or IP(src=str(GNB), dst=str(OURS), tos=0xB9))
    made /= UDP(sport=sport, dport=2152)
    for layer in layers:
        made /= layer
    return bytes(made)


def header(kind, **fields):
    return GTP_U_Header(version=1, PT=1, gtp_type=kind, **fields)


REQUEST = frame(header(1, S=1, seq=0x1234, teid=0), GTPEchoRequest())


@pytest.fixture
def node(target, bench):
    return GTPUNode(target, bench.routing, HostGTPU(), Paths(60, 3, 3))


@pytest.fixture
def answer(target, node):
    """What goes back by port 1 for a frame, as scapy reads it; None if nothing does."""

    async def ask(octets, receive=node.receive):
        await receive(PacketIn(1, 0, 1, octets))
        return Ether(target.sent.pop()[1]) if target.sent else None

    return ask


async def test_echo_request_is_answered_to_where_it_came_from(answer):
    found = await answer(REQUEST)
    assert (found.src, found.dst) == (MACS["dst"], MACS["src"])
    assert (found[IP].src, found[IP].dst) == (str(OURS), str(GNB))
    assert (found[UDP].sport, found[UDP].dport) == (2152, 40000)
    assert found[IP].tos == 0xB8


async def test_echo_response_carries_the_sequence_number_and_recovery(answer):
    gtp = (await answer(REQUEST))[GTP_U_Header]
    assert (gtp.gtp_type, gtp.teid, gtp.S, gtp.seq, gtp.length) == (2, 0, 1, 0x1234, 6)
    assert bytes(gtp)[-2:] == b"\x0e\x00"


async def test_lengths_and_checksum_of_the_answer_are_right(answer):
    found = await answer(REQUEST)
    assert found[UDP].len == found[IP].len - 20
    given = found[IP].chksum
    del found[IP].chksum
    assert IP(bytes(found[IP])).chksum == given


async def test_over_ipv6_the_answer_has_a_udp_checksum(answer):
    request = frame(header(1, S=1, seq=7, teid=0), ip=IPv6(src="fd00:3::2", dst="fd00:3::1"))
    found = await answer(request)
    assert (found[IPv6].dst, found[GTP_U_Header].seq) == ("fd00:3::2", 7)
    given = found[UDP].chksum
    del found[UDP].chksum
    assert UDP(bytes(IPv6(bytes(found[IPv6])))[40:]).chksum == given != 0


async def test_a_vlan_tag_stays_on(answer):
    tagged = REQUEST[:12] + b"\x81\x00" + bytes(Dot1Q(vlan=7, type=0x0800)) + REQUEST[14:]
    assert (await answer(tagged))[Dot1Q].vlan == 7


@pytest.mark.parametrize(
    "octets",
    [
        REQUEST[:-9],
        REQUEST[:30],
        frame(header(2, S=1, seq=1)),
        frame(header(200, S=1, seq=1)),
        frame(b"\x52\x01\x00\x04\0\0\0\0\0\1\0\0"),
        frame(b"\x36\x01\x00\x04\0\0\0\0\0\1\0\x85"),
    ],
    ids=["cut", "no GTP-U", "answer", "unknown type", "version 2", "extension cut off"],
)
async def test_what_is_no_request_is_not_answered(answer, octets):
    assert await answer(octets) is None


@pytest.mark.parametrize("options", [{}, {"S": 1, "seq": 9}, {"E": 1, "next_ex": 0}])
async def test_an_unknown_tunnel_is_told_to_its_sender(answer, node, options):
    packet = frame(header(255, teid=0xABCD, **options), IP(dst="192.0.2.1"))
    found = await answer(packet, node.indicate_error)
    assert (found[IP].dst, found[UDP].sport, found[UDP].dport) == (str(GNB), 2152, 2152)
    gtp = found[GTP_U_Header]
    assert (gtp.gtp_type, gtp.teid) == (26, 0)
    assert bytes(gtp)[12:] == b"\x10\x00\x00\xab\xcd" + b"\x85\x00\x04" + OURS.packed


async def test_an_unknown_extension_header_is_answered_with_those_known(answer, node):
    packet = frame(header(255, teid=1, E=1, next_ex=0xC0), b"\1\0\0\0" + bytes(IP()))
    gtp = (await answer(packet, node.tell_extension_headers))[GTP_U_Header]
    assert (gtp.gtp_type, bytes(gtp)[12:]) == (31, b"\x8d\x01\x85")


async def test_a_peer_is_believed_of_its_own_tunnels_alone(answer, node):
    errors = []
    node.on_error = errors.append
    for address in (GNB, GNB + 1):
        octets = gtpu_messages.error_indication(0x77, address)
        assert await answer(frame(octets)) is None
    assert errors == [(GNB, 0x77)]
    assert node.counts["error_indication_ignored"] == 1


@pytest.mark.parametrize("body", [b"", b"\x10\0\0", b"\x85\0\4abcd", b"\x10\0\0\0\1\x85\0\x40abcd"])
def test_an_error_indication_that_names_no_tunnel_is_none(body):
    assert gtpu_messages.tunnel_in_error(gtpu_messages.Message(26, 0, 0, body)) is None


PATH = Path(OURS, GNB)


def test_a_path_is_down_after_so_many_unanswered_and_back_with_an_answer():
    paths = Paths(interval_s=60, timeout_s=3, attempts=3)
    paths.follow([PATH], 0)
    failures = []
    for second in range(12):
        asked, failed = paths.due(second)
        assert bool(asked) == (second in (0, 3, 6, 9))
        failures += [(second, path) for path in failed]
    assert failures == [(9, PATH)]
    assert paths.due(68) == ([], [])
    ((_, sequence),), failed = paths.due(69)
    assert failed == []
    assert not paths.answered(PATH, sequence - 1, 69.5)
    assert paths.answered(PATH, sequence, 69.5)
    assert paths.states[PATH].round_trip_s == 0.5
    assert not paths.answered(PATH, sequence, 69.6)


def test_paths_no_longer_used_are_not_asked_and_nobody_is_with_interval_zero():
    paths = Paths(interval_s=60, timeout_s=3, attempts=3)
    paths.follow([PATH], 0)
    paths.follow([], 1)
    assert paths.due(2) == ([], [])
    never = Paths(interval_s=0, timeout_s=3, attempts=3)
    never.follow([PATH], 0)
    assert never.due(100) == ([], [])

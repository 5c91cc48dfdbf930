"""From the tunnel to the data network."""

import pytest
from scapy.compat import raw
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from p4xdp.dataplane import CounterValue, PacketResult
from tests.p4.conftest import next_hop

ACCESS_PORT, CORE_PORT = 1, 2


def routed(upf, inner):
    """What leaves on N6 for `inner`: one hop less, scapy's own checksum."""
    packet = IP(raw(inner))
    packet.ttl -= 1
    del packet.chksum
    ours, server = upf.server_macs
    return PacketResult("forward", CORE_PORT, raw(Ether(src=ours, dst=server) / packet))


@pytest.mark.parametrize(
    "header",
    [
        GTP_U_Header(),
        GTP_U_Header(S=1, seq=0x1234),
        GTP_U_Header(PN=1, npdu=0x56),
        GTP_U_Header(S=1, seq=0x1234, next_ex=0x85),
        GTP_U_Header(E=1, next_ex=0),
        GTP_U_Header(E=1, next_ex=0x85) / GTPPDUSessionContainer(type=1, QFI=9),
        GTP_U_Header(E=1, S=1, seq=7, next_ex=0x85) / GTPPDUSessionContainer(type=1, QFI=9),
    ],
    ids=["plain", "sequence", "npdu", "type-without-flag", "no-extension", "psc", "psc-sequence"],
)
def test_outer_headers_are_removed(upf, header):
    header = header.copy()
    header.teid = upf.teid
    inner = upf.from_ue()
    assert upf.run(ACCESS_PORT, upf.on_n3(header / inner)) == routed(upf, inner)


def chain(*extensions):
    """GTP-U's options and the extension headers of (type, units), the last type 0."""
    kinds = [kind for kind, _ in extensions] + [0]
    octets = bytes(3) + bytes(kinds[:1])
    for (_, units), following in zip(extensions, kinds[1:], strict=True):
        octets += bytes([units, 0x10]) + bytes(range(4 * units - 3)) + bytes([following])
    return octets


def g_pdu_with(upf, options, inner):
    """A G-PDU whose extension flag is set."""
    length = (len(options) + len(inner)).to_bytes(2)
    header = b"\x34\xff" + length + upf.teid.to_bytes(4)
    return header + options + raw(inner)


CONTAINER, SKIPPABLE = 0x85, 0x40


@pytest.mark.parametrize("units", range(1, 18))
def test_container_of_any_length_that_the_parser_holds_is_removed(upf, units):
    inner = upf.from_ue()
    for others in ((), ((SKIPPABLE, 1),), ((SKIPPABLE, 2),)):
        for extensions in ((*others, (CONTAINER, units)), ((CONTAINER, units), *others)):
            frame = upf.on_n3(g_pdu_with(upf, chain(*extensions), inner))
            assert upf.run(ACCESS_PORT, frame) == routed(upf, inner)


@pytest.mark.parametrize(
    "extensions",
    [
        [(CONTAINER, 18)],
        [(CONTAINER, 60)],
        [(CONTAINER, 1), (CONTAINER, 1)],
        [(SKIPPABLE, 3)],
        [(CONTAINER, 2), (SKIPPABLE, 1), (SKIPPABLE, 1)],
        [(0xC0, 1)],
        [(CONTAINER, 1), (0x81, 1)],
    ],
)
def test_other_chains_are_shown_as_they_came(upf, extensions):
    frame = raw(upf.on_n3(g_pdu_with(upf, chain(*extensions), upf.from_ue())))
    result = upf.run(ACCESS_PORT, frame)
    assert (result.verdict, result.frame[-len(frame) :]) == ("controller", frame)
    assert upf.usage(upf.uplink_usage) == CounterValue(0, 0)


def test_frame_with_a_long_container_is_shown_as_it_came(upf):
    inner = upf.from_ue(ttl=1)
    for units in (1, 2, 9, 17):
        options = chain((SKIPPABLE, 2), (CONTAINER, units), (SKIPPABLE, 1))
        frame = raw(upf.on_n3(g_pdu_with(upf, options, inner)))
        result = upf.run(ACCESS_PORT, frame)
        assert (result.verdict, result.frame[-len(frame) :]) == ("controller", frame)


def test_usage_is_octets_of_the_users_packet(upf):
    packets = [upf.from_ue(payload) for payload in (b"", b"x" * 100, b"y" * 1400)]
    for packet in packets:
        upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(packet)))
    assert upf.usage(upf.uplink_usage) == CounterValue(3, sum(map(len, packets)))
    assert upf.usage(upf.downlink_usage) == CounterValue(0, 0)
    assert upf.drops() == {}


@pytest.mark.parametrize("checksum_high_octet", [0x00, 0x01, 0x7F, 0xFE, 0xFF])
@pytest.mark.parametrize("ttl", [2, 61, 128, 255])
def test_checksum_follows_the_ttl_through_every_carry(upf, ttl, checksum_high_octet):
    """The identification is chosen so that the checksum begins with the octet."""
    inner = next(
        candidate
        for identification in range(0, 0x10000, 0x80)
        if raw(candidate := upf.from_ue(ttl=ttl, id=identification))[10] == checksum_high_octet
    )
    assert upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(inner))) == routed(upf, inner)


def test_every_checksum_that_carries_around_comes_out_as_if_computed_anew(upf):
    """From 0xfeff on; that one becomes 0, not its other form 0xffff (RFC 1624 clause 3)."""
    unidentified = int.from_bytes(raw(upf.from_ue(id=0))[10:12])
    for checksum in range(0xFEF0, 0xFFFF):
        inner = upf.from_ue(id=(unidentified - checksum) % 0xFFFF)
        assert raw(inner)[10:12] == checksum.to_bytes(2)
        assert upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(inner))) == routed(upf, inner)


def test_source_is_not_checked_where_the_pdr_does_not_ask(upf):
    action, usage, _, metered, slice_id, traffic_class, instance, _ = upf.uplink()
    unchecked = (action, usage, 0, metered, slice_id, traffic_class, instance, 0)
    upf.modify("detection.sessions_by_fteid", upf.fteid_key(), *unchecked)
    inner = upf.from_ue(src="192.0.2.99")
    assert upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(inner))) == routed(upf, inner)


def test_inner_options_and_fragments_are_the_users_business(upf):
    for inner in (upf.from_ue(flags="MF"), upf.from_ue(frag=100), upf.from_ue(tos=0xB9)):
        assert upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(inner))) == routed(upf, inner)


def test_longest_route_decides(upf):
    upf.insert("routing.routes_ipv4", (12, (0xC6336400, 24)), *next_hop(30))  # 198.51.100.0
    assert upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(upf.from_ue()))).port == ACCESS_PORT
    elsewhere = upf.from_ue(dst="198.51.101.7")
    assert upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(elsewhere))) == routed(upf, elsewhere)


def test_no_truncation_is_forwarded_but_of_the_users_payload(upf):
    inner = upf.from_ue()
    frame = raw(upf.on_n3(upf.g_pdu(inner)))
    before_payload = len(frame) - len(inner) + 20
    for length in range(upf.shortest_frame_octets, len(frame)):
        result = upf.run(ACCESS_PORT, frame[:length])
        if result.verdict == "host":
            assert result.frame == frame[:length]
        elif result.verdict == "forward":
            assert length >= before_payload
            whole = routed(upf, inner)
            assert result.port == CORE_PORT
            assert result.frame == whole.frame[: len(whole.frame) - (len(frame) - length)]
        else:
            assert result.verdict == "drop"

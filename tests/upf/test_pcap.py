"""Capture files and what lies in their packets, against octets that scapy makes."""

from __future__ import annotations

import struct
import warnings
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upf.pcap import CaptureError, Packet, is_capture, packets
from upf.udp_datagrams import datagram

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from scapy.layers.inet import IP, TCP, UDP, fragment
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
    from scapy.layers.l2 import ARP, CookedLinux, Dot1Q, Ether, Loopback
    from scapy.utils import PcapNgWriter, PcapWriter

CAPTURE = Path(__file__).parents[1] / "captures" / "open5gs-ipv4-n4.pcap"
# Addresses given: scapy would ask the network for them.
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
BODY = b"\x20\x01\x00\x04\x00\x00\x01\x00"
V4 = IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=4000, dport=8805) / BODY
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=4000, dport=8805) / BODY


def found(frame, link_type=1):
    return datagram(Packet(1.5, link_type, bytes(frame)))


def is_whole(result, version=4):
    hosts = {
        4: (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")),
        6: (IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")),
    }[version]
    return result == (1.5, (hosts[0], 4000), (hosts[1], 8805), BODY, 0)


def file_of(path, writer, frames, **more):
    with writer(str(path), **more) as out:
        for number, frame in enumerate(frames):
            frame.time = 1_700_000_000 + number / 4
            out.write(frame)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("frame", "link_type", "version"),
    [
        (ETHER / V4, 1, 4),
        (ETHER / V6, 1, 6),
        (ETHER / Dot1Q(vlan=7) / V4, 1, 4),
        (ETHER / Dot1Q(vlan=7) / Dot1Q(vlan=8) / V6, 1, 6),
        (ETHER / V4 / (b"\0" * 20), 1, None),
        (CookedLinux(proto=0x0800) / V4, 113, 4),
        (CookedLinux(proto=0x86DD) / V6, 113, 6),
        (bytes.fromhex("0800") + bytes(18) + bytes(V4), 276, 4),
        (bytes.fromhex("86dd") + bytes(18) + bytes(V6), 276, 6),
        (V4, 101, 4),
        (V6, 101, 6),
        (V4, 228, 4),
        (V6, 229, 6),
        (Loopback() / V4, 0, 4),
        (IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrHopByHop()
         / IPv6ExtHdrDestOpt() / UDP(sport=4000, dport=8805) / BODY, 101, 6),
        (IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(offset=0)
         / UDP(sport=4000, dport=8805) / BODY, 101, 6),
        (IP(src="192.0.2.1", dst="192.0.2.2", options=b"\1\1\1\1")
         / UDP(sport=4000, dport=8805) / BODY, 101, 4),
    ],
)  # fmt: skip
def test_a_datagram_is_found_in_any_packet_that_holds_one(frame, link_type, version):
    if version is not None:
        assert is_whole(found(frame, link_type), version)


def test_padding_behind_a_short_packet_is_not_the_datagrams():
    assert is_whole(found(bytes(ETHER / V4) + bytes(20)))
    assert is_whole(found(bytes(ETHER / V6) + bytes(20)), 6)


@pytest.mark.parametrize(
    ("frame", "link_type"),
    [
        (ETHER / ARP(psrc="192.0.2.1", hwsrc="02:00:00:00:00:01"), 1),
        (ETHER / IP(src="192.0.2.1", dst="192.0.2.2") / TCP(), 1),
        (ETHER / IPv6(src="::1", dst="::1") / TCP(), 1),
        (V4, 147),
        (b"", 101),
        (b"\x00" * 40, 101),
        (bytes.fromhex("0806") + bytes(40), 276),
        (IPv6(src="::1", dst="::1") / IPv6ExtHdrFragment(offset=9) / (b"x" * 30), 101),
    ],
)
def test_what_holds_no_datagram_gives_none(frame, link_type):
    assert found(frame, link_type) is None


def test_of_a_datagram_in_fragments_the_first_is_shown_with_what_is_missing():
    long = IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=4000, dport=8805) / (b"x" * 3000)
    first, *others = [found(piece, 101) for piece in fragment(long, 1480)]
    assert first.octets == b"x" * 1472
    assert first.missing_octets == 3000 - 1472
    assert others == [None] * len(others)


def test_octets_that_the_capture_left_out_are_counted():
    cut = found(bytes(ETHER / V4)[:-3])
    assert (cut.octets, cut.missing_octets) == (BODY[:-3], 3)


@pytest.mark.parametrize("frame", [ETHER / V4, ETHER / V6])
def test_a_packet_cut_anywhere_is_read_or_passed_over(frame):
    octets = bytes(frame)
    for length in range(len(octets) - len(BODY)):
        assert found(octets[:length]) is None


@pytest.mark.parametrize("nano", [False, True], ids=["microseconds", "nanoseconds"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_pcap_is_read_whatever_wrote_it(nano, order, tmp_path):
    frames = [ETHER / V4, ETHER / V6]
    octets = file_of(tmp_path / "file", PcapWriter, frames, nano=nano, endianness=order)
    assert is_capture(octets)
    first, second = packets(octets)
    assert (first.link_type, first.octets) == (1, bytes(ETHER / V4))
    assert second.at_s - first.at_s == pytest.approx(0.25)
    assert first.at_s == 1_700_000_000


def test_a_pcapng_is_read(tmp_path):
    octets = file_of(tmp_path / "file", PcapNgWriter, [ETHER / V4, ETHER / V6])
    first, second = packets(octets)
    assert (first.link_type, first.octets) == (1, bytes(ETHER / V4))
    assert second.at_s - first.at_s == pytest.approx(0.25)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order, *blocks):
    begin = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    return block(order, 0x0A0D0D0A, begin) + b"".join(blocks)


def interface(order, link_type=101, options=b""):
    return block(order, 1, struct.pack(order + "HHI", link_type, 0, 0) + options)


def enhanced(order, ticks, octets=b"packet", number=0):
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(octets), 9)
    return block(order, 6, head + octets)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("resolution", "ticks_per_s"), [(None, 10**6), (9, 10**9), (3, 10**3), (0x80 | 10, 2**10)]
)
def test_a_pcapng_has_a_clock_and_an_octet_order_of_its_own(order, resolution, ticks_per_s):
    options = b""
    if resolution is not None:
        comment = struct.pack(order + "HH", 1, 3) + b"abc\0"
        options = comment + struct.pack(order + "HHB", 9, 1, resolution) + b"\0\0\0"
    octets = section(
        order, interface(order, options=options), enhanced(order, 5 * ticks_per_s << 8)
    )
    (packet,) = packets(octets)
    assert packet == (pytest.approx(5 << 8), 101, b"packet")


def test_sections_and_interfaces_of_a_pcapng_are_kept_apart():
    octets = (
        section("<", interface("<", 1), interface("<", 101), enhanced("<", 0, number=1))
        + block("<", 0x0BAD, b"of no interest")
        + section(">", interface(">", 113), enhanced(">", 0))
        + block(">", 3, struct.pack(">I", 6) + b"simple")
    )
    assert [(each.link_type, each.octets) for each in packets(octets)] == [
        (101, b"packet"),
        (113, b"packet"),
        (113, b"simple"),
    ]


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"hello world", "neither pcap nor pcapng"),
        (CAPTURE.read_bytes()[:20], "inside the header"),
        (CAPTURE.read_bytes()[:-1], "cut off in the packet"),
        (CAPTURE.read_bytes()[:30], "cut off in the packet at octet 24"),
        (section("<")[:8], "cut off in the block at octet 0"),
        (section("<") + b"\1\0\0\0\1\0\0\0\1\0\0\0", "broken in the block"),
        (section("<", enhanced("<", 0)), "that no block holds"),
        (section("<", block("<", 1, b"")), "too few"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(octets, says):
    with pytest.raises(CaptureError, match=says):
        list(packets(octets))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_capture_upsets_the_reader(data):
    whole = data.draw(
        st.sampled_from(
            [CAPTURE.read_bytes()[:600], section("<", interface("<"), enhanced("<", 7))]
        )
    )
    octets = bytearray(whole)
    for at, octet in data.draw(
        st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=5)
    ):
        octets[at] = octet
    try:
        for packet in packets(bytes(octets)):
            datagram(packet)
    except CaptureError:
        pass

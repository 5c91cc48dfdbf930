"""What concerns this node: packet-in, packet-out, and what belongs to the host's own stack."""

import pytest
from scapy.compat import raw
from scapy.contrib.gtp import GTP_U_Header
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Ether

from p4xdp.dataplane import CounterValue, PacketResult
from tests.p4.conftest import next_hop

ACCESS_PORT, CORE_PORT, CPU_PORT, HOST_PORT = 1, 2, 192, 193
PUNT_GTPU_NODE, PUNT_NEIGHBOUR, PUNT_TTL_EXPIRED, PUNT_TOO_BIG = 1, 2, 5, 6
PUNT_UNKNOWN_TUNNEL, PUNT_GTPU_EXTENSION = 7, 9


def packet_in(ingress_port, egress_port, reason, usage_id=0):
    """The header: two 9-bit ports, each padded to 16, a 22-bit usage_id padded to 24, an octet."""
    ports = (ingress_port << 7).to_bytes(2) + (egress_port << 7).to_bytes(2)
    return ports + usage_id.to_bytes(3) + bytes((reason,))


def packet_out(port, *, is_arrival=False):
    return (is_arrival << 15 | port).to_bytes(2)


@pytest.mark.parametrize(
    "message",
    [
        GTP_U_Header(gtp_type=1, S=1, seq=0x0102),
        GTP_U_Header(gtp_type=1),
        GTP_U_Header(gtp_type=26, teid=0, S=1) / b"\x10\x00\x00\x00\x01",
        GTP_U_Header(gtp_type=254, teid=0x01020304),
        GTP_U_Header(gtp_type=31, E=1),
    ],
    ids=["echo-request", "echo-without-sequence", "error-indication", "end-marker", "supported"],
)
def test_node_messages_go_to_the_controller_as_they_came(upf, message):
    frame = raw(upf.on_n3(message))
    header = packet_in(ACCESS_PORT, 0, PUNT_GTPU_NODE)
    assert upf.run(ACCESS_PORT, frame) == PacketResult("controller", CPU_PORT, header + frame)
    assert upf.drops() == {}


def shown(upf, port, frame, egress_port, reason, usage_id):
    """Whether the controller is shown a frame as it arrived, and nothing is counted."""
    header = packet_in(port, egress_port, reason, usage_id)
    assert upf.run(port, frame) == PacketResult("controller", CPU_PORT, header + raw(frame))
    assert upf.drops() == {}
    assert upf.usage(usage_id) == CounterValue(0, 0)


def test_unresolved_neighbour_shows_the_controller_the_packet_as_it_came(upf):
    upf.modify("routing.tunnel_peers", (upf.peer,), "resolve_neighbour", ACCESS_PORT)
    frame = upf.on_n6(upf.to_ue())
    shown(upf, CORE_PORT, frame, ACCESS_PORT, PUNT_NEIGHBOUR, upf.downlink_usage)


def test_unresolved_neighbour_of_an_uplink_packet(upf):
    upf.insert("routing.routes_ipv4", (12, (0xC6336407, 32)), "resolve_neighbour", 0x155)
    frame = upf.on_n3(upf.g_pdu(upf.from_ue()))
    shown(upf, ACCESS_PORT, frame, 0x155, PUNT_NEIGHBOUR, upf.uplink_usage)


@pytest.mark.parametrize(("action", "reason"), [("buffer", 3), ("notify", 4)])
def test_packets_of_an_idle_ue_are_shown_with_their_pdr(upf, action, reason):
    upf.modify("detection.sessions_by_ue_ipv4", upf.ue_key(), action, upf.downlink_usage)
    shown(upf, CORE_PORT, upf.on_n6(upf.to_ue()), 0, reason, upf.downlink_usage)


@pytest.mark.parametrize("ttl", [0, 1])
def test_packets_at_the_end_of_their_life_are_shown(upf, ttl):
    frame = upf.on_n3(upf.g_pdu(upf.from_ue(ttl=ttl)))
    shown(upf, ACCESS_PORT, frame, 0, PUNT_TTL_EXPIRED, upf.uplink_usage)
    frame = upf.on_n6(upf.to_ue(ttl=ttl))
    shown(upf, CORE_PORT, frame, 0, PUNT_TTL_EXPIRED, upf.downlink_usage)


def test_packets_that_do_not_fit_are_shown_and_those_that_do_are_not(upf):
    upf.modify("routing.tunnel_peers", (upf.peer,), *next_hop(30, mtu=1456))
    fits = upf.on_n6(upf.to_ue(b"x" * (1456 - 28)))
    assert upf.run(CORE_PORT, fits).verdict == "forward"
    too_big = upf.on_n6(upf.to_ue(b"x" * (1456 - 27)))
    result = upf.run(CORE_PORT, too_big)
    header = packet_in(CORE_PORT, 0, PUNT_TOO_BIG, upf.downlink_usage)
    assert result == PacketResult("controller", CPU_PORT, header + raw(too_big))


def test_tunnel_of_no_session_is_shown(upf):
    frame = upf.on_n3(upf.g_pdu(upf.from_ue(), teid=upf.teid + 1))
    shown(upf, ACCESS_PORT, frame, 0, PUNT_UNKNOWN_TUNNEL, 0)


def test_extension_that_has_to_be_understood_is_shown(upf):
    extended = GTP_U_Header(teid=upf.teid, gtp_type=255, E=1, next_ex=0xC0)
    frame = upf.on_n3(extended / b"\x01\x00\x00\x00" / upf.from_ue())
    shown(upf, ACCESS_PORT, frame, 0, PUNT_GTPU_EXTENSION, 0)


def test_packet_out_as_an_arrival_is_dealt_with_as_if_it_came_by_the_port(upf):
    for port, frame in (
        (CORE_PORT, raw(upf.on_n6(upf.to_ue()))),
        (ACCESS_PORT, raw(upf.on_n3(upf.g_pdu(upf.from_ue())))),
    ):
        arrived = upf.run(port, frame)
        assert arrived.verdict == "forward"
        assert upf.run(CPU_PORT, packet_out(port, is_arrival=True) + frame) == arrived


@pytest.mark.parametrize("egress_port", [ACCESS_PORT, CORE_PORT, 0x155, HOST_PORT])
def test_packet_out_leaves_as_it_is(upf, egress_port):
    frames = [
        raw(upf.on_n3(upf.g_pdu(upf.from_ue()))),
        raw(upf.on_n6(upf.to_ue(ttl=0))),
        raw(Ether() / ARP()),
        b"\x02\x00\x00\x00\x00\x01" * 2 + b"\x08\x00",
        b"short",
        b"",
    ]
    verdict = "host" if egress_port == HOST_PORT else "forward"
    for frame in frames:
        if len(frame) < upf.shortest_frame_octets:
            continue
        result = upf.run(CPU_PORT, packet_out(egress_port) + frame)
        assert result == PacketResult(verdict, egress_port, frame)
    assert upf.drops() == {}


def test_half_a_packet_out_header_goes_nowhere(upf):
    if upf.shortest_frame_octets:
        pytest.skip("the kernel gives no program so short a frame")
    assert upf.run(CPU_PORT, b"\x01").verdict == "drop"


def to_host(upf):
    ours, gnb = upf.gnb_macs
    ethernet = Ether(src=gnb, dst=ours)
    own = IP(src=upf.gnb_address, dst=upf.n3_address)
    gtpu = IP(src=upf.gnb_address, dst="10.3.0.2") / UDP(sport=2152, dport=2152)
    return {
        "ARP": ethernet / ARP(pdst=upf.n3_address),
        "ICMP to an own address": ethernet / own / ICMP() / b"ping",
        "TCP to an own address": ethernet / own / TCP(),
        "UDP to an own address": ethernet / own / UDP(dport=8805) / b"PFCP",
        "IPv6": ethernet / IPv6() / ICMPv6ND_NS(),
        "a frame to another MAC address": Ether(src=gnb, dst="02:00:00:00:09:09") / own / TCP(),
        "GTP-U to no endpoint": ethernet / gtpu / upf.g_pdu(upf.from_ue()),
        "the Ethernet header alone": ethernet,
        "LLDP": Ether(dst="01:80:c2:00:00:0e", type=0x88CC) / b"\x00\x00",
    }


@pytest.mark.parametrize("port", [ACCESS_PORT, CORE_PORT])
def test_what_is_the_hosts_passes_untouched(upf, port):
    for name, packet in to_host(upf).items():
        frame = raw(packet)
        assert upf.run(port, frame) == PacketResult("host", HOST_PORT, frame), name
    assert upf.drops() == {}
    assert upf.usage(upf.uplink_usage) == CounterValue(0, 0)


def test_expired_ttl_is_the_hosts_to_judge_where_no_session_is_hit(upf):
    frame = raw(upf.on_n6(IP(dst="192.0.2.1", ttl=1) / UDP()))
    assert upf.run(CORE_PORT, frame) == PacketResult("host", HOST_PORT, frame)

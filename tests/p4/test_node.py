"""What concerns this node: packet-in, packet-out, and what belongs to the host's own stack."""

import pytest
from scapy.compat import raw
from scapy.contrib.gtp import GTP_U_Header
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Ether

from p4xdp.dataplane import CounterValue, PacketResult

ACCESS_PORT, CORE_PORT, CPU_PORT, HOST_PORT = 1, 2, 192, 193
PUNT_GTPU_NODE, PUNT_NEIGHBOUR = 1, 2


def packet_in(ingress_port, egress_port, reason):
    """The header: two 9-bit ports, each padded to 16, and an octet."""
    return (ingress_port << 7).to_bytes(2) + (egress_port << 7).to_bytes(2) + bytes((reason,))


def packet_out(egress_port):
    return (egress_port << 7).to_bytes(2)


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


def test_unresolved_neighbour_shows_the_controller_the_finished_packet(upf):
    """Encapsulated and counted; only the MAC addresses are still those it came with."""
    upf.modify("routing.routes_ipv4", upf.gnb_route(), "resolve_neighbour", ACCESS_PORT)
    inner = upf.to_ue()
    received = upf.on_n6(inner)
    result = upf.run(CORE_PORT, received)
    assert result.verdict == "controller"
    assert result.frame[:5] == packet_in(CORE_PORT, ACCESS_PORT, PUNT_NEIGHBOUR)
    frame = Ether(result.frame[5:])
    assert (frame.src, frame.dst) == (received.src, received.dst)
    assert (frame[IP].src, frame[IP].dst) == (upf.n3_address, upf.gnb_address)
    assert frame[GTP_U_Header].teid == upf.gnb_teid
    user_packet = frame[GTP_U_Header][IP]
    assert (user_packet.src, user_packet.ttl) == (upf.server_address, inner.ttl - 1)
    assert upf.usage(upf.downlink_usage) == CounterValue(1, len(inner))


def test_unresolved_neighbour_of_an_uplink_packet(upf):
    upf.insert("routing.routes_ipv4", (12, (0xC6336407, 32)), "resolve_neighbour", 0x155)
    inner = upf.from_ue()
    result = upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(inner)))
    assert result.frame[:5] == packet_in(ACCESS_PORT, 0x155, PUNT_NEIGHBOUR)
    assert len(result.frame) == 5 + 14 + len(inner)


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
        "GTP-U to no endpoint": ethernet / gtpu / upf.g_pdu(upf.from_ue()),
        "a fragment for the endpoint": ethernet / IP(dst=upf.n3_address, flags="MF") / UDP(),
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

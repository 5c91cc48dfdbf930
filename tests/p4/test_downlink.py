"""From the data network to the tunnel, and from tunnel to tunnel."""

import pytest
from scapy.compat import raw
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.layers.inet import IP, UDP, IPOption_NOP
from scapy.layers.l2 import Ether

from p4xdp.dataplane import CounterValue, PacketResult
from tests.p4.conftest import mac

ACCESS_PORT, CORE_PORT = 1, 2
PSC_NONE, PSC_DOWNLINK, PSC_UPLINK = 0, 1, 2
IN_USE = 9  # a QFI


def tunnelled(upf, inner, psc, hops=1):
    """What leaves on N3 for `inner`, built by scapy. The source port is the flow's own."""
    user_packet = IP(raw(inner))
    user_packet.ttl -= hops
    del user_packet.chksum
    gtpu = GTP_U_Header(teid=upf.gnb_teid)
    if psc != PSC_NONE:
        container = GTPPDUSessionContainer(type=psc - 1, QFI=upf.qfi)
        gtpu = GTP_U_Header(teid=upf.gnb_teid, E=1, next_ex=0x85) / container
    outer = IP(src=upf.n3_address, dst=upf.gnb_address, ttl=64, id=0)
    ours, gnb = upf.gnb_macs
    frame = Ether(src=ours, dst=gnb) / outer / UDP(sport=0, dport=2152, chksum=0) / gtpu
    return PacketResult("forward", ACCESS_PORT, raw(frame / user_packet))


def run(upf, port, frame):
    """What becomes of a frame, its outer source port masked."""
    result = upf.run(port, frame)
    if result.verdict != "forward":
        return result
    octets = result.frame[:34] + bytes(2) + result.frame[36:]
    return PacketResult(result.verdict, result.port, octets)


@pytest.mark.parametrize("size", [0, 9, 1372, 8000])
@pytest.mark.parametrize(
    ("qfi", "psc"), [(0, PSC_NONE), (IN_USE, PSC_DOWNLINK)], ids=["no-psc", "psc"]
)
def test_outer_headers_are_created(upf, qfi, psc, size):
    upf.modify("detection.sessions_by_ue_ipv4", upf.ue_key(), *upf.downlink(qfi=qfi))
    inner = upf.to_ue(b"x" * size)
    assert run(upf, CORE_PORT, upf.on_n6(inner)) == tunnelled(upf, inner, psc)


def test_outer_source_port_is_the_same_for_a_flow_and_tells_flows_apart(upf):
    ports = {
        flow: {upf.run(CORE_PORT, upf.on_n6(upf.to_ue(dst_port=flow))).frame[34:36] for _ in "ab"}
        for flow in range(4000, 4016)
    }
    assert {len(seen) for seen in ports.values()} == {1}
    assert len(set().union(*ports.values())) == len(ports)


def test_usage_is_octets_of_the_users_packet(upf):
    packets = [upf.to_ue(payload) for payload in (b"x" * 20, b"y" * 1400)]
    for qfi, packet in zip((0, IN_USE), packets, strict=True):
        upf.modify("detection.sessions_by_ue_ipv4", upf.ue_key(), *upf.downlink(qfi=qfi))
        upf.run(CORE_PORT, upf.on_n6(packet))
    assert upf.usage(upf.downlink_usage) == CounterValue(2, sum(map(len, packets)))
    assert upf.usage(upf.uplink_usage) == CounterValue(0, 0)
    assert upf.drops() == {}


@pytest.mark.parametrize("ttl", [2, 58, 255])
@pytest.mark.parametrize("checksum_high_octet", [0x00, 0xFE, 0xFF])
def test_checksum_follows_the_ttl_through_every_carry(upf, ttl, checksum_high_octet):
    inner = next(
        candidate
        for identification in range(0, 0x10000, 0x80)
        if raw(candidate := upf.to_ue(ttl=ttl, id=identification))[10] == checksum_high_octet
    )
    assert run(upf, CORE_PORT, upf.on_n6(inner)) == tunnelled(upf, inner, PSC_DOWNLINK)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(
            GTP_U_Header(teid=77) / IP(dst="192.0.2.1") / UDP() / b"inner",
            id="g-pdu",
        ),
        pytest.param(
            GTP_U_Header(teid=77, E=1, next_ex=0x85)
            / GTPPDUSessionContainer(type=1, QFI=1)
            / IP(dst="192.0.2.1")
            / UDP()
            / b"inner",
            id="g-pdu-psc",
        ),
        pytest.param(
            GTP_U_Header(teid=77, S=1) / IP(dst="192.0.2.1", ttl=1) / UDP() / b"inner",
            id="g-pdu-sequence",
        ),
        pytest.param(GTP_U_Header(gtp_type=1), id="echo"),
        pytest.param(b"not GTP-U at all", id="noise"),
    ],
)
def test_gtpu_of_the_users_own_stays_as_it_came(upf, payload):
    inner = IP(src=upf.server_address, dst=upf.ue_address) / UDP(sport=2152, dport=2152) / payload
    assert run(upf, CORE_PORT, upf.on_n6(inner)) == tunnelled(upf, inner, PSC_DOWNLINK)


@pytest.mark.parametrize(
    "fields",
    [{"proto": 6}, {"proto": 132}, {"flags": "MF"}, {"frag": 5}, {"tos": 0xB8}],
    ids=["tcp", "sctp", "first-fragment", "later-fragment", "dscp"],
)
def test_any_ipv4_for_the_ue_is_tunnelled(upf, fields):
    inner = upf.to_ue(**fields)
    assert run(upf, CORE_PORT, upf.on_n6(inner)) == tunnelled(upf, inner, PSC_DOWNLINK)


def test_ipv4_with_options_is_tunnelled(upf):
    inner = upf.to_ue(options=[IPOption_NOP()] * 4)
    assert IP(raw(inner)).ihl == 6
    assert run(upf, CORE_PORT, upf.on_n6(inner)) == tunnelled(upf, inner, PSC_DOWNLINK)


def test_same_address_in_another_network_instance_is_another_ue(upf):
    upf.insert("arrival.ports", (3, 0), "set_port", 13, 1, 193, mac(upf.server_macs[0]))
    assert upf.run(3, upf.on_n6(upf.to_ue())).verdict == "host"


def test_downlink_is_not_looked_for_on_the_access_side(upf):
    assert upf.run(ACCESS_PORT, upf.on_n6(upf.to_ue())).verdict == "host"


@pytest.mark.parametrize(("qfi", "psc"), [(0, PSC_NONE), (IN_USE, PSC_UPLINK)])
def test_tunnel_to_tunnel_replaces_the_outer_headers_and_is_no_hop(upf, qfi, psc):
    upf.modify("detection.sessions_by_fteid", upf.fteid_key(), *upf.downlink(qfi=qfi))
    inner = upf.from_ue()
    result = run(upf, ACCESS_PORT, upf.on_n3(upf.g_pdu(inner)))
    assert result == tunnelled(upf, inner, psc, hops=0)
    assert upf.usage(upf.downlink_usage) == CounterValue(1, len(inner))


@pytest.mark.parametrize("version", [4, 6])
def test_outer_headers_carry_the_mark_of_their_peer_and_the_slices_goes_before(upf, version):
    upf.delete("tunnel_headers.tunnel_headers", (upf.peer,))
    for action, rest in ((f"add_ipv{version}", (4444, 0)), (f"add_ipv{version}_alone", ())):
        upf.insert("tunnel_headers.tunnel_headers", (upf.peer,), action, 1, 2, *rest, 46)
        assert mark(upf) == (version, 46)
        upf.insert("encapsulation.markings", (upf.slice_id, 0, 0), "set_dscp", 10)
        assert mark(upf) == (version, 10)
        upf.delete("encapsulation.markings", (upf.slice_id, 0, 0))
        upf.delete("tunnel_headers.tunnel_headers", (upf.peer,))


def mark(upf):
    """The version of IP and the DSCP of what leaves downlink."""
    packet = upf.run(CORE_PORT, upf.on_n6(upf.to_ue())).frame[14:]
    version = packet[0] >> 4
    octet = packet[1] if version == 4 else (packet[0] << 4 | packet[1] >> 4) & 0xFF
    return version, octet >> 2


def test_truncated_packet_is_never_forwarded(upf):
    frame = raw(upf.on_n6(upf.to_ue()))
    for length in range(upf.shortest_frame_octets, len(frame)):
        result = run(upf, CORE_PORT, frame[:length])
        if result.verdict == "host":
            assert length < 14
            assert result.frame == frame[:length]
        else:
            assert result.verdict == "drop"


def test_paging_policy_indicator_stands_behind_the_qfi(upf):
    upf.classify_downlink(ppi=5)
    result = upf.run(CORE_PORT, upf.on_n6(upf.to_ue()))
    sent = Ether(result.frame)
    container = sent[GTPPDUSessionContainer]
    assert (container.type, container.PPP, container.QFI, container.PPI) == (0, 1, upf.qfi, 5)
    assert container.ExtHdrLen == 2
    assert sent[GTP_U_Header].length == 4 + 8 + len(upf.to_ue())
    assert sent[IP].len == len(result.frame) - 14 == sent[UDP].len + 20
    user_packet = raw(upf.to_ue(ttl=57))
    assert result.frame[-len(user_packet) :] == user_packet

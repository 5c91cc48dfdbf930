"""Every drop has its reason and its counter, and what is not dropped counts nowhere."""

import re
from pathlib import Path

import pytest
from scapy.compat import raw
from scapy.contrib.gtp import GTP_U_Header
from scapy.layers.inet import IP

from p4xdp.dataplane import CloneSession, CounterValue, MeterConfig, PacketResult, Replica

ACCESS_PORT, CORE_PORT = 1, 2
INNER_AT = 14 + 20 + 8 + 8 + 4 + 4
CONTROLLER, CLONE_SESSION, PUNT_QUOTA_EXHAUSTED = 192, 1, 8
DROPPED = PacketResult("drop", None, b"")
TYPES = Path(__file__).parents[2] / "p4" / "include" / "types.p4"
REASONS = {
    name: int(value)
    for name, value in re.findall(r"DROP_(\w+) = (\d+);", TYPES.read_text(encoding="utf-8"))
}


def uplink(upf, **fields):
    return ACCESS_PORT, raw(upf.on_n3(upf.g_pdu(upf.from_ue(**fields))))


def downlink(upf, **fields):
    return CORE_PORT, raw(upf.on_n6(upf.to_ue(**fields)))


def unknown_port(upf):
    return 99, raw(upf.on_n6(upf.to_ue()))


def malformed_ip(upf):
    port, frame = uplink(upf)
    return port, frame[: 14 + 20 + 8 + 8 + 4 + 4 + 19]


def first_octet(octet, *, at):
    def prepare(upf):
        port, frame = uplink(upf) if at > 14 else downlink(upf)
        return port, frame[:at] + bytes([octet]) + frame[at + 1 :]

    return prepare


def shorter_than_its_header(at, ihl, total_len):
    """An IPv4 header that says it is `ihl` words, in a packet of `total_len` octets."""

    def prepare(upf):
        port, frame = uplink(upf) if at > 14 else downlink(upf)
        head = bytes([0x40 | ihl, frame[at + 1]]) + total_len.to_bytes(2, "big")
        return port, frame[:at] + head + frame[at + 4 :] + bytes(40)

    return prepare


def truncated(way):
    def prepare(upf):
        port, frame = way(upf)
        return port, frame[:-1]

    return prepare


def wrong_gtpu_length(upf):
    port, frame = uplink(upf)
    return port, frame[:45] + bytes([frame[45] + 1]) + frame[46:]


def outer_fragment(upf):
    packet = upf.on_n3(upf.g_pdu(upf.from_ue()))
    packet[IP].flags = "MF"
    return ACCESS_PORT, raw(packet)


def inner_noise(upf):
    return ACCESS_PORT, raw(upf.on_n3(upf.g_pdu(b"\x50: neither IPv4 nor IPv6")))


def other_version(upf):
    return ACCESS_PORT, raw(upf.on_n3(GTP_U_Header(version=2, teid=upf.teid) / upf.from_ue()))


def spoofed_source(upf):
    return uplink(upf, src="172.16.0.6")


def far_drops(table, reason):
    def prepare(upf):
        by_fteid = table == "sessions_by_fteid"
        key = upf.fteid_key() if by_fteid else upf.ue_key()
        upf.modify(f"detection.{table}", key, "drop", reason)
        return uplink(upf) if by_fteid else downlink(upf)

    return prepare


def no_tunnel_peer(upf):
    upf.delete("routing.tunnel_peers", (upf.peer,))
    return downlink(upf)


def no_route(upf):
    upf.delete("routing.routes_ipv4", (12, (0, 0)))
    return uplink(upf)


def no_next_hop(upf):
    upf.delete("next_hop.next_hops", (60, 0))
    return uplink(upf)


def over_capacity(upf):
    upf.set_slice_meter(upf.uplink_meter, MeterConfig(1000, 34, 1000, 34))
    return uplink(upf)


def over_session_rate(upf):
    upf.modify("detection.sessions_by_ue_ipv4", upf.ue_key(), *upf.downlink(is_metered=1))
    upf.set_meter("session", upf.downlink_usage, MeterConfig(1000, 34, 1000, 34))
    return downlink(upf)


def over_flow_rate(upf):
    upf.classify_downlink(flow_meter_id=7)
    upf.set_meter("flow", 7, MeterConfig(1000, 34, 1000, 34))
    return downlink(upf)


def no_matching_rule(upf):
    upf.classify_downlink(protocol=6)
    return downlink(upf)


def quota_spent(upf):
    upf.classify_downlink(quota_id=9)
    upf.dataplane.write_register("Egress.enforcement.quotas", 9, (30, 2))
    return downlink(upf)


CASES = {
    "unknown port": ("UNKNOWN_PORT", unknown_port),
    "wrong GTP-U length": ("MALFORMED_GTPU", wrong_gtpu_length),
    "cut in the inner header": ("MALFORMED_IP", malformed_ip),
    "another version than Ethernet says": ("MALFORMED_IP", first_octet(0x65, at=14)),
    "a header of 16 octets": ("MALFORMED_IP", first_octet(0x44, at=14)),
    "an inner header of 16 octets": ("MALFORMED_IP", first_octet(0x44, at=INNER_AT)),
    "a packet shorter than its header": ("MALFORMED_IP", shorter_than_its_header(14, 5, 19)),
    "an inner one": ("MALFORMED_IP", shorter_than_its_header(INNER_AT, 5, 19)),
    "a packet shorter than its options": ("MALFORMED_IP", shorter_than_its_header(14, 15, 59)),
    "an inner one with options": ("MALFORMED_IP", shorter_than_its_header(INNER_AT, 9, 35)),
    "uplink packet longer than its frame": ("TRUNCATED", truncated(uplink)),
    "downlink packet longer than its frame": ("TRUNCATED", truncated(downlink)),
    "fragment of GTP-U": ("OUTER_FRAGMENT", outer_fragment),
    "inner neither IPv4 nor IPv6": ("UNSUPPORTED_INNER", inner_noise),
    "other GTP version": ("UNSUPPORTED_INNER", other_version),
    "source of another UE": ("SPOOFED_SOURCE", spoofed_source),
    "gate closed uplink": ("GATE_CLOSED", far_drops("sessions_by_fteid", 6)),
    "gate closed downlink": ("GATE_CLOSED", far_drops("sessions_by_ue_ipv4", 6)),
    "FAR drops uplink": ("FAR", far_drops("sessions_by_fteid", 7)),
    "FAR drops downlink": ("FAR", far_drops("sessions_by_ue_ipv4", 7)),
    "buffering": ("BUFFERING", far_drops("sessions_by_ue_ipv4", 8)),
    "no session": ("NO_SESSION", far_drops("sessions_by_ue_ipv4", 4)),
    "no tunnel peer": ("NO_TUNNEL_PEER", no_tunnel_peer),
    "no route": ("NO_ROUTE", no_route),
    "no next hop": ("NO_NEXT_HOP", no_next_hop),
    "over the slice's capacity": ("SLICE_CAPACITY", over_capacity),
    "over the session's rate": ("SESSION_RATE", over_session_rate),
    "over the flow's rate": ("FLOW_RATE", over_flow_rate),
    "no rule matches": ("NO_MATCHING_RULE", no_matching_rule),
    "quota spent": ("QUOTA_EXHAUSTED", quota_spent),
}
# What is shown to the controller is shown at a rate that the tests do not reach.
ELSEWHERE = {"PUNT_RATE"}


@pytest.mark.parametrize(("reason", "prepare"), CASES.values(), ids=CASES.keys())
def test_drop_counts_its_reason_alone(upf, reason, prepare):
    port, frame = prepare(upf)
    assert upf.run(port, frame) == DROPPED
    drops = upf.drops()
    assert {number: value.packets for number, value in drops.items()} == {REASONS[reason]: 1}
    assert upf.usage(upf.uplink_usage) == upf.usage(upf.downlink_usage) == CounterValue(0, 0)


def test_every_reason_has_a_case():
    assert {reason for reason, _ in CASES.values()} == REASONS.keys() - {"NONE"} - ELSEWHERE


def test_ingress_drop_counts_the_frame_as_received(upf):
    port, frame = spoofed_source(upf)
    upf.run(port, frame)
    assert upf.drops() == {REASONS["SPOOFED_SOURCE"]: CounterValue(1, len(frame))}


def test_slice_meter_sees_octets_of_the_users_packets(upf):
    """100 octets/s, a burst of two packets: the third must wait for its own length."""
    inner = upf.from_ue(b"x" * 22)
    assert len(inner) == 50
    upf.set_slice_meter(upf.uplink_meter, MeterConfig(1000, 100, 1000, 100))
    frame = upf.on_n3(upf.g_pdu(inner))
    verdicts = []
    for elapsed_ns in (0, 0, 0, 49_999_999, 1):
        upf.now_ns += elapsed_ns
        verdicts.append(upf.run(ACCESS_PORT, frame).verdict)
    assert verdicts == ["forward", "forward", "drop", "drop", "forward"]
    assert upf.usage(upf.uplink_usage) == CounterValue(3, 150)


def test_yellow_is_forwarded(upf):
    upf.set_slice_meter(upf.downlink_meter, MeterConfig(1000, 0, 10**9, 10**6))
    assert upf.run(*downlink(upf)).verdict == "forward"


def test_uplink_and_downlink_meters_are_apart(upf):
    upf.set_slice_meter(upf.uplink_meter, MeterConfig(0, 0, 0, 0))
    assert upf.run(*uplink(upf)) == DROPPED
    assert upf.run(*downlink(upf)).verdict == "forward"
    upf.set_slice_meter(upf.uplink_meter, None)
    assert upf.run(*uplink(upf)).verdict == "forward"


def test_spoofed_packet_does_not_use_up_the_slice(upf):
    upf.set_slice_meter(upf.uplink_meter, MeterConfig(1000, 40, 1000, 40))
    upf.run(*spoofed_source(upf))
    assert IP(raw(upf.from_ue())).len <= 40
    assert upf.run(*uplink(upf)).verdict == "forward"


def test_what_enforcement_takes_from_a_slice_is_counted_by_direction(upf):
    upf.run(*truncated(uplink)(upf))
    port, frame = over_session_rate(upf)
    upf.run(port, frame)
    taken = len(frame) - 14
    assert upf.slice_drops(upf.uplink_meter) == CounterValue(1, len(raw(upf.from_ue())) - 1)
    assert upf.slice_drops(upf.downlink_meter) == CounterValue(1, taken)


def test_guaranteed_traffic_within_its_rate_does_not_ask_the_slice(upf):
    upf.classify_downlink(flow_meter_id=7, is_guaranteed=1)
    upf.set_slice_meter(upf.downlink_meter, MeterConfig(0, 0, 0, 0))
    assert upf.run(*downlink(upf)).verdict == "forward"
    upf.set_meter("flow", 7, MeterConfig(1000, 0, 10**9, 10**6))  # yellow: above what is guaranteed
    assert upf.run(*downlink(upf)) == DROPPED
    assert set(upf.drops()) == {REASONS["SLICE_CAPACITY"]}


def test_padding_behind_the_packet_is_not_of_the_packet(upf):
    port, frame = downlink(upf)
    assert upf.run(port, frame + bytes(6)).verdict == "forward"


def test_the_first_packet_that_a_quota_stops_is_told_to_the_controller(upf):
    upf.dataplane.set_clone_session(CLONE_SESSION, CloneSession((Replica(CONTROLLER),)))
    upf.classify_downlink(quota_id=9)
    upf.dataplane.write_register("Egress.enforcement.quotas", 9, (30, 1))
    first, second = upf.run(*downlink(upf)), upf.run(*downlink(upf))
    (notice,) = first.copies
    packet_in = upf.downlink_usage << 8 | PUNT_QUOTA_EXHAUSTED
    assert (first.verdict, notice.verdict) == ("drop", "controller")
    assert notice.frame[:8] == packet_in.to_bytes(8, "big")
    assert second == DROPPED


@pytest.mark.parametrize("ihl", range(6, 16))
def test_packet_of_nothing_but_a_header_with_options_is_forwarded(upf, ihl):
    port, frame = shorter_than_its_header(14, ihl, 4 * ihl)(upf)
    assert upf.run(port, frame).verdict == "forward"

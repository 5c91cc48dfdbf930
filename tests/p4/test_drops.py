"""Every drop has its reason and its counter, and what is not dropped counts nowhere."""

import re
from pathlib import Path

import pytest
from scapy.compat import raw
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6

from p4xdp.dataplane import CounterValue, MeterConfig, PacketResult

ACCESS_PORT, CORE_PORT = 1, 2
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


def malformed_gtpu(upf):
    port, frame = uplink(upf)
    return port, frame[: 14 + 20 + 8 + 8 + 4 + 4 + 19]


def inner_ipv6(upf):
    return ACCESS_PORT, raw(upf.on_n3(upf.g_pdu(IPv6())))


def unknown_extension(upf):
    gtpu = (
        GTP_U_Header(teid=upf.teid, gtp_type=255, E=1, next_ex=0xC0)
        / b"\x01\x00\x00\x00"
        / upf.from_ue()
    )
    return ACCESS_PORT, raw(upf.on_n3(gtpu))


def long_container(upf):
    container = GTPPDUSessionContainer(type=1, QFI=9, ExtHdrLen=2)
    gtpu = GTP_U_Header(teid=upf.teid, E=1, next_ex=0x85) / container / bytes(4) / upf.from_ue()
    return ACCESS_PORT, raw(upf.on_n3(gtpu))


def other_version(upf):
    return ACCESS_PORT, raw(upf.on_n3(GTP_U_Header(version=2, teid=upf.teid) / upf.from_ue()))


def unknown_teid(upf):
    return ACCESS_PORT, raw(upf.on_n3(upf.g_pdu(upf.from_ue(), teid=upf.teid + 1)))


def spoofed_source(upf):
    return uplink(upf, src="172.16.0.6")


def far_drops(table, reason):
    def prepare(upf):
        by_fteid = table == "sessions_by_fteid"
        key = upf.fteid_key() if by_fteid else upf.ue_key()
        upf.modify(f"detection.{table}", key, "drop", reason)
        return uplink(upf) if by_fteid else downlink(upf)

    return prepare


def expired(direction, ttl):
    return lambda upf: direction(upf, ttl=ttl)


def no_tunnel_peer(upf):
    upf.delete("routing.tunnel_peers", (upf.peer,))
    return downlink(upf)


def no_route(upf):
    upf.delete("routing.routes_ipv4", upf.gnb_route())
    return downlink(upf)


def no_next_hop(upf):
    upf.delete("routing.next_hops", (60,))
    return uplink(upf)


def over_capacity(upf):
    upf.set_slice_meter(upf.uplink_meter, MeterConfig(1000, 34, 1000, 34))
    return uplink(upf)


CASES = {
    "unknown port": ("UNKNOWN_PORT", unknown_port),
    "cut in the inner header": ("MALFORMED_GTPU", malformed_gtpu),
    "inner IPv6": ("UNSUPPORTED_INNER", inner_ipv6),
    "unknown extension header": ("UNSUPPORTED_INNER", unknown_extension),
    "long container": ("UNSUPPORTED_INNER", long_container),
    "other GTP version": ("UNSUPPORTED_INNER", other_version),
    "unknown TEID": ("NO_SESSION", unknown_teid),
    "source of another UE": ("SPOOFED_SOURCE", spoofed_source),
    "gate closed uplink": ("GATE_CLOSED", far_drops("sessions_by_fteid", 6)),
    "gate closed downlink": ("GATE_CLOSED", far_drops("sessions_by_ue_ipv4", 6)),
    "FAR drops uplink": ("FAR", far_drops("sessions_by_fteid", 7)),
    "FAR drops downlink": ("FAR", far_drops("sessions_by_ue_ipv4", 7)),
    "buffering": ("BUFFERING", far_drops("sessions_by_ue_ipv4", 8)),
    "TTL 1 uplink": ("TTL_EXPIRED", expired(uplink, 1)),
    "TTL 0 uplink": ("TTL_EXPIRED", expired(uplink, 0)),
    "TTL 1 downlink": ("TTL_EXPIRED", expired(downlink, 1)),
    "TTL 0 downlink": ("TTL_EXPIRED", expired(downlink, 0)),
    "no tunnel peer": ("NO_TUNNEL_PEER", no_tunnel_peer),
    "no route": ("NO_ROUTE", no_route),
    "no next hop": ("NO_NEXT_HOP", no_next_hop),
    "over the slice's capacity": ("SLICE_CAPACITY", over_capacity),
}


@pytest.mark.parametrize(("reason", "prepare"), CASES.values(), ids=CASES.keys())
def test_drop_counts_its_reason_alone(upf, reason, prepare):
    port, frame = prepare(upf)
    assert upf.run(port, frame) == DROPPED
    drops = upf.drops()
    assert {number: value.packets for number, value in drops.items()} == {REASONS[reason]: 1}
    assert upf.usage(upf.uplink_usage) == upf.usage(upf.downlink_usage) == CounterValue(0, 0)


def test_every_reason_has_a_case():
    assert {reason for reason, _ in CASES.values()} == REASONS.keys() - {"NONE"}


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

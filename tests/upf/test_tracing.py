"""What is told of a packet, with the entries of a real session in a real switch of the program."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

import pytest
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from p4xdp import frontend
from p4xdp.interp import Interpreter
from p4xdp.p4info import p4info
from p4xdp.runtime import serve
from pfcp import ies, messages
from upf import advice, switch
from upf.described import Description, arrival_of
from upf.drops import DropReason
from upf.errors import DescriptionError, TargetError
from upf.plan import Plan
from upf.punts import PuntReason
from upf.routes import KernelState, Link, Neighbour, Route
from upf.story import Fate
from upf.surroundings import Surroundings
from upf.target import tracing
from upf.target.p4rt import P4RuntimeTarget
from upf.tracing import RawFrame, traced

SOURCE = Path(__file__).parents[2] / "p4" / "upf.p4"
UE = IPv4Address("10.45.0.2")
GNB, SERVER = IPv4Address("10.100.3.2"), IPv4Address("10.100.6.2")
MACS = {"n3": 0x020000000301, "n6": 0x020000000601}
NETWORK = IPv4Network("10.100.6.0/24")
KERNEL = KernelState(
    links=(Link(3, "n3", MACS["n3"], mtu=1600), Link(6, "n6", MACS["n6"])),
    routes=(Route(IPv4Network("10.100.3.0/24"), 3), Route(NETWORK, 6)),
    neighbours=(
        Neighbour(3, GNB, 0x020000000302),
        Neighbour(6, SERVER, 0x020000000602),
        Neighbour(6, IPv6Address("fe80::602"), 0x020000000602),
    ),
)


@pytest.fixture(scope="module")
def program():
    return frontend.load(SOURCE)


@pytest.fixture
def dataplane(program):
    return Interpreter(program)


@pytest.fixture
async def target(program, dataplane, tmp_path):
    """In place of a switch that only remembers: one that runs the program."""
    info = p4info(program)
    server = await serve(dataplane, info, listen=f"unix:{tmp_path}/p4rt.sock")
    target = await P4RuntimeTarget.connect(server.address, info)
    yield target
    await target.close()
    await server.stop()


@pytest.fixture
async def upf(bench, target, networks, bindings, establishment):
    """A session set up by the captured SMF, idle; everything else as the kernel knows it."""

    async def read():
        return KERNEL

    bench.routing._kernel.read = read
    await bench.routing._refresh()
    await target.apply(Plan(inserts=tuple(switch.base_entries(networks, bindings))))
    bench.seid = (await bench.ask(establishment)).up_fseid.seid
    return Traced(bench, target, networks)


class Traced:
    """Traces packets of the session on the bench."""

    def __init__(self, bench, target, networks):
        self.bench, self.target, self.networks = bench, target, networks
        self.slices = {}

    @property
    def around(self):
        return Surroundings(
            networks=self.networks,
            bindings=self.bench.routing.bindings,
            kernel=self.bench.routing.state,
            records=self.bench.n4.sessions,
            slices=self.slices,
            peers={n: peer for peer, n in self.bench.entries.tunnel_peers.ids.items()},
            owner_of_entry=self.bench.entries.owner_of,
            owner_of_usage=self.bench.n4.owner_of,
            usage_id_of=self.bench.resources.counters.usage_id_of,
        )

    async def trace(self, **fields):
        return await traced(Description(**fields), self.around, self.target.trace)

    async def trace_frame(self, interface, frame):
        return await traced(RawFrame(interface, bytes(frame)), self.around, self.target.trace)


def meanings(story):
    return [step.meaning for step in story.steps if step.meaning is not None]


async def test_an_uplink_packet_is_followed_from_its_tunnel_to_the_next_hop(upf):
    story = await upf.trace(is_uplink=True, ue=UE)
    assert story.fate is Fate.FORWARDED
    assert story.summary == "leaves by n6 to 10.100.6.2: 114 octets"
    assert story.what_to_do is None
    assert (story.up_seid, story.pdr_id) == (upf.bench.seid, 2)
    assert (story.way.interface, story.way.address) == ("n6", SERVER)
    told = meanings(story)
    assert told[0] == "came in by n3, on the access side"
    assert told[1] == "addressed to our GTP-U endpoint 10.100.3.1"
    assert f"PDR 2 of session {upf.bench.seid:016x} (UE 10.45.0.2): " in told[2]
    assert "sent on by the routes of internet" in told[2]
    assert "the route 10.100.6.2/32: next hop 1" in told or "next hop" in told[3]
    assert "would count 100 octets for the usage of PDR 2" in told
    left = Ether(story.out_frame)
    assert (left[IP].src, left[IP].dst, left[IP].ttl) == ("10.45.0.2", "10.100.6.2", 63)


async def test_a_downlink_packet_is_followed_into_the_gnbs_tunnel(upf, to_gnb):
    await upf.bench.ask(to_gnb(upf.bench.seid, teid=0xABC))
    story = await upf.trace(is_uplink=False, ue=UE)
    assert story.fate is Fate.FORWARDED
    assert "leaves by n3 in the tunnel to 10.100.3.2, TEID 0x00000abc, QFI 1" in story.summary
    assert (story.tunnel.address, story.tunnel.teid, story.tunnel.qfi) == (GNB, 0xABC, 1)
    assert Ether(story.out_frame)[GTP_U_Header].teid == 0xABC
    assert "new outer headers, 10.100.3.1 to 10.100.3.2" in meanings(story)


async def test_nothing_is_sent_counted_or_spent(upf, dataplane):
    before = {
        name: dataplane.read_counter(name, 0, 64)
        for name in ("Ingress.verdict.drops", "Egress.egress_drops", "Egress.enforcement.usage_2")
    }
    first, second = [await upf.trace(is_uplink=True, ue=UE) for _ in range(2)]
    assert first == second
    for name, cells in before.items():
        assert dataplane.read_counter(name, 0, 64) == cells


async def test_a_packet_to_an_idle_ue_waits_and_paging_is_named(upf):
    story = await upf.trace(is_uplink=False, ue=UE)
    assert story.fate is Fate.HELD
    assert story.punt_reason is PuntReason.BUFFER
    assert story.up_seid == upf.bench.seid
    assert "until the UE is found" in story.summary
    assert "paging" in story.what_to_do


async def test_of_a_session_with_filters_the_flow_that_matches_is_named(upf, establishment):
    downlink = establishment.create_pdrs[0]
    sdf = ies.SDFFilter(flow_description="permit out 17 from any 53 to assigned")
    pdi = replace(downlink.pdi, sdf_filters=(sdf,))
    dedicated = replace(downlink, pdr_id=9, precedence=1, pdi=pdi)
    request = messages.SessionModificationRequest(seid=upf.bench.seid, create_pdrs=(dedicated,))
    assert (await upf.bench.ask(request)).cause == 1
    dns = await upf.trace(is_uplink=False, ue=UE, remote_port=53)
    other = await upf.trace(is_uplink=False, ue=UE, remote_port=54)
    assert (dns.up_seid, dns.pdr_id) == (upf.bench.seid, 9)
    assert other.pdr_id == downlink.pdr_id
    told = meanings(dns)
    assert any("its filters tell" in each for each in told)
    assert any("the filter of precedence rank" in each for each in told)
    assert any(each.startswith("PDR 9 of session") for each in told)
    remove = ies.RemovePDR(pdr_id=downlink.pdr_id)
    request = messages.SessionModificationRequest(seid=upf.bench.seid, remove_pdrs=(remove,))
    assert (await upf.bench.ask(request)).cause == 1
    nobodys = await upf.trace(is_uplink=False, ue=UE, remote_port=54)
    assert nobodys.drop_reason is DropReason.NO_MATCHING_RULE
    assert (nobodys.up_seid, nobodys.pdr_id) == (upf.bench.seid, None)
    assert "none of the session's filters matches" in meanings(nobodys)


async def test_a_drop_has_its_reason_and_what_to_do(upf):
    far = ies.UpdateFAR(far_id=2, apply_action=ies.ApplyAction(drop=True))
    await upf.bench.ask(
        messages.SessionModificationRequest(seid=upf.bench.seid, update_fars=(far,))
    )
    story = await upf.trace(is_uplink=True, ue=UE)
    assert (story.fate, story.drop_reason) == (Fate.DROPPED, DropReason.FAR)
    assert story.summary == "dropped: the SMF asked for this traffic to be dropped"
    assert story.what_to_do == advice.DROPPED[DropReason.FAR]
    assert "counts as far" in meanings(story)
    assert story.out_frame is None


async def test_a_source_that_is_not_the_ues_is_found_out(upf):
    teid = upf.around.records[upf.bench.seid].session.pdrs[2].pdi.local_fteid.teid
    story = await upf.trace(is_uplink=True, teid=teid, ue=IPv4Address("10.45.0.99"))
    assert story.drop_reason is DropReason.SPOOFED_SOURCE
    assert story.up_seid == upf.bench.seid


async def test_no_session_is_told_in_both_directions(upf):
    downlink = await upf.trace(is_uplink=False, ue=IPv4Address("10.45.9.9"))
    assert downlink.fate is Fate.HOST
    assert "no session has the UE address 10.45.9.9" in downlink.summary
    assert "upf sessions --ue 10.45.9.9" in downlink.what_to_do
    uplink = await upf.trace(is_uplink=True, teid=0xDEAD)
    assert uplink.fate is Fate.SHOWN
    assert uplink.punt_reason is PuntReason.UNKNOWN_TUNNEL
    assert "no session has TEID 0x0000dead at 10.100.3.1" in meanings(uplink)


async def test_a_next_hop_that_is_not_known_yet_holds_the_packet(upf):
    story = await upf.trace(is_uplink=True, ue=UE, remote=IPv4Address("10.100.6.77"))
    assert (story.fate, story.punt_reason) == (Fate.HELD, PuntReason.NEIGHBOUR)
    assert "the route 10.100.6.0/24: the neighbour on n6 is still to be found" in meanings(story)


async def test_no_route_is_told_with_the_destination(upf):
    story = await upf.trace(is_uplink=True, ue=UE, remote=IPv4Address("8.8.8.8"))
    assert story.drop_reason is DropReason.NO_ROUTE
    assert "no route to 8.8.8.8" in meanings(story)


async def test_the_slice_is_named_with_its_limit(upf, target):
    from upf.entry import MeterRate

    upf.slices = {0: "video"}
    await target.write_meter("Egress.enforcement.slice_meters", 0, MeterRate(1, 1, 2_500_000, 9))
    story = await upf.trace(is_uplink=True, ue=UE)
    assert story.slice_name == "video"
    assert "slice video, uplink: 20 Mbit/s, taken as not used up" in meanings(story)


async def test_a_frame_that_is_not_for_us_says_whom_it_is_for(upf):
    frame = Ether(dst="02:00:00:00:00:99") / IP(dst="10.45.0.2") / UDP()
    story = await upf.trace_frame("n6", frame)
    assert story.fate is Fate.HOST
    assert "the frame is to 02:00:00:00:00:99, n6 is 02:00:00:00:06:01" in story.summary
    assert "resolve our address" in story.what_to_do
    arp = await upf.trace_frame("n6", Ether(dst="ff:ff:ff:ff:ff:ff", type=0x806) / bytes(28))
    assert arp.what_to_do is None


async def test_ip_on_the_access_side_that_is_no_gtpu_is_the_hosts(upf):
    frame = Ether(dst="02:00:00:00:03:01") / IP(dst="10.100.3.1") / TCP(dport=22)
    story = await upf.trace_frame("n3", frame)
    assert story.fate is Fate.HOST
    assert "UDP port 2152 at 10.100.3.1" in story.what_to_do


async def test_any_frame_at_all_has_a_story(upf):
    frames = [b"", bytes(14), bytes(64), bytes.fromhex("020000000301" + "02" * 6 + "0800" + "45")]
    frames += [bytes([octet]) * 60 for octet in range(0, 256, 37)]
    for interface in ("n3", "n6"):
        for frame in frames:
            assert (await upf.trace_frame(interface, frame)).summary


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"is_uplink": True, "ue": IPv4Address("10.45.9.9")}, "no session with the UE address"),
        ({"is_uplink": True}, "no session has an uplink tunnel"),
        ({"is_uplink": False}, "say which UE"),
        ({"is_uplink": True, "ue": UE, "interface": "n9"}, "no interface 'n9'.*only n3, n6"),
        ({"is_uplink": True, "ue": UE, "dnn": "ims"}, "no session with the UE address"),
        (
            {"is_uplink": True, "ue": UE, "remote": IPv6Address("2001:db8::1")},
            "different versions",
        ),
    ],
)
async def test_what_cannot_arrive_is_refused_with_what_to_give(upf, fields, told):
    with pytest.raises(DescriptionError, match=told):
        await upf.trace(**fields)


async def test_a_described_packet_is_what_scapy_makes_of_it(upf):
    teid = upf.around.records[upf.bench.seid].session.pdrs[2].pdi.local_fteid.teid
    wanted = Description(
        is_uplink=True, ue=UE, remote=SERVER, protocol=6, remote_port=80, octets=200, dscp=10
    )
    arrival = arrival_of(wanted, upf.around)
    packet = Ether(arrival.frame)
    assert arrival.port == 1
    assert packet.dst == "02:00:00:00:03:01"
    assert (packet[IP].dst, packet[UDP].dport) == ("10.100.3.1", 2152)
    assert packet[GTP_U_Header].teid == teid
    container = packet[GTPPDUSessionContainer]
    assert (container.type, container.QFI) == (1, 1)
    inner = IP(bytes(packet[TCP].underlayer))
    assert (inner.src, inner.dst, inner.len, inner.tos) == ("10.45.0.2", "10.100.6.2", 200, 40)
    assert (inner[TCP].sport, inner[TCP].dport, inner[TCP].dataofs) == (40_000, 80, 5)
    for layer in (packet[IP], inner):
        checksum, layer.chksum = layer.chksum, None
        assert IP(bytes(layer)).chksum == checksum


def test_an_icmp_packet_is_of_its_version_of_ip(networks, bindings):
    around = Surroundings(
        networks=networks,
        bindings=bindings,
        kernel=KERNEL,
        records={},
        slices={},
        peers={},
        owner_of_entry=lambda _: None,
        owner_of_usage=lambda _: None,
        usage_id_of=lambda *_: None,
    )
    ue = IPv6Address("2001:db8:1::2")
    six = arrival_of(Description(is_uplink=False, ue=ue, protocol=1), around)
    assert (six.port, Ether(six.frame)[IPv6].nh) == (2, 58)
    four = arrival_of(Description(is_uplink=False, ue=UE, protocol=1), around)
    assert ICMP in Ether(four.frame)


async def test_too_many_at_once_are_sent_away(upf, monkeypatch):
    monkeypatch.setattr("upf.target.tracer._MAX_WAITING", 2)
    asked = [upf.trace(is_uplink=True, ue=UE) for _ in range(4)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, TargetError)]
    assert len(refused) == 2
    assert "try again later" in str(refused[0])


async def test_a_source_that_was_not_compiled_is_not_traced_with(upf, monkeypatch, tmp_path):
    (tmp_path / "upf.json").write_text('{"source_sha256": "other"}')
    tracing._program.cache_clear()
    monkeypatch.setattr(tracing.artifacts, "build_dir", lambda: tmp_path)
    with pytest.raises(TargetError, match="run make p4"):
        await upf.trace(is_uplink=True, ue=UE)
    tracing._program.cache_clear()


def test_every_reason_says_what_to_do():
    assert advice.DROPPED.keys() == set(DropReason)
    assert advice.SHOWN.keys() == set(PuntReason)

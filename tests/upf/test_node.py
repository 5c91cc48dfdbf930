"""The whole UPF over a switch that only remembers: real sockets, real kernel state."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest

from pfcp import enums, ies, messages
from tests.upf.whole import BOUND_S, CONFIG, SMF_ADDRESS
from upf import switch, tables
from upf.config import parse
from upf.drops import DropReason
from upf.entry import Counts, Entry, MeterRate, Prefix
from upf.errors import ConfigError, PeerError, StartError, TargetError
from upf.node import UPF
from upf.punts import PuntReason
from upf.slices import SNSSAI, Slice
from upf.target import PacketIn
from upf.views import SessionFilter

pytestmark = pytest.mark.root

DN_MAC = 0x0200000000D0


@pytest.fixture
def lab(own_network, monkeypatch, target):
    """Interfaces n3 and n6 with addresses and a gateway; a switch that is gone when told so."""
    for name, address in (("n3", "10.100.3.1"), ("n6", "10.100.6.1")):
        own_network("link", "add", name, "type", "veth", "peer", "name", f"{name}-far")
        own_network("address", "add", f"{address}/24", "dev", name)
        own_network("link", "set", name, "up")
        own_network("link", "set", f"{name}-far", "up")
    own_network("route", "add", "default", "via", "10.100.6.2")
    lost = asyncio.Event()

    async def wait_lost():
        await lost.wait()
        return TargetError("the switch is gone")

    async def open_target(config):
        return target

    target.wait_lost = wait_lost
    target.lost = lost
    monkeypatch.setattr(switch, "open_target", open_target)
    return own_network


@pytest.fixture
async def upf(lab):
    upf = await UPF.start(parse(CONFIG, source="upf.toml"))
    yield upf
    await upf.stop()


class SMF:
    """Speaks PFCP with the UPF over UDP."""

    def __init__(self, bound):
        self._socket = bound
        self._sequence = 0

    async def __call__(self, request):
        """The answer to a request."""
        self._sequence += 1
        octets = request.encode(self._sequence)
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(self._socket, octets, ("127.0.0.1", 8805))
        return await self.receive(lambda m: type(m).__name__.endswith("Response"))

    async def send(self, response, sequence_number):
        """Answer a request of the UPF."""
        octets = response.encode(sequence_number)
        await asyncio.get_running_loop().sock_sendto(self._socket, octets, ("127.0.0.1", 8805))

    async def receive(self, is_wanted):
        """The next message wanted; others are passed over."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(BOUND_S):
            while True:
                message = messages.decode(await loop.sock_recv(self._socket, 65536))
                if is_wanted(message):
                    return message


@pytest.fixture
def smf(upf):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((SMF_ADDRESS, 8805))
        bound.setblocking(False)  # noqa: FBT003 - the socket's own interface
        yield SMF(bound)


@pytest.fixture
async def associated_smf(smf):
    answer = await smf(
        messages.AssociationSetupRequest(
            node_id=ies.NodeID(value=IPv4Address(SMF_ADDRESS)), recovery_time_stamp=100
        )
    )
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    return smf


async def shown(upf, **wanted):
    """The sessions that are wanted."""
    return (await upf.find_sessions(SessionFilter(**wanted), limit=9))[1]


def mac_of(interface):
    said = subprocess.run(
        ["ip", "-json", "link", "show", interface], check=True, capture_output=True
    ).stdout
    return int(json.loads(said)[0]["address"].replace(":", ""), 16)


async def until(condition):
    async with asyncio.timeout(BOUND_S):
        while not condition():  # noqa: ASYNC110 - nobody sets an event for what is watched
            await asyncio.sleep(0.01)


async def test_switch_holds_ports_endpoint_and_routes_from_the_start(upf, target):
    assert upf.health().is_ready
    assert target.table("ports") == {
        (1, 0): ("set_port", (1, 0, 193, mac_of("n3"))),
        (2, 0): ("set_port", (2, 1, 193, mac_of("n6"))),
    }
    n3 = int(IPv4Address("10.100.3.1"))
    assert target.table("endpoints_ipv4") == {(1, 0, n3): ("set_endpoint", (1,))}
    assert target.table("routes_ipv4")[2, Prefix(0, 0)] == ("resolve_neighbour", (2,))


async def test_what_another_run_left_on_the_switch_is_removed(lab, target):
    first = await UPF.start(parse(CONFIG, source="upf.toml"))
    await first.stop()
    held = dict(target.entries)
    second = await UPF.start(parse(CONFIG, source="upf.toml"))
    await second.stop()
    assert target.entries == held


async def test_session_over_the_wire(upf, associated_smf, establishment, target):
    answer = await associated_smf(establishment)
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    assert upf.num_sessions == 1
    (view,) = await shown(upf)
    assert view.ue_ipv4 == IPv4Address("10.45.0.2")
    assert (view.up_seid, view.cp_seid) == (answer.up_fseid.seid, 0x35E)
    assert {each.teid for each in view.local_tunnels} == {
        created.local_fteid.teid for created in answer.created_pdrs
    }
    (association,) = upf.associations()
    assert (association.node_id, association.sessions) == (SMF_ADDRESS, 1)
    await associated_smf(messages.SessionDeletionRequest(seid=answer.up_fseid.seid))
    assert await shown(upf) == []


async def test_a_session_is_found_by_what_it_has(upf, associated_smf, establishment):
    answer = await associated_smf(establishment)
    seid = answer.up_fseid.seid
    assert await upf.find_sessions(SessionFilter(), first=seid + 1, limit=9) == (1, [])
    for wanted in (
        {"ue": IPv4Address("10.45.0.2")},
        {"dnn": "internet"},
        {"cp_node_id": SMF_ADDRESS},
        {},
    ):
        assert [each.up_seid for each in await shown(upf, **wanted)] == [seid]
    for wanted in (
        {"ue": IPv4Address("10.45.0.3")},
        {"dnn": "ims"},
        {"cp_node_id": "10.0.0.9"},
        {"slice_name": "video"},
    ):
        assert await shown(upf, **wanted) == []


async def test_a_session_is_found_by_any_address_of_its_prefix(upf, associated_smf, establishment):
    await associated_smf(establishment)
    (record,) = upf._n4.sessions.values()
    prefix = IPv6Network("2001:db8:1::/64")
    pdr = record.session.pdrs[1]
    changed = replace(pdr, pdi=replace(pdr.pdi, ue_ipv6=prefix))
    record.session = replace(record.session, pdrs={**record.session.pdrs, 1: changed})
    (view,) = await shown(upf, ue=IPv6Address("2001:db8:1::99"))
    assert view.ue_ipv6 == prefix
    assert await shown(upf, ue=IPv6Address("2001:db8:2::99")) == []
    assert upf.ue_addresses() == [IPv4Address("10.45.0.2"), IPv6Address("2001:db8:1::")]


async def test_a_session_shows_rules_entries_and_counters(
    upf, associated_smf, establishment, target
):
    answer = await associated_smf(establishment)
    (record,) = upf._n4.sessions.values()
    target.count(record.session.pdrs[1].usage_id, packets=3, octets=300)
    inside = await upf.session_inside(answer.up_fseid.seid)
    pdrs = {each["pdr_id"]: each for each in inside.rules["pdrs"]}
    assert pdrs.keys() == {each.pdr_id for each in establishment.create_pdrs}
    assert pdrs[1]["pdi"]["source_interface"] == "core"
    assert inside.rules["fars"][0]["apply_action"] == ["BUFF", "NOCP"]
    assert {entry for entry, _ in inside.entries} <= set(target.entries.values())
    assert {pdr_id for _, pdr_id in inside.entries} <= pdrs.keys()
    (first,) = [each for each in inside.counters if each.pdr_id == 1]
    assert (first.is_uplink, first.counts) == (False, Counts(3, 300))
    assert await upf.session_inside(1) is None
    assert upf.num_entries()["Ingress.detection.sessions_by_fteid"] == len(
        target.table("sessions_by_fteid")
    )


async def test_an_smf_is_asked_for_an_association_and_to_release_it(upf, smf):
    asking = asyncio.create_task(upf.set_up_association((SMF_ADDRESS, 8805)))
    request = await smf.receive(lambda m: isinstance(m, messages.AssociationSetupRequest))
    node_id = ies.NodeID(value=IPv4Address(SMF_ADDRESS))
    await smf.send(
        messages.AssociationSetupResponse(
            node_id=node_id, cause=enums.Cause.REQUEST_ACCEPTED, recovery_time_stamp=100
        ),
        request.sequence_number,
    )
    await asking
    assert [each.node_id for each in upf.associations()] == [SMF_ADDRESS]
    for cause in (enums.Cause.REQUEST_REJECTED, enums.Cause.REQUEST_ACCEPTED):
        releasing = asyncio.create_task(upf.release_association(SMF_ADDRESS))
        request = await smf.receive(lambda m: isinstance(m, messages.AssociationUpdateRequest))
        assert request.pfcp_association_release_request.sarr
        await smf.send(
            messages.AssociationUpdateResponse(node_id=node_id, cause=cause),
            request.sequence_number,
        )
        if cause == enums.Cause.REQUEST_REJECTED:
            with pytest.raises(PeerError, match="refused: cause 64"):
                await releasing
        else:
            await releasing
    with pytest.raises(KeyError):
        await upf.release_association("10.9.9.9")


async def test_an_association_ended_by_force_takes_its_sessions(upf, associated_smf, establishment):
    await associated_smf(establishment)
    await upf.release_association(SMF_ADDRESS, is_forced=True)
    assert upf.num_sessions == 0
    assert upf.associations() == []


async def test_slice_totals_keep_what_ended_sessions_used(
    upf, associated_smf, establishment, target
):
    video = Slice(name="video", s_nssai=SNSSAI(1))
    put, _ = await upf.change_slice("video", lambda _: video)
    answer = await associated_smf(establishment)
    (record,) = upf._n4.sessions.values()
    usage_id = record.session.pdrs[1].usage_id
    target.count(usage_id, packets=1, octets=100)
    await upf.sampler.sample()
    assert upf.sampler.latest.slices[put.slice_id].downlink == Counts(1, 100)
    target.count(usage_id, packets=1, octets=11)
    await associated_smf(messages.SessionDeletionRequest(seid=answer.up_fseid.seid))
    await upf.sampler.sample()
    await upf.sampler.sample()
    assert upf.sampler.latest.slices[put.slice_id].downlink == Counts(2, 111)
    hits = upf.sampler.latest.hits
    assert hits["Ingress.detection.sessions_by_ue_ipv4"] == 2
    assert hits["Ingress.detection.sessions_by_fteid"] == 0
    answer = await associated_smf(establishment)
    await upf.sampler.sample()
    assert upf.sampler.latest.slices[put.slice_id].downlink == Counts(2, 111)
    assert upf.sampler.latest.num_sessions == {put.slice_id: 1}
    assert upf.sampler.latest.ports.keys() == {"n3", "n6"}
    assert upf.sampler.latest.ports["n3"].speed_mbps == 10_000


async def test_restarted_smf_finds_its_sessions_gone(upf, associated_smf, establishment, target):
    """Even where the switch takes its time to forget them."""
    await associated_smf(establishment)
    apply = target.apply

    async def slowly(plan):
        await asyncio.sleep(0.05)
        await apply(plan)

    target.apply = slowly
    await associated_smf(
        messages.AssociationSetupRequest(
            node_id=ies.NodeID(value=IPv4Address(SMF_ADDRESS)), recovery_time_stamp=200
        )
    )
    answer = await associated_smf(establishment)
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    assert upf.num_sessions == 1


async def test_unrestarted_smf_finds_its_sessions_there(upf, associated_smf, establishment):
    await associated_smf(establishment)
    await associated_smf(
        messages.AssociationSetupRequest(
            node_id=ies.NodeID(value=IPv4Address(SMF_ADDRESS)), recovery_time_stamp=100
        )
    )
    assert upf.num_sessions == 1


async def test_fault_of_ours_is_answered_as_system_failure(
    upf, associated_smf, establishment, monkeypatch, caplog
):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(upf._n4, "_blank_session", broken)
    answer = await associated_smf(establishment)
    assert answer.cause == enums.Cause.SYSTEM_FAILURE
    assert "ZeroDivisionError" in caplog.text


async def test_threshold_is_reported_over_the_wire(
    upf, associated_smf, establishment, target, monkeypatch
):
    establishment = replace(
        establishment,
        cp_fseid=ies.FSEID(seid=0x35E, ipv4=IPv4Address(SMF_ADDRESS)),
    )
    await associated_smf(establishment)
    (record,) = upf._n4.sessions.values()
    target.count(record.session.pdrs[1].usage_id, packets=1, octets=200 << 20)
    report = await associated_smf.receive(
        lambda message: isinstance(message, messages.SessionReportRequest)
    )
    assert report.usage_reports[0].volume_measurement.total_bytes == 200 << 20


async def test_neighbour_found_becomes_next_hop(upf, lab, target):
    lab("neighbour", "replace", "10.100.6.2", "lladdr", "02:00:00:00:00:d0", "dev", "n6")
    await until(lambda: target.table("next_hops"))
    (((group, bucket), (_, (port, _, dst_mac, _))),) = target.table("next_hops").items()
    assert (bucket, port, dst_mac) == (0, 2, DN_MAC)
    action, params = target.table("routes_ipv4")[2, Prefix(0, 0)]
    assert (action, params[0]) == ("set_next_hop_group", group)
    lab("neighbour", "del", "10.100.6.2", "dev", "n6")
    await until(lambda: not target.table("next_hops"))


async def test_uplink_packet_waits_for_its_neighbour_and_goes_on(
    upf, lab, target, associated_smf, establishment
):
    await associated_smf(establishment)
    (record,) = upf._n4.sessions.values()
    inner = bytes.fromhex("4500001400000000400000000a2d0002") + IPv4Address("8.8.8.8").packed
    frame = bytes(14) + b"\x45" + bytes(27) + bytes.fromhex("30ff001400000001") + inner
    punted = PacketIn(1, 2, PuntReason.NEIGHBOUR, frame, record.session.pdrs[2].usage_id)
    await target.receiver(punted)
    assert target.again == []
    lab("neighbour", "replace", "10.100.6.2", "lladdr", "02:00:00:00:00:d0", "dev", "n6")
    await until(lambda: target.again)
    assert target.again == [(1, frame)]
    assert upf.neighbour_counters().sent == 1
    await target.receiver(replace(punted, usage_id=0))
    assert upf.punt_counters() == {"neighbour": 1, "neighbour_unknown": 1}


async def test_echo_request_is_answered_on_the_port_it_came_by(upf, target):
    gtpu = bytes.fromhex("3201000400000000123400000e00")
    frame = bytes(14) + b"\x45" + bytes(19) + bytes.fromhex("0868086800160000") + gtpu
    await target.receiver(PacketIn(1, 0, PuntReason.GTPU_NODE, frame))
    ((port, _),) = target.sent
    assert port == 1
    await target.receiver(PacketIn(1, 0, PuntReason.GTPU_NODE, frame[:30]))
    await target.receiver(PacketIn(1, 0, 77, frame))
    assert upf.punt_counters() == {"gtpu_echo": 1, "gtpu_node_ignored": 1, "unknown_reason": 1}


async def test_slice_made_later_takes_its_sessions_in(upf, associated_smf, establishment, target):
    await associated_smf(establishment)
    wanted = Slice(name="video", s_nssai=SNSSAI(1), dnns=("internet",), uplink_bps=8_000_000)
    put, is_new = await upf.change_slice("video", lambda _: wanted)
    assert is_new
    meter = "Egress.enforcement.slice_meters"
    assert target.meters[meter, 2 * put.slice_id] == MeterRate(
        1_000_000, 250_000, 1_000_000, 250_000
    )
    assert target.meters[meter, 2 * put.slice_id + 1] is None
    (view,) = await shown(upf)
    assert view.slice_name == "video"
    uplink = next(p for a, p in target.table("sessions_by_fteid").values() if a == "forward")
    assert uplink[3] == put.slice_id
    await upf.delete_slice("video", lambda _: None, is_forced=True)
    (view,) = await shown(upf)
    assert view.slice_name is None


async def test_capacity_changes_without_touching_sessions(
    upf, associated_smf, establishment, target
):
    slower = Slice(name="video", s_nssai=SNSSAI(1), uplink_bps=8_000_000)
    await upf.change_slice("video", lambda _: slower)
    await associated_smf(establishment)
    plans = len(target.plans)
    faster = replace(slower, uplink_bps=16_000_000)
    _, is_new = await upf.change_slice("video", lambda _: faster)
    assert not is_new
    assert len(target.plans) == plans


async def test_drops_are_summed_over_both_gresses(upf, target):
    target.counts["Ingress.verdict.drops", 4] = Counts(2, 20)
    target.counts["Egress.egress_drops", 13] = Counts(1, 10)
    drops = await upf.drops()
    assert drops[DropReason.NO_SESSION] == Counts(2, 20)
    assert drops[DropReason.SLICE_CAPACITY] == Counts(1, 10)


async def test_lost_switch_is_told_sought_and_brought_up_to_date(upf, target, monkeypatch):
    back = asyncio.Event()

    async def open_target(config):
        await back.wait()
        target.lost.clear()
        return target

    monkeypatch.setattr(switch, "open_target", open_target)
    entries = dict(target.entries)
    target.lost.set()
    await until(lambda: not upf.health().is_ready)
    assert upf.health().reason == "the switch is gone"
    with pytest.raises(TargetError, match="the switch is gone"):
        await upf.change_slice("video", lambda _: Slice(name="video", s_nssai=SNSSAI(1)))
    stray = Entry("Ingress.detection.sessions_by_fteid", (1, 9), "Ingress.detection.drop", (1,))
    target.entries = {stray.identity: stray}
    back.set()
    await until(lambda: upf.health().is_ready)
    assert target.entries == entries
    assert upf.slices() == []


async def test_health_names_the_port_that_is_gone_until_it_is_back(upf, target):
    target.faults = {2: "n6 is gone", 7: "another is down"}  # port 7 is none of ours
    assert (upf.health().is_ready, upf.health().reason) == (False, "n6 is gone")
    target.faults = {7: "another is down"}
    assert upf.health().is_ready


async def test_unknown_interface_is_told_with_those_there_are(lab):
    tree = CONFIG | {"interface": [{"name": "n33", "role": "access"}, CONFIG["interface"][1]]}
    with pytest.raises(StartError, match=r"interface n33 is not there: name one of .*n3.*n6"):
        await UPF.start(parse(tree, source="upf.toml"))


async def test_access_interface_without_an_address_is_told(lab):
    lab("address", "flush", "dev", "n3")
    with pytest.raises(ConfigError, match="n3 has no IPv4 address"):
        await UPF.start(parse(CONFIG, source="upf.toml"))


async def test_taken_n4_port_is_told_and_nothing_is_left(lab):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 8805))
        with pytest.raises(StartError, match="8805 is taken"):
            await UPF.start(parse(CONFIG, source="upf.toml"))
    upf = await UPF.start(parse(CONFIG, source="upf.toml"))
    await upf.stop()


async def test_n4_address_of_another_host_is_told(lab):
    with pytest.raises(StartError, match="on no interface"):
        await UPF.start(parse(CONFIG | {"n4": {"address": "192.0.2.77"}}, source="upf.toml"))


async def test_a_quota_that_stops_a_packet_is_told_before_the_next_sweep(
    upf, associated_smf, establishment, target, monkeypatch
):
    monkeypatch.setattr("upf.telling.SWEEP_INTERVAL_S", BOUND_S)
    await asyncio.sleep(0.6)  # the sweep before comes sooner
    assert target.clones == {tables.MIRROR_SESSION_CONTROLLER: tables.CONTROLLER_PORT}
    urr = replace(
        establishment.create_urrs[0],
        reporting_triggers=ies.ReportingTriggers(volqu=True),
        volume_threshold=None,
        volume_quota=ies.VolumeQuota(total_bytes=1 << 30),
    )
    fseid = replace(establishment.cp_fseid, ipv4=IPv4Address(SMF_ADDRESS))
    await associated_smf(replace(establishment, create_urrs=(urr,), cp_fseid=fseid))
    (record,) = upf._n4.sessions.values()
    update = ies.UpdateFAR(
        far_id=1,
        apply_action=ies.ApplyAction(forw=True),
        update_forwarding_parameters=ies.UpdateForwardingParameters(
            destination_interface=enums.DestinationInterface.ACCESS,
            outer_header_creation=ies.OuterHeaderCreation(teid=1, ipv4=IPv4Address("10.100.3.2")),
        ),
    )
    seid = record.session.up_seid
    await associated_smf(messages.SessionModificationRequest(seid=seid, update_fars=(update,)))
    (number,) = record.held.cells.values()
    target.registers[tables.QUOTAS, number] = (700, tables.QUOTA_TOLD)
    usage_id = record.session.pdrs[1].usage_id
    await target.receiver(PacketIn(2, 0, PuntReason.QUOTA_EXHAUSTED, b"", usage_id))
    request = await associated_smf.receive(lambda m: isinstance(m, messages.SessionReportRequest))
    assert request.usage_reports[0].usage_report_trigger.volqu

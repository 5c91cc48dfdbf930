"""What another run of the UPF makes of what one left: the store as a kill leaves it, and a switch
that went on, or started anew.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from pfcp import enums, ies, messages
from tests.upf.whole import BOUND_S, CONFIG, SMF_ADDRESS
from upf import switch
from upf.config import parse
from upf.entry import Counts
from upf.errors import TargetError
from upf.node import UPF
from upf.slices import SNSSAI, Slice

pytestmark = pytest.mark.root

QUOTAS = "Egress.enforcement.quotas"


class Run:
    """Runs of a UPF one after the other, and an SMF that notices nothing but answers."""

    def __init__(self, directory, target, bound):
        self.directory, self.target, self._socket = directory, target, bound
        self._number, self._sequence = 0, 0
        self.last = b""

    @property
    def path(self):
        return self.directory / f"{self._number}.db"

    async def start(self):
        config = parse(CONFIG | {"state": {"file": str(self.path)}}, source="upf.toml")
        self.upf = await UPF.start(config)
        return self.upf

    async def kill_and_start(self):
        """The next run has the files as they are at this moment."""
        before = self.path
        self._number += 1
        for suffix in ("", "-wal"):
            shutil.copy(f"{before}{suffix}", f"{self.path}{suffix}")
        switch_then = dict(self.target.registers)
        await self.upf.stop()
        self.target.registers = switch_then
        self.target.plans.clear()
        return await self.start()

    async def ask(self, request):
        self._sequence += 1
        self.last = request.encode(self._sequence)
        return await self.send(self.last)

    async def send(self, octets):
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(self._socket, octets, ("127.0.0.1", 8805))
        async with asyncio.timeout(BOUND_S):
            while True:
                message = messages.decode(await loop.sock_recv(self._socket, 65536))
                if type(message).__name__.endswith("Response"):
                    return message

    def count(self, packets, octets):
        """Let every PDR of every session count."""
        for record in self.upf._n4.sessions.values():
            for pdr in record.session.pdrs.values():
                self.target.count(pdr.usage_id, packets=packets, octets=octets)


@pytest.fixture
async def run(own_network, monkeypatch, target, tmp_path):
    """A UPF with an association."""
    for name, address in (("n3", "10.100.3.1"), ("n6", "10.100.6.1")):
        own_network("link", "add", name, "type", "veth", "peer", "name", f"{name}-far")
        own_network("address", "add", f"{address}/24", "dev", name)
        own_network("link", "set", name, "up")
        own_network("link", "set", f"{name}-far", "up")

    async def open_target(config):
        return target

    async def wait_lost():
        await target.lost.wait()
        return TargetError("the switch is gone")

    target.lost, target.wait_lost = asyncio.Event(), wait_lost
    monkeypatch.setattr(switch, "open_target", open_target)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((SMF_ADDRESS, 8805))
        bound.setblocking(False)  # noqa: FBT003 - the socket's own interface
        run = Run(tmp_path, target, bound)
        await run.start()
        request = messages.AssociationSetupRequest(
            node_id=ies.NodeID(value=IPv4Address(SMF_ADDRESS)), recovery_time_stamp=100
        )
        run.stamp = (await run.ask(request)).recovery_time_stamp
        yield run
        await run.upf.stop()


@pytest.fixture
async def up_seid(run, establishment):
    """The SEID of the captured session, whose first PDR is measured."""
    fseid = replace(establishment.cp_fseid, ipv4=IPv4Address(SMF_ADDRESS))
    return (await run.ask(replace(establishment, cp_fseid=fseid))).up_fseid.seid


async def ended(run, up_seid):
    """Octets of the last report of a session, and its number."""
    answer = await run.ask(messages.SessionDeletionRequest(seid=up_seid))
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    (report,) = answer.usage_reports
    return report.volume_measurement.total_bytes, report.ur_seqn


async def test_the_smf_sees_the_same_upf_and_the_switch_is_not_written_to(run, up_seid):
    before = run.upf._n4.sessions[up_seid]
    upf = await run.kill_and_start()
    after = upf._n4.sessions[up_seid]
    assert (after.session, after.held, after.measurements, after.owner) == (
        *(before.session, before.held, before.measurements, before.owner),
    )
    answer = await run.ask(messages.HeartbeatRequest(recovery_time_stamp=100))
    assert answer.recovery_time_stamp == run.stamp
    assert run.target.plans == []
    answer = await run.ask(messages.SessionModificationRequest(seid=up_seid))
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED


async def test_what_was_allocated_before_is_not_given_again(run, up_seid, establishment):
    await run.kill_and_start()
    fseid = ies.FSEID(seid=9, ipv4=IPv4Address(SMF_ADDRESS))
    other = messages.SessionEstablishmentRequest(
        node_id=ies.NodeID(value=IPv4Address(SMF_ADDRESS)),
        cp_fseid=fseid,
        create_fars=establishment.create_fars,
        create_qers=establishment.create_qers,
        create_bars=establishment.create_bars,
        create_pdrs=(establishment.create_pdrs[1],),
    )
    answer = await run.ask(other)
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    first, second = (each.session for each in run.upf._n4.sessions.values())
    used = [{pdr.usage_id for pdr in each.pdrs.values()} for each in (first, second)]
    assert not used[0] & used[1]
    assert not first.local_fteids & second.local_fteids


async def test_use_is_counted_on_over_kills_exactly(run, up_seid):
    run.count(1, 100)
    await run.kill_and_start()
    run.count(2, 1000)
    await run.kill_and_start()
    run.count(3, 10_000)
    assert await ended(run, up_seid) == (11_100, 0)


async def test_a_hardware_counter_that_wraps_while_nobody_looks_is_exact(run, up_seid):
    near_end = (1 << 36) - 50
    run.count(1, near_end)
    query = (ies.QueryURR(urr_id=1),)  # beyond its threshold, a sweep may report it before
    await run.ask(messages.SessionModificationRequest(seid=up_seid, query_urrs=query))
    for key, counts in list(run.target.counts.items()):
        octets = (counts.octets + 150) % (1 << 36)
        run.target.counts[key] = Counts(counts.packets + 1, octets)
    await run.kill_and_start()
    assert (await ended(run, up_seid))[0] == 150


async def test_counters_that_began_again_are_counted_from_zero(run, up_seid):
    run.count(1, 1000)
    answer = await run.ask(
        messages.SessionModificationRequest(seid=up_seid, query_urrs=(ies.QueryURR(urr_id=1),))
    )
    assert answer.usage_reports[0].volume_measurement.total_bytes == 1000
    await run.kill_and_start()
    await run.upf.stop()
    run.target.counts.clear()
    run.target.registers.clear()
    run.target.entries.clear()
    await run.start()
    assert run.target.table("sessions_by_ue_ipv4")
    run.count(1, 10)
    assert await ended(run, up_seid) == (10, 1)


async def test_a_switch_that_comes_back_anew_loses_only_what_nobody_had_read(run, up_seid):
    run.count(1, 1000)
    await asyncio.sleep(0.7)  # a sweep sees it
    entries = dict(run.target.entries)
    run.target.counts.clear()
    run.target.registers.clear()
    run.target.entries.clear()
    run.target.lost.set()
    await asyncio.sleep(0.01)
    run.target.lost.clear()
    async with asyncio.timeout(BOUND_S):
        while run.target.entries != entries:  # noqa: ASYNC110 - nobody sets an event for it
            await asyncio.sleep(0.01)
    run.count(1, 10)
    assert await ended(run, up_seid) == (1010, 0)


async def test_a_request_whose_answer_got_lost_is_not_carried_out_again(run, up_seid):
    first = messages.decode(run.last)
    answer = await run.send(run.last)
    await run.kill_and_start()
    again = await run.send(run.last)
    assert (again.up_fseid, again.created_pdrs) == (answer.up_fseid, answer.created_pdrs)
    assert list(run.upf._n4.sessions) == [up_seid]
    assert first.cp_fseid.seid == run.upf._n4.sessions[up_seid].session.cp_seid


async def test_the_last_report_of_a_session_can_be_asked_for_again_after_a_kill(run, up_seid):
    run.count(1, 70)
    assert await ended(run, up_seid) == (70, 0)
    await run.kill_and_start()
    again = await run.send(run.last)
    assert again.usage_reports[0].volume_measurement.total_bytes == 70
    assert not run.upf._n4.sessions


async def test_another_request_with_the_number_of_an_answered_one_is_carried_out(run, up_seid):
    await run.kill_and_start()
    run._sequence -= 1
    assert (await ended(run, up_seid))[1] == 0


async def test_a_restarted_smf_finds_its_sessions_ended_though_nobody_was_there(run, up_seid):
    await run.kill_and_start()
    await run.ask(messages.HeartbeatRequest(recovery_time_stamp=200))
    answer = await run.ask(messages.SessionModificationRequest(seid=up_seid))
    assert answer.cause == enums.Cause.NO_ESTABLISHED_PFCP_ASSOCIATION
    assert not run.upf._n4.sessions
    await run.kill_and_start()
    assert not run.upf._n4.sessions


async def test_a_session_at_an_address_no_longer_ours_is_told_and_forgotten(
    run, up_seid, own_network, caplog
):
    own_network("address", "flush", "dev", "n3")
    own_network("address", "add", "10.100.3.77/24", "dev", "n3")
    await run.kill_and_start()
    assert not run.upf._n4.sessions
    assert "10.100.3.1 is not the GTP-U address any more" in caplog.text
    assert run.target.table("sessions_by_ue_ipv4") == {}


async def test_a_report_nobody_confirmed_is_sent_again_with_the_same_number(run, up_seid):
    threshold = 100 << 20

    async def report():
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(BOUND_S):
            while True:
                message = messages.decode(await loop.sock_recv(run._socket, 65536))
                if isinstance(message, messages.SessionReportRequest):
                    return message

    run.count(1, threshold)
    first = await report()
    await run.kill_and_start()
    again = await report()
    assert again.usage_reports == first.usage_reports
    answer = messages.SessionReportResponse(seid=up_seid, cause=enums.Cause.REQUEST_ACCEPTED)
    octets = answer.encode(again.sequence_number)
    await asyncio.get_running_loop().sock_sendto(run._socket, octets, ("127.0.0.1", 8805))
    async with asyncio.timeout(BOUND_S):
        while run.upf._n4.sessions[up_seid].untold:  # noqa: ASYNC110 - nobody sets an event for it
            await asyncio.sleep(0.01)
    await run.upf._keeper.flush()
    await run.kill_and_start()
    assert run.upf._n4.sessions[up_seid].untold == ()
    assert await ended(run, up_seid) == (0, 1)


async def test_a_clock_that_is_set_changes_no_duration_and_ends_nothing(run, up_seid, monkeypatch):
    """A day ahead, then a day back: only the time of day that is told is another."""
    urr = ies.CreateURR(
        urr_id=2,
        measurement_method=ies.MeasurementMethod(durat=True),
        reporting_triggers=ies.ReportingTriggers(timth=True),
        time_threshold_s=3600,
        measurement_information=ies.MeasurementInformation(istm=True),
    )
    await run.ask(messages.SessionModificationRequest(seid=up_seid, create_urrs=(urr,)))
    day_s = 86_400
    real = run.upf._telling._clock.shift_s() + run.upf._telling._clock()
    for ahead_s in (day_s, -day_s):
        monkeypatch.setattr("time.time", lambda ahead_s=ahead_s: real + ahead_s)
        await asyncio.sleep(0.7)
        answer = await run.ask(
            messages.SessionModificationRequest(seid=up_seid, query_urrs=(ies.QueryURR(urr_id=2),))
        )
        (report,) = answer.usage_reports
        assert report.duration_measurement_s <= 3
        assert abs(report.end_time - (int(real) + ahead_s + 2_208_988_800)) <= 3
        await run.kill_and_start()
    assert up_seid in run.upf._n4.sessions


async def test_what_an_smf_described_of_applications_is_known_after_a_kill(run, up_seid):
    contents = ies.PFDContents(flow_description="permit out ip from 192.0.2.1 to assigned")
    pfds = ies.ApplicationIDsPFDs(
        application_id=b"video", pfd_contexts=(ies.PFDContext(pfd_contents=(contents,)),)
    )
    answer = await run.ask(messages.PFDManagementRequest(application_ids_pfds=(pfds,)))
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    owner = run.upf._n4.sessions[up_seid].owner
    before = run.upf._n4.node.applications.of(owner)
    assert before
    await run.kill_and_start()
    assert run.upf._n4.node.applications.of(owner) == before


async def test_a_session_in_a_slice_of_its_own_stays_there(run, up_seid):
    wanted = Slice(name="video", s_nssai=SNSSAI(1), uplink_bps=8_000_000)
    await run.upf.change_slice("other", lambda _: replace(wanted, name="other", dnns=("none",)))
    await run.upf.change_slice("video", lambda _: wanted)
    slice_id = run.upf._n4.sessions[up_seid].session.slice_id
    await run.upf.delete_slice("other", lambda _: None)
    await run.kill_and_start()
    assert run.upf._n4.sessions[up_seid].session.slice_id == slice_id == 2
    assert run.target.plans == []

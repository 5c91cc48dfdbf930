"""Quotas end to end over a switch that spends from cells as the pipeline does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pfcp import enums, ies, messages
from tests.upf.quota_switch import PACKET, Switch, with_urr
from upf.errors import WriteRejectedError
from upf.triggers import MAX_PACKET_OCTETS

TOTAL = 10_500


@pytest.fixture
def switch(bench, target):
    return Switch(bench, target)


def quota(total=None, **parts):
    return {"volume_quota": ies.VolumeQuota(total_bytes=total, **parts)}


@pytest.fixture
def establish(bench, establishment, to_gnb):
    async def establish(**fields):
        answer = await bench.ask(with_urr(establishment, **fields))
        assert answer.cause == enums.Cause.REQUEST_ACCEPTED
        await bench.ask(to_gnb(answer.up_fseid.seid))
        return answer.up_fseid.seid

    return establish


@pytest.fixture
def reports(bench):
    """Sweeps and gives (triggers, octets) of the reports of the one session."""

    async def reports(*, is_shown=False):
        found = []
        if is_shown:
            bench.reporting.note_stopped(bench.record)
        look = bench.reporting.expire if is_shown else bench.reporting.sweep
        for _, request in await look():
            for each in request.usage_reports:
                triggers = {
                    name
                    for name in ies.UsageReportTrigger.__annotations__
                    if getattr(each.usage_report_trigger, name, None) is True
                }
                found.append((triggers, each.volume_measurement.total_bytes))
        return found

    return reports


async def drained(switch, reports, size=PACKET):
    """Offers more than any quota allows, look after look: packets that passed, and reports.

    The switch shows that it stopped a packet, where that is too large for a sweep to expect it.
    """
    passed, told = 0, []
    for _ in range(4):
        passed += switch.offer(1, 300, size)
        told += await reports(is_shown=size > MAX_PACKET_OCTETS)
    return passed, told


async def grant(bench, seid, **fields):
    update = ies.UpdateURR(urr_id=1, **fields)
    answer = await bench.ask(messages.SessionModificationRequest(seid=seid, update_urrs=(update,)))
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED


async def test_both_directions_spend_from_one_quota_and_no_packet_too_many_passes(
    switch, establish, reports
):
    await establish(**quota(TOTAL))
    assert (switch.offer(1, 6), switch.offer(2, 9)) == (6, 4)
    assert await reports() == [({"volqu"}, 10_000)]
    assert (switch.action(1), switch.action(2)) == (("drop", ()), ("drop", ()))
    assert await reports() == []


async def test_a_quota_used_up_to_the_octet_is_told_though_no_packet_was_stopped(
    switch, establish, reports
):
    await establish(**quota(10_000))
    assert switch.offer(2, 10) == 10
    assert await reports() == [({"volqu"}, 10_000)]
    assert switch.offer(2, 1) == 0


async def test_what_is_far_from_its_end_is_not_asked_of_the_switch(
    bench, target, switch, establish, reports
):
    await establish(**quota(1 << 30))
    switch.offer(1, 20)
    target.read_registers = None
    assert await reports() == []


@pytest.mark.parametrize(
    ("part", "stopped", "passing"), [("uplink_bytes", 2, 1), ("downlink_bytes", 1, 2)]
)
async def test_a_quota_of_one_direction_stops_that_direction(
    switch, establish, reports, part, stopped, passing
):
    await establish(**quota(**{part: 5000}))
    assert (switch.offer(stopped, 9), switch.offer(passing, 9)) == (5, 9)
    assert await reports() == [({"volqu"}, 14_000)]
    assert (switch.offer(stopped, 1), switch.offer(passing, 1)) == (0, 1)


async def test_a_new_quota_lets_traffic_pass_again_and_no_more_than_it(
    bench, switch, establish, reports
):
    seid = await establish(**quota(5000))
    switch.offer(1, 9)
    await reports()
    await grant(bench, seid, **quota(3000))
    assert switch.offer(1, 9) == 3
    assert await reports() == [({"volqu"}, 3000)]


async def test_the_same_quota_again_is_as_good_as_another(bench, switch, establish, reports):
    seid = await establish(**quota(5000))
    switch.offer(1, 9)
    await reports()
    await grant(bench, seid, **quota(5000))
    assert switch.offer(1, 9) == 5


async def test_a_quota_granted_before_the_old_one_ends_counts_what_no_report_told(
    bench, switch, establish, reports
):
    seid = await establish(
        triggers=("volqu", "volth"),
        volume_threshold=ies.VolumeThreshold(total_bytes=8000),
        **quota(10_000),
    )
    assert switch.offer(1, 8) == 8
    assert await reports() == [({"volth"}, 8000)]
    assert switch.offer(1, 1) == 1
    await grant(bench, seid, **quota(10_000))
    passed, told = await drained(switch, reports)
    assert passed == 9
    assert sum(octets for _, octets in told) == 10_000
    assert sum("volqu" in triggers for triggers, _ in told) == 1


async def test_while_traffic_goes_on_a_new_cell_is_never_given_too_much(
    bench, target, switch, establish, reports
):
    """Packets that pass while the cell is set anew are paid for."""
    seid = await establish(**quota(100_000))
    assert switch.offer(1, 10) == 10
    write = target.write_registers

    async def busy(register, cells):
        switch.offer(1, 20)
        await write(register, cells)

    target.write_registers = busy
    await grant(bench, seid, **quota(200_000))
    target.write_registers = write
    passed, told = await drained(switch, reports)
    assert passed + 30 == 200
    assert told == [({"volqu"}, 200_000)]


async def test_a_quota_larger_than_a_cell_is_granted_in_parts(
    bench, target, switch, establish, reports
):
    await establish(**quota(5 << 30))
    passed, told = await drained(switch, reports, size=1 << 30)
    assert passed == 5
    assert told == [({"volqu"}, 5 << 30)]


async def test_a_quota_without_its_trigger_stops_traffic_in_silence(switch, establish, reports):
    await establish(triggers=(), **quota(5000))
    assert switch.offer(1, 9) == 5
    assert await reports() == []
    assert switch.action(1) == ("drop", ())


async def test_traffic_beyond_its_quota_is_treated_by_the_far_for_that(
    bench, switch, establishment, establish, reports
):
    await establish(far_id_for_quota_action=2, on=(2,), **quota(5000))
    assert switch.offer(2, 9) == 5
    assert await reports() == [({"volqu"}, 5000)]
    assert switch.offer(2, 3) == 3
    assert await reports() == []


async def test_a_quota_action_that_is_no_far_is_refused(bench, target, establishment):
    answer = await bench.ask(with_urr(establishment, far_id_for_quota_action=99, **quota(1)))
    assert answer.cause == enums.Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.failed_rule_id == ies.FailedRuleID(rule_id_type=enums.RuleIDType.URR, rule_id=1)


async def test_a_time_quota_stops_traffic_when_its_time_is_up(bench, switch, establish, reports):
    seid = await establish(triggers=("timqu",), time_quota_s=30)
    assert await reports() == []
    switch.offer(1, 1)
    assert await reports() == []
    bench.clock[0] += 30
    switch.offer(1, 1)
    assert await reports() == [({"timqu"}, 2000)]
    assert switch.offer(1, 1) == 0
    await grant(bench, seid, time_quota_s=30)
    assert switch.offer(1, 1) == 1


@pytest.mark.parametrize(
    ("fields", "trigger"),
    [({"quota_holding_time_s": 20}, "quhti"), ({"quota_validity_time_s": 20}, "quvti")],
    ids=["held too long", "no longer valid"],
)
async def test_a_quota_ends_without_being_used_up(
    bench, switch, establish, reports, fields, trigger
):
    await establish(triggers=(trigger,), **fields, **quota(1 << 30))
    bench.clock[0] += 20
    assert await reports() == [({trigger}, 0)]
    assert switch.offer(1, 1) == 0


async def test_deadlines_are_met_between_sweeps(bench, switch, establish):
    await establish(triggers=("quvti",), quota_validity_time_s=20, **quota(1 << 30))
    assert bench.reporting.next_deadline() == bench.clock[0] + 20
    bench.clock[0] += 20
    ((_, request),) = await bench.reporting.expire()
    assert request.usage_reports[0].usage_report_trigger.quvti
    assert await bench.reporting.expire() == []


async def test_an_event_quota_stops_traffic_after_so_many_starts(bench, switch, establish, reports):
    await establish(
        triggers=("evequ",),
        measurement_method=ies.MeasurementMethod(volum=True, event=True),
        event_quota=2,
        inactivity_detection_time_s=5,
    )
    switch.offer(1, 1)
    assert await reports() == []
    bench.clock[0] += 6
    assert await reports() == []
    switch.offer(1, 1)
    assert await reports() == [({"evequ"}, 2000)]
    assert switch.offer(1, 1) == 0


async def test_a_quota_that_a_monitoring_time_brings_is_put_in_force(
    bench, switch, establish, reports
):
    at = bench.clock[0] + 60
    await establish(
        monitoring_time=int(at) + 2_208_988_800 & 0xFFFF_FFFF,
        subsequent_volume_quota=ies.SubsequentVolumeQuota(total_bytes=3000),
        **quota(5000),
    )
    assert switch.offer(1, 9) == 5
    assert await reports() == [({"volqu"}, 5000)]
    bench.clock[0] = at
    assert await reports() == []
    assert switch.offer(1, 9) == 3
    assert await reports() == [({"monit"}, 0), ({"volqu"}, 3000)]


async def test_a_switch_that_refuses_is_asked_again(bench, target, switch, establish, reports):
    await establish(**quota(5000))
    switch.offer(1, 9)
    apply = target.apply

    async def refuse(plan):
        raise WriteRejectedError("no")

    target.apply = refuse
    assert await reports() == []
    target.apply = apply
    assert await reports() == [({"volqu"}, 5000)]


async def test_a_packet_that_the_switch_stopped_is_told_at_once(bench, switch, establish):
    await establish(**quota(5000))
    switch.offer(1, 9)
    assert not bench.reporting.is_urgent.is_set()
    bench.reporting.note_stopped(bench.record)
    assert bench.reporting.is_urgent.is_set()
    ((_, request),) = await bench.reporting.expire()
    assert not bench.reporting.is_urgent.is_set()
    assert request.usage_reports[0].usage_report_trigger.volqu


async def test_a_quota_renewed_while_it_was_being_stopped_is_not_stopped(
    bench, target, switch, establish, reports
):
    seid = await establish(**quota(5000))
    switch.offer(1, 9)
    await bench.record.lock.acquire()
    assert await reports() == []
    bench.record.lock.release()
    await grant(bench, seid, **quota(9000))
    assert await reports() == []
    assert await drained(switch, reports) == (4, [({"volqu"}, 9000)])


async def test_a_second_quota_on_a_pdr_stops_it_at_the_next_sweep(
    bench, switch, establishment, reports, to_gnb
):
    request = with_urr(establishment, **quota(1 << 30))
    other = replace(
        request.create_urrs[0], urr_id=2, volume_quota=ies.VolumeQuota(total_bytes=5000)
    )
    pdrs = [
        replace(pdr, urr_ids=(1, 2) if pdr.pdr_id == 1 else pdr.urr_ids)
        for pdr in request.create_pdrs
    ]
    answer = await bench.ask(
        replace(request, create_urrs=(*request.create_urrs, other), create_pdrs=tuple(pdrs))
    )
    await bench.ask(to_gnb(answer.up_fseid.seid))
    assert switch.offer(1, 9) == 9
    assert await reports() == [({"volqu"}, 9000)]
    assert (switch.offer(1, 1), switch.offer(2, 1)) == (0, 1)


async def test_cells_are_given_back(bench, target, switch, establish, reports):
    bench.entries._pools["quota"]._capacity = 4
    for _ in range(5):
        seid = await establish(**quota(5000))
        switch.offer(1, 9)
        await reports()
        await grant(bench, seid, **quota(3000))
        await bench.ask(messages.SessionDeletionRequest(seid=seid))


async def test_a_rule_made_anew_under_an_old_id_has_its_own_quota(
    bench, switch, establishment, establish, reports
):
    seid = await establish(**quota(5000))
    switch.offer(1, 9)
    await reports()
    again = with_urr(establishment, **quota(2000)).create_urrs
    answer = await bench.ask(
        messages.SessionModificationRequest(
            seid=seid, remove_urrs=(ies.RemoveURR(urr_id=1),), create_urrs=again
        )
    )
    assert answer.usage_reports[0].usage_report_trigger.termr
    assert switch.offer(1, 9) == 2


async def test_a_renewed_quota_far_from_its_end_is_not_asked_of_the_switch(
    bench, target, switch, establish, reports
):
    seid = await establish(**quota(1 << 30))
    switch.offer(1, 20)
    await grant(bench, seid, **quota(1 << 30))
    read, target.read_registers = target.read_registers, None
    switch.offer(1, 20)
    assert await reports() == []
    target.read_registers = read
    _, told = await drained(switch, reports, size=1 << 24)
    assert [triggers for triggers, _ in told] == [{"volqu"}]

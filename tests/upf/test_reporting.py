"""Usage reports on the wire: at deletion, on demand, and when a threshold is reached."""

from __future__ import annotations

from dataclasses import replace

from pfcp import ies, messages
from upf.allocator import IndexPool
from upf.entry import Counts

START = 1_700_000_000
NTP_START = (START + 2_208_988_800) & 0xFFFF_FFFF
THRESHOLD_OCTETS = 100 << 20


async def established(bench, request, to_gnb):
    seid = (await bench.ask(request)).up_fseid.seid
    await bench.ask(to_gnb(seid))
    usage = {pdr.pdr_id: pdr.usage_id for pdr in bench.record.session.pdrs.values()}
    return seid, usage


async def test_deletion_reports_what_was_used(bench, target, establishment, to_gnb):
    seid, usage = await established(bench, establishment, to_gnb)
    target.count(usage[1], packets=3, octets=4000)
    target.count(usage[2], packets=9, octets=900)  # no URR on the uplink PDR
    bench.clock[0] += 8.4
    answer = await bench.ask(messages.SessionDeletionRequest(seid=seid))
    (told,) = answer.usage_reports
    assert told == ies.UsageReportInDeletionResponse(
        urr_id=1,
        ur_seqn=0,
        usage_report_trigger=ies.UsageReportTrigger(termr=True),
        start_time=NTP_START,
        end_time=NTP_START + 8,
        volume_measurement=ies.VolumeMeasurement(
            total_bytes=4000,
            uplink_bytes=0,
            downlink_bytes=4000,
            total_packets=3,
            uplink_packets=0,
            downlink_packets=3,
        ),
        duration_measurement_s=8,
        time_of_first_packet=NTP_START + 8,
        time_of_last_packet=NTP_START + 8,
    )


async def test_counter_used_before_starts_at_nothing(bench, target, establishment, to_gnb):
    bench.resources.counters.session_meters = IndexPool("session meters", 3)
    bench.resources.counters._unmetered = IndexPool("usage counters", 602, first=600)
    seid, usage = await established(bench, establishment, to_gnb)
    for usage_id in usage.values():
        target.count(usage_id, packets=3, octets=4000)
    await bench.ask(messages.SessionDeletionRequest(seid=seid))
    seid, again = await established(bench, establishment, to_gnb)
    assert set(again.values()) == set(usage.values())
    readings = await bench.resources.counters.read(again.values())
    used = [bench.resources.counters.used(*reading) for reading in readings.items()]
    assert used == [Counts(0, 0)] * 4
    answer = await bench.ask(messages.SessionDeletionRequest(seid=seid))
    assert answer.usage_reports[0].volume_measurement.total_bytes == 0


async def test_threshold_reached_is_reported_once(bench, target, establishment, to_gnb):
    _, usage = await established(bench, establishment, to_gnb)
    target.count(usage[1], packets=10, octets=THRESHOLD_OCTETS - 1)
    assert await bench.reporting.sweep() == []
    target.count(usage[1], packets=1, octets=1)
    bench.clock[0] += 30
    ((record, request),) = await bench.reporting.sweep()
    assert record is bench.record
    assert request.seid == 0x35E
    assert request.report_type == ies.ReportType(usar=True)
    (told,) = request.usage_reports
    assert told.usage_report_trigger == ies.UsageReportTrigger(volth=True)
    assert (told.urr_id, told.ur_seqn) == (1, 0)
    assert told.volume_measurement.total_bytes == THRESHOLD_OCTETS
    assert await bench.reporting.sweep() == []


async def test_session_being_changed_is_left_to_the_next_look(bench, target, establishment, to_gnb):
    _, usage = await established(bench, establishment, to_gnb)
    target.count(usage[1], packets=1, octets=THRESHOLD_OCTETS)
    async with bench.record.lock:
        assert await bench.reporting.sweep() == []
    assert len(await bench.reporting.sweep()) == 1


async def test_sequence_goes_on_from_threshold_to_deletion(bench, target, establishment, to_gnb):
    seid, usage = await established(bench, establishment, to_gnb)
    target.count(usage[1], packets=1, octets=THRESHOLD_OCTETS)
    await bench.reporting.sweep()
    target.count(usage[1], packets=1, octets=70)
    answer = await bench.ask(messages.SessionDeletionRequest(seid=seid))
    (told,) = answer.usage_reports
    assert (told.ur_seqn, told.volume_measurement.total_bytes) == (1, 70)


async def test_query_is_answered_at_once(bench, target, establishment, to_gnb):
    seid, usage = await established(bench, establishment, to_gnb)
    target.count(usage[1], packets=1, octets=50)
    answer = await bench.ask(
        messages.SessionModificationRequest(seid=seid, query_urrs=(ies.QueryURR(urr_id=1),))
    )
    (told,) = answer.usage_reports
    assert told.usage_report_trigger == ies.UsageReportTrigger(immer=True)
    assert told.volume_measurement.total_bytes == 50


async def test_pdr_that_names_a_urr_later_is_measured_from_then(
    bench, target, establishment, to_gnb
):
    seid, usage = await established(bench, establishment, to_gnb)
    target.count(usage[2], packets=1, octets=1000)
    update = ies.UpdatePDR(pdr_id=2, urr_ids=(1,))
    await bench.ask(messages.SessionModificationRequest(seid=seid, update_pdrs=(update,)))
    target.count(usage[2], packets=1, octets=7)
    answer = await bench.ask(messages.SessionDeletionRequest(seid=seid))
    assert answer.usage_reports[0].volume_measurement.uplink_bytes == 7


async def test_new_pdr_is_measured_from_its_first_packet(bench, target, establishment, to_gnb):
    seid, _ = await established(bench, establishment, to_gnb)
    new = replace(establishment.create_pdrs[2], pdr_id=9, urr_ids=(1,))
    apply = target.apply

    async def with_traffic_at_once(plan):
        await apply(plan)
        for entry in plan.inserts:
            if entry.table.endswith("sessions_by_fteid"):
                target.count(entry.params[0], packets=1, octets=60)

    target.apply = with_traffic_at_once
    # Another CHOOSE_ID: a key, and so an entry, of its own.
    fteid = ies.FTEID(choose=True, choose_ipv4=True, choose_id=77)
    new = replace(new, pdi=replace(new.pdi, local_fteid=fteid))
    await bench.ask(messages.SessionModificationRequest(seid=seid, create_pdrs=(new,)))
    target.apply = apply
    answer = await bench.ask(messages.SessionDeletionRequest(seid=seid))
    assert answer.usage_reports[0].volume_measurement.total_bytes == 60


async def test_removed_urr_reports_for_the_last_time(bench, target, establishment, to_gnb):
    seid, usage = await established(bench, establishment, to_gnb)
    target.count(usage[1], packets=1, octets=50)
    downlink = replace(establishment.create_pdrs[0], urr_ids=())
    answer = await bench.ask(
        messages.SessionModificationRequest(
            seid=seid,
            remove_urrs=(ies.RemoveURR(urr_id=1),),
            remove_pdrs=(ies.RemovePDR(pdr_id=1),),
            create_pdrs=(downlink,),
        )
    )
    (told,) = answer.usage_reports
    assert told.usage_report_trigger == ies.UsageReportTrigger(termr=True)
    assert told.volume_measurement.total_bytes == 50
    assert bench.record.measurements == {}


async def test_usage_of_a_removed_pdr_is_not_lost(bench, target, establishment, to_gnb):
    seid, usage = await established(bench, establishment, to_gnb)
    target.count(usage[1], packets=1, octets=50)
    await bench.ask(
        messages.SessionModificationRequest(seid=seid, remove_pdrs=(ies.RemovePDR(pdr_id=1),))
    )
    answer = await bench.ask(messages.SessionDeletionRequest(seid=seid))
    assert answer.usage_reports[0].volume_measurement.total_bytes == 50


async def test_a_session_without_packets_for_its_timer_is_told_once(
    bench, target, establishment, to_gnb
):
    request = replace(establishment, user_plane_inactivity_timer_s=60)
    seid, usage = await established(bench, request, to_gnb)
    for _ in range(3):
        bench.clock[0] += 50
        target.count(usage[2], packets=1, octets=100)  # of a PDR that no URR measures
        assert await bench.reporting.sweep() == []
    assert bench.reporting.next_deadline() <= bench.clock[0] + 60
    bench.clock[0] += 60
    ((record, request),) = await bench.reporting.expire()
    assert (record, request.seid) == (bench.record, 0x35E)
    assert request.report_type == ies.ReportType(upir=True)
    bench.clock[0] += 600
    assert await bench.reporting.sweep() == []
    modification = messages.SessionModificationRequest(seid=seid, user_plane_inactivity_timer_s=10)
    await bench.ask(modification)
    bench.clock[0] += 10
    assert len(await bench.reporting.sweep()) == 1
    await bench.ask(replace(modification, user_plane_inactivity_timer_s=0))
    bench.clock[0] += 600
    assert await bench.reporting.sweep() == []


async def test_all_urrs_are_queried_and_the_reference_comes_back(
    bench, target, establishment, to_gnb
):
    seid, usage = await established(bench, establishment, to_gnb)
    other = replace(establishment.create_urrs[0], urr_id=2)
    update = ies.UpdatePDR(pdr_id=1, urr_ids=(1, 2))
    await bench.ask(
        messages.SessionModificationRequest(seid=seid, create_urrs=(other,), update_pdrs=(update,))
    )
    target.count(usage[1], packets=1, octets=50)
    answer = await bench.ask(
        messages.SessionModificationRequest(
            seid=seid, pfcpsmreq_flags=ies.PFCPSMReqFlags(qaurr=True), query_urr_reference=77
        )
    )
    told = [
        (each.urr_id, each.query_urr_reference, each.volume_measurement.total_bytes)
        for each in answer.usage_reports
    ]
    assert told == [(1, 77, 50), (2, 77, 50)]

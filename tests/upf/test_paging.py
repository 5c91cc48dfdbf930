"""Packets of idle UEs: kept, told of once, sent on in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pfcp import ies, messages
from upf.paging import BufferLimits, Paging

LIMITS = BufferLimits()


@pytest.fixture
async def idle(bench, target, establishment, to_gnb):
    """A session whose downlink buffers, its paging, and what was reported."""
    reports = []
    paging = bench.n4.paging = Paging(target, lambda record, request: reports.append(request))
    seid = (await bench.ask(establishment)).up_fseid.seid
    return bench.record, paging, reports, to_gnb(seid)


def downlink(record):
    return record.session.pdrs[1]


def is_accounted_for(paging):
    counts = paging.counts
    return counts.stored == counts.flushed + counts.discarded + counts.expired + paging.held


async def test_first_packet_of_an_episode_is_told_and_no_other(idle):
    record, paging, reports, _ = idle
    for n in range(3):
        paging.keep(record, downlink(record), 2, bytes([n]))
    (report,) = reports
    assert (report.seid, report.report_type.dldr) == (0x35E, True)
    assert report.downlink_data_report.pdr_ids == (1,)


async def test_packets_go_on_in_order_when_the_gnb_is_known(bench, target, idle):
    record, paging, reports, forward = idle
    for n in range(3):
        paging.keep(record, downlink(record), 2, bytes([n]))
    await bench.ask(forward)
    assert target.again == [(2, b"\0"), (2, b"\1"), (2, b"\2")]
    assert (paging.held, paging.counts.flushed) == (0, 3)
    far = ies.UpdateFAR(far_id=1, apply_action=ies.ApplyAction(buff=True, nocp=True))
    await bench.ask(messages.SessionModificationRequest(seid=forward.seid, update_fars=(far,)))
    paging.keep(record, downlink(record), 2, b"x")
    assert len(reports) == 2
    assert is_accounted_for(paging)


async def test_packets_are_dropped_when_the_far_drops_or_the_session_ends(bench, target, idle):
    record, paging, _, forward = idle
    paging.keep(record, downlink(record), 2, b"x")
    far = ies.UpdateFAR(far_id=1, apply_action=ies.ApplyAction(drop=True))
    await bench.ask(messages.SessionModificationRequest(seid=forward.seid, update_fars=(far,)))
    assert (paging.held, paging.counts.discarded) == (0, 1)
    paging.keep(record, downlink(record), 2, b"y")
    await bench.ask(messages.SessionDeletionRequest(seid=forward.seid))
    assert (paging.held, paging.counts.discarded) == (0, 2)
    assert target.again == []
    assert is_accounted_for(paging)


async def test_oldest_packets_make_room(idle):
    record, paging, _, _ = idle
    for n in range(LIMITS.session_packets + 5):
        paging.keep(record, downlink(record), 2, bytes([n]))
    assert (paging.held, paging.counts.discarded) == (LIMITS.session_packets, 5)
    paging.keep(record, downlink(record), 2, bytes(LIMITS.session_octets))
    assert paging.held == 1
    assert is_accounted_for(paging)


def with_bar(seid, **fields):
    return messages.SessionModificationRequest(
        seid=seid, update_bars=(ies.UpdateBAR(bar_id=1, **fields),)
    )


async def test_no_more_packets_are_kept_than_the_bar_suggests(bench, idle):
    record, paging, _, forward = idle
    await bench.ask(with_bar(forward.seid, suggested_buffering_packets_count=3))
    for n in range(5):
        paging.keep(record, downlink(record), 2, bytes([n]))
    assert (paging.held, paging.counts.discarded) == (3, 2)
    assert is_accounted_for(paging)


async def test_a_report_waits_for_the_delay_of_the_bar_and_for_nothing_if_the_ue_is_reached(
    bench, idle
):
    record, paging, reports, forward = idle
    await bench.ask(with_bar(forward.seid, downlink_data_notification_delay=1))
    paging.keep(record, downlink(record), 2, b"x")
    assert reports == []
    await asyncio.sleep(0.08)
    assert len(reports) == 1
    await bench.ask(forward)
    far = ies.UpdateFAR(far_id=1, apply_action=ies.ApplyAction(buff=True, nocp=True))
    idle_again = messages.SessionModificationRequest(seid=forward.seid, update_fars=(far,))
    await bench.ask(idle_again)
    paging.keep(record, downlink(record), 2, b"y")
    await bench.ask(forward)
    await asyncio.sleep(0.08)
    assert len(reports) == 1


async def test_drobu_drops_what_is_kept(bench, target, idle):
    record, paging, _, forward = idle
    paging.keep(record, downlink(record), 2, b"x")
    request = replace(forward, pfcpsmreq_flags=ies.PFCPSMReqFlags(drobu=True))
    await bench.ask(request)
    assert (paging.held, paging.counts.discarded, target.again) == (0, 1, [])


async def test_the_answer_to_a_report_says_how_many_and_how_long(idle):
    record, paging, _, _ = idle
    paging.keep(record, downlink(record), 2, b"x")
    answer = messages.SessionReportResponse(
        cause=1,
        update_bars=(
            ies.UpdateBARInReportResponse(
                bar_id=1,
                dl_buffering_duration=ies.DLBufferingDuration(unit=0, value=0),
                dl_buffering_suggested_packet_count=ies.DLBufferingSuggestedPacketCount(packets=2),
            ),
        ),
    )
    paging.take_answer(record, answer)
    for n in range(3):
        paging.keep(record, downlink(record), 2, bytes([n]))
    paging.expire()
    assert (paging.counts.discarded, paging.counts.expired, paging.held) == (1, 3, 0)
    paging.keep(record, downlink(record), 2, b"y")
    drop = messages.SessionReportResponse(cause=1, pfcpsrrsp_flags=ies.PFCPSRRspFlags(drobu=True))
    paging.take_answer(record, drop)
    assert paging.held == 0
    assert is_accounted_for(paging)


async def test_a_report_names_the_flow_and_the_marking_of_its_packet(idle):
    record, paging, reports, _ = idle
    frame = bytes(12) + b"\x08\x00" + bytes([0x45, 0xB8]) + bytes(30)
    paging.keep(record, downlink(record), 2, frame)
    (service,) = reports[0].downlink_data_report.downlink_data_service_information
    assert (service.qfi, service.paging_policy_indication) == (1, 46)

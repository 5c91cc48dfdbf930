"""Packets of idle UEs: kept, told of once, sent on in order."""

from __future__ import annotations

import pytest

from pfcp import ies, messages
from upf.paging import MAX_SESSION_OCTETS, MAX_SESSION_PACKETS, Paging


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
    return counts.stored == counts.flushed + counts.discarded + paging.held


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
    for n in range(MAX_SESSION_PACKETS + 5):
        paging.keep(record, downlink(record), 2, bytes([n]))
    assert (paging.held, paging.counts.discarded) == (MAX_SESSION_PACKETS, 5)
    paging.keep(record, downlink(record), 2, bytes(MAX_SESSION_OCTETS))
    assert paging.held == 1
    assert is_accounted_for(paging)

"""What a measurement calls for, and when to look at it again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upf.entry import Counts
from upf.limits import Monitoring, VolumeLimit
from upf.measurement import Sight, begin, fold, split
from upf.rules import PDI, PDR, URR, Interface
from upf.triggers import MAX_PACKET_OCTETS, Due, alarms, due, is_near_end, next_deadline
from upf.usage_report import report

UPLINK = PDR(
    pdr_id=1, precedence=1, pdi=PDI(source_interface=Interface.ACCESS), urr_ids=(7,), usage_id=10
)
DOWNLINK = replace(UPLINK, pdr_id=2, pdi=PDI(source_interface=Interface.CORE), usage_id=20)
PDRS = (UPLINK, DOWNLINK)
ZERO = {10: Counts(0, 0), 20: Counts(0, 0)}
VOLTH = URR(urr_id=7, triggers=frozenset({"volth"}), volume_threshold=VolumeLimit(400))
VOLQU = URR(urr_id=7, triggers=frozenset({"volqu"}), volume_quota=VolumeLimit(400))
NOTHING = Due(frozenset())


def used(urr, now=1.0, uplink=100, downlink=300, start=0.0):
    """The measurement of a URR whose counters gained so many octets."""
    sight = Sight(
        now, {10: Counts(int(uplink > 0), uplink), 20: Counts(int(downlink > 0), downlink)}
    )
    return fold(begin(urr, PDRS, ZERO, start), urr, PDRS, sight)


@pytest.mark.parametrize(
    ("threshold", "is_due"),
    [
        (VolumeLimit(total=400), True),
        (VolumeLimit(total=401), False),
        (VolumeLimit(uplink=100), True),
        (VolumeLimit(downlink=301), False),
        (VolumeLimit(total=900, uplink=900, downlink=300), True),
        (VolumeLimit(), False),
    ],
    ids=str,
)
def test_volume_threshold_is_due_when_reached(threshold, is_due):
    urr = replace(VOLTH, volume_threshold=threshold)
    assert due(used(urr), urr, 1.0) == Due(frozenset({"volth"} if is_due else ()))
    silent = replace(urr, triggers=frozenset())
    assert due(used(silent), silent, 1.0) == NOTHING


def test_time_threshold_and_period_are_due_when_their_time_is_up():
    urr = URR(
        urr_id=7,
        triggers=frozenset({"timth", "perio"}),
        time_threshold_s=5,
        measurement_period_s=10,
    )
    measured = used(urr, now=102.0, start=100.0)
    assert next_deadline(measured, urr) == 107.0
    for now, triggers in ((106.9, set()), (107.0, {"timth"}), (110.0, {"timth", "perio"})):
        assert due(fold(measured, urr, PDRS, Sight(now, {})), urr, now).triggers == triggers


@pytest.mark.parametrize(
    ("quota", "octets", "stop"),
    [
        (VolumeLimit(total=400), 400, "volqu"),
        (VolumeLimit(total=401), 400, None),
        (VolumeLimit(downlink=300), 400, "volqu"),
    ],
    ids=str,
)
def test_a_quota_used_up_ends(quota, octets, stop):
    urr = replace(VOLQU, volume_quota=quota)
    assert due(used(urr), urr, 1.0) == Due(frozenset({stop} if stop else ()), stop)


def test_a_quota_ends_whether_the_cp_function_wants_to_be_told_or_not():
    urr = replace(VOLQU, triggers=frozenset())
    assert due(used(urr), urr, 1.0) == Due(frozenset(), "volqu")


def test_a_quota_ends_once():
    assert due(replace(used(VOLQU), stopped_by="volqu"), VOLQU, 1.0) == NOTHING


def test_time_quota_ends_when_so_much_time_was_metered():
    urr = URR(urr_id=7, triggers=frozenset({"timqu"}), time_quota_s=30)
    idle = begin(urr, PDRS, ZERO, 0.0)
    assert next_deadline(idle, urr) is None
    assert alarms(idle, urr, PDRS) == {10: 1, 20: 1}
    measured = used(urr, now=5.0)
    assert next_deadline(measured, urr) == 35.0
    assert due(fold(measured, urr, PDRS, Sight(35.0, {})), urr, 35.0).stop == "timqu"


def test_event_quota_ends_with_its_last_event():
    urr = URR(urr_id=7, triggers=frozenset({"evequ", "eveth"}), event_quota=2, event_threshold=1)
    assert due(used(urr), urr, 1.0) == Due(frozenset({"eveth"}))
    twice = replace(used(urr), towards_quota=used(urr).towards_quota + used(urr).towards_quota)
    assert due(twice, urr, 1.0).stop == "evequ"


@pytest.mark.parametrize(
    ("fields", "trigger", "at"),
    [
        ({"quota_holding_time_s": 20}, "quhti", 25.0),
        ({"quota_validity_time_s": 20}, "quvti", 20.0),
    ],
    ids=["not used for too long", "no longer valid"],
)
def test_a_quota_ends_when(fields, trigger, at):
    urr = URR(urr_id=7, triggers=frozenset({trigger}), volume_quota=VolumeLimit(10**9), **fields)
    measured = used(urr, now=5.0)
    assert next_deadline(measured, urr) == at
    assert due(measured, urr, at - 0.1) == NOTHING
    assert due(measured, urr, at) == Due(frozenset({trigger}), trigger)


def test_without_a_quota_there_is_none_to_hold_or_to_expire():
    urr = URR(urr_id=7, quota_holding_time_s=20, quota_validity_time_s=20)
    assert next_deadline(used(urr), urr) is None
    assert due(used(urr), urr, 99.0) == NOTHING


def test_start_and_stop_of_traffic_are_due_once_each():
    urr = URR(urr_id=7, triggers=frozenset({"start", "stopt"}), inactivity_detection_time_s=4)
    idle = begin(urr, PDRS, ZERO, 0.0)
    assert alarms(idle, urr, PDRS) == {10: 1, 20: 1}
    measured = used(urr, now=5.0)
    assert due(measured, urr, 5.0).triggers == {"start"}
    assert next_deadline(measured, urr) == 9.0
    _, measured = report(measured, urr, frozenset({"start"}), 5.0)
    assert due(measured, urr, 5.0) == NOTHING
    measured = fold(measured, urr, PDRS, Sight(9.0, {}))
    assert due(measured, urr, 9.0).triggers == {"stopt"}
    assert alarms(measured, urr, PDRS) == {10: 101, 20: 301}


def test_inactivity_of_the_user_plane_is_due_once():
    urr = URR(urr_id=7, triggers=frozenset({"upint"}), inactivity_timer_s=60)
    measured = used(urr, now=5.0)
    assert next_deadline(measured, urr) == 65.0
    assert due(measured, urr, 65.0).triggers == {"upint"}
    _, measured = report(measured, urr, frozenset({"upint"}), 65.0)
    assert due(measured, urr, 99.0) == NOTHING
    assert next_deadline(measured, urr) is None
    measured = fold(measured, urr, PDRS, Sight(100.0, {10: Counts(2, 200)}))
    assert next_deadline(measured, urr) == 160.0


def test_no_more_reports_than_asked_for():
    urr = replace(VOLTH, number_of_reports=1)
    measured = used(urr)
    _, measured = report(measured, urr, frozenset({"volth"}), 1.0)
    measured = fold(measured, urr, PDRS, Sight(2.0, {10: Counts(9, 9000)}))
    assert due(measured, urr, 2.0) == NOTHING


def test_a_monitoring_time_is_waited_for():
    urr = replace(VOLTH, monitorings=(Monitoring(50.0),))
    measured = used(urr)
    assert next_deadline(measured, urr) == 50.0
    assert next_deadline(split(measured, 50.0), urr) is None


@given(
    limit=st.integers(1, 10**6),
    steps=st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 10**5)), max_size=20),
)
def test_no_threshold_is_reached_before_an_alarm(limit, steps):
    """Looking only when a counter passed its alarm misses nothing."""
    urr = replace(VOLTH, volume_threshold=VolumeLimit(limit))
    measured = begin(urr, PDRS, ZERO, 0.0)
    counts = {10: 0, 20: 0}
    for uplink, downlink in steps:
        counts = {10: counts[10] + uplink, 20: counts[20] + downlink}
        readings = {usage_id: Counts(octets, octets) for usage_id, octets in counts.items()}
        folded = fold(measured, urr, PDRS, Sight(1.0, readings))
        levels = alarms(measured, urr, PDRS)
        is_woken = any(counts[usage_id] >= level for usage_id, level in levels.items())
        if due(folded, urr, 1.0).triggers:
            assert is_woken
            _, folded = report(folded, urr, frozenset({"volth"}), 1.0)
        if is_woken:
            measured = folded


def test_near_its_end_a_quota_is_watched_closely():
    urr = replace(VOLQU, volume_quota=VolumeLimit(10**6))
    measured = begin(urr, PDRS, ZERO, 0.0)
    assert not is_near_end(measured)
    level = alarms(measured, urr, PDRS)[10]
    left = 10**6 - 2 * level
    assert left > MAX_PACKET_OCTETS
    assert is_near_end(used(urr, uplink=level, downlink=level))
    assert not is_near_end(replace(used(urr, uplink=level, downlink=level), stopped_by="volqu"))

"""From counters to usage reports: the measurement of one URR."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upf.entry import Counts
from upf.limits import Limits, Monitoring, VolumeLimit
from upf.measurement import Sight, begin, fold, relink, reprovision, split
from upf.rules import PDI, PDR, URR, Interface
from upf.usage import NO_USAGE
from upf.usage_report import report

UPLINK = PDR(
    pdr_id=1, precedence=1, pdi=PDI(source_interface=Interface.ACCESS), urr_ids=(7,), usage_id=10
)
DOWNLINK = replace(UPLINK, pdr_id=2, pdi=PDI(source_interface=Interface.CORE), usage_id=20)
OTHER = replace(UPLINK, pdr_id=3, urr_ids=(8,), usage_id=30)
PDRS = (UPLINK, DOWNLINK, OTHER)
ZERO = {10: Counts(0, 0), 20: Counts(0, 0), 30: Counts(0, 0)}
VOLUME = URR(urr_id=7, measures_volume=True)
TIME = URR(urr_id=7, measures_duration=True)
NO_TRIGGERS = frozenset()


def seen(now, uplink=0, downlink=0, packets=1, **times):
    """What counters show at a time, octets by direction."""
    return Sight(
        now,
        {
            10: Counts(packets if uplink else 0, uplink),
            20: Counts(packets if downlink else 0, downlink),
            30: Counts(9, 999),
        },
        **times,
    )


def told(measurement, urr, now, triggers=NO_TRIGGERS):
    """The one report of now, and the measurement that goes on."""
    (usage_report,), rest = report(measurement, urr, frozenset(triggers), now)
    return usage_report, rest


def test_volume_is_summed_by_direction_over_the_pdrs_that_name_the_urr():
    readings = {10: Counts(1, 100), 20: Counts(2, 300), 30: Counts(9, 999)}
    measured = fold(begin(VOLUME, PDRS, ZERO, 0.0), VOLUME, PDRS, Sight(5.0, readings))
    assert measured.used.volume.uplink == Counts(1, 100)
    assert measured.used.volume.downlink == Counts(2, 300)
    assert measured.used.volume.total == Counts(3, 400)


def test_what_a_counter_saw_before_is_not_counted():
    base = ZERO | {10: Counts(50, 5000)}
    now = Sight(1.0, ZERO | {10: Counts(51, 5100)})
    measured = fold(begin(VOLUME, PDRS, base, 0.0), VOLUME, PDRS, now)
    assert measured.used.volume.total == Counts(1, 100)


def test_a_counter_that_could_not_be_read_is_counted_the_next_time():
    measured = begin(VOLUME, PDRS, ZERO, 0.0)
    measured = fold(measured, VOLUME, PDRS, Sight(1.0, {20: Counts(1, 5)}))
    measured = fold(measured, VOLUME, PDRS, Sight(2.0, {10: Counts(1, 7), 20: Counts(1, 5)}))
    assert measured.used.volume.total == Counts(2, 12)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=20))
def test_reports_together_say_what_the_counter_gained(steps):
    """Whenever it is looked at and reported, nothing is lost and nothing counted twice."""
    measured, reported = begin(VOLUME, PDRS, ZERO, 0.0), 0
    for now, (octets, is_reported) in zip(
        range(len(steps)), zip(accumulate(o for o, _ in steps), (r for _, r in steps), strict=True),
        strict=True,
    ):  # fmt: skip
        measured = fold(measured, VOLUME, PDRS, Sight(now, ZERO | {10: Counts(octets, octets)}))
        if is_reported:
            part, measured = told(measured, VOLUME, now)
            reported += part.portion.used.volume.total.octets
    gained = sum(octets for octets, _ in steps)
    assert reported + measured.used.volume.total.octets == gained
    assert measured.towards_quota.volume.total.octets == gained


def test_reports_are_numbered_and_join_without_a_gap():
    first, measured = told(begin(VOLUME, PDRS, ZERO, 10.0), VOLUME, 20.0)
    second, _ = told(measured, VOLUME, 35.0)
    assert (first.ur_seqn, second.ur_seqn) == (0, 1)
    assert (first.portion.start_time, first.portion.end_time, first.duration_s) == (10.0, 20.0, 10)
    assert (second.portion.start_time, second.portion.end_time) == (20.0, 35.0)


def test_first_and_last_packet_are_those_of_the_report():
    measured = begin(VOLUME, PDRS, ZERO, 0.0)
    for now, octets in ((1.0, 0), (2.0, 10), (3.0, 20), (4.0, 20)):
        measured = fold(measured, VOLUME, PDRS, seen(now, octets, packets=octets))
    first, measured = told(measured, VOLUME, 5.0)
    assert (first.portion.first_packet_time, first.portion.last_packet_time) == (2.0, 3.0)
    assert told(measured, VOLUME, 6.0)[0].portion.first_packet_time is None


def test_a_late_look_knows_when_packets_came():
    measured = begin(VOLUME, PDRS, ZERO, 0.0)
    late = seen(90.0, 10, 10, first={10: 2.0, 20: 4.0}, last={10: 30.0, 20: 20.0})
    measured = fold(measured, VOLUME, PDRS, late)
    assert (measured.first_packet_time, measured.last_packet_time) == (2.0, 30.0)


def test_pdr_linked_later_counts_from_then_on():
    measured = begin(VOLUME, (UPLINK,), ZERO, 0.0)
    readings = ZERO | {20: Counts(5, 500)}
    measured = fold(measured, VOLUME, (UPLINK,), Sight(1.0, readings))
    measured = relink(measured, PDRS, readings)
    measured = fold(measured, VOLUME, PDRS, Sight(2.0, ZERO | {20: Counts(6, 600)}))
    assert measured.used.volume.total == Counts(1, 100)


def test_a_suspended_urr_counts_nothing_and_goes_on_from_there():
    suspended = replace(VOLUME, is_suspended=True)
    measured = fold(begin(VOLUME, PDRS, ZERO, 0.0), suspended, PDRS, seen(1.0, 100))
    measured = fold(measured, VOLUME, PDRS, seen(2.0, 130, packets=2))
    assert measured.used.volume.total == Counts(1, 30)


# Time.


def test_time_counts_from_the_first_packet_on():
    measured = fold(begin(TIME, PDRS, ZERO, 0.0), TIME, PDRS, seen(10.0))
    assert measured.used.duration_s == 0
    measured = fold(measured, TIME, PDRS, seen(13.0, 100, first={10: 12.0}))
    measured = fold(measured, TIME, PDRS, seen(20.0, 100))
    assert measured.used.duration_s == 8
    usage_report, measured = told(measured, TIME, 20.0)
    assert usage_report.duration_s == 8
    assert fold(measured, TIME, PDRS, seen(21.0, 100)).used.duration_s == 1


def test_time_counts_at_once_where_asked_for():
    at_once = replace(TIME, is_metered_at_once=True)
    measured = fold(begin(at_once, PDRS, ZERO, 0.0), at_once, PDRS, seen(10.0))
    assert measured.used.duration_s == 10


def test_time_pauses_when_nothing_comes_and_goes_on_with_the_next_packet():
    urr = replace(TIME, inactivity_detection_time_s=5)
    measured = fold(begin(urr, PDRS, ZERO, 0.0), urr, PDRS, seen(10.0, 100))
    measured = fold(measured, urr, PDRS, seen(14.0, 100))
    assert measured.used.duration_s == 4
    measured = fold(measured, urr, PDRS, seen(16.0, 100))
    measured = fold(measured, urr, PDRS, seen(60.0, 100))
    assert measured.used.duration_s == 5
    measured = fold(measured, urr, PDRS, seen(70.0, 200, packets=2, first={10: 68.0}))
    assert measured.used.duration_s == 7


def test_a_pause_that_nobody_looked_at_is_not_counted():
    urr = replace(TIME, inactivity_detection_time_s=5)
    measured = fold(begin(urr, PDRS, ZERO, 0.0), urr, PDRS, seen(10.0, 100))
    late = seen(50.0, 200, packets=2, first={10: 49.0}, last={10: 49.0})
    assert fold(measured, urr, PDRS, late).used.duration_s == 6


def test_a_report_counts_time_by_the_clock_where_the_urr_does_not_measure_it():
    usage_report, _ = told(begin(VOLUME, PDRS, ZERO, 10.0), VOLUME, 18.4)
    assert usage_report.duration_s == 8


# Starts and stops.


def test_an_event_is_a_start_of_traffic():
    urr = URR(urr_id=7, measures_events=True, triggers=frozenset({"start", "stopt"}))
    measured = begin(urr, PDRS, ZERO, 0.0)
    for now, octets, events, pending in (
        (1.0, 0, 0, set()),
        (2.0, 10, 1, {"start"}),
        (3.0, 20, 1, {"start"}),
        (11.9, 20, 1, {"start"}),
        (13.0, 20, 1, {"start", "stopt"}),
        (14.0, 30, 2, {"start", "stopt"}),
    ):
        measured = fold(measured, urr, PDRS, seen(now, octets, packets=octets))
        assert (measured.used.events, measured.pending) == (events, pending), now
    _, measured = told(measured, urr, 14.0)
    assert measured.pending == set()


# Monitoring times.


def test_use_is_split_at_monitoring_times_and_told_in_parts():
    urr = replace(VOLUME, monitorings=(Monitoring(10.0), Monitoring(20.0)))
    measured = begin(urr, PDRS, ZERO, 0.0)
    for now, octets in ((5.0, 100), (10.1, 150), (15.0, 300), (20.2, 360), (30.0, 1000)):
        measured = split(fold(measured, urr, PDRS, seen(now, octets, packets=octets)), now)
    reports, measured = report(measured, urr, frozenset({"volth"}), 31.0)
    assert [each.portion.used.volume.uplink.octets for each in reports] == [150, 210, 640]
    assert [each.ur_seqn for each in reports] == [0, 1, 2]
    assert [each.part for each in reports] == ["bef", "bef", "aft"]
    assert [set(each.triggers) for each in reports] == [{"monit"}, {"monit"}, {"volth"}]
    times = [(each.portion.start_time, each.portion.end_time) for each in reports]
    assert times == [(0.0, 10.0), (10.0, 20.0), (20.0, 31.0)]
    last, measured = told(measured, urr, 40.0)
    assert (last.ur_seqn, last.part) == (3, None)


@pytest.mark.parametrize(
    ("monitoring", "towards"),
    [
        (Monitoring(10.0), 300),
        (Monitoring(10.0, Limits(VolumeLimit(5))), 0),
    ],
    ids=["the rest of the old one", "a subsequent threshold"],
)
def test_after_a_monitoring_time_counts_towards(monitoring, towards):
    urr = replace(VOLUME, volume_threshold=VolumeLimit(1000), monitorings=(monitoring,))
    measured = fold(begin(urr, PDRS, ZERO, 0.0), urr, PDRS, seen(10.0, 300))
    measured = split(measured, 10.0)
    assert measured.towards_threshold.volume.total.octets == towards
    assert measured.threshold.volume.total == (5 if monitoring.threshold else 1000)


def test_a_subsequent_quota_is_new_and_lets_traffic_pass_again():
    urr = replace(
        VOLUME,
        volume_quota=VolumeLimit(100),
        monitorings=(Monitoring(10.0, quota=Limits(VolumeLimit(70))),),
    )
    measured = fold(begin(urr, PDRS, ZERO, 0.0), urr, PDRS, seen(10.0, 100))
    measured = split(replace(measured, stopped_by="volqu"), 10.0)
    assert (measured.quota.volume, measured.towards_quota) == (VolumeLimit(70), NO_USAGE)
    assert (measured.stopped_by, measured.is_quota_new) == (None, True)


def test_a_monitoring_time_that_has_passed_already_splits_nothing():
    urr = replace(VOLUME, monitorings=(Monitoring(10.0),))
    assert begin(urr, PDRS, ZERO, 10.0).monitorings == ()


# Limits go on or begin anew.


@pytest.mark.parametrize(("trigger", "towards"), [("volth", 0), ("perio", 300), ("immer", 300)])
def test_only_a_report_called_for_by_a_threshold_begins_thresholds_anew(trigger, towards):
    measured = fold(begin(VOLUME, PDRS, ZERO, 0.0), VOLUME, PDRS, seen(1.0, 300))
    _, measured = told(measured, VOLUME, 1.0, {trigger})
    assert measured.towards_threshold.volume.total.octets == towards
    assert measured.towards_quota.volume.total.octets == 300


def test_what_no_report_told_counts_against_a_new_quota():
    old = replace(VOLUME, volume_quota=VolumeLimit(1000))
    measured = fold(begin(old, PDRS, ZERO, 0.0), old, PDRS, seen(1.0, 900))
    _, measured = told(measured, old, 1.0, {"volth"})
    measured = fold(measured, old, PDRS, seen(2.0, 930, packets=2))
    new = replace(old, volume_quota=VolumeLimit(500))
    measured = reprovision(replace(measured, stopped_by="volqu"), old, new, {"volume_quota"}, 3.0)
    assert measured.quota == Limits(VolumeLimit(500))
    assert measured.towards_quota.volume.total.octets == 30
    assert (measured.granted_at, measured.stopped_by) == (3.0, None)


def test_the_same_quota_given_again_is_a_new_one():
    urr = replace(VOLUME, volume_quota=VolumeLimit(100))
    measured = fold(begin(urr, PDRS, ZERO, 0.0), urr, PDRS, seen(1.0, 100))
    _, measured = told(measured, urr, 1.0, {"volqu"})
    measured = reprovision(measured, urr, urr, {"volume_quota"}, 2.0)
    assert measured.towards_quota == NO_USAGE


def test_a_urr_changed_in_something_else_goes_on():
    old = replace(VOLUME, volume_quota=VolumeLimit(100), volume_threshold=VolumeLimit(80))
    measured = fold(begin(old, PDRS, ZERO, 0.0), old, PDRS, seen(1.0, 50))
    new = replace(old, triggers=frozenset({"volth"}))
    assert reprovision(measured, old, new, {"triggers"}, 2.0) == measured


def test_periods_follow_each_other_whatever_is_reported_between():
    urr = replace(VOLUME, measurement_period_s=10)
    measured = begin(urr, PDRS, ZERO, 0.0)
    _, measured = told(measured, urr, 4.0, {"immer"})
    assert measured.period_ends == 10.0
    _, measured = told(measured, urr, 10.3, {"perio"})
    assert measured.period_ends == 20.0
    _, measured = told(measured, urr, 45.0, {"perio"})
    assert measured.period_ends == 50.0

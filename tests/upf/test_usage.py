"""From counters to usage reports."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upf.entry import Counts
from upf.rules import PDI, PDR, URR, Interface, VolumeThreshold
from upf.usage import begin, due_triggers, fold, relink, report

UPLINK = PDR(
    pdr_id=1, precedence=1, pdi=PDI(source_interface=Interface.ACCESS), urr_ids=(7,), usage_id=10
)
DOWNLINK = replace(UPLINK, pdr_id=2, pdi=PDI(source_interface=Interface.CORE), usage_id=20)
OTHER = replace(UPLINK, pdr_id=3, urr_ids=(8,), usage_id=30)
PDRS = (UPLINK, DOWNLINK, OTHER)
ZERO = {10: Counts(0, 0), 20: Counts(0, 0), 30: Counts(0, 0)}


def test_volume_is_summed_by_direction_over_the_pdrs_that_name_the_urr():
    readings = {10: Counts(1, 100), 20: Counts(2, 300), 30: Counts(9, 999)}
    measured = fold(begin(7, PDRS, ZERO, 0.0), PDRS, readings, 5.0)
    assert measured.volume.uplink == Counts(1, 100)
    assert measured.volume.downlink == Counts(2, 300)
    assert measured.volume.total == Counts(3, 400)


def test_what_a_counter_saw_before_is_not_counted():
    base = ZERO | {10: Counts(50, 5000)}
    measured = fold(begin(7, PDRS, base, 0.0), PDRS, ZERO | {10: Counts(51, 5100)}, 1.0)
    assert measured.volume.total == Counts(1, 100)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=20))
def test_reports_together_say_what_the_counter_gained(steps):
    """Whenever it is looked at and reported, nothing is lost and nothing counted twice."""
    measured, reported = begin(7, PDRS, ZERO, 0.0), 0
    for now, (octets, is_reported) in zip(
        range(len(steps)), zip(accumulate(o for o, _ in steps), (r for _, r in steps), strict=True),
        strict=True,
    ):  # fmt: skip
        measured = fold(measured, PDRS, ZERO | {10: Counts(octets, octets)}, now)
        if is_reported:
            told, measured = report(measured, now)
            reported += told.volume.total.octets
    assert reported + measured.volume.total.octets == sum(octets for octets, _ in steps)


def test_reports_are_numbered_and_join_without_a_gap():
    first, measured = report(begin(7, PDRS, ZERO, 10.0), 20.0)
    second, _ = report(measured, 35.0)
    assert (first.ur_seqn, second.ur_seqn) == (0, 1)
    assert (first.start_time, first.end_time, first.duration_s) == (10.0, 20.0, 10)
    assert (second.start_time, second.end_time) == (20.0, 35.0)


def test_first_and_last_packet_are_those_of_the_report():
    measured = begin(7, PDRS, ZERO, 0.0)
    for now, octets in ((1.0, 0), (2.0, 10), (3.0, 20), (4.0, 20)):
        measured = fold(measured, PDRS, ZERO | {10: Counts(octets, octets)}, now)
    told, measured = report(measured, 5.0)
    assert (told.first_packet_time, told.last_packet_time) == (2.0, 3.0)
    assert report(measured, 6.0)[0].first_packet_time is None


def test_pdr_linked_later_counts_from_then_on():
    measured = begin(7, (UPLINK,), ZERO, 0.0)
    readings = ZERO | {20: Counts(5, 500)}
    measured = relink(fold(measured, (UPLINK,), readings, 1.0), PDRS, readings)
    measured = fold(measured, PDRS, ZERO | {20: Counts(6, 600)}, 2.0)
    assert measured.volume.total == Counts(1, 100)


@pytest.mark.parametrize(
    ("threshold", "is_due"),
    [
        (VolumeThreshold(total=400), True),
        (VolumeThreshold(total=401), False),
        (VolumeThreshold(uplink=100), True),
        (VolumeThreshold(downlink=301), False),
        (VolumeThreshold(), False),
    ],
    ids=str,
)
def test_volume_threshold_is_due_when_reached(threshold, is_due):
    readings = {10: Counts(1, 100), 20: Counts(2, 300), 30: Counts(9, 999)}
    measured = fold(begin(7, PDRS, ZERO, 0.0), PDRS, readings, 1.0)
    urr = URR(urr_id=7, triggers=frozenset({"volth"}), volume_threshold=threshold)
    assert (due_triggers(measured, urr, 1.0) == {"volth"}) is is_due
    assert not due_triggers(measured, replace(urr, triggers=frozenset()), 1.0)


def test_time_threshold_and_period_are_due_when_their_time_is_up():
    measured = begin(7, PDRS, ZERO, 100.0)
    urr = URR(
        urr_id=7,
        triggers=frozenset({"timth", "perio"}),
        time_threshold_s=5,
        measurement_period_s=10,
    )
    assert due_triggers(measured, urr, 104.9) == set()
    assert due_triggers(measured, urr, 105.0) == {"timth"}
    assert due_triggers(measured, urr, 110.0) == {"timth", "perio"}

from dataclasses import replace
from ipaddress import IPv4Address
from math import inf

import pytest

from pfcp import ies, messages
from pfcp.association import Association
from pfcp.enums import Cause, TimerUnit
from pfcp.load import Announcer, LoadStatus, PeerLoads, timer_of

NODE = ies.NodeID(value=IPv4Address("192.0.2.2"))
ANSWER = messages.SessionDeletionResponse(seid=1, cause=Cause.REQUEST_ACCEPTED)


def peer(**features):
    return Association(
        NODE, ("192.0.2.1", 8805), 1, cp_function_features=ies.CPFunctionFeatures(**features)
    )


class Station:
    """An announcer whose status a test sets."""

    def __init__(self, **status):
        self.status = LoadStatus(**status)
        self.announcer = Announcer(lambda _: self.status, 1000)

    def tell(self, now=0.0, to=None, message=ANSWER):
        return self.announcer.dress(message, to or peer(load=True, ovrl=True), now)

    def overload(self, now):
        told = self.tell(now).overload_control_information
        return told and (told.overload_control_sequence_number, told.overload_reduction_metric)


@pytest.mark.parametrize(
    ("span_s", "unit", "value"),
    [
        (0, TimerUnit.TWO_SECONDS, 0),
        (0.5, TimerUnit.TWO_SECONDS, 1),
        (5, TimerUnit.TWO_SECONDS, 3),
        (62, TimerUnit.TWO_SECONDS, 31),
        (62.5, TimerUnit.ONE_MINUTE, 2),
        (1861, TimerUnit.TEN_MINUTES, 4),
        (18601, TimerUnit.ONE_HOUR, 6),
        (111601, TimerUnit.TEN_HOURS, 4),
        (1116000, TimerUnit.TEN_HOURS, 31),
        (1116001, TimerUnit.INFINITE, 0),
        (inf, TimerUnit.INFINITE, 0),
    ],
)
def test_a_timer_is_the_shortest_that_is_no_shorter(span_s, unit, value):
    assert timer_of(span_s) == ies.Timer(unit=unit, value=value)
    assert timer_of(span_s).seconds >= span_s


def test_load_is_told_with_a_number_that_grows_when_it_changes():
    station = Station(load_percent=40)
    first, again = station.tell(), station.tell()
    assert first == replace(
        ANSWER,
        load_control_information=ies.LoadControlInformation(
            load_control_sequence_number=1001, load_metric=40
        ),
    )
    assert again == first
    station.status = LoadStatus(load_percent=41)
    told = station.tell().load_control_information
    assert (told.load_control_sequence_number, told.load_metric) == (1002, 41)


@pytest.mark.parametrize("features", [{}, {"ovrl": True}, {"load": True}])
def test_a_peer_is_told_only_what_it_supports(features):
    told = Station(load_percent=40, reduction_percent=10).tell(to=peer(**features))
    assert (told.load_control_information is not None) is ("load" in features)
    assert (told.overload_control_information is not None) is ("ovrl" in features)


def test_nobody_is_told_what_is_not_known_and_strangers_are_told_nothing():
    assert Station().tell() is ANSWER
    station = Station(load_percent=40)
    assert station.announcer.dress(ANSWER, None, 0) is ANSWER
    assert station.announcer.dress(ANSWER, Association(NODE, ("192.0.2.1", 1), 1), 0) is ANSWER


def test_a_message_without_room_is_left_alone_and_what_the_owner_put_in_stays():
    beat = messages.HeartbeatResponse(recovery_time_stamp=1)
    station = Station(load_percent=40)
    assert station.tell(message=beat) is beat
    own = ies.LoadControlInformation(load_control_sequence_number=7, load_metric=1)
    full = replace(ANSWER, load_control_information=own)
    assert station.tell(message=full) is full


def test_overload_is_renumbered_before_it_runs_out_and_its_end_is_told_for_a_while():
    station = Station(reduction_percent=20, validity_s=60)
    assert station.overload(0) == (1001, 20)
    assert station.tell(0).overload_control_information.period_of_validity.seconds == 60
    assert station.overload(29) == (1001, 20)
    assert station.overload(30) == (1002, 20)
    station.status = LoadStatus(reduction_percent=50, validity_s=60)
    assert station.overload(31) == (1003, 50)
    station.status = LoadStatus(reduction_percent=0, validity_s=60)
    assert station.overload(40) == (1004, 0)
    assert station.overload(99) == (1004, 0)
    assert station.overload(100) is None


def told(load=None, overload=None, period=(TimerUnit.ONE_MINUTE, 1)):
    """An answer with (number, per cent) of load and overload."""
    return replace(
        ANSWER,
        load_control_information=load
        and ies.LoadControlInformation(load_control_sequence_number=load[0], load_metric=load[1]),
        overload_control_information=overload
        and ies.OverloadControlInformation(
            overload_control_sequence_number=overload[0],
            overload_reduction_metric=overload[1],
            period_of_validity=ies.Timer(unit=period[0], value=period[1]),
        ),
    )


@pytest.mark.parametrize(
    ("number", "is_taken"),
    [(6, True), (5, False), (4, False), (5 + 2**31, False), (2**32 - 1, False)],
)
def test_only_a_greater_number_replaces_what_is_known(number, is_taken):
    loads = PeerLoads()
    loads.take(NODE, told(load=(5, 10), overload=(5, 20)), 0)
    before, after = loads.take(NODE, told(load=(number, 11), overload=(number, 21)), 1)
    assert (before.load_percent, before.reduction_percent) == (10, 20)
    expected = (11, 21) if is_taken else (10, 20)
    assert (after.load_percent, after.reduction_percent) == expected
    assert loads.of_node(NODE) == after


def test_numbers_begin_again_after_32_bits():
    loads = PeerLoads()
    loads.take(NODE, told(load=(2**32 - 1, 10)), 0)
    assert loads.take(NODE, told(load=(0, 11)), 0)[1].load_percent == 11


def test_overload_ends_with_its_period_of_validity():
    loads = PeerLoads()
    assert loads.next_timer() is None
    loads.take(NODE, told(overload=(5, 20)), 10)
    assert loads.next_timer() == 70
    assert loads.expire(69) == []
    assert loads.expire(70) == [NODE]
    assert loads.of_node(NODE).reduction_percent == 0
    assert loads.next_timer() is None
    assert loads.expire(71) == []


def test_overload_without_an_end_needs_no_timer():
    loads = PeerLoads()
    loads.take(NODE, told(overload=(5, 20), period=(TimerUnit.INFINITE, 0)), 10)
    assert loads.next_timer() is None
    assert loads.expire(1e12) == []
    loads.forget(NODE)
    assert loads.of_node(NODE).reduction_percent == 0

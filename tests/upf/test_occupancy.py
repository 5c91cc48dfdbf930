"""Admission control: how many sessions a slice takes, and what it may guarantee them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pfcp import enums, ies, messages
from upf.errors import ResourcesExhaustedError
from upf.occupancy import Demand, Occupancy
from upf.slices import SNSSAI, Slice

SLICE = Slice(name="video", s_nssai=SNSSAI(1), slice_id=1)


def occupancy(**limits):
    made = Occupancy()
    made.limits_of = {1: replace(SLICE, **limits)}.get
    return made


def test_sessions_come_up_to_the_limit_and_again_when_one_goes():
    taken = occupancy(max_sessions=2)
    taken.take(1, Demand(1))
    taken.take(1, Demand(1))
    with pytest.raises(ResourcesExhaustedError, match="video has no room: 3 sessions"):
        taken.take(1, Demand(1))
    assert taken.of(1) == Demand(2)
    taken.give_back(1, Demand(1))
    taken.take(1, Demand(1))


def test_guarantees_add_up_to_what_the_slice_is_promised_or_its_capacity():
    taken = occupancy(guaranteed_uplink_bps=10, uplink_bps=100, downlink_bps=50)
    taken.take(1, Demand(1, 10, 50))
    with pytest.raises(ResourcesExhaustedError, match="uplink"):
        taken.take(1, Demand(1, 1, 0))
    with pytest.raises(ResourcesExhaustedError, match="downlink"):
        taken.take(1, Demand(1, 0, 1))
    taken.take(1, Demand(1, 0, 0))


def test_a_slice_made_smaller_than_its_sessions_still_lets_them_shrink():
    taken = occupancy(guaranteed_uplink_bps=100)
    taken.take(1, Demand(1, 100, 0))
    taken.limits_of = {1: replace(SLICE, guaranteed_uplink_bps=10, max_sessions=0)}.get
    taken.take(1, Demand(0, -50, 0))
    with pytest.raises(ResourcesExhaustedError):
        taken.take(1, Demand(0, 1, 0))


def test_what_no_slice_claims_has_no_limit():
    taken = occupancy(max_sessions=0)
    taken.take(0, Demand(1, 10**9, 10**9))
    taken.move(Demand(1, 10**9, 10**9), 0, 1)
    assert (taken.of(0), taken.of(1).sessions) == (Demand(), 1)


def with_gbr(establishment, uplink_kbps):
    (qer,) = establishment.create_qers
    gbr = ies.GBR(uplink_kbps=uplink_kbps, downlink_kbps=0)
    return replace(establishment, create_qers=(replace(qer, gbr=gbr),))


@pytest.fixture
def limited(bench):
    """A bench whose slice 0 stands for one with limits."""

    def limit(**limits):
        held = replace(SLICE, slice_id=0, **limits)
        bench.n4.occupancy.limits_of = lambda _: held
        return bench

    return limit


async def test_n4_refuses_one_session_too_many_and_keeps_nothing_of_it(limited, establishment):
    bench = limited(max_sessions=0)
    answer = await bench.ask(establishment)
    assert answer.cause == enums.Cause.NO_RESOURCES_AVAILABLE
    assert not bench.n4.sessions
    assert bench.n4.occupancy.of(0) == Demand()
    assert bench.n4.counters["SessionEstablishmentRequest", 75] == 1
    limited(max_sessions=1)
    answer = await bench.ask(establishment)
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    await bench.ask(messages.SessionDeletionRequest(seid=answer.up_fseid.seid))
    assert bench.n4.occupancy.of(0) == Demand()


async def test_n4_refuses_a_guarantee_that_the_slice_has_not(limited, establishment):
    bench = limited(guaranteed_uplink_bps=5_000_000)
    answer = await bench.ask(with_gbr(establishment, 5001))
    assert answer.cause == enums.Cause.NO_RESOURCES_AVAILABLE
    answer = await bench.ask(with_gbr(establishment, 3000))
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    assert bench.n4.occupancy.of(0) == Demand(1, 3_000_000, 0)
    qer_id = establishment.create_qers[0].qer_id

    def modification(uplink_kbps):
        gbr = ies.GBR(uplink_kbps=uplink_kbps, downlink_kbps=0)
        return messages.SessionModificationRequest(
            seid=answer.up_fseid.seid, update_qers=(ies.UpdateQER(qer_id=qer_id, gbr=gbr),)
        )

    refused = await bench.ask(modification(6000))
    assert refused.cause == enums.Cause.NO_RESOURCES_AVAILABLE
    assert bench.record.session.qers[qer_id].gbr_uplink_kbps == 3000
    await bench.ask(modification(5000))
    assert bench.n4.occupancy.of(0) == Demand(1, 5_000_000, 0)


async def test_the_four_terabits_of_a_flow_without_guarantee_count_nothing(limited, establishment):
    bench = limited(guaranteed_uplink_bps=1)
    answer = await bench.ask(with_gbr(establishment, 4_000_000_000))
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED

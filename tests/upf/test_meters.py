"""Slice meters follow what operators ask for and what sessions are guaranteed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from upf.errors import TargetError
from upf.meters import MeterWriter
from upf.occupancy import Demand, Occupancy
from upf.slices import SNSSAI, Slice

VIDEO = Slice(
    name="video",
    s_nssai=SNSSAI(1),
    slice_id=1,
    uplink_bps=8_000_000,
    downlink_bps=80_000_000,
    guaranteed_downlink_bps=16_000_000,
)


class Bench:
    def __init__(self, target):
        self.target, self.occupancy = target, Occupancy()
        self.meters = MeterWriter(target, self.occupancy.of)
        self.occupancy.on_guarantee = self.meters.follow
        self.num_writes = 0
        self.write_meters, target.write_meters = target.write_meters, self.write
        self.refuses = False

    async def write(self, meter, rates):
        self.num_writes += 1
        await asyncio.sleep(0)
        if self.refuses:
            raise TargetError("no")
        await self.write_meters(meter, rates)

    async def settled(self):
        for _ in range(10):
            await asyncio.sleep(0)
        assert not any(self.meters._under_way.values())

    def rates(self):
        """Uplink peak, downlink peak and committed rate, in bit/s."""
        up, down = (self.target.meters["Egress.enforcement.slice_meters", n] for n in (2, 3))
        return 8 * up.pir_bytes_per_s, 8 * down.pir_bytes_per_s, 8 * down.cir_bytes_per_s


@pytest.fixture
def bench(target):
    return Bench(target)


async def test_what_a_session_is_guaranteed_is_taken_off_until_it_ends(bench):
    await bench.meters.set_capacity(VIDEO)
    assert bench.rates() == (8_000_000, 80_000_000, 16_000_000)
    call = Demand(1, 1_000_000, 4_000_000)
    bench.occupancy.take(1, call)
    await bench.settled()
    assert bench.rates() == (7_000_000, 76_000_000, 12_000_000)
    await bench.meters.set_capacity(replace(VIDEO, downlink_bps=40_000_000))
    assert bench.rates() == (7_000_000, 36_000_000, 12_000_000)
    bench.occupancy.move(call, 1, 2)
    await bench.settled()
    assert bench.rates() == (8_000_000, 40_000_000, 16_000_000)


async def test_sessions_without_guarantee_and_equal_capacities_cost_no_write(bench):
    await bench.meters.set_capacity(VIDEO)
    bench.occupancy.take(1, Demand(1))
    bench.occupancy.take(0, Demand(1, 8_000, 0))
    await bench.meters.set_capacity(replace(VIDEO, max_sessions=3))
    assert bench.num_writes == 1


async def test_an_equal_capacity_is_not_answered_before_the_switch_has_it(bench):
    both = asyncio.gather(bench.meters.set_capacity(VIDEO), bench.meters.set_capacity(VIDEO))
    await asyncio.sleep(0)
    assert not bench.meters._accepted
    await both
    assert bench.rates() == (8_000_000, 80_000_000, 16_000_000)


async def test_after_a_refusal_the_same_capacity_is_written_anew(bench, caplog):
    await bench.meters.set_capacity(VIDEO)
    bench.refuses = True
    with pytest.raises(TargetError):
        await bench.meters.set_capacity(replace(VIDEO, uplink_bps=1))
    bench.occupancy.take(1, Demand(1, 1_000_000, 0))
    await bench.settled()
    assert "not taken off" in caplog.text
    bench.refuses = False
    await bench.meters.set_capacity(VIDEO)
    assert bench.rates() == (7_000_000, 80_000_000, 16_000_000)


async def test_a_slice_that_is_gone_has_no_limit_whoever_is_in_it(bench):
    await bench.meters.set_capacity(VIDEO)
    bench.occupancy.take(1, Demand(1, 1_000_000, 0))
    await bench.meters.remove_capacity(1)
    bench.occupancy.give_back(1, Demand(1, 1_000_000, 0))
    await bench.settled()
    assert bench.target.meters["Egress.enforcement.slice_meters", 2] is None

"""Slices change whole or not at all, one after the other, and outlive a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from upf.errors import InUseError, StoreError, TargetError
from upf.marks import MarkWriter
from upf.meters import MeterWriter
from upf.provisioning import Provisioning
from upf.slice_writer import SliceWriter
from upf.slices import SNSSAI, Slice
from upf.store import MemoryStore

VIDEO = Slice(name="video", s_nssai=SNSSAI(1), uplink_bps=8_000_000)


class Store(MemoryStore):
    """Refuses while `is_full`."""

    is_full = False

    async def put(self, kind, key, document):
        await asyncio.sleep(0)
        if self.is_full:
            raise StoreError("the disk is full")
        await super().put(kind, key, document)


class Bench:
    def __init__(self, target, store):
        self.target, self.store = target, store
        self.sessions = {}
        self.rebinds = 0
        self.new_ids = []
        self.provisioning = self.made()

    def made(self, first_revision=0):
        self.meters = MeterWriter(self.target)
        self.marks = MarkWriter(self.target, has_queues=False)
        return Provisioning(
            SliceWriter(self.meters, self.marks),
            self.store,
            rebind=self.rebind,
            num_sessions=lambda slice_id: self.sessions.get(slice_id, 0),
            on_new_id=self.new_ids.append,
            first_revision=first_revision,
        )

    async def rebind(self):
        self.rebinds += 1

    async def put(self, wanted):
        return (await self.provisioning.change(wanted.name, lambda _: wanted))[0]

    def uplink_bps(self, slice_id):
        rate = self.target.meters.get(("Egress.enforcement.slice_meters", 2 * slice_id))
        return rate and 8 * rate.pir_bytes_per_s


@pytest.fixture
def bench(target):
    return Bench(target, Store())


async def test_a_slice_is_on_the_switch_and_kept_before_it_is_in_force(bench):
    put = await bench.put(VIDEO)
    assert bench.uplink_bps(put.slice_id) == 8_000_000
    assert (await bench.store.load("slice"))["video"]["uplink_bps"] == 8_000_000
    assert bench.provisioning.registry.slices["video"] == put
    assert bench.rebinds == 1
    assert bench.new_ids == [put.slice_id]


async def test_only_a_change_of_members_looks_at_sessions(bench):
    await bench.put(VIDEO)
    await bench.put(replace(VIDEO, uplink_bps=9))
    assert bench.rebinds == 1
    await bench.put(replace(VIDEO, dnns=("ims",)))
    assert bench.rebinds == 2


async def test_a_slice_that_cannot_be_kept_is_as_before_everywhere(bench):
    held = await bench.put(VIDEO)
    bench.store.is_full = True
    with pytest.raises(StoreError):
        await bench.put(replace(VIDEO, uplink_bps=16_000_000))
    assert bench.provisioning.registry.slices == {"video": held}
    assert bench.uplink_bps(held.slice_id) == 8_000_000
    with pytest.raises(StoreError):
        await bench.put(replace(VIDEO, name="new"))
    assert bench.uplink_bps(held.slice_id + 1) is None
    bench.store.is_full = False
    assert (await bench.put(replace(VIDEO, name="new"))).slice_id == held.slice_id + 1


async def test_a_switch_that_refuses_one_slice_takes_the_others(bench, target):
    write_meters = target.write_meters

    async def picky(meter, rates):
        await asyncio.sleep(0)
        if 4 in rates:
            raise TargetError("not this one")
        await write_meters(meter, rates)

    target.write_meters = picky
    wanted = [replace(VIDEO, name=f"s{n}") for n in range(5)]
    done = await asyncio.gather(*map(bench.put, wanted), return_exceptions=True)
    assert [type(each) for each in done] == [Slice, TargetError, Slice, Slice, Slice]
    assert sorted(bench.provisioning.registry.slices) == ["s0", "s2", "s3", "s4"]


async def test_changes_of_many_slices_at_once_are_all_there_and_apart(bench):
    names = [f"s{n}" for n in range(40)]
    await asyncio.gather(*(bench.put(replace(VIDEO, name=name)) for name in names))

    def faster(held):
        return replace(held, uplink_bps=held.uplink_bps + 1000)

    await asyncio.gather(
        *(bench.provisioning.change(name, faster) for name in names for _ in range(5))
    )
    slices = bench.provisioning.registry.slices
    assert {each.uplink_bps for each in slices.values()} == {8_005_000}
    assert len({each.slice_id for each in slices.values()}) == 40
    assert len({each.revision for each in slices.values()}) == 40
    kept = await bench.store.load("slice")
    assert {each["uplink_bps"] for each in kept.values()} == {8_005_000}
    assert not bench.provisioning._locks


async def test_one_who_goes_away_does_not_leave_half_a_change(bench):
    asking = asyncio.create_task(bench.put(VIDEO))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    for _ in range(20):
        await asyncio.sleep(0)
    assert "video" in bench.provisioning.registry.slices
    assert "video" in await bench.store.load("slice")


async def test_a_restart_brings_slices_back_with_their_revision(bench):
    await bench.put(VIDEO)
    held = await bench.put(replace(VIDEO, uplink_bps=16_000_000))
    bench.target.meters.clear()
    again = bench.made(first_revision=1000)
    await again.restore([])
    assert again.registry.slices["video"] == held
    assert bench.uplink_bps(held.slice_id) == 16_000_000
    put, _ = await again.change("video", lambda _: VIDEO)
    assert put.revision > 1000


async def test_what_rest_changed_of_the_configuration_stays_changed(bench):
    configured = [replace(VIDEO, name=name) for name in ("kept", "changed", "gone")]
    await bench.provisioning.restore(configured)
    assert await bench.store.load("slice") == {}
    await bench.put(replace(VIDEO, name="changed", uplink_bps=5_000_000))
    await bench.provisioning.delete("gone", lambda _: None)
    again = bench.made()
    await again.restore([replace(each, uplink_bps=1_000_000) for each in configured])
    assert {name: each.uplink_bps for name, each in again.registry.slices.items()} == {
        "kept": 1_000_000,
        "changed": 5_000_000,
    }


async def test_a_slice_kept_with_one_burst_has_it_both_ways(bench):
    put = await bench.put(VIDEO)
    kept = dict((await bench.store.load("slice"))["video"])
    del kept["uplink_burst_ms"], kept["downlink_burst_ms"]
    await bench.store.put("slice", "video", {**kept, "burst_ms": 40})
    again = bench.made()
    await again.restore([])
    wanted = replace(put, uplink_burst_ms=40, downlink_burst_ms=40)
    assert again.registry.slices["video"] == wanted


async def test_a_slice_is_marked_as_asked_or_as_before(bench, target):
    def dscps():
        return {key[2]: params for key, (_, params) in target.table("markings").items()}

    held = await bench.put(replace(VIDEO, dscp=10))
    assert dscps() == {0: (10,), 1: (10,)}
    await bench.put(replace(VIDEO, dscp=10, excess_dscp=0))
    assert dscps() == {0: (10,), 1: (0,)}
    target.refuse = lambda entry: entry.params == (46,)
    with pytest.raises(TargetError):
        await bench.put(replace(VIDEO, uplink_bps=16_000_000, dscp=46))
    assert dscps() == {0: (10,), 1: (0,)}
    assert bench.uplink_bps(held.slice_id) == 8_000_000
    bench.store.is_full = True
    with pytest.raises(StoreError):
        await bench.put(replace(VIDEO, dscp=12))
    assert dscps() == {0: (10,), 1: (0,)}
    await bench.provisioning.delete("video", lambda _: None)
    assert dscps() == {}


async def test_a_slice_with_sessions_goes_only_by_force(bench):
    put = await bench.put(VIDEO)
    bench.sessions[put.slice_id] = 2
    with pytest.raises(InUseError, match="2 sessions"):
        await bench.provisioning.delete("video", lambda _: None)
    await bench.provisioning.delete("video", lambda _: None, is_forced=True)
    assert bench.provisioning.registry.slices == {}
    assert bench.uplink_bps(put.slice_id) is None
    assert await bench.store.load("slice") == {}
    with pytest.raises(KeyError):
        await bench.provisioning.delete("video", lambda _: None)

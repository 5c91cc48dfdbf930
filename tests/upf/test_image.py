"""A switch is brought to hold what it is to hold, whatever it held, by the least that it takes."""

from __future__ import annotations

import asyncio

import pytest

from upf import image
from upf.entry import Entry, MeterRate
from upf.errors import TargetError
from upf.image import HeldSwitch, Reconciled
from upf.plan import Plan

TABLE = "Ingress.detection.sessions_by_fteid"
METER = "Egress.enforcement.slice_meters"
RATE = MeterRate(1, 2, 3, 4)


def entry(number, param=1):
    return Entry(TABLE, (1, number), "Ingress.detection.drop", (param,))


@pytest.fixture
def switch(target):
    return HeldSwitch(target)


async def test_nothing_is_written_before_it_is_known_what_the_switch_holds(switch, target):
    await switch.apply(Plan(inserts=(entry(1), entry(2))))
    await switch.apply(Plan(deletes=(entry(2),), rates={(METER, 1): RATE}))
    await switch.write_meters(METER, {2: None})
    assert (target.entries, target.meters) == ({}, {})
    assert await switch.reconcile() == Reconciled(0, 1, 0, 0, 1)
    assert list(target.entries.values()) == [entry(1)]
    assert target.meters == {(METER, 1): RATE}


async def test_only_differences_are_written(switch, target):
    for each in (entry(1), entry(2), entry(9)):
        target.entries[each.identity] = each
    await switch.apply(Plan(inserts=(entry(1), entry(2, param=7), entry(3))))
    assert await switch.reconcile() == Reconciled(3, 1, 1, 1, 0)
    written = [each for plan in target.plans for each in (*plan.inserts, *plan.modifies)]
    assert written == [entry(3), entry(2, param=7)]
    assert set(target.entries.values()) == {entry(1), entry(2, param=7), entry(3)}
    target.plans.clear()
    assert await switch.reconcile() == Reconciled(3, 0, 0, 0, 0)
    assert target.plans == []


async def test_strays_make_room_where_there_is_none(switch, target):
    stray = entry(9)
    target.entries[stray.identity] = stray
    target.refuse = lambda each: each == entry(1) and stray.identity in target.entries
    await switch.apply(Plan(inserts=(entry(1),)))
    await switch.reconcile()
    assert list(target.entries.values()) == [entry(1)]


async def test_what_is_asked_while_the_switch_is_gone_waits_and_then_fails(
    switch, target, monkeypatch
):
    monkeypatch.setattr(image, "WAIT_S", 0.05)
    await switch.reconcile()
    switch.lose(TargetError("a wire was cut"))
    with pytest.raises(TargetError, match="a wire was cut"):
        await switch.apply(Plan(inserts=(entry(1),)))
    with pytest.raises(TargetError, match="a wire was cut"):
        await switch.read_counters("Ingress.verdict.drops", [1])
    monkeypatch.setattr(image, "WAIT_S", 10)
    waiting = asyncio.create_task(switch.apply(Plan(inserts=(entry(2),))))
    await asyncio.sleep(0)
    await switch.reconcile()
    await waiting
    assert list(target.entries.values()) == [entry(2)]


async def test_a_write_nobody_knows_the_end_of_is_trouble_and_not_noted(switch, target):
    await switch.reconcile()

    async def unanswered(plan):
        raise TargetError("no answer in time")

    target.wait_lost = asyncio.Event().wait
    really, target.apply = target.apply, unanswered
    with pytest.raises(TargetError, match="no answer"):
        await switch.apply(Plan(inserts=(entry(1),)))
    target.apply = really
    assert str(await asyncio.wait_for(switch.wait_trouble(), 5)) == "no answer in time"
    target.entries[entry(1).identity] = entry(1)  # it did arrive
    await switch.reconcile()
    assert target.entries == {}

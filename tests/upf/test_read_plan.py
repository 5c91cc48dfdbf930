"""Which counters a sweep reads, in requests that stay as they are."""

from __future__ import annotations

import random

from upf.read_plan import ReadPlan


def members(plan):
    return sorted(usage_id for chunk in plan.chunks() for usage_id in chunk.ids)


def test_every_counter_is_read_once_in_the_order_of_cells_of_one_bank():
    plan = ReadPlan(bank_bits=4)
    ids = random.Random(1).sample(range(200_000), 5000)
    for usage_id in [*ids, *ids[:100]]:
        plan.add(usage_id)
    assert members(plan) == sorted(ids)
    for chunk in plan.chunks():
        assert chunk.cells == sorted(set(chunk.cells))
        assert [cell << 4 | chunk.bank for cell in chunk.cells] == chunk.ids


def test_what_comes_or_goes_changes_its_own_request_and_no_other():
    plan = ReadPlan(bank_bits=4)
    for usage_id in range(100_000):
        plan.add(usage_id)
    before = plan.chunks()
    plan.discard(77)
    plan.discard(77)
    plan.add(5)
    after = plan.chunks()
    assert len(set(before) & set(after)) == len(before) - 1
    assert members(plan) == [usage_id for usage_id in range(100_000) if usage_id != 77]


def test_an_empty_plan_reads_nothing():
    plan = ReadPlan(bank_bits=4)
    plan.add(3)
    plan.discard(3)
    plan.discard(9)
    assert plan.chunks() == []

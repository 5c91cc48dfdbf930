"""Getting from what the switch holds to what it should hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upf.entry import Entry
from upf.plan import Plan, diff


def entry(key, param=0):
    return Entry("table", (key,), "action", (param,))


entry_sets = st.dictionaries(st.integers(0, 9), st.integers(0, 3)).map(
    lambda held: frozenset(entry(key, param) for key, param in held.items())
)


@given(entry_sets, entry_sets)
def test_applying_a_difference_gives_what_was_wanted(before, after):
    assert diff(before, after).apply_to(before) == after


@given(entry_sets, entry_sets)
def test_the_inverse_undoes_a_plan(before, after):
    plan = diff(before, after)
    assert plan.inverse().apply_to(plan.apply_to(before)) == before


@given(entry_sets, entry_sets)
def test_a_plan_touches_nothing_that_stays(before, after):
    plan = diff(before, after)
    touched = {each.identity for each in (*plan.inserts, *plan.modifies, *plan.deletes)}
    assert touched.isdisjoint({each.identity for each in before & after})


@given(entry_sets)
def test_there_is_no_plan_where_nothing_changes(held):
    assert not diff(held, held)


def test_what_is_referred_to_comes_first_and_goes_last():
    held = [entry(1), entry(2)]
    assert diff([], held).inserts == tuple(held)
    assert diff(held, []).deletes == (entry(2), entry(1))


def test_inserting_what_is_there_cannot_be():
    with pytest.raises(KeyError):
        Plan(inserts=(entry(1),)).apply_to([entry(1)])

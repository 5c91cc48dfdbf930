"""Identifiers."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from upf.allocator import FTEIDAllocator, IndexPool, SEIDAllocator
from upf.errors import ResourcesExhaustedError, RuleError
from upf.networks import Endpoint

ENDPOINT = Endpoint(1, IPv4Address("10.100.3.1"))


def test_index_released_is_used_again_as_late_as_possible():
    pool = IndexPool("things", 4)
    assert [pool.allocate(), pool.allocate()] == [1, 2]
    pool.release(1)
    pool.release(2)
    assert [pool.allocate() for _ in range(3)] == [3, 1, 2]
    with pytest.raises(ResourcesExhaustedError, match="things"):
        pool.allocate()


def test_teid_is_never_zero_and_never_given_twice():
    draws = iter([0, 5, 5, 6])
    fteids = FTEIDAllocator(lambda: next(draws))
    assert [fteids.allocate(ENDPOINT, 1).teid for _ in range(2)] == [5, 6]


def test_same_teid_may_stand_at_another_endpoint():
    fteids = FTEIDAllocator(lambda: 5)
    fteids.allocate(ENDPOINT, 1)
    assert fteids.allocate(Endpoint(2, IPv4Address("10.0.0.1")), 1).teid == 5


def test_teid_claimed_by_one_session_is_refused_to_another():
    fteids = FTEIDAllocator()
    held = fteids.claim(ENDPOINT, 7, up_seid=1)
    assert fteids.claim(ENDPOINT, 7, up_seid=1) == held
    with pytest.raises(RuleError):
        fteids.claim(ENDPOINT, 7, up_seid=2)
    fteids.release(held)
    assert fteids.claim(ENDPOINT, 7, up_seid=2) == held


def test_teid_zero_cannot_be_claimed():
    with pytest.raises(RuleError):
        FTEIDAllocator().claim(ENDPOINT, 0, up_seid=1)


def test_exhausted_draws_end_instead_of_looping():
    fteids = FTEIDAllocator(lambda: 5)
    fteids.allocate(ENDPOINT, 1)
    with pytest.raises(ResourcesExhaustedError):
        fteids.allocate(ENDPOINT, 1)


def test_identifiers_use_all_their_bits():
    fteids, seids = FTEIDAllocator(), SEIDAllocator()
    assert max(fteids.allocate(ENDPOINT, 1).teid for _ in range(64)) >= 1 << 28
    assert max(seids.allocate() for _ in range(64)) >= 1 << 60


def test_seid_can_be_claimed_once():
    seids = SEIDAllocator()
    assert seids.claim(9)
    assert not seids.claim(9)
    assert not seids.claim(0)

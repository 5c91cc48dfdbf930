"""Addresses given to UEs."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network, ip_network

import pytest

from upf.errors import AddressesExhaustedError, RuleError
from upf.ue_pools import UEPool, UEPools


def test_every_address_but_the_first_and_the_last_is_given_once_and_again_as_late_as_possible():
    pool = UEPool(ip_network("10.0.0.0/29"))
    given = [pool.take() for _ in range(6)]
    assert [str(each) for each in given] == [f"10.0.0.{n}" for n in range(1, 7)]
    with pytest.raises(AddressesExhaustedError) as caught:
        pool.take()
    assert (caught.value.cause, caught.value.offending_ie) == (79, 93)
    for each in (given[4], given[1]):
        pool.release(each)
    assert [pool.take(), pool.take()] == [given[4], given[1]]
    assert pool.num_taken == 6


def test_an_ipv6_pool_gives_64s():
    pool = UEPool(ip_network("fd00::/62"))
    given = [pool.take() for _ in range(4)]
    assert given == list(IPv6Network("fd00::/62").subnets(new_prefix=64))
    with pytest.raises(AddressesExhaustedError):
        pool.take()


def test_what_a_restored_session_has_is_not_given_to_another():
    pool = UEPool(ip_network("10.0.0.0/29"))
    assert pool.claim(IPv4Address("10.0.0.2"))
    assert not pool.claim(IPv4Address("10.0.0.2"))
    assert [str(pool.take()) for _ in range(3)] == ["10.0.0.1", "10.0.0.3", "10.0.0.4"]
    pool.release(IPv4Address("10.0.0.2"))
    assert pool.claim(IPv4Address("10.0.0.2"))
    assert [str(pool.take()) for _ in range(2)] == ["10.0.0.5", "10.0.0.6"]


def test_pools_of_a_network_instance_come_before_those_of_any():
    pools = UEPools(
        [UEPool(ip_network("10.0.0.0/30")), UEPool(ip_network("10.1.0.0/30"), "corporate")]
    )
    assert pools.take(4, ("corporate",)) == (1, IPv4Address("10.1.0.1"))
    assert pools.take(4, ("internet",)) == (0, IPv4Address("10.0.0.1"))
    with pytest.raises(RuleError):
        pools.take(6, ("internet",))


def test_several_pools_of_a_network_instance_are_used_one_after_the_other():
    pools = UEPools([UEPool(ip_network("10.0.0.0/30")), UEPool(ip_network("10.9.0.0/30"))])
    taken = [pools.take(4, ()) for _ in range(4)]
    assert [each.pool for each in taken] == [0, 0, 1, 1]
    with pytest.raises(AddressesExhaustedError):
        pools.take(4, ())
    pools.release(taken[0])
    assert pools.take(4, ()) == taken[0]

from ipaddress import ip_network

import pytest

from pfcp.admission import Admission, Rate, allow_list

A, B = "192.0.2.1", "2001:db8::1"


def taken(admission, host, now, count):
    return sum(admission.take(host, now) for _ in range(count))


def test_without_a_rate_nothing_is_shed_and_nothing_kept():
    admission = Admission()
    assert taken(admission, A, 0, 1000) == 1000
    assert len(admission) == 0


def test_a_host_has_its_burst_and_then_its_rate():
    admission = Admission(rate=Rate(messages_per_s=10, burst=5))
    assert taken(admission, A, 0, 100) == 5
    assert taken(admission, A, 0.05, 100) == 0
    assert taken(admission, A, 0.1, 100) == 1
    assert taken(admission, A, 1.1, 100) == 5
    assert sum(taken(admission, A, 10 + step / 100, 3) for step in range(1000)) == 5 + 99


def test_a_host_over_its_rate_costs_the_others_nothing():
    admission = Admission(rate=Rate(messages_per_s=10, burst=5))
    taken(admission, A, 0, 1000)
    assert taken(admission, B, 0, 100) == 5


def test_a_clock_that_steps_back_earns_nothing():
    admission = Admission(rate=Rate(messages_per_s=10, burst=5))
    taken(admission, A, 100, 5)
    assert not admission.take(A, 50)
    assert taken(admission, A, 50.1, 100) == 1


def test_the_hosts_remembered_are_bounded_and_the_longest_silent_goes_first():
    admission = Admission(rate=Rate(messages_per_s=1, burst=1), hosts_kept=2)
    assert admission.take("192.0.2.1", 0)
    assert admission.take("192.0.2.2", 0)
    assert not admission.take("192.0.2.1", 0)
    assert admission.take("192.0.2.3", 0)
    assert len(admission) == 2
    assert not admission.take("192.0.2.1", 0)
    assert admission.take("192.0.2.2", 0)


@pytest.mark.parametrize(("messages_per_s", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_that_lets_nothing_through_is_refused(messages_per_s, burst):
    with pytest.raises(ValueError, match="lets nothing through"):
        Rate(messages_per_s=messages_per_s, burst=burst)


@pytest.mark.parametrize(
    ("host", "is_in"),
    [
        ("192.0.2.1", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("::ffff:192.0.2.7", True),
        ("::ffff:192.0.3.7", False),
        ("fe80::1%eth0", False),
    ],
)
def test_an_allow_list_holds_the_hosts_of_its_networks(host, is_in):
    is_allowed = allow_list([ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])
    assert is_allowed(host) is is_in

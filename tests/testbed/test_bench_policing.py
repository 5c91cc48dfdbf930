"""The report on meters, in short: that it measures what it says, and finds one that errs."""

from pathlib import Path

import pytest

from p4xdp import frontend
from p4xdp.dataplane import CounterValue
from testbed.bench.forwarding.path import Paths
from testbed.bench.forwarding.population import Population, sizes_for
from testbed.bench.policing import Figure, Policed, arrivals, live, markdown, with_our_clock

P4 = Path(__file__).parents[2] / "p4"


def figure(passed, *, rate_bps=8_000_000, burst=3000):
    return Figure("ours", 1, rate_bps, 1.0, burst, 2 * passed, passed)


def test_a_rate_is_kept_within_one_in_a_hundred_or_one_burst():
    assert figure(1_010_000).is_kept
    assert figure(990_000).is_kept
    assert not figure(1_011_000).is_kept
    assert not figure(988_000).is_kept
    assert figure(4125, rate_bps=9000).is_kept
    assert not figure(4126, rate_bps=9000).is_kept


class Counting:
    """A data plane whose every counter says so much."""

    def __init__(self, octets):
        self.octets = octets

    def read_counter(self, counter, first, count):
        return [CounterValue(1, self.octets)] * count


def test_what_passed_is_told_though_counters_begin_again_at_36_bits():
    counting = Counting((1 << 36) - 100)
    policed = Policed(counting)
    before = policed.passed_octets()
    counting.octets = 50
    assert policed.passed_since(before) == 2 * 150


@pytest.mark.parametrize("in_bursts", [False, True])
def test_arrivals_make_up_the_rate(in_bursts):
    found = list(arrivals(10_000_000, 1250, 1.0, in_bursts=in_bursts))
    assert 1000 <= sum(count for _, count in found) <= 1001
    assert all(0 <= at_ns <= 10**9 for at_ns, _ in found)
    assert sorted(found) == found


@pytest.mark.root
def test_meters_keep_their_rates_by_our_clock_and_live_with_one_cpu_and_two():
    with Paths(P4 / "build", sizes_for(1), cpu=0) as paths:
        Population(frontend.load(P4 / "upf.p4"), paths.dataplane, 1)
        figures = [
            with_our_clock(paths.dataplane, 10**6, 1.0, [0]),
            with_our_clock(paths.dataplane, 10**8, 0.1, [0, 1]),
            live(paths, 10**7, 0.3, [0]),
        ]
    assert all(one.is_kept for one in figures[:2])
    assert 0 < figures[2].passed_octets < figures[2].offered_octets / 5
    page = markdown({"cpu": "a", "cores": 2, "kernel": "b", "load": 0}, figures)
    assert "| ours | 2 | 100 Mbit/s |" in page

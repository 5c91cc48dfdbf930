"""The meters' integer formula against RFC 2698 in exact fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p4xdp.dataplane import MeterConfig
from p4xdp.metering import GREEN, RED, YELLOW, Bucket, CellState, bucket, cell, execute

GBIT = 125_000_000  # bytes/s


class TokenBuckets:
    """RFC 2698 clause 3, tokens as fractions."""

    def __init__(self, config):
        self.config = config
        self.committed = Fraction(config.cburst)
        self.peak = Fraction(config.pburst)
        self.now_ns = 0

    def execute(self, size, now_ns, color=GREEN):
        passed_s = Fraction(now_ns - self.now_ns, 10**9)
        self.now_ns = now_ns
        c = self.config
        self.committed = min(self.committed + c.cir * passed_s, Fraction(c.cburst))
        self.peak = min(self.peak + c.pir * passed_s, Fraction(c.pburst))
        if color == RED or self.peak < size:
            return RED
        self.peak -= size
        if color != GREEN or self.committed < size:
            return YELLOW
        self.committed -= size
        return GREEN


# Rates whose time per octet is a whole number of 2**-6 ns: no rounding anywhere.
exact_rates = st.builds(
    lambda twos, fives: 2**twos * 5**fives, st.integers(6, 15), st.integers(3, 9)
)
packets = st.lists(
    st.tuples(
        st.integers(0, 2_000_000), st.integers(1, 9000), st.sampled_from([GREEN, YELLOW, RED])
    ),
    max_size=60,
)


@given(cir=exact_rates, pir=exact_rates, cburst=st.integers(0, 20_000), packets=packets)
def test_colours_are_those_of_token_buckets(cir, pir, cburst, packets):
    config = MeterConfig(cir, cburst, pir, 2 * cburst)
    stored, state, oracle = cell(config, in_bytes=True), CellState(), TokenBuckets(config)
    now_ns = 0
    for gap_ns, size, color in packets:
        now_ns += gap_ns
        assert execute(stored, state, size, now_ns, color) == oracle.execute(size, now_ns, color)


@pytest.mark.parametrize("size", [64, 300, 1500])
@pytest.mark.parametrize(
    "rate",
    [125, 12_345, GBIT // 1000, 75 * GBIT // 100, GBIT, 3 * GBIT // 2, 10 * GBIT, 40 * GBIT],
)
def test_rate_passed_is_the_rate_configured(rate, size):
    """Offered 1.5 times the rate for 2,000 packets; passed, less the burst, within 0.1 %."""
    stored = cell(MeterConfig(rate, 3000, rate, 3000), in_bytes=True)
    state = CellState()
    gap_ns = Fraction(size * 10**9 * 2, rate * 3)
    times_ns = [int(i * gap_ns) for i in range(2000)]
    passed = sum(execute(stored, state, size, t, GREEN) == GREEN for t in times_ns) * size
    expected = 3000 + rate * times_ns[-1] / 10**9
    assert abs(passed - expected) <= 0.001 * expected + size


def test_between_the_rates_is_yellow():
    stored, state = cell(MeterConfig(1000, 100, 2000, 300), in_bytes=True), CellState()
    assert [execute(stored, state, 100, 0) for _ in range(4)] == [GREEN, YELLOW, YELLOW, RED]


def test_red_takes_nothing():
    stored, state = cell(MeterConfig(1000, 100, 1000, 100), in_bytes=True), CellState()
    assert execute(stored, state, 101, 0) == RED
    assert execute(stored, state, 100, 0) == GREEN


def test_rate_0_passes_nothing():
    stored, state = cell(MeterConfig(0, 1000, 0, 1000), in_bytes=True), CellState()
    assert execute(stored, state, 1, 10**12) == RED
    stored = cell(MeterConfig(0, 1000, 1000, 1000), in_bytes=True)
    assert execute(stored, state, 1, 10**12) == YELLOW


def test_packet_meter_takes_one_packet_a_second():
    stored, state = cell(MeterConfig(1, 1, 1, 1), in_bytes=False), CellState()
    times_ns = [0, 999_999_999, 1_000_000_000, 1_999_999_999, 2_000_000_000]
    assert [execute(stored, state, 1, t) for t in times_ns] == [GREEN, RED, GREEN, RED, GREEN]


@pytest.mark.parametrize(
    ("rate", "cost_per_unit", "ticks_of_an_octet"),
    [
        (3 * 10**9, 5_592_405, 21),  # 21.33
        (27 * 10**8, 6_213_784, 24),  # 23.70
        (1, 2**47, 2**29),  # as if 119.2 bytes/s
    ],
)
def test_rounding_is_to_the_nearest(rate, cost_per_unit, ticks_of_an_octet):
    assert bucket(rate, 1, in_bytes=True) == Bucket(cost_per_unit, ticks_of_an_octet)


@pytest.mark.parametrize("in_bytes", [True, False])
@pytest.mark.parametrize("rate", [1, 119, 120, 125, 50 * GBIT, 1000 * GBIT, 2**63])
@pytest.mark.parametrize("burst", [0, 1, 2**40, 2**63])
def test_everything_stored_and_computed_fits_64_bits(rate, burst, in_bytes):
    stored = bucket(rate, burst, in_bytes=in_bytes)
    largest_packet = 0xFFFF if in_bytes else 1
    assert 0 < stored.cost_per_unit * largest_packet + 2**17 < 2**64
    eight_years_ns = 8 * 365 * 86_400 * 10**9
    largest_cost = stored.cost_per_unit * largest_packet >> 18
    assert (eight_years_ns << 6) + stored.depth + largest_cost < 2**64

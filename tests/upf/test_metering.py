"""Usage counters: banks, bases, and counters that wrap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upf.entry import Counts
from upf.errors import PipelineMismatchError, ResourcesExhaustedError
from upf.metering import OCTET_BITS, PACKET_BITS, UsageCounters, banks_of, widened


def test_banks_are_those_of_the_program_in_the_order_of_their_numbers():
    names = [f"Egress.enforcement.usage_{number}" for number in range(12)]
    assert banks_of(["Ingress.verdict.drops", *sorted(names)]) == names


@pytest.mark.parametrize("numbers", [(), (1, 2), (0, 2)], ids=str)
def test_a_program_without_a_bank_is_another_program(numbers):
    with pytest.raises(PipelineMismatchError, match=f"{len(numbers)} counters"):
        banks_of(f"Egress.enforcement.usage_{number}" for number in numbers)


async def test_identifiers_are_of_banks_and_cells_that_are_there(target):
    """Three banks need two bits, of which one value tells no bank."""
    target.counters = lambda: [f"Egress.enforcement.usage_{bank}" for bank in range(3)]
    target.sizes = {
        "Egress.enforcement.usage_0": 4,
        "Egress.enforcement.usage_1": 4,
        "Egress.enforcement.usage_2": 2,
        "Egress.enforcement.session_meters": 2,
    }
    counters = UsageCounters(target)
    found = [counters.allocate() for _ in range(8)]
    assert found == [2, 4, 5, 6, 8, 9, 12, 13]
    with pytest.raises(ResourcesExhaustedError):
        counters.allocate()
    cells = {
        (counter, cell): counters.usage_id_of(counter, cell)
        for counter in target.counters()
        for cell in range(4)
    }
    assert cells["Egress.enforcement.usage_1", 3] == 13
    target.counts = {(name, cell): Counts(1, usage_id) for (name, cell), usage_id in cells.items()}
    readings = await counters.read(found)
    assert readings == {usage_id: Counts(1, usage_id) for usage_id in found}
    assert counters.usage_id_of("Ingress.verdict.drops", 1) is None


@given(
    gains=st.lists(
        st.tuples(
            st.integers(0, (1 << PACKET_BITS - 1) - 1), st.integers(0, (1 << OCTET_BITS - 1) - 1)
        ),
        max_size=30,
    )
)
def test_a_narrow_counter_read_often_enough_never_loses_an_octet(gains):
    true, known = Counts(0, 0), Counts(0, 0)
    for packets, octets in gains:
        true = Counts(true.packets + packets, true.octets + octets)
        raw = Counts(true.packets % (1 << PACKET_BITS), true.octets % (1 << OCTET_BITS))
        known = widened(known, raw)
        assert known == true


def test_a_wide_counter_is_as_it_says():
    reading = Counts(1 << 40, 1 << 50)
    assert widened(Counts(1 << 39, 1 << 49), reading) == reading
    assert widened(reading, Counts(1 << 39, 1 << 49)) == reading


def test_an_answer_that_comes_late_takes_nothing_back():
    assert widened(Counts(10, 1000), Counts(9, 900)) == Counts(10, 1000)


async def test_readings_go_on_where_the_counter_wraps(target):
    counters = UsageCounters(target)
    usage_id = counters.allocate()
    octets = (1 << OCTET_BITS) - 1000
    target.count(usage_id, packets=5, octets=octets)
    assert await counters.read([usage_id]) == {usage_id: Counts(5, octets)}
    target.counts = {key: Counts(7, 200) for key in target.counts}
    assert await counters.read([usage_id]) == {usage_id: Counts(7, octets + 1200)}

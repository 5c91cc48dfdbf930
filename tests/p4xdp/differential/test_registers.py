"""registers.p4 by interpreter and by XDP; and many processors on one cell."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import DataplaneError, Entry, Match

SOURCE = Path(__file__).parents[1] / "programs" / "registers.p4"
SIZES = {"tickets": 12, "quotas": 200, "levels": 256, "balances": 2, "extremes": 16}
POOLS = [
    Entry((Match(kind, 0xFF),), f"Ingress.{action}", (index,))
    for kind, action, index in (
        (1, "sink_level", 0),
        (2, "sink_level", 255),
        (3, "fill_level", 255),
        (9, "fill_level", 0),
    )
]
AMOUNTS = st.sampled_from([0, 1, 250, 999, 1000, 0x80000000, 0xFFFFFFFF])
FRAMES = st.builds(
    lambda kind, index, amount, small: (
        bytes([kind, index]) + amount.to_bytes(4) + small.to_bytes(2) + bytes(130)
    ),
    st.sampled_from([0, 1, 2, 3, 9]),
    st.sampled_from([0, 1, 0x0B, 0x0C, 0x1F, 199, 200, 255]),
    AMOUNTS,
    st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF]),
)
WORDS = st.sampled_from([0, 1, 2, 999, 1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
WRITES = st.one_of(
    st.tuples(st.just("tickets"), st.sampled_from([0, 11]), st.tuples(WORDS)),
    st.tuples(st.just("quotas"), st.sampled_from([0, 199]), st.tuples(WORDS, WORDS)),
    st.tuples(st.just("levels"), st.sampled_from([0, 255]), st.tuples(st.integers(0, 255))),
    st.tuples(st.just("balances"), st.sampled_from([0, 1]), st.tuples(WORDS)),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    new_interpreter, xdp = side_by_side(SOURCE)
    xdp.insert_entries("Ingress.pools", POOLS)
    return new_interpreter, xdp


def contents(dataplane):
    return {
        name: dataplane.read_register(f"Ingress.{name}", 0, size) for name, size in SIZES.items()
    }


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(steps=st.lists(FRAMES | FRAMES | FRAMES | WRITES, min_size=20, max_size=50))
def test_xdp_keeps_the_registers_that_the_interpreter_keeps(sides, steps):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    interpreter.insert_entries("Ingress.pools", POOLS)
    xdp.reset_registers()
    assert contents(xdp) == contents(interpreter)
    for step in steps:
        if isinstance(step, bytes):
            assert xdp.run(1, step, 1) == interpreter.run(1, step, 1), step.hex()
        else:
            name, index, value = step
            for side in (interpreter, xdp):
                side.write_register(f"Ingress.{name}", index, value)
    assert contents(xdp) == contents(interpreter)


@pytest.mark.root
def test_registers_start_as_the_program_says_and_have_an_end(sides):
    new_interpreter, xdp = sides
    xdp.reset_registers()
    for side in (new_interpreter(), xdp):
        assert side.read_register("Ingress.tickets", 10, 2) == [(5,), (5,)]
        assert side.read_register("Ingress.quotas", 199, 1) == [(1000, 0)]
        assert side.read_register("Ingress.balances", 0, 1) == [(0xFFFFFFFD,)]
        with pytest.raises(DataplaneError, match=r"cells 0\.\.11"):
            side.read_register("Ingress.tickets", 11, 2)
        with pytest.raises(DataplaneError, match=r"cells 0\.\.11"):
            side.write_register("Ingress.tickets", 12, (0,))
        with pytest.raises(DataplaneError, match="no register"):
            side.read_register("Ingress.nothing", 0, 1)


@pytest.mark.root
def test_no_packet_is_lost_where_processors_meet_on_a_cell(sides):
    _, xdp = sides
    xdp.reset_registers()
    xdp.write_register("Ingress.quotas", 7, (0xFFFFFFFF, 0))
    packets, frame = 200_000, bytes([0, 7, 0, 0, 0, 3]) + bytes(130)

    def send():
        xdp.measure(1, frame, repeat=packets)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert xdp.read_register("Ingress.tickets", 7, 1) == [(5 + 3 * packets,)]
    assert xdp.read_register("Ingress.quotas", 7, 1) == [(0xFFFFFFFF, 9 * packets)]

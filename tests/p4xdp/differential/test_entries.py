"""entries.p4 by interpreter and by XDP: tables with entries of the program's own."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import CounterValue, Entry, Match

SOURCE = Path(__file__).parents[1] / "programs" / "entries.p4"
FRAMES = st.builds(
    lambda a, b, c, d: bytes([a, b]) + c.to_bytes(2) + d.to_bytes(6) + bytes(6),
    st.sampled_from([0, 1, 2, 3, 0x11, 0x12]),
    st.sampled_from([0, 7, 0x80, 0x81]),
    st.sampled_from([0, 1, 2, 9, 10, 20, 21, 22, 0x8000, 0x8001, 0xFFFF]),
    st.sampled_from([0, 0xFE80_0000_0001, 1]),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE)


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(frames=st.lists(FRAMES, min_size=20, max_size=40))
def test_xdp_finds_the_constant_entry_that_the_interpreter_finds(sides, frames):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    table = "Ingress.ternary_table"
    entries = interpreter.constant_entries()[table]
    assert xdp.constant_entries() == interpreter.constant_entries()
    for entry in entries:
        xdp.write_direct_counter(table, entry, CounterValue(0, 0))
    for frame in frames:
        assert xdp.run(1, frame, 1) == interpreter.run(1, frame, 1), frame.hex()
    for entry in entries:
        counted = interpreter.read_direct_counter(table, entry)
        assert xdp.read_direct_counter(table, entry) == counted


@pytest.mark.root
def test_the_first_entry_is_the_one_of_the_highest_priority(sides):
    new_interpreter, _ = sides
    first, *_, last = new_interpreter().constant_entries()["Ingress.ternary_table"]
    assert first == Entry((Match(1, 0x0F), Match(0, 0)), "Ingress.first", (1,), 5)
    assert last == Entry((Match(3, 0xFF), Match(0, 0)), "Ingress.first", (4,), 1)
    frame = bytes([0x11, 0x81]) + bytes(14)
    assert new_interpreter().run(1, frame, 1).frame[0] == 1

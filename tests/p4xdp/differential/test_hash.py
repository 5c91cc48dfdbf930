"""hash.p4 by interpreter and by XDP, and the values that the algorithms are known by."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SOURCE = Path(__file__).parents[1] / "programs" / "hash.p4"
FRAMES = st.builds(
    lambda head, protocol, rest: head + bytes([protocol]) + rest,
    st.binary(min_size=36, max_size=36) | st.sampled_from([bytes(36), b"\xff" * 36]),
    st.integers(0, 255),
    st.binary(min_size=3, max_size=5),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE)


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(frames=st.lists(FRAMES, min_size=20, max_size=40))
def test_xdp_hashes_as_the_interpreter_does(sides, frames):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    for frame in frames:
        assert xdp.run(1, frame, 1) == interpreter.run(1, frame, 1), frame.hex()

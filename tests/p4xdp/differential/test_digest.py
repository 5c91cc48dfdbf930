"""digest.p4 by interpreter and by XDP: what packets tell the controller."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SOURCE = Path(__file__).parents[1] / "programs" / "digest.p4"


def talk(*, about=0, is_dropped=0, address=0, word=0, name=0, signed=0, spare=0):
    head = bytes([about, is_dropped]) + address.to_bytes(6, "big") + word.to_bytes(2, "big")
    return head + name.to_bytes(16, "big") + bytes([signed, spare])


FRAMES = st.builds(
    talk,
    about=st.integers(0, 7),
    is_dropped=st.integers(0, 1),
    address=st.integers(0, 2**48 - 1),
    word=st.sampled_from([0, 7, 0xFFFF]),
    name=st.integers(0, 2**128 - 1),
    signed=st.integers(0, 255),
    spare=st.sampled_from([0, 0, 0xFF]),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE)


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(frames=st.lists(FRAMES.map(lambda frame: frame + bytes(14)), min_size=8, max_size=20))
def test_xdp_tells_what_the_interpreter_tells(sides, frames):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    for frame in frames:
        assert xdp.run(300, frame, 1) == interpreter.run(300, frame, 1), frame.hex()


@pytest.mark.root
@pytest.mark.parametrize("is_dropped", [0, 1])
def test_a_digest_is_told_with_its_name_and_a_value_for_each_field(sides, is_dropped):
    new_interpreter, xdp = sides
    for side in (new_interpreter(), xdp):
        result = side.run(300, talk(about=1, is_dropped=is_dropped, address=0x0200_0000_0001), 1)
        assert result.digests == (("IngressDeparser.seen", (0x0200_0000_0001, 300, 0)),)
        assert result.verdict == ("drop" if is_dropped else "forward")
        frame = talk(about=2, word=7, name=1 << 127 | 5, signed=0xFE, is_dropped=is_dropped)
        (told,) = side.run(1, frame, 1).digests
        assert told == ("IngressDeparser.full", (1, 1 << 127 | 5, 0xFE))
        assert side.run(1, talk(about=4), 1).digests == ()

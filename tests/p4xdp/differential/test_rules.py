"""rules.p4 by interpreter and by XDP: overlapping rules of random priorities."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import Entry, Match

SOURCE = Path(__file__).parents[1] / "programs" / "rules.p4"
FILTERS, MASKS = "Ingress.filters", "Ingress.masks"
PRIORITIES = st.integers(1, 3)

# Few values, so that rules overlap and packets meet them.
KINDS = (0, 1, 0x80, 0xFF)
A = (7, 8)
B = (0, 1, 0x7FFF, 0x8000, 0xFFFF)
N = (0, 7, 8, 15)
M = (0, 0x801, 0xFFF)
X = (0, 0xFFFF_FFFF_FFFF, 0x8000_0000_0001)


def masked(values, *masks):
    return st.builds(lambda v, m: Match(v & m, m), st.sampled_from(values), st.sampled_from(masks))


def between(values, width):
    pairs = st.tuples(st.sampled_from(values), st.sampled_from(values))
    limits = st.builds(lambda pair: Match(min(pair), 0, max(pair)), pairs)
    return limits | st.just(Match(0, 0, (1 << width) - 1))


FILTER_KEYS = st.tuples(
    st.builds(lambda value: Match(value, 0xFF), st.sampled_from(A)),
    masked(X, 0, 1, 0x8000_0000_0000, 0xFFFF_FFFF_FFFF),
    between(B, 16),
    masked(M, 0, 0x800, 0xFFF),
    between(N, 4),
)
MASK_KEYS = st.tuples(masked(KINDS, 0, 0x80, 1, 0xFF))
FIRST = st.one_of(
    st.tuples(st.just("Ingress.first"), st.tuples(st.integers(0, 0xFFFF))),
    st.just(("Ingress.refuse", ())),
)
SECOND = st.tuples(
    st.just("Ingress.second"), st.tuples(st.integers(0, 0xFFFF), st.integers(0, 511))
)


def entries(keys, actions, most):
    return st.lists(
        st.builds(lambda key, do, priority: Entry(key, *do, priority), keys, actions, PRIORITIES),
        max_size=most,
        unique_by=lambda entry: (entry.matches, entry.priority),
    )


FRAMES = st.builds(
    lambda kind, a, b, nm, x: bytes([kind, a]) + b.to_bytes(2) + nm + x.to_bytes(6) + bytes(9),
    st.sampled_from(KINDS),
    st.sampled_from((*A, *A, 9)),
    st.sampled_from(B),
    st.builds(lambda n, m: (n << 12 | m).to_bytes(2), st.sampled_from((*N, 3)), st.sampled_from(M)),
    st.sampled_from(X),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE)


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(data=st.data())
def test_xdp_finds_the_rule_that_the_interpreter_finds(sides, data):
    new_interpreter, xdp = sides
    both = new_interpreter(), xdp
    present = data.draw(entries(FILTER_KEYS, FIRST, 20), "filters")
    masks = data.draw(entries(MASK_KEYS, SECOND, 8), "masks")
    changed = [
        Entry(old.matches, *data.draw(FIRST), old.priority) for old in present[::3] if present
    ]
    gone = present[1::4]
    frames = data.draw(st.lists(FRAMES, min_size=10, max_size=30), "frames")
    default = data.draw(FIRST, "default")

    def compare():
        for frame in frames:
            expected, got = (side.run(1, frame, 1) for side in both)
            assert got == expected, frame.hex()

    try:
        for side in both:
            side.insert_entries(FILTERS, present)
            side.insert_entries(MASKS, masks)
            side.set_default(FILTERS, *default)
        compare()
        for side in both:
            side.modify_entries(FILTERS, changed)
            side.delete_entries(FILTERS, gone)
            side.insert_entries(FILTERS, gone[::-1])
        compare()
    finally:
        for table, there in ((FILTERS, present), (MASKS, masks)):
            xdp.delete_entries(table, there)

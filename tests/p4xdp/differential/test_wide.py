"""wide.p4 by interpreter and by XDP: addresses of 128 bits and other wide values."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import Entry, Match

SOURCE = Path(__file__).parents[1] / "programs" / "wide.p4"
ONES = (1 << 128) - 1
ADDRESSES = (
    0,
    1,
    ONES,
    1 << 64,
    1 << 127,
    0x20010DB8_00000000_00000000_00000001,
    0x20010DB8_00000000_FFFFFFFF_FFFFFFFF,
    0xFF020000_00000000_00000000_00000001,
    0x0123456789ABCDEF_FEDCBA9876543210,
)
PARTS = (0, 1, 1 << 63, 1 << 64, 1 << 99, (1 << 100) - 1, 0xABCD_00000000_FFFFFFFF_12345)
LENGTHS = (0, 1, 31, 32, 33, 63, 64, 65, 96, 127, 128)

ADDRESS = st.sampled_from(ADDRESSES) | st.integers(0, ONES)
PART = st.sampled_from(PARTS) | st.integers(0, (1 << 100) - 1)
PRIORITY_ZERO = st.just(0)
PREFIX_VALUE = st.tuples(st.integers(0, 0xFFFF))


def prefixes(values, width):
    def prefix(value, length):
        mask = ((1 << width) - 1) ^ (((1 << width) - 1) >> min(length, width))
        return Match(value & mask, mask)

    return st.builds(prefix, st.sampled_from(values), st.sampled_from(LENGTHS))


def exact(values, width):
    return st.builds(lambda value: Match(value, (1 << width) - 1), st.sampled_from(values))


def entries(keys, actions, *, priorities=PRIORITY_ZERO):
    return st.lists(
        st.builds(lambda key, do, priority: Entry(key, *do, priority), keys, actions, priorities),
        max_size=12,
        unique_by=lambda entry: (entry.matches, entry.priority),
    )


def masked(value, mask):
    return Match(value & mask, mask)


MASKS = st.sampled_from([0, 1, 1 << 127, ONES, ONES ^ 0xFFFF_FFFF, 0xFFFF << 56])
TERNARY = st.builds(masked, st.sampled_from(ADDRESSES), MASKS)
BIT = exact((0, 1), 1)
TABLES = {
    "Ingress.hosts": entries(
        st.tuples(exact(ADDRESSES, 128), BIT),
        st.one_of(
            st.tuples(st.just("Ingress.set_address"), st.tuples(ADDRESS, st.integers(0, 1))),
            st.just(("Ingress.refuse", ())),
        ),
    ),
    "Ingress.subnets": entries(
        st.tuples(exact(tuple({address >> 64 for address in ADDRESSES}), 64)),
        st.tuples(st.just("Ingress.set_part"), st.tuples(PART)),
    ),
    "Ingress.routes": entries(
        st.tuples(BIT, prefixes(ADDRESSES, 128)),
        st.tuples(st.just("Ingress.set_prefix"), PREFIX_VALUE),
    ),
    "Ingress.odd_routes": entries(
        st.tuples(prefixes(PARTS, 100)), st.tuples(st.just("Ingress.set_prefix"), PREFIX_VALUE)
    ),
    "Ingress.rules": entries(
        st.tuples(TERNARY, TERNARY, st.sampled_from([Match(0, 0, 255), Match(3, 0, 0x70)])),
        st.just(("Ingress.mark", ())),
        priorities=st.integers(1, 2),
    ),
}


def odd(n, x, y, z, u):
    return (((n << 100 | x) << 6 | y) << 66 | z << 3 | u).to_bytes(22)


FRAMES = st.builds(
    lambda kind, src, dst, rest: bytes([kind]) + src.to_bytes(16) + dst.to_bytes(16) + rest,
    st.integers(0, 255),
    ADDRESS,
    ADDRESS,
    st.builds(
        odd,
        st.integers(0, 15),
        PART,
        st.integers(0, 63),
        st.sampled_from([0, 1, (1 << 63) - 1]) | st.integers(0, (1 << 63) - 1),
        st.integers(0, 7),
    )
    | st.sampled_from([b"", bytes(12), bytes(4) + b"\x01" + bytes(20)]),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE)


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(
    present=st.fixed_dictionaries(TABLES),
    default=st.tuples(ADDRESS, st.integers(0, 1)),
    frames=st.lists(FRAMES, min_size=16, max_size=40),
)
def test_xdp_computes_with_wide_values_as_the_interpreter_does(sides, present, default, frames):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    inserted = []
    try:
        for table, there in present.items():
            interpreter.insert_entries(table, there)
            xdp.insert_entries(table, there)
            inserted.append(table)
        for side in (interpreter, xdp):
            side.set_default("Ingress.hosts", "Ingress.set_address", default)
        for frame in frames:
            assert xdp.run(1, frame, 1) == interpreter.run(1, frame, 1), frame.hex()
    finally:
        for table in inserted:
            xdp.delete_entries(table, present[table])

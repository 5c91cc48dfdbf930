"""operators.p4 by interpreter and by XDP: random operands, nothing may differ."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import CounterValue, Entry, Match, MeterConfig

SOURCE = Path(__file__).with_name("operators.p4")
TABLE = "Ingress.ways"
COUNTERS = ("Ingress.seen", "Egress.left")
METERS = ("Ingress.byte_meter", "Ingress.packet_meter")


def number(width):
    """Any number, the borders and powers of two more often."""
    top = (1 << width) - 1
    borders = {0, 1, 2, top, top - 1, top >> 1, (top >> 1) + 1}
    return st.sampled_from(sorted(borders)) | st.integers(0, top)


def operands(*values):
    bits = 0
    for value, width in zip(values, (8, 8, 8, 8, 4, 12, 48, 64), strict=True):
        bits = bits << width | value
    return bits.to_bytes(20)


SMALL = st.sampled_from([0, 1, 3, 0x80, 0xFF])
FRAMES = st.builds(
    lambda header, payload: header + payload,
    st.builds(
        operands,
        st.sampled_from([0x40, 0x50, 0x60]) | st.integers(0, 0x3F),
        st.integers(0, 31),
        SMALL | number(8),
        SMALL | number(8),
        number(4),
        number(12),
        number(48),
        number(64),
    ),
    st.sampled_from([b"", b"\x70", b"\x7f\xff\xff\xff\xff", b"\x80\x00", b"\x12", bytes(64)]),
)
CUT_FRAMES = st.builds(lambda frame, end: frame[:end], FRAMES, st.integers(14, 22))


def prefix(value, length):
    mask = 0xFFFFFFFF ^ (0xFFFFFFFF >> length)
    return Match(value & mask, mask)


ENTRIES = st.lists(
    st.builds(
        lambda a, prefix, action: Entry((Match(a, 0xFF), prefix), *action),
        SMALL,
        st.builds(prefix, number(32), st.sampled_from([0, 1, 7, 31, 32])),
        st.one_of(
            st.tuples(st.just("Ingress.take"), st.tuples(number(16), number(9))),
            st.sampled_from([("Ingress.refuse", ()), ("Ingress.leave_alone", ())]),
        ),
    ),
    max_size=8,
    unique_by=lambda entry: entry.matches,
)
DEFAULTS = st.one_of(
    st.just(("Ingress.leave_alone", ())),
    st.just(("Ingress.refuse", ())),
    st.tuples(st.just("Ingress.take"), st.tuples(number(16), number(9))),
)
BURSTS = st.integers(0, 200)
CIRS, PIRS = st.sampled_from([0, 1, 1000, 10**9]), st.sampled_from([1000, 10**10])
CONFIGS = st.builds(MeterConfig, CIRS, BURSTS, PIRS, BURSTS)
CELLS = st.dictionaries(st.tuples(st.sampled_from(METERS), st.integers(0, 3)), CONFIGS, max_size=8)


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE)


def set_up(dataplane, entries, default, cells):
    dataplane.insert_entries(TABLE, entries)
    dataplane.set_default(TABLE, *default)
    for (meter, index), config in cells.items():
        dataplane.write_meter(meter, index, config)


def tear_down(dataplane, entries, cells):
    dataplane.delete_entries(TABLE, entries)
    for meter, index in cells:
        dataplane.write_meter(meter, index, None)
    for counter in COUNTERS:
        for index in range(16):
            dataplane.write_counter(counter, index, CounterValue(0, 0))


def counted(dataplane):
    return [dataplane.read_counter(counter, 0, 16) for counter in COUNTERS]


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(
    entries=ENTRIES,
    default=DEFAULTS,
    cells=CELLS,
    packets=st.lists(
        st.tuples(st.integers(0, 511), FRAMES | CUT_FRAMES, st.integers(0, 10**6)),
        min_size=12,
        max_size=40,
    ),
)
def test_xdp_does_what_the_interpreter_does(sides, entries, default, cells, packets):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    now_ns = 10**12
    set_up(interpreter, entries, default, cells)
    try:
        set_up(xdp, entries, default, cells)
        for port, frame, elapsed_ns in packets:
            now_ns += elapsed_ns
            expected = interpreter.run(port, frame, now_ns)
            assert xdp.run(port, frame, now_ns) == expected, f"port {port}, {frame.hex()}"
        assert counted(xdp) == counted(interpreter)
    finally:
        tear_down(xdp, entries, cells)

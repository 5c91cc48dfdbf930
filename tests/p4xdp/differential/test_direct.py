"""direct.p4 by interpreter and by XDP: counters and meters that come and go with their entries."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import CounterValue, DataplaneError, Entry, Match, MeterConfig, TableFullError

SOURCE = Path(__file__).parents[1] / "programs" / "direct.p4"
A, B, C, D = (f"Ingress.{name}_table" for name in "abcd")
COUNTED, METERED = (A, B, D), (A, C, D)
KEYS = {
    A: [Match(value, 0xFF) for value in (0, 1, 2, 255)],
    B: [Match(value, 0xFFFFFFFF) for value in (0, 1, 0xFFFFFFFF)],
    C: [Match(0x1200, 0xFF00), Match(0x1234, 0xFFFF), Match(0, 0), Match(0x8000, 0x8000)],
    D: [Match(1, 1), Match(0x80, 0x80), Match(0, 0), Match(0x81, 0xFF)],
}
VALUES = st.tuples(st.integers(0, 0xFFFF))
ACTIONS = {
    A: st.tuples(st.just("Ingress.a_set"), VALUES) | st.just(("Ingress.a_uncounted", ())),
    B: st.just(("Ingress.b_count", ())),
    C: st.just(("Ingress.c_meter_it", ())),
    D: st.tuples(st.just("Ingress.d_both"), st.tuples(st.integers(0, (1 << 48) - 1))),
}
BURSTS = st.integers(0, 100)
CONFIGS = st.builds(
    MeterConfig, st.sampled_from([0, 1000, 10**9]), BURSTS, st.sampled_from([1000, 10**10]), BURSTS
)
FRAMES = st.builds(
    lambda a, b, c, d, rest: bytes([a]) + b.to_bytes(4) + c.to_bytes(2) + bytes([d]) + rest,
    st.sampled_from([0, 1, 2, 3, 255]),
    st.sampled_from([0, 1, 2, 0xFFFFFFFF]),
    st.sampled_from([0x1234, 0x1200, 0x8000, 0]),
    st.sampled_from([0, 1, 0x80, 0x81]),
    st.sampled_from([bytes(6), bytes(40)]),
)
PACKETS = st.tuples(st.just("packet"), FRAMES, st.integers(0, 10**6))


def on_entries(tables, *more):
    """A step on an entry that may be there or not."""

    def of(table):
        return st.tuples(
            st.just(table),
            st.builds(
                lambda match, do: Entry((match,), *do, int(table == D)),
                st.sampled_from(KEYS[table]),
                ACTIONS[table],
            ),
        )

    return st.tuples(*more[:1], st.sampled_from(tables).flatmap(of), *more[1:])


STEPS = st.one_of(
    PACKETS,
    PACKETS.map(lambda step: step),  # twice as often as anything else
    on_entries((A, B, C, D), st.just("insert")),
    on_entries((A, B, C, D), st.just("insert")),
    on_entries((A, B, C, D), st.just("modify")),
    on_entries((A, B, C, D), st.just("delete")),
    on_entries(COUNTED, st.just("count"), st.builds(CounterValue, st.just(5), st.just(1 << 30))),
    on_entries(METERED, st.just("meter"), CONFIGS | st.none()),
    st.tuples(st.just("default"), ACTIONS[A]),
)


def take(step, dataplane, now_ns):  # noqa: PLR0911  # one case a kind
    """Do a step; return what can be seen of it."""
    match step:
        case ("packet", frame, _):
            return dataplane.run(1, frame, now_ns)
        case ("insert", (table, entry)):
            return dataplane.insert_entries(table, [entry])
        case ("modify", (table, entry)):
            return dataplane.modify_entries(table, [entry])
        case ("delete", (table, entry)):
            return dataplane.delete_entries(table, [entry])
        case ("count", (table, entry), value):
            unit = {A: (5, 1 << 30), B: (0, 1 << 30), D: (5, 0)}[table]
            assert value == CounterValue(5, 1 << 30)
            return dataplane.write_direct_counter(table, entry, CounterValue(*unit))
        case ("meter", (table, entry), config):
            return dataplane.write_direct_meter(table, entry, config)
        case ("default", action):
            return dataplane.set_default(A, *action)


def outcome(step, dataplane, now_ns):
    try:
        return take(step, dataplane, now_ns)
    except TableFullError:
        return "full"
    except DataplaneError:
        return "refused"


def counts(dataplane):
    found = {}
    for table in COUNTED:
        for match in KEYS[table]:
            entry = Entry((match,), "", (), int(table == D))
            try:
                found[table, match] = dataplane.read_direct_counter(table, entry)
            except DataplaneError:
                found[table, match] = None
    return found


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE)


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(steps=st.lists(STEPS, min_size=30, max_size=80))
def test_counters_and_meters_belong_to_their_entries(sides, steps):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    now_ns = 10**12
    try:
        for step in [("default", ("Ingress.a_set", (7,))), *steps]:
            now_ns += step[2] if step[0] == "packet" else 0
            seen = [outcome(step, side, now_ns) for side in (interpreter, xdp)]
            assert seen[0] == seen[1], step
        assert counts(xdp) == counts(interpreter)
    finally:
        for table, keys in KEYS.items():
            for match in keys:
                outcome(("delete", (table, Entry((match,), "", (), int(table == D)))), xdp, 0)


@pytest.mark.root
def test_an_array_without_index_is_no_direct_one(sides):
    _, xdp = sides
    with pytest.raises(DataplaneError, match="name an entry"):
        xdp.read_counter("Ingress.a_counter", 0, 1)
    with pytest.raises(DataplaneError, match="name an entry"):
        xdp.write_meter("Ingress.a_meter", 0, None)
    with pytest.raises(DataplaneError, match="no direct meter"):
        xdp.write_direct_meter(B, Entry((KEYS[B][0],), "", ()), None)
    with pytest.raises(DataplaneError, match="no direct counter"):
        xdp.read_direct_counter(C, Entry((KEYS[C][0],), "", ()))
    with pytest.raises(DataplaneError, match="no entry"):
        xdp.read_direct_counter(A, Entry((KEYS[A][0],), "", ()))

"""groups.p4 by interpreter and by XDP: rules found through the exact parts of their keys."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import CounterValue, Entry, Match, TableFullError

SOURCE = Path(__file__).parents[1] / "programs" / "groups.p4"
TABLE = "Ingress.filters"
SETS = (0, 1, 0xFFFF)
ADDRESSES = (0, 0x0A000001, 0xFFFFFFFF)
PORTS = (0, 80, 0xFFFF)


def rule(group, priority, value, *, version=4, address=(0, 0), ports=(0, 0xFFFF), protocol=(0, 0)):
    matches = (
        Match(version, 0xFF),
        Match(*address),
        Match(ports[0], 0, ports[1]),
        Match(group, 0xFFFF),
        Match(*protocol),
    )
    return Entry(matches, "Ingress.mark", (value,), priority)


def frame(group, *, version=4, address=0x0A000001, port=80, protocol=6):
    return (
        group.to_bytes(2) + bytes([version, protocol]) + address.to_bytes(4) + port.to_bytes(2)
    ) + bytes(6)


RULES = st.lists(
    st.builds(
        lambda group, priority, value, version, address, ports, protocol: rule(
            group, priority, value, version=version, address=address, ports=ports, protocol=protocol
        ),
        st.sampled_from(SETS),
        st.integers(1, 3),
        st.integers(1, 0xFFFF),
        st.sampled_from([4, 6]),
        st.sampled_from([(0, 0), (0x0A000000, 0xFF000000), (0x0A000001, 0xFFFFFFFF)]),
        st.sampled_from([(0, 0xFFFF), (80, 80), (0, 79), (81, 0xFFFF)]),
        st.sampled_from([(0, 0), (6, 0xFF)]),
    ),
    max_size=30,
    unique_by=lambda entry: (entry.matches, entry.priority),
)
FRAMES = st.builds(
    lambda group, version, address, port, protocol: frame(
        group, version=version, address=address, port=port, protocol=protocol
    ),
    st.sampled_from((*SETS, 2)),
    st.sampled_from([4, 6]),
    st.sampled_from(ADDRESSES),
    st.sampled_from(PORTS),
    st.sampled_from([6, 17]),
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
    present = data.draw(RULES, "rules")
    changed = [
        Entry(old.matches, old.action, (old.arguments[0] ^ 1,), old.priority)
        for old in present[::3]
    ]
    gone = present[1::2]
    frames = data.draw(st.lists(FRAMES, min_size=10, max_size=30), "frames")

    def compare():
        for each in frames:
            expected, got = (side.run(1, each, 1) for side in both)
            assert got == expected, each.hex()

    try:
        for side in both:
            side.insert_entries(TABLE, present)
        compare()
        for side in both:
            side.modify_entries(TABLE, changed)
            side.delete_entries(TABLE, gone)
        compare()
        for side in both:
            side.insert_entries(TABLE, gone[::-1])
        compare()
    finally:
        xdp.delete_entries(TABLE, present)


@pytest.mark.root
def test_a_thousand_sets_of_rules_do_not_mix(sides):
    _, xdp = sides
    rules = [
        rule(group, priority, group * 4 + priority, protocol=protocol)
        for group in range(1000)
        for priority, protocol in ((1, (0, 0)), (2, (6, 0xFF)), (3, (17, 0xFF)))
    ]
    xdp.insert_entries(TABLE, rules)
    try:
        for group in range(0, 1000, 37):
            for protocol, priority in ((1, 1), (6, 2), (17, 3)):
                marked = xdp.run(1, frame(group, protocol=protocol), 1).frame[:2]
                assert int.from_bytes(marked) == group * 4 + priority
        assert xdp.run(1, frame(1000), 1).frame[:2] == b"\0\0"
    finally:
        xdp.delete_entries(TABLE, rules)


@pytest.mark.root
def test_the_rules_of_a_set_and_of_the_table_are_limited(sides):
    _, xdp = sides
    rules = [rule(7, 1, 9, address=(n, 0xFFFFFFFF)) for n in range(1025)]
    with pytest.raises(TableFullError, match="1024 entries with the same exact keys"):
        xdp.insert_entries(TABLE, rules)
    xdp.insert_entries(TABLE, rules[:1024])
    with pytest.raises(TableFullError, match="same exact keys"):
        xdp.insert_entries(TABLE, rules[1024:])
    last = frame(7, address=1023)
    assert xdp.run(1, last, 1).frame[:2] == b"\0\x09"
    xdp.delete_entries(TABLE, rules[:1024])
    assert xdp.run(1, last, 1).frame[:2] == b"\0\0"
    others = [rule(n, 1, 9) for n in range(4097)]
    with pytest.raises(TableFullError, match="4096 entries"):
        xdp.insert_entries(TABLE, others)


@pytest.mark.root
def test_packets_find_a_rule_at_every_moment_of_a_change(sides):
    _, xdp = sides
    known = rule(7, 5, 1)
    passing = [rule(7, priority, 2, protocol=(17, 0xFF)) for priority in (1, 4, 6, 9)]
    others = [rule(group, 5, 3) for group in range(100, 140)]
    for index in range(4):
        xdp.write_counter("Ingress.fitted", index, CounterValue(0, 0))
    xdp.insert_entries(TABLE, [known])
    packets, seen = 2_000_000, frame(7) + bytes(120)
    sender = threading.Thread(target=lambda: xdp.measure(1, seen, repeat=packets))
    sender.start()
    changes = 0
    while sender.is_alive() or changes < 30:
        xdp.insert_entries(TABLE, passing + others)
        xdp.modify_entries(TABLE, [*passing[::2], known])
        xdp.delete_entries(TABLE, passing + others)
        changes += 1
    sender.join()
    counted = [xdp.read_counter("Ingress.fitted", index, 1)[0].packets for index in range(4)]
    xdp.delete_entries(TABLE, [known])
    assert counted == [0, packets, 0, 0]

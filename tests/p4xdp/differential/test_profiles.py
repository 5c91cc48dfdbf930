"""profiles.p4 by interpreter and by XDP: entries that have members and groups."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import Entry, Match
from p4xdp.profiles import (
    bucket_entries,
    buckets_of,
    buckets_table,
    member_entry,
    set_group,
    set_member,
)

SOURCE = Path(__file__).parents[1] / "programs" / "profiles.p4"
HOPS, MARKS = "Ingress.hops", "Ingress.marks"
BUCKETS = buckets_of(8)
TYPES = (0x0800, 0x86DD, 1)
MEMBERS = [
    member_entry(1, "Ingress.send", (1, 0x0A)),
    member_entry(2, "Ingress.send", (2, 0x0B)),
    member_entry(3, "Ingress.drop", ()),
    member_entry(0xFFFFFFFF, "NoAction", ()),
]
GROUPS = {1: [1], 5: [1, 2, 3], 0xFFFFFFFF: [2, 0xFFFFFFFF, 2], 7: []}


def frame(*, dst=0, src=0, kind=0x0800, way=0):
    return (
        dst.to_bytes(6, "big")
        + src.to_bytes(6, "big")
        + kind.to_bytes(2, "big")
        + bytes([way, 0, 0, 0])
    )


def route(kind, action, number):
    return Entry((Match(kind, 0xFFFF),), action, (number,))


def other(src, length, action, number):
    mask = (1 << 48) - (1 << (48 - length))
    return Entry((Match(src & mask, mask),), action, (number,))


REFERENCES = st.one_of(
    st.sampled_from([1, 2, 3, 0xFFFFFFFF]).map(lambda number: ("member", number)),
    st.sampled_from([1, 5, 7, 0xFFFFFFFF]).map(lambda number: ("group", number)),
)
FRAMES = st.builds(
    frame,
    dst=st.integers(0, 2**48 - 1),
    src=st.integers(0, 2**48 - 1),
    kind=st.sampled_from([*TYPES, 9]),
    way=st.sampled_from([0, 0, 1, 2, 255]),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    new_interpreter, xdp = side_by_side(SOURCE)
    fill(xdp)
    return new_interpreter, xdp


def fill(side):
    side.insert_entries(HOPS, MEMBERS)
    for number, members in GROUPS.items():
        side.insert_entries(buckets_table(HOPS), bucket_entries(HOPS, number, members, BUCKETS))
    side.insert_entries(MARKS, [member_entry(4, "Ingress.mark", (0x77,))])
    side.insert_entries(MARKS, [member_entry(6, "Ingress.drop", ())])


def referring(table, reference):
    kind, number = reference
    return (set_member(HOPS) if kind == "member" else set_group(table)), number


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(
    routes=st.dictionaries(st.sampled_from(TYPES), REFERENCES),
    others=st.dictionaries(st.integers(0, 3), REFERENCES),
    marks=st.dictionaries(st.sampled_from([0, 1, 2]), st.sampled_from([4, 6, 9])),
    frames=st.lists(FRAMES, min_size=8, max_size=20),
)
def test_xdp_chooses_as_the_interpreter_does(sides, routes, others, marks, frames):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    fill(interpreter)
    entries = {
        "Ingress.routes": [
            route(kind, *referring("Ingress.routes", one)) for kind, one in routes.items()
        ],
        "Ingress.others": [
            other(top << 46, 2, *referring("Ingress.others", one)) for top, one in others.items()
        ],
        "Ingress.marked": [
            Entry((Match(way, 0xFF),), set_member(MARKS), (member,), priority=way + 1)
            for way, member in marks.items()
        ],
    }
    for side in (interpreter, xdp):
        for table, wanted in entries.items():
            side.insert_entries(table, wanted)
    try:
        for one in frames:
            assert xdp.run(1, one, 1) == interpreter.run(1, one, 1), one.hex()
    finally:
        for table, wanted in entries.items():
            xdp.delete_entries(table, wanted)


@pytest.mark.root
def test_a_group_shares_flows_among_its_members_and_a_flow_stays_with_one(sides):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    fill(interpreter)
    for side in (interpreter, xdp):
        side.insert_entries("Ingress.routes", [route(1, set_group("Ingress.routes"), 5)])
        chosen = Counter(side.run(1, frame(kind=1, src=src), 1).port for src in range(600))
        assert set(chosen) == {1, 2, None}
        assert min(chosen.values()) > 150
        assert len({side.run(1, frame(kind=1, src=9), 1) for _ in range(5)}) == 1
    xdp.delete_entries("Ingress.routes", [route(1, set_group("Ingress.routes"), 5)])


@pytest.mark.root
def test_a_miss_runs_the_default_action_and_a_group_without_members_none(sides):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    fill(interpreter)
    entry = route(1, set_group("Ingress.routes"), 7)
    for side in (interpreter, xdp):
        missed = side.run(1, frame(kind=1, dst=3), 1)
        assert (missed.port, missed.frame[:6], missed.frame[15:17]) == (5, bytes(6), b"\0\3")
        side.insert_entries("Ingress.routes", [entry])
        empty = side.run(1, frame(kind=1, dst=3), 1)
        assert (empty.port, empty.frame[5], empty.frame[15:17]) == (0, 3, b"\1\3")
    xdp.delete_entries("Ingress.routes", [entry])

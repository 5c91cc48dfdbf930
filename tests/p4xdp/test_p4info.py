"""P4Info as p4c computes it."""

from pathlib import Path

import pytest

from p4xdp import frontend
from p4xdp.p4info import aliases, assign_ids, name_hash, p4info, to_text

P4 = Path(__file__).parents[2] / "p4"
ACTION, TABLE, COUNTER = 1, 2, 0x12


@pytest.fixture(scope="module")
def info():
    return p4info(frontend.load(P4 / "upf.p4"))


def test_the_committed_p4info_is_what_the_source_gives(info):
    assert to_text(info) == (P4 / "build" / "upf.p4info.txtpb").read_text()


# Identifiers that p4c printed in the P4Info files of other programs.
@pytest.mark.parametrize(
    ("kind", "name", "identifier"),
    [
        (ACTION, "NoAction", 21257015),
        (ACTION, "PreQosPipe.set_source_iface", 26090030),
        (TABLE, "PreQosPipe.my_station", 40931612),
        (COUNTER, "PreQosPipe.pre_qos_counter", 315693181),
    ],
)
def test_identifiers_are_those_of_p4c(kind, name, identifier):
    assert assign_ids(kind, {name: None}) == {name: identifier}


def test_the_hash_of_nothing_is_nothing():
    assert name_hash("") == 0


# These two end in the same 24 bits.
COLLIDING = ("n2550", "n4070")


def test_the_second_of_two_equal_hashes_takes_the_next_number():
    first, second = COLLIDING
    assert name_hash(first) & 0xFFFFFF == name_hash(second) & 0xFFFFFF
    ids = assign_ids(TABLE, {second: None, first: None})
    assert ids[second] == ids[first] + 1


def test_a_number_that_is_given_is_kept_and_avoided():
    hashed = assign_ids(TABLE, {"t": None})["t"]
    ids = assign_ids(TABLE, {"other": hashed, "t": None})
    assert ids == {"other": hashed, "t": hashed + 1}


def test_a_given_number_takes_the_prefix_of_its_kind():
    assert assign_ids(TABLE, {"t": 7}) == {"t": 0x02000007}


def test_a_number_cannot_be_given_twice():
    with pytest.raises(ValueError, match="given to a and to b"):
        assign_ids(TABLE, {"a": 7, "b": 0x02000007})


def test_a_number_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="another kind's prefix"):
        assign_ids(TABLE, {"a": 0x01000007})


def test_an_alias_is_the_shortest_suffix_of_its_own():
    assert aliases(["p.A.x.t", "p.A.y.t", "p.B.u", "NoAction", "t2"]) == {
        "p.A.x.t": "x.t",
        "p.A.y.t": "y.t",
        "p.B.u": "u",
        "NoAction": "NoAction",
        "t2": "t2",
    }


def test_a_symbol_that_is_a_suffix_of_another_keeps_its_name():
    assert aliases(["a.b", "b"]) == {"a.b": "a.b", "b": "b"}


def table(info, name):
    return next(found for found in info.tables if found.preamble.name == name)


def test_tables_are_hashed_with_the_pipe_and_printed_without(info):
    found = table(info, "Ingress.arrival.ports").preamble
    assert (
        found.id
        == assign_ids(TABLE, {"pipe.Ingress.arrival.ports": None})["pipe.Ingress.arrival.ports"]
    )
    assert found.alias == "ports"


def test_actions_are_hashed_without_the_pipe(info):
    found = next(one.preamble for one in info.actions if one.preamble.alias == "forward_tunnel")
    assert found.id == assign_ids(ACTION, {found.name: None})[found.name]


def test_controller_headers_are_hashed_as_their_type_is_named(info):
    found = next(one for one in info.controller_packet_metadata if one.preamble.name == "packet_in")
    assert found.preamble.id == assign_ids(4, {"packet_in_t": None})["packet_in_t"]
    assert [field.id for field in found.metadata] == list(range(1, 8))
    assert list(found.metadata[1].annotations) == ["@padding"]


def test_defaults_that_cannot_change_are_named(info):
    found = table(info, "Ingress.arrival.endpoints_ipv4")
    assert found.const_default_action_id == found.initial_default_action.action_id == 21257015
    scopes = {reference.id: reference.scope for reference in found.action_refs}
    assert scopes[21257015] == 2  # DEFAULT_ONLY


def test_no_identifier_is_there_twice(info):
    numbers = [
        one.preamble.id
        for kind in (info.tables, info.actions, info.counters, info.meters)
        for one in kind
    ]
    assert len(set(numbers)) == len(numbers)

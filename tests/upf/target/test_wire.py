"""Octets made by hand are those of the messages."""

from __future__ import annotations

import pytest
from finsy.proto import U128, p4r
from hypothesis import given
from hypothesis import strategies as st

from upf.entry import Entry, MeterRate, Prefix, Range, Ternary
from upf.target import schema, values, wire
from upf.target.wire import DELETE, INSERT, MODIFY

SESSIONS, ROUTES = "Ingress.sessions", "Ingress.routes"


@pytest.fixture
def known(pipeline):
    return schema.Schema(pipeline)


def message_of(octets):
    """What a server reads; octets are as protobuf itself writes them."""
    (update,) = p4r.WriteRequest.FromString(octets).updates
    assert p4r.WriteRequest(updates=[update]).SerializeToString(deterministic=True) == octets
    return update


@pytest.mark.parametrize("teid", [0, 1, 127, 255, 256, 65535, 0xFFFFFFFF])
def test_an_entry_is_as_protobuf_writes_it(known, teid):
    table = known.table(SESSIONS)
    octets = table.octets(Entry(SESSIONS, (1, teid), "Ingress.forward", (7, 300)))
    expected = p4r.Update(type=INSERT)
    entry = expected.entity.table_entry
    entry.table_id = table.id
    for field, value in zip(table.fields, (1, teid), strict=True):
        entry.match.add(field_id=field.id).exact.value = values.encode(value)
    action = table.actions["Ingress.forward"]
    entry.action.action.action_id = action.id
    for param_id, value in zip(action.param_ids, (7, 300), strict=True):
        entry.action.action.params.add(param_id=param_id, value=values.encode(value))
    assert message_of(wire.table_update(INSERT, octets)) == expected


def test_every_kind_of_match_is_read_back(known):
    table = known.table(ROUTES)
    for key in [(0, Prefix(0, 0)), (1, Prefix(0x0A000000, 8)), (200, Prefix(0xFFFFFFFF, 32))]:
        entry = Entry(ROUTES, key, "Ingress.drop", (0,))
        update = message_of(wire.table_update(MODIFY, table.octets(entry)))
        assert table.decode(update.entity.table_entry) == entry
    field = schema.MatchField(3, "dst", 32, 0, None)
    for match in [Ternary(0x0A000000, 0xFF000000), Range(5, 1000)]:
        message = p4r.TableEntry.FromString(schema._match_octets(field, match)).match[0]
        kind = schema._KINDS[type(match)]
        known_field = schema.MatchField(3, "dst", 32, kind, None)
        assert schema._decode_match(known_field, message) == match
    for anything in [Ternary(0, 0), Range(0, 0xFFFFFFFF)]:
        assert schema._match_octets(field, anything) == b""


def test_a_delete_has_the_key_alone(known):
    table = known.table(SESSIONS)
    octets = table.key_octets(Entry(SESSIONS, (1, 2), "", (), priority=9))
    update = message_of(wire.table_update(DELETE, octets))
    assert update.entity.table_entry.priority == 9
    assert not update.entity.table_entry.HasField("action")


@pytest.mark.parametrize("rate", [MeterRate(1, 2, 3, 1 << 40), None])
@pytest.mark.parametrize("index", [0, 1 << 20])
def test_a_meter_is_as_protobuf_writes_it(rate, index):
    expected = p4r.Update(type=MODIFY)
    cell = expected.entity.meter_entry
    cell.meter_id = 0x14000001
    cell.index.index = index
    if rate is not None:
        cell.config.CopyFrom(schema.meter_config(rate))
    assert message_of(wire.meter_update(0x14000001, index, rate)) == expected


@given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 128) - 1), st.sampled_from([0, 1]))
def test_a_request_is_signed(device_id, election_id, atomicity):
    request = p4r.WriteRequest.FromString(wire.write_request(device_id, election_id, atomicity, []))
    assert request == p4r.WriteRequest(
        device_id=device_id, election_id=U128.encode(election_id), atomicity=atomicity
    )


def test_what_does_not_fit_is_our_own_fault(known):
    table = known.table(SESSIONS)
    with pytest.raises(ValueError, match="more than 4 octets"):
        table.octets(Entry(SESSIONS, (1, 1 << 32), "Ingress.forward", (7, 300)))
    with pytest.raises(ValueError, match="has 2 parameters, not 1"):
        table.octets(Entry(SESSIONS, (1, 1), "Ingress.forward", (7,)))
    with pytest.raises(ValueError, match="is not matched exactly"):
        known.table(ROUTES).octets(Entry(ROUTES, (1, 1), "Ingress.drop", (0,)))

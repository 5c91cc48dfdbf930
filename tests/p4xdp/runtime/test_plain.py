"""Updates read at once are what their messages say; anything else is left to the messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from finsy.proto import U128, p4i, p4r
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.runtime import entries, schema
from p4xdp.runtime.errors import RequestError
from p4xdp.runtime.plain import PlainReader, PlainUpdate, WriteOctets

INFO = text_format.Parse(
    Path(__file__).with_name("small.p4info.txtpb").read_text(encoding="utf-8"), p4i.P4Info()
)
SCHEMA = schema.load(INFO)
SESSIONS, ROUTES, FIXED = 0x02000001, 0x02000002, 0x02000005
FORWARD, DROP = 0x01000001, 0x01000002

VALUES = st.binary(min_size=0, max_size=6)
FIELD_IDS = st.sampled_from([1, 2, 3])


@st.composite
def table_entries(draw):
    entry = p4r.TableEntry(table_id=draw(st.sampled_from([SESSIONS, SESSIONS, ROUTES, FIXED, 9])))
    for field_id in draw(st.sampled_from([[1, 2], [1, 2], [2, 1], [1], [1, 1, 2], [1, 2, 3]])):
        entry.match.add(field_id=field_id).exact.value = draw(VALUES)
    if draw(st.booleans()):
        call = entry.action.action
        call.action_id = draw(st.sampled_from([FORWARD, FORWARD, DROP, 5]))
        for param_id in draw(st.sampled_from([[1, 2], [1, 2], [1], [2, 1], []])):
            call.params.add(param_id=param_id, value=draw(VALUES))
    for name, value in draw(
        st.sampled_from(
            [
                {},
                {},
                {},
                {"priority": 1},
                {"metadata": b"x"},
                {"is_const": True},
                {"is_default_action": True},
                {"idle_timeout_ns": 5},
            ]
        )
    ).items():
        setattr(entry, name, value)
    return entry


UPDATES = st.builds(
    lambda kind, entry: p4r.Update(type=kind, entity=p4r.Entity(table_entry=entry)),
    st.integers(0, 3),
    table_entries(),
)


def require_equal(update, octets):
    """What was read at once is what the generic way makes of the message."""
    message = p4r.Update.FromString(octets)
    entry = message.entity.table_entry
    table = SCHEMA.tables[entry.table_id]
    matches, key = entries.decode_key(table, entry)
    assert (update.kind, update.table, update.matches, update.key) == (
        message.type,
        table,
        matches,
        key,
    )
    call = None
    if entry.HasField("action"):
        call = entries.decode_action(table, entry.action, is_default=False)
    assert update.call == call
    bare = p4r.TableEntry(table_id=entry.table_id, match=entry.match)
    if entry.HasField("action"):
        bare.action.CopyFrom(entry.action)
    assert entry == bare, "something of the entry was passed over"


@settings(max_examples=500, deadline=None)
@given(UPDATES)
def test_what_is_read_at_once_is_what_the_message_says(message):
    octets = message.SerializeToString(deterministic=True)
    update = PlainReader(SCHEMA).read(octets)
    if isinstance(update, PlainUpdate):
        require_equal(update, octets)
    else:
        assert update == message


@settings(max_examples=500, deadline=None)
@given(UPDATES, st.data())
def test_octets_that_were_tampered_with_are_never_read_as_something_else(message, data):
    octets = bytearray(message.SerializeToString(deterministic=True))
    for _ in range(data.draw(st.integers(1, 3))):
        if octets:
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    octets = bytes(octets)
    try:
        update = PlainReader(SCHEMA).read(octets)
    except DecodeError:
        with pytest.raises(DecodeError):
            p4r.Update.FromString(octets)
        return
    if isinstance(update, PlainUpdate):
        require_equal(update, octets)


def plain_entry(teid=0x01020304):
    entry = p4r.TableEntry(table_id=SESSIONS)
    for field_id, value in ((1, b"\x01"), (2, teid.to_bytes(4, "big"))):
        entry.match.add(field_id=field_id).exact.value = value
    entry.action.action.action_id = FORWARD
    for param_id, value in ((1, b"\x00\x07"), (2, b"\x01\x2c")):
        entry.action.action.params.add(param_id=param_id, value=value)
    return entry


def octets_of(entry, kind=p4r.Update.INSERT):
    return p4r.Update(type=kind, entity=p4r.Entity(table_entry=entry)).SerializeToString()


def test_plain_entries_are_read_at_once():
    reader = PlainReader(SCHEMA)
    for kind in (p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE):
        update = reader.read(octets_of(plain_entry(), kind))
        assert isinstance(update, PlainUpdate)
        assert (update.kind, update.key) == (kind, (1, 0x01020304, 0))
        assert update.call == schema.Default("Ingress.forward", (7, 300))
    bare = plain_entry()
    bare.ClearField("action")
    assert reader.read(octets_of(bare, p4r.Update.DELETE)).call is None


def test_no_octet_of_a_plain_entry_can_be_another_unnoticed():
    reader, octets = PlainReader(SCHEMA), octets_of(plain_entry())
    for place in range(len(octets)):
        for value in {
            octets[place] ^ 1,
            octets[place] + 1 & 0xFF,
            octets[place] - 1 & 0xFF,
            0,
            255,
        }:
            changed = octets[:place] + bytes((value,)) + octets[place + 1 :]
            try:
                update = reader.read(changed)
            except DecodeError:
                continue
            if isinstance(update, PlainUpdate):
                require_equal(update, changed)


def test_a_value_too_large_for_its_field_is_left_to_the_message():
    entry = plain_entry()
    entry.action.action.params[1].value = b"\x02\x00"  # bit<9>
    update = PlainReader(SCHEMA).read(octets_of(entry))
    assert isinstance(update, p4r.Update)
    table = SCHEMA.tables[SESSIONS]
    with pytest.raises(RequestError):
        entries.decode_action(table, update.entity.table_entry.action, is_default=False)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(UPDATES, max_size=5),
    st.integers(0, 3),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 2),
    st.text(max_size=4),
    st.data(),
)
def test_a_request_is_taken_apart_as_its_message(updates, device, election, atomicity, role, data):
    message = p4r.WriteRequest(
        device_id=device,
        election_id=U128.encode(election),
        updates=updates,
        atomicity=atomicity,
        role=role,
    )
    octets = message.SerializeToString()
    if updates and data.draw(st.booleans()):
        # As some client may send it: fields in an order of its own, updates apart.
        octets += p4r.WriteRequest(updates=updates[:1], device_id=7).SerializeToString()
        message = p4r.WriteRequest.FromString(octets)
    request = WriteOctets.parse(octets)
    assert [p4r.Update.FromString(each) for each in request.updates] == list(message.updates)
    message.ClearField("updates")
    request.head.ClearField("updates")
    assert request.head == message


@settings(max_examples=300, deadline=None)
@given(st.lists(UPDATES, min_size=1, max_size=3), st.data())
def test_a_request_that_is_none_is_refused_and_nothing_else(updates, data):
    octets = bytearray(p4r.WriteRequest(device_id=1, updates=updates).SerializeToString())
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    octets = bytes(octets[: data.draw(st.integers(1, len(octets)))])
    try:
        expected = list(p4r.WriteRequest.FromString(octets).updates)
    except DecodeError:
        with pytest.raises((DecodeError, RequestError)):
            WriteOctets.parse(octets).decoded(PlainReader(SCHEMA))
        return
    assert [p4r.Update.FromString(each) for each in WriteOctets.parse(octets).updates] == expected

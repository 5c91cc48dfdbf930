"""The Write RPC: what is accepted, how each refusal is coded, batching and rolling back."""

from __future__ import annotations

import grpc
import pytest
from finsy.proto import p4r

from p4xdp.dataplane import CounterValue, Entry, Match, MeterConfig

INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE
ROLLBACK = p4r.WriteRequest.ROLLBACK_ON_ERROR

(
    UNKNOWN_ERROR,
    INVALID,
    NOT_FOUND,
    EXISTS,
    DENIED,
    EXHAUSTED,
    ABORTED,
    OUT_OF_RANGE,
    UNIMPLEMENTED,
    INTERNAL,
) = 2, 3, 5, 6, 7, 8, 10, 11, 12, 13

FORWARD = (
    r"action { action { action_id: 0x01000001 "
    r"params { param_id: 1 value: '\x07' } params { param_id: 2 value: '\x01' } } }"
)
DROP = r"action { action { action_id: 0x01000002 params { param_id: 1 value: '\x03' } } }"


def exact(field_id, value):
    return rf"match {{ field_id: {field_id} exact {{ value: '{value}' }} }}"


def session(teid, action=FORWARD):
    octets = "".join(f"\\x{o:02x}" for o in teid.to_bytes(4, "big"))
    return f"table_id: 0x02000001 {exact(1, chr(92) + 'x01')} {exact(2, octets)} {action}"


def route(value=r"\x0a\x00\x00\x00", length=8, action=FORWARD):
    return (
        rf"table_id: 0x02000002 {exact(1, chr(92) + 'x01')} match {{ field_id: 2 "
        rf"lpm {{ value: '{value}' prefix_len: {length} }} }} {action}"
    )


def filters(match="", priority=1, rest=FORWARD):
    return f"table_id: 0x02000003 priority: {priority} {match} {rest}"


@pytest.fixture
def entry(table_entry):
    return table_entry


@pytest.mark.clause("Bytestrings", "any number of leading zeros is accepted")
async def test_an_exact_entry_reaches_the_data_plane_whatever_the_padding(client, dataplane, entry):
    padded = session(5).replace(r"'\x07'", r"'\x00\x00\x07'")
    await client.write((INSERT, entry(padded)))
    (held,) = dataplane.tables["Ingress.sessions"].values()
    assert held == Entry((Match(1, 0xFF), Match(5, 0xFFFFFFFF)), "Ingress.forward", (7, 1))


@pytest.mark.clause(
    "Match format", "exact, LPM, ternary, range and optional; an omitted field is don't care"
)
async def test_all_match_kinds_reach_the_data_plane_with_their_masks(client, dataplane, entry):
    await client.write(
        (INSERT, entry(route())),
        (
            INSERT,
            entry(
                filters(
                    r"match { field_id: 1 ternary { value: '\x10' mask: '\xf0' } }"
                    r"match { field_id: 2 range { low: '\x50' high: '\x01\x00' } }"
                    r"match { field_id: 3 optional { value: '\x09' } }",
                    7,
                )
            ),
        ),
        (INSERT, entry(filters("", 8))),
    )
    (held,) = dataplane.tables["Ingress.routes"].values()
    assert held.matches == (Match(1, 0xFF), Match(0x0A000000, 0xFF000000))
    some, none = dataplane.tables["Ingress.filters"].values()
    assert some.matches == (Match(0x10, 0xF0), Match(0x50, 0, 0x100), Match(9, 0x3F))
    assert some.priority == 7
    assert none.matches == (Match(0, 0), Match(0, 0, 0xFFFF), Match(0, 0))


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        pytest.param(INSERT, "table_id: 0x02000099", NOT_FOUND, id="unknown table"),
        pytest.param(INSERT, f"table_id: 0x02000001 {FORWARD}", INVALID, id="key missing"),
        pytest.param(INSERT, session(1) + exact(3, "a"), INVALID, id="unknown field"),
        pytest.param(INSERT, session(1) + exact(2, "a"), INVALID, id="field twice"),
        pytest.param(INSERT, session(1) + " priority: 1", INVALID, id="priority of exact"),
        pytest.param(INSERT, filters(priority=0), INVALID, id="no priority"),
        pytest.param(INSERT, filters(priority=-1), INVALID, id="negative priority"),
        pytest.param(INSERT, session(1).replace(r"'\x01'", "''"), OUT_OF_RANGE, id="empty value"),
        pytest.param(
            INSERT, session(1).replace(r"'\x01'", r"'\x01\x00'"), OUT_OF_RANGE, id="value too wide"
        ),
        pytest.param(INSERT, session(1, ""), INVALID, id="no action"),
        pytest.param(INSERT, session(1, "action { }"), INVALID, id="empty action"),
        pytest.param(
            INSERT, session(1, "action { action_profile_member_id: 1 }"), INVALID, id="member"
        ),
        pytest.param(
            INSERT, session(1, "action { action { action_id: 5 } }"), INVALID, id="unknown action"
        ),
        pytest.param(
            INSERT,
            session(1, "action { action { action_id: 0x01000003 } }"),
            DENIED,
            id="default-only action in an entry",
        ),
        pytest.param(
            INSERT,
            session(1, FORWARD.replace("param_id: 2", "param_id: 1")),
            INVALID,
            id="parameter twice",
        ),
        pytest.param(
            INSERT,
            session(1, DROP.replace("param_id: 1", "param_id: 4")),
            INVALID,
            id="parameter missing",
        ),
        pytest.param(
            INSERT,
            session(1, DROP.replace("value", "value: 'a' } params { param_id: 9 value")),
            INVALID,
            id="parameter unknown",
        ),
        pytest.param(
            INSERT,
            session(1, FORWARD.replace(r"'\x01'", r"'\x02\x00'")),
            OUT_OF_RANGE,
            id="parameter too wide",
        ),
        pytest.param(INSERT, route(length=0), INVALID, id="prefix of length 0"),
        pytest.param(INSERT, route(length=33), INVALID, id="prefix too long"),
        pytest.param(INSERT, route(r"\x0a\x00\x00\x01"), INVALID, id="bits beyond the prefix"),
        pytest.param(
            INSERT,
            filters(r"match { field_id: 1 exact { value: '\x10' } }"),
            INVALID,
            id="wrong match kind",
        ),
        pytest.param(
            INSERT,
            filters(r"match { field_id: 1 ternary { value: '\x00' mask: '\x00' } }"),
            INVALID,
            id="mask of zeros",
        ),
        pytest.param(
            INSERT,
            filters(r"match { field_id: 1 ternary { value: '\x11' mask: '\xf0' } }"),
            INVALID,
            id="masked bits set",
        ),
        pytest.param(
            INSERT,
            filters(r"match { field_id: 2 range { low: '\x05' high: '\x04' } }"),
            INVALID,
            id="range upside down",
        ),
        pytest.param(
            INSERT,
            filters(r"match { field_id: 2 range { low: '\x00' high: '\xff\xff' } }"),
            INVALID,
            id="range of everything",
        ),
        pytest.param(INSERT, session(1) + " is_const: true", INVALID, id="is_const"),
        pytest.param(INSERT, session(1) + " idle_timeout_ns: 5", INVALID, id="idle timeout"),
        pytest.param(INSERT, session(1) + " meter_config { cir: 1 }", INVALID, id="no meter"),
        pytest.param(INSERT, session(1) + " counter_data { }", INVALID, id="no counter"),
        pytest.param(
            INSERT,
            filters(rest=FORWARD + " meter_config { cir: 1 eburst: 1 }"),
            INVALID,
            id="eburst",
        ),
        pytest.param(
            INSERT, filters(rest=FORWARD + " meter_config { cir: -1 }"), INVALID, id="negative rate"
        ),
        pytest.param(
            INSERT,
            filters(rest=FORWARD + " meter_counter_data { }"),
            UNIMPLEMENTED,
            id="counters per colour",
        ),
        pytest.param(MODIFY, session(1), NOT_FOUND, id="modify what is not there"),
        pytest.param(DELETE, session(1), NOT_FOUND, id="delete what is not there"),
        pytest.param(INSERT, f"table_id: 0x02000004 {FORWARD}", INVALID, id="entry without key"),
        pytest.param(INSERT, "table_id: 0x02000005 " + exact(1, "a"), DENIED, id="constant table"),
        pytest.param(
            INSERT,
            f"table_id: 0x02000002 is_default_action: true {FORWARD}",
            INVALID,
            id="default inserted",
        ),
        pytest.param(
            DELETE, "table_id: 0x02000002 is_default_action: true", INVALID, id="default deleted"
        ),
        pytest.param(
            MODIFY, route() + " is_default_action: true", INVALID, id="default with a key"
        ),
        pytest.param(
            MODIFY,
            f"table_id: 0x02000001 is_default_action: true {FORWARD}",
            DENIED,
            id="constant default",
        ),
        pytest.param(
            MODIFY,
            f"table_id: 0x02000002 is_default_action: true {DROP}",
            DENIED,
            id="table-only action as default",
        ),
        pytest.param(0, session(1), INVALID, id="no update type"),
    ],
)
@pytest.mark.clause(
    "Match format",
    "a field unknown, twice, missing, of another kind, or a don't care spelled out: "
    "INVALID_ARGUMENT",
)
@pytest.mark.clause(
    "Match format",
    "masked bits of a value are zero, bits beyond a prefix too, low is not above high",
)
@pytest.mark.clause("Match format", "a priority above 0 where entries can overlap, and 0 elsewhere")
@pytest.mark.clause("Bytestrings", "an empty string and a value too wide: OUT_OF_RANGE")
@pytest.mark.clause(
    "Action specification",
    "an action unknown to the table, a parameter unknown, twice or missing: INVALID_ARGUMENT",
)
@pytest.mark.clause(
    "Action specification",
    "a table-only action as default, a default-only one in an entry: PERMISSION_DENIED",
)
@pytest.mark.clause(
    "Default entry",
    "neither INSERT nor DELETE, neither match nor priority: INVALID_ARGUMENT; a "
    "constant one: PERMISSION_DENIED",
)
@pytest.mark.clause("Constant tables", "an INSERT: PERMISSION_DENIED")
@pytest.mark.clause(
    "Write", "MODIFY or DELETE of what is not there: NOT_FOUND; no type: INVALID_ARGUMENT"
)
async def test_a_bad_entry_is_refused_and_nothing_reaches_the_data_plane(
    client, dataplane, entry, kind, text, code
):
    assert await client.codes((kind, entry(text))) == [code]
    assert not any(dataplane.tables.values())
    assert not dataplane.defaults


@pytest.mark.clause(
    "Error reporting",
    "UNKNOWN with one error for each update in their order, OK for those that succeeded",
)
async def test_each_update_of_a_batch_has_its_own_code_in_order(client, dataplane, entry):
    codes = await client.codes(
        (INSERT, entry(session(1))),
        (INSERT, entry(session(1))),
        (DELETE, entry(session(2))),
        (INSERT, entry(session(3))),
    )
    assert codes == [0, EXISTS, NOT_FOUND, 0]
    assert len(dataplane.tables["Ingress.sessions"]) == 2


async def test_neighbouring_updates_reach_the_data_plane_in_one_call(client, dataplane, entry):
    await client.write(*[(INSERT, entry(session(n))) for n in range(50)])
    await client.write(
        *[(MODIFY, entry(session(n, DROP))) for n in range(50)],
        *[(DELETE, entry(session(n))) for n in range(50)],
    )
    assert dataplane.calls == [
        ("insert", "Ingress.sessions", 50),
        ("modify", "Ingress.sessions", 50),
        ("delete", "Ingress.sessions", 50),
    ]


@pytest.mark.clause("Write", "the outcome is that of some order of the updates")
async def test_one_batch_may_write_the_same_entry_again_and_again(client, dataplane, entry):
    await client.write(
        (INSERT, entry(session(1))),
        (MODIFY, entry(session(1, DROP))),
        (MODIFY, entry(session(1))),
        (DELETE, entry(session(1))),
        (INSERT, entry(session(1, DROP))),
    )
    (held,) = dataplane.tables["Ingress.sessions"].values()
    assert held.action == "Ingress.drop"


@pytest.mark.clause("Write", "INSERT into a full table: RESOURCE_EXHAUSTED")
@pytest.mark.clause("Batch atomicity", "CONTINUE_ON_ERROR attempts every update")
async def test_a_full_table_takes_what_fits_and_names_what_does_not(client, dataplane, entry):
    dataplane.capacity["Ingress.sessions"] = 5
    codes = await client.codes(*[(INSERT, entry(session(n))) for n in range(8)])
    assert codes == [0] * 5 + [EXHAUSTED] * 3
    assert len(await client.entries(table_id=0x02000001)) == 5


async def test_a_broken_data_plane_is_internal(client, dataplane, entry):
    dataplane.broken.add("Ingress.sessions")
    assert await client.codes((INSERT, entry(session(1)))) == [INTERNAL]
    assert await client.entries(table_id=0x02000001) == []


@pytest.mark.clause("Write", "MODIFY assigns the whole state; an unset action stays")
async def test_modify_without_an_action_keeps_it_and_replaces_the_metadata(client, entry):
    await client.write((INSERT, entry(session(1) + " metadata: 'note' controller_metadata: 9")))
    (held,) = await client.entries(table_id=0x02000001)
    assert (held.metadata, held.controller_metadata) == (b"note", 9)
    await client.write((MODIFY, entry(session(1, "") + " metadata: 'other'")))
    (held,) = await client.entries(table_id=0x02000001)
    assert (held.metadata, held.controller_metadata) == (b"other", 0)
    assert held.action.action.action_id == 0x01000001


@pytest.mark.clause("Write", "DELETE looks at the key alone")
async def test_delete_looks_at_the_key_alone(client, dataplane, entry):
    await client.write((INSERT, entry(session(1))))
    await client.write((DELETE, entry(session(1, "action { action { action_id: 99 } }"))))
    assert not dataplane.tables["Ingress.sessions"]


@pytest.mark.clause(
    "Default entry",
    "MODIFY sets it; without an action it is reset to the program's own, metadata too",
)
async def test_the_default_action_is_set_and_reset(client, dataplane, entry):
    await client.write((MODIFY, entry(f"table_id: 0x02000002 is_default_action: true {FORWARD}")))
    assert dataplane.defaults["Ingress.routes"] == ("Ingress.forward", (7, 1))
    (held,) = await client.entries(table_id=0x02000002, is_default_action=True)
    assert held.action.action.action_id == 0x01000001
    await client.write((MODIFY, entry("table_id: 0x02000002 is_default_action: true")))
    assert dataplane.defaults["Ingress.routes"] == ("NoAction", ())


# --- the checks before any update -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"device_id": 9}, "NOT_FOUND", id="device"),
        pytest.param({"role": "nobody"}, "NOT_FOUND", id="role"),
    ],
)
@pytest.mark.clause(
    "Error reporting", "an error before any update is attempted has its own code and no details"
)
async def test_a_whole_request_is_refused_without_details(client, entry, changes, code):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.write((INSERT, entry(session(1))), **changes)
    assert caught.value.code().name == code


@pytest.mark.clause("Write", "nobody writes without a primary: PERMISSION_DENIED")
async def test_without_arbitration_nobody_writes(new_client, entry):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await new_client().write((INSERT, entry(session(1))))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    "entity",
    [
        pytest.param(p4r.ValueSetEntry(value_set_id=1), id="value set"),
    ],
)
@pytest.mark.clause("Error reporting", "what is not supported: UNIMPLEMENTED")
async def test_what_this_switch_has_not_got_is_unimplemented(client, entity):
    assert await client.codes((INSERT, entity)) == [UNIMPLEMENTED]


@pytest.mark.clause("Write", "an update without an entity: INVALID_ARGUMENT")
async def test_an_update_without_an_entity_is_invalid(client):
    request = p4r.WriteRequest(device_id=1)
    request.election_id.low = 1
    request.updates.add(type=INSERT)
    with pytest.raises(grpc.aio.AioRpcError, match="names no entity"):
        await client.stub.Write(request)


# --- meters and counters --------------------------------------------------------------------------


@pytest.mark.clause("Meters", "MODIFY configures a cell; an unset config lets all pass")
async def test_a_meter_cell_is_configured_and_freed(client, dataplane, entry):
    cell = entry(
        "meter_id: 0x14000001 index { index: 3 } config { cir: 1 cburst: 2 pir: 3 pburst: 4 }",
        p4r.MeterEntry,
    )
    await client.write((MODIFY, cell))
    assert dataplane.meters == {("Egress.slice_meters", 3): MeterConfig(1, 2, 3, 4)}
    await client.write((MODIFY, entry("meter_id: 0x14000001 index { index: 3 }", p4r.MeterEntry)))
    assert dataplane.meters == {("Egress.slice_meters", 3): None}


@pytest.mark.clause("Meters", "MODIFY without an index is every cell")
async def test_a_meter_without_an_index_means_every_cell(client, dataplane, entry):
    await client.write((MODIFY, entry("meter_id: 0x14000001 config { cir: 5 }", p4r.MeterEntry)))
    assert len(dataplane.meters) == 8
    await client.write((MODIFY, entry("meter_id: 0x14000001", p4r.MeterEntry)))
    assert set(dataplane.meters.values()) == {None}


@pytest.mark.parametrize(
    ("kind", "text", "message_type", "code"),
    [
        pytest.param(INSERT, "meter_id: 0x14000001", "MeterEntry", INVALID, id="meter inserted"),
        pytest.param(DELETE, "meter_id: 0x14000001", "MeterEntry", INVALID, id="meter deleted"),
        pytest.param(MODIFY, "meter_id: 7", "MeterEntry", NOT_FOUND, id="no such meter"),
        pytest.param(
            MODIFY,
            "meter_id: 0x14000001 index { index: -1 }",
            "MeterEntry",
            INVALID,
            id="negative meter index",
        ),
        pytest.param(
            MODIFY,
            "meter_id: 0x14000001 index { index: 8 }",
            "MeterEntry",
            OUT_OF_RANGE,
            id="meter index beyond",
        ),
        pytest.param(
            MODIFY,
            "meter_id: 0x14000001 counter_data { }",
            "MeterEntry",
            UNIMPLEMENTED,
            id="colour counters",
        ),
        pytest.param(
            INSERT, "counter_id: 0x12000001", "CounterEntry", INVALID, id="counter inserted"
        ),
        pytest.param(MODIFY, "counter_id: 7", "CounterEntry", NOT_FOUND, id="no such counter"),
        pytest.param(
            MODIFY,
            "counter_id: 0x12000001 index { index: 10 } data { }",
            "CounterEntry",
            OUT_OF_RANGE,
            id="counter index beyond",
        ),
        pytest.param(
            MODIFY,
            "counter_id: 0x12000001 index { index: 1 } data { byte_count: -1 }",
            "CounterEntry",
            INVALID,
            id="negative count",
        ),
        pytest.param(
            MODIFY,
            "table_entry { table_id: 0x02000003 priority: 1 }",
            "DirectCounterEntry",
            NOT_FOUND,
            id="direct counter of nothing",
        ),
        pytest.param(
            INSERT,
            "table_entry { table_id: 0x02000003 priority: 1 }",
            "DirectMeterEntry",
            INVALID,
            id="direct meter inserted",
        ),
    ],
)
@pytest.mark.clause(
    "Counters",
    "INSERT and DELETE: INVALID_ARGUMENT; an index beyond: OUT_OF_RANGE; negative: "
    "INVALID_ARGUMENT",
)
@pytest.mark.clause(
    "Meters",
    "INSERT and DELETE: INVALID_ARGUMENT; an index beyond: OUT_OF_RANGE; an eburst "
    "of two rates: INVALID_ARGUMENT",
)
async def test_a_bad_array_write_is_refused(client, entry, kind, text, message_type, code):
    assert await client.codes((kind, entry(text, getattr(p4r, message_type)))) == [code]


@pytest.mark.clause("Counters", "MODIFY sets a cell; unset data changes nothing")
async def test_a_counter_cell_is_set_and_data_unset_changes_nothing(client, dataplane, entry):
    text = "counter_id: 0x12000001 index { index: 2 } "
    await client.write(
        (MODIFY, entry(text + "data { byte_count: 100 packet_count: 2 }", p4r.CounterEntry)),
        (MODIFY, entry(text, p4r.CounterEntry)),
    )
    assert dataplane.counters["Egress.usage"] == {2: CounterValue(2, 100)}


@pytest.mark.clause(
    "Direct resources",
    "INSERT without counter_data begins at 0; MODIFY without it leaves it, without "
    "meter_config resets the meter",
)
async def test_direct_resources_follow_their_entry(client, dataplane, entry):
    await client.write(
        (
            INSERT,
            entry(
                filters(
                    rest=FORWARD
                    + " meter_config { cir: 5 } counter_data { packet_count: 7 byte_count: 70 }"
                )
            ),
        )
    )
    assert list(dataplane.direct_meters.values()) == [MeterConfig(5, 0, 0, 0)]
    assert list(dataplane.direct_counters.values()) == [CounterValue(7, 70)]
    await client.write((MODIFY, entry(filters(rest=DROP))))
    assert list(dataplane.direct_meters.values()) == [None]
    assert list(dataplane.direct_counters.values()) == [CounterValue(7, 70)]
    key = "table_entry { table_id: 0x02000003 priority: 1 }"
    await client.write(
        (MODIFY, entry(key + " config { cir: 9 }", p4r.DirectMeterEntry)),
        (MODIFY, entry(key + " data { packet_count: 1 byte_count: 2 }", p4r.DirectCounterEntry)),
    )
    assert list(dataplane.direct_meters.values()) == [MeterConfig(9, 0, 0, 0)]
    assert list(dataplane.direct_counters.values()) == [CounterValue(1, 2)]


async def test_an_entry_whose_meter_cannot_be_set_is_not_there(client, dataplane, entry):
    dataplane.broken.add("direct meters")
    text = filters(rest=FORWARD + " meter_config { cir: 5 }")
    assert await client.codes((INSERT, entry(text))) == [INTERNAL]
    assert not dataplane.tables["Ingress.filters"]
    assert await client.entries(table_id=0x02000003) == []


# --- rolling back ------------------------------------------------------------------------------


@pytest.mark.clause("Batch atomicity", "ROLLBACK_ON_ERROR: all or none")
async def test_rollback_restores_everything_the_batch_did(client, dataplane, entry):
    meter = "meter_id: 0x14000001 index { index: 1 } config { cir: %d }"
    await client.write(
        (INSERT, entry(session(1))),
        (INSERT, entry(session(2) + " metadata: 'two'")),
        (INSERT, entry(filters(rest=FORWARD + " meter_config { cir: 5 }"))),
        (MODIFY, entry(meter % 11, p4r.MeterEntry)),
        (
            MODIFY,
            entry(
                "counter_id: 0x12000001 index { index: 1 } data { packet_count: 4 }",
                p4r.CounterEntry,
            ),
        ),
    )
    before = [sorted(map(str, dataplane.tables[t].values())) for t in sorted(dataplane.tables)]
    read_before = await client.entries(meter_config=p4r.MeterConfig())
    codes = await client.codes(
        (INSERT, entry(session(3))),
        (MODIFY, entry(session(1, DROP))),
        (DELETE, entry(session(2))),
        (MODIFY, entry(f"table_id: 0x02000002 is_default_action: true {FORWARD}")),
        (DELETE, entry(filters())),
        (MODIFY, entry(meter % 22, p4r.MeterEntry)),
        (MODIFY, entry("counter_id: 0x12000001 data { packet_count: 9 }", p4r.CounterEntry)),
        (INSERT, entry(session(1))),
        (INSERT, entry(session(4))),
        atomicity=ROLLBACK,
    )
    assert codes == [ABORTED] * 7 + [EXISTS] + [ABORTED]
    after = [sorted(map(str, dataplane.tables[t].values())) for t in sorted(dataplane.tables)]
    assert after == before
    assert await client.entries(meter_config=p4r.MeterConfig()) == read_before
    assert dataplane.defaults["Ingress.routes"] == ("NoAction", ())
    assert dataplane.meters["Egress.slice_meters", 1] == MeterConfig(11, 0, 0, 0)
    assert dataplane.counters["Egress.usage"][1] == CounterValue(4, 0)
    assert dataplane.counters["Egress.usage"][2] == CounterValue(0, 0)


@pytest.mark.clause("Batch atomicity", "ROLLBACK_ON_ERROR: all or none")
async def test_rollback_goes_backwards_through_changes_of_one_entry(client, dataplane, entry):
    await client.write((INSERT, entry(session(1))), (INSERT, entry(session(2))))
    before = dict(dataplane.tables["Ingress.sessions"])
    codes = await client.codes(
        (MODIFY, entry(session(1, DROP))),
        (DELETE, entry(session(1))),
        (INSERT, entry(session(1, DROP))),
        (INSERT, entry(session(3))),
        (DELETE, entry(session(3))),
        (INSERT, entry(session(2))),
        atomicity=ROLLBACK,
    )
    assert codes == [ABORTED] * 5 + [EXISTS]
    assert dataplane.tables["Ingress.sessions"] == before
    assert len(await client.entries(table_id=0x02000001)) == 2


@pytest.mark.clause("Batch atomicity", "ROLLBACK_ON_ERROR: all or none")
async def test_rollback_after_a_full_table_leaves_none_of_the_batch(client, dataplane, entry):
    dataplane.capacity["Ingress.sessions"] = 2
    codes = await client.codes(
        (INSERT, entry(route())),
        *[(INSERT, entry(session(n))) for n in range(3)],
        atomicity=ROLLBACK,
    )
    assert codes == [ABORTED, ABORTED, ABORTED, EXHAUSTED]
    assert not any(dataplane.tables.values())
    await client.write((INSERT, entry(session(1))), atomicity=ROLLBACK)


@pytest.mark.clause("Batch atomicity", "ROLLBACK_ON_ERROR: all or none")
async def test_a_batch_that_succeeds_is_not_rolled_back(client, dataplane, entry):
    await client.write((INSERT, entry(session(1))), (INSERT, entry(route())), atomicity=ROLLBACK)
    assert len(await client.entries()) == 2

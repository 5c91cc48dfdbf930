"""The Read RPC: keys, wildcards, filters, and the canonical form of what comes back."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from finsy.proto import U128, p4r

from p4xdp import columns
from p4xdp.dataplane import CounterValue, Entry, Match

INSERT, MODIFY = p4r.Update.INSERT, p4r.Update.MODIFY

SESSIONS, ROUTES, FILTERS, KNOB = 0x02000001, 0x02000002, 0x02000003, 0x02000004
FORWARD = (
    r"action { action { action_id: 0x01000001 params { param_id: 1 value: '\x07' } "
    r"params { param_id: 2 value: '\x01\x00' } } }"
)
DROP = r"action { action { action_id: 0x01000002 params { param_id: 1 value: '\x00' } } }"
TEXTS = {
    "session": r"table_id: 0x02000001 match { field_id: 1 exact { value: '\x01' } } "
    r"match { field_id: 2 exact { value: '\x01\x00' } } " + FORWARD,
    "route": r"table_id: 0x02000002 match { field_id: 1 exact { value: '\x00' } } "
    r"match { field_id: 2 lpm { value: '\x0a\x00\x00\x00' prefix_len: 8 } } " + DROP,
    "default route": r"table_id: 0x02000002 match { field_id: 1 exact { value: '\x00' } } "
    + FORWARD
    + " metadata: 'm' controller_metadata: 4",
    "filter": r"table_id: 0x02000003 match { field_id: 1 ternary { value: '\x10' mask: '\xf0' } } "
    r"match { field_id: 2 range { low: '\x00' high: '\x50' } } "
    r"match { field_id: 3 optional { value: '\x00' } } priority: 5 " + FORWARD,
    "filter of all": "table_id: 0x02000003 priority: 6 " + DROP,
}


@pytest.fixture
async def written(client, table_entry):
    entries = {name: table_entry(text) for name, text in TEXTS.items()}
    await client.write(*[(INSERT, entry) for entry in entries.values()])
    return entries


@pytest.mark.clause(
    "Default-valued fields and symmetry", "what was written canonically reads back equal"
)
async def test_what_is_written_canonically_reads_back_equal(client, written):
    assert sorted(map(str, await client.entries())) == sorted(map(str, written.values()))


@pytest.mark.clause(
    "Wildcard reads of tables", "table id 0 is every table; a match selects at most one entry"
)
async def test_a_table_or_a_key_selects(client, written):
    assert len(await client.entries(table_id=ROUTES)) == 2
    key = {"table_id": ROUTES, "match": written["route"].match}
    assert await client.entries(**key) == [written["route"]]
    missing = {"table_id": SESSIONS, "match": written["session"].match}
    missing["match"][1].exact.value = b"\x55"
    assert await client.entries(**missing) == []


@pytest.mark.clause(
    "Wildcard reads of tables",
    "action, priority and metadata filter within a table; with table id 0 nothing does",
)
async def test_filters_narrow_a_wildcard(client, written):
    assert await client.entries(table_id=FILTERS, priority=6) == [written["filter of all"]]
    assert await client.entries(table_id=ROUTES, metadata=b"m") == [written["default route"]]
    assert await client.entries(table_id=ROUTES, controller_metadata=4) == [
        written["default route"]
    ]
    action = p4r.TableAction(action=p4r.Action(action_id=0x01000002))
    assert await client.entries(table_id=ROUTES, action=action) == [written["route"]]


@pytest.mark.clause(
    "Wildcard reads of tables", "default entries come when is_default_action is set, and only then"
)
async def test_default_entries_come_only_when_asked_for(client, written):
    defaults = await client.entries(is_default_action=True)
    assert {(d.table_id, d.action.action.action_id) for d in defaults} == {
        (SESSIONS, 0x01000003),
        (ROUTES, 0x01000003),
        (FILTERS, 0x01000003),
        (KNOB, 0x01000001),
    }
    (knob,) = [d for d in defaults if d.table_id == KNOB]
    assert [p.value for p in knob.action.action.params] == [b"\x05", b"\x06"]


@pytest.mark.clause(
    "Direct resources", "counter_data and meter_config of an entry come when the request sets them"
)
async def test_direct_resources_come_only_when_asked_for(client, written, dataplane, table_entry):
    text = TEXTS["filter"] + " meter_config { cir: 1 cburst: 2 pir: 3 pburst: 4 }"
    await client.write((MODIFY, table_entry(text)))
    for entry in dataplane.tables["Ingress.filters"].values():
        dataplane.write_direct_counter("Ingress.filters", entry, CounterValue(3, 300))
    plain = await client.entries(table_id=FILTERS)
    assert not any(e.HasField("counter_data") or e.HasField("meter_config") for e in plain)
    full = await client.entries(
        table_id=FILTERS, counter_data=p4r.CounterData(), meter_config=p4r.MeterConfig()
    )
    assert [e.counter_data.packet_count for e in full] == [3, 3]
    assert [e.meter_config.pburst for e in full] == [4, 0]
    assert not full[1].HasField("meter_config")


@pytest.mark.clause(
    "Direct resources", "DirectCounterEntry and DirectMeterEntry read one entry, a table, or all"
)
async def test_direct_entries_are_read_by_key_by_table_and_all(client, written, dataplane):
    key = p4r.TableEntry(table_id=FILTERS, match=written["filter"].match, priority=5)
    for query, count in ((key, 1), (p4r.TableEntry(table_id=FILTERS), 2), (None, 2)):
        counters = await client.read(direct_counter_entry=p4r.DirectCounterEntry(table_entry=query))
        assert len(counters) == count
        assert counters[0].direct_counter_entry.HasField("data")
        meters = await client.read(direct_meter_entry=p4r.DirectMeterEntry(table_entry=query))
        assert len(meters) == count
        assert not meters[0].direct_meter_entry.HasField("config")


@pytest.mark.clause("Counters", "id 0 is every counter, an unset index every cell")
async def test_counters_are_read_by_cell_by_array_and_all(client, dataplane):
    dataplane.write_counter("Egress.usage", 9, CounterValue(2, 1 << 63))
    (cell,) = await client.read(
        counter_entry=p4r.CounterEntry(counter_id=0x12000001, index=p4r.Index(index=9))
    )
    assert cell.counter_entry.data.packet_count == 2
    assert cell.counter_entry.data.byte_count == (1 << 63) - 1
    for query in (p4r.CounterEntry(counter_id=0x12000001), p4r.CounterEntry()):
        cells = await client.read(counter_entry=query)
        assert [c.counter_entry.index.index for c in cells] == list(range(10))


@pytest.mark.clause(
    "Meters", "id 0 is every meter, an unset index every cell; an unlimited cell has no config"
)
async def test_meters_are_read_by_cell_by_array_and_all(client, table_entry):
    text = "meter_id: 0x14000001 index { index: 2 } config { cir: 1 cburst: 2 pir: 3 pburst: 4 }"
    cell = table_entry(text, p4r.MeterEntry)
    await client.write((MODIFY, cell))
    (found,) = await client.read(
        meter_entry=p4r.MeterEntry(meter_id=0x14000001, index=p4r.Index(index=2))
    )
    assert found.meter_entry == cell
    for query in (p4r.MeterEntry(meter_id=0x14000001), p4r.MeterEntry()):
        cells = await client.read(meter_entry=query)
        assert len(cells) == 8
        assert [c.meter_entry.HasField("config") for c in cells].count(True) == 1


@pytest.mark.clause("Read", "an answer is a stream of messages of bounded size")
async def test_many_entries_come_in_several_messages(client, table_entry):
    template = table_entry(TEXTS["session"])
    updates = []
    for teid in range(2500):
        entry = p4r.TableEntry()
        entry.CopyFrom(template)
        entry.match[1].exact.value = teid.to_bytes(4, "big")
        updates.append((INSERT, entry))
    await client.write(*updates)
    request = p4r.ReadRequest(device_id=1)
    request.entities.add(table_entry=p4r.TableEntry(table_id=SESSIONS))
    sizes = [len(r.entities) async for r in client.stub.Read(request)]
    assert sizes == [1000, 1000, 500]


@pytest.mark.parametrize(
    "entity",
    [
        pytest.param({"action_profile_group": p4r.ActionProfileGroup()}, id="groups"),
        pytest.param(
            {
                "packet_replication_engine_entry": p4r.PacketReplicationEngineEntry(
                    multicast_group_entry=p4r.MulticastGroupEntry()
                )
            },
            id="multicast groups",
        ),
    ],
)
@pytest.mark.clause("Read", "a wildcard for a kind of entity of which there is none finds nothing")
async def test_a_wildcard_for_what_there_cannot_be_finds_nothing(client, entity):
    assert await client.read(**entity) == []


async def test_many_small_requests_share_a_message(client):
    request = p4r.ReadRequest(device_id=1)
    for index in range(10):
        request.entities.add().counter_entry.CopyFrom(
            p4r.CounterEntry(counter_id=0x12000001, index=p4r.Index(index=index))
        )
    sizes = [len(r.entities) async for r in client.stub.Read(request)]
    assert sizes == [10]


@pytest.mark.parametrize(
    ("entity", "code"),
    [
        pytest.param({}, 3, id="no entity"),
        pytest.param({"table_entry": p4r.TableEntry(table_id=9)}, 5, id="no such table"),
        pytest.param({"counter_entry": p4r.CounterEntry(counter_id=9)}, 5, id="no such counter"),
        pytest.param(
            {"meter_entry": p4r.MeterEntry(meter_id=0x14000001, index=p4r.Index(index=8))},
            11,
            id="cell beyond",
        ),
        pytest.param(
            {"table_entry": p4r.TableEntry(table_id=SESSIONS, match=[p4r.FieldMatch(field_id=1)])},
            3,
            id="key incomplete",
        ),
        pytest.param({"register_entry": p4r.RegisterEntry(register_id=7)}, 5, id="register"),
        pytest.param(
            {
                "direct_counter_entry": p4r.DirectCounterEntry(
                    table_entry=p4r.TableEntry(table_id=SESSIONS)
                )
            },
            3,
            id="no direct counter",
        ),
    ],
)
@pytest.mark.clause(
    "Read", "valid requests of a batch are answered, then the status has an error for each"
)
async def test_a_bad_request_is_refused_after_the_good_ones_are_answered(
    client, written, error_details, entity, code
):
    request = p4r.ReadRequest(device_id=1)
    request.entities.add(table_entry=p4r.TableEntry(table_id=SESSIONS))
    request.entities.add(**entity)
    found = []

    async def read():
        async for response in client.stub.Read(request):
            found.extend(response.entities)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read()
    assert [c for c, _ in error_details(caught.value)] == [0, code]
    assert len(found) == 1


@pytest.mark.clause("Read", "an unknown device: NOT_FOUND; no stream and no election id is needed")
async def test_another_device_is_not_found(client):
    call = client.stub.Read(p4r.ReadRequest(device_id=2))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


class TestConstantTables:
    FIXED = 0x02000005
    ENTRY = Entry((Match(3, 0x1FF),), "NoAction", ())

    @pytest.fixture
    def dataplane(self, dataplane):
        dataplane.constant = {"Ingress.fixed": (self.ENTRY,)}
        return dataplane

    async def test_the_entries_of_the_program_are_read_as_constant(self, client):
        (read,) = await client.entries(table_id=self.FIXED)
        assert read.is_const
        assert read.match[0].exact.value == b"\x03"
        assert await client.entries(table_id=self.FIXED, match=read.match) == [read]

    async def test_setting_the_pipeline_leaves_them(self, client, p4info, dataplane):
        request = p4r.SetForwardingPipelineConfigRequest(
            device_id=1, action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT
        )
        request.config.p4info.CopyFrom(p4info)
        request.election_id.CopyFrom(U128.encode(client.election_id))
        await client.stub.SetForwardingPipelineConfig(request)
        assert len(await client.entries(table_id=self.FIXED)) == 1
        assert ("delete", "Ingress.fixed", 1) not in dataplane.calls


@pytest.mark.clause("Counters", "cells that are asked for one by one, however many, come in order")
async def test_very_many_cells_of_a_counter_come_in_the_order_asked(client, dataplane):
    for index in range(10):
        dataplane.write_counter("Egress.usage", index, CounterValue(index, 1000 * index))
    read = client.channel.unary_stream("/p4.v1.P4Runtime/Read")
    wanted = [7, 2, 2, 9, 0] * 10_000
    answers = [octets async for octets in read(columns.request(1, 0x12000001, wanted))]
    found = [columns.read_response(octets) for octets in answers]
    assert np.concatenate([each.indexes for each in found]).tolist() == wanted
    assert np.concatenate([each.packets for each in found]).tolist() == wanted
    assert np.concatenate([each.octets for each in found]).tolist() == [1000 * i for i in wanted]


@pytest.mark.parametrize(("counter_id", "index"), [(0x12000001, 10), (0x12000009, 0)])
async def test_cells_that_there_are_not_are_refused_like_others(client, counter_id, index):
    read = client.channel.unary_stream("/p4.v1.P4Runtime/Read")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ = [octets async for octets in read(columns.request(1, counter_id, [0, index]))]
    assert caught.value.code() is grpc.StatusCode.UNKNOWN

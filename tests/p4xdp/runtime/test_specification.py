"""What the specification asks across calls: restarts, controllers that fight, constant tables,
answers that stream while others write.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from finsy.proto import p4r

from p4xdp.dataplane import CounterValue, Entry, Match
from p4xdp.kept import FileKept, MemoryKept
from p4xdp.runtime import schema as schemas
from p4xdp.runtime import serve
from p4xdp.runtime.read import Reader
from p4xdp.runtime.store import Metadata, Store

INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE
ENTRY = (
    r"table_id: 0x02000002 match {{ field_id: 1 exact {{ value: '\x01' }} }} metadata: '{note}' "
    r"action {{ action {{ action_id: 0x01000002 params {{ param_id: 1 value: 'a' }} }} }}"
)


def test_the_table_of_clauses_is_what_the_tests_say():
    script = Path(__file__).with_name("conformance.py")
    document = Path(__file__).parents[3] / "docs" / "p4runtime-conformance.md"
    told = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True)
    assert document.read_text() == told.stdout, f"run python {script} > {document}"


@pytest.fixture
def begin(dataplane, p4info, tmp_path):
    """Start a server over the same data plane, with what earlier ones kept."""
    running = []

    async def begin():
        kept = FileKept(tmp_path / "kept.sqlite")
        running.append((await serve(dataplane, p4info, listen="127.0.0.1:0", kept=kept), kept))
        return running[-1][0]

    async def end():
        server, kept = running.pop()
        await server.stop(0)
        kept.close()

    begin.end = end
    return begin


@pytest.fixture
async def after_restart(begin, new_client_of, table_entry):
    """A client of a server that has begun anew after another client wrote to the one before."""
    server = await begin()
    client = await new_client_of(server, 5).become_primary()
    await client.write((INSERT, table_entry(ENTRY.format(note="of before"))))
    request = p4r.SetForwardingPipelineConfigRequest(device_id=1)
    request.action = request.RECONCILE_AND_COMMIT
    request.election_id.low = 5
    ask = p4r.GetForwardingPipelineConfigRequest(device_id=1)
    config = (await client.stub.GetForwardingPipelineConfig(ask)).config
    request.config.p4info.CopyFrom(config.p4info)
    request.config.cookie.cookie = 1234
    await client.stub.SetForwardingPipelineConfig(request)
    await client.close()
    await begin.end()
    yield await begin()
    await begin.end()


@pytest.fixture
async def new_client_of(request):
    clients = []
    client_type = request.getfixturevalue("client_type")

    def make(server, election_id):
        clients.append(client_type(server.address, election_id))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.mark.clause(
    "State across restarts", "the highest election id is remembered: a demoted one stays demoted"
)
async def test_who_was_demoted_is_not_primary_after_a_restart(after_restart, new_client_of):
    late = new_client_of(after_restart, 4)
    await late.bid()
    assert await late.notice() == (5, 5)
    await (new_client_of(after_restart, 5)).become_primary()
    assert await late.notice() == (6, 5)


@pytest.mark.clause("State across restarts", "metadata and the cookie are those of before")
async def test_metadata_and_cookie_are_there_after_a_restart(
    after_restart, new_client_of, table_entry
):
    client = new_client_of(after_restart, 5)
    assert await client.entries() == [table_entry(ENTRY.format(note="of before"))]
    request = p4r.GetForwardingPipelineConfigRequest(device_id=1)
    config = (await client.stub.GetForwardingPipelineConfig(request)).config
    assert config.cookie.cookie == 1234


@pytest.mark.clause(
    "Client arbitration", "controllers that fight: no write of a demoted one ever lands"
)
async def test_no_write_of_a_demoted_controller_lands_in_a_long_fight(
    new_client, dataplane, table_entry
):
    """Each writes its own number into one entry all the time, and bids higher in turn. From the
    moment the other is told that it is the primary, it finds nothing there but its own.
    """
    fighters = [new_client(n) for n in (1, 2)]
    await fighters[0].become_primary()
    entry = table_entry(ENTRY.format(note="x"))
    await fighters[0].write((INSERT, entry))
    landed, refused, is_over = [0, 0], [0, 0], False

    async def write_all_the_time(number):
        mine = table_entry(ENTRY.format(note=f"{number}"))
        while not is_over:
            try:
                await fighters[number].write((MODIFY, mine))
                landed[number] += 1
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.PERMISSION_DENIED  # noqa: PT017
                refused[number] += 1
            await asyncio.sleep(0)

    writers = [asyncio.create_task(write_all_the_time(number)) for number in (0, 1)]
    for turn in range(40):
        winner = 1 - turn % 2
        await fighters[winner].bid(turn + 10)
        while (await fighters[winner].notice())[0] != 0:
            pass
        await fighters[winner].write((MODIFY, table_entry(ENTRY.format(note=f"{winner}"))))
        for _ in range(5):
            (found,) = await fighters[winner].entries()
            assert found.metadata == b"%d" % winner
    is_over = True
    await asyncio.gather(*writers)
    assert min(landed) > 0
    assert min(refused) > 0


@pytest.mark.clause(
    "Constant tables", "MODIFY of direct resources is allowed, without an action and not with one"
)
async def test_the_direct_resources_of_a_constant_entry_can_be_set(
    dataplane, p4info, new_client_of, table_entry
):
    fixed = p4info.tables[4]
    fixed.direct_resource_ids.append(0x13000002)
    own = p4info.direct_counters.add(direct_table_id=fixed.preamble.id)
    own.preamble.id, own.preamble.name = 0x13000002, "Ingress.fixed_hits"
    entry = Entry((Match(7, 0x1FF),), "NoAction", ())
    dataplane.constant["Ingress.fixed"] = [entry]
    dataplane.tables["Ingress.fixed"] = {}
    server = await serve(dataplane, p4info, listen="127.0.0.1:0")
    client = await new_client_of(server, 1).become_primary()
    key = r"table_id: 0x02000005 match { field_id: 1 exact { value: '\x07' } } "
    dataplane.tables["Ingress.fixed"][dataplane._key(entry)] = entry
    count = " counter_data { packet_count: 3 }"
    await client.write((MODIFY, table_entry(key + count)))
    assert dataplane.read_direct_counter("Ingress.fixed", entry) == CounterValue(3, 0)
    with_action = key + count + " action { action { action_id: 0x01000003 } }"
    assert await client.codes((MODIFY, table_entry(with_action))) == [7]
    assert await client.codes((DELETE, table_entry(key))) == [7]
    await server.stop(0)


@pytest.mark.clause("Read", "an answer is of one moment, whatever is written while it streams")
def test_what_was_selected_is_told_as_it_was(dataplane, p4info, table_entry):
    schema = schemas.load(p4info)
    store = Store.of(schema, dataplane, MemoryKept())
    state = store.tables[0x02000002]
    entry = Entry((Match(1, 0xFF), Match(0, 0)), "Ingress.drop", (97,))
    key = (1, 0, 0, 0)
    state.entries[key] = entry
    state.metadata[key] = Metadata(b"old")
    query = p4r.Entity(table_entry=p4r.TableEntry(table_id=0x02000002))
    answer = Reader(schema, store, dataplane).select(query)
    state.metadata[key] = Metadata(b"new")
    state.entries.clear()
    (found,) = answer
    assert found.table_entry.metadata == b"old"

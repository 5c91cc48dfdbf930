"""Idle timeouts: written, read, notified."""

from __future__ import annotations

import asyncio
import time

import grpc
import pytest
from finsy.proto import p4i, p4r

INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE
INVALID = 3
TTL_S = 0.05
TTL_NS = int(TTL_S * 1e9)
IDLE = 0x02000021
TABLE = """
tables {
  preamble { id: 0x02000021 name: "I.idle" alias: "idle" }
  match_fields { id: 1 name: "a" bitwidth: 16 match_type: EXACT }
  action_refs { id: 0x01000021 }
  size: 16
  idle_timeout_behavior: NOTIFY_CONTROL
}
actions { preamble { id: 0x01000021 name: "I.nothing" alias: "nothing" } }
"""


@pytest.fixture
def p4info(p4info, table_entry):
    info = p4i.P4Info()
    info.CopyFrom(p4info)
    info.MergeFrom(table_entry(TABLE, p4i.P4Info))
    return info


def entry(key=5, ttl_ns=TTL_NS, **fields):
    message = p4r.TableEntry(table_id=IDLE, idle_timeout_ns=ttl_ns, **fields)
    message.match.add(field_id=1).exact.value = bytes([key])
    message.action.action.action_id = 0x01000021
    return message


async def notified(client):
    message = await client.receive()
    assert message.WhichOneof("update") == "idle_timeout_notification"
    return message.idle_timeout_notification


@pytest.mark.clause("Idle timeouts", "an entry's timeout is read back exactly, with the entry")
async def test_the_timeout_is_read_back(client):
    await client.write((INSERT, entry(5, 123_456_789_012)), (INSERT, entry(6, 0)))
    found = {e.match[0].exact.value: e for e in await client.entries(table_id=IDLE)}
    assert found[b"\x05"].idle_timeout_ns == 123_456_789_012
    assert found[b"\x06"].idle_timeout_ns == 0
    await client.write((MODIFY, entry(5, 7_000_000_000)))
    found = await client.entries(table_id=IDLE, match=entry(5).match)
    assert found == [entry(5, 7_000_000_000)]


@pytest.mark.clause("Idle timeouts", "time_since_last_hit is told when asked for, and only then")
async def test_the_time_since_the_last_hit_is_told_when_asked_for(client, dataplane):
    await client.write((INSERT, entry(5, 0)))
    dataplane.idle["I.idle"] = time.monotonic_ns() - 10**9
    asked = p4r.TableEntry(table_id=IDLE)
    asked.time_since_last_hit.SetInParent()
    (found,) = await client.read(table_entry=asked)
    assert 10**9 <= found.table_entry.time_since_last_hit.elapsed_ns < 3 * 10**9
    (found,) = await client.entries(table_id=IDLE)
    assert not found.HasField("time_since_last_hit")


@pytest.mark.clause("Idle timeouts", "where there are none, or in a write: INVALID_ARGUMENT")
async def test_what_has_no_idle_times_refuses_them(client, table_entry):
    hit = entry()
    hit.time_since_last_hit.elapsed_ns = 1
    default = entry(is_default_action=True)
    del default.match[:]
    wrong = [(INSERT, hit), (INSERT, entry(5, -1)), (MODIFY, default)]
    assert await client.codes(*wrong) == [INVALID] * 3
    for asked in (
        "table_id: 0x02000021 is_default_action: true time_since_last_hit { }",
        "table_id: 0x02000001 time_since_last_hit { }",
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.read(table_entry=table_entry(asked))
        assert caught.value.code() is grpc.StatusCode.UNKNOWN


@pytest.mark.clause("Idle timeouts", "the primary is notified of an entry that was not hit in time")
async def test_the_primary_hears_of_an_idle_entry_with_its_key_and_notes(client):
    began = time.time_ns()
    await client.write((INSERT, entry(5, TTL_NS, metadata=b"mine", controller_metadata=9)))
    told = await notified(client)
    assert began + TTL_NS <= told.timestamp <= time.time_ns()
    wanted = entry(5, TTL_NS, metadata=b"mine", controller_metadata=9)
    wanted.ClearField("action")
    assert list(told.table_entry) == [wanted]


@pytest.mark.clause("Idle timeouts", "after a notification the time begins anew")
async def test_it_hears_again_after_another_timeout(client):
    await client.write((INSERT, entry()))
    first = await notified(client)
    second = await notified(client)
    assert second.timestamp - first.timestamp >= TTL_NS


@pytest.mark.clause(
    "Idle timeouts", "an entry that is hit, gone, or without timeout is not told of"
)
async def test_nobody_hears_of_entries_that_are_hit_or_gone(client, dataplane):
    await client.write((INSERT, entry(5)), (INSERT, entry(6)), (INSERT, entry(7)))
    await client.write((DELETE, entry(6)), (MODIFY, entry(7, 0)))
    waiting = asyncio.create_task(notified(client))
    for _ in range(8):
        dataplane.idle["I.idle"] = time.monotonic_ns()
        await asyncio.sleep(TTL_S / 4)
    assert not waiting.done()
    told = await waiting
    assert [one.match[0].exact.value for one in told.table_entry] == [b"\x05"]


async def test_many_idle_entries_are_told_together(client):
    await client.write(*((INSERT, entry(key)) for key in range(1, 16)))
    assert len((await notified(client)).table_entry) == 15


async def test_a_timeout_that_is_shortened_counts_at_once(client):
    await client.write((INSERT, entry(5, 3600 * 10**9)))
    await client.write((MODIFY, entry(5)))
    assert len((await notified(client)).table_entry) == 1

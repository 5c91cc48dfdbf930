"""What controllers are told of ports that come, go or fail."""

from __future__ import annotations

import asyncio

import pytest
from google.protobuf.struct_pb2 import Struct

from p4xdp.runtime.streams import Stream


async def told(client):
    message = await client.receive()
    assert message.WhichOneof("update") == "other"
    found = Struct()
    assert message.other.Unpack(found)
    return {int(n): (one["interface"], one["state"]) for n, one in found["ports"].items()}


@pytest.mark.clause(
    "Architecture-specific notifications", "primaries are told of ports that change"
)
async def test_a_primary_is_told_of_a_port_that_goes_and_comes(client, dataplane):
    dataplane.ports[2] = "gone"
    dataplane.port_receiver()
    assert await told(client) == {1: ("n1", "up"), 2: ("n2", "gone")}
    dataplane.ports[2] = "up"
    dataplane.port_receiver()
    assert await told(client) == {1: ("n1", "up"), 2: ("n2", "up")}


async def test_who_becomes_primary_hears_at_once_of_a_port_that_is_not_up(new_client, dataplane):
    dataplane.ports[1] = "down"
    client = await new_client().become_primary()
    assert await told(client) == {1: ("n1", "down"), 2: ("n2", "up")}


async def test_a_backup_is_told_nothing_and_a_primary_nothing_while_all_is_well(
    client, new_client, dataplane
):
    backup = new_client(0)
    await backup.bid()
    await backup.notice()
    dataplane.ports[1] = "down"
    dataplane.port_receiver()
    await told(client)
    for one in (backup, client):  # to give up reading ends a stream
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.stream.read(), 0.2)


async def test_a_slow_client_hears_what_holds_and_not_all_that_was():
    stream = Stream()
    for state in range(3):
        stream.send_state(state)
    stream.send("notice")
    assert [await stream.next() for _ in range(2)] == [2, "notice"]
    stream.send_state(3)
    assert await stream.next() == 3


async def test_packets_that_wait_do_not_hold_up_what_is_told(client, dataplane):
    for _ in range(3000):
        dataplane.receiver(b"\x01\x00\x02" + bytes(60))
    dataplane.ports[1] = "down"
    dataplane.port_receiver()
    kinds = set()
    while "other" not in kinds:
        kinds.add((await client.receive()).WhichOneof("update"))
    assert kinds == {"packet", "other"}

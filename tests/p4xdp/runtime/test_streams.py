"""How streams end: whoever ends them, whatever is on its way, nothing is logged as a fault."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from p4xdp.runtime import serve

FRAME = b"\x01\x00\x02" + bytes(1000)


async def to_the_end(client):
    while await client.receive() is not grpc.aio.EOF:
        pass


async def test_a_client_that_hangs_up_before_its_answer_is_no_fault(new_client, caplog):
    clients = [new_client(n, role=str(n)) for n in range(1, 31)]
    for client in clients:
        await client.bid()
        await client.stream.done_writing()
    for client in clients:
        await to_the_end(client)
    assert caplog.text == ""


async def test_a_refusal_ends_a_stream_with_packets_on_their_way(new_client, dataplane, caplog):
    clients = [new_client(n, role=str(n)) for n in range(1, 21)]
    for client in clients:
        await client.become_primary()
    for _ in range(200):
        dataplane.receiver(FRAME)
    for client in clients:
        await client.bid(device_id=7)
    for client in clients:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await to_the_end(client)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert caplog.text == ""


async def test_a_server_that_stops_while_clients_hang_up_is_no_fault(
    dataplane, p4info, new_client, tmp_path, caplog
):
    for _ in range(10):
        server = await serve(dataplane, p4info, listen=f"unix:{tmp_path / 's'}")
        clients = [type(new_client())(server.address, n) for n in range(1, 4)]
        for client in clients:
            await client.become_primary()
        dataplane.receiver(FRAME)
        await asyncio.gather(server.stop(0.5), *(client.close() for client in clients))
    assert "Traceback" not in caplog.text

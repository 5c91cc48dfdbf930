"""Packet-in and packet-out through the stream, bit by bit."""

from __future__ import annotations

import asyncio

import pytest
from finsy.proto import p4r

from p4xdp.runtime import streams


def packet_out(payload=b"frame", **metadata):
    packet = p4r.PacketOut(payload=payload)
    for metadata_id, value in metadata.items():
        packet.metadata.add(metadata_id=int(metadata_id[1:]), value=value)
    return packet


async def send(client, packet):
    await client.stream.write(p4r.StreamMessageRequest(packet=packet))


@pytest.mark.clause(
    "Packet I/O", "a PacketIn has precisely the metadata of the P4Info, canonically encoded"
)
async def test_a_packet_in_has_every_field_padding_too(client, dataplane):
    dataplane.receiver((0x123 << 7).to_bytes(2, "big") + b"\x00" + b"payload")
    packet = (await client.receive()).packet
    assert packet.payload == b"payload"
    fields = [(m.metadata_id, m.value) for m in packet.metadata]
    assert fields == [(1, b"\x01\x23"), (2, b"\x00"), (3, b"\x00")]


@pytest.mark.clause("Packet I/O", "packets go to primaries")
async def test_a_packet_in_goes_to_the_primary_alone(client, new_client, dataplane):
    backup = new_client(0)
    await backup.bid()
    await backup.notice()
    dataplane.receiver(b"\x00\x80\x01x")
    assert (await client.receive()).packet.payload == b"x"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(backup.stream.read(), 0.1)


async def test_a_packet_in_shorter_than_its_header_is_dropped(client, dataplane):
    dataplane.receiver(b"\x00")
    dataplane.receiver(b"\x00\x00\x00ok")
    assert (await client.receive()).packet.payload == b"ok"


@pytest.mark.clause(
    "Arbitration notifications", "notices reach a slow reader, whatever packets it has missed"
)
async def test_packets_give_way_to_a_slow_client_but_notices_do_not(monkeypatch):
    monkeypatch.setattr(streams, "PACKETS_IN_FLIGHT", 2)
    stream = streams.Stream()
    for number in range(4):
        stream.send_packet(number)
    stream.send("notice")
    assert [await stream.next() for _ in range(3)] == [0, 1, "notice"]
    assert stream.dropped_packets == 2


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"_1": b"\x01\x2c", "_2": b"\x00"}, id="with padding"),
        pytest.param({"_1": b"\x00\x01\x2c"}, id="without padding"),
    ],
)
@pytest.mark.clause(
    "Packet I/O",
    "a PacketOut's metadata becomes the packet_out header, whatever its order and padding",
)
async def test_a_packet_out_becomes_a_frame_with_its_header(client, dataplane, metadata):
    await send(client, packet_out(**metadata))
    await send(client, packet_out())  # refused: its answer says the first was dealt with
    await client.receive()
    assert dataplane.sent == [(300 << 7).to_bytes(2, "big") + b"frame"]


@pytest.mark.parametrize(
    ("metadata", "code", "text"),
    [
        pytest.param({}, 3, "egress_port", id="missing"),
        pytest.param({"_1": b"\x01", "_7": b"\x01"}, 3, "id 7", id="unknown"),
        pytest.param({"_1": b"\x02\x00"}, 11, "egress_port", id="too wide"),
        pytest.param({"_1": b""}, 11, "empty", id="empty"),
    ],
)
@pytest.mark.clause(
    "Stream errors",
    "a PacketOut whose metadata is not the P4Info's is dropped: INVALID_ARGUMENT or "
    "OUT_OF_RANGE, with the packet",
)
async def test_a_bad_packet_out_is_dropped_and_told(client, dataplane, metadata, code, text):
    packet = packet_out(**metadata)
    await send(client, packet)
    error = (await client.receive()).error
    assert error.canonical_code == code
    assert text in error.message
    assert error.packet_out.packet_out == packet
    assert dataplane.sent == []


@pytest.mark.clause("Stream errors", "a PacketOut of a backup is dropped: PERMISSION_DENIED")
async def test_a_backup_may_not_send(client, new_client, dataplane):
    backup = new_client(0)
    await backup.bid()
    await backup.notice()
    await send(backup, packet_out(_1=b"\x01"))
    assert (await backup.receive()).error.canonical_code == 7
    assert dataplane.sent == []


async def test_a_data_plane_that_cannot_send_is_told_as_internal(client, dataplane):
    dataplane.broken.add("send")
    await send(client, packet_out(_1=b"\x01"))
    assert (await client.receive()).error.canonical_code == 13

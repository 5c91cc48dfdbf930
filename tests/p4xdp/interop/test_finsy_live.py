"""finsy, unmodified, with a switch whose packets are real."""

import asyncio

import finsy as fy
import pytest

pytestmark = pytest.mark.root

FRAME = bytes.fromhex("02000000000202000000000188b5") + b"from finsy".ljust(60, b"\0")
MATCHES = {
    "exact": ("stations", {"address": 7}, 0),
    "lpm": ("vendors", {"address": "02:00:5e:00:00:00/24"}, 0),
    "ternary": ("filters", {"ether_type": "0x800/&0xff00"}, 10),
    "range": ("rules", {"ether_type": 0x800, "address": "7/&0xff", "last": "5...80"}, 3),
}


@pytest.fixture
async def client(switch):
    options = fy.SwitchOptions(
        p4info=switch.build / "everything.p4info.txtpb",
        p4blob=switch.build / "everything.json",
        p4force=True,
    )
    async with fy.Switch("everything", switch.address, options) as client:
        assert client.is_primary
        yield client


def entry(kind, value):
    table, match, priority = MATCHES[kind]
    action = fy.P4TableAction("mark_paced" if kind == "lpm" else "mark", value=value)
    key = fy.P4TableMatch(**match)
    return fy.P4TableEntry(table, match=key, priority=priority, action=action)


async def test_finsy_inserts_changes_reads_and_deletes_entries_of_every_kind(client):
    for kind in MATCHES:
        await client.write([+entry(kind, 0x12)])
        await client.write([~entry(kind, 0x34)])
        (found,) = [e async for e in client.read(entry(kind, 0))]
        assert found.action.args["value"] == 0x34
        with pytest.raises(fy.P4ClientError) as caught:
            await client.write([+entry(kind, 1)])
        assert caught.value.details[0].canonical_code.name == "ALREADY_EXISTS"
        await client.write([-entry(kind, 0)])
        assert [e async for e in client.read(fy.P4TableEntry(MATCHES[kind][0]))] == []


async def test_finsy_sets_meters_and_counts_packets_that_it_sends_and_receives(client):
    config = fy.P4MeterConfig(cir=1, cburst=2, pir=3, pburst=4)
    await client.write([fy.P4MeterEntry("limits", index=2, config=config)])
    (cell,) = [e async for e in client.read(fy.P4MeterEntry("limits", index=2))]
    assert cell.config == config
    match = fy.P4TableMatch(ingress_port=2)
    to_us = fy.P4TableEntry("wires", match=match, action=fy.P4TableAction("to_controller"))
    await client.write([+to_us])
    packets = client.read_packets()
    waiting = asyncio.ensure_future(anext(packets))
    await client.write([fy.P4PacketOut(FRAME, egress_port=1, _pad=0)])
    packet = await asyncio.wait_for(waiting, 10)
    await packets.aclose()
    assert (packet.payload, packet["ingress_port"]) == (FRAME, 2)
    (counted,) = [e async for e in client.read(fy.P4CounterEntry("received", index=2))]
    assert counted.data.packet_count == 1
    assert counted.data.byte_count == len(FRAME)

"""A client nobody here wrote: finsy, as its users run it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import finsy as fy
import pytest

from p4xdp.dataplane import CounterValue, MeterConfig


@pytest.fixture
async def switch(server):
    options = fy.SwitchOptions(p4info=Path(__file__).with_name("small.p4info.txtpb"))
    async with fy.Switch("small", server.address, options) as switch:
        yield switch


def entry(teid, action="drop"):
    if action == "drop":
        chosen = fy.P4TableAction("drop", reason=3)
    else:
        chosen = fy.P4TableAction("forward", usage_id=7, port=300)
    return fy.P4TableEntry(
        "sessions", match=fy.P4TableMatch(endpoint_id=1, teid=teid), action=chosen
    )


async def test_finsy_is_primary_and_satisfied_with_the_pipeline(switch):
    assert switch.is_primary
    assert switch.is_up


async def test_finsy_writes_reads_changes_and_deletes(switch, dataplane):
    await switch.write([+entry(n) for n in range(3)])
    await switch.write([~entry(1, "forward"), -entry(2)])
    found = [e async for e in switch.read(fy.P4TableEntry("sessions"))]
    assert [dict(e.match)["teid"] for e in found] == [0, 1]
    assert [e.action.name for e in found] == ["drop", "forward"]
    await switch.delete_all()
    assert not dataplane.tables["Ingress.sessions"]


async def test_finsy_gets_the_code_of_every_update(switch):
    with pytest.raises(fy.P4ClientError) as caught:
        await switch.write([+entry(1), +entry(1), -entry(5)])
    codes = {i: error.canonical_code.name for i, error in caught.value.details.items()}
    assert codes == {1: "ALREADY_EXISTS", 2: "NOT_FOUND"}


async def test_finsy_uses_ternary_range_and_optional_matches(switch):
    match = fy.P4TableMatch(protocol="0x10/&0xf0", port="80...90", qfi=9)
    written = fy.P4TableEntry(
        "filters", match=match, priority=3, action=fy.P4TableAction("drop", reason=1)
    )
    await switch.write([+written])
    (found,) = [e async for e in switch.read(fy.P4TableEntry("filters"))]
    assert found.match == {"protocol": (0x10, 0xF0), "port": (80, 90), "qfi": 9}
    assert found.priority == 3


async def test_finsy_sets_meters_and_reads_counters(switch, dataplane):
    config = fy.P4MeterConfig(cir=1, cburst=2, pir=3, pburst=4)
    await switch.write([fy.P4MeterEntry("slice_meters", index=2, config=config)])
    assert dataplane.meters["Egress.slice_meters", 2] == MeterConfig(1, 2, 3, 4)
    dataplane.write_counter("Egress.usage", 5, CounterValue(1, 2))
    found = [e async for e in switch.read(fy.P4CounterEntry("usage"))]
    assert len(found) == 10
    assert found[5].data == fy.P4CounterData(byte_count=2, packet_count=1)


async def test_finsy_sends_and_receives_packets(switch, dataplane):
    await switch.write([fy.P4PacketOut(b"hello", egress_port=300, _pad0=0)])
    packets = switch.read_packets()
    waiting = asyncio.ensure_future(anext(packets))
    await asyncio.sleep(0)
    dataplane.receiver((257 << 7).to_bytes(2, "big") + b"\x02frame")
    packet = await asyncio.wait_for(waiting, 5)
    await packets.aclose()
    assert packet.payload == b"frame"
    assert packet.metadata == {"ingress_port": 257, "_pad0": 0, "reason": 2}
    assert dataplane.sent == [(300 << 7).to_bytes(2, "big") + b"hello"]


async def test_finsy_gives_way_to_a_better_finsy_and_takes_over_again(switch, server):
    options = fy.SwitchOptions(
        p4info=Path(__file__).with_name("small.p4info.txtpb"), initial_election_id=100
    )
    async with fy.Switch("other", server.address, options) as other:
        assert other.is_primary
        async with asyncio.timeout(30):
            while switch.is_primary:  # noqa: ASYNC110 - finsy has no event for it
                await asyncio.sleep(0.01)
        with pytest.raises(fy.P4ClientError):
            await switch.write([+entry(1)])
    async with asyncio.timeout(30):
        while not switch.is_primary:  # noqa: ASYNC110 - finsy has no event for it
            await asyncio.sleep(0.01)
    await switch.write([+entry(1)])


async def test_finsy_writes_and_reads_registers(switch):
    await switch.write([~fy.P4RegisterEntry("quotas", index=3, data={"limit": 1000, "used": 7})])
    (found,) = [e async for e in switch.read(fy.P4RegisterEntry("quotas", index=3))]
    assert found.data == {"limit": 1000, "used": 7}

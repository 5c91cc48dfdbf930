"""The client against the real server: plans, refusals, mastership, counters, meters, packets."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from finsy.proto import p4r

from p4xdp.dataplane import CounterValue, MeterConfig, Replica
from p4xdp.runtime import serve
from upf.entry import Counts, Entry, MeterRate, Prefix
from upf.errors import (
    NotPrimaryError,
    PipelineMismatchError,
    TableFullError,
    TargetError,
    WriteRejectedError,
)
from upf.plan import Plan
from upf.target import PacketIn
from upf.target.p4rt import P4RuntimeTarget
from upf.target.schema import Table


async def eventually(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what we wait for happens in another room
            await asyncio.sleep(0.01)


SESSIONS, ROUTES = "Ingress.sessions", "Ingress.routes"


def session(teid, usage_id=7):
    return Entry(SESSIONS, (1, teid), "Ingress.forward", (usage_id, 300))


def route(value, length):
    return Entry(ROUTES, (0, Prefix(value, length)), "Ingress.drop", (0,))


ROUTE_SET = [route(0, 0), route(0x0A000000, 8), route(0xFFFFFFFF, 32)]


async def test_entries_written_are_read_back_equal(target):
    entries = [session(0), session(0xFFFFFFFF, 0xFFFFFF)]
    await target.apply(Plan(inserts=(*entries, *ROUTE_SET)))
    assert await target.read_entries(SESSIONS) == entries
    assert await target.read_entries(ROUTES) == ROUTE_SET


async def test_entries_as_wanted_are_known_by_their_octets_and_only_others_are_read(
    target, monkeypatch
):
    held = [session(0), session(0xFFFFFFFF, 0xFFFFFF), session(5)]
    await target.apply(Plan(inserts=(*held, *ROUTE_SET)))
    read = []
    decode = Table.decode
    monkeypatch.setattr(Table, "decode", lambda self, each: read.append(1) or decode(self, each))
    wanted = [held[0], held[1], session(5, 99), session(6)]
    assert await target.differences(SESSIONS, wanted) == ([session(5)], wanted[2:], 3)
    assert await target.differences(ROUTES, ROUTE_SET) == ([], [], len(ROUTE_SET))
    assert len(read) == 1


async def test_meters_written_are_read_back_equal(target):
    meter, rate = "Egress.slice_meters", MeterRate(1, 2, 3, 4)
    await target.write_meters(meter, {5: rate})
    assert await target.read_meters(meter, [4, 5]) == [None, rate]


async def test_a_plan_creates_then_changes_then_removes(target, dataplane):
    await target.apply(Plan(inserts=(session(1), session(2))))
    dataplane.calls.clear()
    changed = session(1, 99)
    await target.apply(
        Plan(
            inserts=(session(3),),
            modifies=(changed,),
            deletes=(session(2),),
            before={changed.identity: session(1)},
        )
    )
    assert [kind for kind, _, _ in dataplane.calls] == ["insert", "modify", "delete"]
    assert await target.read_entries(SESSIONS) == [changed, session(3)]


async def test_a_refused_plan_leaves_nothing_and_names_the_entry(target):
    await target.apply(Plan(inserts=(session(1),)))
    with pytest.raises(WriteRejectedError) as caught:
        await target.apply(Plan(inserts=(session(2), session(1))))
    (failure,) = caught.value.failures
    assert (failure.entry, failure.code) == (session(1), 6)
    assert await target.read_entries(SESSIONS) == [session(1)]


async def test_a_full_table_is_its_own_error(target, dataplane):
    dataplane.capacity[SESSIONS] = 1
    with pytest.raises(TableFullError) as caught:
        await target.apply(Plan(inserts=(route(0, 0), session(1), session(2))))
    assert caught.value.cause == 75
    assert caught.value.failures[0].entry == session(2)
    assert await target.read_entries(ROUTES) == []


async def test_an_entry_that_fits_no_table_is_our_own_fault(target):
    with pytest.raises(ValueError, match="no action"):
        await target.apply(Plan(inserts=(Entry(SESSIONS, (1, 1), "Ingress.fly", ()),)))
    with pytest.raises(PipelineMismatchError, match=r"no table Ingress\.nowhere"):
        await target.apply(Plan(inserts=(Entry("Ingress.nowhere", (1,), "NoAction", ()),)))


# --- many plans at once ---------------------------------------------------------------------------


async def test_plans_that_wait_share_writes(target):
    await asyncio.gather(*[target.apply(Plan(inserts=(session(n),))) for n in range(200)])
    assert len(await target.read_entries(SESSIONS)) == 200
    assert target._writer.writes_sent <= 2


async def test_plans_that_share_a_write_create_what_is_referred_to_first(target, dataplane):
    first = Plan(inserts=(session(1), route(1 << 8, 24)), deletes=())
    await target.apply(Plan(inserts=(session(8), route(8 << 8, 24))))
    dataplane.calls.clear()
    await asyncio.gather(
        target.apply(first),
        target.apply(Plan(inserts=(session(2),), deletes=(route(8 << 8, 24), session(8)))),
        target.apply(Plan(inserts=(route(3 << 8, 24), session(3)))),
    )
    calls = dataplane.calls
    later, earlier = sorted((SESSIONS, ROUTES), key=lambda name: -target._schema.table(name).rank)
    sizes = {SESSIONS: 3, ROUTES: 2}
    assert calls[-4:] == [
        ("insert", later, sizes[later]),
        ("insert", earlier, sizes[earlier]),
        ("delete", earlier, 1),
        ("delete", later, 1),
    ]


async def test_one_bad_plan_does_not_fail_the_others(target):
    await target.apply(Plan(inserts=(session(5),)))
    results = await asyncio.gather(
        *[target.apply(Plan(inserts=(session(n), route(n << 8, 24)))) for n in range(10)],
        return_exceptions=True,
    )
    failed = [n for n, result in enumerate(results) if result is not None]
    assert failed == [5]
    assert isinstance(results[5], WriteRejectedError)
    assert len(await target.read_entries(SESSIONS)) == 10
    assert route(5 << 8, 24) not in await target.read_entries(ROUTES)


async def test_a_plan_we_cannot_encode_does_not_fail_the_others(target):
    bad = Plan(inserts=(Entry(SESSIONS, (1, 1), "Ingress.fly", ()),))
    results = await asyncio.gather(
        target.apply(Plan(inserts=(session(1),))),
        target.apply(Plan(inserts=(session(2),))),
        target.apply(bad),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), type(None), ValueError]


async def test_plans_for_the_same_entry_keep_their_order(target):
    changed = session(1, 8)
    await asyncio.gather(
        target.apply(Plan(inserts=(session(1),))),
        target.apply(Plan(modifies=(changed,), before={changed.identity: session(1)})),
        target.apply(Plan(deletes=(changed,))),
        target.apply(Plan(inserts=(session(1, 9),))),
    )
    assert await target.read_entries(SESSIONS) == [session(1, 9)]
    assert target._writer.writes_sent == 4  # a switch may reorder what shares a Write


async def test_a_plan_given_up_while_it_waits_is_not_written(target):
    first = asyncio.create_task(target.apply(Plan(inserts=(session(1),))))
    await asyncio.sleep(0)
    second = asyncio.create_task(target.apply(Plan(inserts=(session(2),))))
    await asyncio.sleep(0)
    second.cancel()
    await first
    assert await target.read_entries(SESSIONS) == [session(1)]


# --- a switch that cannot roll back ---------------------------------------------------------------


class WithoutRollback:
    """A Write whose server knows CONTINUE_ON_ERROR only, as many do."""

    def __init__(self, call):
        self._call = call
        self.requests = []

    async def __call__(self, octets, *, timeout):
        request = p4r.WriteRequest.FromString(octets)
        self.requests.append(request.atomicity)
        if request.atomicity != p4r.WriteRequest.CONTINUE_ON_ERROR:
            request.atomicity = p4r.WriteRequest.DATAPLANE_ATOMIC
        return await self._call(request.SerializeToString(), timeout=timeout)


async def test_without_rollback_on_the_switch_we_undo_what_it_accepted(target, dataplane):
    await target.apply(Plan(inserts=(session(1), session(2), session(4))))
    target._writer._call = WithoutRollback(target._writer._call)
    changed = session(1, 99)
    plan = Plan(
        inserts=(session(3), session(4)),
        modifies=(changed,),
        deletes=(session(2),),
        before={changed.identity: session(1)},
    )
    for _ in range(2):
        with pytest.raises(WriteRejectedError) as caught:
            await target.apply(plan)
        assert [failure.entry for failure in caught.value.failures] == [session(4)]
        held = await target.read_entries(SESSIONS)
        assert sorted(held, key=str) == [session(1), session(2), session(4)]
    assert target._writer._call.requests == [1, 0, 0, 0, 0]


# --- mastership ----------------------------------------------------------------------------------


async def test_a_better_controller_makes_us_step_down(target, foreign_client):
    assert target.is_primary
    other = await foreign_client(9).become_primary()
    await eventually(lambda: not target.is_primary)
    with pytest.raises(NotPrimaryError, match="another controller"):
        await target.apply(Plan(inserts=(session(1),)))
    with pytest.raises(NotPrimaryError):
        await target.write_meter("Egress.slice_meters", 0, None)
    with pytest.raises(NotPrimaryError):
        await target.packet_out(1, b"frame")
    await other.close()


async def test_a_switch_in_better_hands_is_not_taken(connect, foreign_client):
    await foreign_client(9).become_primary()
    with pytest.raises(NotPrimaryError, match="election id 9"):
        await connect()


async def test_a_switch_whose_controller_left_is_taken_over(connect, foreign_client):
    other = await foreign_client(9).become_primary()
    await other.close()
    target = await connect()
    await target.apply(Plan(inserts=(session(1),)))


async def test_an_election_id_in_use_is_not_shared(connect, target):
    with pytest.raises(NotPrimaryError, match="election id 1 is refused"):
        await connect()


async def test_another_device_is_refused(connect):
    with pytest.raises(TargetError, match="no device 5"):
        await connect(device_id=5)


async def test_another_program_is_refused_by_what_differs(server, pipeline):
    pipeline.tables[0].match_fields[0].bitwidth = 9
    pipeline.tables[1].preamble.name = "Ingress.paths"
    with pytest.raises(PipelineMismatchError) as caught:
        await P4RuntimeTarget.connect(server.address, pipeline)
    assert "missing: table Ingress.paths" in str(caught.value)
    assert "different: table Ingress.sessions" in str(caught.value)
    assert "unknown: table Ingress.routes" in str(caught.value)


async def test_other_sizes_are_the_same_program(dataplane, pipeline):
    server = await serve(dataplane, pipeline, listen="127.0.0.1:0", sizes={"Egress.usage": 5000})
    target = await P4RuntimeTarget.connect(server.address, pipeline)
    assert target.size("Egress.usage") == 5000
    assert await target.read_counters("Egress.usage", [4999]) == [Counts(0, 0)]
    await target.close()
    await server.stop(0)


async def test_nobody_there_is_said_in_time(pipeline):
    with pytest.raises(TargetError, match="no P4Runtime server answers at 127"):
        await P4RuntimeTarget.connect("127.0.0.1:1", pipeline, timeout_s=0.2)


async def test_a_switch_that_goes_away_fails_all_that_follows(target, server):
    await server.stop(0)
    error = await asyncio.wait_for(target.wait_lost(), 5)
    assert not target.is_primary
    with pytest.raises(TargetError) as caught:
        await target.apply(Plan(inserts=(session(1),)))
    assert caught.value is error


# --- counters, meters, packets --------------------------------------------------------------------


async def test_counters_come_in_the_order_asked(target, dataplane):
    for index in range(10):
        dataplane.write_counter("Egress.usage", index, CounterValue(index, index * 100))
    counts = await target.read_counters("Egress.usage", [9, 0, 3, 3])
    assert counts == [Counts(9, 900), Counts(0, 0), Counts(3, 300), Counts(3, 300)]
    with pytest.raises(TargetError, match="beyond its 10 cells"):
        await target.read_counters("Egress.usage", [10])


async def test_reads_that_wait_share_one(target, dataplane):
    for index in range(10):
        dataplane.write_counter("Egress.usage", index, CounterValue(index, index * 100))
    read = target._counter_reader
    results = await asyncio.gather(
        *[target.read_counters("Egress.usage", [number % 10, 3]) for number in range(50)]
    )
    assert results == [[Counts(n % 10, n % 10 * 100), Counts(3, 300)] for n in range(50)]
    assert read.reads_sent <= 2


async def test_one_bad_read_does_not_fail_the_others(target, dataplane):
    dataplane.write_counter("Egress.usage", 1, CounterValue(5, 6))
    results = await asyncio.gather(
        *[target.read_counters("Egress.usage", [index]) for index in (1, 10, 1)],
        return_exceptions=True,
    )
    assert results[0] == results[2] == [Counts(5, 6)]
    assert isinstance(results[1], TargetError)


async def test_closing_fails_reads_that_wait(target):
    waiting = asyncio.create_task(target.read_counters("Egress.usage", [1]))
    await asyncio.sleep(0)
    await target.close()
    with pytest.raises(TargetError):
        await waiting


async def test_a_meter_is_limited_and_freed(target, dataplane):
    await target.write_meter("Egress.slice_meters", 3, MeterRate(1, 2, 3, 4))
    assert dataplane.meters["Egress.slice_meters", 3] == MeterConfig(1, 2, 3, 4)
    await target.write_meter("Egress.slice_meters", 3, None)
    assert dataplane.meters["Egress.slice_meters", 3] is None
    with pytest.raises(WriteRejectedError, match="beyond its 8 cells"):
        await target.write_meter("Egress.slice_meters", 8, None)


async def test_packets_travel_both_ways_with_their_metadata(target, dataplane):
    received = asyncio.Queue()
    target.on_packet_in(received.put)
    dataplane.receiver((257 << 7).to_bytes(2, "big") + b"\x02frame")
    packet = await asyncio.wait_for(received.get(), 5)
    assert packet == PacketIn(ingress_port=257, egress_port=0, reason=2, frame=b"frame")
    await target.packet_out(300, b"reply")
    await eventually(lambda: dataplane.sent)
    assert dataplane.sent == [(300 << 7).to_bytes(2, "big") + b"reply"]


async def test_a_receiver_that_fails_gets_the_next_packet_all_the_same(target, dataplane, caplog):
    received = asyncio.Queue()

    async def receive(packet):
        if packet.frame == b"bad":
            raise RuntimeError("cannot read this")
        await received.put(packet.frame)

    target.on_packet_in(receive)
    dataplane.receiver(b"\x00\x00\x00bad")
    dataplane.receiver(b"\x00\x00\x00good")
    assert await asyncio.wait_for(received.get(), 5) == b"good"
    assert "could not be dealt with" in caplog.text


async def test_closing_fails_what_waits_and_leaves_the_switch_to_others(
    target, foreign_client, server
):
    waiting = asyncio.create_task(target.apply(Plan(inserts=(session(1),))))
    await asyncio.sleep(0)
    await target.close()
    with pytest.raises(TargetError):
        await waiting
    client = foreign_client(1)
    await client.bid()
    assert (await client.notice())[0] == grpc.StatusCode.OK.value[0]


async def test_cells_of_a_register_are_written_and_read_in_the_order_asked(target, dataplane):
    await target.write_registers("Ingress.quotas", {3: (1 << 32 - 1, 1), 0: (7, 2)})
    assert dataplane.registers["Ingress.quotas"] == {3: (1 << 32 - 1, 1), 0: (7, 2)}
    cells = await target.read_registers("Ingress.quotas", [3, 1, 0, 3])
    assert cells == [(1 << 32 - 1, 1), (0, 0), (7, 2), (1 << 32 - 1, 1)]
    with pytest.raises(WriteRejectedError, match="beyond its"):
        await target.write_registers("Ingress.quotas", {1 << 20: (1, 1)})
    assert "Egress.usage" in target.counters()


async def test_columns_of_counters_are_asked_for_again_and_again(target, dataplane, monkeypatch):
    """Cells that lie side by side are one read of the switch."""
    reads = []
    read = dataplane.read_counter
    monkeypatch.setattr(
        dataplane, "read_counter", lambda *cells: reads.append(cells[1:]) or read(*cells)
    )
    request = target.counters_request("Egress.usage", [1, 2, 3, 7, 5, 9])
    for octets in (100, 200):
        for index in range(10):
            dataplane.write_counter("Egress.usage", index, CounterValue(index, index * octets))
        packets, found = await target.read_columns(request)
        assert list(packets) == [1, 2, 3, 7, 5, 9]
        assert list(found) == [each * octets for each in packets]
    assert reads == [(1, 9)] * 2
    with pytest.raises(TargetError, match="beyond its 10 cells"):
        await target.read_columns(target.counters_request("Egress.usage", [8, 9, 10]))


async def test_mirrored_packets_are_sent_where_told_whatever_was_before(target, dataplane):
    for port in (1, 2):
        await target.write_clone_session(1, port)
        assert dataplane.clones[1].replicas == (Replica(port, 1),)

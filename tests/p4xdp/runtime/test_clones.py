"""CloneSessionEntry: written, read, refused."""

from __future__ import annotations

import grpc
import pytest
from finsy.proto import p4r

from p4xdp.dataplane import CloneSession, Replica
from p4xdp.kept import MemoryKept
from p4xdp.runtime.replication import CloneSessions

MODIFY, INSERT, DELETE = p4r.Update.MODIFY, p4r.Update.INSERT, p4r.Update.DELETE
INVALID, NOT_FOUND, ALREADY_EXISTS, OUT_OF_RANGE, UNIMPLEMENTED = 3, 5, 6, 11, 12


def session(number, *replicas, **fields):
    """A clone session; replicas are (port, instance)."""
    entry = p4r.PacketReplicationEngineEntry()
    clones = entry.clone_session_entry
    clones.session_id = number
    for port, instance in replicas:
        clones.replicas.add(port=port, instance=instance)
    for name, value in fields.items():
        setattr(clones, name, value)
    return entry


async def sessions(client, number=0):
    asked = p4r.PacketReplicationEngineEntry()
    asked.clone_session_entry.session_id = number
    found = await client.read(packet_replication_engine_entry=asked)
    return [one.packet_replication_engine_entry for one in found]


@pytest.mark.clause("Clone sessions", "INSERT, MODIFY and DELETE; reading one or, with 0, all")
async def test_a_session_is_inserted_modified_read_and_deleted(client, dataplane):
    first = session(5, (b"\xc0", 3), (b"\x02", 0), packet_length_bytes=100, class_of_service=2)
    await client.write((INSERT, first), (INSERT, session(1023, (b"\x01", 1))))
    assert dataplane.clones == {
        5: CloneSession((Replica(192, 3), Replica(2, 0)), 100),
        1023: CloneSession((Replica(1, 1),)),
    }
    assert await sessions(client, 5) == [first]
    assert await sessions(client) == [first, session(1023, (b"\x01", 1))]
    await client.write((MODIFY, session(5, (b"\x01", 0))))
    assert await sessions(client, 5) == [session(5, (b"\x01", 0))]
    await client.write((DELETE, session(5)))
    assert set(dataplane.clones) == {1023}
    assert await sessions(client) == [session(1023, (b"\x01", 1))]


async def test_ports_are_read_back_in_their_shortest_form_or_as_numbers(client):
    old = session(1)
    old.clone_session_entry.replicas.add(egress_port=2)
    await client.write((INSERT, session(7, (b"\0\0\0\xc0", 0))), (INSERT, old))
    assert await sessions(client) == [session(7, (b"\xc0", 0)), old]


@pytest.mark.clause(
    "Clone sessions", "session 0 cannot be written; ports and instances must exist, replicas differ"
)
@pytest.mark.parametrize(
    ("kind", "entry", "code"),
    [
        pytest.param(INSERT, session(0, (b"\x01", 0)), INVALID, id="session 0"),
        pytest.param(INSERT, session(5, (b"\x01", 0)), ALREADY_EXISTS, id="known session"),
        pytest.param(MODIFY, session(6, (b"\x01", 0)), NOT_FOUND, id="unknown session"),
        pytest.param(DELETE, session(6), NOT_FOUND, id="deleting an unknown session"),
        pytest.param(INSERT, session(6, (b"\x09", 0)), INVALID, id="unknown port"),
        pytest.param(INSERT, session(6, (b"", 0)), OUT_OF_RANGE, id="empty port"),
        pytest.param(INSERT, session(6, (b"\x01" * 5, 0)), OUT_OF_RANGE, id="wide port"),
        pytest.param(INSERT, session(6, (b"\x01", 1 << 16)), INVALID, id="large instance"),
        pytest.param(INSERT, session(6, *[(b"\x01", 2)] * 2), INVALID, id="one replica twice"),
        pytest.param(INSERT, session(6, packet_length_bytes=-1), INVALID, id="negative length"),
        pytest.param(INSERT, p4r.PacketReplicationEngineEntry(), INVALID, id="neither"),
        pytest.param(
            INSERT,
            p4r.PacketReplicationEngineEntry(
                multicast_group_entry=p4r.MulticastGroupEntry(multicast_group_id=1)
            ),
            UNIMPLEMENTED,
            id="multicast group",
        ),
    ],
)
async def test_sessions_that_cannot_be_are_refused(client, dataplane, kind, entry, code):
    await client.write((INSERT, session(5, (b"\x01", 0))))
    before = dict(dataplane.clones)
    assert await client.codes((kind, entry)) == [code]
    assert dataplane.clones == before


async def test_a_replica_without_a_port_is_refused(client):
    entry = session(5)
    entry.clone_session_entry.replicas.add(instance=1)
    assert await client.codes((INSERT, entry)) == [INVALID]


@pytest.mark.clause("Clone sessions", "sessions take part in batches that are rolled back")
async def test_what_is_rolled_back_was_never_there(client, dataplane):
    await client.write((INSERT, session(5, (b"\x01", 0))), (INSERT, session(6, (b"\x02", 0))))
    before = dict(dataplane.clones)
    codes = await client.codes(
        (DELETE, session(5)),
        (MODIFY, session(6, (b"\x01", 9))),
        (INSERT, session(7, (b"\x01", 0))),
        (INSERT, session(7, (b"\x01", 0))),
        atomicity=p4r.WriteRequest.ROLLBACK_ON_ERROR,
    )
    assert codes == [10, 10, 10, ALREADY_EXISTS]
    assert dataplane.clones == before
    assert len(await sessions(client)) == 2


async def test_reading_a_session_that_is_not_there_is_refused(client):
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await sessions(client, 4)
    assert "no clone session 4" in refusal.value.details()


async def test_a_new_pipeline_config_ends_all_sessions(client, dataplane, p4info):
    await client.write((INSERT, session(5, (b"\x01", 0))))
    request = p4r.SetForwardingPipelineConfigRequest(
        device_id=1, action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT
    )
    request.election_id.low = 1
    request.config.p4info.CopyFrom(p4info)
    await client.stub.SetForwardingPipelineConfig(request)
    assert dataplane.clones == {}
    assert await sessions(client) == []


def test_a_server_that_follows_goes_on_with_the_sessions_that_still_can_be(dataplane, caplog):
    kept = MemoryKept()
    for entry in (session(5, (b"\x01", 3)), session(6, (b"\x09", 0))):
        clones = entry.clone_session_entry
        kept.put("clone", str(clones.session_id), clones.SerializeToString())
    sessions = CloneSessions(kept)
    sessions.restore(dataplane)
    assert dataplane.clones == {5: CloneSession((Replica(1, 3),))}
    assert set(sessions) == {5}
    assert set(kept.all("clone")) == {"5"}
    assert "clone session 6 is given up: there are ports 1, 2 and 192" in caplog.text

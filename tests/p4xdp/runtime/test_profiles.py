"""ActionProfileMember and ActionProfileGroup: written, read, refused, and referred to."""

from __future__ import annotations

import grpc
import pytest
from finsy.proto import p4r

from p4xdp.profiles import bucket_entries, buckets_of, buckets_table, set_group, set_member

MODIFY, INSERT, DELETE = p4r.Update.MODIFY, p4r.Update.INSERT, p4r.Update.DELETE
PROFILE, SELECTOR, BY_MEMBER, BY_GROUP, SEND = (
    0x11000001,
    0x11000002,
    0x02000011,
    0x02000012,
    0x01000011,
)
INVALID, NOT_FOUND, ALREADY_EXISTS, FULL, PRECONDITION = 3, 5, 6, 8, 9
NAME, BUCKETS = "I.choice", buckets_table("I.choice")


@pytest.fixture
def p4info(p4info_with_profiles):
    return p4info_with_profiles


def member(number, port=b"\x01", profile=SELECTOR, action=SEND):
    message = p4r.ActionProfileMember(action_profile_id=profile, member_id=number)
    if port is not None:
        message.action.action_id = action
        message.action.params.add(param_id=1, value=port)
    return message


def group(number, *members, max_size=4, profile=SELECTOR):
    """A group; members are (number, weight)."""
    message = p4r.ActionProfileGroup(action_profile_id=profile, group_id=number, max_size=max_size)
    for member_id, weight in members:
        message.members.add(member_id=member_id, weight=weight)
    return message


def entry(table=BY_GROUP, key=b"\x05", **reference):
    message = p4r.TableEntry(table_id=table)
    message.match.add(field_id=1).exact.value = key
    for name, value in reference.items():
        setattr(message.action, name, value)
    return message


async def read_members(client, profile=0, number=0):
    query = p4r.ActionProfileMember(action_profile_id=profile, member_id=number)
    return [e.action_profile_member for e in await client.read(action_profile_member=query)]


async def read_groups(client, profile=0, number=0):
    query = p4r.ActionProfileGroup(action_profile_id=profile, group_id=number)
    return [e.action_profile_group for e in await client.read(action_profile_group=query)]


def held(dataplane, table):
    return {
        tuple(match.value for match in one.matches): (one.action, one.arguments)
        for one in dataplane.tables.get(table, {}).values()
    }


@pytest.mark.clause("Action profiles", "members are inserted, modified, read and deleted")
async def test_a_member_is_inserted_modified_read_and_deleted(client, dataplane):
    await client.write((INSERT, member(3)), (INSERT, member(0xFFFFFFFF, b"\x01\xff")))
    assert held(dataplane, NAME) == {
        (3,): ("I.send_to", (1,)),
        (0xFFFFFFFF,): ("I.send_to", (511,)),
    }
    await client.write((MODIFY, member(3, b"\0\x02")))
    assert await read_members(client, SELECTOR, 3) == [member(3, b"\x02")]
    assert len(await read_members(client)) == 2
    assert await read_members(client, PROFILE) == []
    await client.write((DELETE, member(3, None)))
    assert set(held(dataplane, NAME)) == {(0xFFFFFFFF,)}


@pytest.mark.clause("Action profiles", "groups are inserted, modified, read and deleted")
async def test_a_group_has_a_bucket_for_each_of_its_shares(client, dataplane):
    await client.write(*((INSERT, member(number)) for number in (1, 2)))
    await client.write((INSERT, group(7, (1, 3), (2, 1))))
    buckets = buckets_of(4)
    expected = bucket_entries(NAME, 7, [1, 1, 1, 2], buckets)
    assert set(dataplane.tables[BUCKETS].values()) == set(expected)
    assert await read_groups(client, SELECTOR, 7) == [group(7, (1, 3), (2, 1))]
    await client.write((MODIFY, group(7, (2, 1))))
    assert {one.arguments for one in dataplane.tables[BUCKETS].values()} == {(2,)}
    await client.write((MODIFY, group(7)))
    assert not dataplane.tables[BUCKETS]
    await client.write((DELETE, group(7, max_size=0)))
    assert await read_groups(client) == []


@pytest.mark.clause("Action profiles", "entries refer to members and groups, and read back so")
async def test_entries_refer_to_members_and_groups(client, dataplane):
    await client.write((INSERT, member(1)), (INSERT, member(1, profile=PROFILE)))
    await client.write((INSERT, group(9, (1, 1))))
    by_group, by_member = (
        entry(action_profile_group_id=9),
        entry(key=b"\x06", action_profile_member_id=1),
    )
    other = entry(BY_MEMBER, action_profile_member_id=1)
    await client.write((INSERT, by_group), (INSERT, by_member), (INSERT, other))
    assert held(dataplane, "I.by_group") == {
        (5,): (set_group("I.by_group"), (9,)),
        (6,): (set_member(NAME), (1,)),
    }
    assert held(dataplane, "I.by_member") == {(5,): (set_member("I.members"), (1,))}
    assert await client.entries(table_id=BY_GROUP) == [by_group, by_member]
    assert await client.entries(table_id=BY_MEMBER) == [other]


@pytest.mark.clause("Action profiles", "what is wrong with members, groups and references")
@pytest.mark.parametrize(
    ("kind", "message", "code"),
    [
        pytest.param(INSERT, member(0), INVALID, id="member 0"),
        pytest.param(INSERT, member(1), ALREADY_EXISTS, id="known member"),
        pytest.param(INSERT, member(4, None), INVALID, id="member without action"),
        pytest.param(INSERT, member(4, action=0x01000099), INVALID, id="another action"),
        pytest.param(MODIFY, member(4), NOT_FOUND, id="unknown member"),
        pytest.param(DELETE, member(4), NOT_FOUND, id="deleting an unknown member"),
        pytest.param(DELETE, member(1), PRECONDITION, id="member of a group"),
        pytest.param(DELETE, member(2), PRECONDITION, id="member of an entry"),
        pytest.param(INSERT, member(4, profile=0x11000009), NOT_FOUND, id="unknown profile"),
        pytest.param(INSERT, group(0, (1, 1)), INVALID, id="group 0"),
        pytest.param(INSERT, group(9, (1, 1)), ALREADY_EXISTS, id="known group"),
        pytest.param(MODIFY, group(4, (1, 1)), NOT_FOUND, id="unknown group"),
        pytest.param(DELETE, group(9), PRECONDITION, id="group of an entry"),
        pytest.param(INSERT, group(4, (5, 1)), NOT_FOUND, id="unknown member in a group"),
        pytest.param(INSERT, group(4, (1, 1), (1, 1)), INVALID, id="a member twice"),
        pytest.param(INSERT, group(4, (1, 0)), INVALID, id="weight 0"),
        pytest.param(INSERT, group(4, (1, 5)), FULL, id="more weights than max_size"),
        pytest.param(INSERT, group(4, (1, 1), max_size=5), INVALID, id="large max_size"),
        pytest.param(INSERT, group(4, (1, 1), max_size=0), INVALID, id="no max_size"),
        pytest.param(MODIFY, group(9, (1, 1), max_size=3), INVALID, id="another max_size"),
        pytest.param(INSERT, group(4, profile=PROFILE), INVALID, id="group of no selector"),
        pytest.param(
            INSERT, entry(key=b"\x07", action_profile_member_id=8), NOT_FOUND, id="entry, member"
        ),
        pytest.param(
            INSERT, entry(key=b"\x07", action_profile_group_id=8), NOT_FOUND, id="entry, group"
        ),
        pytest.param(
            INSERT, entry(BY_MEMBER, action_profile_group_id=9), INVALID, id="entry, no groups"
        ),
        pytest.param(INSERT, entry(key=b"\x07"), INVALID, id="entry without action"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    client, dataplane, kind, message, code
):
    await client.write(*((INSERT, member(number)) for number in (1, 2)))
    await client.write((INSERT, group(9, (1, 1))), (INSERT, entry(action_profile_group_id=9)))
    await client.write((INSERT, entry(key=b"\x06", action_profile_member_id=2)))
    before = {name: dict(held) for name, held in dataplane.tables.items() if held}
    assert await client.codes((kind, message)) == [code]
    assert {name: held for name, held in dataplane.tables.items() if held} == before


async def test_reading_what_is_not_there_is_refused(client):
    for read in (read_members, read_groups):
        with pytest.raises(grpc.aio.AioRpcError):
            await read(client, SELECTOR, 4)


async def test_what_is_rolled_back_is_as_it_was(client, dataplane):
    await client.write((INSERT, member(1)), (INSERT, member(2)), (INSERT, group(9, (1, 1))))
    before = {name: dict(held) for name, held in dataplane.tables.items() if held}
    codes = await client.codes(
        (MODIFY, member(1, b"\x09")),
        (MODIFY, group(9, (2, 1))),
        (DELETE, member(1)),
        (INSERT, member(2)),
        atomicity=p4r.WriteRequest.ROLLBACK_ON_ERROR,
    )
    assert codes == [10, 10, 10, ALREADY_EXISTS]
    assert {name: held for name, held in dataplane.tables.items() if held} == before


async def test_a_full_profile_takes_no_more(client, dataplane):
    dataplane.capacity[NAME] = 1
    await client.write((INSERT, member(1)))
    assert await client.codes((INSERT, member(2))) == [FULL]


async def test_a_new_pipeline_config_removes_groups_and_members(client, dataplane, p4info):
    await client.write((INSERT, member(1)), (INSERT, group(9, (1, 1))))
    await client.write((INSERT, entry(action_profile_group_id=9)))
    request = p4r.SetForwardingPipelineConfigRequest(
        device_id=1, action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT
    )
    request.election_id.low = 1
    request.config.p4info.CopyFrom(p4info)
    await client.stub.SetForwardingPipelineConfig(request)
    assert not any(dataplane.tables.values())
    assert await read_members(client) == await read_groups(client) == []

"""One-shot programming of selectors, and groups that follow their watch ports."""

from __future__ import annotations

import pytest
from finsy.proto import p4r

from p4xdp.kept import FileKept
from p4xdp.profiles import buckets_table
from p4xdp.runtime import serve

MODIFY, INSERT, DELETE = p4r.Update.MODIFY, p4r.Update.INSERT, p4r.Update.DELETE
INVALID, NOT_FOUND, ALREADY_EXISTS, FULL, ABORTED, UNIMPLEMENTED = 3, 5, 6, 8, 10, 12
NAME = "I.choice"
BUCKETS = buckets_table(NAME)


SELECTOR, BY_MEMBER, BY_GROUP, SEND = 0x11000002, 0x02000011, 0x02000012, 0x01000011


@pytest.fixture
def p4info(p4info_with_profiles):
    return p4info_with_profiles


def entry(table, key=b"\x05"):
    message = p4r.TableEntry(table_id=table)
    message.match.add(field_id=1).exact.value = key
    return message


def member(number):
    message = p4r.ActionProfileMember(action_profile_id=SELECTOR, member_id=number)
    message.action.action_id = SEND
    message.action.params.add(param_id=1, value=b"\x01")
    return message


def group(number, *members):
    message = p4r.ActionProfileGroup(action_profile_id=SELECTOR, group_id=number, max_size=4)
    for member_id, watched in members:
        message.members.add(member_id=member_id, weight=1, watch_port=watched)
    return message


def one_shot(*actions, key=b"\x05", table=BY_GROUP):
    """An entry with an action set; actions are (port, weight) or (port, weight, watch port)."""
    message = entry(table, key)
    chosen = message.action.action_profile_action_set
    chosen.SetInParent()
    for port, weight, *watched in actions:
        one = chosen.action_profile_actions.add(weight=weight)
        one.action.action_id = SEND
        one.action.params.add(param_id=1, value=bytes([port]))
        if watched:
            one.watch_port = bytes(watched)
    return message


def chosen(dataplane, key=5):
    """The ports that an entry's buckets lead to, each with how many of them."""
    members = {
        one.matches[0].value: one.arguments[0] for one in dataplane.tables.get(NAME, {}).values()
    }
    (found,) = (e for e in dataplane.tables["I.by_group"].values() if e.matches[0].value == key)
    shares = {}
    for one in dataplane.tables.get(BUCKETS, {}).values():
        if one.matches[0].value == found.arguments[0]:
            port = members[one.arguments[0]]
            shares[port] = shares.get(port, 0) + 1
    return shares


def is_empty(dataplane):
    return not any(dataplane.tables.get(name) for name in (NAME, BUCKETS, "I.by_group"))


@pytest.mark.clause(
    "One-shot action sets", "an entry brings group and members along, and takes them with it"
)
async def test_a_set_comes_and_goes_with_its_entry(client, dataplane):
    await client.write((INSERT, one_shot((1, 3), (2, 1))))
    assert chosen(dataplane) == {1: 12, 2: 4}
    await client.write((DELETE, entry(BY_GROUP)))
    assert is_empty(dataplane)


@pytest.mark.clause(
    "One-shot action sets", "MODIFY puts another set in the place of the one before"
)
async def test_a_set_is_replaced(client, dataplane):
    await client.write((INSERT, one_shot((1, 3), (2, 1))), (MODIFY, one_shot((7, 1))))
    assert chosen(dataplane) == {7: 16}
    assert len(dataplane.tables[NAME]) == 1
    await client.write((MODIFY, entry(BY_GROUP)))
    assert chosen(dataplane) == {7: 16}


@pytest.mark.clause(
    "One-shot action sets", "a read answers with the message as it was written, never desugared"
)
async def test_sets_read_back_as_written(client):
    written = [one_shot((1, 3, 2), (1, 1), key=b"\x05"), one_shot((3, 1), key=b"\x06")]
    await client.write(*((INSERT, one) for one in written))
    assert await client.entries(table_id=BY_GROUP) == written
    assert await client.read(action_profile_member=p4r.ActionProfileMember()) == []
    assert await client.read(action_profile_group=p4r.ActionProfileGroup()) == []


@pytest.mark.clause(
    "One-shot action sets", "what is wrong with a set: INVALID_ARGUMENT, or UNIMPLEMENTED"
)
@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        pytest.param(one_shot((1, 0)), INVALID, id="weight 0"),
        pytest.param(one_shot((1, -1)), INVALID, id="negative weight"),
        pytest.param(one_shot((1, 3), (2, 2)), INVALID, id="heavier than a group"),
        pytest.param(one_shot(*[(1, 1)] * 5), INVALID, id="more members than a group"),
        pytest.param(one_shot((1, 1, 9)), INVALID, id="unknown watch port"),
        pytest.param(one_shot((1, 1), table=BY_MEMBER), INVALID, id="no selector"),
    ],
)
async def test_a_wrong_set_is_refused_and_changes_nothing(client, dataplane, wanted, code):
    assert await client.codes((INSERT, wanted)) == [code]
    assert is_empty(dataplane)


async def test_other_modes_are_not_implemented(client, dataplane):
    random, by_members, named = (one_shot((1, 1)) for _ in range(3))
    random.action.action_profile_action_set.action_selection_mode = (
        p4r.ActionProfileActionSet.RANDOM
    )
    by_members.action.action_profile_action_set.size_semantics = (
        p4r.ActionProfileActionSet.SUM_OF_MEMBERS
    )
    for wanted in (random, by_members):
        assert await client.codes((INSERT, wanted)) == [UNIMPLEMENTED]
    named.action.action_profile_action_set.action_selection_mode = p4r.ActionProfileActionSet.HASH
    await client.write((INSERT, named))
    assert chosen(dataplane) == {1: 16}


@pytest.mark.clause(
    "One-shot action sets", "beside members and groups of the same profile: INVALID_ARGUMENT"
)
async def test_a_profile_has_either_sets_or_members_and_groups(client):
    await client.write((INSERT, one_shot((1, 1))))
    assert await client.codes((INSERT, member(1)), (INSERT, group(1))) == [INVALID, INVALID]
    await client.write((DELETE, entry(BY_GROUP)), (INSERT, member(1)))
    assert await client.codes((INSERT, one_shot((1, 1)))) == [INVALID]


async def test_a_set_whose_entry_is_refused_leaves_nothing(client, dataplane):
    await client.write((INSERT, one_shot((1, 1))))
    assert await client.codes((INSERT, one_shot((2, 1)))) == [ALREADY_EXISTS]
    assert chosen(dataplane) == {1: 16}
    assert len(dataplane.tables[NAME]) == 1
    assert await client.codes((MODIFY, one_shot((2, 1), key=b"\x06"))) == [NOT_FOUND]
    dataplane.capacity["I.by_group"] = 1
    assert await client.codes((INSERT, one_shot((2, 1), key=b"\x06"))) == [FULL]
    dataplane.capacity[NAME] = 2
    assert await client.codes((MODIFY, one_shot((2, 1), (3, 1)))) == [FULL]
    assert chosen(dataplane) == {1: 16}
    assert len(dataplane.tables[NAME]) == 1


@pytest.mark.parametrize("last", [INSERT, MODIFY, DELETE])
async def test_what_is_rolled_back_is_as_it_was(client, dataplane, last):
    first = one_shot((1, 1), (2, 1))
    await client.write((INSERT, first))
    update = {
        INSERT: (INSERT, one_shot((3, 1), key=b"\x06")),
        MODIFY: (MODIFY, one_shot((3, 1))),
        DELETE: (DELETE, entry(BY_GROUP)),
    }[last]
    wrong = (DELETE, entry(BY_GROUP, b"\x09"))
    rollback = p4r.WriteRequest.ROLLBACK_ON_ERROR
    assert await client.codes(update, wrong, atomicity=rollback) == [ABORTED, NOT_FOUND]
    assert await client.entries(table_id=BY_GROUP) == [first]
    assert chosen(dataplane) == {1: 8, 2: 8}
    assert len(dataplane.tables[NAME]) == 2


async def test_a_new_pipeline_config_removes_sets(client, dataplane, p4info):
    await client.write((INSERT, one_shot((1, 1))))
    request = p4r.SetForwardingPipelineConfigRequest(
        device_id=1, action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT
    )
    request.election_id.low = 1
    request.config.p4info.CopyFrom(p4info)
    await client.stub.SetForwardingPipelineConfig(request)
    assert is_empty(dataplane)
    await client.write((INSERT, member(1)))


async def test_sets_are_there_after_a_restart_but_not_what_a_kill_left(
    dataplane, p4info, tmp_path, client_type
):
    for turn in range(2):
        kept = FileKept(tmp_path / "kept")
        server = await serve(dataplane, p4info, listen="127.0.0.1:0", kept=kept)
        client = await client_type(server.address).become_primary()
        if turn == 0:
            await client.write((INSERT, one_shot((1, 3), (2, 1))))
            await client.write((INSERT, one_shot((5, 1), key=b"\x06")))
            # As if killed between removing an entry and what it had brought along.
            by_key = dataplane.tables["I.by_group"]
            gone = next(k for k, e in by_key.items() if e.matches[0].value == 6)
            del by_key[gone]
        else:
            assert await client.entries(table_id=BY_GROUP) == [one_shot((1, 3), (2, 1))]
            assert chosen(dataplane) == {1: 12, 2: 4}
            assert len(dataplane.tables[NAME]) == 2
            await client.write((DELETE, entry(BY_GROUP)), (INSERT, member(1)))
            assert not dataplane.tables[BUCKETS]
        await client.close()
        await server.stop(0)
        kept.close()


@pytest.mark.clause("Action profiles", "a member whose watch port is down is left out")
async def test_groups_and_sets_follow_their_watch_ports(client, dataplane):
    await client.write((INSERT, one_shot((1, 1, 1), (2, 1, 2), (3, 2))))
    assert chosen(dataplane) == {1: 4, 2: 4, 3: 8}
    dataplane.ports[2] = "down"
    dataplane.port_receiver()
    assert chosen(dataplane) == {1: 6, 3: 10}
    await client.write((MODIFY, one_shot((1, 1, 1), (2, 1, 2))))
    dataplane.ports[1] = "gone"
    dataplane.port_receiver()
    assert chosen(dataplane) == {}
    dataplane.ports[2] = "up"
    dataplane.port_receiver()
    assert chosen(dataplane) == {2: 16}


@pytest.mark.clause("Action profiles", "a watch port that does not exist: INVALID_ARGUMENT")
async def test_a_group_watches_the_ports_of_its_members(client, dataplane):
    await client.write((INSERT, member(1)), (INSERT, member(2)))
    watching = group(9, (1, b""), (2, b"\x02"))
    await client.write((INSERT, watching))
    dataplane.ports[2] = "down"
    dataplane.port_receiver()
    assert {one.arguments for one in dataplane.tables[BUCKETS].values()} == {(1,)}
    assert await client.read(action_profile_group=p4r.ActionProfileGroup()) == [
        p4r.Entity(action_profile_group=watching)
    ]
    assert await client.codes((INSERT, group(8, (1, b"\x09")))) == [INVALID]

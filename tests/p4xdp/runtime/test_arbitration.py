"""Mastership: the state machine alone, then over real streams."""

from __future__ import annotations

import grpc
import pytest
from finsy.proto import p4r

from p4xdp.runtime.arbitration import MAX_CLIENTS_PER_ROLE, Arbitration
from p4xdp.runtime.errors import Code, RequestError


def told(notices):
    return [(n.client, n.status, n.highest) for n in notices]


@pytest.fixture
def arbitration():
    return Arbitration(1)


def bid(arbitration, client, election_id, device_id=1, role=""):
    return told(arbitration.update(client, device_id=device_id, role=role, election_id=election_id))


def refused(call, *args, **kwargs):
    with pytest.raises(RequestError) as caught:
        call(*args, **kwargs)
    return caught.value.code


@pytest.mark.clause(
    "Client arbitration",
    "a controller whose election id is at least the highest ever seen becomes the primary",
)
def test_the_first_client_with_an_election_id_is_primary(arbitration):
    assert bid(arbitration, "a", 5) == [("a", Code.OK, 5)]
    assert arbitration.primary() == "a"


@pytest.mark.clause(
    "Client arbitration", "an unset election id never makes a primary, and differs from zero"
)
def test_election_id_zero_is_an_election_id_but_unset_is_none(arbitration):
    assert bid(arbitration, "a", None) == [("a", Code.NOT_FOUND, None)]
    assert bid(arbitration, "b", 0) == [("a", Code.ALREADY_EXISTS, 0), ("b", Code.OK, 0)]


@pytest.mark.clause(
    "Arbitration notifications", "all others are told of a new primary before it is"
)
@pytest.mark.clause(
    "Arbitration notifications", "status is OK for the primary, ALREADY_EXISTS for backups"
)
def test_a_higher_bid_takes_over_and_backups_hear_of_it_first(arbitration):
    bid(arbitration, "a", 5)
    assert bid(arbitration, "b", 3) == [("b", Code.ALREADY_EXISTS, 5)]
    assert bid(arbitration, "c", 7) == [
        ("a", Code.ALREADY_EXISTS, 7),
        ("b", Code.ALREADY_EXISTS, 7),
        ("c", Code.OK, 7),
    ]


@pytest.mark.clause(
    "Arbitration notifications", "all others are told of a new primary before it is"
)
def test_the_new_primary_is_told_last_however_long_it_has_been_there(arbitration):
    bid(arbitration, "a", 1)
    bid(arbitration, "b", 5)
    assert [client for client, _, _ in bid(arbitration, "a", 7)] == ["b", "a"]


@pytest.mark.clause(
    "Client arbitration", "the highest election id ever received is remembered after its owner left"
)
@pytest.mark.clause(
    "Arbitration notifications", "status is NOT_FOUND for all when there is no primary"
)
def test_after_the_primary_left_only_its_election_id_or_a_higher_one_wins(arbitration):
    bid(arbitration, "a", 5)
    bid(arbitration, "b", 3)
    assert told(arbitration.leave("a")) == [("b", Code.NOT_FOUND, 5)]
    assert arbitration.primary() is None
    assert bid(arbitration, "b", 4) == [("b", Code.NOT_FOUND, 5)]
    assert bid(arbitration, "b", 5) == [("b", Code.OK, 5)]


@pytest.mark.clause(
    "Client arbitration", "a live controller may change its election id, and with it step down"
)
@pytest.mark.clause("Arbitration notifications", "all are told when a primary steps down")
def test_a_primary_that_lowers_its_bid_steps_down_and_all_are_told(arbitration):
    bid(arbitration, "a", 5)
    bid(arbitration, "b", 3)
    assert bid(arbitration, "a", 1) == [("a", Code.NOT_FOUND, 5), ("b", Code.NOT_FOUND, 5)]


@pytest.mark.clause(
    "Client arbitration", "a live controller may change its election id, and with it step down"
)
def test_a_primary_that_withdraws_its_election_id_steps_down(arbitration):
    bid(arbitration, "a", 5)
    assert bid(arbitration, "a", None) == [("a", Code.NOT_FOUND, 5)]


@pytest.mark.clause("Arbitration notifications", "only a change of the primary is announced")
def test_a_backup_that_leaves_is_not_announced(arbitration):
    bid(arbitration, "a", 5)
    bid(arbitration, "b", 3)
    assert told(arbitration.leave("b")) == []


@pytest.mark.clause(
    "Client arbitration",
    "an election id used by another live controller of the role: INVALID_ARGUMENT, "
    "and the stream ends",
)
def test_an_election_id_in_use_is_refused_in_words_that_clients_look_for(arbitration):
    bid(arbitration, "a", 5)
    with pytest.raises(RequestError, match=r"(?i)election id .*\bused\b") as caught:
        bid(arbitration, "b", 5)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert bid(arbitration, "a", 5) == [("a", Code.OK, 5)]


@pytest.mark.clause(
    "Client arbitration",
    "a stream that changes its device or role: FAILED_PRECONDITION, and it ends",
)
def test_device_and_role_of_a_stream_are_fixed(arbitration):
    assert refused(bid, arbitration, "a", 5, device_id=2) is Code.NOT_FOUND
    bid(arbitration, "a", 5)
    assert refused(bid, arbitration, "a", 5, device_id=2) is Code.FAILED_PRECONDITION
    assert refused(bid, arbitration, "a", 5, role="other") is Code.FAILED_PRECONDITION


@pytest.mark.clause("Client arbitration", "every role has a primary of its own")
def test_roles_elect_their_primaries_apart(arbitration):
    bid(arbitration, "a", 5)
    assert bid(arbitration, "b", 5, role="stats") == [("b", Code.OK, 5)]
    assert arbitration.primaries() == ["a", "b"]
    arbitration.authorise(device_id=1, role="stats", election_id=5)


@pytest.mark.clause(
    "Client arbitration", "more streams of a role than supported: RESOURCE_EXHAUSTED"
)
def test_too_many_clients_are_refused(arbitration):
    for number in range(MAX_CLIENTS_PER_ROLE):
        bid(arbitration, number, number)
    assert refused(bid, arbitration, "one more", 999) is Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("request_ids", "code"),
    [
        pytest.param({"device_id": 2, "role": "", "election_id": 5}, Code.NOT_FOUND, id="device"),
        pytest.param({"device_id": 1, "role": "x", "election_id": 5}, Code.NOT_FOUND, id="role"),
        pytest.param(
            {"device_id": 1, "role": "", "election_id": 4}, Code.PERMISSION_DENIED, id="backup"
        ),
        pytest.param(
            {"device_id": 1, "role": "", "election_id": None}, Code.PERMISSION_DENIED, id="unset"
        ),
    ],
)
@pytest.mark.clause(
    "Write", "checked in this order: device and role NOT_FOUND, not the primary PERMISSION_DENIED"
)
def test_only_the_primary_may_write(arbitration, request_ids, code):
    bid(arbitration, "a", 5)
    assert refused(arbitration.authorise, **request_ids) is code


# --- over streams ----------------------------------------------------------------------------


@pytest.mark.clause(
    "Client arbitration", "a demoted primary's writes are PERMISSION_DENIED from then on"
)
async def test_two_controllers_fight_and_the_loser_can_no_longer_write(new_client, table_entry):
    first, second = new_client(1), new_client(2)
    await first.become_primary()
    await second.become_primary()
    assert await first.notice() == (6, 2)
    entry = table_entry(
        "table_id: 0x02000002 match { field_id: 1 exact { value: '\\x01' } } "
        "action { action { action_id: 0x01000002 params { param_id: 1 value: 'a' } } }"
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await first.write((p4r.Update.INSERT, entry))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    await second.write((p4r.Update.INSERT, entry))
    await second.close()
    assert await first.notice() == (5, 2)
    await first.bid(2)
    assert await first.notice() == (0, 2)


@pytest.mark.parametrize(
    ("first_bid", "second_bid", "code"),
    [
        pytest.param({"device_id": 7}, None, "NOT_FOUND", id="unknown device"),
        pytest.param({"device_id": 0}, None, "NOT_FOUND", id="device 0"),
        pytest.param({}, {"role": "x"}, "FAILED_PRECONDITION", id="role changed"),
        pytest.param({}, {"device_id": 2}, "FAILED_PRECONDITION", id="device changed"),
    ],
)
@pytest.mark.clause("Client arbitration", "an unknown device: NOT_FOUND, and the stream ends")
@pytest.mark.clause(
    "Client arbitration",
    "a stream that changes its device or role: FAILED_PRECONDITION, and it ends",
)
@pytest.mark.clause("Default-valued fields and symmetry", "device id 0 is no device")
async def test_a_wrong_bid_ends_the_stream(new_client, first_bid, second_bid, code):
    client = new_client()
    await client.bid(**first_bid)
    if second_bid is not None:
        await client.notice()
        await client.bid(**second_bid)
    assert (await client.stream_code()).name == code


@pytest.mark.clause(
    "Arbitration notifications", "notices reach a slow reader, whatever packets it has missed"
)
async def test_a_client_that_takes_no_packets_hears_of_arbitration(new_client, monkeypatch):
    monkeypatch.setattr("p4xdp.runtime.streams.PACKETS_IN_FLIGHT", 0)
    await new_client().become_primary()


@pytest.mark.clause("Client arbitration", "election ids have 128 bits")
async def test_an_election_id_of_128_bits_is_kept_whole(new_client):
    client = new_client((7 << 64) + 1)
    await client.bid()
    assert await client.notice() == (0, (7 << 64) + 1)


@pytest.mark.clause("Client arbitration", "a role config of no agreed scheme: INVALID_ARGUMENT")
async def test_a_role_configuration_is_refused(new_client):
    client = new_client()
    message = p4r.StreamMessageRequest()
    message.arbitration.device_id = 1
    message.arbitration.role.name = "r"
    message.arbitration.role.config.type_url = "x/y"
    await client.stream.write(message)
    assert (await client.stream_code()).name == "INVALID_ARGUMENT"


@pytest.mark.clause("Client arbitration", "the first message of a stream is an arbitration")
async def test_packets_before_arbitration_end_the_stream(new_client):
    client = new_client()
    await client.stream.write(p4r.StreamMessageRequest(packet=p4r.PacketOut(payload=b"x")))
    assert (await client.stream_code()).name == "FAILED_PRECONDITION"

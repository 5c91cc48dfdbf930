"""DigestEntry: written, read, refused; lists of what packets tell, acknowledged or not."""

from __future__ import annotations

import asyncio

import pytest
from finsy.proto import p4i, p4r

MODIFY, INSERT, DELETE = p4r.Update.MODIFY, p4r.Update.INSERT, p4r.Update.DELETE
SEEN, WORDS, HEADERS = 0x17000001, 0x17000002, 0x17000003
INVALID, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED = 3, 5, 6, 7
DIGESTS = """
digests {
  preamble { id: 0x17000001 name: "ID.seen" alias: "seen" }
  type_spec { struct { name: "seen_t" } }
}
digests {
  preamble { id: 0x17000002 name: "ID.words" alias: "words" }
  type_spec { bitstring { bit { bitwidth: 16 } } }
}
digests {
  preamble { id: 0x17000003 name: "ID.headers" alias: "headers" }
  type_spec { header { name: "head_t" } }
}
type_info {
  structs {
    key: "seen_t"
    value {
      members { name: "address" type_spec { bitstring { bit { bitwidth: 48 } } } }
      members { name: "temperature" type_spec { bitstring { int { bitwidth: 8 } } } }
      members { name: "is_new" type_spec { bool { } } }
    }
  }
  headers {
    key: "head_t"
    value {
      members { name: "a" type_spec { bit { bitwidth: 8 } } }
      members { name: "b" type_spec { int { bitwidth: 16 } } }
    }
  }
}
"""


@pytest.fixture
def p4info(p4info, table_entry):
    with_digests = p4i.P4Info()
    with_digests.CopyFrom(p4info)
    with_digests.MergeFrom(table_entry(DIGESTS, p4i.P4Info))
    return with_digests


def entry(digest_id, timeout_s=0.0, most=0, ack_s=0.0):
    configured = p4r.DigestEntry(digest_id=digest_id)
    configured.config.max_timeout_ns = int(timeout_s * 1e9)
    configured.config.max_list_size = most
    configured.config.ack_timeout_ns = int(ack_s * 1e9)
    return configured


async def next_list(client, timeout_s=5):
    message = await asyncio.wait_for(client.receive(), timeout_s)
    assert message.WhichOneof("update") == "digest"
    return message.digest


def words(digest):
    return [int.from_bytes(data.bitstring, "big") for data in digest.data]


async def acknowledge(client, digest):
    ack = p4r.DigestListAck(digest_id=digest.digest_id, list_id=digest.list_id)
    await client.stream.write(p4r.StreamMessageRequest(digest_ack=ack))
    await client.read(digest_entry=p4r.DigestEntry())  # what was sent before is dealt with


@pytest.mark.clause("Digests", "INSERT enables, MODIFY configures, DELETE ends a digest")
async def test_an_entry_is_inserted_modified_read_and_deleted(client):
    await client.write((INSERT, entry(WORDS, 1, 5, 2)), (INSERT, entry(SEEN)))
    await client.write((MODIFY, entry(WORDS, 3)))
    found = await client.read(digest_entry=p4r.DigestEntry(digest_id=WORDS))
    assert [one.digest_entry for one in found] == [entry(WORDS, 3)]
    assert len(await client.read(digest_entry=p4r.DigestEntry())) == 2
    await client.write((DELETE, entry(WORDS)))
    assert await client.read(digest_entry=p4r.DigestEntry(digest_id=WORDS)) == []


@pytest.mark.clause("Digests", "entries of unknown digests and negative settings are refused")
@pytest.mark.parametrize(
    ("kind", "wanted", "code"),
    [
        pytest.param(INSERT, entry(0x17000009), NOT_FOUND, id="unknown digest"),
        pytest.param(INSERT, entry(SEEN), ALREADY_EXISTS, id="configured already"),
        pytest.param(MODIFY, entry(WORDS), NOT_FOUND, id="not configured"),
        pytest.param(DELETE, entry(WORDS), NOT_FOUND, id="deleting what is not there"),
        pytest.param(INSERT, entry(WORDS, most=-1), INVALID, id="negative size"),
        pytest.param(MODIFY, entry(SEEN, timeout_s=-1), INVALID, id="negative timeout"),
        pytest.param(MODIFY, entry(SEEN, ack_s=-1), INVALID, id="negative time to acknowledge"),
    ],
)
async def test_entries_that_cannot_be_are_refused(client, kind, wanted, code):
    await client.write((INSERT, entry(SEEN)))
    assert await client.codes((kind, wanted)) == [code]


async def test_what_is_rolled_back_was_never_configured(client):
    codes = await client.codes(
        (INSERT, entry(SEEN)),
        (INSERT, entry(SEEN)),
        atomicity=p4r.WriteRequest.ROLLBACK_ON_ERROR,
    )
    assert codes == [10, ALREADY_EXISTS]
    assert await client.read(digest_entry=p4r.DigestEntry()) == []


async def test_values_are_told_as_their_types_say(client, dataplane):
    await client.write((INSERT, entry(SEEN)), (INSERT, entry(HEADERS)))
    dataplane.digest_receiver("ID.seen", (0x0200_0000_0001, 0xFE, 1))
    digest = await next_list(client)
    (data,) = digest.data
    address, temperature, is_new = data.struct.members
    assert address.bitstring == b"\x02\0\0\0\0\x01"
    assert temperature.bitstring == b"\xfe"
    assert is_new.bool
    assert digest.timestamp
    dataplane.digest_receiver("ID.headers", (7, 0x0080))
    (data,) = (await next_list(client)).data
    assert data.header.is_valid
    assert list(data.header.bitstrings) == [b"\x07", b"\0\x80"]


@pytest.mark.clause("Digests", "max_timeout_ns 0: a list for every message")
async def test_without_a_timeout_each_message_is_a_list_of_its_own(client, dataplane):
    await client.write((INSERT, entry(WORDS)))
    for word in (1, 2, 2):
        dataplane.digest_receiver("ID.words", (word,))
    lists = [await next_list(client) for _ in range(3)]
    assert [words(one) for one in lists] == [[1], [2], [2]]
    assert len({one.list_id for one in lists}) == 3


@pytest.mark.clause("Digests", "a list is sent with max_list_size distinct messages")
async def test_a_list_is_sent_when_it_is_full_and_no_message_twice_in_it(client, dataplane):
    await client.write((INSERT, entry(WORDS, timeout_s=3600, most=3)))
    for word in (1, 2, 1, 2, 3, 4):
        dataplane.digest_receiver("ID.words", (word,))
    assert words(await next_list(client)) == [1, 2, 3]


@pytest.mark.clause("Digests", "a list is sent max_timeout_ns after its first message")
async def test_a_list_is_sent_when_its_first_message_has_waited_long_enough(client, dataplane):
    await client.write((INSERT, entry(WORDS, timeout_s=0.05)))
    for word in (5, 6):
        dataplane.digest_receiver("ID.words", (word,))
    assert words(await next_list(client)) == [5, 6]


@pytest.mark.clause("Digests", "what is not acknowledged is not sent again")
async def test_what_was_sent_is_not_sent_again_until_it_is_acknowledged(client, dataplane):
    await client.write((INSERT, entry(WORDS, ack_s=3600)))
    dataplane.digest_receiver("ID.words", (1,))
    sent = await next_list(client)
    dataplane.digest_receiver("ID.words", (1,))
    dataplane.digest_receiver("ID.words", (2,))
    assert words(await next_list(client)) == [2]
    await acknowledge(client, sent)
    dataplane.digest_receiver("ID.words", (1,))
    assert words(await next_list(client)) == [1]


@pytest.mark.clause("Digests", "after ack_timeout_ns it is")
async def test_what_is_not_acknowledged_in_time_is_sent_again(client, dataplane):
    await client.write((INSERT, entry(WORDS, ack_s=0.02)))
    dataplane.digest_receiver("ID.words", (1,))
    await next_list(client)
    await asyncio.sleep(0.1)
    dataplane.digest_receiver("ID.words", (1,))
    assert words(await next_list(client)) == [1]


async def test_what_nobody_asked_for_is_not_told(client, dataplane):
    dataplane.digest_receiver("ID.words", (1,))
    await client.write((INSERT, entry(WORDS, timeout_s=0.02)))
    dataplane.digest_receiver("ID.words", (2,))
    await client.write((DELETE, entry(WORDS)))
    await asyncio.sleep(0.1)
    await client.write((INSERT, entry(WORDS)))
    dataplane.digest_receiver("ID.words", (3,))
    assert words(await next_list(client)) == [3]


async def test_acknowledging_a_digest_that_is_not_there_is_an_error(client):
    ack = p4r.DigestListAck(digest_id=0x17000009, list_id=1)
    await client.stream.write(p4r.StreamMessageRequest(digest_ack=ack))
    error = (await client.receive()).error
    assert error.canonical_code == NOT_FOUND
    assert error.digest_list_ack.digest_list_ack == ack


async def test_only_the_primary_acknowledges(client, new_client):
    backup = new_client(election_id=0)
    await backup.bid()
    await backup.notice()
    ack = p4r.DigestListAck(digest_id=WORDS, list_id=1)
    await backup.stream.write(p4r.StreamMessageRequest(digest_ack=ack))
    assert (await backup.receive()).error.canonical_code == PERMISSION_DENIED

"""Subscribers put into a database that speaks MongoDB's protocol."""

from __future__ import annotations

import struct

from testbed.ueransim import mongo


def test_a_document_is_encoded_as_bson() -> None:
    # the first example of bsonspec.org
    assert mongo.bson({"hello": "world"}) == (
        b"\x16\x00\x00\x00\x02hello\x00\x06\x00\x00\x00world\x00\x00"
    )


def test_a_list_is_a_document_of_indices() -> None:
    assert mongo.bson({"a": ["b"]}) == mongo.bson({"a": {"0": "b"}}).replace(
        b"\x03a\x00", b"\x04a\x00"
    )


def test_small_integers_booleans_and_null_have_types_of_their_own() -> None:
    octets = mongo.bson({"i": 1, "l": 1 << 40, "t": True, "n": None})
    assert b"\x10i\x00\x01\x00\x00\x00" in octets
    assert b"\x12l\x00" + (1 << 40).to_bytes(8, "little") in octets
    assert b"\x08t\x00\x01" in octets
    assert b"\x0an\x00" in octets


def test_an_insert_says_its_length_and_where_it_goes() -> None:
    octets = mongo.insert_request(7, "open5gs", "subscribers", [{"imsi": "1"}])
    length, request_id, response_to, operation = struct.unpack_from("<iiii", octets)
    assert (length, request_id, response_to, operation) == (len(octets), 7, 0, 2013)
    for part in (b"insert\x00", b"subscribers\x00", b"$db\x00", b"imsi\x00"):
        assert part in octets

"""Datagrams of 64 KB made to cost much: time and memory stay in proportion to their octets."""

import time
import tracemalloc
from contextlib import suppress
from ipaddress import IPv4Address

import pytest

from pfcp import ies, messages, schema
from pfcp.dissection import MOST_DEPTH, dissect
from pfcp.endpoint import Endpoint
from pfcp.errors import DecodeError, EncodeError

MOST_OCTETS = 65_507
"""What one UDP datagram over IPv4 can hold."""

MOST_PEAK_BYTES = 32 << 20
MOST_CPU_S = 3.0

GROUPS = [spec for spec in schema.IES.values() if spec.group_fields]


def framed(ie_type, body):
    return ie_type.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def request(body, message_type=52):
    return (
        bytes([0x21, message_type])
        + (12 + len(body)).to_bytes(2, "big")
        + bytes(8)
        + b"\0\0\1\0"
        + body
    )


def filled(unit):
    """Units one after the other, as many as a datagram holds."""
    return request(unit * ((MOST_OCTETS - 16) // len(unit)))


def nested(ie_types):
    """Each IE inside the one before it, as deep as a datagram holds."""
    body, number = b"", 0
    while len(body) + 4 <= MOST_OCTETS - 16:
        body = framed(ie_types[number % len(ie_types)], body)
        number += 1
    return request(body)


def overlapping():
    """Lengths that each reach to the end, so that every IE seems to hold all that follow."""
    octets = bytearray()
    while len(octets) + 4 <= MOST_OCTETS - 16:
        left = MOST_OCTETS - 16 - len(octets) - 4
        octets += (3).to_bytes(2, "big") + left.to_bytes(2, "big")
    return request(bytes(octets))


def empty_in_a_group(spec):
    """A group full of empty IEs, so many that the group is as long as an IE may be."""
    return request(framed(spec.ie_type, framed(0x7FFE, b"") * 16_000))


CASES = {
    "unknown IEs of no octets": filled(framed(0x7FFE, b"")),
    "vendor IEs of no octets": filled(framed(0x8001, b"\0\1")),
    "one octet each": filled(framed(0x7FFE, b"\1")),
    "Query URR": filled(framed(77, framed(81, b"\0\0\0\1"))),
    "Remove PDR of empty IEs": filled(framed(15, framed(56, b"\0\1") + framed(0x7FFE, b"") * 8)),
    "Update PDR of all optional": filled(framed(9, framed(56, b"\0\1"))),
    "one IE of all octets": request(framed(0x7FFE, bytes(MOST_OCTETS - 20))),
    "a PDI inside a PDI": nested([2]),
    "Create PDR inside PDI": nested([1, 2]),
    "every group in turn": nested([spec.ie_type for spec in GROUPS]),
    "overlapping lengths": overlapping(),
    "a length beyond the datagram": request(bytes.fromhex("0001ffff")),
}
LARGEST = sorted(GROUPS, key=lambda spec: -len(spec.group_fields))[:5]
"""The groups whose values take most memory."""
CASES |= {f"{spec.name} of empty IEs": empty_in_a_group(spec) for spec in LARGEST}
CASES |= {f"{spec.name} of no octets": filled(framed(spec.ie_type, b"")) for spec in LARGEST}


def endpoint_takes(octets):
    node = ies.NodeID(value=IPv4Address("192.0.2.2"))
    endpoint = Endpoint(node_id=node, recovery_time_stamp=1, random=lambda: 0.0)
    endpoint.receive_datagram(octets, ("192.0.2.1", 8805), 0.0)


def decode_and_encode(octets):
    with suppress(DecodeError):
        messages.decode(octets).encode()


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_datagram_costs_no_more_than_its_size_allows(name):
    octets = CASES[name]
    assert len(octets) <= MOST_OCTETS
    for take in (decode_and_encode, endpoint_takes, dissect):
        tracemalloc.start()
        began_s = time.process_time()
        try:
            take(octets)
            took_s = time.process_time() - began_s
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak_bytes < MOST_PEAK_BYTES, take
        assert took_s < MOST_CPU_S, take


def test_the_hostile_datagrams_are_as_long_as_they_can_be():
    assert sum(len(octets) > 60_000 for octets in CASES.values()) > len(CASES) * 0.9


def test_groups_inside_each_other_are_shown_to_a_depth():
    (dissection,) = dissect(nested([2]))
    elements, depth = dissection.elements, 0
    while elements[-1].elements:
        elements, depth = elements[-1].elements, depth + 1
    assert (depth, elements[-1].error) == (MOST_DEPTH + 1, "too deep to show")


def test_a_name_that_no_labels_can_say_is_read_and_given_back():
    octets = b"\x02" + b"x" * 300
    node_id = ies.NodeID.decode(octets)
    assert node_id.encode() == octets
    with pytest.raises(EncodeError):
        ies.NodeID(value="x" * 300).encode()

"""Counters as columns: the same to protocol buffers, and only what looks so is read so."""

import numpy as np
import pytest
from finsy.proto import p4r
from hypothesis import given
from hypothesis import strategies as st

from p4xdp import columns
from p4xdp.runtime.cells import CellsRequest

INDEXES = st.integers(0, (1 << 32) - 1)
COUNTS = st.integers(0, (1 << 64) - 1)
IDS = st.integers(1, (1 << 32) - 1)
MOST = (1 << 63) - 1


def cells_of(counter_id, told):
    indexes, packets, octets = zip(*told, strict=True)
    arrays = (np.array(each, np.uint64) for each in (indexes, packets, octets))
    return columns.Cells(counter_id, *arrays)


@given(IDS, st.lists(st.tuples(INDEXES, COUNTS, COUNTS), min_size=1, max_size=20))
def test_a_response_says_the_same_to_any_reader(counter_id, told):
    octets = columns.response(cells_of(counter_id, told))
    found = [e.counter_entry for e in p4r.ReadResponse.FromString(octets).entities]
    expected = [(i, min(p, MOST), min(o, MOST)) for i, p, o in told]
    assert {each.counter_id for each in found} == {counter_id}
    seen = [(e.index.index, e.data.packet_count, e.data.byte_count) for e in found]
    assert seen == expected
    read = columns.read_response(octets)
    assert read.counter_id == counter_id
    parts = (read.indexes, read.packets, read.octets)
    assert list(zip(*(part.tolist() for part in parts), strict=True)) == expected


@given(st.integers(1, MOST), IDS, st.lists(INDEXES, min_size=1, max_size=20))
def test_a_request_says_the_same_to_any_reader(device_id, counter_id, indexes):
    octets = columns.request(device_id, counter_id, indexes)
    message = p4r.ReadRequest.FromString(octets)
    assert message.device_id == device_id
    found = [each.counter_entry for each in message.entities]
    assert [(e.counter_id, e.index.index) for e in found] == [(counter_id, i) for i in indexes]
    request = CellsRequest.parse(octets)
    assert (request.device_id, request.counter_id) == (device_id, counter_id)
    assert request.indexes.tolist() == indexes
    assert request.message() == message


@given(st.binary(max_size=200))
def test_other_octets_are_read_in_no_other_way(octets):
    response = columns.read_response(octets)
    assert response is None or columns.response(response) == octets
    request = columns.read_request(octets)
    assert request is None or columns.request(request[0], request[1], request[2]) == octets


def ordinary(**entry):
    request = p4r.ReadRequest(device_id=1)
    request.entities.add(counter_entry=p4r.CounterEntry(counter_id=0x12000001, **entry))
    return request


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        ordinary().SerializeToString(),
        ordinary(index=p4r.Index(index=1)).SerializeToString(),
        p4r.ReadRequest(device_id=1, role="r").SerializeToString(),
        columns.request(1, 5, [1]) + columns.request(1, 6, [1])[2:],  # of two counters
        columns.request(1, 5, [1])[:-1],
        columns.request(1, 5, [1]) + p4r.ReadRequest(role="r").SerializeToString(),
    ],
)
def test_other_requests_are_left_to_others(octets):
    assert CellsRequest.parse(octets) is None


def test_other_responses_are_left_to_others():
    response = p4r.ReadResponse()
    assert columns.read_response(response.SerializeToString()) is None
    response.entities.add().counter_entry.counter_id = 5
    assert columns.read_response(response.SerializeToString()) is None
    one, other = (cells_of(counter_id, [(1, 2, 3)]) for counter_id in (5, 6))
    assert columns.read_response(columns.response(one) + columns.response(other)) is None

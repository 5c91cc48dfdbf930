"""Decoders that remember: equal octets, one value, and no more of them than is said."""

import pytest

from pfcp import ies
from pfcp.errors import DecodeError
from pfcp.keeping import MOST_OCTETS, MOST_VALUES, keeping


def test_equal_octets_give_one_value_wherever_they_stand():
    read = keeping(ies.CreateQER.read)
    octets = ies.CreateQER(qer_id=1, gate_status=ies.GateStatus(uplink=0, downlink=0)).encode()
    first = read(octets, 0, len(octets))
    assert read(b"\xff" + octets + b"\xff", 1, 1 + len(octets)) is first
    assert first.qer_id == 1


def test_old_values_go_when_there_are_too_many():
    made = []

    def read(buffer, start, end):
        made.append(buffer[start:end])
        return made[-1]

    kept = keeping(read)
    for number in range(MOST_VALUES + 1):
        kept(number.to_bytes(2, "big"), 0, 2)
    kept(b"\x00\x00", 0, 2)
    assert made.count(b"\x00\x00") == 2
    assert len(made) == MOST_VALUES + 2


def test_long_values_are_read_anew_each_time():
    made = []
    kept = keeping(lambda buffer, start, end: made.append(end) or buffer[start:end])
    for _ in range(2):
        kept(bytes(MOST_OCTETS + 1), 0, MOST_OCTETS + 1)
    assert len(made) == 2


def test_what_cannot_be_read_is_an_error_each_time():
    read = keeping(ies.CreateQER.read)
    for _ in range(2):
        with pytest.raises(DecodeError):
            read(b"\x00\x6d", 0, 2)

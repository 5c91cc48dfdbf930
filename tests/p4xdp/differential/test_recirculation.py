"""recirculation.p4 by interpreter and by XDP: packets that go through the program once more."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import CounterValue, DataplaneError, Entry, Match

SOURCE = Path(__file__).parents[1] / "programs" / "recirculation.p4"
RECIRCULATION_PORTS = (68, 511)
PORTS = (1, *RECIRCULATION_PORTS)
PORT = st.sampled_from([2, 3, 68, 68, 511, 511])
ACTIONS = st.one_of(
    st.tuples(st.just("send"), st.tuples(PORT)),
    st.tuples(st.just("push"), st.tuples(PORT, st.sampled_from([0, 5, 6, 255]))),
    st.tuples(st.just("pop"), st.tuples(PORT)),
    st.just(("refuse", ())),
)
WAYS = st.dictionaries(
    st.tuples(st.sampled_from(PORTS), st.integers(0, 1)), ACTIONS, min_size=3
).map(
    lambda ways: [
        Entry((Match(port, 0x1FF), Match(is_tagged, 1)), f"Ingress.{name}", arguments)
        for (port, is_tagged), (name, arguments) in ways.items()
    ]
)
FRAMES = st.builds(
    lambda head, value, rest: bytes([*head, value]) + bytes(14) + rest,
    st.sampled_from([b"\0", b"\1\5\0\0\0", b"\1\6\0\0\1", b"\1\0\0\0\0"]),
    st.integers(0, 255),
    st.sampled_from([b"", b"payload" * 20]),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE, recirculation_ports=RECIRCULATION_PORTS)


def counted(dataplane):
    return [dataplane.read_counter("Ingress.received", port, 1)[0] for port in PORTS]


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(ways=WAYS, frames=st.lists(FRAMES, min_size=8, max_size=20))
def test_xdp_recirculates_as_the_interpreter_does(sides, ways, frames):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    for port in PORTS:
        xdp.write_counter("Ingress.received", port, CounterValue(0, 0))
    for side in (interpreter, xdp):
        side.insert_entries("Ingress.ways", ways)
    try:
        for frame in frames:
            assert xdp.run(1, frame, 1) == interpreter.run(1, frame, 1), frame.hex()
        assert counted(xdp) == counted(interpreter)
    finally:
        xdp.delete_entries("Ingress.ways", ways)


@pytest.mark.root
def test_a_packet_goes_round_once_and_not_twice(sides):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    ways = [
        Entry((Match(port, 0x1FF), Match(0, 1)), "Ingress.send", (to,))
        for port, to in ((1, 68), (68, 511), (511, 3))
    ]
    frame = bytes(16)
    for side in (interpreter, xdp):
        side.insert_entries("Ingress.ways", ways)
        assert side.run(1, frame, 1).verdict == "drop"
        assert side.run(68, frame, 1).port == 3
    assert interpreter.switch_drops()["recirculated_twice"] == 1
    xdp.delete_entries("Ingress.ways", ways)


@pytest.mark.root
@pytest.mark.parametrize("port", [192, 193, 512, -1])
def test_a_port_with_another_use_cannot_recirculate(side_by_side, port):
    with pytest.raises(DataplaneError, match="cannot recirculate"):
        side_by_side(SOURCE, recirculation_ports=[port])

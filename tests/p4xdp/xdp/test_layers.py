"""layers.p4: headers taken off, put on, changed and moved, as the interpreter does it."""

import itertools
from pathlib import Path

import pytest

from p4xdp.dataplane import Entry, Match, PacketResult

pytestmark = pytest.mark.root

LAYERS = (Path(__file__).parent / "layers.p4").read_text()

ACTIONS = [
    ("Ingress.push_vlan", (0xABC, 5)),
    ("Ingress.pop_vlan", ()),
    ("Ingress.pop_label", (0x1234,)),
    ("Ingress.change_body", (9, 0xBEEF)),
]
ETHERNET = bytes.fromhex("0211223344550266778899aa")
VLAN = bytes.fromhex("a123")
LABEL = bytes.fromhex("12345678 9abcdef0")
BODY = bytes(range(0x41, 0x41 + 19)) + bytes(60)
FRAMES = {
    "neither": ETHERNET + b"\x86\xdd" + BODY,
    "body": ETHERNET + b"\x88\x88" + BODY,
    "label": ETHERNET + b"\x88\x47" + LABEL + BODY,
    "vlan": ETHERNET + b"\x81\x00" + VLAN + b"\x86\xdd" + BODY,
    "vlan-body": ETHERNET + b"\x81\x00" + VLAN + b"\x88\x88" + BODY,
    "vlan-label": ETHERNET + b"\x81\x00" + VLAN + b"\x88\x47" + LABEL + BODY,
}


@pytest.fixture(scope="module")
def both(built):
    from p4xdp import frontend, xdp
    from p4xdp.interp import Interpreter

    directory = built(LAYERS)
    interpreter = Interpreter(frontend.load(directory / "program.p4"))
    dataplane = xdp.XdpDataplane.open(directory, {}, testing=True)
    for each in (interpreter, dataplane):
        each.insert_entries(
            "Ingress.work",
            [Entry((Match(n, 15),), *action) for n, action in enumerate(ACTIONS)],
        )
    yield interpreter, dataplane
    dataplane.close()


@pytest.mark.parametrize("way", [0x000, 0x010, 0x020, 0x030, 0x100], ids=hex)
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_every_way_out_of_every_stack_has_the_right_octets(both, frame, way):
    interpreter, dataplane = both
    for action, length in itertools.product(range(5), [*range(14, 49), len(frame)]):
        expected = interpreter.run(way | action, frame[:length], 1)
        if len(expected.frame) < 14:  # no frame, says the kernel
            expected = PacketResult("drop", None, b"")
        assert dataplane.run(way | action, frame[:length], 1) == expected


def test_counters_see_the_same_lengths_in_both_gresses(both):
    interpreter, dataplane = both
    for name in ("Ingress.received", "Egress.left"):
        before = dataplane.read_counter(name, 0, 16)
        expected = interpreter.read_counter(name, 0, 16)
        for frame in FRAMES.values():
            dataplane.run(0x012, frame, 1)
            interpreter.run(0x012, frame, 1)
        got = dataplane.read_counter(name, 2, 1)[0].octets - before[2].octets
        assert got == interpreter.read_counter(name, 2, 1)[0].octets - expected[2].octets > 0

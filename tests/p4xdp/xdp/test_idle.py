"""When entries were last hit, in tables of every kind."""

import time
from pathlib import Path

import pytest

from p4xdp import frontend
from p4xdp.dataplane import DataplaneError, Entry, Match
from p4xdp.p4info import p4info
from p4xdp.xdp import XdpDataplane

DIRECT = Path(__file__).parents[1] / "programs" / "direct.p4"
A, B, C, D = TABLES = [f"Ingress.{name}_table" for name in "abcd"]
ENTRIES = {
    A: Entry((Match(1, 0xFF),), "Ingress.a_uncounted", ()),
    B: Entry((Match(2, 0xFFFFFFFF),), "Ingress.b_count", ()),
    C: Entry((Match(0x1200, 0xFF00),), "Ingress.c_meter_it", ()),
    D: Entry((Match(1, 1),), "Ingress.d_both", (5,), 1),
}
HIT = bytes([1]) + (2).to_bytes(4) + b"\x12\x34" + bytes([3]) + bytes(40)
MISS = bytes(48)
A_WHILE_S = 0.08
A_WHILE_NS, SOON_NS = 60_000_000, 30_000_000

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def text():
    return DIRECT.read_text().replace("size = 4;", "size = 4;\n        idle_timeout = true;")


def idle_times(dataplane):
    return {table: dataplane.idle_times(table, [ENTRIES[table]])[0] for table in TABLES}


def test_p4info_says_whose_controller_is_notified(text, tmp_path):
    (tmp_path / "p.p4").write_text(text.replace("idle_timeout = true;", "", 1))
    found = p4info(frontend.load(tmp_path / "p.p4")).tables
    behaviors = {table.preamble.name: table.idle_timeout_behavior for table in found}
    assert behaviors == {A: 0, B: 1, C: 1, D: 1}


@pytest.mark.parametrize("side", ["opened", "interpreted"])
def test_a_hit_begins_the_idle_time_anew_and_a_miss_does_not(request, text, side):
    make = request.getfixturevalue(side)
    dataplane = make(text, testing=True) if side == "opened" else make(text)
    for table, entry in ENTRIES.items():
        dataplane.insert_entries(table, [entry])
    assert all(idle < SOON_NS for idle in idle_times(dataplane).values())
    time.sleep(A_WHILE_S)
    dataplane.run(1, MISS, time.monotonic_ns())
    assert all(idle > A_WHILE_NS for idle in idle_times(dataplane).values())
    dataplane.run(1, HIT, time.monotonic_ns())
    assert all(idle < SOON_NS for idle in idle_times(dataplane).values())


def test_an_entry_does_not_inherit_the_hits_of_one_before_it(opened, text):
    dataplane = opened(text, testing=True)
    for _ in range(6):  # more often than there are cells
        dataplane.insert_entries(B, [ENTRIES[B]])
        assert dataplane.idle_times(B, [ENTRIES[B]])[0] < SOON_NS
        dataplane.delete_entries(B, [ENTRIES[B]])
        time.sleep(A_WHILE_S / 2)


def test_without_the_property_nothing_is_known(opened):
    dataplane = opened(DIRECT.read_text(), testing=True)
    dataplane.insert_entries(B, [ENTRIES[B]])
    with pytest.raises(DataplaneError, match="does not know when an entry was hit"):
        dataplane.idle_times(B, [ENTRIES[B]])


def test_idle_times_go_on_when_another_process_takes_over(built, text, home):
    first = XdpDataplane.open(built(text), {}, home=home(), sizes={B: 100})
    first.insert_entries(B, [ENTRIES[B]])
    first.close()
    time.sleep(A_WHILE_S)
    second = XdpDataplane.open(built(text), {}, home=home(), sizes={B: 100})
    assert second.idle_times(B, [ENTRIES[B]])[0] > A_WHILE_NS
    second.close()

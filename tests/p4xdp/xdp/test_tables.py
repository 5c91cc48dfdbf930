"""Entries, defaults and counters in the kernel: all or none, and what packets then find."""

import struct
from types import SimpleNamespace

import pytest

from p4xdp.dataplane import (
    CounterValue,
    DataplaneError,
    Entry,
    Match,
    PacketResult,
    TableFullError,
)
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.maps import Fence
from p4xdp.xdp.rules import BANKS_SIZE, RuleBanks
from p4xdp.xdp.switched import CellArray

pytestmark = pytest.mark.root

TABLE = "Ingress.wires"
FRAME = bytes(64)
ALL = 0x1FF


def send(port_in, port_out):
    return Entry((Match(port_in, ALL),), "Ingress.send", (port_out,))


# The same program with its table kept in each kind of map.
KINDS = {
    "array": [],
    "hash": [("ig_intr_md.ingress_port : exact", "(bit<32>)ig_intr_md.ingress_port : exact")],
    "lpm": [("ig_intr_md.ingress_port : exact", "ig_intr_md.ingress_port : lpm")],
    "scan": [("ig_intr_md.ingress_port : exact", "ig_intr_md.ingress_port : ternary")],
}


@pytest.fixture(params=KINDS)
def text(request, wire):
    for old, new in KINDS[request.param]:
        assert old in wire
        wire = wire.replace(old, new)
    return wire


@pytest.fixture
def switch(opened, text):
    return opened(text, testing=True)


def out_of(switch, port):
    return switch.run(port, FRAME, 1).port


def test_entries_come_change_and_go(switch):
    assert out_of(switch, 5) is None
    switch.insert_entries(TABLE, [send(5, 6), send(511, 0)])
    assert (out_of(switch, 5), out_of(switch, 511), out_of(switch, 6)) == (6, 0, None)
    for port_out in (7, 8, 9):
        switch.modify_entries(TABLE, [send(5, port_out)])
        assert (out_of(switch, 5), out_of(switch, 511)) == (port_out, 0)
    switch.delete_entries(TABLE, [send(5, 0)])
    assert (out_of(switch, 5), out_of(switch, 511)) == (None, 0)
    switch.insert_entries(TABLE, [send(5, 10)])
    assert out_of(switch, 5) == 10


def test_a_default_action_that_may_change_does(switch):
    switch.insert_entries(TABLE, [send(1, 2)])
    switch.set_default(TABLE, "Ingress.send", (99,))
    assert (out_of(switch, 1), out_of(switch, 77)) == (2, 99)
    switch.set_default(TABLE, "Ingress.drop", ())
    assert (out_of(switch, 1), out_of(switch, 77)) == (2, None)


def test_an_insertion_that_cannot_be_whole_changes_nothing(switch):
    switch.insert_entries(TABLE, [send(1, 2)])
    with pytest.raises(DataplaneError, match="has an entry"):
        switch.insert_entries(TABLE, [send(3, 4), send(1, 9)])
    with pytest.raises(DataplaneError, match="twice"):
        switch.insert_entries(TABLE, [send(3, 4), send(3, 5)])
    with pytest.raises(TableFullError, match="16 entries"):
        switch.insert_entries(TABLE, [send(port, 4) for port in range(3, 19)])
    assert (out_of(switch, 1), out_of(switch, 3)) == (2, None)
    switch.insert_entries(TABLE, [send(port, 4) for port in range(3, 18)])
    assert out_of(switch, 17) == 4


def test_changing_or_removing_what_is_not_there_changes_nothing(switch):
    switch.insert_entries(TABLE, [send(1, 2)])
    with pytest.raises(DataplaneError, match="no entry"):
        switch.modify_entries(TABLE, [send(1, 9), send(3, 4)])
    with pytest.raises(DataplaneError, match="no entry"):
        switch.delete_entries(TABLE, [send(1, 9), send(3, 4)])
    assert out_of(switch, 1) == 2


def test_tables_have_the_size_they_are_given(opened, text):
    switch = opened(text, testing=True, sizes={TABLE: 200})
    switch.insert_entries(TABLE, [send(port, 4) for port in range(200)])
    assert out_of(switch, 199) == 4
    with pytest.raises(TableFullError, match="200 entries"):
        switch.insert_entries(TABLE, [send(200, 4)])
    with pytest.raises(LoadError, match=r"Ingress\.unknown"):
        opened(text, sizes={"Ingress.unknown": 5})


def test_packets_find_entries_at_home_and_anywhere_in_a_chain(opened, wire):
    switch = opened(wire.replace(*KINDS["hash"][0]), testing=True)
    table = switch._contents.table(TABLE)

    def both(port, port_out):
        matches = (Match(port, ALL), Match(port, 0xFFFFFFFF))
        return Entry(matches, "Ingress.send", (port_out,))

    homes = {}
    for port in range(512):
        home = table._directory._home(table.key_of(both(port, 0)))
        homes.setdefault(home, []).append(port)
    ports = max(homes.values(), key=len)[:16]
    assert len(ports) == 16
    expected = {port: port ^ 1 for port in ports}
    switch.insert_entries(TABLE, [both(port, port ^ 1) for port in ports])
    assert {port: out_of(switch, port) for port in ports} == expected
    for port in (ports[0], ports[7], ports[15]):  # at home, in the chain, and its start
        switch.modify_entries(TABLE, [both(port, 300)])
        expected[port] = 300
        assert {port: out_of(switch, port) for port in ports} == expected
    for port in (ports[1], ports[0], ports[15]):
        switch.delete_entries(TABLE, [both(port, 0)])
        expected[port] = None
        assert {port: out_of(switch, port) for port in ports} == expected


def test_the_longest_prefix_wins(opened, wire):
    exact = "ig_intr_md.ingress_port : exact"
    two = 'ig_intr_md.ingress_port[8:8] : exact @name("high");\n ig_intr_md.ingress_port : lpm'
    switch = opened(wire.replace(exact, two), testing=True)

    def prefix(high, value, mask, port_out):
        return Entry((Match(high, 1), Match(value, mask)), "Ingress.send", (port_out,))

    switch.insert_entries(
        TABLE,
        [
            prefix(0, 0, 0, 1),
            prefix(0, 0b000100000, 0b111100000, 2),
            prefix(0, 0b000110000, 0b111110000, 3),
            prefix(1, 0b100000001, 0b111111111, 4),
        ],
    )
    ports = (0, 0b000100001, 0b000111111, 0b100000001, 0b100000000)
    assert [out_of(switch, port) for port in ports] == [1, 2, 3, 4, None]


def test_a_table_without_a_key_has_no_entries(opened, wire):
    before, key, after = wire.partition("        key = {")
    assert key
    switch = opened(before + after.partition("}\n")[2], testing=True)
    with pytest.raises(DataplaneError, match="no key, so no entries"):
        switch.insert_entries(TABLE, [Entry((), "Ingress.send", (1,))])
    switch.set_default(TABLE, "Ingress.send", (7,))
    assert out_of(switch, 3) == 7


def test_names_the_program_does_not_have_are_refused(switch):
    with pytest.raises(DataplaneError, match=r"no table Ingress\.nothing"):
        switch.insert_entries("Ingress.nothing", [])
    with pytest.raises(DataplaneError, match="no action"):
        switch.insert_entries(TABLE, [Entry((Match(1, ALL),), "Ingress.fly", ())])
    with pytest.raises(DataplaneError, match="no counter"):
        switch.read_counter("Ingress.nothing", 0, 1)
    with pytest.raises(DataplaneError, match="no meter"):
        switch.write_meter("Ingress.nothing", 0, None)
    with pytest.raises(DataplaneError, match="no direct counter"):
        switch.read_direct_counter(TABLE, send(1, 2))


def test_counters_are_read_in_one_piece_and_set(opened, wire):
    counter = "    Counter<bit<40>, bit<9>>(512, CounterType_t.PACKETS_AND_BYTES) seen;\n"
    count = "        seen.count(ig_intr_md.ingress_port, 4);\n"
    counting = wire.replace("    action send(", counter + "    action send(")
    counting = counting.replace("        wires.apply();\n", count + "        wires.apply();\n")
    switch = opened(counting, testing=True)
    for port, times in ((0, 2), (300, 1), (511, 3)):
        for _ in range(times):
            assert switch.run(port, FRAME, 1) == PacketResult("drop", None, b"")
    values = switch.read_counter("Ingress.seen", 0, 512)
    expected = {0: CounterValue(2, 120), 300: CounterValue(1, 60), 511: CounterValue(3, 180)}
    assert {i: v for i, v in enumerate(values) if v.packets} == expected
    assert switch.read_counter("Ingress.seen", 299, 3)[1] == CounterValue(1, 60)
    switch.write_counter("Ingress.seen", 300, CounterValue(1000, (1 << 40) - 1))
    switch.run(300, FRAME, 1)
    assert switch.read_counter("Ingress.seen", 300, 1) == [CounterValue(1001, 59)]
    with pytest.raises(DataplaneError, match="counter of 512"):
        switch.read_counter("Ingress.seen", 500, 13)


class RecordingMemory(bytearray):
    """Memory that remembers where it was written."""

    def __init__(self, size):
        super().__init__(size)
        self.writes = []

    def __setitem__(self, where, value):
        self.writes.append(where.start if isinstance(where, slice) else where)
        super().__setitem__(where, value)


def test_a_cell_never_shows_packets_an_entry_half_written():
    memory = RecordingMemory(24 * 4)
    cells = SimpleNamespace(mapped=lambda _count: memory, value_size=24)
    waits = []
    array = CellArray(cells, 4, SimpleNamespace(wait=lambda: waits.append(len(memory.writes))))
    key, cell = (2).to_bytes(4, "little"), 48
    steps = ["replace", "replace", "delete", "replace", "replace"]
    for number, (step, waited) in enumerate(zip(steps, [0, 0, 0, 1, 0], strict=True)):
        active, memory.writes = memory[cell], []
        shown = memory[cell + 8 * active : cell + 8 * active + 8]
        if step == "delete":
            array.delete(key)
        else:
            array.replace(key, bytes([number + 1]) * 8)
            assert memory[cell] in {1, 2} - {active}
            assert memory[cell + 8 * memory[cell] :][:8] == bytes([number + 1]) * 8
            assert array.lookup(key) == bytes([number + 1]) * 8
        assert memory.writes[-1] == cell
        # What packets may have found before, they must be done with before it is written.
        assert waits == [0] * waited
        waits.clear()
        if active:
            assert memory[cell + 8 * active : cell + 8 * active + 8] == shown


def test_rules_in_force_and_those_a_packet_may_still_see_are_not_touched():
    rules, state = RecordingMemory(2 * 3 * 16), RecordingMemory(BANKS_SIZE)
    waits = []
    fence = SimpleNamespace(wait=lambda: waits.append((len(rules.writes), len(state.writes))))
    banks = RuleBanks(
        SimpleNamespace(mapped=lambda _count: rules, value_size=16),
        SimpleNamespace(mapped=lambda: state),
        3,
        fence,
    )
    for number in range(1, 5):
        rules.writes, state.writes = [], []
        active = state[0]
        shown = bytes(rules[48 * active : 48 * active + 48])
        banks.publish([bytes([number]) * 16] * (number % 4))
        assert waits.pop() == (0, 0)
        assert bytes(rules[48 * active : 48 * active + 48]) == shown
        assert state.writes[-1] == 0
        assert state[0] == 1 - active
        first, count = struct.unpack_from("<II", state, 8 + 8 * state[0])
        assert (first, count) == (3 * state[0], number % 4)
        assert bytes(rules[16 * first : 16 * (first + count)]) == bytes([number]) * 16 * count


def test_a_scanned_table_cannot_be_made_larger_than_is_scanned(opened, wire):
    text = wire.replace(*KINDS["scan"][0])
    with pytest.raises(LoadError, match=r"Ingress\.wires can have at most 1024 entries, not 1025"):
        opened(text, sizes={TABLE: 1025})
    switch = opened(text, testing=True, sizes={TABLE: 1024})
    rules = [
        Entry((Match(port, ALL),), "Ingress.send", (port ^ 1,), priority)
        for priority, port in enumerate([*range(512), *range(512)], start=1)
    ]
    switch.insert_entries(TABLE, [*rules[1:], rules[0]])
    assert [out_of(switch, port) for port in (0, 511)] == [1, 510]
    switch.delete_entries(TABLE, rules[512:])
    assert [out_of(switch, port) for port in (0, 511)] == [1, 510]
    switch.delete_entries(TABLE, rules[:1])
    assert [out_of(switch, port) for port in (0, 1)] == [None, 0]


def test_the_fence_can_be_waited_at():
    fence = Fence()
    try:
        fence.wait()
        fence.wait()
    finally:
        fence.close()


def test_direct_counters_grow_with_their_table(opened, wire):
    counter = "    DirectCounter<bit<64>>(CounterType_t.PACKETS_AND_BYTES) used;\n"
    counting = wire.replace("    action send(", counter + "    action send(")
    counting = counting.replace("bypass_egress = 1;", "bypass_egress = 1;\n        used.count(4);")
    counting = counting.replace(
        "        size = 16;", "        counters = used;\n        size = 16;"
    )
    switch = opened(counting, testing=True, sizes={TABLE: 40})
    switch.insert_entries(TABLE, [send(port, 1) for port in range(40)])
    for port in (0, 39, 39, 40):
        out_of(switch, port)
    counted = [switch.read_direct_counter(TABLE, send(port, 0)) for port in (0, 1, 39)]
    assert counted == [CounterValue(1, 60), CounterValue(0, 0), CounterValue(2, 120)]
    switch.delete_entries(TABLE, [send(39, 1)])
    switch.insert_entries(TABLE, [send(40, 1)])
    assert switch.read_direct_counter(TABLE, send(40, 0)) == CounterValue(0, 0)
    with pytest.raises(LoadError, match=r"Ingress\.used"):
        opened(counting, sizes={"Ingress.used": 5})


def test_what_maps_hold_can_be_read_back_from_them(switch, text):
    full = 0xFFFFFFFF if "(bit<32>)" in text else ALL
    entries = [Entry((Match(n, full),), "Ingress.send", (n // 2,)) for n in (5, 511, 7)]
    if "ternary" in text:
        entries = [
            Entry((Match(5, 0x0F),), "Ingress.send", (6,), 3),
            Entry((Match(5, ALL),), "Ingress.drop", (), 7),
            Entry((Match(1, ALL),), "Ingress.send", (9,), 3),
        ]
    if ": lpm" in text:
        entries.append(Entry((Match(0x100, 0x1C0),), "Ingress.drop", ()))
    switch.insert_entries(TABLE, entries)
    switch.set_default(TABLE, "Ingress.send", (99,))
    table = switch._contents.table(TABLE)
    table.recover()
    assert sorted(table.entries(), key=repr) == sorted(entries, key=repr)
    assert table.default() == ("Ingress.send", (99,))

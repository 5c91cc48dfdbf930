"""Which entry a packet finds, and what the control plane may do to entries, counters and meters."""

import dataclasses

import pytest

from p4xdp import ir
from p4xdp.dataplane import CounterValue, DataplaneError, Entry, Match, MeterConfig, TableFullError
from p4xdp.interp.store import Store, TableStore

FULL = 0xFFFF


def table(*kinds, size=4):
    keys = tuple(
        ir.Key(f"k{i}", ir.Read(ir.Variable(f"md.k{i}", 16)), ir.MatchKind(kind))
        for i, kind in enumerate(kinds)
    )
    return ir.Table("Ingress.t", keys, (), "NoAction", (), is_default_const=True, size=size)


def entry(*matches, action="a", priority=0):
    return Entry(tuple(matches), action, (), priority)


def exact(value):
    return Match(value, FULL)


def prefix(value, bits):
    return Match(value, FULL ^ (FULL >> bits))


def action_found(store, *values):
    found = store.lookup(values)
    return None if found is None else found.action


def test_exact_key_must_be_equal_in_every_field():
    store = TableStore(table("exact", "exact"))
    store.insert([entry(exact(1), exact(2))])
    assert action_found(store, 1, 2) == "a"
    assert action_found(store, 1, 3) is None
    assert action_found(store, 2, 2) is None


def test_longest_prefix_wins_in_any_order():
    store = TableStore(table("exact", "lpm"))
    store.insert(
        [
            entry(exact(1), prefix(0x1200, 8), action="middle"),
            entry(exact(1), prefix(0x1230, 12), action="long"),
            entry(exact(1), prefix(0, 0), action="all"),
            entry(exact(2), prefix(0x1234, 16), action="elsewhere"),
        ]
    )
    assert action_found(store, 1, 0x1234) == "long"
    assert action_found(store, 1, 0x12FF) == "middle"
    assert action_found(store, 1, 0xFFFF) == "all"
    assert action_found(store, 3, 0x1234) is None


def test_higher_priority_wins_whatever_the_prefix():
    store = TableStore(table("ternary", "lpm"))
    store.insert(
        [
            entry(Match(0, 0), prefix(0x1230, 12), action="long", priority=1),
            entry(Match(0x0F00, 0x0F00), prefix(0, 0), action="urgent", priority=2),
        ]
    )
    assert action_found(store, 0xFFFF, 0x1234) == "urgent"
    assert action_found(store, 0xF0FF, 0x1234) == "long"


def test_range_includes_both_ends():
    store = TableStore(table("range"))
    store.insert([entry(Match(10, 0, high=20), priority=1)])
    assert [action_found(store, v) for v in (9, 10, 20, 21)] == [None, "a", "a", None]


def test_insertion_is_all_or_none():
    store = TableStore(table("exact", size=2))
    store.insert([entry(exact(1))])
    with pytest.raises(DataplaneError, match="already has"):
        store.insert([entry(exact(2)), entry(exact(1))])
    with pytest.raises(DataplaneError, match="twice"):
        store.insert([entry(exact(2)), entry(exact(2))])
    with pytest.raises(TableFullError, match="holds 2"):
        store.insert([entry(exact(2)), entry(exact(3))])
    assert len(store.entries) == 1


def test_modify_and_delete_want_what_is_there():
    store = TableStore(table("exact"))
    store.insert([entry(exact(1))])
    for change in (store.modify, store.delete):
        with pytest.raises(DataplaneError, match="no entry"):
            change([entry(exact(1)), entry(exact(2))])
    store.modify([entry(exact(1), action="b")])
    assert action_found(store, 1) == "b"
    store.delete([entry(exact(1))])
    assert action_found(store, 1) is None


COUNTERS = {
    "both": ir.Counter("both", ir.CounterUnit.BOTH, 64, 4),
    "packets": ir.Counter("packets", ir.CounterUnit.PACKETS, 64, 4),
    "bytes": ir.Counter("bytes", ir.CounterUnit.BYTES, 64, 4),
    "narrow": ir.Counter("narrow", ir.CounterUnit.BOTH, 8, 4),
    "direct": ir.Counter("direct", ir.CounterUnit.BOTH, 64, None, table="Ingress.t"),
}


@pytest.fixture
def store():
    def gress(name, tables, counters, meters):
        return ir.Gress(
            name, (), (), ir.Parser({}), (), (), {}, tables, counters, meters, {}, {}, None,
            reads_parser_error=False,
        )  # fmt: skip

    meters = {
        "m": ir.Meter("m", in_bytes=True, size=4),
        "direct_m": ir.Meter("direct_m", in_bytes=True, size=None, table="Ingress.t"),
    }
    metered = dataclasses.replace(table("exact"), direct_meter="direct_m")
    ingress = gress("ingress", {"Ingress.t": metered}, COUNTERS, meters)
    egress = gress("egress", {}, {}, {})
    return Store(ir.Program("pipe", "tna", ingress, egress, (), (), ""))


@pytest.mark.parametrize(
    ("counter", "expected"),
    [("both", (1, 300)), ("packets", (1, 0)), ("bytes", (0, 300)), ("narrow", (1, 300 - 256))],
)
def test_counter_counts_its_unit_in_its_width(store, counter, expected):
    store.count(counter, 3, None, 300)
    assert store.counter_cell(counter, 3).value() == CounterValue(*expected)
    assert store.counter_cell(counter, 2).value() == CounterValue(0, 0)


def test_cell_outside_a_counter_is_counted_nowhere_and_not_readable(store):
    store.count("both", 4, None, 300)
    with pytest.raises(DataplaneError, match=r"0\.\.3, not 4"):
        store.counter_cell("both", 4)


def test_direct_counter_belongs_to_its_entry(store):
    one = entry(exact(1))
    store.table("Ingress.t").insert([one])
    store.count("direct", None, one, 100)
    store.count("direct", None, None, 100)
    store.table("Ingress.t").modify([entry(exact(1), action="b")])
    assert store.table("Ingress.t").counter(one).value() == CounterValue(1, 100)
    store.table("Ingress.t").delete([one])
    store.table("Ingress.t").insert([one])
    assert store.table("Ingress.t").counter(one).value() == CounterValue(0, 0)


def test_meter_without_configuration_is_none(store):
    assert store.meter("m", 1, None) is None
    store.set_meter("m", 1, MeterConfig(1000, 100, 1000, 100))
    assert store.meter("m", 1, None) is not None
    store.set_meter("m", 1, None)
    assert store.meter("m", 1, None) is None
    assert store.meter("m", 4, None) is None


def test_direct_meter_belongs_to_its_entry(store):
    one, two = entry(exact(1)), entry(exact(2))
    store.table("Ingress.t").insert([one, two])
    store.set_direct_meter("Ingress.t", one, MeterConfig(1000, 100, 1000, 100))
    assert store.meter("direct_m", None, one) is not None
    assert store.meter("direct_m", None, two) is None
    assert store.meter("direct_m", None, None) is None
    store.set_direct_meter("Ingress.t", one, None)
    assert store.meter("direct_m", None, one) is None
    with pytest.raises(DataplaneError, match="no entry"):
        store.set_direct_meter("Ingress.t", entry(exact(3)), None)
    with pytest.raises(DataplaneError, match="direct"):
        store.set_meter("direct_m", 0, None)


@pytest.mark.parametrize("name", ["table", "counter_cell", "set_meter"])
def test_unknown_name_is_refused_by_name(store, name):
    arguments = {"table": (), "counter_cell": (0,), "set_meter": (0, None)}[name]
    with pytest.raises(DataplaneError, match=r"no .* nowhere"):
        getattr(store, name)("nowhere", *arguments)

"""The pairing of tables.py, drops.py and punts.py with the pipeline's own sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from finsy.proto import p4i
from google.protobuf import text_format

from upf import tables
from upf.drops import NUM_DROP_REASONS, DropReason
from upf.metering import banks_of
from upf.punts import PuntReason

P4 = Path(__file__).parents[2] / "p4"


@pytest.fixture(scope="module")
def p4info():
    text = (P4 / "build" / "upf.p4info.txtpb").read_text()
    return text_format.Parse(text, p4i.P4Info())


@pytest.mark.parametrize("key", tables.TABLES, ids=lambda key: key.__name__)
def test_table_has_the_key_fields_of_its_class(p4info, key):
    (table,) = (t for t in p4info.tables if t.preamble.name.endswith(tables.TABLES[key]))
    assert [field.name for field in table.match_fields] == list(key._fields)


@pytest.mark.parametrize("action", tables.ACTIONS, ids=lambda action: action.__name__)
def test_action_has_the_parameters_of_its_class(p4info, action):
    (found,) = (a for a in p4info.actions if a.preamble.name.endswith(tables.ACTIONS[action]))
    assert [param.name for param in found.params] == list(action._fields)


def test_every_table_of_the_pipeline_has_a_class(p4info):
    names = {t.preamble.name for t in p4info.tables if not t.is_const_table}
    assert names == set(tables.TABLES.values())


def test_counters_meters_and_registers_are_there(p4info):
    counters = {counter.preamble.name for counter in p4info.counters}
    assert counters - set(banks_of(counters)) == {
        tables.INGRESS_DROP_COUNTER,
        tables.EGRESS_DROP_COUNTER,
        tables.SLICE_DROP_COUNTER,
    }
    assert {meter.preamble.name for meter in p4info.meters} == {
        tables.FLOW_METER,
        tables.SESSION_METER,
        tables.SLICE_METER,
        tables.PUNT_METER,
    }
    assert [register.preamble.name for register in p4info.registers] == [tables.QUOTAS]


def test_every_slice_has_its_meters_and_every_reason_its_counter(p4info):
    sizes = {each.preamble.name: each.size for each in (*p4info.counters, *p4info.meters)}
    assert sizes[tables.SLICE_METER] == 2 * tables.NUM_SLICES
    assert sizes[tables.INGRESS_DROP_COUNTER] == sizes[tables.EGRESS_DROP_COUNTER]
    assert sizes[tables.EGRESS_DROP_COUNTER] == NUM_DROP_REASONS


def p4_constants(prefix):
    text = (P4 / "include" / "types.p4").read_text()
    found = re.findall(rf"const \w+ {prefix}(\w+) = (\d+);", text)
    return {name: int(value) for name, value in found if name != "NONE"}


def test_drop_reasons_are_those_of_the_pipeline():
    assert p4_constants("DROP_") == {each.name: each.value for each in DropReason}


def test_punt_reasons_are_those_of_the_pipeline():
    assert p4_constants("PUNT_") == {each.name: each.value for each in PuntReason}


def test_copies_for_the_controller_leave_where_the_pipeline_means():
    text = (P4 / "include" / "types.p4").read_text()
    (session,) = re.findall(r"MIRROR_SESSION_CONTROLLER = (\d+);", text)
    (port,) = re.findall(r"#define CPU_PORT (\d+)", text)
    assert (int(session), int(port)) == (tables.MIRROR_SESSION_CONTROLLER, tables.CONTROLLER_PORT)

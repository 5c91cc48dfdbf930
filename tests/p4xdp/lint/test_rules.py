"""What p4c's Tofino back end refuses is named at its place; what is like it and right is not."""

from __future__ import annotations

import pytest

from p4xdp.lint import Severity


def assigning(condition):
    return {"apply": f"if ({condition}) {{ hdr.state.a = 1; }}"}


@pytest.mark.parametrize(
    "condition",
    [
        "hdr.ethernet.src[39:0] == 0x1122334455",
        "hdr.ipv4.src == hdr.state.p",
        "hdr.ipv4.isValid() && hdr.ipv4.src != hdr.state.p && hdr.ipv4.ttl == 77",
        "hdr.ipv4.src == 0x01020304 || hdr.ipv4.dst == 0x05060708 || hdr.udp.src == 77",
        "!(hdr.ipv4.src != 0x01020304 && hdr.ipv4.dst != 0x05060708)",
        "hdr.ipv4.ttl < 77",
        "hdr.udp.src < 1024",
        "hdr.udp.src[13:0] < 1000",
        "hdr.udp.src > 1023",
        "hdr.udp.src <= 2047",
        "1024 > hdr.udp.src",
    ],
)
def test_a_condition_that_p4c_takes_is_no_finding(findings, condition):
    assert findings(**assigning(condition)) == {}


@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ("hdr.ethernet.src == hdr.ethernet.dst", "condition-too-wide"),
        ("hdr.ipv6.first == 0x1122334455667788", "condition-too-wide"),
        ("hdr.ipv4.src == 0x01020304 && hdr.udp.src == 77", "condition-too-wide"),
        ("!(hdr.ipv4.src == 0x01020304 || hdr.udp.src == 77)", "condition-too-wide"),
        ("hdr.udp.src < 1000", "condition-range-too-wide"),
        ("hdr.ipv4.src > 1000000", "condition-range-too-wide"),
        ("hdr.udp.src > 1024", "condition-range-too-wide"),
        ("1023 > hdr.udp.src", "condition-range-too-wide"),
        ("hdr.ipv4.ttl < 77 && hdr.ipv4.tos < 33", "condition-range-too-wide"),
        ("hdr.ipv4.ttl < hdr.ipv4.tos", "order-of-two-fields"),
        ("hdr.ipv4.ttl + hdr.ipv4.tos == 7", "arithmetic-in-condition"),
    ],
)
def test_a_condition_that_no_gateway_evaluates_is_an_error(findings, condition, rule):
    found = findings(**assigning(condition))
    assert list(found) == [rule]
    assert found[rule].severity is Severity.error
    assert str(found[rule].at).endswith("program.p4:13:9")
    assert found[rule].hint


def test_what_a_register_action_compares_is_no_gateways(findings):
    register = (
        "Register<bit<32>, bit<4>>(16) r; RegisterAction<bit<32>, bit<4>, bit<32>>(r) a = "
        "{ void apply(inout bit<32> v) { if (v < hdr.ipv4.src) { v = hdr.ipv4.src; } } };"
    )
    assert findings(locals=register, apply="a.execute(1);") == {}


def test_a_range_key_of_more_than_twenty_bits_is_an_error(findings, table):
    found = findings(locals=table("hdr.ipv4.src", kind="range"), apply="t.apply();")
    assert "32 bits wide; a range has 20" in found["range-key-too-wide"].message
    assert findings(locals=table("hdr.ipv4.src[19:0]", kind="range"), apply="t.apply();") == {}


ALL = "hdr.ipv6.src hdr.ipv6.dst hdr.ipv6.first hdr.ethernet.dst hdr.ethernet.src hdr.ipv4.src "
REST = "hdr.ipv4.dst hdr.state.p hdr.state.q"


def test_a_ternary_key_wider_than_a_stage_matches_is_an_error(findings, table):
    found = findings(locals=table(ALL + REST, kind="ternary"), apply="t.apply();")
    assert "544 bits wide; a stage matches 524" in found["key-too-wide"].message
    assert findings(locals=table(ALL + REST), apply="t.apply();") == {}


def test_a_table_in_branches_that_exclude_each_other_is_only_noted(findings, table):
    found = findings(
        locals=table("hdr.ethernet.dst"),
        apply="if (hdr.ipv4.isValid()) { t.apply(); } else { hdr.state.b = 1; t.apply(); }",
    )
    assert found["table-applied-twice"].severity is Severity.note


COUNTER = "Counter<bit<64>, bit<8>>(256, CounterType_t.BYTES) c;"


def test_a_packet_that_may_use_a_counter_twice_is_an_error(findings):
    found = findings(
        locals=COUNTER,
        apply="c.count(hdr.state.a); if (hdr.ipv4.isValid()) { c.count(hdr.ipv4.ttl); }",
    )
    assert found["extern-used-twice"].severity is Severity.error


def test_a_direct_meter_in_some_of_the_actions_is_an_error(findings, table):
    actions = "action metered(bit<8> a) { hdr.state.a = a; hdr.state.color = m.execute(); }"
    found = findings(
        locals="DirectMeter(MeterType_t.BYTES) m;"
        + actions
        + table("hdr.ethernet.dst", actions="metered; set_b;", more="meters = m;"),
        apply="t.apply();",
    )
    assert "not used in set_b" in found["direct-extern-in-some-actions"].message


def test_arithmetic_that_no_adder_does_is_an_error(findings):
    for statement in (
        "hdr.ethernet.dst = hdr.ethernet.dst + 1;",
        "hdr.ipv6.src = hdr.ipv6.src + 1;",
    ):
        assert "arithmetic-too-wide" in findings(apply=statement)
    assert findings(apply="hdr.ipv6.first = hdr.ipv6.first + 1;") == {}


def test_two_operations_in_one_assignment_are_a_warning(findings):
    found = findings(apply="hdr.ipv4.src = hdr.ipv4.src ^ hdr.ipv4.dst ^ hdr.state.p;")
    assert found["several-operations"].severity is Severity.warning
    assert findings(apply="hdr.ipv4.src = hdr.ipv4.src ^ hdr.ipv4.dst;") == {}


def register_actions(count):
    return "Register<bit<32>, bit<8>>(256) r;" + "".join(
        f"RegisterAction<bit<32>, bit<8>, bit<32>>(r) a{i} = {{"
        f" void apply(inout bit<32> cell) {{ cell = cell + {i + 1}; }} }};"
        for i in range(count)
    )


def executing(count):
    branches = [f"if (hdr.state.a == {i}) {{ a{i}.execute(hdr.state.b); }}" for i in range(count)]
    return " else ".join(branches)


def test_a_register_has_four_actions_at_most(findings):
    found = findings(locals=register_actions(5), apply=executing(5))
    assert found["register-actions"].severity is Severity.error
    allowed = findings(locals=register_actions(4), apply=executing(4))
    assert set(allowed) == {"extern-used-twice"}
    assert allowed["extern-used-twice"].severity is Severity.note


def test_action_data_of_more_than_an_entry_carries_is_an_error(findings, table):
    params = ", ".join(f"bit<128> p{i}" for i in range(9))
    body = " ".join(f"hdr.ipv6.src = p{i};" for i in range(9))
    found = findings(
        locals=f"action wide({params}) {{ {body} }}" + table("hdr.ethernet.dst", actions="wide;"),
        apply="t.apply();",
    )
    assert "1152 bits" in found["action-data-too-wide"].message


def test_the_branches_of_a_register_action_are_no_gateways(findings):
    action = (
        "Register<bit<32>, bit<8>>(256) r; RegisterAction<bit<32>, bit<8>, bit<32>>(r) a = {"
        " void apply(inout bit<32> cell, out bit<32> result) {"
        " if (cell < hdr.ipv4.src) { cell = cell + 1; } result = cell; } };"
    )
    assert findings(locals=action, apply="hdr.state.p = a.execute(hdr.state.b);") == {}

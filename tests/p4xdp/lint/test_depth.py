"""What stands below what, and why."""

from __future__ import annotations


def depth(report):
    return report.dependency_stages["ingress"]


def test_matching_on_what_a_table_sets_takes_a_stage(report, table):
    tables = table("hdr.ethernet.dst") + table("hdr.state.a", name="u", actions="set_b;")
    found = report(locals=tables, apply="t.apply(); u.apply();")
    assert depth(found) == 2
    chain = found.chains["ingress"]
    assert [(link.stage, link.name) for link in chain] == [(0, "Ingress.t"), (1, "Ingress.u")]
    assert chain[1].reason == "matches on hdr.state.a"


def test_tables_without_a_common_field_share_a_stage(report, table):
    tables = table("hdr.ethernet.dst") + table("hdr.ethernet.src", name="u", actions="set_b;")
    assert depth(report(locals=tables, apply="t.apply(); u.apply();")) == 1


def test_writing_the_same_field_takes_a_stage_unless_branches_exclude_each_other(report, table):
    tables = table("hdr.ethernet.dst") + table("hdr.ethernet.src", name="u")
    assert depth(report(locals=tables, apply="t.apply(); u.apply();")) == 2
    either = "if (hdr.ipv4.isValid()) { t.apply(); } else { u.apply(); }"
    assert depth(report(locals=tables, apply=either)) == 1


def test_overwriting_what_a_table_matched_on_takes_none(report, table):
    found = report(locals=table("hdr.state.b"), apply="t.apply(); hdr.state.b = 7;")
    assert depth(found) == 1


def test_different_slices_of_a_field_have_nothing_to_do_with_each_other(report, table):
    tables = table("hdr.udp.src[7:0]", actions="set_b;")
    assert depth(report(locals=tables, apply="hdr.udp.src[15:8] = 1; t.apply();")) == 1
    assert depth(report(locals=tables, apply="hdr.udp.src[8:1] = 1; t.apply();")) == 2


def test_what_hit_decides_needs_no_gateway_and_no_stage(report, table):
    tables = table("hdr.ethernet.dst") + table("hdr.ethernet.src", name="u", actions="set_b;")
    apply = "if (t.apply().hit) { u.apply(); }"
    assert depth(report(locals=tables, apply=apply)) == 1


def test_a_condition_on_what_code_computed_takes_a_stage(report):
    apply = "hdr.state.a = hdr.ipv4.ttl; if (hdr.state.a == 3) { hdr.state.b = 1; }"
    assert depth(report(apply=apply)) == 2


def test_what_nobody_reads_takes_nothing(report):
    assert depth(report(apply="bit<8> useless = hdr.ipv4.ttl;")) == 0


def test_ingress_and_egress_stand_in_the_same_stages(report, table):
    found = report(locals=table("hdr.ethernet.dst"), apply="t.apply();")
    assert found.dependency_stages == {"ingress": 1, "egress": 0}
    assert len(found.stages) == 1

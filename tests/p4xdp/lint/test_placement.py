"""Where tables stand: what the program says of it, and what may share a stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from p4xdp import frontend
from p4xdp.lint import TARGETS, lint

UPF = Path(__file__).parents[3] / "p4" / "upf.p4"


def stages_of(report, name):
    (found,) = [one.stages for one in report.tables if one.name.endswith(f".{name}")]
    return found


def test_a_table_stands_in_the_stage_that_the_program_says(report, table):
    hinted = "@stage(5) " + table("hdr.udp.dst", name="t")
    assert stages_of(report(locals=hinted, apply="t.apply();"), "t") == (5,)


def test_a_table_is_divided_as_the_program_says(report, table):
    hints = "@stage(2, 20480) @stage(4, 40960) "
    text = hints + table("hdr.ethernet.dst", size=61440, name="t")
    found = report(locals=text, apply="t.apply();")
    assert stages_of(found, "t") == (2, 4)
    third, fifth = (stage.srams for stage in found.stages if stage.srams)
    assert fifth == pytest.approx(2 * third, abs=2)


def test_a_hint_that_is_none_changes_nothing(report, table):
    text = '@stage("first") ' + table("hdr.udp.dst", name="t")
    assert stages_of(report(locals=text, apply="t.apply();"), "t") == (0,)


def test_tables_that_follow_each_others_miss_share_a_stage(report, table):
    text = table("hdr.udp.dst", name="one") + table("hdr.udp.src", name="other")
    found = report(locals=text, apply="if (!one.apply().hit) { other.apply(); }")
    assert (stages_of(found, "one"), stages_of(found, "other")) == ((0,), (0,))


@pytest.mark.parametrize("condition", ["one.apply().hit", "!(!one.apply().hit)"])
def test_tables_that_follow_each_others_hit_do_not(report, table, condition):
    text = table("hdr.udp.dst", name="one") + table("hdr.udp.src", name="other")
    found = report(locals=text, apply=f"if ({condition}) {{ other.apply(); }}")
    assert (stages_of(found, "one"), stages_of(found, "other")) == ((0,), (1,))


@pytest.mark.parametrize(("target", "stages"), [("tofino", 12), ("tofino2", 20)])
def test_the_upf_takes_the_stages_that_p4c_takes(target, stages):
    defines = {"__TARGET_TOFINO__": "1" if target == "tofino" else "2"}
    found = lint(frontend.load(UPF, defines=defines), TARGETS[target])
    assert len(found.stages) == stages
    assert found.fits


def test_the_upf_is_told_by_the_memory_that_p4c_gives_its_sessions():
    found = lint(frontend.load(UPF, defines={"__TARGET_TOFINO__": "1"}), TARGETS["tofino"])
    blocks = {one.name.rpartition(".")[2]: one.srams for one in found.tables}
    assert blocks["sessions_by_fteid"] == blocks["sessions_by_ue_ipv4"] == 196

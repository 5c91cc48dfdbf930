"""`p4xdp lint` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from p4xdp.cli import app

CALIBRATION = Path(__file__).parent / "calibration"
UPF = Path(__file__).parents[3] / "p4" / "upf.p4"


def run(*arguments):
    return CliRunner().invoke(app, ["lint", *map(str, arguments)])


def test_what_fits_is_a_table_and_status_0():
    done = run(CALIBRATION / "chain.p4")
    assert done.exit_code == 0, done.output
    assert "an estimate" in done.output
    assert "7 of 12" in done.output
    assert "Nothing found that cannot fit Tofino 1" in done.output


def test_what_does_not_fit_is_named_with_its_place_and_status_1():
    done = run(CALIBRATION / "too_deep.p4")
    assert done.exit_code == 1
    assert "too_deep.p4:204:9: error [too-deep] ingress is 15 stages deep" in done.output
    assert "hint: " in done.output
    assert run(CALIBRATION / "too_deep.p4", "--target", "tofino2").exit_code == 0


def test_machines_get_json_that_says_it_is_an_estimate():
    done = run(CALIBRATION / "too_big.p4", "--json")
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert told["estimate"] is True
    assert told["fits"] is False
    assert told["totals"]["stages"] == {"used": 2, "available": 12}
    assert told["findings"][0]["rule"] == "extern-too-large"
    assert told["findings"][0]["at"].endswith("too_big.p4:24:9")
    assert {"name", "srams", "tcams", "map_rams", "key_bits", "stages"} <= set(told["tables"][0])


def test_the_target_decides_what_the_source_is_told_it_is_for():
    told = json.loads(run(CALIBRATION / "chain.p4", "--target", "tofino2", "--json").output)
    assert told["target"] == "tofino2"


def test_the_upf_can_be_estimated_for_both():
    for target in ("tofino", "tofino2"):
        told = json.loads(run(UPF, "--target", target, "--json").output)
        assert told["tables"]
        assert told["totals"]["srams"]["used"] > 0


def test_a_program_outside_the_subset_is_told_in_one_line(tmp_path):
    path = tmp_path / "bad.p4"
    path.write_text("header h { varbit<8> x; }")
    done = run(path)
    assert done.exit_code == 1
    assert done.stderr.startswith("p4xdp: ")
    assert done.stderr.count("\n") == 1

"""The estimate beside what p4c's Tofino back end allocates for the same programs.

`calibration/p4c.json` holds its figures; null where it refuses a program. With P4C naming a
compiler they are measured anew.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from p4xdp.lint import TARGETS, lint

CALIBRATION = Path(__file__).parent / "calibration"
UPF = Path(__file__).parents[3] / "p4" / "upf.p4"
MEASURED = json.loads((CALIBRATION / "p4c.json").read_text())["programs"]
CASES = [(name, target) for name in MEASURED for target in TARGETS]

# What docs/tofino.md claims.
STAGES_OFF = 1
SRAMS_OFF_SHARE = 0.25
SRAMS_OFF_BLOCKS = 2
MAP_RAMS_OFF_BLOCKS = 4
SRAMS_OFF_SHARE_OF_ALL = 0.05
EXACT_STAGES_SHARE = 0.95


def load(path, target):
    from p4xdp import frontend

    defines = {"__TARGET_TOFINO__": "1" if target == "tofino" else "2"}
    return frontend.load(path, defines=defines)


def compare(report, measured):
    assert abs(len(report.stages) - measured["stages"]) <= STAGES_OFF
    allowed = max(SRAMS_OFF_BLOCKS, SRAMS_OFF_SHARE * measured["srams"])
    assert abs(report.srams - measured["srams"]) <= allowed
    assert report.tcams == measured["tcams"]
    assert abs(report.map_rams - measured["map_rams"]) <= MAP_RAMS_OFF_BLOCKS


@pytest.mark.parametrize(("name", "target"), CASES)
def test_the_estimate_is_near_what_p4c_allocates(name, target):
    measured = MEASURED[name][target]
    report = lint(load(CALIBRATION / f"{name}.p4", target), TARGETS[target])
    if measured is None:
        assert not report.fits
        return
    compare(report, measured)
    assert report.fits == (measured["stages"] <= TARGETS[target].stages)


def test_over_all_programs_it_is_nearer_still():
    ours = theirs = exact = count = 0
    for name, target in CASES:
        measured = MEASURED[name][target]
        if measured is not None:
            report = lint(load(CALIBRATION / f"{name}.p4", target), TARGETS[target])
            ours, theirs = ours + report.srams, theirs + measured["srams"]
            exact += len(report.stages) == measured["stages"]
            count += 1
    assert abs(ours - theirs) <= SRAMS_OFF_SHARE_OF_ALL * theirs
    assert exact >= EXACT_STAGES_SHARE * count


def allocated(output):
    """Return the figures of `pipe/logs/resources.json`."""
    logs = json.loads((output / "pipe/logs/resources.json").read_text())
    found = {"stages": 0, "srams": 0, "tcams": 0, "map_rams": 0}
    for stage in logs["resources"]["mau"]["mau_stages"]:
        rams = (("srams", "rams", "srams"), ("tcams", "tcams", "tcams"))
        for name, group, units in (*rams, ("map_rams", "map_rams", "maprams")):
            found[name] += sum(bool(unit["usages"]) for unit in stage[group][units])
        if stage["logical_tables"]["ids"]:
            found["stages"] = stage["stage_number"] + 1
    return found


@pytest.mark.tofino
@pytest.mark.parametrize(
    ("path", "target"),
    [(path, t) for t in TARGETS for path in (UPF, *sorted(CALIBRATION.glob("[!f]*.p4")))],
    ids=lambda one: one.stem if isinstance(one, Path) else one,
)
def test_p4c_still_says_so(path, target, tmp_path):
    arch = "tna" if target == "tofino" else "t2na"
    command = [os.environ["P4C"], "--target", target, "--arch", arch, "-g", "--verbose=2"]
    done = subprocess.run([*command, "-o", tmp_path, path], capture_output=True, check=False)
    report = lint(load(path, target), TARGETS[target])
    if done.returncode:
        assert not report.fits
    else:
        compare(report, allocated(tmp_path))

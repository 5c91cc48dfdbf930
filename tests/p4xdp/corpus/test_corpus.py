"""Our front end says of small programs, most of them wrong in one way, what p4c says."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import pytest

from p4xdp import frontend

HERE = Path(__file__).parent


def _load(name):
    spec = importlib.util.spec_from_file_location(f"p4xdp_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


corpus = _load("corpus")
CASES = corpus.read_cases()
VERDICTS = corpus.read_verdicts()
INSIDE = [case for case in CASES if case.kind != "outside"]
OUTSIDE = [case for case in CASES if case.kind == "outside"]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.path)
inside = pytest.mark.parametrize("case", INSIDE, ids=lambda case: case.path)
outside = pytest.mark.parametrize("case", OUTSIDE, ids=lambda case: case.path)


@functools.cache
def refusal(path):
    """Return the SourceError of the case at `path`, or None."""
    case = next(case for case in CASES if case.path == path)
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "program.p4"
        program.write_text(case.program)
        try:
            frontend.load(program, include_dirs=(HERE,))
        except frontend.SourceError as error:
            return error
    return None


def test_at_least_200_programs_count_and_half_of_them_are_wrong():
    wrong = [case for case in INSIDE if case.kind == "wrong"]
    assert len(INSIDE) >= 200
    assert len(wrong) >= len(INSIDE) / 2


def test_there_is_a_verdict_on_every_program_and_on_no_other():
    assert {case.path: case.digest for case in CASES} == {
        path: verdict.digest for path, verdict in VERDICTS.items()
    }, "run tests/p4xdp/corpus/corpus.py with P4C=..."


def test_the_data_say_which_p4c_judged_and_how():
    data = json.loads(corpus.VERDICTS.read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", data["p4c"])
    assert data["how"] == corpus.HOW


@every
def test_the_case_says_of_itself_what_p4c_says(case):
    assert VERDICTS[case.path].accepted == (case.kind != "wrong"), VERDICTS[case.path].message


@inside
def test_our_verdict_is_that_of_p4c(case):
    error = refusal(case.path)
    assert (error is None) == VERDICTS[case.path].accepted, error or VERDICTS[case.path].message


@outside
def test_what_is_outside_the_subset_is_refused(case):
    assert refusal(case.path) is not None


@every
def test_a_refusal_says_where_and_what_to_do(case):
    error = refusal(case.path)
    if error is not None:
        assert error.at.file
        assert error.at.line >= 1
        assert error.at.column >= 1
        assert error.hint, error


@pytest.mark.tofino
@pytest.mark.parametrize("group", sorted({case.group for case in CASES}))
def test_p4c_still_says_the_same(group, tmp_path):
    assert {
        case.path: VERDICTS[case.path].accepted
        for case in CASES
        if case.group == group
        and corpus.judge(os.environ["P4C"], case, tmp_path).accepted != VERDICTS[case.path].accepted
    } == {}

"""p4/upf.p4 does what p4testgen, from p4c, works out that it does (`generate.py` says how)."""

from pathlib import Path

import pytest

from p4xdp import frontend
from p4xdp.interp import Interpreter
from p4xdp.stf import Runner, read
from testbed.differential.coverage import Coverage

SOURCE = Path(__file__).parents[3] / "p4" / "upf.p4"


@pytest.fixture(scope="module")
def program():
    return frontend.load(SOURCE)


@pytest.fixture(scope="module")
def vectors():
    return read(Path(__file__).with_name("upf.stf"))


def failures(runner, vectors):
    return {vector.name: problems for vector in vectors if (problems := runner.run(vector))}


def test_vectors_are_many_and_have_names(vectors):
    assert len({vector.name for vector in vectors}) == len(vectors) >= 500


def test_interpreter_passes_all_and_runs_most_statements(program, vectors):
    coverage = Coverage(program)
    runner = Runner(program, Interpreter(program, observer=coverage))
    assert failures(runner, vectors) == {}
    assert coverage.share >= 0.8, coverage.missing()


@pytest.mark.root
def test_xdp_passes_all(program, vectors):
    from p4xdp.xdp import XdpDataplane

    dataplane = XdpDataplane.open(SOURCE.parent / "build", {}, testing=True)
    try:
        assert failures(Runner(program, dataplane), vectors) == {}
    finally:
        dataplane.close()

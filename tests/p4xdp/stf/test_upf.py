"""p4/upf.p4 does what p4testgen, from p4c, works out that it does (`generate.py` says how)."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from p4xdp import frontend, ir
from p4xdp.interp import Interpreter
from p4xdp.stf import Runner, read

SOURCE = Path(__file__).parents[3] / "p4" / "upf.p4"


@pytest.fixture(scope="module")
def program():
    return frontend.load(SOURCE)


@pytest.fixture(scope="module")
def vectors():
    return read(Path(__file__).with_name("upf.stf"))


def failures(runner, vectors):
    return {vector.name: problems for vector in vectors if (problems := runner.run(vector))}


def statements(node: object) -> Iterator[ir.Statement]:
    """All statements in a part of a program."""
    if isinstance(node, ir.Statement):
        yield node
    if is_dataclass(node) and not isinstance(node, ir.Table):
        for field in fields(node):
            yield from statements(getattr(node, field.name))
    elif isinstance(node, tuple):
        for each in node:
            yield from statements(each)
    elif isinstance(node, dict):
        for each in node.values():
            yield from statements(each)


def test_vectors_are_many_and_have_names(vectors):
    assert len({vector.name for vector in vectors}) == len(vectors) >= 500


def test_interpreter_passes_all_and_runs_most_statements(program, vectors):
    ran = set()
    runner = Runner(
        program, Interpreter(program, watch=lambda statement, _: ran.add(id(statement)))
    )
    assert failures(runner, vectors) == {}
    ids = {id(each) for gress in (program.ingress, program.egress) for each in statements(gress)}
    assert len(ids & ran) >= 0.8 * len(ids)


@pytest.mark.root
def test_xdp_passes_all(program, vectors):
    from p4xdp.xdp import XdpDataplane

    dataplane = XdpDataplane.open(SOURCE.parent / "build", {}, testing=True)
    try:
        assert failures(Runner(program, dataplane), vectors) == {}
    finally:
        dataplane.close()

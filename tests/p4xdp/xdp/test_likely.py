"""Likely ways: which there are, and that packets on them need nothing else."""

import re
import shutil
from pathlib import Path

import pytest

from p4xdp import frontend, ir, xdp
from p4xdp.dataplane import DataplaneError
from p4xdp.profiles import lowered
from p4xdp.xdp.abstract import Other
from p4xdp.xdp.facts import Facts, assume, evaluate
from p4xdp.xdp.relevance import reduced
from p4xdp.xdp.shapes import shapes_of
from p4xdp.xdp.ways import following, likely_ways
from testbed.bench.forwarding.population import Population, classified_frame, frames, sizes_for
from testbed.hostile.network import ACCESS_PORT, CORE_PORT

P4 = Path(__file__).parents[3] / "p4"
LIKELY = Path(__file__).parents[1] / "programs" / "likely.p4"
LONGEST_C = 30_000  # lines; the kernel takes no jump further than 32,768 instructions
COLOR, SIZE = (ir.Read(ir.Variable(name, 8)) for name in ("color", "size"))
COLOR_NAME, SIZE_NAME = (("ingress", "", name) for name in ("color", "size"))


def is_(variable, value, op=ir.BinaryOp.EQUAL):
    return ir.Binary(op, variable, ir.Const(value, 8), 1)


def either(left, right):
    return ir.Binary(ir.BinaryOp.LOGICAL_OR, left, right, 1)


def points_of(text, tmp_path):
    source = tmp_path / "program.p4"
    source.write_text(text)
    program = lowered(frontend.load(source))
    return likely_ways(program, shapes_of(program))


def test_what_a_condition_says_is_known_on_both_its_ways():
    condition = is_(COLOR, 3)

    assert evaluate(COLOR, assume(condition, Facts(), holds=True)) == 3
    otherwise = assume(condition, Facts(), holds=False)
    assert evaluate(COLOR, otherwise) == Other(3)
    assert evaluate(condition, otherwise) == 0
    assert evaluate(is_(COLOR, 4), otherwise) is None


def test_of_one_or_the_other_only_what_must_be_is_known():
    condition = either(is_(COLOR, 3), is_(SIZE, 5))

    nothing = assume(condition, Facts(), holds=True)
    assert evaluate(COLOR, nothing) is None
    neither = assume(condition, Facts(), holds=False)
    assert (evaluate(COLOR, neither), evaluate(SIZE, neither)) == (Other(3), Other(5))
    other_color = Facts().with_values({COLOR_NAME: 7})
    assert evaluate(SIZE, assume(condition, other_color, holds=True)) == 5


def test_knowledge_that_makes_no_difference_is_let_go():
    facts = Facts().with_values({COLOR_NAME: 9, SIZE_NAME: 2})

    kept = reduced(facts, {COLOR_NAME: frozenset({3})})
    assert kept.values == {(COLOR_NAME, Other(3))}
    assert reduced(facts, {COLOR_NAME: None}).values == {(COLOR_NAME, 9)}


def test_a_program_that_calls_nothing_likely_has_no_likely_ways(tmp_path):
    text = LIKELY.read_text()
    assert points_of(text, tmp_path)
    assert points_of(text.replace("@likely state", "state"), tmp_path) == []


def test_likely_ways_never_end_behind_what_cannot_be_begun_again(tmp_path):
    points = points_of(LIKELY.read_text(), tmp_path)

    committed = [point for point in points if point.facts.is_committed]
    assert committed
    for point in committed:
        assert all(one is not None and one.is_live for one in following(point.end))


def test_an_unlikely_table_ends_a_way(tmp_path):
    text = LIKELY.read_text()

    def applies_strangers(points):
        ends = [str(point.end) for point in points]
        return any("strangers" in end.split("facts=")[0] for end in ends)

    assert not applies_strangers(points_of(text, tmp_path))
    assert applies_strangers(points_of(text.replace("@unlikely", ""), tmp_path))


@pytest.mark.root
def test_hot_packets_of_the_upf_need_no_other_code(tmp_path):
    program = frontend.load(P4 / "upf.p4")
    c_text = (P4 / "build" / "upf.bpf.c").read_text()
    assert c_text.count("\n") < LONGEST_C
    only, times = re.subn(
        r"return any_packet\(ctx, ingress_port, is_copy\);", "return DROPPED_INTERNAL;", c_text
    )
    assert times == 1
    (tmp_path / "upf.bpf.c").write_text(only)
    shutil.copy(P4 / "build" / "upf.json", tmp_path)
    dataplane = xdp.XdpDataplane.open(tmp_path, {}, sizes=sizes_for(1), testing=True)
    try:
        Population(program, dataplane, 1)
        for port, other in ((ACCESS_PORT, CORE_PORT), (CORE_PORT, ACCESS_PORT)):
            for frame in (frames(port, 128, 1)[0], classified_frame(port, 128)):
                assert dataplane.run(port, frame, 1).port == other
            with pytest.raises(DataplaneError, match="internal"):
                dataplane.run(port, bytes(60), 1)
    finally:
        dataplane.close()

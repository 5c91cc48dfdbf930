"""The files: well formed, complete, and in need of nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from p4xdp.cli import app
from p4xdp.graph import graphs, to_dot, to_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_the_svg_is_well_formed_and_has_every_node(upf):
    drawn = graphs(upf)
    root = ET.fromstring(to_svg(drawn, "upf.p4"))
    tips = [g.find(f"{SVG}title") for g in root.iter(f"{SVG}g")]
    assert sum(tip is not None for tip in tips) == sum(len(g.nodes) for g in drawn)


def test_the_svg_needs_nothing_from_elsewhere(upf):
    text = to_svg(graphs(upf), "upf.p4")
    assert re.findall(r'(?:href|src|url)\W+([^")]+)', text.replace("url(#arrow)", "")) == []
    assert "<script" not in text
    assert "@import" not in text


def test_the_svg_has_colours_for_dark_and_light(small):
    style = to_svg(graphs(small), "x").split("<style>")[1].split("</style>")[0]
    light, dark = style.split("@media(prefers-color-scheme:dark)")
    for kind in ("table", "state", "condition", "extern"):
        assert f".{kind} rect" in light
        assert f".{kind} rect" in dark


def test_text_of_the_program_is_escaped(small):
    graph = graphs(small)[0]
    graph.add(graph.nodes[0].kind, 'a < b && c > "d"')
    root = ET.fromstring(to_svg([graph], "<&>"))
    assert any(text.text == 'a < b && c > "d"' for text in root.iter(f"{SVG}text"))


def test_a_very_long_node_is_cut_but_its_tip_is_whole(small):
    graph = graphs(small)[0]
    graph.add(graph.nodes[0].kind, "long", tuple(f"line {i}" for i in range(40)))
    text = to_svg([graph], "x")
    assert "… 32 more" in text
    assert "line 39" in text


def test_the_dot_names_every_node_and_edge_once(small):
    drawn = graphs(small)
    lines = to_dot(drawn, "small.p4").splitlines()
    assert sum("shape=" in line for line in lines) == sum(len(g.nodes) for g in drawn)
    assert sum("->" in line and "shape" not in line for line in lines) == sum(
        len(g.edges) for g in drawn
    )


def test_graphviz_reads_the_dot(upf):
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    text = to_dot(graphs(upf), "upf.p4")
    subprocess.run(["dot", "-Tplain"], input=text, text=True, check=True, capture_output=True)


def test_the_command_writes_to_stdout_or_a_file(small_path, tmp_path):
    shown = CliRunner().invoke(app, ["graph", str(small_path), "--format", "dot"])
    assert shown.exit_code == 0
    assert shown.output.startswith('digraph "small.p4" {')
    target = tmp_path / "small.svg"
    done = CliRunner().invoke(
        app, ["graph", str(small_path), "--what", "parser", "-o", str(target)]
    )
    assert (done.exit_code, done.output) == (0, "")
    assert "ingress parser" in target.read_text()
    assert "ingress control" not in target.read_text()


def test_a_file_that_cannot_be_written_is_told_in_one_line(small_path, tmp_path):
    done = CliRunner().invoke(app, ["graph", str(small_path), "-o", str(tmp_path / "no" / "x")])
    assert done.exit_code == 1
    assert done.stderr.startswith("p4xdp: cannot write ")
    assert done.stderr.count("\n") == 1

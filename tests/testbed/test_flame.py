"""Flame graphs: widths are parts of all samples, and what is drawn is well-formed."""

from xml.etree import ElementTree as ET

import pytest

from testbed.bench.flame import drawn, folded, main, widest

STACKS = [
    "run (a.py:1);f (a.py:9);g <x> (b.py:3) 3",
    "run (a.py:2);f (a.py:8) 1",
    "idle (c.py:1) 4",
]


def test_stacks_of_one_function_are_one_frame():
    tree = folded(STACKS)
    assert tree.count == 8
    assert tree.above["run (a.py)"].above["f (a.py)"].count == 4
    assert widest(tree)[:2] == [("f (a.py)", 0.5), ("idle (c.py)", 0.5)]


def test_a_root_leaves_out_what_does_not_stand_on_it():
    tree = folded(STACKS, "f (a.py)")
    assert tree.count == 4
    assert widest(tree, ["f (a.py)"]) == [("g <x> (b.py)", 0.75)]


def test_the_graph_is_an_image_whose_widths_add_up():
    image = ET.fromstring("\n".join(drawn(folded(STACKS), "a < b")))
    frames = {
        group[0].text.rpartition(":")[0]: float(group[1].get("width"))
        for group in image.iter("{http://www.w3.org/2000/svg}g")
    }
    assert frames["run (a.py)"] + frames["idle (c.py)"] == pytest.approx(1180, abs=0.2)
    assert frames["g <x> (b.py)"] == pytest.approx(1180 * 3 / 8, abs=0.2)


def test_the_command_says_when_there_is_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "stacks").write_text("\n".join(STACKS))
    argv = ["flame", str(tmp_path / "stacks"), str(tmp_path / "a.svg"), "--root", "nowhere"]
    monkeypatch.setattr("sys.argv", argv)
    assert main() == 1
    assert "no stack with nowhere" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", argv[:3])
    assert main() == 0
    assert (tmp_path / "a.svg").exists()

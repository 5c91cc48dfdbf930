from __future__ import annotations

import os

from upf.target.xdp import remove_abandoned

NOW = 10_000.0


def test_only_the_empty_directories_of_killed_runs_are_removed(tmp_path) -> None:
    old, young, live, foreign = (
        tmp_path / name
        for name in ("tern-switch-old", "tern-switch-young", "tern-switch-live", "other")
    )
    for directory in (old, young, live, foreign):
        directory.mkdir()
    (live / "p4rt.sock").touch()
    for directory in (old, live, foreign):
        os.utime(directory, (0, 0))
    os.utime(young, (NOW - 1, NOW - 1))
    remove_abandoned(tmp_path, NOW)
    assert {each.name for each in tmp_path.iterdir()} == {
        "tern-switch-young",
        "tern-switch-live",
        "other",
    }

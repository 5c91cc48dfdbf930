"""The real thing, where its programs are: UERANSIM_LAB holds the options of `upf lab ueransim`.

UERANSIM_LAB="--programs $HOME/UERANSIM/build" pytest -m needs_ueransim
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

BOUND_S = 900


@pytest.mark.root
@pytest.mark.needs_ueransim
def test_every_verdict_of_the_lab_passes() -> None:
    command = [sys.executable, "-m", "testbed.ueransim", *_options()]
    check = subprocess.run(
        [*command, "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    if check.returncode == 2:
        pytest.skip(f"UERANSIM NOT TRIED. {check.stderr.strip()}")
    lab = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, timeout=BOUND_S, check=False
    )
    assert lab.returncode == 0, lab.stdout + lab.stderr
    assert json.loads(lab.stdout)["passed"]


def _options() -> list[str]:
    return shlex.split(os.environ.get("UERANSIM_LAB", ""))

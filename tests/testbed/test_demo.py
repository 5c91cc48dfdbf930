"""The main job, whole: what `make demo` shows."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

BOUND_S = 240


@pytest.mark.root
def test_every_claim_of_the_demo_is_seen() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "testbed.demo", "--json"],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    claims = json.loads(demo.stdout)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert claims

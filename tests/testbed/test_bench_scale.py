"""The report on very many sessions, with few: that it measures what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.bench.scale import Figures, Memory

ROOT = Path(__file__).parents[2]


@pytest.mark.root
def test_sessions_are_loaded_weighed_and_read(tmp_path):
    told = tmp_path / "scale.json"
    command = [sys.executable, "-m", "testbed.bench.scale", "--sessions", "300", "--read", "200"]
    # In a process of its own: threads of gRPC stay in the namespace that they began in.
    page = subprocess.run(
        [*command, "--json", told], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "| sessions | 300 |" in page
    assert "reading all usage of 200 sessions (400 counters)" in page
    found = json.loads(told.read_text())["figures"]
    assert found["loading_s"] > 0
    assert found["full"]["maps"] == found["empty"]["maps"] > 1 << 20


def test_what_a_session_takes_is_what_all_take_shared():
    found = Figures(1000, 1.0, Memory(100, 500), Memory(64_000, 10_500), 10, [0.1])
    assert (found.maps_a_session, found.process_a_session) == (64, 10)

"""The main job, whole: what `upf demo` shows, and `make demo` by it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from upf.cli import app

BOUND_S = 240


@pytest.mark.root
def test_every_claim_of_the_demo_is_seen() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "upf", "demo", "--json"],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    claims = json.loads(demo.stdout)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert claims


def test_without_root_it_says_what_to_do(monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 1
    assert result.stderr == "upf: network namespaces and XDP need root: sudo upf demo\n"


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None if name == "iperf3" else name)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 1
    assert result.stderr == "upf: iperf3 not found: apt-get install iperf3\n"


def test_without_the_lab_it_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 1
    assert "tern-upf[demo]" in result.stderr

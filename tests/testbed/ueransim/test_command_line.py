"""`upf lab ueransim`: what it teaches, and what it says when something is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from testbed.ueransim import __main__ as lab
from testbed.ueransim import core_open5gs, programs, sctp
from upf.cli import app

NEEDED = (*programs.RAN, *core_open5gs.core().programs)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with every program that is needed, each a fake; SCTP in the kernel."""
    for name in NEEDED:
        path = tmp_path / name
        path.write_text("#!/bin/sh\necho v9.9\n")
        path.chmod(0o755)
    monkeypatch.setattr(sctp, "is_in_kernel", lambda: True)
    return tmp_path


def test_the_help_teaches() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "upf", "lab", "ueransim", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    for word in ("nr-gnb", "open5gs-amfd", "mongod", "SCTP", "--preload", "examples:", "--check"):
        assert word in told


def test_the_lab_is_in_the_list_of_commands() -> None:
    assert "ueransim" in CliRunner().invoke(app, ["lab", "--help"]).stdout


def test_a_check_says_what_was_found(folder, capsys) -> None:
    status = lab.main(["--check", "--json", "--programs", str(folder), "--database", "true"])
    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert [row["claim"] for row in told["rows"]] == ["UERANSIM", "Open5GS", "SCTP"]
    assert told["rows"][0]["seen"] == f"v9.9, {folder}/nr-gnb"


def test_a_check_says_what_is_missing(folder, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    (folder / "open5gs-smfd").unlink()
    assert lab.main(["--check", "--programs", str(folder)]) == 2
    assert "open5gs-smfd" in capsys.readouterr().err


def test_a_database_that_is_missing_is_named_with_what_to_do(folder, capsys, monkeypatch) -> None:
    found = shutil.which
    monkeypatch.setattr("shutil.which", lambda name: None if name == "mongod" else found(name))
    assert lab.main(["--check", "--programs", str(folder)]) == 2
    assert "mongod for the core's database: install MongoDB" in capsys.readouterr().err


def test_a_kernel_without_sctp_ends_it(folder, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sctp, "is_in_kernel", lambda: False)
    assert lab.main(["--check", "--programs", str(folder), "--database", "true"]) == 2
    assert "modprobe sctp" in capsys.readouterr().err


def test_a_crowd_is_bounded(folder, capsys) -> None:
    assert lab.main(["--check", "--programs", str(folder), "--ues", "1000"]) == 2
    assert "--ues 1000: 0 to 100" in capsys.readouterr().err


def test_without_root_it_says_so(monkeypatch, capsys) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert lab.main([]) == 2
    assert "need root" in capsys.readouterr().err

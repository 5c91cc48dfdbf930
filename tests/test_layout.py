"""The rooms stand where the architecture says, and the arrows between them hold."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("package", ["api", "p4xdp", "pfcp", "testbed", "upf"])
def test_import_of_a_room_resolves_to_ours(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve().parent == ROOT / package


def test_p4_holds_no_python() -> None:
    """An importable `p4` would break `p4.v1` of every P4Runtime tool in the same environment."""
    assert not list((ROOT / "p4").rglob("*.py"))


def test_p4_is_no_package_of_ours() -> None:
    spec = importlib.util.find_spec("p4")
    assert spec is None or spec.origin is None


def test_an_installed_upf_has_the_program_to_trace_packets_with() -> None:
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shipped = targets["targets"]["wheel"]["force-include"]
    sources = {path.parent for path in (ROOT / "p4").rglob("*.p4")} - {ROOT / "p4"}
    assert {str(path.relative_to(ROOT)) for path in sources} <= shipped.keys()


def test_no_package_file_below_tests() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


PLANTED = {
    "pfcp/planted.py": "import upf\n",
    "pfcp/planted_io.py": "import socket\n",
    "upf/planted.py": "import api\n",
    "upf/planted_target.py": "import p4xdp\n",
    "p4xdp/planted.py": "import pfcp\n",
    "p4xdp/frontend/planted_back.py": "import p4xdp.graph\n",
    "p4xdp/graph/planted_front.py": "import p4xdp.frontend\n",
    "p4xdp/lint/planted_front.py": "import p4xdp.frontend\n",
    "api/planted.py": "import pfcp\n",
}


@pytest.mark.parametrize("path", PLANTED)
def test_a_planted_import_against_the_arrows_is_found(path: str, tmp_path: Path) -> None:
    for room in ("api", "p4xdp", "pfcp", "testbed", "upf"):
        for source in (ROOT / room).rglob("*.py"):
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / path).write_text(PLANTED[path])
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [lint, "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert Path(path).stem in result.stdout

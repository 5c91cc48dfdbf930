"""p4runtime-shell, unmodified, from PyPI, in an environment of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from p4xdp.xdp.build import cache_directory

pytestmark = pytest.mark.root

VERSION = "0.0.6"
SESSION = Path(__file__).with_name("shell_session.py")
UNREACHABLE = ("No matching distribution", "Temporary failure", "Connection", "timed out")


@pytest.fixture(scope="session")
def shell_python():
    """The Python of a virtual environment with p4runtime-shell, made once."""
    directory = cache_directory() / f"p4runtime-shell-{VERSION}"
    python = directory / "bin" / "python"
    is_there = [str(python), "-c", "import p4runtime_sh.shell"]
    if python.exists() and subprocess.run(is_there, check=False).returncode == 0:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(directory)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", f"p4runtime-shell=={VERSION}"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip()
        if any(word in said for word in UNREACHABLE):
            pytest.skip(f"NOT TESTED: PyPI is out of reach: {said.splitlines()[-1]}")
        pytest.fail(said)
    return python


def test_p4runtime_shell_does_all_it_can(shell_python, switch):
    files = [switch.build / "everything.p4info.txtpb", switch.build / "everything.json"]
    session = [str(shell_python), str(SESSION), switch.address, *map(str, files)]
    done = subprocess.run(session, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    seen = done.stdout.splitlines()
    for what in (
        "arbitration, and the pipeline config pushed",
        "insert, modify, read, delete: exact",
        "insert, modify, read, delete: lpm",
        "insert, modify, read, delete: ternary",
        "insert, modify, read, delete: range",
        "default action",
        "meter",
        "direct meter",
        "packet-out and packet-in",
        "counters, indexed and direct",
        "the reason of a refusal",
        "the pipeline config read",
    ):
        assert what in seen

"""A switch at work, for clients that nobody here wrote."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


@pytest.fixture(scope="session")
def everything(tmp_path_factory):
    """The directory with what `p4xdp compile` makes of everything.p4."""
    directory = tmp_path_factory.mktemp("everything")
    command = (sys.executable, "-m", "p4xdp", "compile", str(HERE / "everything.p4"))
    run(*command, "-o", str(directory), cwd=ROOT)
    return directory


@pytest.fixture
def cable():
    """Both ends of a cable: what is sent into one comes out of the other."""
    ends = (f"ca{os.getpid()}", f"cb{os.getpid()}")
    run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
    try:
        for end in ends:
            Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6").write_text("1")
            run("ip", "link", "set", end, "up")
        yield ends
    finally:
        run("ip", "link", "del", ends[0])


@pytest.fixture
def switch(everything, cable, tmp_path):
    """`p4xdp switch` with the ends of a cable as ports 1 and 2: `address` and `build`."""
    ports = [f"--port={number}={end}" for number, end in enumerate(cable, 1)]
    command = [sys.executable, "-m", "p4xdp", "switch", str(everything), *ports]
    log = (tmp_path / "switch.log").open("wb")
    process = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--unpinned"],
        stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        ready = process.stdout.readline().split()
        assert ready[:1] == ["READY"], (tmp_path / "switch.log").read_text()
        yield types.SimpleNamespace(address=ready[1], build=everything)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
        log.close()

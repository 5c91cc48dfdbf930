"""Programs compiled for XDP and loaded, and interfaces to attach them to."""

import itertools
import os
import subprocess
from pathlib import Path

import pytest

from p4xdp import frontend, xdp
from p4xdp.xdp.home import Home
from p4xdp.xdp.manifest import to_text

NUMBERS = itertools.count(1)
SOURCES = Path(__file__).parent


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """From the text of a program: the directory with what was generated from it."""
    directories = {}

    def build(text):
        if text not in directories:
            directory = tmp_path_factory.mktemp("program")
            source = directory / "program.p4"
            source.write_text(text)
            c_text, manifest = xdp.generate(frontend.load(source))
            (directory / "program.bpf.c").write_text(c_text)
            (directory / "program.json").write_text(to_text(manifest))
            directories[text] = directory
        return directories[text]

    return build


@pytest.fixture
def opened(built):
    """Open a program (its text) as a data plane; all are closed in the end."""
    dataplanes = []

    def open_(text, ports=None, **settings):
        dataplanes.append(xdp.XdpDataplane.open(built(text), ports or {}, **settings))
        return dataplanes[-1]

    yield open_
    for dataplane in dataplanes:
        dataplane.close()


@pytest.fixture
def home(tmp_path):
    """Enter the home of the switch under test, as often as wanted; in the end it is removed."""
    entered = []

    def enter():
        entered.append(Home.enter(f"test-{os.getpid()}", tmp_path, wait_s=0))
        return entered[-1]

    yield enter
    for each in entered:
        each.leave()
    enter().remove()


@pytest.fixture
def interpreted(built):
    """The interpreter of a program."""
    from p4xdp.interp import Interpreter

    return lambda text: Interpreter(frontend.load(built(text) / "program.p4"))


@pytest.fixture(scope="session")
def wire():
    """A program that sends what comes in by a port out of another, as its table says."""
    return (SOURCES / "wire.p4").read_text()


def run(*command):
    """Run a command that must succeed; return what it printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def hosts():
    """Two namespaces, each with `eth0`, 10.9.0.1 and 10.9.0.2, whose far ends are here.

    Gives {name of the interface here: name of the namespace}.
    """
    made = {}
    try:
        for number in (1, 2):
            # A namespace goes away some time after it is deleted: no name twice.
            tag = f"{os.getpid()}-{next(NUMBERS)}"
            namespace, interface = f"xdp-{tag}", f"x{tag}"
            run("ip", "netns", "add", namespace)
            made[interface] = namespace
            far_end = ("peer", "name", "eth0", "netns", namespace)
            run("ip", "link", "add", interface, "type", "veth", *far_end)
            run("ip", "link", "set", interface, "up")
            run("ip", "-n", namespace, "link", "set", "eth0", "up")
            run("ip", "-n", namespace, "addr", "add", f"10.9.0.{number}/24", "dev", "eth0")
        yield made
    finally:
        for interface, namespace in made.items():
            # Both ends at once; a namespace takes its time.
            subprocess.run(["ip", "link", "del", interface], check=False, capture_output=True)
            run("ip", "netns", "del", namespace)

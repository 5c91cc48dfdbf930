"""Ports of a running switch: come, go, go away by themselves and return; the commands for it."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from p4xdp.cli import app
from p4xdp.dataplane import DataplaneError, Entry, Match
from p4xdp.p4info import p4info, to_text
from p4xdp.xdp.namespaces import interface

pytestmark = pytest.mark.root

ROOT = Path(__file__).parents[3]


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def make(name, namespace):
    """Make an interface again whose far end is `eth0` in a namespace."""
    ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip("-n", namespace, "link", "set", "eth0", "up")
    ip("link", "set", name, "up")


def states(switch):
    return {port.number: port.state for port in switch.ports()}


def test_a_port_comes_and_goes_while_the_switch_runs(opened, wire, hosts):
    first, second = hosts
    switch = opened(wire, {1: first})
    switch.attach_port(7, second)
    assert switch.port_names() == {1: first, 7: second}
    assert interface(second).program_id == interface(first).program_id
    with pytest.raises(DataplaneError, match=f"port 7 is {second} already"):
        switch.attach_port(8, second)
    with pytest.raises(DataplaneError, match="taken by the switch"):
        switch.attach_port(192, second)
    with pytest.raises(DataplaneError, match="no interface nowhere0"):
        switch.attach_port(9, "nowhere0")
    switch.detach_port(7)
    assert interface(second).program_id is None
    with pytest.raises(DataplaneError, match="no port 7"):
        switch.detach_port(7)


def test_links_are_followed_down_away_and_back(opened, wire, hosts, caplog):
    first, second = hosts
    switch = opened(wire, dict(enumerate(hosts, 1)))
    switch.insert_entries(
        "Ingress.wires",
        [Entry((Match(n, 0x1FF),), "Ingress.send", (3 - n,)) for n in (1, 2)],
    )

    async def until(number, state):
        async with asyncio.timeout(5):
            while states(switch)[number] != state:  # noqa: ASYNC110 - the kernel takes its time
                await asyncio.sleep(0.02)

    async def follow():
        with contextlib.closing(switch.follow_links(asyncio.get_running_loop())):
            assert states(switch) == {1: "up", 2: "up"}
            ip("-n", hosts[second], "link", "set", "eth0", "down")
            await until(2, "down")
            ip("-n", hosts[second], "link", "set", "eth0", "up")
            await until(2, "up")
            ip("link", "del", second)
            await until(2, "gone")
            assert f"port 2: interface {second} is gone" in caplog.text
            make(second, hosts[second])
            ip("-n", hosts[second], "addr", "add", "10.9.0.2/24", "dev", "eth0")
            await until(2, "up")

    asyncio.run(follow())
    assert interface(second).program_id == interface(first).program_id
    ping = ["ip", "netns", "exec", hosts[first], "ping", "-c1", "-W2", "10.9.0.2"]
    assert subprocess.run(ping, check=False, capture_output=True).returncode == 0


class Commands:
    """The switch `test` of a run directory, as an operator has it."""

    def __init__(self, build, directory):
        self._build = build
        self._directory = directory
        self.process = None

    def __call__(self, *arguments):
        where = ("--name", "test", "--run-dir", str(self._directory / "run"))
        return CliRunner().invoke(app, [*arguments, *where])

    def start(self, *ports):
        command = [sys.executable, "-m", "p4xdp", "switch", str(self._build), "--name", "test"]
        command += ["--run-dir", str(self._directory / "run")]
        command += ["--listen", f"unix:{self._directory / 'p4rt.sock'}"]
        command += [f"--port={port}" for port in ports]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        assert self.process.stdout.readline().startswith("READY")

    def ended(self):
        status = self.process.wait(20)
        self.process.stdout.close()
        return status


@pytest.fixture
def commands(built, wire, tmp_path):
    from p4xdp import frontend

    build = built(wire)
    (build / "program.p4info.txtpb").write_text(
        to_text(p4info(frontend.load(build / "program.p4")))
    )
    commands = Commands(build, tmp_path)
    yield commands
    commands("switch", "--detach")
    if commands.process.poll() is None:
        commands.process.kill()
        commands.ended()


def test_an_operator_sees_and_changes_a_switch_at_work(commands, hosts):
    first, second = hosts
    commands.start(f"1={first}")
    told = commands("ports")
    assert (told.exit_code, told.stdout.split()) == (0, ["1", first, "up", "native"])
    assert commands("ports", "--attach", f"2={second}").exit_code == 0
    assert "port 2 is" in commands("ports", "--attach", f"2={second}").stderr
    # What was attached at work is there after a restart, whatever the end.
    os.kill(commands.process.pid, signal.SIGKILL)
    commands.ended()
    assert "no process serves the switch test" in commands("ports").stderr
    assert interface(second).program_id is not None
    commands.start(f"1={first}")
    told = json.loads(commands("ports", "--json").stdout)
    assert [port["interface"] for port in told["ports"]] == [first, second]
    ip("link", "set", second, "down")
    time.sleep(0.3)
    assert commands("ports").exit_code == 1
    # A stop leaves the ports forwarding, --detach does not.
    assert commands("switch", "--stop").exit_code == 0
    assert commands.ended() == 0
    assert interface(first).program_id is not None
    assert "no process serves" in commands("switch", "--stop").stderr
    assert commands("switch", "--detach").exit_code == 0
    assert interface(first).program_id is None
    assert "there is no switch called test" in commands("switch", "--detach").stderr

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
NAME = f"test-{os.getpid()}"  # other runs may go on beside


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
    """A switch of a run directory, as an operator has it."""

    def __init__(self, build, directory):
        self.build = build
        self.where = ["--name", NAME, "--run-dir", str(directory / "run")]
        self._directory = directory
        self.process = None

    def __call__(self, *arguments):
        return CliRunner().invoke(app, [*arguments, *self.where])

    def start(self, *ports):
        command = [sys.executable, "-m", "p4xdp", "switch", str(self.build), *self.where]
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
    if commands.process is not None and not commands.process.stdout.closed:
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
    assert f"no process serves the switch {NAME}" in commands("ports").stderr
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
    assert f"there is no switch called {NAME}" in commands("switch", "--detach").stderr


def frame_to(destination):
    return destination + bytes.fromhex("020000000001 88b5") + bytes(60)


def test_packets_of_a_port_at_work_are_traced(commands, hosts):
    first, second = hosts
    commands.start(f"1={first}", f"2={second}")
    source = commands.build / "program.p4"
    command = [sys.executable, "-m", "p4xdp", "trace", str(source), "--live", "--port", "1"]
    command += ["--json", "--match", "ethernet.dst_addr=02:00:00:00:00:07", "--within", "20"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    watching = subprocess.Popen([*command, *commands.where], cwd=ROOT, **pipes)
    script = (
        "import socket, sys, time\n"
        "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n"
        "s.bind(('eth0', 0))\n"
        "for _ in range(200):\n"
        "    for frame in sys.argv[1:]: s.send(bytes.fromhex(frame))\n"
        "    time.sleep(0.05)\n"
    )
    frames = [frame_to(bytes([2, 0, 0, 0, 0, last])) for last in (6, 7, 8)]
    send = ["ip", "netns", "exec", hosts[first], sys.executable, "-c", script]
    sending = subprocess.Popen([*send, *(frame.hex() for frame in frames)])
    out, log = watching.communicate(timeout=30)
    sending.kill()
    sending.wait()
    assert watching.returncode == 0, log
    told = json.loads(out)
    assert (told["port"], told["octets"]) == (1, frames[1].hex())
    (applied,) = [s for s in told["passages"][0]["steps"] if s["step"] == "table"]
    assert (applied["table"], applied["is_hit"]) == ("Ingress.wires", False)
    assert "frames received on port 1" in log


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--match", "ethernet.dst_addr"], "not of the form"),
        (["--match", "ethernet.nothing=1"], "has no field nothing"),
        (["--match", "ethernet.ether_type=0x12345"], "needs more"),
        (["--port", "7"], "there is no port 7"),
        (["--hex", "00"], "--live takes packets"),
    ],
)
def test_what_cannot_be_traced_live_is_told(commands, hosts, arguments, complaint):
    commands.start(f"1={next(iter(hosts))}")
    port = [] if "--port" in arguments else ["--port", "1"]
    told = commands("trace", str(commands.build / "program.p4"), "--live", *port, *arguments)
    assert told.exit_code != 0
    assert complaint in told.stderr


def test_without_a_packet_in_time_the_status_is_1(commands, hosts):
    commands.start(f"1={next(iter(hosts))}")
    trace = ["trace", str(commands.build / "program.p4"), "--live", "--port", "1"]
    told = commands(*trace, "--match", "ethernet.dst_addr=1", "--within", "0.3")
    assert told.exit_code == 1

"""The Linux switch as a child: a real one, on a pair of interfaces of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from upf.entry import Counts, Entry, MeterRate
from upf.errors import StartError
from upf.plan import Plan
from upf.target import xdp
from upf.target.xdp import XdpTarget

pytestmark = pytest.mark.root

SESSIONS = "Ingress.detection.sessions_by_fteid"
FORWARD = "Ingress.detection.forward"

STARTER = """
import asyncio, sys
from pathlib import Path
from upf.target import xdp
from upf.target.xdp import XdpTarget
async def main():
    xdp.RUN_BASE = Path(sys.argv[2])
    target = await XdpTarget.start({1: sys.argv[1]})
    print(target.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def interface():
    name = f"t{secrets.token_hex(4)}"
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "peer", "netns", name)
        ip("link", "set", name, "up")
        ip("-n", name, "link", "set", "peer", "up")
        yield name
    finally:
        ip("netns", "delete", name)


def has_xdp(interface):
    return "prog/xdp" in ip("-details", "link", "show", interface)


@pytest.fixture(autouse=True)
def run_base(monkeypatch):
    """Where switches of this test keep what they run with: others may run beside."""
    with tempfile.TemporaryDirectory(prefix="tern-") as base:
        monkeypatch.setattr(xdp, "RUN_BASE", Path(base))
        yield Path(base)


def session(teid):
    return Entry(SESSIONS, (1, teid), FORWARD, (7, 1, 0, 1, 0, 2, 0x0A2D0002))


async def gone(pid):
    async with asyncio.timeout(60):
        while Path(f"/proc/{pid}").exists():  # noqa: ASYNC110, ASYNC240 - nothing tells us
            await asyncio.sleep(0.05)


async def test_the_switch_runs_holds_entries_and_leaves_nothing_behind(interface, run_base):
    target = await XdpTarget.start({1: interface}, sizes={"usage_0": 1000})
    assert has_xdp(interface)
    await target.apply(Plan(inserts=(session(1), session(2))))
    assert sorted(await target.read_entries(SESSIONS), key=str) == [session(1), session(2)]
    await target.write_meter("Egress.enforcement.slice_meters", 5, MeterRate(1, 1500, 1, 1500))
    counts = await target.read_counters("Egress.enforcement.usage_0", [999])
    assert counts == [Counts(0, 0)]
    await target.close()
    assert not has_xdp(interface)
    assert not any(run_base.iterdir())
    await gone(target.pid)


async def test_the_switch_ends_with_the_process_that_started_it(interface, run_base):
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, interface, str(run_base), stdout=asyncio.subprocess.PIPE
    )
    pid = int(await asyncio.wait_for(starter.stdout.readline(), 60))
    assert has_xdp(interface)
    starter.kill()
    await starter.wait()
    await gone(pid)
    assert not has_xdp(interface)


async def test_ports_that_do_not_forward_are_told_until_they_do(interface):
    target = await XdpTarget.start({1: interface})
    assert target.port_faults() == {}
    ip("link", "set", interface, "down")
    await told(target, {1: f"{interface} is down"})
    ip("link", "set", interface, "up")
    await told(target, {})
    ip("link", "delete", interface)
    await told(target, {1: f"{interface} is gone"})
    ip("link", "add", interface, "type", "veth", "peer", "name", "peer", "netns", interface)
    ip("link", "set", interface, "up")
    ip("-n", interface, "link", "set", "peer", "up")
    await told(target, {})
    await target.close()


async def told(target, faults):
    async with asyncio.timeout(10):
        while target.port_faults() != faults:  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.02)


async def test_the_death_of_the_switch_is_noticed(interface):
    target = await XdpTarget.start({1: interface})
    os.kill(target.pid, signal.SIGKILL)
    await asyncio.wait_for(target.wait_lost(), 10)
    assert not target.is_primary
    await target.close()


@pytest.mark.parametrize(
    ("ports", "sizes", "text"),
    [
        pytest.param({1: "nosuch0"}, {}, "nosuch0", id="unknown interface"),
        pytest.param({1: None}, {"nothing": 3}, "no such table", id="unknown table"),
        pytest.param({192: None}, {}, "--port 192", id="port of the controller"),
    ],
)
async def test_what_cannot_start_says_why_in_one_line(interface, run_base, ports, sizes, text):
    ports = {number: name or interface for number, name in ports.items()}
    with pytest.raises(StartError) as caught:
        await XdpTarget.start(ports, sizes=sizes)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not any(run_base.iterdir())
    assert not has_xdp(interface)

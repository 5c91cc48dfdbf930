"""The composition root: what ends a UPF, and what does not."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from api import run as root
from upf.config import parse

CONFIG = parse(
    {
        "n4": {"address": "127.0.0.1"},
        "interface": [{"name": "n3", "role": "access"}, {"name": "n6", "role": "core"}],
    },
    source="upf.toml",
)


class IdleUPF:
    """Starts, and notes that it was stopped."""

    def __init__(self):
        self.is_stopped = False

    async def stop(self):
        self.is_stopped = True


@pytest.fixture
def upf(monkeypatch):
    idle = IdleUPF()

    async def start(_config):
        return idle

    async def serve(_upf, _audit, _listener, stop):
        async with asyncio.timeout(1):
            await stop.wait()

    monkeypatch.setattr(root.UPF, "start", start)
    monkeypatch.setattr(root, "_serve", serve)
    monkeypatch.setattr(root, "_listener", lambda _rest: open(os.devnull, "rb"))  # noqa: SIM115, PTH123
    return idle


@pytest.fixture
def hangup():
    """Sets what SIGHUP does, for the length of a test."""
    before = signal.getsignal(signal.SIGHUP)
    yield lambda disposition: signal.signal(signal.SIGHUP, disposition)
    signal.signal(signal.SIGHUP, before)


async def run_and_send(number):
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), number)
    await root.run(CONFIG)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_takes_the_upf_down_in_order(upf, hangup, number):
    hangup(signal.SIG_DFL)
    await run_and_send(number)
    assert upf.is_stopped


async def test_the_end_of_the_terminal_is_survived_under_nohup(upf, hangup):
    hangup(signal.SIG_IGN)
    with pytest.raises(TimeoutError):
        await run_and_send(signal.SIGHUP)
    assert upf.is_stopped

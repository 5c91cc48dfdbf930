"""The wire side of N4: when it is quiet."""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv4Address

from pfcp import ies
from upf.n4 import Identity
from upf.n4_server import N4Server


def server():
    address = IPv4Address("10.100.4.2")
    return N4Server(Identity(ies.NodeID(value=address), address, 7))


async def test_n4_is_quiet_when_nothing_is_being_carried_out():
    n4, answered = server(), asyncio.Event()
    await n4.wait_quiet(60)
    task = n4._start(answered.wait())
    waiting = asyncio.create_task(n4.wait_quiet(60))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    answered.set()
    await waiting
    assert task.done()


async def test_whoever_waits_for_quiet_waits_no_longer_than_asked():
    n4 = server()
    task = n4._start(asyncio.sleep(60))
    began = time.monotonic()
    await n4.wait_quiet(0.02)
    assert 0.01 < time.monotonic() - began < 10
    task.cancel()

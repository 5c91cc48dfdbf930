"""The wire side of N4: when it is quiet."""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv4Address

from pfcp import enums, ies, messages
from upf.n4_node import Identity
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


async def test_associations_made_changed_and_gone_are_told_with_since_when(monkeypatch):
    n4, told = server(), []
    n4.on_associations = lambda: told.append(dict(n4.associated_since))
    now = [100.0]
    monkeypatch.setattr("upf.n4_server.time.time", lambda: now[0])
    smf = ies.NodeID(value=IPv4Address("10.100.4.1"))

    def associate(recovery_time_stamp):
        request = messages.AssociationSetupRequest(
            node_id=smf, recovery_time_stamp=recovery_time_stamp
        )
        answer = messages.AssociationSetupResponse(
            node_id=smf, cause=enums.Cause.REQUEST_ACCEPTED, recovery_time_stamp=1
        )
        n4.endpoint.associations.agree(("10.100.4.1", 8805), request, answer)
        n4._look_at_associations()

    associate(1)
    now[0] = 200.0
    associate(1)  # the same again
    assert told == [{smf: 100.0}]
    associate(2)  # it restarted
    assert told[1:] == [{smf: 200.0}]

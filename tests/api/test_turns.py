"""Requests begin in turns, and after N4."""

from __future__ import annotations

import asyncio

from api import turns
from api.turns import Turns


async def test_a_burst_of_requests_leaves_room_for_what_arrives_meanwhile(upf) -> None:
    begun, seen = [], []

    async def app(scope, _receive, _send):
        begun.append(scope)

    async def bystander():
        while len(begun) < 10:
            seen.append(len(begun))
            await asyncio.sleep(0)

    taking_turns = Turns(app, upf)
    await asyncio.gather(*(taking_turns(n, None, None) for n in range(10)), bystander())
    assert begun == list(range(10))
    assert set(range(1, 10)) <= set(seen)


async def test_a_request_waits_for_n4_and_for_the_one_before_it(upf) -> None:
    begun = []

    async def app(scope, _receive, _send):
        begun.append(scope)

    answered = asyncio.Event()
    waits = []

    async def n4_quiet(within_s):
        waits.append(within_s)
        await answered.wait()

    upf.n4_quiet = n4_quiet
    taking_turns = Turns(app, upf)
    asking = [asyncio.create_task(taking_turns(n, None, None)) for n in range(3)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert (begun, waits) == ([], [turns.MAX_WAIT_S])
    answered.set()
    await asyncio.gather(*asking)
    assert begun == [0, 1, 2]

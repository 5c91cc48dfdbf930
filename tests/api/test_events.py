"""Live figures: what is in them, and how they are streamed."""

from __future__ import annotations

import asyncio
import json

import pytest

from upf.drops import DropReason
from upf.entry import Counts
from upf.figures import Sample
from upf.slices import SNSSAI, Slice
from upf.usage import Volume


def sample(octets, dropped, ports):
    return Sample(
        number=0,
        time=1_700_000_000.0,
        clock=0.0,
        slices={1: Volume(Counts(10, octets), Counts(20, 2 * octets))},
        num_sessions={1: 3},
        drops={DropReason.NO_SESSION: Counts(dropped, 0), DropReason.SLICE_CAPACITY: Counts(5, 0)},
        ports=ports,
    )


@pytest.fixture
def tick(upf, port):
    """Lets the UPF take a sample in which this many octets have passed."""

    async def take(octets, dropped=0):
        n3 = port("n3", 10_000, octets)
        upf.sample = sample(octets, dropped, {"n3": n3})
        await upf.sampler.sample()

    return take


async def test_figures_tell_rates_between_the_two_latest_samples(http, upf, tick) -> None:
    video = Slice(name="video", s_nssai=SNSSAI(1), uplink_bps=20_000_000)
    await upf.change_slice("video", lambda _: video)
    await tick(0)
    await tick(1_000_000, dropped=4)
    shown = (await http.get("/v1/figures")).json()
    (video,) = shown["slices"]
    assert (video["name"], video["sessions"], video["uplink_mbps"]) == ("video", 3, 20)
    assert video["throughput"] == {"uplink_mbps": 8.0, "downlink_mbps": 16.0}
    assert video["usage"]["downlink_octets"] == 2_000_000
    assert shown["drops"][0] == {
        "reason": "no_session",
        "stage": "detection",
        "packets": 4,
        "octets": 0,
        "packets_per_s": 4.0,
    }
    assert (shown["ports"][0]["rx_mbps"], shown["ports"][0]["speed_mbps"]) == (8.0, 10_000)
    assert [(each["stage"], each["packets"]) for each in shown["pipeline"]] == [
        ("detection", 39),
        ("forwarding", 35),
        ("routing", 35),
        ("enforcement", 35),
        ("encapsulation", 30),
    ]


async def test_figures_before_the_first_sample_are_zeros(http) -> None:
    shown = (await http.get("/v1/figures")).json()
    assert (shown["slices"], shown["drops"], shown["interval_s"]) == ([], [], 0)


async def test_a_stream_starts_at_once_and_follows_each_sample(http, upf, tick) -> None:
    await tick(0)
    stream = http._transport.app.state.broadcast.stream(1)
    first = await anext(stream)
    assert first.startswith("event: figures\nid: 0\ndata: {")
    following = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    await tick(125_000)
    lines = (await following).splitlines()
    assert lines[1] == "id: 1"
    assert json.loads(lines[2].removeprefix("data: "))["pipeline"][0]["packets"] == 35
    await stream.aclose()


async def test_a_stream_tells_at_once_what_was_changed_and_many_changes_once(http, upf) -> None:
    stream = http._transport.app.state.broadcast.stream(60)
    await anext(stream)
    following = asyncio.ensure_future(anext(stream))
    for uplink_mbps in (1, 2, 3):
        body = {"sst": 1, "uplink_mbps": uplink_mbps}
        assert (await http.put("/v1/slices/video", json=body)).status_code in (200, 201)
    async with asyncio.timeout(2):
        assert await following == 'event: changed\ndata: {"what": "slices"}\n\n'
    following = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.3)
    assert not following.done()
    upf.changes.note("associations")
    await http.delete("/v1/slices/video")
    async with asyncio.timeout(2):
        told = [await following, await anext(stream)]
    assert [json.loads(each.splitlines()[1][6:])["what"] for each in told] == [
        "associations",
        "slices",
    ]
    await stream.aclose()


async def test_one_watcher_too_many_is_told_and_a_place_is_given_back(http, upf) -> None:
    broadcast = http._transport.app.state.broadcast
    streams = [broadcast.stream(1) for _ in range(64)]
    for each in streams:
        await anext(each)
    answer = await http.get("/v1/events")
    assert answer.status_code == 503
    assert "GET /v1/figures" in answer.json()["detail"]
    for each in streams:
        await each.aclose()
    assert broadcast.num_clients == 0

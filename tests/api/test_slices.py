from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from upf.entry import Counts
from upf.figures import Sample
from upf.occupancy import Demand
from upf.slices import DEFAULT_BURST_MS
from upf.usage import Volume

BODY = {"sst": 1, "sd": "000001", "dnns": ["internet"], "uplink_mbps": 20, "downlink_mbps": 50.5}


async def test_a_new_slice_answers_created_and_as_given(http, upf) -> None:
    answer = await http.put("/v1/slices/video", json=BODY)
    assert answer.status_code == 201
    assert answer.headers["ETag"] == answer.json()["etag"] == '"1"'
    assert answer.json() == {
        **BODY,
        "name": "video",
        "uplink_burst_ms": DEFAULT_BURST_MS,
        "downlink_burst_ms": DEFAULT_BURST_MS,
        "guaranteed_uplink_mbps": 0,
        "guaranteed_downlink_mbps": 0,
        "max_sessions": None,
        "dscp": None,
        "excess_dscp": None,
        "sessions": 0,
        "usage": {
            "uplink_packets": 0,
            "uplink_octets": 0,
            "downlink_packets": 0,
            "downlink_octets": 0,
        },
        "dropped": {
            "uplink_packets": 0,
            "uplink_octets": 0,
            "downlink_packets": 0,
            "downlink_octets": 0,
        },
        "throughput": {"uplink_mbps": 0, "downlink_mbps": 0},
        "headroom": {"uplink_mbps": 20, "downlink_mbps": 50.5, "sessions": None},
        "guaranteed_in_use": {"uplink_mbps": 0, "downlink_mbps": 0},
        "etag": '"1"',
    }
    held = upf.registry.slices["video"]
    assert (held.uplink_bps, held.downlink_bps) == (20_000_000, 50_500_000)


async def test_a_changed_slice_answers_ok_and_keeps_its_identifier(http, upf) -> None:
    await http.put("/v1/slices/video", json=BODY)
    before = upf.registry.slices["video"]
    answer = await http.put("/v1/slices/video", json={**BODY, "uplink_mbps": 30})
    assert answer.status_code == 200
    assert upf.registry.slices["video"] == replace(before, uplink_bps=30_000_000, revision=2)


async def test_the_same_put_twice_changes_nothing(http, upf) -> None:
    await http.put("/v1/slices/video", json=BODY)
    before = upf.registry.slices["video"]
    await http.put("/v1/slices/video", json=BODY)
    assert upf.registry.slices["video"] == before


async def test_no_capacity_means_no_limit(http, upf) -> None:
    await http.put("/v1/slices/free", json={"sst": 1})
    assert upf.registry.slices["free"].rates() == (None, None)
    assert (await http.get("/v1/slices/free")).json()["uplink_mbps"] is None


async def test_a_slice_shows_use_and_headroom(http, upf) -> None:
    await http.put("/v1/slices/video", json={**BODY, "max_sessions": 5})
    upf.taken[1] = Demand(sessions=2, uplink_bps=4_000_000, downlink_bps=0)
    upf.sample = replace(upf.sample, slices={1: Volume()})
    await upf.sampler.sample()
    upf.sample = replace(upf.sample, slices={1: Volume(uplink=Counts(9, 625_000))})
    await upf.sampler.sample()
    shown = (await http.get("/v1/slices")).json()[0]
    assert shown["sessions"] == 2
    assert shown["usage"]["uplink_octets"] == 625_000
    assert shown["throughput"] == {"uplink_mbps": 5, "downlink_mbps": 0}
    assert shown["headroom"] == {"uplink_mbps": 15, "downlink_mbps": 50.5, "sessions": 3}
    assert shown["guaranteed_in_use"] == {"uplink_mbps": 4, "downlink_mbps": 0}


async def test_a_patch_changes_what_it_names_and_nothing_else(http, upf) -> None:
    await http.put("/v1/slices/video", json=BODY)
    answer = await http.patch("/v1/slices/video", json={"uplink_mbps": 30, "downlink_mbps": None})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    held = upf.registry.slices["video"]
    assert (held.uplink_bps, held.downlink_bps, held.dnns) == (30_000_000, None, ("internet",))
    assert upf.meters.capacities[1] == held.rates()
    assert (await http.patch("/v1/slices/none", json={})).status_code == 404
    assert (await http.patch("/v1/slices/video", json={"sst": None})).status_code == 422
    assert (await http.patch("/v1/slices/video", json={"uplink_burst_ms": None})).status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": '"2"'}, 200),
        ({"If-Match": '"7", "2"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"1"'}, 412),
        ({"If-Match": 'W/"2"'}, 412),
        ({"If-Match": "garbage"}, 412),
        ({"If-None-Match": '"1"'}, 200),
        ({"If-None-Match": '"2"'}, 412),
        ({"If-None-Match": "*"}, 412),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_condition_that_does_not_hold_changes_nothing(
    http, upf, method, headers, status
) -> None:
    await http.put("/v1/slices/video", json=BODY)
    await http.patch("/v1/slices/video", json={"uplink_mbps": 21})
    before = upf.registry.slices["video"]
    body = None if method == "DELETE" else {"sst": 1, "uplink_mbps": 22}
    answer = await http.request(method, "/v1/slices/video", json=body, headers=headers)
    assert answer.status_code == (204 if method == "DELETE" and status == 200 else status)
    assert (upf.registry.slices.get("video") == before) == (status == 412)
    if status == 412:
        assert "slice video" in answer.json()["detail"]


async def test_if_match_makes_no_slice_and_if_none_match_makes_one_once(http) -> None:
    for headers in ({"If-Match": "*"}, {"If-Match": '"1"'}):
        answer = await http.put("/v1/slices/video", json=BODY, headers=headers)
        assert answer.status_code == 412
    answers = await asyncio.gather(
        *(
            http.put("/v1/slices/video", json=BODY, headers={"If-None-Match": "*"})
            for _ in range(10)
        )
    )
    assert sorted(each.status_code for each in answers) == [201] + [412] * 9


async def test_of_concurrent_changes_with_one_etag_one_wins(http, upf) -> None:
    etag = (await http.put("/v1/slices/video", json=BODY)).headers["ETag"]
    answers = await asyncio.gather(
        *(
            http.patch(
                "/v1/slices/video", json={"uplink_mbps": 100 + n}, headers={"If-Match": etag}
            )
            for n in range(20)
        )
    )
    (won,) = [each for each in answers if each.status_code == 200]
    assert upf.registry.slices["video"].uplink_bps == won.json()["uplink_mbps"] * 1_000_000


async def test_a_slice_in_use_stays_unless_forced(http, upf) -> None:
    await http.put("/v1/slices/video", json=BODY)
    upf.set_sessions(1, 3)
    answer = await http.delete("/v1/slices/video")
    assert answer.status_code == 409
    assert "3 sessions" in answer.json()["detail"]
    assert "video" in upf.registry.slices
    assert (await http.delete("/v1/slices/video?force=true")).status_code == 204
    assert upf.meters.capacities == {}


async def test_what_if_adds_up_all_slices_and_changes_nothing(http, upf, port) -> None:
    ports = {"n3": port("n3", 100), "n6": port("n6", 1000)}
    upf.sample = replace(upf.sample, ports=ports)
    await upf.sampler.sample()
    await http.put(
        "/v1/slices/video",
        json={**BODY, "downlink_mbps": 80, "guaranteed_downlink_mbps": 60},
    )
    wanted = {"sst": 2, "uplink_mbps": 100, "downlink_mbps": 40, "guaranteed_downlink_mbps": 30}
    verdict = (await http.post("/v1/slices/iot/what-if", json=wanted)).json()
    assert verdict["fits"]
    assert verdict["directions"][1] == {
        "direction": "downlink",
        "port_role": "access",
        "port_mbps": 100,
        "guaranteed_mbps": 90,
        "capacity_mbps": 120,
        "oversubscription": 1.2,
    }
    (doubt,) = verdict["doubts"]
    assert "no queues" in doubt
    assert "within 100 Mbit/s" in doubt
    wanted |= {"guaranteed_downlink_mbps": 40.5, "downlink_mbps": 41, "uplink_mbps": 1001}
    verdict = (await http.post("/v1/slices/iot/what-if", json=wanted)).json()
    assert not verdict["fits"]
    assert "guaranteed 100.5 Mbit/s together" in verdict["reasons"][0]
    assert "1001 Mbit/s is more than the core ports" in verdict["reasons"][1]
    assert "iot" not in upf.registry.slices


async def test_what_the_ports_cannot_keep_is_not_promised(http, upf, port) -> None:
    upf.sample = replace(upf.sample, ports={"n3": port("n3", 100), "n6": port("n6", 1000)})
    await upf.sampler.sample()
    body = {"sst": 1, "guaranteed_downlink_mbps": 60}
    assert (await http.put("/v1/slices/video", json=body)).status_code == 201
    refused = await http.put("/v1/slices/iot", json={"sst": 2, "guaranteed_downlink_mbps": 41})
    assert refused.status_code == 409
    assert "the access ports carry 100 Mbit/s" in refused.json()["detail"]
    assert (await http.get("/v1/slices/iot")).status_code == 404
    both = await asyncio.gather(
        *(
            http.put(f"/v1/slices/{name}", json={"sst": 2, "guaranteed_downlink_mbps": 30})
            for name in ("iot", "voice")
        )
    )
    assert sorted(each.status_code for each in both) == [201, 409]
    # A link that got slower is no reason to refuse a change that asks for no more.
    upf.sample = replace(upf.sample, ports={"n3": port("n3", 10), "n6": port("n6", 1000)})
    await upf.sampler.sample()
    lower = {"guaranteed_downlink_mbps": 50}
    assert (await http.patch("/v1/slices/video", json=lower)).status_code == 200


async def test_usage_over_time_is_in_steps_of_ten_seconds(http, upf) -> None:
    await http.put("/v1/slices/video", json=BODY)
    began = time.time() // 10 * 10 - 30
    for second in range(20):
        volume = Volume(uplink=Counts(second, 125_000 * second))
        upf.history.add(
            Sample(
                number=second,
                time=began + second,
                clock=second,
                slices={1: volume},
                num_sessions={1: 2},
            )
        )
    series = (await http.get("/v1/slices/video/usage")).json()
    assert (series["slice"], series["step_s"]) == ("video", 10)
    assert [each["uplink_mbps"] for each in series["points"]] == [0.9, 1.0]
    assert {each["sessions"] for each in series["points"]} == {2}
    now = Sample(number=20, time=time.time(), clock=20, slices={1: Volume()}, num_sessions={1: 2})
    upf.history.add(now)
    assert (await http.get("/v1/slices/video/usage")).json() == series
    shown = (await http.get("/v1/usage?window_s=10")).json()
    assert [(each["slice"], each["points"]) for each in shown] == [("video", []), (None, [])]
    assert (await http.get("/v1/usage?window_s=3601")).status_code == 422


async def test_an_unknown_slice_is_not_found_and_says_how_to_make_it(http) -> None:
    answer = await http.get("/v1/slices/none")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "PUT /v1/slices/none" in answer.json()["detail"]


async def test_a_deleted_slice_is_gone(http) -> None:
    await http.put("/v1/slices/video", json=BODY)
    assert (await http.delete("/v1/slices/video")).status_code == 204
    assert (await http.get("/v1/slices/video")).status_code == 404
    assert (await http.delete("/v1/slices/video")).status_code == 404


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"sst": 256}, "sst"),
        ({"sst": "one"}, "sst"),
        ({"sst": "1"}, "sst"),
        ({"sst": True}, "sst"),
        ({"downlink_mbps": True}, "downlink_mbps"),
        ({"sst": None}, "set sst too"),
        ({"sd": "12345"}, "sd"),
        ({"sd": "12345g"}, "sd"),
        ({"uplink_mbps": 0}, "uplink_mbps"),
        ({"uplink_mbps": -1}, "uplink_mbps"),
        ({"downlink_mbps": "fast"}, "downlink_mbps"),
        ({"dnns": [""]}, "dnns"),
        ({"uplink_burst_ms": 0}, "uplink_burst_ms"),
        ({"guaranteed_uplink_mbps": 21}, "guaranteed more uplink than its capacity"),
        ({"uplink_mps": 1}, "uplink_mps"),
        ({"dscp": 64}, "dscp"),
    ],
    ids=str,
)
async def test_a_wrong_member_is_named(http, upf, change, where) -> None:
    answer = await http.put("/v1/slices/video", json={**BODY, **change})
    assert answer.status_code == 422
    assert where in answer.json()["detail"]
    assert not upf.registry.slices


@pytest.mark.parametrize("name", ["-x", "a b", "x" * 65, "%2e%2e%2f"])
async def test_a_strange_name_makes_no_slice(http, upf, name) -> None:
    answer = await http.put(f"/v1/slices/{name}", json=BODY)
    assert answer.status_code in (404, 422)
    assert not upf.registry.slices


async def test_a_switch_that_is_gone_is_service_unavailable(http, upf, switch_gone) -> None:
    upf.meters.refuses = switch_gone
    answer = await http.put("/v1/slices/video", json=BODY)
    assert answer.status_code == 503
    assert answer.json()["detail"] == "the switch does not answer"


async def test_all_slices_taken_is_insufficient_storage(http) -> None:
    for number in range(255):
        assert (await http.put(f"/v1/slices/s{number}", json={"sst": 1})).status_code == 201
    answer = await http.put("/v1/slices/one-more", json={"sst": 1})
    assert answer.status_code == 507
    assert "delete one first" in answer.json()["detail"]

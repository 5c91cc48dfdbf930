from __future__ import annotations

from dataclasses import replace

import pytest

from upf.slices import DEFAULT_BURST_MS

BODY = {"sst": 1, "sd": "000001", "dnns": ["internet"], "uplink_mbps": 20, "downlink_mbps": 50.5}


async def test_a_new_slice_answers_created_and_as_given(http, upf) -> None:
    answer = await http.put("/v1/slices/video", json=BODY)
    assert answer.status_code == 201
    assert answer.json() == {
        **BODY,
        "name": "video",
        "burst_ms": DEFAULT_BURST_MS,
        "sessions": 0,
        "usage": {
            "uplink_packets": 0,
            "uplink_octets": 0,
            "downlink_packets": 0,
            "downlink_octets": 0,
        },
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


async def test_a_slice_shows_the_sum_of_its_sessions(http, upf, session_of) -> None:
    await http.put("/v1/slices/video", json=BODY)
    upf.views = [
        session_of(1, "video", 100, 10),
        session_of(2, "video", 200, 20),
        session_of(3, None, 5000, 5000),
    ]
    shown = (await http.get("/v1/slices")).json()[0]
    assert shown["sessions"] == 2
    assert shown["usage"] == {
        "uplink_packets": 4,
        "uplink_octets": 300,
        "downlink_packets": 6,
        "downlink_octets": 30,
    }


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
        ({"sst": None}, "sst"),
        ({"sd": "12345"}, "sd"),
        ({"sd": "12345g"}, "sd"),
        ({"uplink_mbps": 0}, "uplink_mbps"),
        ({"uplink_mbps": -1}, "uplink_mbps"),
        ({"downlink_mbps": "fast"}, "downlink_mbps"),
        ({"dnns": [""]}, "dnns"),
        ({"burst_ms": 0}, "burst_ms"),
        ({"uplink_mps": 1}, "uplink_mps"),
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
    upf.refuses = switch_gone
    answer = await http.put("/v1/slices/video", json=BODY)
    assert answer.status_code == 503
    assert answer.json()["detail"] == "the switch does not answer"


async def test_all_slices_taken_is_insufficient_storage(http) -> None:
    for number in range(255):
        assert (await http.put(f"/v1/slices/s{number}", json={"sst": 1})).status_code == 201
    answer = await http.put("/v1/slices/one-more", json={"sst": 1})
    assert answer.status_code == 507
    assert "delete one first" in answer.json()["detail"]

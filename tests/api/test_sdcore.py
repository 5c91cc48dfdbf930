"""SD-Core's slice call, with the bodies its callers send."""

from __future__ import annotations

import json

import pytest

PATH = "/v1/config/network-slices"
# As onosproject/sdcore-adapter writes it: MBR in capitals, bit/s, bursts of 625000 octets.
ADAPTER = """{
  "sliceName": "slice1",
  "sliceQos": {
    "uplinkMBR": 333000000,
    "downlinkMBR": 444000000,
    "bitrateUnit": "bps",
    "uplinkBurstSize": 625000,
    "downlinkBurstSize": 625000
  },
  "ueResourceInfo": [
    {
      "uePoolId": "sample-dg",
      "dnn": "5ginternet"
    }
  ]
}"""
# As omec-project/upf documents it.
OMEC = """{
  "sliceName": "P4-UPF-1",
  "sliceQos": {
    "uplinkMbr": 333,
    "downlinkMbr": 444,
    "bitrateUnit": "bps",
    "uplinkBurstSize": 625000,
    "downlinkBurstSize": 625000
  },
  "ueResourceInfo": [{"uePoolId": "sample-dg", "dnn": "5ginternet"}]
}"""


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_the_adapters_body_makes_a_slice(http, upf, method) -> None:
    answer = await http.request(
        method, PATH, content=ADAPTER, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()) == (201, {"message": "Status Created"})
    held = upf.registry.slices["slice1"]
    assert (held.uplink_bps, held.downlink_bps) == (333_000_000, 444_000_000)
    assert (held.dnns, held.s_nssai) == (("5ginternet",), None)
    assert [rate.pburst_bytes for rate in held.rates()] == [625_000, 625_000]
    shown = (await http.get("/v1/slices/slice1")).json()
    assert (shown["sst"], shown["uplink_mbps"]) == (None, 333)


async def test_the_documented_body_makes_a_slice_of_the_least_rate(http, upf) -> None:
    answer = await http.post(PATH, content=OMEC, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    held = upf.registry.slices["P4-UPF-1"]
    assert (held.uplink_bps, held.downlink_bps) == (1000, 1000)
    assert (held.uplink_burst_ms, held.downlink_burst_ms) == (10_000, 10_000)


@pytest.mark.parametrize(
    ("qos", "uplink_bps"),
    [
        ({}, None),
        ({"uplinkMbr": 20}, 20_000_000),
        ({"uplinkMbr": 20, "bitrateUnit": ""}, 20_000_000),
        ({"uplinkMbr": 20, "bitrateUnit": "Mbps"}, 20_000_000),
        ({"uplinkmbr": 20, "BITRATEUNIT": "Kbps"}, 20_000),
        ({"uplinkMbr": 2, "bitrateUnit": "Gbps"}, 2_000_000_000),
        ({"uplinkMbr": 0, "bitrateUnit": "Mbps"}, None),
        ({"downlinkMbr": 5}, None),
    ],
    ids=str,
)
async def test_rates_are_read_in_their_unit(http, upf, qos, uplink_bps) -> None:
    answer = await http.post(PATH, json={"slicename": "s", "sliceqos": qos})
    assert answer.status_code == 201
    assert upf.registry.slices["s"].uplink_bps == uplink_bps


async def test_slices_are_many_and_what_is_not_said_stays(http, upf) -> None:
    await http.put("/v1/slices/slice1", json={"sst": 1, "max_sessions": 7})
    for body in (json.loads(ADAPTER), {"sliceName": "other"}):
        await http.post(PATH, json=body)
    assert upf.registry.slices.keys() == {"slice1", "other"}
    held = upf.registry.slices["slice1"]
    assert (held.max_sessions, str(held.s_nssai), held.dnns) == (7, "1", ("5ginternet",))
    assert upf.registry.slices["other"].covers(None, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sliceName": ""},
        {"sliceName": "a b"},
        {"sliceName": "s", "sliceQos": {"uplinkMbr": -1}},
        {"sliceName": "s", "sliceQos": {"uplinkMbr": "20"}},
        {"sliceName": "s", "sliceQos": {"uplinkMbr": True}},
        {"sliceName": "s", "sliceQos": {"uplinkMbr": 0, "bitrateUnit": "bps"}},
        {"sliceName": "s", "sliceQos": {"uplinkMbr": 1, "bitrateUnit": "furlongs"}},
        {"sliceName": "s", "sliceQos": {"uplinkMbr": 10**30}},
        {"sliceName": "s", "ueResourceInfo": [{"dnn": ""}]},
        [],
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_told_and_changes_nothing(http, upf, body) -> None:
    answer = await http.post(PATH, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert not upf.registry.slices


async def test_a_switch_that_is_gone_is_not_answered_with_created(http, upf, switch_gone) -> None:
    upf.meters.refuses = switch_gone
    assert (await http.post(PATH, json=json.loads(ADAPTER))).status_code == 503


async def test_another_method_is_not_allowed(http) -> None:
    answer = await http.get(PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")

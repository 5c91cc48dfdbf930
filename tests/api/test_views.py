from __future__ import annotations

from dataclasses import replace

import pytest

from upf.config import TokenConfig, UEPoolConfig
from upf.entry import Counts, Entry, Prefix
from upf.errors import PeerError, PeerSilentError
from upf.views import Health, PDRCount, SessionInside


async def test_a_session_shows_its_identifiers_and_usage(http, upf, session_of) -> None:
    upf.views = [session_of(0x2D0, "video", 100, 10)]
    assert (await http.get("/v1/sessions")).json() == [
        {
            "up_seid": "00000000000002d0",
            "cp_seid": "000000000000035e",
            "cp_node_id": "10.100.4.1",
            "ue_ipv4": "10.45.0.2",
            "ue_ipv6": None,
            "dnn": "internet",
            "s_nssai": "1",
            "slice": "video",
            "local_tunnels": [{"teid": "0000d845", "address": "10.100.3.1"}],
            "remote_tunnels": [{"teid": "00000001", "address": "10.100.3.2"}],
            "since": "2023-11-14T22:13:20Z",
            "usage": {
                "uplink_packets": 2,
                "uplink_octets": 100,
                "downlink_packets": 3,
                "downlink_octets": 10,
            },
        }
    ]


async def test_one_session_shows_rules_entries_and_counters(http, upf, session_of) -> None:
    key = (2, Prefix(0x0A2D0002, 32))
    entry = Entry("Ingress.detection.sessions_by_ue_ipv4", key, "Ingress.detection.drop", (8,))
    upf.insides = [
        SessionInside(
            view=session_of(0x2D0, None, 0, 0),
            rules={"pdrs": [{"pdr_id": 1}], "fars": [], "qers": [], "urrs": [], "bars": []},
            entries=((entry, 1),),
            counters=(PDRCount(1, 77, is_uplink=False, counts=Counts(3, 300)),),
        )
    ]
    shown = (await http.get("/v1/sessions/2d0")).json()
    assert shown["up_seid"] == "00000000000002d0"
    assert shown["rules"]["pdrs"] == [{"pdr_id": 1}]
    assert shown["entries"] == [
        {
            "table": "Ingress.detection.sessions_by_ue_ipv4",
            "key": {"network_instance": 2, "ue_ipv4": "170721282/32"},
            "action": "Ingress.detection.drop",
            "params": {"reason": 8},
            "pdr_id": 1,
        }
    ]
    assert shown["counters"] == [
        {"pdr_id": 1, "usage_id": 77, "direction": "downlink", "packets": 3, "octets": 300}
    ]
    assert (await http.get("/v1/sessions/2d1")).status_code == 404
    assert (await http.get("/v1/sessions/not-hex")).status_code == 422


async def test_pages_of_sessions_follow_each_other(http, upf, session_of) -> None:
    upf.views = [session_of(n, "video" if n % 2 else "iot", 0, 0) for n in range(1, 12)]
    path, seen = "/v1/sessions?slice=video&limit=2", []
    while path:
        answer = await http.get(path)
        assert answer.headers["X-Total-Count"] == "6"
        seen += [int(each["up_seid"], 16) for each in answer.json()]
        path = answer.links.get("next", {}).get("url")
    assert seen == [1, 3, 5, 7, 9, 11]
    for wrong in ("limit=0", "limit=1001", "after=x", "ue=10.45"):
        assert (await http.get(f"/v1/sessions?{wrong}")).status_code == 422


async def test_associations_are_set_up_and_released(http, upf) -> None:
    answer = await http.post("/v1/associations", json={"address": "10.100.4.1"})
    assert (answer.status_code, answer.json()[0]["node_id"]) == (201, "10.100.4.1")
    assert (await http.delete("/v1/associations/10.100.4.1")).status_code == 202
    assert (await http.delete("/v1/associations/10.100.4.1?force=true")).status_code == 204
    assert upf.asked == [("10.100.4.1", 8805), ("10.100.4.1", False), ("10.100.4.1", True)]
    assert (await http.delete("/v1/associations/10.9.9.9")).status_code == 404
    upf.peer_error = PeerError("the SMF at 10.100.4.1 refused: cause 64")
    assert (await http.delete("/v1/associations/10.100.4.1")).status_code == 502
    upf.peer_error = PeerSilentError("10.100.4.1 does not answer")
    answer = await http.post("/v1/associations", json={"address": "10.100.4.1", "port": 8806})
    assert (answer.status_code, answer.json()["title"]) == (504, "Gateway Timeout")


async def test_the_data_plane_is_shown(http, upf, port) -> None:
    upf.sample = replace(upf.sample, ports={"n3": port("n3", 10_000, 100)})
    await upf.sampler.sample()
    ports = (await http.get("/v1/ports")).json()
    assert [(each["name"], each["is_present"]) for each in ports] == [("n3", True), ("n6", False)]
    assert (ports[0]["mac"], ports[0]["gtpu_addresses"]) == ("00:00:00:00:00:02", ["10.100.3.1"])
    assert (await http.get("/v1/routes")).json() == [
        {
            "network_instance": "access",
            "destination": "10.100.3.0/24",
            "interface": "n3",
            "next_hop_mac": None,
        },
        {
            "network_instance": "core",
            "destination": "0.0.0.0/0",
            "interface": "n6",
            "next_hop_mac": "02:00:00:00:00:d0",
        },
    ]
    assert (await http.get("/v1/neighbours")).json() == [
        {
            "interface": "n6",
            "address": "10.100.6.2",
            "mac": "02:00:00:00:00:d0",
            "is_stale": False,
        }
    ]
    assert (await http.get("/v1/target")).json()["entries"]["Ingress.detection.ports"] == 2


async def test_drops_have_a_meaning_and_a_place_in_the_packets_path(http, upf) -> None:
    assert (await http.get("/v1/drops")).json() == [
        {
            "reason": "no_session",
            "meaning": "no session has this tunnel endpoint or UE address",
            "stage": "detection",
            "packets": 7,
            "octets": 700,
        }
    ]
    stages = (await http.get("/v1/pipeline")).json()
    assert [(each["stage"], each["packets"]) for each in stages][:2] == [
        ("detection", 7),
        ("forwarding", 0),
    ]
    assert stages[0]["drops"] == ["no_session"]
    assert stages[0]["tables"] == [
        {"name": "Ingress.detection.ports", "entries": 2, "size": 64, "hits": None}
    ]
    assert stages[2]["tables"] == [
        {"name": "Ingress.routing.next_hops", "entries": 1, "size": 4096, "hits": None}
    ]
    upf.sample = replace(upf.sample, hits={"Ingress.detection.ports": 12})
    await upf.sampler.sample()
    stages = (await http.get("/v1/pipeline")).json()
    assert stages[0]["tables"][0]["hits"] == 12


async def test_pools_show_how_many_addresses_are_in_use(http, upf) -> None:
    pool = UEPoolConfig.model_validate({"prefix": "10.45.0.0/16", "network_instance": "internet"})
    upf.config = upf.config.model_copy(update={"ue_pool": (pool,)})
    assert (await http.get("/v1/ue-pools")).json() == [
        {
            "prefix": "10.45.0.0/16",
            "network_instance": "internet",
            "addresses": 65536,
            "in_use": 1,
        }
    ]


async def test_the_configuration_is_shown_as_running_without_hashes(http, upf) -> None:
    token = TokenConfig(name="ops", role="read", sha256="0" * 64)
    rest = upf.config.rest.model_copy(update={"token": (token,)})
    upf.config = upf.config.model_copy(update={"rest": rest})
    await http.put("/v1/slices/video", json={"sst": 1, "uplink_mbps": 3})
    shown = (await http.get("/v1/config")).json()
    assert shown["n4"]["address"] == "127.0.0.1"
    assert shown["rest"]["token"] == [{"name": "ops", "role": "read"}]
    assert shown["slice"][0]["uplink_mbps"] == 3


async def test_status_is_the_upf_in_a_few_lines(http) -> None:
    shown = (await http.get("/v1/status")).json()
    assert (shown["node_id"], shown["is_ready"], shown["target"]) == (
        "10.100.4.2",
        True,
        "xdp auto",
    )
    assert shown["since"] == "2023-11-14T22:13:20Z"


async def test_health_says_why_it_is_not_ready(http, upf) -> None:
    assert (await http.get("/health")).json() == {"status": "ready", "reason": None}
    upf.state = Health(is_ready=False, reason="the switch is gone")
    answer = await http.get("/health/ready")
    assert answer.status_code == 503
    assert (await http.get("/health/live")).json() == {"status": "live", "reason": None}
    answer = await http.get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reason": "the switch is gone"}


async def test_associations_are_listed(http) -> None:
    assert (await http.get("/v1/associations")).json() == [
        {
            "node_id": "10.100.4.1",
            "address": "10.100.4.1",
            "is_reachable": True,
            "sessions": 0,
            "since": "2023-11-14T22:15:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("since", "number"),
    [("2023-11-14T22:15:00Z", 1), ("2023-11-14T23:15:01+01:00", 0), ("2020-01-01T00:00:00Z", 1)],
)
async def test_associations_are_told_from_a_time_on(http, since, number) -> None:
    found = await http.get("/v1/associations", params={"since": since})
    assert len(found.json()) == number


@pytest.mark.parametrize("since", ["yesterday", "2023-11-14T22:15:00", ""])
async def test_a_time_without_a_zone_is_refused(http, since) -> None:
    assert (await http.get("/v1/associations", params={"since": since})).status_code == 422

from __future__ import annotations

from upf.views import Health


async def test_a_session_shows_its_identifiers_and_usage(http, upf, session_of) -> None:
    upf.views = [session_of(0x2D0, "video", 100, 10)]
    assert (await http.get("/v1/sessions")).json() == [
        {
            "up_seid": "00000000000002d0",
            "cp_seid": "000000000000035e",
            "cp_node_id": "10.100.4.1",
            "ue_ipv4": "10.45.0.2",
            "dnn": "internet",
            "s_nssai": "1",
            "slice": "video",
            "local_tunnels": [{"teid": "0000d845", "ipv4": "10.100.3.1"}],
            "remote_tunnels": [{"teid": "00000001", "ipv4": "10.100.3.2"}],
            "since": "2023-11-14T22:13:20Z",
            "usage": {
                "uplink_packets": 2,
                "uplink_octets": 100,
                "downlink_packets": 3,
                "downlink_octets": 10,
            },
        }
    ]


async def test_one_session_is_found_by_its_seid(http, upf, session_of) -> None:
    upf.views = [session_of(0x2D0, None, 0, 0)]
    assert (await http.get("/v1/sessions/2d0")).json()["up_seid"] == "00000000000002d0"
    assert (await http.get("/v1/sessions/2d1")).status_code == 404
    assert (await http.get("/v1/sessions/not-hex")).status_code == 422


async def test_health_says_why_it_is_not_ready(http, upf) -> None:
    assert (await http.get("/health")).json() == {"status": "ready", "reason": None}
    upf.state = Health(is_ready=False, reason="the switch is gone")
    answer = await http.get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reason": "the switch is gone"}


async def test_metrics_tell_sessions_drops_and_signalling(http, upf, session_of) -> None:
    upf.views = [session_of(1, None, 0, 0)]
    text = (await http.get("/metrics")).text
    for line in (
        "upf_ready 1.0",
        "upf_sessions 1.0",
        "upf_associations 1.0",
        'upf_dropped_packets_total{reason="no_session"} 7.0',
        'upf_dropped_octets_total{reason="no_session"} 700.0',
        'upf_n4_events_total{event="requests"} 4.0',
        'upf_punted_packets_total{outcome="echo_answered"} 1.0',
    ):
        assert line in text


async def test_associations_are_listed(http) -> None:
    assert (await http.get("/v1/associations")).json() == [
        {"node_id": "10.100.4.1", "address": "10.100.4.1", "is_reachable": True, "sessions": 0}
    ]


async def test_every_call_is_described(http) -> None:
    document = (await http.get("/openapi.json")).json()
    for path, calls in document["paths"].items():
        for verb, call in calls.items():
            assert call.get("summary"), f"{verb} {path}"

"""What each call may answer: examples for the OpenAPI document, by the name of the operation.

All are of one UPF at one moment, so that they fit each other. A test holds them to the schemas.
"""

from __future__ import annotations

from typing import Any

from api.schemas import EXAMPLE_SLICE

_TIME = "2026-01-31T08:00:00Z"
_SINCE = "2026-01-30T20:12:00Z"
_USAGE = {
    "uplink_packets": 1200,
    "uplink_octets": 900_000,
    "downlink_packets": 5200,
    "downlink_octets": 6_500_000,
}
_THROUGHPUT = {"uplink_mbps": 1.2, "downlink_mbps": 12.5}
_ASSOCIATION = {
    "node_id": "10.100.4.1",
    "address": "10.100.4.1",
    "is_reachable": True,
    "sessions": 1,
    "since": _SINCE,
}
_SESSION = {
    "up_seid": "00000000000002d0",
    "cp_seid": "000000000000035e",
    "cp_node_id": "10.100.4.1",
    "ue_ipv4": "10.45.0.2",
    "ue_ipv6": None,
    "dnn": "internet",
    "s_nssai": "1-000001",
    "slice": "video",
    "local_tunnels": [{"teid": "0000d845", "address": "10.100.3.1"}],
    "remote_tunnels": [{"teid": "00000001", "address": "10.100.3.2"}],
    "since": _SINCE,
    "usage": _USAGE,
}
_RX_TX = {"rx_packets": 1300, "rx_octets": 1_000_000, "tx_packets": 5200, "tx_octets": 6_900_000}
_PORT: dict[str, Any] = {
    "name": "n3",
    "port": 1,
    "role": "access",
    "network_instance": None,
    "gtpu_addresses": ["10.100.3.1"],
    "is_present": True,
    "is_up": True,
    "mac": "02:00:00:00:03:01",
    "mtu": 1600,
    "speed_mbps": 10_000,
    **_RX_TX,
    "rx_dropped": 0,
    "tx_dropped": 0,
}
_SLICE = {
    **EXAMPLE_SLICE,
    "name": "video",
    "sessions": 1,
    "usage": _USAGE,
    "dropped": {
        "uplink_packets": 0,
        "uplink_octets": 0,
        "downlink_packets": 31,
        "downlink_octets": 43_400,
    },
    "throughput": _THROUGHPUT,
    "headroom": {"uplink_mbps": 18.8, "downlink_mbps": 37.5, "sessions": 999},
    "guaranteed_in_use": {"uplink_mbps": 0, "downlink_mbps": 2},
    "etag": '"7"',
}
_SERIES = {
    "slice": "video",
    "step_s": 10,
    "points": [{"time": _TIME, **_THROUGHPUT, "sessions": 1}],
}
_DROP = {"reason": "no_session", "stage": "detection", "packets": 7, "octets": 700}
_STAGE = {"stage": "detection", "title": "Ports, tunnels and session lookup", "packets": 6407}
_FAR = {
    "far_id": 1,
    "apply_action": ["FORW"],
    "forwarding": {
        "destination_interface": "access",
        "network_instance": None,
        "outer_header_creation": {"teid": 1, "address": "10.100.3.2"},
    },
    "bar_id": 1,
}
_SESSION_INSIDE = {
    **_SESSION,
    "rules": {
        "pdrs": [{"pdr_id": 1, "precedence": 255, "far_id": 1, "qer_ids": [1], "usage_id": 8}],
        "fars": [_FAR],
        "qers": [{"qer_id": 1, "qfi": 1, "mbr_downlink_kbps": 1_000_000}],
        "urrs": [],
        "bars": [{"bar_id": 1}],
    },
    "entries": [
        {
            "table": "Ingress.detection.sessions_by_ue_ipv4",
            "key": {"network_instance": 2, "ue_ipv4": 170_721_282},
            "action": "Ingress.detection.forward_tunnel",
            "params": {"usage_id": 8, "tunnel_peer_id": 1, "teid": 1, "qfi": 1},
            "pdr_id": 1,
        }
    ],
    "counters": [
        {"pdr_id": 1, "usage_id": 8, "direction": "downlink", "packets": 5200, "octets": 6_500_000}
    ],
}
_FIGURES = {
    "time": _TIME,
    "interval_s": 1.0,
    "is_ready": True,
    "reason": None,
    "since": _SINCE,
    "version": "0.1.0",
    "sessions": 1,
    "slices": [
        {
            "name": "video",
            "sessions": 1,
            "max_sessions": 1000,
            "uplink_mbps": 20,
            "downlink_mbps": 50,
            "throughput": _THROUGHPUT,
            "usage": _USAGE,
        }
    ],
    "associations": [_ASSOCIATION],
    "drops": [{**_DROP, "packets_per_s": 0.0}],
    "ports": [
        {
            **{name: _PORT[name] for name in ("name", "role", "is_up", "speed_mbps")},
            **_RX_TX,
            "rx_mbps": 1.3,
            "tx_mbps": 13.1,
            "rx_packets_per_s": 210.0,
            "tx_packets_per_s": 1250.0,
        }
    ],
    "pipeline": [{**_STAGE, "packets_per_s": 1460.0, "dropped_packets": 7}],
}
_TRACE = {
    "fate": "dropped",
    "summary": "dropped: the SMF closed the gate of the flow",
    "what_to_do": "the SMF closed the gate in a QER: ask its policy (PCF) why",
    "drop_reason": "gate_closed",
    "shown_for": None,
    "up_seid": "00000000000002d0",
    "pdr_id": 2,
    "slice": None,
    "tunnel": None,
    "way": None,
    "interface": "n6",
    "hex": "02000000060102000000060208004500001c000000004001b1c1c63364070a2d00020800f7ff00000000",
    "out_hex": None,
    "steps": [
        {
            "stage": "detection",
            "kind": "table",
            "name": "Ingress.detection.sessions_by_ue_ipv4",
            "meaning": "PDR 2 of session 00000000000002d0 (UE 10.45.0.2): dropped: the SMF closed "
            "the gate of the flow",
            "key": {"network_instance": 2, "ue_ipv4": 170_721_282},
            "is_hit": True,
            "action": "drop",
            "params": {"reason": 6},
            "index": None,
        }
    ],
}

#: What a call answers when all is well, by verb and path.
ANSWERS: dict[str, Any] = {
    "get /health": {"status": "ready", "reason": None},
    "get /health/ready": {"status": "ready", "reason": None},
    "get /health/live": {"status": "live", "reason": None},
    "get /v1/status": {
        "version": "0.1.0",
        "node_id": "10.100.4.2",
        "since": _SINCE,
        "is_ready": True,
        "reason": None,
        "target": "xdp auto",
        "sessions": 1,
        "slices": 1,
        "associations": 1,
    },
    "get /v1/config": {
        "n4": {"address": "10.100.4.2", "port": 8805, "node_id": None, "peers": []},
        "interface": [{"name": "n3", "role": "access", "network_instance": None}],
        "rest": {"listen": "127.0.0.1:8080", "token": []},
        "slice": [{"name": "video", **EXAMPLE_SLICE}],
    },
    "get /v1/slices": [_SLICE],
    "get /v1/slices/{name}": _SLICE,
    "put /v1/slices/{name}": _SLICE,
    "patch /v1/slices/{name}": {**_SLICE, "uplink_mbps": 40, "downlink_mbps": None, "etag": '"8"'},
    "post /v1/slices/{name}/what-if": {
        "fits": True,
        "reasons": [],
        "doubts": [],
        "directions": [
            {
                "direction": "uplink",
                "port_role": "core",
                "port_mbps": 10_000,
                "guaranteed_mbps": 5,
                "capacity_mbps": 20,
                "oversubscription": 0.002,
            }
        ],
    },
    "get /v1/slices/{name}/usage": _SERIES,
    "get /v1/usage": [_SERIES],
    "get /v1/sessions": [_SESSION],
    "get /v1/sessions/{up_seid}": _SESSION_INSIDE,
    "get /v1/associations": [_ASSOCIATION],
    "post /v1/associations": [_ASSOCIATION],
    "get /v1/target": {
        "kind": "xdp",
        "address": None,
        "mode": "auto",
        "is_ready": True,
        "entries": {"Ingress.detection.sessions_by_ue_ipv4": 1},
        "sizes": {"Ingress.detection.sessions_by_ue_ipv4": 200_704},
    },
    "get /v1/ports": [_PORT],
    "get /v1/routes": [
        {
            "network_instance": "internet",
            "destination": "0.0.0.0/0",
            "interface": "n6",
            "next_hop_mac": "02:00:00:00:06:02",
        }
    ],
    "get /v1/neighbours": [
        {
            "interface": "n6",
            "address": "10.100.6.2",
            "mac": "02:00:00:00:06:02",
            "is_stale": False,
        }
    ],
    "get /v1/ue-pools": [
        {
            "prefix": "10.45.0.0/16",
            "network_instance": "internet",
            "addresses": 65_536,
            "in_use": 1,
        }
    ],
    "get /v1/drops": [{**_DROP, "meaning": "no session has this tunnel endpoint or UE address"}],
    "get /v1/pipeline": [
        {
            **_STAGE,
            "dropped_packets": 7,
            "tables": [
                {
                    "name": "Ingress.detection.sessions_by_ue_ipv4",
                    "entries": 1,
                    "size": 200_704,
                    "hits": 5200,
                }
            ],
            "drops": ["no_session"],
        }
    ],
    "post /v1/trace": _TRACE,
    "get /v1/figures": _FIGURES,
    "put /v1/config/network-slices": {"message": "Status Created"},
    "post /v1/config/network-slices": {"message": "Status Created"},
}

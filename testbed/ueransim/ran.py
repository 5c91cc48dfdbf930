"""Configurations of UERANSIM's gNB and UEs, as its programs read them (JSON is YAML, too)."""

from typing import Any

from testbed.topology import GNB_ADDRESS
from testbed.ueransim.plan import (
    AMF_ADDRESS,
    GNB_N2_ADDRESS,
    GNB_RADIO_ADDRESS,
    MCC,
    MNC,
    SLICES,
    TAC,
    Slice,
    Subscriber,
)

AMF_PORT = 38412  # NGAP's, TS 38.412 clause 7
GNB_NAME = f"UERANSIM-gnb-{MCC}-{MNC}-1"

_GNB_ID_BITS = 32


def _s_nssai(of: Slice) -> dict[str, int]:
    return {"sst": of.sst, "sd": int(of.sd, 16)}


def gnb() -> dict[str, Any]:
    """The one gNB: radio towards the UEs, N2 towards the core, N3 towards the UPF."""
    return {
        "mcc": MCC,
        "mnc": MNC,
        "nci": hex(1 << (36 - _GNB_ID_BITS)),
        "idLength": _GNB_ID_BITS,
        "tac": TAC,
        "linkIp": str(GNB_RADIO_ADDRESS),
        "ngapIp": str(GNB_N2_ADDRESS),
        "gtpIp": str(GNB_ADDRESS),
        "amfConfigs": [{"address": str(AMF_ADDRESS), "port": AMF_PORT}],
        "slices": [_s_nssai(each) for each in SLICES],
        "ignoreStreamIds": True,
    }


def ue(subscriber: Subscriber, session_type: str = "IPv4") -> dict[str, Any]:
    """A UE that registers for its slice and asks for one PDU session there."""
    s_nssai = _s_nssai(subscriber.slice)
    return {
        "supi": subscriber.supi,
        "mcc": MCC,
        "mnc": MNC,
        "protectionScheme": 0,
        "routingIndicator": "0000",
        "key": subscriber.key,
        "op": subscriber.opc,
        "opType": "OPC",
        "amf": "8000",
        "imei": "356938035643803",
        "imeiSv": "4370816125816151",
        "gnbSearchList": [str(GNB_RADIO_ADDRESS)],
        "uacAic": {"mps": False, "mcs": False},
        "uacAcc": {"normalClass": 0, **{f"class{number}": False for number in range(11, 16)}},
        "sessions": [
            {"type": session_type, "apn": subscriber.slice.dnn, "slice": s_nssai},
        ],
        "configured-nssai": [s_nssai],
        "default-nssai": [s_nssai],
        "integrity": {"IA1": True, "IA2": True, "IA3": True},
        "ciphering": {"EA1": True, "EA2": True, "EA3": True},
        "integrityMaxRate": {"uplink": "full", "downlink": "full"},
    }

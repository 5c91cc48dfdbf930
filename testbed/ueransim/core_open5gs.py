"""Open5GS as the lab's core: which programs, their configurations, its subscribers.

Every network function has an address of its own on the core's loopback; only the AMF's N2 and the
SMF's N4 leave it. There is no SCP: each asks the NRF.
"""

from ipaddress import IPv4Address
from typing import Any

from testbed.topology import SMF_ADDRESS, UPF_N4_ADDRESS
from testbed.ueransim.core import Core, Database, NetworkFunction
from testbed.ueransim.plan import AMF_ADDRESS, MCC, MNC, SLICES, TAC, Slice, Subscriber

_SBI_PORT = 7777
_NRF = IPv4Address("127.0.1.1")
# In the order they start: who is asked is there before who asks.
_LOOPBACK = {
    name: _NRF + number
    for number, name in enumerate(("nrf", "udr", "udm", "ausf", "pcf", "bsf", "nssf", "smf", "amf"))
}
_HAS_DATABASE = {"udr", "pcf"}
_GBIT_PER_S = {"value": 1, "unit": 3}  # units of 1000: bit/s, kbit/s, Mbit/s, Gbit/s
_IPV4 = 1
_DATABASE_URI = "mongodb://127.0.0.1:27017/open5gs"


def core() -> Core:
    """Open5GS, release 2.7."""
    return Core(
        name="Open5GS",
        functions=tuple(_function(name) for name in _LOOPBACK),
        database=Database("open5gs", lambda of: {"subscribers": [_subscription(of)]}),
        association_s=40,
        version_option="-v",
    )


def _function(name: str) -> NetworkFunction:
    return NetworkFunction(
        name=name,
        program=f"open5gs-{name}d",
        configuration=configuration(name),
        ready=rf"{name.upper()} initialize\.\.\.done",
        uses_sctp=name == "amf",
    )


def configuration(name: str) -> dict[str, Any]:
    """The whole configuration of one network function, by its name in lower case."""
    own: dict[str, Any] = {
        "sbi": {
            "server": [{"address": str(_LOOPBACK[name]), "port": _SBI_PORT}],
            **({} if name == "nrf" else {"client": {"nrf": [{"uri": _uri("nrf")}]}}),
        },
        **_PARTICULARS.get(name, dict)(),
    }
    database = {"db_uri": _DATABASE_URI} if name in _HAS_DATABASE else {}
    return {**database, "global": {"max": {"ue": 1024}}, name: own}


def _uri(name: str) -> str:
    return f"http://{_LOOPBACK[name]}:{_SBI_PORT}"


def _plmn() -> dict[str, int]:
    return {"mcc": int(MCC), "mnc": int(MNC)}


def _s_nssai(of: Slice) -> dict[str, Any]:
    return {"sst": of.sst, "sd": of.sd}


def _nrf() -> dict[str, Any]:
    return {"serving": [{"plmn_id": _plmn()}]}


def _nssf() -> dict[str, Any]:
    server, client = [{"address": str(_LOOPBACK["nssf"]), "port": _SBI_PORT}], _uri("nrf")
    nsi = [{"uri": client, "s_nssai": _s_nssai(each)} for each in SLICES]
    return {"sbi": {"server": server, "client": {"nrf": [{"uri": client}], "nsi": nsi}}}


def _amf() -> dict[str, Any]:
    return {
        "ngap": {"server": [{"address": str(AMF_ADDRESS)}]},
        "guami": [{"plmn_id": _plmn(), "amf_id": {"region": 2, "set": 1}}],
        "tai": [{"plmn_id": _plmn(), "tac": TAC}],
        "plmn_support": [{"plmn_id": _plmn(), "s_nssai": [_s_nssai(each) for each in SLICES]}],
        "security": {"integrity_order": ["NIA2", "NIA1"], "ciphering_order": ["NEA2", "NEA1"]},
        "network_name": {"full": "Lab"},
        "amf_name": "amf",
        "time": {"t3512": {"value": 540}},
    }


def _smf() -> dict[str, Any]:
    upf = {"address": str(UPF_N4_ADDRESS), "dnn": [each.dnn for each in SLICES]}
    return {
        "pfcp": {"server": [{"address": str(SMF_ADDRESS)}], "client": {"upf": [upf]}},
        "gtpc": {"server": [{"address": str(_LOOPBACK["smf"])}]},
        "gtpu": {"server": [{"address": str(SMF_ADDRESS)}]},
        "session": [
            {"subnet": str(each.pool), "gateway": str(each.gateway), "dnn": each.dnn}
            for each in SLICES
        ],
        "dns": ["10.100.6.2"],
        "mtu": 1400,
    }


_PARTICULARS = {"nrf": _nrf, "nssf": _nssf, "amf": _amf, "smf": _smf}


def _subscription(of: Subscriber) -> dict[str, Any]:
    """The subscriber's document in the collection the UDR and the PCF read."""
    ambr = {"uplink": _GBIT_PER_S, "downlink": _GBIT_PER_S}
    arp = {"priority_level": 8, "pre_emption_capability": 1, "pre_emption_vulnerability": 1}
    session = {
        "name": of.slice.dnn,
        "type": _IPV4,
        "qos": {"index": 9, "arp": arp},
        "ambr": ambr,
        "pcc_rule": [],
    }
    s_nssai = {"sst": of.slice.sst, "sd": of.slice.sd}
    return {
        "schema_version": 1,
        "imsi": of.imsi,
        "msisdn": [],
        "security": {"k": of.key, "opc": of.opc, "op": None, "amf": "8000"},
        "ambr": ambr,
        "slice": [{**s_nssai, "default_indicator": True, "session": [session]}],
        "access_restriction_data": 32,
        "network_access_mode": 0,
        "subscriber_status": 0,
        "operator_determined_barring": 0,
        "subscribed_rau_tau_timer": 12,
    }

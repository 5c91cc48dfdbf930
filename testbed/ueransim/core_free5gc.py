"""free5GC as the lab's core: which programs, their configurations, its subscribers.

Every network function has an address of its own on the core's loopback; only the AMF's N2 and the
SMF's N4 leave it. They talk HTTP without TLS and tokens. Each checks the version of its
configuration's schema: those here are of release 4.2.
"""

from ipaddress import IPv4Address
from typing import Any

from testbed.topology import SMF_ADDRESS, UPF_N3_ADDRESS, UPF_N4_ADDRESS
from testbed.ueransim.core import Core, Database, NetworkFunction
from testbed.ueransim.plan import AMF_ADDRESS, MCC, MNC, SLICES, TAC, Slice, Subscriber
from testbed.ueransim.ran import AMF_PORT

_SBI_PORT = 8000
_NRF = IPv4Address("127.0.1.1")
# In the order they start: who is asked is there before who asks. Versions are of the schemas.
_SCHEMAS = {
    "nrf": "1.0.2",
    "udr": "1.1.0",
    "udm": "1.0.3",
    "ausf": "1.0.3",
    "pcf": "1.0.2",
    "nssf": "1.0.2",
    "smf": "1.0.7",
    "amf": "1.0.9",
}
_LOOPBACK = {name: _NRF + number for number, name in enumerate(_SCHEMAS)}
_DATABASE_URL, _DATABASE = "mongodb://127.0.0.1:27017", "free5gc"
_PLMN = {"mcc": MCC, "mnc": MNC}
_RETRANSMISSION = {"enable": True, "expireTime": "6s", "maxRetryTimes": 4}
# The SMF wants to be told of UEs with ways of their own, though there are none.
_NO_ROUTES = {"info": {"version": "1.0.7", "description": "lab"}, "ueRoutingInfo": {}}
_NETWORK_TIMERS = ("t3513", "t3522", "t3550", "t3555", "t3560", "t3565", "t3570")


def core() -> Core:
    """free5GC, release 4.2, as its `make` leaves its programs."""
    return Core(
        name="free5GC",
        functions=tuple(_function(name) for name in _SCHEMAS),
        database=Database(_DATABASE, _subscription),
        association_s=60,
    )


def _function(name: str) -> NetworkFunction:
    return NetworkFunction(
        name=name,
        program=name,
        configuration=configuration(name),
        ready=r"(Start SBI|SBI|Starting) server",
        uses_sctp=name == "amf",
        more=(("-u", "uerouting", _NO_ROUTES),) if name == "smf" else (),
    )


def configuration(name: str) -> dict[str, Any]:
    """The whole configuration of one network function, by its name in lower case."""
    own = {"sbi": _sbi(name), **({} if name == "nrf" else {"nrfUri": _uri("nrf")})}
    return {
        "info": {"version": _SCHEMAS[name], "description": "lab"},
        "configuration": {**own, **_PARTICULARS[name]()},
        "logger": {"enable": True, "level": "info", "reportCaller": False},
    }


def _uri(name: str) -> str:
    return f"http://{_LOOPBACK[name]}:{_SBI_PORT}"


def _sbi(name: str) -> dict[str, Any]:
    address = str(_LOOPBACK[name])
    where = {"registerIPv4": address, "bindingIPv4": address, "port": _SBI_PORT}
    return {"scheme": "http", **where}


def _s_nssai(of: Slice) -> dict[str, Any]:
    return {"sst": of.sst, "sd": of.sd}


def _nrf() -> dict[str, Any]:
    return {
        "MongoDBName": _DATABASE,
        "MongoDBUrl": _DATABASE_URL,
        "DefaultPlmnId": _PLMN,
        "serviceNameList": ["nnrf-nfm", "nnrf-disc"],
    }


def _udr() -> dict[str, Any]:
    database = {"name": _DATABASE, "url": _DATABASE_URL}
    return {"dbConnectorType": "mongodb", "mongodb": database}


def _udm() -> dict[str, Any]:
    services = ("nudm-sdm", "nudm-uecm", "nudm-ueau", "nudm-ee", "nudm-pp")
    return {"serviceNameList": list(services), "SuciProfile": []}


def _ausf() -> dict[str, Any]:
    return {
        "serviceNameList": ["nausf-auth"],
        "plmnSupportList": [_PLMN],
        "groupId": "ausfGroup001",
    }


def _pcf() -> dict[str, Any]:
    return {
        "pcfName": "pcf",
        "timeFormat": "2019-01-02 15:04:05",
        "defaultBdtRefId": "BdtPolicyId-",
        "serviceList": [
            {"serviceName": "npcf-am-policy-control"},
            {"serviceName": "npcf-smpolicycontrol", "suppFeat": "3fff"},
            {"serviceName": "npcf-policyauthorization", "suppFeat": "3"},
        ],
        "mongodb": {"name": _DATABASE, "url": _DATABASE_URL},
        "locality": "area1",
    }


def _nssf() -> dict[str, Any]:
    nrf = f"{_uri('nrf')}/nnrf-nfm/v1/nf-instances"
    return {
        "nssfName": "nssf",
        "serviceNameList": ["nnssf-nsselection", "nnssf-nssaiavailability"],
        "supportedPlmnList": [_PLMN],
        "supportedNssaiInPlmnList": [
            {"plmnId": _PLMN, "supportedSnssaiList": [_s_nssai(each) for each in SLICES]}
        ],
        "nsiList": [
            {"snssai": _s_nssai(each), "nsiInformationList": [{"nrfId": nrf, "nsiId": number}]}
            for number, each in enumerate(SLICES, start=1)
        ],
        "amfSetList": [],
        "amfList": [],
        "taList": [
            {
                "tai": {"plmnId": _PLMN, "tac": f"{TAC:06x}"},
                "accessType": "3GPP_ACCESS",
                "supportedSnssaiList": [_s_nssai(each) for each in SLICES],
            }
        ],
        "mappingListFromPlmn": [],
    }


def _amf() -> dict[str, Any]:
    return {
        "amfName": "amf",
        "ngapIpList": [str(AMF_ADDRESS)],
        "ngapPort": AMF_PORT,
        "serviceNameList": ["namf-comm", "namf-evts", "namf-mt", "namf-loc", "namf-oam"],
        "servedGuamiList": [{"plmnId": _PLMN, "amfId": "cafe00"}],
        "supportTaiList": [{"plmnId": _PLMN, "tac": f"{TAC:06x}"}],
        "plmnSupportList": [
            {"plmnId": _PLMN, "snssaiList": [_s_nssai(each) for each in SLICES]},
        ],
        "supportDnnList": [each.dnn for each in SLICES],
        "security": {"integrityOrder": ["NIA2"], "cipheringOrder": ["NEA2", "NEA0"]},
        "networkName": {"full": "Lab", "short": "Lab"},
        "t3502Value": 720,
        "t3512Value": 3600,
        "non3gppDeregTimerValue": 3240,
        **dict.fromkeys(_NETWORK_TIMERS, _RETRANSMISSION),
        "locality": "area1",
        "sctp": {"numOstreams": 3, "maxInstreams": 5, "maxAttempts": 2, "maxInitTimeout": 2},
        "defaultUECtxReq": False,
    }


def _smf() -> dict[str, Any]:
    smf, upf = str(SMF_ADDRESS), str(UPF_N4_ADDRESS)
    return {
        "smfName": "smf",
        "serviceNameList": ["nsmf-pdusession", "nsmf-event-exposure", "nsmf-oam"],
        "snssaiInfos": [
            {
                "sNssai": _s_nssai(each),
                "dnnInfos": [{"dnn": each.dnn, "dns": {"ipv4": "10.100.6.2"}}],
            }
            for each in SLICES
        ],
        "plmnList": [_PLMN],
        "locality": "area1",
        "pfcp": {
            "nodeID": smf,
            "listenAddr": smf,
            "externalAddr": smf,
            "assocFailAlertInterval": "10s",
            "assocFailRetryInterval": "5s",
            # This SMF gives up a UPF that does not answer one heartbeat.
            "heartbeatInterval": "60s",
        },
        "userplaneInformation": {
            "upNodes": {"gNB": {"type": "AN"}, "UPF": _upf(upf)},
            "links": [{"A": "gNB", "B": "UPF"}],
        },
        "t3591": _RETRANSMISSION,
        "t3592": _RETRANSMISSION,
        "urrPeriod": 30,
        "urrThreshold": 500_000,
        "requestedUnit": 1000,
    }


def _upf(address: str) -> dict[str, Any]:
    """The UPF as the SMF is told of it: it gives out TEIDs on the N3 address it finds here."""
    return {
        "type": "UPF",
        "nodeID": address,
        "addr": address,
        "sNssaiUpfInfos": [
            {
                "sNssai": _s_nssai(each),
                "dnnUpfInfoList": [{"dnn": each.dnn, "pools": [{"cidr": str(each.pool)}]}],
            }
            for each in SLICES
        ],
        "interfaces": [
            {
                "interfaceType": "N3",
                "endpoints": [str(UPF_N3_ADDRESS)],
                "networkInstances": [each.dnn for each in SLICES],
            }
        ],
    }


_PARTICULARS = {
    "nrf": _nrf,
    "udr": _udr,
    "udm": _udm,
    "ausf": _ausf,
    "pcf": _pcf,
    "nssf": _nssf,
    "smf": _smf,
    "amf": _amf,
}


def _subscription(of: Subscriber) -> dict[str, list[dict[str, Any]]]:
    """The subscriber's documents by the collections the UDR and the PCF read."""
    s_nssai, dnn = _s_nssai(of.slice), of.slice.dnn
    ue = {"ueId": of.supi}
    here = {**ue, "servingPlmnId": MCC + MNC}
    ambr = {"uplink": "1 Gbps", "downlink": "1 Gbps"}
    key = f"{of.slice.sst:02d}{of.slice.sd}"
    return {
        "subscriptionData.authenticationData.authenticationSubscription": [
            {
                **ue,
                "authenticationMethod": "5G_AKA",
                "encPermanentKey": of.key,
                "encOpcKey": of.opc,
                "authenticationManagementField": "8000",
                "sequenceNumber": {"sqn": "000000000023"},
            }
        ],
        "subscriptionData.provisionedData.amData": [
            {
                **here,
                "gpsis": [f"msisdn-{of.imsi[-10:]}"],
                "nssai": {"defaultSingleNssais": [s_nssai], "singleNssais": [s_nssai]},
                "subscribedUeAmbr": ambr,
            }
        ],
        "subscriptionData.provisionedData.smfSelectionSubscriptionData": [
            {**here, "subscribedSnssaiInfos": {key: {"dnnInfos": [{"dnn": dnn}]}}}
        ],
        "subscriptionData.provisionedData.smData": [
            {
                **here,
                "singleNssai": s_nssai,
                "dnnConfigurations": {dnn: _session(ambr)},
            }
        ],
        "policyData.ues.amData": [{**ue, "subscCats": ["free5gc"]}],
        "policyData.ues.smData": [
            {
                **ue,
                "smPolicySnssaiData": {
                    key: {"snssai": s_nssai, "smPolicyDnnData": {dnn: {"dnn": dnn}}}
                },
            }
        ],
    }


def _session(ambr: dict[str, str]) -> dict[str, Any]:
    return {
        "pduSessionTypes": {"defaultSessionType": "IPV4", "allowedSessionTypes": ["IPV4"]},
        "sscModes": {"defaultSscMode": "SSC_MODE_1", "allowedSscModes": ["SSC_MODE_1"]},
        "5gQosProfile": {"5qi": 9, "arp": {"priorityLevel": 8}, "priorityLevel": 8},
        "sessionAmbr": ambr,
    }

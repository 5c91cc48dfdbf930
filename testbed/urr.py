"""Usage reporting rules as an SMF's messages carry them, built with scapy. Pure."""

from scapy.contrib import pfcp as n4
from scapy.packet import Packet

_REPORTING_TRIGGERS = 37
#: Octet and bit of each flag of Reporting Triggers (TS 29.244 clause 8.2.19), counted from 0.
_TRIGGER_BITS = {
    name: divmod(place, 8)
    for place, name in enumerate(
        (
            *("perio", "volth", "timth", "quhti", "start", "stopt", "droth", "liusa"),
            *("volqu", "timqu", "envcl", "macar", "eveth", "evequ", "ipmjl", "quvti"),
            *("reemr", "upint"),
        )
    )
}


def create_urr(urr_id: int, *details: Packet, volume: bool = True, time: bool = False) -> Packet:
    """Create URR with a measurement method and what else it says."""
    method = n4.IE_MeasurementMethod(VOLUM=int(volume), DURAT=int(time))
    return n4.IE_CreateURR(IE_list=[n4.IE_URR_Id(id=urr_id), method, *details])


def update_urr(urr_id: int, *details: Packet) -> Packet:
    """Update URR with what changes."""
    return n4.IE_UpdateURR(IE_list=[n4.IE_URR_Id(id=urr_id), *details])


def remove_urr(urr_id: int) -> Packet:
    """Remove URR."""
    return n4.IE_RemoveURR(IE_list=[n4.IE_URR_Id(id=urr_id)])


def query_urr(urr_id: int) -> Packet:
    """Query URR: report at once."""
    return n4.IE_QueryURR(IE_list=[n4.IE_URR_Id(id=urr_id)])


def measure(pdr_id: int, *urr_ids: int) -> Packet:
    """Update PDR that names the URRs measuring it."""
    urrs = [n4.IE_URR_Id(id=urr_id) for urr_id in urr_ids]
    return n4.IE_UpdatePDR(IE_list=[n4.IE_PDR_Id(id=pdr_id), *urrs])


def triggers(*names: str) -> Packet:
    """Reporting Triggers, three octets, more than scapy knows."""
    octets = bytearray(3)
    for name in names:
        octet, bit = _TRIGGER_BITS[name]
        octets[octet] |= 1 << bit
    return n4.IE_NotImplemented(ietype=_REPORTING_TRIGGERS, data=bytes(octets))


def volume_quota(total: int) -> Packet:
    """Volume Quota of both directions together."""
    return n4.IE_VolumeQuota(TOVOL=1, total=total)


def volume_threshold(total: int) -> Packet:
    """Volume Threshold of both directions together."""
    return n4.IE_VolumeThreshold(TOVOL=1, total=total)

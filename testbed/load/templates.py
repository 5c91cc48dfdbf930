"""Requests made once and patched for every session.

Where a number that differs from session to session stands in the octets is found by encoding a
request with a mark in its place.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from typing import NamedTuple

from scapy.contrib import pfcp as n4
from scapy.packet import Packet

from testbed import open5gs
from testbed.open5gs import PDUSession, Tunnel

_HEADER = struct.Struct(">BBHQI")
_SEID_AT, _SEQUENCE_AT = 4, 12

_MARKS = {
    "cp_seid": 0xC5E1D0A1B2C3D4E5,
    "ue_ipv4": 0x0AF1E2D3,
    "teid": 0x7E1D5C3B,
    "imsi": 0x91827364,
}
_CODES = {"cp_seid": ">Q", "ue_ipv4": ">I", "teid": ">I", "imsi": ">I"}


class Shape(StrEnum):
    """What sessions look like."""

    PLAIN = "plain"  # two PDRs, two FARs, a QER and a URR
    OPEN5GS = "open5gs"  # as its SMF words them: four PDRs, one with a filter


class Numbers(NamedTuple):
    """What tells one session from another: `teid` is the gNB's, `imsi` eight digits of it."""

    cp_seid: int
    ue_ipv4: int
    teid: int
    imsi: int


class Template:
    """A request as octets, with the places of what differs."""

    def __init__(self, request: Packet, present: tuple[str, ...]) -> None:
        header = n4.PFCP(S=1, seid=0, seq=0)
        self._octets = bytearray(bytes(header / request))
        patches = [
            (struct.Struct(_CODES[name]), at, Numbers._fields.index(name))
            for name in present
            for at in self._places(name)
        ]
        self._patches = tuple((each.pack_into, at, field) for each, at, field in patches)

    def _places(self, name: str) -> list[int]:
        mark = struct.pack(_CODES[name], _MARKS[name])
        places, at = [], self._octets.find(mark)
        while at >= 0:
            places.append(at)
            at = self._octets.find(mark, at + 1)
        if not places:
            raise ValueError(f"the request has no {name}")
        return places

    def fill(self, seid: int, sequence_number: int, numbers: Numbers) -> bytes:
        """The octets of one request."""
        octets = self._octets
        struct.pack_into(">Q", octets, _SEID_AT, seid)
        struct.pack_into(">I", octets, _SEQUENCE_AT, sequence_number << 8)
        for pack_into, at, field in self._patches:
            pack_into(octets, at, numbers[field])
        return bytes(octets)


@dataclass(frozen=True)
class Requests:
    """The requests of one SMF."""

    association: bytes
    establish: Template
    modify: Template
    delete: Template

    @classmethod
    def of(
        cls, shape: Shape, smf_ipv4: IPv4Address, gnb_ipv4: IPv4Address, recovery_time_stamp: int
    ) -> "Requests":
        """Make them; scapy is at work only here."""
        imsi = struct.pack(_CODES["imsi"], _MARKS["imsi"])
        session = PDUSession(
            _MARKS["cp_seid"],
            smf_ipv4,
            IPv4Address(_MARKS["ue_ipv4"]),
            volume_threshold_bytes=1 << 40,
            imsi=b"\x99\x79" + imsi + b"\x00\xf1",
        )
        make = _ESTABLISHING[shape]
        association = open5gs.association_setup_request(smf_ipv4, recovery_time_stamp)
        modification = open5gs.forward_to_gnb_request(session, Tunnel(_MARKS["teid"], gnb_ipv4))
        return cls(
            association=bytes(n4.PFCP(S=0, seq=1) / association),
            establish=Template(make(session), ("cp_seid", "ue_ipv4", "imsi")),
            modify=Template(modification, ("teid",)),
            delete=Template(open5gs.session_deletion_request(), ()),
        )


def _plain_request(session: PDUSession) -> Packet:
    """The least of a PDU session: of Open5GS's request, what carries the UE's traffic."""
    request = open5gs.session_establishment_request(session)
    wanted = []
    for ie in request.IE_list:
        if isinstance(ie, n4.IE_CreatePDR) and _number(ie) not in (
            open5gs.PDR_DOWNLINK,
            open5gs.PDR_UPLINK,
        ):
            continue
        if isinstance(ie, n4.IE_CreateFAR) and _number(ie) == open5gs.FAR_TO_CP:
            continue
        wanted.append(ie)
    return n4.PFCPSessionEstablishmentRequest(IE_list=wanted)


def _number(rule: Packet) -> int:
    """The id of a rule: its first IE's."""
    return int(rule.IE_list[0].id)


_ESTABLISHING: dict[Shape, Callable[[PDUSession], Packet]] = {
    Shape.PLAIN: _plain_request,
    Shape.OPEN5GS: open5gs.session_establishment_request,
}

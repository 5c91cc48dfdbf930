"""Requests as Open5GS words them, against the octets it sent (tests/captures)."""

import dataclasses
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from scapy.contrib import pfcp as n4
from scapy.layers.inet import UDP
from scapy.utils import rdpcap

from testbed import open5gs

CAPTURE = Path(__file__).parents[1] / "captures" / "open5gs-ipv4-n4.pcap"
FRAMES = [bytes(frame[UDP].payload) for frame in rdpcap(str(CAPTURE))]
SMF = IPv4Address("10.100.4.1")
SESSION = open5gs.PDUSession(cp_seid=0x35E, smf_ipv4=SMF, ue_ipv4=IPv4Address("10.45.0.2"))
GNB = open5gs.Tunnel(1, IPv4Address("10.100.3.2"))


@pytest.mark.parametrize(
    ("frame", "seid", "request_made"),
    [
        (1, None, open5gs.association_setup_request(SMF, 0xEEAB1B37)),
        (8, 0, open5gs.session_establishment_request(SESSION)),
        (10, 0x2D0, open5gs.forward_to_gnb_request(SESSION, GNB)),
        (38, 0x2D0, open5gs.buffer_request()),
        (52, 0x2D0, open5gs.session_deletion_request()),
    ],
    ids=["association setup", "establishment", "forward", "buffer", "deletion"],
)
def test_a_request_has_the_octets_open5gs_sent(frame, seid, request_made):
    captured = FRAMES[frame - 1]
    sequence_number = n4.PFCP(captured).seq
    header = n4.PFCP(S=int(seid is not None), seid=seid or 0, seq=sequence_number)
    assert bytes(header / request_made).hex() == captured.hex()


def test_the_values_of_a_session_reach_its_request():
    session = dataclasses.replace(
        SESSION, dnn="ims.example", sst=2, sd=b"\x00\x00\x07", qfi=9, mbr_uplink_kbps=5
    )
    octets = bytes(open5gs.session_establishment_request(session))
    assert octets.count(b"\x03ims\x07example") == 5
    assert octets.endswith(b"\x01\x01\x00\x04\x02\x00\x00\x07")
    assert b"\x00\x1a\x00\x0a" + (5).to_bytes(5) + (1_000_000).to_bytes(5) in octets
    assert octets.count(b"\x00\x7c\x00\x01\x09") == 2

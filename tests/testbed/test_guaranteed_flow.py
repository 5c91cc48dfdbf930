"""A guaranteed flow in a full slice."""

from __future__ import annotations

import contextlib
import socket
import sys
import time

import pytest
from scapy.contrib import pfcp as n4

from testbed import netns
from testbed.command import spawn, stop
from testbed.datagrams import IP_PACKET_BYTES
from testbed.gnb import GNB
from testbed.open5gs import FAR_DOWNLINK
from testbed.smf import SMF
from testbed.subscriber import on_air
from testbed.topology import (
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N4_ADDRESS,
)
from testbed.upf_process import UPFProcess

pytestmark = pytest.mark.root

CAPACITY_MBPS, GUARANTEED_MBPS = 8, 2
OTHERS_PORT, FLOW_PORT = 5300, 5400
QFI = 5
DSCP, EXCESS_DSCP = 18, 10


def guaranteed_flow(ue):
    """IEs of a flow to a port of its own with a GBR, without a maximum that matters."""
    pdi = [
        n4.IE_SourceInterface(interface=1),
        n4.IE_NetworkInstance(instance="internet"),
        n4.IE_UE_IP_Address(SD=1, V4=1, ipv4=str(ue.ipv4)),
        n4.IE_SDF_Filter(
            FD=1, flow_description=b"permit out 17 from any to assigned %d" % FLOW_PORT
        ),
    ]
    qer = n4.IE_CreateQER(
        IE_list=[
            n4.IE_QER_Id(id=20),
            n4.IE_GateStatus(ul="OPEN", dl="OPEN"),
            n4.IE_MBR(ul=100_000, dl=100_000),
            n4.IE_GBR(ul=0, dl=1000 * GUARANTEED_MBPS),
            n4.IE_QFI(QFI=QFI),
        ]
    )
    pdr = n4.IE_CreatePDR(
        IE_list=[
            n4.IE_PDR_Id(id=20),
            n4.IE_Precedence(precedence=10),
            n4.IE_PDI(IE_list=pdi),
            n4.IE_FAR_Id(id=FAR_DOWNLINK),
            n4.IE_QER_Id(id=20),
        ]
    )
    return qer, pdr


@pytest.fixture(scope="module")
def upf(lab, tmp_path_factory):
    with UPFProcess(lab.namespace("upf"), tmp_path_factory.mktemp("upf")) as upf:
        yield upf


@pytest.fixture(scope="module")
def ue(lab, upf):
    """A UE with a guaranteed flow, in a slice of CAPACITY_MBPS."""
    upf.rest.put(
        "/v1/slices/voice",
        {
            "sst": 3,
            "downlink_mbps": CAPACITY_MBPS,
            "downlink_burst_ms": 50,
            "guaranteed_downlink_mbps": 4,
            "dscp": DSCP,
            "excess_dscp": EXCESS_DSCP,
        },
    )
    with (
        SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS) as smf,
        GNB(lab.namespace("ran"), GNB_ADDRESS) as gnb,
    ):
        smf.associate()
        subscriber = on_air(smf, gnb, lab.add_room("ue30"), UE_POOL[30], qfi=QFI, sst=3)
        smf.modify(subscriber.established, *guaranteed_flow(subscriber.ue))
        yield subscriber.ue
        subscriber.delete()


@contextlib.contextmanager
def offered(lab, ue, port, mbps):
    """Send datagrams to a port of the UE; gives the socket that gets what arrives."""
    with netns.entered(ue.namespace):
        inbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inbox:
        inbox.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        inbox.bind((str(ue.ipv4), port))
        inbox.setblocking(False)  # noqa: FBT003 - the socket's own interface
        argv = [sys.executable, "-m", "testbed.datagrams", str(ue.ipv4), str(port)]
        source = spawn([*argv, f"{mbps:g}", "30"], namespace=lab.namespace("dn"))
        try:
            yield inbox
        finally:
            stop(source)


def drained(inbox):
    """How many datagrams waited."""
    number = 0
    with contextlib.suppress(BlockingIOError):
        while inbox.recv(2048):
            number += 1
    return number


def received_mbps(lab, ue, *, flow_mbps, others_mbps, seconds=3.0):
    """What the flow and all others got, each being offered so much."""
    with (
        offered(lab, ue, FLOW_PORT, flow_mbps) as flow,
        offered(lab, ue, OTHERS_PORT, others_mbps) as others,
    ):
        time.sleep(1)
        drained(flow), drained(others)
        began = time.monotonic()
        time.sleep(seconds)
        packets = drained(flow), drained(others)
        took_s = time.monotonic() - began
    return tuple(8 * IP_PACKET_BYTES * each / took_s / 1e6 for each in packets)


def test_guaranteed_flow_passes_a_full_slice_which_keeps_its_capacity(lab, upf, ue):
    (voice,) = (each for each in upf.rest.get("/v1/slices") if each["name"] == "voice")
    assert voice["guaranteed_in_use"]["downlink_mbps"] == GUARANTEED_MBPS
    flow, others = received_mbps(lab, ue, flow_mbps=0.9 * GUARANTEED_MBPS, others_mbps=20)
    assert flow == pytest.approx(0.9 * GUARANTEED_MBPS, rel=0.1)
    assert others == pytest.approx(CAPACITY_MBPS - GUARANTEED_MBPS, rel=0.1)
    time.sleep(2)  # until the next sample is taken
    assert upf.rest.get("/v1/slices/voice")["dropped"]["downlink_packets"] > 1000


def test_what_a_guaranteed_flow_sends_above_its_rate_counts_as_all_else(lab, ue):
    flow, others = received_mbps(lab, ue, flow_mbps=20, others_mbps=20)
    assert flow > 0.9 * GUARANTEED_MBPS
    assert flow + others == pytest.approx(CAPACITY_MBPS, rel=0.1)


def outer_dscps(frames):
    """DSCPs of GTP-U headers by the destination port of the user's datagram."""
    found = {}
    for frame in frames:
        inner = 14 + 20 + 8 + 16  # Ethernet, IPv4, UDP, GTP-U with its PDU session container
        if frame[12:14] == b"\x08\x00" and frame[36:38] == (2152).to_bytes(2, "big"):
            port = int.from_bytes(frame[inner + 22 : inner + 24], "big")
            found.setdefault(port, set()).add(frame[15] >> 2)
    return found


def test_what_is_within_the_guaranteed_share_is_marked_apart_from_what_exceeds_it(lab, ue):
    with netns.entered(lab.namespace("ran")):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    with tap:
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        tap.setblocking(False)  # noqa: FBT003 - the socket's own interface
        received_mbps(lab, ue, flow_mbps=0.5 * GUARANTEED_MBPS, others_mbps=20, seconds=1)
        frames = []
        with contextlib.suppress(BlockingIOError):
            while True:
                frames.append(tap.recv(100))
    assert outer_dscps(frames) == {FLOW_PORT: {DSCP}, OTHERS_PORT: {DSCP, EXCESS_DSCP}}

"""The UPF as an operator runs it, between peers it does not know."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scapy.contrib import pfcp as n4

from testbed import leftovers, netns, replay
from testbed.dissection import tshark_complaints
from testbed.gnb import GNB
from testbed.open5gs import PDR_DOWNLINK
from testbed.smf import SMF
from testbed.subscriber import on_air
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N4_ADDRESS,
)
from testbed.traffic import ping, udp_received_mbps
from testbed.upf_process import UPFProcess

pytestmark = pytest.mark.root
NUMBERS = itertools.count(10)  # of UEs

CAPTURE = Path(__file__).parents[1] / "captures" / "open5gs-ipv4-n4.pcap"


@pytest.fixture(scope="module")
def upf(lab, tmp_path_factory):
    with UPFProcess(lab.namespace("upf"), tmp_path_factory.mktemp("upf")) as upf:
        yield upf
        processes = leftovers.processes_of(lab.id)
        assert upf.stop() == 0, upf.log.read_text()
        assert upf.faults() == []
        assert not [pid for pid in processes if leftovers.is_alive(pid)]


def test_a_captured_conversation_gets_the_same_answers_and_tshark_likes_them(
    lab, upf, tmp_path, capsys
):
    answers = tmp_path / "answers.pcap"
    argv = [str(CAPTURE), "--upf", str(UPF_N4_ADDRESS), "--out", str(answers)]
    with netns.entered(lab.namespace("core")):
        status = replay.main(argv)
    assert status == 0, capsys.readouterr().out
    assert capsys.readouterr().out.count("cause 1") == 8
    assert tshark_complaints(answers) == []


def test_a_session_carries_pings_both_ways_until_it_is_deleted(lab, upf):
    core, dn = lab.namespace("core"), lab.namespace("dn")
    with (
        SMF(core, SMF_ADDRESS, UPF_N4_ADDRESS) as smf,
        GNB(lab.namespace("ran"), GNB_ADDRESS) as gnb,
    ):
        smf.associate()
        subscriber = on_air(smf, gnb, lab.add_room("ue3"), UE_POOL[3])
        ue = subscriber.ue
        assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
        assert ping(dn, ue.ipv4, count=5).received == 5
        assert gnb.counters()["downlink_packets"] == 10
        (report,) = subscriber.delete()
        assert (report.is_final, report.total_bytes) == (True, 10 * 84)
        assert ping(ue.namespace, DN_ADDRESS, count=2).received == 0
        assert ping(dn, ue.ipv4, count=2).received == 0
        assert smf.faults == []
    assert upf.rest.get("/v1/sessions") == []


@pytest.fixture
def attached(lab, upf):
    """A session with a UE on air: (SMF, session, UE, tunnel of the gNB)."""
    with (
        SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS) as smf,
        GNB(lab.namespace("ran"), GNB_ADDRESS) as gnb,
    ):
        smf.associate()
        number = next(NUMBERS)
        subscriber = on_air(smf, gnb, lab.add_room(f"ue{number}"), UE_POOL[number])
        yield smf, subscriber.established, subscriber.ue, subscriber.tunnel
        subscriber.delete()
        assert smf.faults == []


def dropping(ue, description, *, precedence):
    """IEs that drop what a flow description matches in the downlink, PDR and FAR 20."""
    pdi = [
        n4.IE_SourceInterface(interface=1),
        n4.IE_NetworkInstance(instance="internet"),
        n4.IE_UE_IP_Address(SD=1, V4=1, ipv4=str(ue.ipv4)),
        n4.IE_SDF_Filter(FD=1, flow_description=description),
    ]
    pdr = n4.IE_CreatePDR(
        IE_list=[
            n4.IE_PDR_Id(id=20),
            n4.IE_Precedence(precedence=precedence),
            n4.IE_PDI(IE_list=pdi),
            n4.IE_FAR_Id(id=20),
        ]
    )
    action = n4.IE_ApplyAction(DROP=1, extra_data=b"\x00")
    return pdr, n4.IE_CreateFAR(IE_list=[n4.IE_FAR_Id(id=20), action])


def removal():
    return (
        n4.IE_RemovePDR(IE_list=[n4.IE_PDR_Id(id=20)]),
        n4.IE_RemoveFAR(IE_list=[n4.IE_FAR_Id(id=20)]),
    )


@pytest.mark.parametrize(
    ("description", "received"),
    [
        (b"permit out 1 from 10.100.6.2 to assigned", 0),
        (b"permit out 1 from 192.0.2.0/24 to assigned", 5),
        (b"permit out 17 from any 53 to assigned", 5),
    ],
    ids=["matches", "another address", "another protocol"],
)
def test_sdf_filter_tells_flows_of_a_ue_apart(lab, attached, description, received):
    smf, established, ue, _ = attached
    smf.modify(established, *dropping(ue, description, precedence=10))
    assert ping(lab.namespace("dn"), ue.ipv4, count=5).received == received
    smf.modify(established, *removal())
    assert ping(lab.namespace("dn"), ue.ipv4, count=5).received == 5


def test_packets_of_an_idle_ue_wait_in_order_and_the_smf_is_told_once(lab, attached):
    smf, established, ue, tunnel = attached
    smf.buffer(established)
    with ThreadPoolExecutor(1) as executor:
        pings = executor.submit(ping, lab.namespace("dn"), ue.ipv4, count=5)
        until(lambda: smf.pagings)
        smf.forward_to_gnb(established, tunnel)
        assert pings.result().received == 5
    assert smf.pagings == [(PDR_DOWNLINK,)]


def test_rate_of_a_qer_is_held(lab, attached):
    smf, established, ue, _ = attached
    mbr = n4.IE_MBR(ul=1_000_000, dl=8_000)
    smf.modify(established, n4.IE_UpdateQER(IE_list=[n4.IE_QER_Id(id=1), mbr]))
    rate_mbps = udp_received_mbps(lab.namespace("dn"), ue.namespace, ue.ipv4, offered_mbps=20)
    assert rate_mbps == pytest.approx(8, rel=0.1)


def until(condition, bound_s=10.0):
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)

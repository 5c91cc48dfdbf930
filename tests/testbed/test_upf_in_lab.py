"""The UPF as an operator runs it, between peers it does not know."""

from pathlib import Path

import pytest

from testbed import leftovers, netns, replay
from testbed.dissection import tshark_complaints
from testbed.gnb import GNB, UE
from testbed.open5gs import PDUSession, Tunnel
from testbed.smf import SMF
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N3_ADDRESS,
    UPF_N4_ADDRESS,
)
from testbed.traffic import ping
from testbed.upf_process import UPFProcess

pytestmark = pytest.mark.root

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
        session = PDUSession(smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[3], qfi=5)
        established = smf.establish(session)
        downlink_teid = gnb.allocate_downlink_teid()
        smf.forward_to_gnb(established, Tunnel(downlink_teid, GNB_ADDRESS))
        uplink_teid = established.uplink.teid
        ue = UE(lab.add_room("ue3"), session.ue_ipv4, 5, uplink_teid, downlink_teid)
        gnb.attach(ue, UPF_N3_ADDRESS)
        assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
        assert ping(dn, ue.ipv4, count=5).received == 5
        assert gnb.counters()["downlink_packets"] == 10
        (report,) = smf.delete(established)
        assert (report.is_final, report.total_bytes) == (True, 10 * 84)
        assert ping(ue.namespace, DN_ADDRESS, count=2).received == 0
        assert ping(dn, ue.ipv4, count=2).received == 0
        assert smf.faults == []
    assert upf.rest.get("/v1/sessions") == []

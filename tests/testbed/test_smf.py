import contextlib
import socket
import time
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from scapy.contrib import pfcp as n4
from scapy.layers.inet import UDP
from scapy.utils import rdpcap

from testbed import dissection, netns, smf
from testbed.errors import PeerError
from testbed.open5gs import PDUSession, Tunnel
from testbed.topology import GNB_ADDRESS, SMF_ADDRESS, UPF_N4_ADDRESS

pytestmark = pytest.mark.root

CAPTURE = Path(__file__).parents[1] / "captures" / "open5gs-ipv4-n4.pcap"
FRAMES = [bytes(frame[UDP].payload) for frame in rdpcap(str(CAPTURE))]
ANSWERS = {5: FRAMES[2], 1: FRAMES[4 + 2], 50: FRAMES[8], 52: FRAMES[10], 54: FRAMES[52]}
VOLUME_REPORT = FRAMES[19]
SESSION = PDUSession(0x35E, SMF_ADDRESS, IPv4Address("10.45.0.2"))


def as_captured(octets):
    """The captured UPF's answer to a request of that type, with this request's sequence number."""
    if dissection.is_request(octets[1]):
        captured = dissection.read(ANSWERS[octets[1]])
        captured.seq = n4.PFCP(octets).seq
        yield bytes(captured)


@pytest.fixture
def peers(lab, answering, monkeypatch):
    """An SMF and a UPF that answers as told: `with peers(answers) as (smf, upf)`."""
    monkeypatch.setattr(smf, "_T1_S", 0.2)

    @contextlib.contextmanager
    def pair(answers=as_captured):
        with netns.entered(lab.namespace("upf")):
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind((str(UPF_N4_ADDRESS), dissection.PFCP_PORT))
        with (
            answering(bound, answers) as upf,
            smf.SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS) as ours,
        ):
            yield ours, upf

    return pair


def answer_to_unasked(upf):
    """The first answer of the SMF the UPF has heard; fails after a second of silence."""
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        for octets in upf.asked:
            if not dissection.is_request(octets[1]):
                return dissection.read(octets)
        time.sleep(0.01)
    pytest.fail("the SMF did not answer")


def test_an_association_tells_node_id_recovery_and_features(peers):
    with peers() as (ours, _):
        association = ours.associate()
    assert association.node_id == UPF_N4_ADDRESS
    assert association.recovery_time_stamp == 0xEEAB1B37
    assert association.up_function_features == bytes.fromhex("10211004")


def test_a_session_gives_the_seid_and_the_tunnels_the_upf_chose(peers):
    with peers() as (ours, _):
        established = ours.establish(SESSION)
    n3 = IPv4Address("10.100.3.1")
    assert established.up_seid == 0x2D0
    assert established.uplink == Tunnel(0xD845, n3)
    assert established.fteids == {
        2: Tunnel(0xD845, n3),
        3: Tunnel(0xBB6C, n3),
        4: Tunnel(0xD845, n3),
    }


def test_later_requests_carry_the_seid_of_the_upf_and_new_sequence_numbers(peers):
    with peers() as (ours, upf):
        established = ours.establish(SESSION)
        ours.forward_to_gnb(established, Tunnel(1, GNB_ADDRESS))
        ours.buffer(established)
        ours.delete(established)
    read = [dissection.read(octets) for octets in upf.asked]
    assert [message.message_type for message in read] == [50, 52, 52, 54]
    assert [message.seid for message in read] == [0, 0x2D0, 0x2D0, 0x2D0]
    assert [message.seq for message in read] == [1, 2, 3, 4]


def test_deletion_gives_the_closing_usage_report(peers):
    with peers() as (ours, _):
        (report,) = ours.delete(ours.establish(SESSION))
    assert report == smf.UsageReport(
        urr_id=1,
        ur_seqn=7,
        triggers=frozenset({"termr"}),
        duration_s=8,
        total_bytes=0x2E72B82,
        uplink_bytes=0,
        downlink_bytes=0x2E72B82,
    )


def test_a_usage_report_is_answered_with_the_upfs_seid_and_kept(peers):
    with peers() as (ours, upf):
        ours.establish(SESSION)
        upf.say(VOLUME_REPORT)
        answer = answer_to_unasked(upf)
    assert (answer.message_type, answer.seid, answer.seq) == (57, 0x2D0, 4)
    assert dissection.cause(answer) == 1
    assert [report.total_bytes for report in ours.reports] == [0x640026D]
    assert not ours.reports[0].is_final


def test_a_heartbeat_is_answered_with_its_sequence_number(peers):
    with peers() as (ours, upf):
        ours.associate()
        upf.say(FRAMES[4])
        answer = answer_to_unasked(upf)
    assert (answer.message_type, answer.seq, ours.heartbeats_answered) == (2, 1, 1)
    assert dissection.ie(answer, 96).timestamp == ours.recovery_time_stamp


def test_a_request_whose_answer_is_lost_is_sent_again_unchanged(peers):
    lost = iter([True, True])

    def answers(octets):
        return () if next(lost, False) else as_captured(octets)

    with peers(answers) as (ours, upf):
        ours.associate()
    assert len(upf.asked) == 3
    assert len(set(upf.asked)) == 1


def test_a_silent_upf_is_told_with_the_request_it_left_unanswered(peers):
    with (
        peers(lambda _: ()) as (ours, _),
        pytest.raises(PeerError, match=r"Association Setup Request: no answer from 10\.100\.4\.2"),
    ):
        ours.associate()


def test_a_refusal_is_told_with_its_cause(peers):
    def answers(octets):
        for answer in as_captured(octets):
            yield answer.replace(b"\0\x13\0\1\1", b"\0\x13\0\1\x48")

    with (
        peers(answers) as (ours, _),
        pytest.raises(PeerError, match=r"Establishment Response: cause 72"),
    ):
        ours.establish(SESSION)


def test_an_answer_to_another_session_is_refused(peers):
    other = PDUSession(0x111, SMF_ADDRESS, IPv4Address("10.45.0.2"))
    with (
        peers() as (ours, _),
        pytest.raises(PeerError, match=r"SEID 0x35e in the header, our session is 0x111"),
    ):
        ours.establish(other)


def test_a_report_of_an_unknown_session_is_a_fault_of_the_upf(peers):
    with peers() as (ours, upf):
        ours.associate()
        upf.say(VOLUME_REPORT)
        ours.heartbeat()  # heard after the report, so answered after it
    assert ours.faults == ["Session Report Request for unknown CP SEID 0x35e"]

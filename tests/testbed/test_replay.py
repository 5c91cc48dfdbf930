import socket
from pathlib import Path

import pytest
from scapy.contrib import pfcp as n4

from testbed import dissection, replay
from testbed.errors import TestbedError

CAPTURE = Path(__file__).parents[1] / "captures" / "open5gs-ipv4-n4.pcap"
CONVERSATION = replay.load(CAPTURE)
OUR_UP_SEID = 0x1122334455667788


ANSWERS = {(e.request[1], n4.PFCP(e.request).seq): e.answer for e in CONVERSATION.exchanges}
UNASKED = [
    bytes(n4.PFCP(S=0, seq=77) / n4.PFCPHeartbeatRequest()),
    bytes(n4.PFCP(S=1, seid=0x35E, seq=78) / n4.PFCPSessionReportRequest()),
]


def as_captured(octets):
    """What the captured UPF answered, with another SEID; before deletion it asks a little, too."""
    if not dissection.is_request(octets[1]):
        return
    if octets[1] == 54:
        yield from UNASKED
    captured = ANSWERS[octets[1], n4.PFCP(octets).seq]
    yield captured.replace((0x2D0).to_bytes(8), OUR_UP_SEID.to_bytes(8))


@pytest.fixture
def run_replay(answering):
    def run(answers=as_captured, timeout_s=2.0):
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind(("127.0.0.1", 0))
        with (
            answering(bound, answers) as upf,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as smf,
        ):
            run = replay.Replay(smf, bound.getsockname(), 0xEEAB1B37, timeout_s)
            outcomes = run.run(CONVERSATION)
        return outcomes, upf, run

    return run


def test_the_capture_holds_thirteen_requests_of_the_smf_and_an_answer_to_each():
    names = [dissection.name(dissection.read(e.request)) for e in CONVERSATION.exchanges]
    assert CONVERSATION.cp_address == "10.100.4.1"
    assert len(names) == 13
    assert names.count("PFCP Session Modification Request") == 5
    assert all(exchange.answer for exchange in CONVERSATION.exchanges)


def test_equal_answers_show_no_difference(run_replay):
    outcomes, _, _ = run_replay()
    assert [outcome.differences for outcome in outcomes] == [()] * len(CONVERSATION.exchanges)


def test_only_the_up_seid_in_the_header_of_a_request_is_changed(run_replay):
    _, upf, _ = run_replay()
    captured = [exchange.request for exchange in CONVERSATION.exchanges]
    requests = [octets for octets in upf.asked if dissection.is_request(octets[1])]
    for sent, original in zip(requests, captured, strict=True):
        if original[0] & 1 and any(original[4:12]):
            assert sent[4:12] == OUR_UP_SEID.to_bytes(8)
            sent = sent[:4] + original[4:12] + sent[12:]  # noqa: PLW2901
        assert sent.hex() == original.hex()


def test_what_the_upf_asks_meanwhile_is_answered_and_kept(run_replay):
    _, upf, run = run_replay()
    read = [dissection.read(octets) for octets in upf.asked]
    heartbeat, report = (m for m in read if not dissection.is_request(m.message_type))
    assert (heartbeat.message_type, heartbeat.seq) == (2, 77)
    assert (report.message_type, report.seid, report.seq) == (57, OUR_UP_SEID, 78)
    assert len(run.heard) == len(CONVERSATION.exchanges) + 2


def test_silence_is_a_difference(run_replay):
    silent_at_deletion = lambda octets: () if octets[1] == 54 else as_captured(octets)  # noqa: E731
    outcomes, _, _ = run_replay(silent_at_deletion, timeout_s=0.3)
    assert outcomes[-1].differences == ("the UPF did not answer",)
    assert not any(outcome.differences for outcome in outcomes[:-1])


ALTERATIONS = {
    "Cause is 49": (51, lambda octets: octets.replace(b"\0\x13\0\1\1", b"\0\x13\0\1\x49")),
    "SEID 0x99 in the header": (53, lambda octets: octets[:4] + (0x99).to_bytes(8) + octets[12:]),
    "Created PDR of rule 0003 is missing": (
        51,
        lambda octets: octets.replace(b"\0\x38\0\2\0\3", b"\0\x38\0\2\0\7"),
    ),
    "other PDRs share their F-TEID": (
        51,
        lambda octets: octets.replace(b"\0\0\xbb\x6c", b"\0\0\xd8\x45"),
    ),
    "Recovery Time Stamp is missing": (
        6,
        lambda octets: octets.replace(b"\0\x60\0\4", b"\0\x61\0\4"),
    ),
    "of rule 00000001 is missing": (
        55,
        lambda octets: octets.replace(b"\0\x51\0\4", b"\0\x52\0\4"),
    ),
    "it is a PFCP Session Deletion Response, not a PFCP Session Modification Response": (
        53,
        None,
    ),
}


@pytest.mark.parametrize("told", ALTERATIONS)
def test_an_answer_that_says_less_is_told(told):
    message_type, alter = ALTERATIONS[told]
    captured = next(e.answer for e in CONVERSATION.exchanges if e.answer[1] == message_type)
    ours = alter(captured) if alter else captured[:1] + b"\x37" + captured[2:]
    assert ours != captured
    found = list(replay.differences(dissection.read(captured), dissection.read(ours)))
    assert any(told in difference for difference in found), found


def test_an_fteid_without_its_address_is_told():
    captured = next(e.answer for e in CONVERSATION.exchanges if e.answer[1] == 51)
    ours = dissection.read(captured)
    dissection.ie(dissection.ie(ours, 8), 21).V4 = 0
    found = list(replay.differences(dissection.read(captured), ours))
    assert "Created PDR / F-TEID lacks an address of IPv4" in found


def test_volumes_and_times_may_be_left_out_where_no_traffic_flowed():
    captured = next(e.answer for e in CONVERSATION.exchanges if e.answer[1] == 55)
    report = dissection.read(captured)
    usage = dissection.ie(report, 79)
    usage.IE_list = [ie for ie in usage.IE_list if ie.ietype in (81, 104, 63)]
    assert list(replay.differences(dissection.read(captured), report)) == []


def test_a_capture_without_an_association_is_refused(tmp_path):
    path = tmp_path / "empty.pcap"
    replay.write_pcap(path, [], "10.0.0.1", "10.0.0.2")
    with pytest.raises(TestbedError, match="no PFCP Association Setup Request"):
        replay.load(path)


def test_the_command_says_what_it_cannot_read_and_fails(tmp_path, capsys):
    assert replay.main([str(tmp_path / "none.pcap"), "--upf", "127.0.0.1"]) == 2
    assert "none.pcap" in capsys.readouterr().err

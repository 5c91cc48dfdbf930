import pytest
from scapy.contrib import pfcp as n4
from scapy.layers.inet import UDP
from scapy.utils import rdpcap

from testbed import dissection
from testbed.errors import PeerError
from testbed.replay import write_pcap

REQUESTS = [1, 3, 5, 7, 9, 12, 14, 50, 52, 54, 56]
RESPONSES = [2, 4, 6, 8, 10, 11, 13, 15, 51, 53, 55, 57]


@pytest.mark.parametrize("message_type", REQUESTS)
def test_a_request_asks_for_an_answer(message_type):
    assert dissection.is_request(message_type)


@pytest.mark.parametrize("message_type", RESPONSES)
def test_a_response_asks_for_none(message_type):
    assert not dissection.is_request(message_type)


def refusal(*ies):
    response = n4.PFCPSessionEstablishmentResponse(IE_list=list(ies))
    return dissection.read(bytes(n4.PFCP(S=1, seid=1, seq=1) / response))


def test_a_refusal_names_cause_offending_ie_and_failed_rule():
    answer = refusal(
        n4.IE_Cause(cause=73), n4.IE_OffendingIE(type=23), n4.IE_FailedRuleId(type=0, pdr_id=4)
    )
    with pytest.raises(PeerError) as refused:
        dissection.require_acceptance(answer)
    assert "cause 73 (Rule creation/modification Failure)" in str(refused.value)
    assert "offending IE 23 (SDF Filter)" in str(refused.value)
    assert "failed rule 000004" in str(refused.value)


def test_an_acceptance_passes():
    dissection.require_acceptance(refusal(n4.IE_Cause(cause=1)))


def test_a_missing_ie_is_named_with_its_message():
    with pytest.raises(PeerError, match="Session Establishment Response carries no Cause"):
        dissection.cause(refusal(n4.IE_PDR_Id(id=1)))


@pytest.mark.parametrize("octets", [b"", b"\x20", b"\x40\x01\x00\x04\x00\x00\x01\x00"])
def test_octets_that_are_no_message_are_refused(octets):
    with pytest.raises(PeerError):
        dissection.read(octets)


def test_tshark_finds_a_malformed_message_and_passes_a_good_one(tmp_path):
    good = bytes(n4.PFCP(S=0, seq=1) / n4.PFCPHeartbeatRequest())
    truncated_ie = good[:-2]
    path = tmp_path / "out.pcap"
    write_pcap(path, [good], "10.100.4.2", "10.100.4.1")
    assert dissection.tshark_complaints(path) == []
    assert bytes(rdpcap(str(path))[0][UDP].payload) == good
    write_pcap(path, [good, truncated_ie], "10.100.4.2", "10.100.4.1")
    assert [line.split()[0] for line in dissection.tshark_complaints(path)] == ["2"]

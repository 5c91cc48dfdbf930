import pytest
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.layers.inet import ICMP, IP

from testbed import gtpu

INNER = bytes(IP(src="10.45.0.2", dst="10.100.6.2") / ICMP() / b"octets")


def test_an_uplink_packet_carries_teid_and_qfi_as_scapy_reads_them():
    octets = gtpu.UplinkEncapsulation(0x1234ABCD, 9).header(len(INNER)) + INNER
    read = GTP_U_Header(octets)
    container = read[GTPPDUSessionContainer]
    assert (read.teid, read.gtp_type, read.length) == (0x1234ABCD, 255, len(octets) - 8)
    assert (container.type, container.QFI, container.ExtHdrLen, container.NextExtHdr) == (
        1,
        9,
        1,
        0,
    )
    assert bytes(read[IP]) == INNER


def test_a_downlink_packet_written_by_scapy_gives_its_qfi_and_inner_packet():
    container = GTPPDUSessionContainer(type=0, RQI=1, QFI=63)
    octets = bytes(GTP_U_Header(teid=7, gtp_type=255) / container / IP(INNER))
    message = gtpu.decode(memoryview(octets))
    assert (message.teid, message.qfi, bytes(message.payload)) == (7, 63, INNER)


def test_a_downlink_packet_without_container_has_no_qfi():
    message = gtpu.decode(memoryview(b"\x30\xff" + len(INNER).to_bytes(2) + bytes(4) + INNER))
    assert (message.qfi, bytes(message.payload)) == (None, INNER)


def test_other_extension_headers_are_walked_past():
    pdcp_number, container = bytes([1, 0, 9, 0x85]), bytes([1, 0, 6, 0])
    body = bytes([0, 0, 0, 0xC0]) + pdcp_number + container + INNER
    message = gtpu.decode(memoryview(b"\x34\xff" + len(body).to_bytes(2) + bytes(4) + body))
    assert (message.qfi, bytes(message.payload)) == (6, INNER)


def test_octets_after_the_announced_length_are_not_payload():
    message = gtpu.decode(memoryview(b"\x30\xff\x00\x02" + bytes(4) + b"abcdef"))
    assert bytes(message.payload) == b"ab"


def test_echo_messages_carry_their_sequence_number_as_scapy_reads_it():
    assert GTP_U_Header(gtpu.echo_request(77)).seq == 77
    answer = gtpu.decode(memoryview(gtpu.echo_response(77)))
    assert (answer.message_type, answer.sequence_number) == (gtpu.ECHO_RESPONSE, 77)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        bytes(7),
        b"\x48\xff\x00\x00" + bytes(4),  # another version
        b"\x30\xff\x00\x09" + bytes(4) + b"short",
        b"\x34\xff\x00\x00" + bytes(4),  # options announced, none there
        b"\x34\xff\x00\x04" + bytes(4) + b"\x00\x00\x00\x85",  # chain runs off the end
        b"\x34\xff\x00\x08" + bytes(4) + b"\x00\x00\x00\x85\x00\x00\x00\x00",  # length 0
        b"\x34\xff\x00\x08" + bytes(4) + b"\x00\x00\x00\x85\x01\x10\x05\x00",  # uplink information
    ],
)
def test_a_malformed_message_is_refused(octets):
    with pytest.raises(gtpu.MalformedGTPUError):
        gtpu.decode(memoryview(octets))

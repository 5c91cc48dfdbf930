from ipaddress import IPv4Address
from pathlib import Path

import pytest

from pfcp import enums, ies, messages

CAPTURE = Path(__file__).parent / "vectors" / "open5gs-ipv4-n4.txt"


def captured():
    lines = [line for line in CAPTURE.read_text().splitlines() if not line.startswith("#")]
    return [bytes.fromhex(line.split()[1]) for line in lines]


@pytest.mark.parametrize("octets", captured(), ids=range(1, 1 + len(captured())))
def test_a_captured_message_decodes_and_encodes_to_the_same_octets(octets):
    assert messages.decode(octets).encode() == octets


def test_the_captured_establishment_request_means_what_the_smf_meant():
    request = next(
        message
        for message in map(messages.decode, captured())
        if isinstance(message, messages.SessionEstablishmentRequest)
    )
    assert (request.seid, request.sequence_number, request.message_priority) == (0, 3, None)
    assert request.cp_fseid == ies.FSEID(seid=0x35E, ipv4=IPv4Address("10.100.4.1"))
    downlink, uplink, from_cp, to_cp = request.create_pdrs
    assert downlink.pdi.source_interface is enums.SourceInterface.CORE
    assert downlink.pdi.ue_ip_addresses == (
        ies.UEIPAddress(ipv4=IPv4Address("10.45.0.2"), is_destination=True),
    )
    assert uplink.pdi.local_fteid == ies.FTEID(
        choose=True, choose_ipv4=True, choose_ipv6=True, choose_id=5
    )
    assert uplink.pdi.qfis == (1,)
    assert uplink.outer_header_removal.description is (
        enums.OuterHeaderRemovalDescription.GTPU_UDP_IP
    )
    assert from_cp.pdi.source_interface is enums.SourceInterface.CP_FUNCTION
    assert from_cp.pdi.local_fteid.choose_id is None
    assert to_cp.pdi.sdf_filters == (
        ies.SDFFilter(flow_description="permit out 58 from ff02::2/128 to assigned"),
    )
    buffering, forwarding, to_smf = request.create_fars
    assert buffering.apply_action == ies.ApplyAction(buff=True, nocp=True)
    assert forwarding.forwarding_parameters.network_instance.name == "internet"
    assert to_smf.forwarding_parameters.outer_header_creation == ies.OuterHeaderCreation(
        teid=1, ipv4=IPv4Address("10.100.4.1")
    )
    assert request.create_urrs[0].volume_threshold.total_bytes == 100 * 1024 * 1024
    assert request.create_qers[0].mbr == ies.MBR(uplink_kbps=1_000_000, downlink_kbps=1_000_000)
    assert request.s_nssai == ies.SNSSAI(sst=1, sd=0xFFFFFF)
    assert request.apn_dnn.name == "internet"

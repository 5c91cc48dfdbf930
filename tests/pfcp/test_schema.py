from dataclasses import FrozenInstanceError, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

import pytest

from pfcp import codegen, enums, ies, messages, schema
from pfcp.enums import Cause
from pfcp.errors import (
    EncodeError,
    HeaderError,
    InvalidLengthError,
    MandatoryIEIncorrectError,
    MandatoryIEMissingError,
    UnknownMessageError,
    UnsupportedVersionError,
)
from pfcp.record import IE, Group, VendorIE
from pfcp.wire import REST, U8


def tlv(ie_type, octets):
    return ie_type.to_bytes(2, "big") + len(octets).to_bytes(2, "big") + octets


def datagram(message_type, body, seid=None):
    head = bytes([0x21 if seid is not None else 0x20, message_type])
    rest = (b"" if seid is None else seid.to_bytes(8, "big")) + b"\x01\x02\x03\x00" + body
    return head + len(rest).to_bytes(2, "big") + rest


FAR = tlv(108, b"\x01\x02\x03\x04") + tlv(44, b"\x02\x00")


def test_a_missing_mandatory_ie_is_named_with_its_cause():
    with pytest.raises(MandatoryIEMissingError) as caught:
        ies.CreatePDR.decode(tlv(56, b"\0\1") + tlv(2, tlv(20, b"\0")))
    assert (caught.value.cause, caught.value.ie_type) == (Cause.MANDATORY_IE_MISSING, 29)


def test_of_several_required_none_is_a_missing_ie():
    with pytest.raises(MandatoryIEMissingError) as caught:
        messages.decode(datagram(50, tlv(60, b"\0\1\2\3\4") + tlv(57, bytes(9)), seid=0))
    assert caught.value.ie_type == 1


def test_the_innermost_ie_is_the_offending_one():
    with pytest.raises(InvalidLengthError) as caught:
        messages.decode(datagram(50, tlv(1, tlv(2, tlv(21, b"\x01\0"))), seid=0))
    assert (caught.value.cause, caught.value.ie_type) == (Cause.INVALID_LENGTH, 21)


def test_a_plain_value_that_is_too_short_is_refused():
    with pytest.raises(InvalidLengthError) as caught:
        ies.RemoveFAR.decode(tlv(108, b"\0\1\2"))
    assert caught.value.ie_type == 108


def test_an_ie_longer_than_its_group_is_refused():
    with pytest.raises(InvalidLengthError) as caught:
        ies.RemoveFAR.decode(b"\x00\x6c\x00\x05\1\2\3\4")
    assert caught.value.ie_type == 108


def test_a_group_that_ends_inside_an_ie_header_is_refused():
    with pytest.raises(InvalidLengthError) as caught:
        ies.RemoveFAR.decode(tlv(108, b"\1\2\3\4") + b"\0\1\0")
    assert caught.value.ie_type == 16


def test_an_empty_network_instance_is_allowed_and_another_empty_ie_is_not():
    assert ies.PDI.decode(tlv(20, b"\0") + tlv(22, b"")).network_instance.name == ""
    with pytest.raises(InvalidLengthError):
        ies.PDI.decode(tlv(20, b"\0") + tlv(93, b""))


def test_only_the_first_of_a_repeated_single_ie_counts():
    octets = FAR + tlv(108, b"\x0a\x0b\x0c\x0d")
    value = ies.CreateFAR.decode(octets)
    assert value.far_id == 0x01020304
    assert value.encode() == octets


def test_unknown_ies_are_skipped_and_given_back():
    octets = tlv(0, b"") + FAR + tlv(32000, b"later")
    value = ies.CreateFAR.decode(octets)
    assert value == ies.CreateFAR.decode(FAR)
    assert value.encode() == octets


VENDOR = VendorIE(ie_type=0x8001, enterprise_id=0x1234, octets=b"rest")


def test_the_ie_of_a_vendor_is_its_owners_to_read_and_given_back():
    octets = tlv(0x8001, b"\x12\x34rest") + FAR + tlv(0xFFFF, b"\x00\x01")
    value = ies.CreateFAR.decode(octets)
    assert value.vendor_ies == (VENDOR, VendorIE(ie_type=0xFFFF, enterprise_id=1, octets=b""))
    assert value != ies.CreateFAR.decode(FAR)
    assert value.encode() == octets
    assert replace(value, bar_id=None).encode() == FAR + octets[:10] + octets[-6:]


def test_a_message_carries_the_ies_of_vendors():
    octets = datagram(54, tlv(0x8001, b"\x12\x34rest"), seid=7)
    message = messages.SessionDeletionRequest(
        seid=7, sequence_number=0x010203, vendor_ies=(VENDOR,)
    )
    assert message.encode() == octets
    assert messages.decode(octets) == message
    assert messages.decode(octets).wire_form is None


def test_the_ie_of_a_vendor_too_short_to_name_it_is_skipped_and_given_back():
    octets = tlv(0x8001, b"\x12") + FAR + tlv(0x8001, b"\x12\x34rest")
    value = ies.CreateFAR.decode(octets)
    assert value.vendor_ies == (VENDOR,)
    assert value.encode() == octets


R1 = ies.FTEID(teid=1, ipv4=IPv4Address("1.2.3.4"))
R2 = ies.FTEID(teid=2, ipv4=IPv4Address("1.2.3.4"))


def test_two_ies_of_one_type_are_the_fields_in_their_order():
    value = ies.CreatedPDR(pdr_id=1, local_fteid=R1, local_fteid_for_redundant_transmission=R2)
    octets = tlv(56, b"\0\1") + tlv(21, R1.encode()) + tlv(21, R2.encode())
    assert value.encode() == octets
    again = ies.CreatedPDR.decode(octets)
    assert again == value
    assert again.wire_form is None
    assert ies.UpdatedPDR.decode(octets[:-13]).local_fteid_for_redundant_transmission == R1


def test_a_third_ie_of_a_type_meant_twice_is_skipped_and_given_back():
    octets = tlv(21, R1.encode()) + tlv(21, R2.encode()) + tlv(56, b"\0\1") + tlv(21, R1.encode())
    value = ies.CreatedPDR.decode(octets)
    assert (value.local_fteid, value.local_fteid_for_redundant_transmission) == (R1, R2)
    assert value.encode() == octets


def test_the_second_of_a_type_without_the_first_is_our_fault():
    value = ies.CreatedPDR(pdr_id=1, local_fteid_for_redundant_transmission=R2)
    with pytest.raises(EncodeError, match="reads as local_fteid"):
        value.encode()


def test_a_message_without_ies_of_its_own_takes_unknown_ones():
    octets = datagram(54, tlv(57, bytes(9)), seid=7)
    message = messages.decode(octets)
    assert message == messages.SessionDeletionRequest(seid=7, sequence_number=0x010203)
    assert message.encode() == octets


def test_ies_in_another_order_are_read_and_given_back_in_that_order():
    octets = tlv(44, b"\x02\x00") + tlv(108, b"\1\2\3\4")
    value = ies.CreateFAR.decode(octets)
    assert value == ies.CreateFAR.decode(FAR)
    assert value.encode() == octets


def test_interleaved_ies_of_a_list_keep_their_places():
    one, two = tlv(81, b"\0\0\0\1"), tlv(81, b"\0\0\0\2")
    octets = tlv(56, b"\0\1") + one + tlv(108, b"\0\0\0\3") + two
    value = ies.UpdatePDR.decode(octets)
    assert (value.far_id, value.urr_ids) == (3, (1, 2))
    assert value.encode() == octets


def test_a_changed_copy_forgets_the_form_it_came_in():
    value = ies.CreateFAR.decode(tlv(32000, b"later") + FAR)
    assert replace(value, far_id=0x01020304).encode() == FAR


def test_spare_bits_are_ignored_and_given_back():
    octets = tlv(20, b"\xf1") + tlv(124, b"\xc9")
    value = ies.PDI.decode(octets)
    assert (value.source_interface, value.qfis) == (enums.SourceInterface.CORE, (9,))
    assert value.encode() == octets
    assert ies.FSEID.decode(b"\xfc" + bytes(8)).encode() == b"\xfc" + bytes(8)


def test_an_unknown_enumerator_survives_as_a_number():
    value = ies.PDI.decode(tlv(20, b"\x0b"))
    assert value.source_interface == 11
    assert not isinstance(value.source_interface, enums.SourceInterface)
    assert value.encode() == tlv(20, b"\x0b")


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"internet", "internet"),
        (b"\x08internet", "internet"),
        (b"\x03ims\x06mnc001\x06mcc001\x04gprs", "ims.mnc001.mcc001.gprs"),
        (b"\x08internet\x00", "internet"),
        (b"", ""),
        (b"\x08inter", "\x08inter"),
    ],
    ids=["plain", "one label", "labels", "root label", "empty", "neither"],
)
def test_a_network_instance_has_its_name_in_either_coding(octets, name):
    for cls in (ies.NetworkInstance, ies.APNDNN):
        value = cls.decode(octets)
        assert value.name == name
        assert value.encode() == octets


def test_a_node_id_in_plain_text_is_read_and_given_back():
    value = ies.NodeID.decode(b"\x02smf.example")
    assert value == ies.NodeID(value="smf.example")
    assert value.encode() == b"\x02smf.example"
    assert ies.NodeID(value="smf.example").encode() == b"\x02\x03smf\x07example"


def test_a_node_id_of_an_unknown_kind_is_incorrect():
    with pytest.raises(MandatoryIEIncorrectError) as caught:
        ies.NodeID.decode(b"\x07\1\2\3\4")
    assert (caught.value.cause, caught.value.ie_type) == (Cause.MANDATORY_IE_INCORRECT, 60)


def test_older_peers_may_send_fewer_flag_octets():
    assert ies.ApplyAction.decode(b"\x02") == ies.ApplyAction(forw=True)
    assert ies.ApplyAction.decode(b"\x02").encode() == b"\x02"
    assert ies.ApplyAction(forw=True).encode() == b"\x02\x00"
    assert ies.UsageReportTrigger.decode(b"\x02\x00") == ies.UsageReportTrigger(volth=True)


def test_features_are_sent_without_trailing_zero_octets():
    assert ies.UPFunctionFeatures(ftup=True).encode() == b"\x10\x00"
    assert ies.UPFunctionFeatures(ftup=True, mnop=True).encode() == b"\x10\x00\x10"
    assert ies.CPFunctionFeatures().encode() == b"\x00"


@pytest.mark.parametrize(
    ("unit", "value", "seconds"),
    [(0, 5, 10), (1, 5, 300), (2, 5, 3000), (3, 1, 3600), (4, 1, 36000), (5, 5, 300)],
)
def test_a_timer_spans_its_unit_times_its_value(unit, value, seconds):
    assert ies.Timer(unit=unit, value=value).seconds == seconds


def test_the_infinite_timer_never_ends():
    assert ies.Timer(unit=enums.TimerUnit.INFINITE, value=0).seconds == float("inf")


@pytest.mark.parametrize(
    "value",
    [
        ies.FSEID(seid=1 << 64),
        ies.FSEID(seid=-1),
        ies.MBR(uplink_kbps=1 << 40, downlink_kbps=0),
        ies.GateStatus(uplink=4, downlink=0),
        ies.PDI(source_interface=16),
        ies.RemovePDR(pdr_id=65536),
        ies.RemovePDR(pdr_id=None),
        ies.ForwardingPolicy(identifier=bytes(256)),
        ies.SDFFilter(flow_description="☃"),
        ies.FailedRuleID(rule_id_type=4, rule_id=256),
        ies.NodeID(value="a" * 256),
        ies.RemoveFAR(far_id=1, vendor_ies=(VendorIE(ie_type=1, enterprise_id=1, octets=b""),)),
        ies.MACAddress(source=b"12345"),
        ies.CTAG(vid=4096),
        ies.CTAG(pcp=8),
        ies.FQCSID(node_address=1, csids=(1,) * 16),
        ies.FQCSID(node_address=1, node_type=16),
        ies.PacketRate(additional_uplink=ies.PacketRateLimit(packets=1, time_unit=0)),
        ies.PacketRate(uplink=ies.PacketRateLimit(packets=1, time_unit=8)),
        ies.PacketRateStatus(uplink_packets=1),
        ies.PacketRateStatus(validity_time=1),
        ies.PacketRateStatus(additional_uplink_packets=1),
        ies.IPMulticastAddress(any=True, ipv4=IPv4Address("232.0.0.1")),
        ies.IPMulticastAddress(end_ipv4=IPv4Address("232.0.0.1")),
        ies.PMFAddressInformation(ipv4=IPv4Address("1.2.3.4"), port_3gpp=1),
        ies.PMFAddressInformation(mac_3gpp=b"123456"),
        ies.PMFAddressInformation(mac_3gpp=b"12345", mac_non_3gpp=b"123456"),
        ies.MBSSessionIdentifier(nid=b"12345"),
        ies.TraceInformation(
            plmn="0010123",
            trace_id=1,
            triggering_events=b"",
            session_trace_depth=1,
            list_of_interfaces=b"",
            ip_address_of_trace_collection_entity=b"",
        ),
        messages.HeartbeatRequest(recovery_time_stamp=0, sequence_number=1 << 24),
        messages.HeartbeatRequest(recovery_time_stamp=0, message_priority=16),
    ],
    ids=repr,
)
def test_a_value_that_does_not_fit_is_our_fault_and_says_so(value):
    with pytest.raises(EncodeError, match=type(value).__name__):
        value.encode()


def test_values_are_frozen_and_equal_by_content():
    value = ies.FTEID(teid=1, ipv4=IPv4Address("1.2.3.4"))
    with pytest.raises(FrozenInstanceError):
        value.teid = 2
    with pytest.raises(FrozenInstanceError):
        del value.teid
    assert value == ies.FTEID(teid=1, ipv4=IPv4Address("1.2.3.4"))
    assert value != ies.FTEID(teid=2, ipv4=IPv4Address("1.2.3.4"))
    assert value != ies.FTEID(teid=1, ipv4=IPv4Address("1.2.3.5"))
    assert value != ies.FTEID(teid=1, ipv4=IPv4Address("1.2.3.4"), choose_id=0)
    assert ies.RemoveFAR(far_id=1) != ies.RemoveURR(urr_id=1)
    assert repr(value) == "FTEID(teid=1, ipv4=IPv4Address('1.2.3.4'))"


def test_a_type_number_is_declared_once():
    with pytest.raises(TypeError, match="is already Create PDR"):
        schema.scalar(1, "Another", U8, clause="-")


def test_a_field_without_a_layout_is_refused():
    with pytest.raises(TypeError, match="says nothing of its octets"):
        schema._parse_leaf("bare", int)
    with pytest.raises(TypeError, match="neither a flag nor a kind"):
        schema._parse_leaf("bare", Annotated[int, "words"])


def test_an_ie_is_either_a_group_or_has_fields_of_its_own(monkeypatch):
    monkeypatch.setattr(schema, "IES", {})

    @schema.ie(1, "Leaf", clause="-")
    class Leaf(IE):
        far_id: ies.FARID

    @schema.ie(2, "Grouped", clause="-")
    class Grouped(Group):
        number: Annotated[int, U8]

    for cls in (Leaf, Grouped):
        with pytest.raises(TypeError, match="mixes fields of its own with IEs"):
            schema.link({cls.__name__: cls, "__name__": __name__})


def test_only_ies_occur_several_times():
    with pytest.raises(TypeError, match="only IEs"):
        schema._parse_field("many", tuple[Annotated[bytes, REST], ...], has_default=False)


def test_the_generated_source_can_be_read():
    assert "def read(buffer, start, end):" in codegen.source_of(ies.CreatePDR)
    assert codegen.source_of(ies.FTEID) == ""


def test_every_class_in_the_registry_is_an_ie():
    assert all(issubclass(spec.cls, IE) for spec in schema.IES.values() if spec.cls)


def test_every_request_is_answered_by_the_next_type():
    for spec in schema.MESSAGES.values():
        assert spec.response in {None, spec.message_type + 1}
        assert spec.response is None or spec.response in schema.MESSAGES


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"", HeaderError),
        (b"\x20\x01\x00\x04\0\0\0", HeaderError),
        (b"\x21\x36\x00\x0c\0\0\0\1\0\0\0", HeaderError),
        (b"\x20\x01\x00\x03\0\0\0\0", HeaderError),
        (b"\x40\x01\x00\x04\0\0\0\0", UnsupportedVersionError),
        (b"\x20\x63\x00\x04\0\0\0\0", UnknownMessageError),
        (b"\x20\x01\x00\x09\0\0\0\0\0", InvalidLengthError),
    ],
    ids=["empty", "short", "no seid", "length", "version", "type", "cut"],
)
def test_a_header_that_is_wrong_says_how(octets, error):
    with pytest.raises(error):
        messages.decode(octets)


def test_octets_after_the_message_are_ignored():
    octets = datagram(1, tlv(96, b"\0\0\0\1"))
    assert messages.decode(octets + b"more") == messages.decode(octets)


def test_a_message_carries_its_priority():
    message = messages.SessionDeletionRequest(seid=5, sequence_number=9, message_priority=12)
    assert message.encode() == bytes.fromhex("2336000c 0000000000000005 000009c0")
    assert messages.decode(message.encode()) == message


def test_another_sequence_number_can_stand_in():
    message = messages.HeartbeatResponse(recovery_time_stamp=1, sequence_number=2)
    assert messages.decode(message.encode(7)) == replace(message, sequence_number=7)


# Figures 8.2.206-1 and 8.2.207-1: what no other decoder at hand reads as they say.
MULTICAST = ies.SourceSpecificMulticast(
    distribution=IPv4Address("232.1.2.3"), source=IPv4Address("1.2.3.4")
)
MULTICAST_OCTETS = bytes.fromhex("04 e8010203 04 01020304")


def test_a_multicast_transport_lies_as_in_its_figure():
    value = ies.MulticastTransportInformation(
        common_teid=0x0A0B0C0D, source_specific_multicast=MULTICAST
    )
    octets = bytes.fromhex("00 0a0b0c0d") + MULTICAST_OCTETS
    assert value.encode() == octets
    assert ies.MulticastTransportInformation.decode(octets) == value


def test_a_multicast_session_lies_as_in_its_figure():
    six = IPv6Address("ff3e::1"), IPv6Address("2001:db8::1")
    value = ies.MBSSessionIdentifier(
        tmgi=b"abcdef",
        source_specific_multicast=ies.SourceSpecificMulticast(distribution=six[0], source=six[1]),
        nid=b"ghijkl",
    )
    octets = b"\x07abcdef\x50" + six[0].packed + b"\x50" + six[1].packed + b"ghijkl"
    assert value.encode() == octets
    assert ies.MBSSessionIdentifier.decode(octets) == value


@pytest.mark.parametrize(
    ("cls", "octets", "ie_type"),
    [
        (ies.FailedRuleID, b"\x07\0\0", 114),
        (ies.FQCSID, b"\x31\1\2\3\4", 65),
        (ies.MulticastTransportInformation, b"\0\1\2\3\4\x05\1\2\3\4\5", 306),
    ],
)
def test_a_choice_this_release_does_not_know_is_incorrect(cls, octets, ie_type):
    with pytest.raises(MandatoryIEIncorrectError) as caught:
        cls.decode(octets)
    assert caught.value.ie_type == ie_type


@pytest.mark.parametrize(
    ("additional", "ok"),
    [(b"\0\1d\0\1p", True), (b"\0\1d", False), (b"\0\2d", False), (b"\0", False)],
    ids=["pair", "one alone", "cut", "length cut"],
)
def test_additional_domain_names_come_in_pairs(additional, ok):
    octets = b"\x80\0" + len(additional).to_bytes(2, "big") + additional
    if ok:
        value = ies.PFDContents.decode(octets)
        assert value.additional_domain_names_and_protocols == (("d", "p"),)
    else:
        with pytest.raises(InvalidLengthError):
            ies.PFDContents.decode(octets)


def test_a_redirect_to_a_port_may_leave_the_address_out_with_its_length():
    value = ies.RedirectInformation(
        address_type=enums.RedirectAddressType.PORT, server_address="", port=8080
    )
    assert value.encode() == bytes.fromhex("05 0000 1f90")
    short = bytes.fromhex("05 1f90")
    assert ies.RedirectInformation.decode(short) == value
    assert ies.RedirectInformation.decode(short).encode() == short


def test_a_redirect_without_its_second_address_is_read():
    value = ies.RedirectInformation.decode(b"\x04\0\x011")
    assert (value.server_address, value.other_server_address, value.port) == ("1", None, None)


def test_mac_addresses_of_release_15_carry_no_tags():
    octets = b"\x01abcdef"
    value = ies.MACAddressesDetected.decode(octets)
    assert value == ies.MACAddressesDetected(addresses=(b"abcdef",))
    assert value.encode() == octets

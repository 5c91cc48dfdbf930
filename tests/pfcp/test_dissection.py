from ipaddress import IPv4Address
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pfcp import enums, ies, messages, schema
from pfcp.dissection import MOST_ELEMENTS, dissect
from pfcp.errors import DecodeError, HeaderError, MandatoryIEMissingError

CAPTURE = Path(__file__).parent / "vectors" / "open5gs-ipv4-n4.txt"


def captured():
    lines = [line for line in CAPTURE.read_text().splitlines() if not line.startswith("#")]
    return [bytes.fromhex(line.split()[1]) for line in lines]


def deletion_answer(body):
    """A Session Deletion Response with these octets for IEs."""
    octets = bytes.fromhex(body)
    return b"\x21\x37" + (12 + len(octets)).to_bytes(2, "big") + bytes(8) + b"\0\0\1\0" + octets


def only(octets):
    (dissection,) = dissect(octets)
    return dissection


def laid(element):
    """Octets of an element put together from what was found in it."""
    body = b"".join(map(laid, element.elements)) if element.elements else element.octets
    if element.ie_type is None:
        return body
    return element.ie_type.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize("octets", captured(), ids=range(1, 1 + len(captured())))
def test_every_octet_of_a_captured_message_is_found_once(octets):
    dissection = only(octets)
    assert dissection.error is None
    assert dissection.octets == octets
    head = octets[: dissection.head.start]
    assert head + b"".join(map(laid, dissection.elements)) == octets


def values_in(elements):
    for element in elements:
        if element.value is not None:
            yield element
        yield from values_in(element.elements)


@pytest.mark.parametrize("octets", captured(), ids=range(1, 1 + len(captured())))
def test_the_values_found_are_those_that_are_decoded(octets):
    shown = repr(messages.decode(octets))
    for element in values_in(only(octets).elements):
        assert repr(element.value) in shown, element.name


def test_every_plain_ie_is_read_as_its_owner_reads_it():
    plain = [spec for spec in schema.IES.values() if spec.kind is not None]
    assert len(plain) > 50
    for spec in plain:
        size = getattr(spec.kind, "size", 3)
        body = bytes(range(1, size + 1))
        (element,) = only(deletion_answer(f"{spec.ie_type:04x}{size:04x}" + body.hex())).elements
        assert (element.ie_type, element.name, element.error) == (spec.ie_type, spec.name, None)
        assert element.value == expected(spec, body), spec.name


def expected(spec, body):
    """By the specification's own words: a number, an address or the octets."""
    if spec.kind.name.startswith("IPV4"):
        return IPv4Address(body)
    if spec.kind.name == "UUID128":
        return UUID(body.hex())
    if not hasattr(spec.kind, "size"):
        return body
    number = int.from_bytes(body, "big")
    return number & spec.kind.mask if spec.kind.mask is not None else number


def test_an_enumerator_is_named_and_an_unknown_number_survives():
    known, unknown = only(deletion_answer("0013000101 0013000177")).elements
    assert known.value is enums.Cause.REQUEST_ACCEPTED
    assert unknown.value == 0x77


def test_unknown_and_vendor_ies_are_shown_with_their_octets():
    unknown, vendor, short = only(deletion_answer("7ffe0001aa 80010003000a55 8002000100")).elements
    assert (unknown.name, unknown.octets) == ("IE 32766", b"\xaa")
    assert (vendor.name, vendor.octets) == ("IE 32769 of enterprise 10", b"\x00\x0a\x55")
    assert short.name == "IE 32770"
    assert unknown.value is unknown.error is None


def test_behind_an_ie_that_cannot_be_read_the_next_is_shown():
    dissection = only(deletion_answer("00380001aa 0093000101 0013000101"))
    bad, *_, good = dissection.elements
    assert "too few" in bad.error
    assert good.value is enums.Cause.REQUEST_ACCEPTED


def test_an_ie_with_a_layout_of_its_own_says_what_is_wrong():
    (bad,) = only(deletion_answer("003c000109")).elements
    assert bad.name == "Node ID"
    assert bad.error


@pytest.mark.parametrize(
    ("body", "name", "error"),
    [
        ("0013000901", "Cause", "8 of its 9 octets are missing"),
        ("0013000101 00", "rest", "ends inside the header of an IE"),
    ],
)
def test_what_is_cut_off_is_shown(body, name, error):
    last = only(deletion_answer(body)).elements[-1]
    assert (last.name, last.error) == (name, error)


def test_the_error_is_the_one_that_a_peer_would_be_told():
    dissection = only(deletion_answer("0028000200 13"))
    assert isinstance(dissection.error, MandatoryIEMissingError)


def test_a_message_of_an_unknown_type_is_walked():
    dissection = only(bytes.fromhex("20630009 00000100 0013000101"))
    assert dissection.name == "message type 99"
    assert dissection.elements[0].name == "Cause"
    assert isinstance(dissection.error, DecodeError)


@pytest.mark.parametrize("octets", [b"", b"GET /", bytes.fromhex("40010004 01020300")])
def test_what_is_no_message_is_given_whole(octets):
    dissection = only(octets)
    assert (dissection.head, dissection.octets) == (None, octets)
    assert isinstance(dissection.error, HeaderError | DecodeError)


def test_bundled_messages_are_all_shown():
    one = messages.HeartbeatRequest(sequence_number=1, recovery_time_stamp=5).encode()
    two = messages.HeartbeatRequest(sequence_number=2, recovery_time_stamp=6).encode()
    found = dissect(bytes([one[0] | 0x04]) + one[1:] + two)
    assert [each.head.sequence_number for each in found] == [1, 2]
    assert [each.elements[0].value for each in found] == [5, 6]


def test_hostile_octets_show_a_bounded_number_of_elements():
    dissection = only(deletion_answer("7ffe0000" * (MOST_ELEMENTS + 10)))
    assert len(dissection.elements) == MOST_ELEMENTS + 1
    assert dissection.elements[-1].error == "too many IEs to show"


def test_a_group_without_ies_is_known_and_empty():
    (element,) = only(deletion_answer("00010000")).elements
    assert (element.name, element.elements, element.value) == ("Create PDR", (), None)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100), st.sampled_from([*captured(), b"\x21\x32\x00\x40"]), st.data())
def test_no_octets_upset_it(garbage, octets, data):
    at = data.draw(st.integers(0, len(octets)))
    for candidate in (garbage, octets[:at] + garbage):
        for dissection in dissect(candidate):
            assert (dissection.error is None) or isinstance(dissection.error, DecodeError)


def test_the_view_of_an_fteid_is_its_value():
    fteid = ies.FTEID(teid=1, ipv4=IPv4Address("192.0.2.1"))
    (element,) = only(deletion_answer("00150009" + fteid.encode().hex())).elements
    assert element.value == fteid

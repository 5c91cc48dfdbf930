"""Octets of an IE that have no meaning, and forms that only some peers use."""

import sys
from ipaddress import IPv4Address
from typing import Annotated

import pytest

from pfcp import enums, ies, schema
from pfcp.errors import DecodeError, InvalidLengthError, MandatoryIEIncorrectError
from pfcp.wire import U8


@pytest.mark.parametrize(
    ("cls", "octets"),
    [
        (ies.NodeID, "03 01020304"),
        (ies.FQCSID, "31 01020304 0001"),
        (ies.FailedRuleID, "0f 00000001"),
        (ies.MBSSessionIdentifier, "02 05 01020304 04 01020304"),
    ],
)
def test_a_type_that_is_not_defined_is_refused_as_incorrect(cls, octets):
    with pytest.raises(MandatoryIEIncorrectError) as caught:
        cls.decode(bytes.fromhex(octets))
    assert caught.value.ie_type == schema.spec_of(cls).ie_type


@pytest.mark.parametrize(
    "octets",
    ["2000 000a 0003 616263", "2000 0001 61", "8000 0005 0003 616263", "4000 0002 0001"],
    ids=["a text is cut", "a length is cut", "a text has no partner", "an empty rest is cut"],
)
def test_texts_that_do_not_end_in_their_field_are_refused(octets):
    with pytest.raises(InvalidLengthError):
        ies.PFDContents.decode(bytes.fromhex(octets))


def test_a_redirection_to_a_port_may_lack_the_length_of_its_address():
    octets = bytes.fromhex("05 1f90")
    value = ies.RedirectInformation.decode(octets)
    assert (value.address_type, value.port) == (enums.RedirectAddressType.PORT, 8080)
    assert value.encode() == octets


def test_a_node_id_prints_as_its_address_or_name():
    assert str(ies.NodeID(value=IPv4Address("192.0.2.1"))) == "192.0.2.1"
    assert str(ies.NodeID(value="smf.example")) == "smf.example"


def test_a_class_that_mixes_fields_of_its_own_with_ies_is_refused():
    with pytest.raises(TypeError, match="PDI mixes fields"):
        mixed_group()


def mixed_group():
    """Parse a grouped IE one of whose fields says how it lies in octets."""
    name, hint = "source_interface", ies.PDI.__annotations__["source_interface"]
    ies.PDI.__annotations__[name] = Annotated[int, U8]
    fields = schema.spec_of(ies.PDI).group_fields
    try:
        schema._parse(ies.PDI, vars(sys.modules[ies.PDI.__module__]))
    finally:
        ies.PDI.__annotations__[name] = hint
        schema.spec_of(ies.PDI).group_fields = fields


def test_every_refusal_is_a_decode_error():
    assert issubclass(MandatoryIEIncorrectError, DecodeError)
    assert issubclass(InvalidLengthError, DecodeError)

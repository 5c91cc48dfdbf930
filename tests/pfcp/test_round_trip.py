"""Every declared IE and message, by values made from the declarations themselves."""

import warnings
from contextlib import suppress
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pfcp import enums, ies, messages
from pfcp.errors import DecodeError
from pfcp.groups import encoder_of
from pfcp.reader import known
from pfcp.record import VendorIE
from pfcp.schema import IES, MESSAGES, Presence
from pfcp.wire import (
    BIT,
    IPV4,
    IPV6,
    LV8_NUMBERS,
    LV16_PAIRS,
    LV16_TEXT,
    LV16_TEXTS,
    MAC,
    PLMN,
    REST_NUMBERS,
    S32,
    S64,
    UUID128,
    Bits,
    Fixed,
    Flag,
    Octets,
)

with warnings.catch_warnings():
    # Both bring warnings of their own on import.
    warnings.simplefilter("ignore")
    from pycrate_mobile import TS29244_PFCP as PYCRATE
    from scapy.contrib import pfcp as scapy

CAPTURE = Path(__file__).parent / "vectors" / "open5gs-ipv4-n4.txt"


def captured():
    lines = [line for line in CAPTURE.read_text().splitlines() if not line.startswith("#")]
    return [bytes.fromhex(line.split()[1]) for line in lines]


def numbers(bits):
    return st.integers(0, (1 << bits) - 1)


V4 = numbers(32).map(IPv4Address)
V6 = numbers(128).map(IPv6Address)
TEXT = st.text("abc .:/0123456789", max_size=40)
OF_KIND = {
    IPV4: V4,
    IPV6: V6,
    BIT: st.booleans(),
    S32: st.integers(-(1 << 31), (1 << 31) - 1),
    S64: st.integers(-(1 << 63), (1 << 63) - 1),
    MAC: st.binary(min_size=6, max_size=6),
    PLMN: st.text("0123456789", min_size=5, max_size=6),
    UUID128: numbers(128).map(lambda number: UUID(int=number)),
    LV16_TEXT: TEXT,
    LV8_NUMBERS: st.lists(numbers(8), max_size=4).map(tuple),
    REST_NUMBERS: st.lists(numbers(8), max_size=4).map(tuple),
    LV16_TEXTS: st.lists(TEXT, max_size=3).map(tuple),
    LV16_PAIRS: st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
}


def of_kind(kind, enumeration):
    if kind in OF_KIND:
        return OF_KIND[kind]
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, Octets):
        return st.binary(max_size=40)
    bits = kind.width if isinstance(kind, Bits) else 8 * kind.size
    if isinstance(kind, Fixed) and kind.mask is not None:
        bits = kind.mask.bit_length()
    known = {int(item): item for item in enumeration or ()}
    return numbers(bits).map(lambda value: known.get(value, value))


def enumerated(enumeration, most, least=0):
    return st.integers(least, most).map(lambda number: known(enumeration, number))


def redirect(least, most):
    return enumerated(enums.RedirectAddressType, most, least)


def own_strategies():
    """Values of the IEs that read and write themselves."""
    v4, v6 = V4, V6
    six = st.binary(min_size=6, max_size=6)
    rate = st.builds(
        ies.PacketRateLimit, packets=numbers(16), time_unit=enumerated(enums.PacketRateTimeUnit, 7)
    )
    tag = {
        "pcp": st.none() | numbers(3),
        "dei": st.none() | st.booleans(),
        "vid": st.none() | numbers(12),
    }
    macs = {
        "addresses": st.lists(six, max_size=3).map(tuple),
        "ctag": st.none() | st.builds(ies.CTAG, **tag),
        "stag": st.none() | st.builds(ies.STAG, **tag),
    }
    multicast = st.one_of(
        st.builds(ies.SourceSpecificMulticast, distribution=family, source=family)
        for family in (v4, v6)
    )
    label = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
    name = st.lists(label, min_size=1, max_size=3).map(".".join)
    rule = {0: 16, 1: 32, 2: 32, 3: 32, 4: 8, 5: 16, 6: 8}
    return {
        ies.FTEID: st.one_of(
            st.builds(
                ies.FTEID,
                choose=st.just(value=True),
                choose_ipv4=st.booleans(),
                choose_ipv6=st.booleans(),
                choose_id=st.none() | numbers(8),
            ),
            st.builds(ies.FTEID, teid=numbers(32), ipv4=st.none() | v4, ipv6=st.none() | v6),
        ),
        ies.NodeID: st.builds(ies.NodeID, value=v4 | v6 | name),
        ies.OuterHeaderCreation: st.one_of(
            st.builds(ies.OuterHeaderCreation, teid=numbers(32), ipv4=v4, ipv6=st.none() | v6),
            st.builds(ies.OuterHeaderCreation, port=numbers(16), ipv6=v6, n6=st.booleans()),
            st.builds(ies.OuterHeaderCreation, ctag=numbers(24), stag=st.none() | numbers(24)),
            st.builds(ies.OuterHeaderCreation, ipv4=st.none() | v4, n19=st.booleans()),
        ),
        ies.FailedRuleID: st.sampled_from(list(rule)).flatmap(
            lambda kind: st.builds(
                ies.FailedRuleID,
                rule_id_type=st.just(enums.RuleIDType(kind)),
                rule_id=numbers(rule[kind]),
            )
        ),
        ies.DLBufferingSuggestedPacketCount: st.builds(
            ies.DLBufferingSuggestedPacketCount, packets=numbers(16)
        ),
        ies.RedirectInformation: st.one_of(
            st.builds(ies.RedirectInformation, address_type=redirect(0, 3), server_address=TEXT),
            st.builds(
                ies.RedirectInformation,
                address_type=redirect(4, 4),
                server_address=TEXT,
                other_server_address=TEXT,
            ),
            st.builds(
                ies.RedirectInformation,
                address_type=redirect(5, 7),
                server_address=TEXT,
                port=numbers(16),
            ),
            st.builds(
                ies.RedirectInformation,
                address_type=redirect(8, 8),
                server_address=TEXT,
                other_server_address=TEXT,
                port=numbers(16),
            ),
        ),
        ies.FQCSID: st.just(ies.FQCSID())
        | st.builds(
            ies.FQCSID,
            node_address=v4 | v6 | numbers(32),
            csids=st.lists(numbers(16), max_size=15).map(tuple),
            node_type=st.none() | enumerated(enums.FQCSIDNodeType, 15),
        ),
        ies.PacketRate: st.one_of(
            st.builds(ies.PacketRate, uplink=st.none() | rate, downlink=st.none() | rate),
            st.builds(ies.PacketRate, uplink=rate, additional_uplink=rate),
            st.builds(
                ies.PacketRate,
                uplink=rate,
                downlink=rate,
                additional_uplink=rate,
                additional_downlink=rate,
            ),
        ),
        ies.CTAG: st.builds(ies.CTAG, **tag),
        ies.STAG: st.builds(ies.STAG, **tag),
        ies.MACAddressesDetected: st.builds(ies.MACAddressesDetected, **macs),
        ies.MACAddressesRemoved: st.builds(ies.MACAddressesRemoved, **macs),
        ies.SMFSetID: st.builds(ies.SMFSetID, fqdn=name),
        ies.IPMulticastAddress: st.one_of(
            st.just(ies.IPMulticastAddress(any=True)),
            st.builds(ies.IPMulticastAddress, ipv4=st.none() | v4, ipv6=st.none() | v6),
            st.builds(ies.IPMulticastAddress, ipv4=v4, end_ipv4=v4),
            st.builds(ies.IPMulticastAddress, ipv6=v6, end_ipv6=v6),
        ),
        ies.PacketRateStatus: st.one_of(
            st.just(ies.PacketRateStatus()),
            st.builds(
                ies.PacketRateStatus,
                uplink_packets=numbers(16),
                downlink_packets=st.none() | numbers(16),
                validity_time=numbers(64),
            ),
            st.builds(
                ies.PacketRateStatus,
                downlink_packets=numbers(16),
                additional_downlink_packets=numbers(16),
                validity_time=numbers(64),
            ),
        ),
        ies.PMFAddressInformation: st.one_of(
            st.builds(ies.PMFAddressInformation, mac_3gpp=six, mac_non_3gpp=six),
            st.builds(
                ies.PMFAddressInformation,
                ipv4=v4,
                ipv6=st.none() | v6,
                port_3gpp=numbers(16),
                port_non_3gpp=numbers(16),
            ),
        ),
        ies.L2TPUserAuthentication: st.builds(
            ies.L2TPUserAuthentication,
            proxy_authen_type=numbers(16),
            proxy_authen_name=st.none() | st.binary(max_size=20),
            proxy_authen_challenge=st.none() | st.binary(max_size=20),
            proxy_authen_response=st.none() | st.binary(max_size=20),
            proxy_authen_id=st.none() | numbers(8),
        ),
        ies.LNSAddress: st.builds(ies.LNSAddress, value=v4 | v6),
        ies.MBSSessionIdentifier: st.builds(
            ies.MBSSessionIdentifier,
            tmgi=st.none() | six,
            source_specific_multicast=st.none() | multicast,
            nid=st.none() | six,
        ),
        ies.MulticastTransportInformation: st.builds(
            ies.MulticastTransportInformation,
            common_teid=numbers(32),
            source_specific_multicast=multicast,
        ),
        ies.LocalIngressTunnel: st.one_of(
            st.builds(ies.LocalIngressTunnel, port=numbers(16), ipv4=v4, ipv6=st.none() | v6),
            st.builds(
                ies.LocalIngressTunnel,
                choose=st.just(value=True),
                choose_ipv4=st.booleans(),
                choose_ipv6=st.booleans(),
            ),
        ),
    }


OWN = own_strategies()


@cache
def of_ie(spec):
    if spec.kind is not None:
        return of_kind(spec.kind, spec.enumeration)
    if spec.cls in OWN:
        return OWN[spec.cls]
    return of_class(spec)


@cache
def of_class(spec):
    arguments = {}
    for field in spec.group_fields:
        if field.presence is Presence.SEVERAL:
            least = 1 if field.at_least_one else 0
            arguments[field.name] = st.lists(of_ie(field.ie), min_size=least, max_size=2).map(tuple)
        elif field.presence is Presence.OPTIONAL:
            arguments[field.name] = st.none() | of_ie(field.ie)
        else:
            arguments[field.name] = of_ie(field.ie)
    for field in getattr(spec, "leaf_fields", ()):
        value = of_kind(field.kind, field.enumeration)
        optional = field.presence is Presence.OPTIONAL
        arguments[field.name] = st.none() | value if optional else value
    built = st.builds(spec.cls, **arguments)
    seconds = [
        (one.name, other.name) for one, other in pairwise(spec.group_fields) if one.ie is other.ie
    ]
    return built.map(lambda value: with_firsts(value, seconds)) if seconds else built


def with_firsts(value, seconds):
    """The value without the second of two IEs of one type where the first is missing."""
    for first, second in seconds:
        if getattr(value, first) is None:
            value = replace(value, **{second: None})
    return value


VENDOR_IES = st.lists(
    st.builds(
        VendorIE,
        ie_type=st.integers(32768, 65535),
        enterprise_id=numbers(16),
        octets=st.binary(max_size=10),
    ),
    max_size=2,
).map(tuple)


def of_message(spec):
    built = of_class(spec)
    return st.builds(
        lambda value, vendor_ies, sequence_number, priority, seid: replace(
            value,
            vendor_ies=vendor_ies,
            sequence_number=sequence_number,
            message_priority=priority,
            **({"seid": seid} if hasattr(spec.cls, "seid") else {}),
        ),
        built,
        VENDOR_IES,
        numbers(24),
        st.none() | numbers(4),
        numbers(64),
    )


CLASSES = [pytest.param(spec, id=spec.name) for spec in IES.values() if spec.cls is not None]


@pytest.mark.parametrize("spec", CLASSES)
def test_an_ie_survives_the_wire(spec):
    @settings(max_examples=10, deadline=None)
    @given(of_ie(spec))
    def check(value):
        octets = value.encode()
        again = spec.cls.decode(octets)
        assert again == value
        assert hash(again) == hash(value)
        assert repr(again) == repr(value)
        assert again.encode() == octets

    check()


NOT_AS_PYCRATE = {
    **dict.fromkeys((38, 43, 141, 224), "release 17.0 had fewer fields"),
    48: "its length is not read",
    60: "a choice of layouts is not read alone",
    65: "the IE of no octets is not read",
    72: "fields are there without their flags",
    95: "the second octet goes with one description only",
    98: "the value has a length of two octets",
    114: "a choice of layouts is not read alone",
    134: "a priority has one bit",
    135: "a priority has one bit",
    159: "a name must be labels",
    192: "the mask is there without its flag",
    228: "the flags of the families are the other way round",
    258: "nine bits are read",
}


def own_elements(element):
    """The elements of a reading of pycrate, inside and out."""
    yield element
    for part in getattr(element, "_content", None) or ():
        yield from own_elements(part)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=spec.name)
        for spec in IES.values()
        if spec.ie_type in PYCRATE.PFCPIELUT.keys() - NOT_AS_PYCRATE and not spec.is_grouped
    ],
)
def test_pycrate_reads_every_octet_of_an_ie(spec):
    @settings(max_examples=4, deadline=None)
    @given(of_ie(spec))
    def check(value):
        octets = encoder_of(spec)(value)[4:]
        element = PYCRATE.PFCPIELUT[spec.ie_type]("read")
        element.from_bytes(octets)
        assert element.to_bytes() == octets
        assert not any(part._name == "ext" and part.get_val() for part in own_elements(element))

    check()


RELEASE_15 = {37, 38, 43, 44, 63, 65, 66, 89, 93, 94, 103, 114, 141, 144, 145}
"""IEs that have had more fields since the release scapy speaks."""
SCAPY_IES = {cls.ie_type: cls for cls in vars(scapy).values() if getattr(cls, "ie_type", None)}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=spec.name)
        for spec in IES.values()
        if spec.ie_type in SCAPY_IES.keys() - RELEASE_15 and not spec.is_grouped
    ],
)
def test_scapy_reads_every_octet_of_an_ie(spec):
    @settings(max_examples=4, deadline=None)
    @given(of_ie(spec))
    def check(value):
        octets = encoder_of(spec)(value)
        element = SCAPY_IES[spec.ie_type](octets)
        assert bytes(element) == octets
        assert not element.fields.get("extra_data")

    check()


def outcome(spec, buffer, end):
    try:
        return spec.cls.read(buffer, 0, end)
    except DecodeError as error:
        return type(error), str(error)


@pytest.mark.parametrize("spec", CLASSES)
def test_an_ie_that_is_cut_takes_nothing_from_its_neighbour(spec):
    @settings(max_examples=3, deadline=None)
    @given(of_ie(spec), st.data())
    def check(value, data):
        octets = value.encode()
        end = data.draw(st.integers(0, max(0, len(octets) - 1)))
        ones, zeros = octets[:end] + b"\x01" * 80, octets[:end] + b"\x00" * 80
        assert outcome(spec, ones, end) == outcome(spec, zeros, end)

    check()


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.name) for s in MESSAGES.values()])
def test_a_message_survives_the_wire(spec):
    @settings(max_examples=4, deadline=None)
    @given(of_message(spec))
    def check(value):
        octets = value.encode()
        again = messages.decode(octets)
        assert again == value
        assert again.encode() == octets

    check()


@pytest.mark.parametrize("spec", CLASSES)
def test_an_ie_of_a_later_release_is_read_and_given_back_whole(spec):
    @settings(max_examples=3, deadline=None)
    @given(of_ie(spec), st.binary(min_size=1, max_size=4))
    def check(value, more):
        if spec.is_grouped:
            more = b"\x7f\xff\x00\x01\xaa"
        octets = value.encode() + more
        try:
            again = spec.cls.decode(octets)
        except DecodeError:
            # Only an IE whose last field may be left out can take the octets for that field.
            assert spec.cls in {ies.LNSAddress, ies.FQCSID, ies.RedirectInformation} or any(
                field.presence is Presence.OPTIONAL and field.flag is None
                for field in spec.leaf_fields
            )
            return
        assert again.encode() == octets

    check()


@pytest.mark.parametrize("octets", captured(), ids=range(1, 1 + len(captured())))
def test_every_truncation_is_refused_or_read_never_worse(octets):
    for length in range(len(octets)):
        with pytest.raises(DecodeError):
            messages.decode(octets[:length])
        # With a length that agrees the cut may fall between IEs.
        if length >= 4:
            agreeing = octets[:2] + (length - 4).to_bytes(2, "big") + octets[4:length]
            with suppress(DecodeError):
                assert messages.decode(agreeing).encode() == agreeing


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(captured()),
    st.lists(st.tuples(st.integers(4, 2000), numbers(8)), min_size=1, max_size=6),
)
def test_changed_octets_are_refused_or_read_and_given_back(octets, changes):
    changed = bytearray(octets)
    for at, octet in changes:
        changed[4 + at % (len(octets) - 4)] = octet
    try:
        message = messages.decode(bytes(changed))
    except DecodeError:
        return
    again = messages.decode(message.encode())
    assert again == message
    head = 16 if changed[0] & 1 else 8
    assert message.encode()[head:] == bytes(changed)[head:]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(MESSAGES)), st.binary(max_size=200))
def test_garbage_is_refused_or_read_never_worse(message_type, garbage):
    octets = bytes([0x20, message_type]) + (len(garbage) + 4).to_bytes(2, "big") + bytes(4)
    for candidate in (octets + garbage, garbage):
        with suppress(DecodeError):
            messages.decode(candidate)


@pytest.mark.parametrize(
    "spec", [pytest.param(s, id=s.name) for s in IES.values() if isinstance(s.kind, Fixed)]
)
def test_the_registry_holds_plain_values_of_one_to_sixteen_octets(spec):
    assert spec.kind.size in {1, 2, 3, 4, 8, 16}

"""Every declared IE and message, by values made from the declarations themselves."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pfcp import enums, ies, messages
from pfcp.errors import DecodeError
from pfcp.schema import IES, MESSAGES, Presence
from pfcp.wire import BIT, IPV4, IPV6, Bits, Fixed, Flag, Octets

CAPTURE = Path(__file__).parent / "vectors" / "open5gs-ipv4-n4.txt"


def captured():
    lines = [line for line in CAPTURE.read_text().splitlines() if not line.startswith("#")]
    return [bytes.fromhex(line.split()[1]) for line in lines]


def numbers(bits):
    return st.integers(0, (1 << bits) - 1)


def of_kind(kind, enumeration):
    if kind is IPV4:
        return numbers(32).map(IPv4Address)
    if kind is IPV6:
        return numbers(128).map(IPv6Address)
    if kind is BIT or isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, Octets):
        text = st.text("abc .:/0123456789", max_size=40)
        return text if kind.text else st.binary(max_size=40)
    bits = kind.width if isinstance(kind, Bits) else 8 * kind.size
    if isinstance(kind, Fixed) and kind.mask is not None:
        bits = kind.mask.bit_length()
    known = {int(item): item for item in enumeration or ()}
    return numbers(bits).map(lambda value: known.get(value, value))


def own_strategies():
    """Values of the IEs that read and write themselves."""
    v4 = st.integers(0, 2**32 - 1).map(IPv4Address)
    v6 = st.integers(0, 2**128 - 1).map(IPv6Address)
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
    }


OWN = own_strategies()


def of_ie(spec):
    if spec.kind is not None:
        return of_kind(spec.kind, spec.enumeration)
    if spec.cls in OWN:
        return OWN[spec.cls]
    return of_class(spec)


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
    return st.builds(spec.cls, **arguments)


def of_message(spec):
    built = of_class(spec)
    return st.builds(
        lambda value, sequence_number, priority, seid: type(value)(
            **{field.name: getattr(value, field.name) for field in spec.group_fields},
            sequence_number=sequence_number,
            message_priority=priority,
            **({"seid": seid} if hasattr(spec.cls, "seid") else {}),
        ),
        built,
        numbers(24),
        st.none() | numbers(4),
        numbers(64),
    )


CLASSES = [pytest.param(spec, id=spec.name) for spec in IES.values() if spec.cls is not None]


@pytest.mark.parametrize("spec", CLASSES)
def test_an_ie_survives_the_wire(spec):
    @settings(max_examples=25, deadline=None)
    @given(of_ie(spec))
    def check(value):
        octets = value.encode()
        again = spec.cls.decode(octets)
        assert again == value
        assert hash(again) == hash(value)
        assert repr(again) == repr(value)
        assert again.encode() == octets

    check()


def outcome(spec, buffer, end):
    try:
        return spec.cls.read(buffer, 0, end)
    except DecodeError as error:
        return type(error), str(error)


@pytest.mark.parametrize("spec", CLASSES)
def test_an_ie_that_is_cut_takes_nothing_from_its_neighbour(spec):
    @settings(max_examples=15, deadline=None)
    @given(of_ie(spec), st.data())
    def check(value, data):
        octets = value.encode()
        end = data.draw(st.integers(0, max(0, len(octets) - 1)))
        ones, zeros = octets[:end] + b"\x01" * 80, octets[:end] + b"\x00" * 80
        assert outcome(spec, ones, end) == outcome(spec, zeros, end)

    check()


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.name) for s in MESSAGES.values()])
def test_a_message_survives_the_wire(spec):
    @settings(max_examples=8, deadline=None)
    @given(of_message(spec))
    def check(value):
        octets = value.encode()
        again = messages.decode(octets)
        assert again == value
        assert again.encode() == octets

    check()


@pytest.mark.parametrize("spec", CLASSES)
def test_an_ie_of_a_later_release_is_read_and_given_back_whole(spec):
    @settings(max_examples=5, deadline=None)
    @given(of_ie(spec), st.binary(min_size=1, max_size=4))
    def check(value, more):
        if spec.group_fields:
            more = b"\x7f\xff\x00\x01\xaa"
        octets = value.encode() + more
        try:
            again = spec.cls.decode(octets)
        except DecodeError:
            # Only an IE whose last field may be left out can take the octets for that field.
            assert any(
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
def test_the_registry_holds_plain_values_of_one_to_eight_octets(spec):
    assert 1 <= spec.kind.size <= 8

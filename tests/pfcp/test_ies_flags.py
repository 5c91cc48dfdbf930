"""Every flag bit alone, against the list read from the figures of the specification."""

from collections import Counter
from pathlib import Path

import pytest

from pfcp import ies
from pfcp.reader import OwnLayout
from pfcp.schema import IES
from pfcp.wire import BIT, Bits, Flag

VECTORS = Path(__file__).parent / "vectors" / "flags.txt"

# What a flag is called here that says a field is present: in any IE, or in one.
FIELD_OF = {
    "V4": "ipv4",
    "V6": "ipv6",
    "TOVOL": "total_bytes",
    "ULVOL": "uplink_bytes",
    "DLVOL": "downlink_bytes",
    "TONOP": "total_packets",
    "ULNOP": "uplink_packets",
    "DLNOP": "downlink_packets",
    "MPL": "mask_prefix_length",
    "S/D": "is_destination",
    "CHV4": "choose_ipv4",
    "CHV6": "choose_ipv6",
    "IPv6D": "ipv6_prefix_delegation_bits",
    (93, "IP6PL"): "ipv6_prefix_length",
    "FD": "flow_description",
    "TTC": "tos_traffic_class",
    (23, "SPI"): "security_parameter_index",
    (23, "FL"): "flow_label",
    (23, "BID"): "sdf_filter_id",
    (45, "PPI"): "paging_policy_indication",
    (45, "QFII"): "qfi",
    (61, "URL"): "url",
    (61, "DN"): "domain_name",
    (61, "CP"): "custom_pfd_content",
    (61, "DNP"): "domain_name_protocol",
    (61, "AFD"): "additional_flow_descriptions",
    (61, "AURL"): "additional_urls",
    (61, "ADNP"): "additional_domain_names_and_protocols",
    (72, "DLPA"): "downlink_packets",
    (72, "DLBY"): "downlink_bytes",
    (97, "SCI"): "service_class_indicator",
    (103, "DI"): "destination_interface",
    (103, "NI"): "network_instance",
    (133, "SOUR"): "source",
    (133, "DEST"): "destination",
    (133, "USOU"): "upper_source",
    (133, "UDES"): "upper_destination",
    (141, "IMSIF"): "imsi",
    (141, "IMEIF"): "imei",
    (141, "MSISDNF"): "msisdn",
    (141, "NAIF"): "nai",
    (141, "SUPIF"): "supi",
    (141, "GPSIF"): "gpsi",
    (141, "PEIF"): "pei",
    (198, "BID"): "user_plane_node",
    (224, "PQPM"): "qfis",
    (229, "V4"): "ipv4_3gpp",
    (229, "V6"): "ipv6_3gpp",
    (229, "NV4"): "ipv4_non_3gpp",
    (229, "NV6"): "ipv6_non_3gpp",
    (245, "DL"): "downlink_ms",
    (245, "UL"): "uplink_ms",
    (245, "RP"): "round_trip_ms",
    (248, "DL"): "downlink_ms",
    (248, "UL"): "uplink_ms",
    (248, "RP"): "round_trip_ms",
    (258, "V4"): "v4",
    (258, "V6"): "v6",
    (268, "IPv4"): "ipv4_addresses",
    (268, "IPv6"): "ipv6_addresses",
    (288, "RTT"): "rtt_ms",
    (288, "PLR"): "packet_loss_rate",
    (293, "DIPV4"): "destination_ipv4",
    (293, "DIPV6"): "destination_ipv6",
    (293, "DPN"): "destination_port",
    (293, "SIPV4"): "source_ipv4",
    (293, "SIPV6"): "source_ipv6",
    (293, "SPN"): "source_port",
}


def flags():
    for line in VECTORS.read_text().splitlines():
        if not line.startswith("#"):
            ie_type, octet, bit, name, clause = line.split()
            yield IES[int(ie_type)], int(octet), int(bit), name, clause


def declared(spec):
    """Field by (octet, bit) of the flags declared."""
    return {
        (part.octet, part.bit): field.name
        for field in spec.leaf_fields
        for part in (field.kind, field.flag)
        if isinstance(part, Flag)
    }


DECLARED = [each for each in flags() if each[0].leaf_fields]


@pytest.mark.parametrize(
    ("spec", "octet", "bit", "name", "clause"),
    [pytest.param(*each, id=f"{each[0].name} {each[3]}") for each in DECLARED],
)
def test_a_flag_bit_is_the_field_the_specification_names(spec, octet, bit, name, clause):
    own = FIELD_OF.get((spec.ie_type, name)) or FIELD_OF.get(name)
    assert declared(spec).get((octet, bit)) == (own or name.lower().replace("-", "_"))
    assert spec.clause == clause


def test_no_flag_is_declared_that_the_specification_does_not_name():
    ours = Counter({spec.name: len(declared(spec)) for spec in IES.values() if declared(spec)})
    assert ours == Counter(spec.name for spec, *_ in DECLARED)


def test_the_other_flags_belong_to_ies_with_a_layout_of_their_own_or_one_value():
    others = [spec for spec, *_ in flags() if not spec.leaf_fields]
    assert all(spec.kind is BIT or issubclass(spec.cls, OwnLayout) for spec in others)


@pytest.mark.parametrize(
    ("spec", "octet", "bit", "name"),
    [
        pytest.param(spec, octet, bit, name, id=f"{spec.name} {name}")
        for spec, octet, bit, name, _ in DECLARED
        if all(isinstance(field.kind, Flag) for field in spec.leaf_fields)
    ],
)
def test_a_flag_alone_is_one_bit_on_the_wire(spec, octet, bit, name):
    octets = bytearray(max(spec.flag_octets, 1))
    octets[octet - 5] = 1 << (bit - 1)
    value = spec.cls.decode(bytes(octets))
    (field,) = [each.name for each in spec.leaf_fields if getattr(value, each.name)]
    assert field == name.lower().replace("-", "_") or spec.cls is ies.IPVersion
    encoded = spec.cls(**{field: True}).encode()
    assert encoded.ljust(len(octets), b"\0") == octets


def test_no_bit_field_shares_a_bit():
    for spec in IES.values():
        taken = 0
        for field in spec.leaf_fields:
            for part in (field.kind, field.flag):
                if isinstance(part, Bits):
                    bits = part.mask << part.shift(spec.flag_octets)
                elif isinstance(part, Flag):
                    bits = part.mask(spec.flag_octets)
                else:
                    continue
                assert not taken & bits, f"{spec.name}.{field.name}"
                taken |= bits

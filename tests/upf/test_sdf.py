"""Reading flow descriptions."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from upf.errors import RuleError, UnsupportedError
from upf.sdf import parse_flow_description


@pytest.mark.parametrize(
    "text",
    [
        "permit out ip from any to assigned",
        "permit out ip from any to any",
        "permit out ip from 0.0.0.0/0 to assigned",
        "permit  out ip  from any to assigned ",
    ],
)
def test_everything_is_everything(text):
    assert parse_flow_description(text).matches_all(4)


@pytest.mark.parametrize(
    "text",
    [
        "permit out 58 from ff02::2/128 to assigned",
        "permit out icmpv6 from any to assigned",
        "permit out ip from 2001:db8::/32 80 to any",
        "permit out ip from ::/0 to assigned",
    ],
)
def test_ipv6_alone_is_told_apart(text):
    read = parse_flow_description(text)
    assert read.versions == {6}
    assert not read.matches_all(4)


@pytest.mark.parametrize(
    "text",
    [
        "permit out 17 from any to assigned",
        "permit out ip from any 80 to assigned",
        "permit out ip from any to assigned 5000-5010,6000",
        "permit out ip from 8.8.8.8 to assigned",
        "permit out tcp from 10.0.0.0/8 to any",
    ],
)
def test_anything_narrower_is_not_everything(text):
    read = parse_flow_description(text)
    assert not read.matches_all(4)
    assert not read.matches_all(6)


def test_every_part_is_read():
    text = "permit out 17 from 192.0.2.0/24 53,5000-5010 to 10.45.0.2 1024-65535"
    read = parse_flow_description(text, filter_id=7, traffic_class=(0xB8, 0xFC))
    assert (read.protocol, read.filter_id) == (17, 7)
    assert read.remote == ip_network("192.0.2.0/24")
    assert read.local == ip_network("10.45.0.2/32")
    assert read.remote_ports == ((53, 53), (5000, 5010))
    assert read.local_ports == ((1024, 65535),)
    assert read.traffic_class == (0xB8, 0xFC)


@pytest.mark.parametrize(
    "criteria", [{"traffic_class": (0xB8, 0xFC)}, {"spi": 1}, {"flow_label": 5}]
)
def test_what_stands_beside_it_narrows_everything(criteria):
    text = "permit out ip from any to assigned"
    assert not parse_flow_description(text, **criteria).is_unconditional


def test_flow_label_is_of_ipv6():
    read = parse_flow_description("permit out ip from any to assigned", flow_label=5)
    assert read.versions == {6}


def test_spi_is_of_esp_and_of_nothing_else():
    assert parse_flow_description("permit out ip from any to assigned", spi=1).protocol == 50
    for text in ("permit out 51 from any to assigned", "permit out 50 from any 80 to assigned"):
        with pytest.raises(UnsupportedError) as caught:
            parse_flow_description(text, spi=1)
        assert caught.value.offending_ie == 23


@pytest.mark.parametrize(
    "text",
    [
        "",
        "deny out ip from any to any",
        "permit in ip from any to any",
        "permit out ip from x to y",
        "permit out ip from !10.0.0.1 to any",
        "permit out 256 from any to any",
        "permit out quic from any to any",
        "permit out 17 from any 70000 to any",
        "permit out 17 from any 20-10 to any",
        "permit out 17 from any 1,,2 to any",
        "permit out ip from 10.0.0.1 to 2001:db8::1",
        "permit out tcp from any to any established",
    ],
)
def test_nonsense_is_refused_with_the_ie(text):
    with pytest.raises(RuleError) as caught:
        parse_flow_description(text)
    assert caught.value.offending_ie == 23


def test_more_ranges_than_a_table_should_hold_are_refused():
    ports = ",".join(str(port) for port in range(0, 40, 2))
    with pytest.raises(UnsupportedError):
        parse_flow_description(f"permit out 17 from any {ports} to any")

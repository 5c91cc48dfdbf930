"""Judging flow descriptions."""

from __future__ import annotations

import pytest

from upf.errors import RuleError
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
    assert parse_flow_description(text).is_match_all


@pytest.mark.parametrize(
    "text",
    [
        "permit out 58 from ff02::2/128 to assigned",
        "permit out ip from 2001:db8::/32 80 to any",
        "permit out ip from ::/0 to assigned",
    ],
)
def test_ipv6_alone_is_told_apart(text):
    judged = parse_flow_description(text)
    assert judged.is_ipv6_only
    assert not judged.is_match_all


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
def test_anything_narrower_is_neither(text):
    judged = parse_flow_description(text)
    assert not judged.is_match_all
    assert not judged.is_ipv6_only


def test_tos_beside_it_narrows_everything():
    text = "permit out ip from any to assigned"
    assert not parse_flow_description(text, has_other_criteria=True).is_match_all


@pytest.mark.parametrize(
    "text",
    [
        "",
        "deny out ip from any to any",
        "permit in ip from any to any",
        "permit out ip from x to y",
    ],
)
def test_nonsense_is_refused_with_the_ie(text):
    with pytest.raises(RuleError) as caught:
        parse_flow_description(text)
    assert caught.value.offending_ie == 23

"""Reads where a header may be missing are found; what a condition implies is understood."""

from __future__ import annotations

import pytest


@pytest.fixture
def warned(report):
    """Return the fields that warnings name."""

    def run(**parts):
        found = report(**parts).findings
        return [f.message.split()[0] for f in found if f.rule == "maybe-invalid-header"]

    return run


SET_WHERE_IT_IS = (
    "bit<8> kind = 0; bool is4 = false; if (hdr.ipv4.isValid()) { kind = 2; is4 = true; } "
)
SET_ANYWHERE = "bit<8> kind = 0; if (hdr.ipv4.isValid()) { kind = 2; } else { kind = 1; } "
# What nobody set is 0.
FROM_THE_START = (
    "bit<8> kind; if (hdr.ipv4.isValid()) { kind = 2; if (hdr.ipv4.tos == 3) { kind = 1; } } "
)
REMOVED = "if (hdr.udp.isValid()) { hdr.ipv4.setInvalid(); } "


def test_a_header_of_some_packets_is_not_read_without_asking(warned, report):
    assert warned(apply="hdr.state.a = hdr.ipv4.ttl;") == ["hdr.ipv4.ttl"]
    found = report(apply="hdr.state.a = hdr.ipv4.ttl;").findings[0]
    assert str(found.at).endswith("program.p4:13:32")


def test_a_header_of_every_packet_is(warned):
    assert warned(apply="hdr.state.w = hdr.ethernet.type;") == []


@pytest.mark.parametrize(
    "apply",
    [
        "if (hdr.ipv4.isValid()) { hdr.state.a = hdr.ipv4.ttl; }",
        "if (!hdr.ipv4.isValid()) { exit; } hdr.state.a = hdr.ipv4.ttl;",
        "if (hdr.ipv4.isValid() && hdr.ipv4.ttl == 3) { hdr.state.a = 1; }",
        "if (!hdr.ipv4.isValid() || hdr.ipv4.ttl == 3) { hdr.state.a = 1; }",
        "hdr.ipv4.setValid(); hdr.state.a = hdr.ipv4.ttl;",
        # UDP is parsed after IPv4 only.
        "if (hdr.udp.isValid()) { hdr.state.a = hdr.ipv4.ttl; }",
        # A variable that is set only where the header is.
        SET_WHERE_IT_IS + "if (kind == 2) { hdr.state.a = hdr.ipv4.ttl; }",
        SET_WHERE_IT_IS + "if (kind != 0) { hdr.state.a = hdr.ipv4.ttl; }",
        SET_WHERE_IT_IS + "if (is4) { hdr.state.a = hdr.ipv4.ttl; }",
    ],
)
def test_what_a_condition_implies_is_certain(warned, apply):
    assert warned(apply=apply) == []


@pytest.mark.parametrize(
    "apply",
    [
        "if (hdr.ipv4.isValid()) { hdr.state.b = 1; } hdr.state.a = hdr.ipv4.ttl;",
        "if (hdr.ipv4.isValid() || hdr.ipv4.ttl == 3) { hdr.state.a = 1; }",
        "if (hdr.ipv4.isValid()) { hdr.ipv4.setInvalid(); hdr.state.a = hdr.ipv4.ttl; }",
        REMOVED + "if (hdr.udp.isValid()) { hdr.state.a = hdr.ipv4.ttl; }",
        SET_WHERE_IT_IS + "if (kind == 0) { hdr.state.a = hdr.ipv4.ttl; }",
        SET_WHERE_IT_IS
        + "if (kind == 1) { kind = 3; } if (kind != 2) { hdr.state.a = hdr.ipv4.ttl; }",
        FROM_THE_START + "if (kind != 1) { hdr.state.a = hdr.ipv4.ttl; }",
        SET_ANYWHERE + "if (kind != 0) { hdr.state.a = hdr.ipv4.ttl; }",
    ],
)
def test_what_it_does_not_imply_is_not(warned, apply):
    assert warned(apply=apply) == ["hdr.ipv4.ttl"]


def test_keys_and_indices_are_reads_too(warned, table):
    assert warned(locals=table("hdr.ipv4.dst"), apply="t.apply();") == ["hdr.ipv4.dst"]
    counter = "Counter<bit<64>, bit<8>>(256, CounterType_t.BYTES) c;"
    assert warned(locals=counter, apply="c.count(hdr.ipv4.ttl);") == ["hdr.ipv4.ttl"]


def test_one_header_is_told_once_with_the_number_of_places(report):
    found = report(apply="hdr.state.a = hdr.ipv4.ttl; hdr.state.b = hdr.ipv4.tos;").findings
    assert len(found) == 1
    assert found[0].message.endswith("and at 1 more place")

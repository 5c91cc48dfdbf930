"""Sizes that fit no stage, and what parsers and deparsers cannot do."""

from __future__ import annotations

import pytest

from p4xdp import frontend
from p4xdp.lint import TARGETS, Severity, lint


@pytest.mark.parametrize(
    ("target", "width", "cells", "fits"),
    [
        ("tofino", 64, 35840, True),
        ("tofino", 64, 35841, False),
        ("tofino", 36, 71680, True),
        ("tofino", 36, 71681, False),
        ("tofino2", 64, 34817, False),
    ],
)
def test_a_counter_is_as_large_as_one_stage_allows(report, target, width, cells, fits):
    found = report(
        target,
        locals=f"Counter<bit<{width}>, bit<24>>({cells}, CounterType_t.PACKETS_AND_BYTES) c;",
        apply="c.count(hdr.state.id);",
    )
    assert found.fits == fits
    if not fits:
        (error,) = [one for one in found.findings if one.severity is Severity.error]
        assert error.rule == "extern-too-large"
        assert str(error.at).endswith("program.p4:13:9")


def test_a_meter_is_smaller_than_a_counter(findings):
    meter = "Meter<bit<24>>(24577, MeterType_t.BYTES) m;"
    found = findings(locals=meter, apply="hdr.state.color = m.execute(hdr.state.id);")
    assert "24,576 cells fit" in found["extern-too-large"].message


def test_entries_for_more_stages_than_there_are_is_an_error(findings, table):
    found = findings(
        locals=table("hdr.ipv6.src", size=900_000, name="t"),
        apply="if (hdr.ipv6.isValid()) { t.apply(); }",
    )
    assert "Tofino 1 has 12" in found["too-many-stages"].message


def test_ranges_take_more_lines_and_an_annotation_says_how_many(report, table):
    def tcams(text):
        return report(locals=text, apply="t.apply();").tcams

    ternary = table("hdr.udp.dst", kind="ternary", size=2048)
    range_ = table("hdr.udp.dst", kind="range", size=2048)
    assert tcams(ternary) == 4
    assert tcams(range_) == 10
    assert tcams("@entries_with_ranges(2048) " + range_) == 28


@pytest.mark.parametrize(
    ("ranges", "ternaries", "across"),
    [(1, "", 1), (1, "hdr.ipv4.src", 2), (1, "hdr.ipv4.src hdr.ipv4.dst", 3), (2, "", 4)],
)
def test_ranges_take_their_octets_twice_and_do_not_share(report, ranges, ternaries, across):
    names = ["hdr.udp.src", "hdr.udp.dst"][:ranges]
    keys = [f'{name} : range @name("r{i}");' for i, name in enumerate(names)]
    keys += [f'{name} : ternary @name("t{i}");' for i, name in enumerate(ternaries.split())]
    text = (
        f"table t {{ key = {{ {' '.join(keys)} }} actions = {{ set_a; @defaultonly NoAction; }} "
        "const default_action = NoAction(); size = 1024; }"
    )
    assert report(locals=text, apply="t.apply();").tcams == 5 * across


def test_a_table_without_ternary_keys_spreads_over_stages_whose_tcams_are_full(report, table):
    found = report(
        locals=table("hdr.ethernet.dst", kind="ternary", size=6 * 1024, name="full")
        + table("hdr.ethernet.src", size=300_000, name="t", actions="set_b;"),
        apply="full.apply(); t.apply();",
    )
    assert found.stages[0].tcams == 24
    assert found.stages[0].srams > 60


DEEP = """
header big_t {{ bit<640> a; bit<{last}> b; }}
parser DeepParser(packet_in packet, out big_headers_t hdr, out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {{
    state start {{
        packet.extract(eg_intr_md);
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.type) {{ 0x800: parse_big; default: accept; }}
    }}
    state parse_big {{ packet.extract(hdr.big); transition accept; }}
}}
"""


def deep(last, calibration):
    text = (calibration / "exact_small.p4").read_text()
    before, _, after = text.partition("control Egress(")
    parts = DEEP.replace(
        "parser Deep", "struct big_headers_t {{ ethernet_t ethernet; big_t big; }}\nparser Deep"
    ).format(last=last)
    deparser = (
        "control DeepDeparser(packet_out packet, inout big_headers_t hdr, in metadata_t md,"
        " in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) { apply { packet.emit(hdr); } }"
    )
    after = after.replace("headers_t", "big_headers_t").replace("EgressParser()", "DeepParser()")
    after = after.replace("EgressDeparser()", "DeepDeparser()")
    return before + parts + deparser + "\ncontrol Egress(" + after


@pytest.mark.parametrize(("last", "octets"), [(312, 160), (320, 161)])
def test_the_egress_parser_reads_160_octets(tmp_path, last, octets):
    from pathlib import Path

    calibration = Path(__file__).parent / "calibration"
    path = tmp_path / "deep.p4"
    path.write_text(deep(last, calibration))
    program = frontend.load(path, include_dirs=(calibration,))
    found = lint(program, TARGETS["tofino"])
    assert found.egress_parse_octets == octets
    assert ("egress-parse-depth" in {one.rule for one in found.findings}) == (octets > 160)


def test_octets_that_ingress_adds_for_egress_are_those_never_extracted(report):
    assert report().bridged_octets == 18  # state_t of frame.p4

"""Faults put into the generated code and into its generator: the search finds each one within what
it spends in CI."""

import dataclasses
import re
from functools import cache
from pathlib import Path

import pytest

from p4xdp import frontend, ir, xdp
from p4xdp.xdp import aftermath, emission, expressions, statements, storage
from p4xdp.xdp.shapes import Placement
from testbed.differential.campaign import Campaign
from testbed.differential.sides import Sides

pytestmark = pytest.mark.root

ROOT = Path(__file__).parents[3]
RUNTIME = ROOT / "p4xdp" / "xdp" / "runtime.h"
UPF = ROOT / "p4" / "upf.p4"
PROGRAMS = Path(__file__).parents[1] / "programs"
OPERATORS = Path(__file__).with_name("operators.p4")
UNUSED = '#pragma clang diagnostic ignored "-Wunused-function"\n'
PACKETS = 20_000  # as test_campaign.py sends

# The program, what stands in the C (a regular expression), and what stands there then.
IN_THE_CODE = {
    "a checksum is folded once": (
        UPF,
        r"= checksum_of\((\w+)\)",
        r"= (__u16)~((\1 & 0xffff) + (\1 >> 16))",
    ),
    "a checksum is not folded": (UPF, r"= checksum_of\((\w+)\)", r"= (__u16)~\1"),
    "a length is one too large": (
        UPF,
        r"outer_udp_length = \(\(__u16\)\((.*?)\)\);",
        r"outer_udp_length = (__u16)(\1 + 1);",
    ),
    "one octet too many is counted": (
        UPF,
        r"length > adjust \? length - adjust : 0",
        r"length > adjust ? length - adjust + 1 : 0",
    ),
    "one octet too few is made room for": (
        UPF,
        r"outer_udp_is_valid\) growth \+= 8;",
        r"outer_udp_is_valid) growth += 7;",
    ),
    "the VLAN tag is lost": (UPF, r"eg_hdr_vlan_is_valid = 1;", r"eg_hdr_vlan_is_valid = 0;"),
    "a prefix is one bit short": (
        UPF,
        r"(struct t_routes_ipv4_key key = {};\s+)key\.prefix_bits = 64;",
        r"\1key.prefix_bits = 63;",
    ),
    "a meter rounds down": (UPF, r" \+ \(1ULL << \(METER_TICKS_FROM_COST - 1\)\)", r""),
    "a range compares signed": (
        PROGRAMS / "rules.p4",
        r"OUTSIDE\(\(__u64\)key->of\.b,",
        r"OUTSIDE((__u64)(__s16)key->of.b,",
    ),
    "a range ends before its end": (
        PROGRAMS / "rules.p4",
        r"rule->b_high\)",
        r"rule->b_high - 1)",
    ),
    "a comparison is signed": (
        OPERATORS,
        r"\((LOAD8\(ig_hdr_operands \+ 2\)) < (LOAD8\(ig_hdr_operands \+ 3\))\)",
        r"((__s8)\1 < (__s8)\2)",
    ),
    "a register's second field moves": (
        PROGRAMS / "registers.p4",
        r"(ig_spend_quota_used) << 32",
        r"\1 << 31",
    ),
}


@cache
def generated(source):
    """A program, its C and the manifest."""
    program = frontend.load(source)
    return program, *xdp.generate(program)


def found_in(program, tmp_path, c_text, manifest):
    """How many packets it takes until the code and the interpreter of `program` differ, or None."""
    sides = Sides.load(program, tmp_path, c_text, manifest)
    try:
        campaign = Campaign(sides)
        seed = 0
        while campaign.packets < PACKETS:
            _, difference = campaign.run_seed(seed)
            if difference is not None:
                return campaign.packets
            seed += 1
        return None
    finally:
        sides.close()


def found_in_generator(source, tmp_path, planted=lambda program: program):
    program = frontend.load(source)
    return found_in(program, tmp_path, *xdp.generate(planted(program)))


@pytest.mark.parametrize("fault", IN_THE_CODE)
def test_a_fault_in_the_generated_code_is_found(fault, tmp_path):
    source, pattern, replacement = IN_THE_CODE[fault]

    program, c_text, manifest = generated(source)
    whole = c_text.replace('#include "runtime.h"', UNUSED + RUNTIME.read_text())
    changed, times = re.subn(pattern, replacement, whole, count=1, flags=re.DOTALL)
    assert times, f"nothing like {pattern} in the generated code"
    assert found_in(program, tmp_path, changed, manifest)


def test_a_generator_that_forgets_signs_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(expressions, "_signed", lambda value, _width: value)
    assert found_in_generator(OPERATORS, tmp_path)


def test_a_generator_that_lets_values_grow_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(expressions, "_cut", lambda value, width: f"(({value}))")
    assert found_in_generator(OPERATORS, tmp_path)


def test_a_generator_that_knows_what_is_no_longer_so_is_found(tmp_path, monkeypatch):
    right = aftermath._stored
    monkeypatch.setattr(storage, "_MOST_VARIABLES", 0)
    monkeypatch.setattr(
        aftermath,
        "_stored",
        lambda target, value, facts: facts if value is None else right(target, value, facts),
    )
    assert found_in_generator(PROGRAMS / "likely.p4", tmp_path)


def test_a_generator_that_leaves_what_has_to_move_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "_MOST_VARIABLES", 0)
    monkeypatch.setattr(emission, "placement_of", lambda _place, _wanted: Placement.KEPT)
    assert found_in_generator(PROGRAMS / "likely.p4", tmp_path)


def test_a_generator_that_sums_checksums_at_the_wrong_place_is_found(tmp_path, monkeypatch):
    right = statements._words
    monkeypatch.setattr(
        statements, "_words", lambda value, width, at: right(value, width, at + (width == 4) * 4)
    )
    assert found_in_generator(UPF, tmp_path)


def test_a_generator_that_emits_no_tag_is_found(tmp_path):
    def without_tag(program):
        deparser = tuple(
            statement
            for statement in program.egress.deparser
            if not (isinstance(statement, ir.Emit) and statement.header.name.endswith("vlan"))
        )
        assert deparser != program.egress.deparser
        egress = dataclasses.replace(program.egress, deparser=deparser)
        return dataclasses.replace(program, egress=egress)

    assert found_in_generator(UPF, tmp_path, without_tag)

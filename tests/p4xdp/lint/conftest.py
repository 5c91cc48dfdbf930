"""Programs for the estimate: those that p4c was asked about, and small ones with holes."""

from __future__ import annotations

from pathlib import Path

import pytest

from p4xdp import frontend
from p4xdp.lint import TARGETS, lint

CALIBRATION = Path(__file__).parent / "calibration"

TEMPLATE = """\
#include "frame.p4"

{top}
control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {{
    action set_a(bit<8> a) {{ hdr.state.a = a; }}
    action set_b(bit<8> b) {{ hdr.state.b = b; }}
    {locals}
    apply {{
        {apply}
    }}
}}
control Egress(inout headers_t hdr, inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {{
    apply {{ }}
}}
Pipeline(IngressParser(), Ingress(), IngressDeparser(),
    EgressParser(), Egress(), EgressDeparser()) pipe;
Switch(pipe) main;
"""


def load_for(path, target):
    number = "1" if target == "tofino" else "2"
    defines = {"__TARGET_TOFINO__": number}
    return frontend.load(path, defines=defines, include_dirs=(CALIBRATION,))


@pytest.fixture
def report(tmp_path):
    """Fill the template and lint it."""

    def run(target="tofino", **parts):
        path = tmp_path / "program.p4"
        path.write_text(TEMPLATE.format(**{"top": "", "locals": "", "apply": "", **parts}))
        return lint(load_for(path, target), TARGETS[target])

    return run


@pytest.fixture
def findings(report):
    """Fill the template and return what was found but for invalid headers, by rule."""

    def run(target="tofino", **parts):
        found = report(target, **parts).findings
        return {one.rule: one for one in found if one.rule != "maybe-invalid-header"}

    return run


@pytest.fixture
def table():
    """The source of a table of `set_a`."""

    def text(key, *, name="t", size=512, actions="set_a;", more="", kind="exact"):
        keys = "".join(f'{one} : {kind} @name("k{i}"); ' for i, one in enumerate(key.split()))
        return (
            f"table {name} {{ key = {{ {keys} }} actions = {{ {actions} @defaultonly NoAction; }} "
            f"const default_action = NoAction(); size = {size}; {more} }}"
        )

    return text

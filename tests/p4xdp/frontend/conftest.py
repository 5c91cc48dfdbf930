"""A small TNA program with holes, for tests of one construct at a time."""

from __future__ import annotations

import pytest

from p4xdp import frontend

TEMPLATE = """\
#include <core.p4>
#include <tna.p4>
{top}
header ethernet_t {{ bit<48> dst; bit<48> src; bit<16> type; }}
header word_t {{ bit<4> high; bit<4> low; bit<8> octet; bit<16> half; int<8> signed; }}
struct headers_t {{ ethernet_t ethernet; word_t word; word_t other; }}
struct inner_t {{ bit<8> a; bit<16> b; }}
struct metadata_t {{
    bit<8> x; bit<8> y; bit<16> wide; bit<9> port; bool flag; inner_t inner; {metadata}
}}
parser IngressParser(packet_in packet, out headers_t hdr, out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {{
    {parser_locals}
    state start {{
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        {start}
    }}
    state parse_ethernet {{ packet.extract(hdr.ethernet); transition accept; }}
    {states}
}}
{controls}
control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {{
    {locals}
    apply {{
        {apply}
    }}
}}
control IngressDeparser(packet_out packet, inout headers_t hdr, in metadata_t md) {{
    {deparser_locals}
    apply {{ {deparser} packet.emit(hdr); }}
}}
parser EgressParser(packet_in packet, out headers_t hdr, out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {{
    state start {{ packet.extract(eg_intr_md); transition accept; }}
}}
control Egress(inout headers_t hdr, inout metadata_t md) {{ apply {{ }} }}
control EgressDeparser(packet_out packet, inout headers_t hdr, in metadata_t md) {{ apply {{ }} }}
{end}
"""

DEFAULTS = {
    "start": "transition parse_ethernet;",
    "end": "Pipeline(IngressParser(), Ingress(), IngressDeparser(),\n"
    "    EgressParser(), Egress(), EgressDeparser()) pipe;\nSwitch(pipe) main;",
}
HOLES = (
    "top", "metadata", "parser_locals", "start", "states", "controls", "locals", "apply",
    "deparser_locals", "deparser", "end",
)  # fmt: skip


def fill(**parts: str) -> str:
    unknown = set(parts) - set(HOLES)
    assert not unknown, unknown
    return TEMPLATE.format(**{name: parts.get(name, DEFAULTS.get(name, "")) for name in HOLES})


@pytest.fixture
def source():
    """The template, to be filled: `source(apply="...")`."""
    return fill


@pytest.fixture
def load_source(tmp_path):
    """Load a whole program given as text."""

    def load(source, **options):
        path = tmp_path / "program.p4"
        path.write_text(source)
        return frontend.load(path, **options)

    return load


@pytest.fixture
def load(load_source):
    """Load the template with its holes filled."""
    return lambda **parts: load_source(fill(**parts))


@pytest.fixture
def refusal(load_source):
    """Fill the template, see it refused where the marker /*!*/ stands, return the message."""

    def refused(**parts):
        source = fill(**parts)
        before, marker, after = source.partition("/*!*/")
        with pytest.raises(frontend.SourceError) as caught:
            load_source(source)
        if marker:
            skipped = len(after) - len(after.lstrip(" "))
            line = before.count("\n") + 1
            column = len(before) - before.rfind("\n") - 1 + len(marker) + skipped + 1
            assert (caught.value.at.line, caught.value.at.column) == (line, column), caught.value
            assert caught.value.at.file.endswith("program.p4")
        return str(caught.value)

    return refused

"""What is generated is what is committed; what cannot be generated is refused and said."""

import dataclasses
from pathlib import Path

import pytest

from p4xdp import frontend, ir, xdp
from p4xdp.dataplane import DataplaneError
from p4xdp.xdp.build import object_for
from p4xdp.xdp.errors import BuildError, LoadError, UnsupportedProgramError
from p4xdp.xdp.manifest import read_manifest, to_text

ROOT = Path(__file__).parents[3]


def loaded(tmp_path, text):
    source = tmp_path / "program.p4"
    source.write_text(text)
    return frontend.load(source)


def generated(tmp_path, text):
    return xdp.generate(loaded(tmp_path, text))


def test_the_committed_program_is_what_the_sources_give(monkeypatch):
    monkeypatch.chdir(ROOT)  # positions in the C are relative to it
    c_text, manifest = xdp.generate(frontend.load(Path("p4/upf.p4")))
    again = "p4xdp compile p4/upf.p4 -o p4/build"
    assert c_text == Path("p4/build/upf.bpf.c").read_text(), again
    assert to_text(manifest) == Path("p4/build/upf.json").read_text(), again


def test_the_manifest_reads_back(tmp_path, wire):
    _, manifest = generated(tmp_path, wire)
    (tmp_path / "program.json").write_text(to_text(manifest))
    table = read_manifest(tmp_path / "program.json").tables["Ingress.wires"]
    assert table.layout.action("Ingress.send").params[0].width == 9
    assert (table.default_action, table.default_arguments) == ("Ingress.drop", ())


@pytest.mark.parametrize("text", ["", "{}", '{"format": 0}'])
def test_another_manifest_is_refused(tmp_path, text):
    (tmp_path / "program.json").write_text(text)
    with pytest.raises(LoadError, match=r"program\.json"):
        read_manifest(tmp_path / "program.json")


REFUSED = {
    "more rules than can be compared": (
        'ingress_port : exact @name("ingress_port");\n        }',
        'ingress_port : ternary @name("ingress_port");\n        }\n        size = 1025;',
        "1025 entries with ternary or range keys; XDP compares with .* at most 1024",
    ),
    "a key too wide": (
        "ig_intr_md.ingress_port : exact",
        "(bit<129>)ig_intr_md.ingress_port : exact",
        "exact key ingress_port has 129 bits; XDP takes at most 128",
    ),
    "a range too wide": (
        "ig_intr_md.ingress_port : exact",
        "(bit<65>)ig_intr_md.ingress_port : range",
        "range key ingress_port has 65 bits; XDP takes at most 64",
    ),
    "an action's parameter too wide": (
        "action send(PortId_t port) {",
        "action send(PortId_t port, bit<129> other) {",
        "parameter other has 129 bits; XDP takes at most 128",
    ),
    "an extraction across headers": (
        "packet.extract(eg_intr_md);",
        "packet.extract(eg_intr_md);\n        packet.extract(hdr.packet_out);",
        "hdr.packet_out where ingress has emitted hdr.ethernet",
    ),
    "advance in the egress": (
        "packet.extract(eg_intr_md);",
        "packet.extract(eg_intr_md);\n        packet.advance(8);",
        "advance in the egress parser",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), REFUSED.values(), ids=REFUSED)
def test_what_xdp_cannot_keep_is_refused_with_its_place(tmp_path, wire, old, new, message):
    wire = wire.replace(
        "struct no_headers_t {\n", "struct no_headers_t {\n    packet_out_t packet_out;\n"
    ).replace("ig_tm_md.bypass_egress = 1;", "")
    if "size" in new:
        wire = wire.replace("        size = 16;\n", "")
    assert old in wire
    with pytest.raises(UnsupportedProgramError, match=message) as refusal:
        generated(tmp_path, wire.replace(old, new))
    assert "program.p4:" in str(refusal.value)


def test_a_loop_in_a_parser_is_refused(tmp_path, wire):
    program = loaded(tmp_path, wire)
    states = program.ingress.parser.states
    again = ir.Select((), "parse_ethernet")
    looping = dataclasses.replace(states["parse_ethernet"], selects=(again,))
    parser = ir.Parser({**states, "parse_ethernet": looping})
    ingress = dataclasses.replace(program.ingress, parser=parser)
    with pytest.raises(UnsupportedProgramError, match="comes back to state parse_ethernet"):
        xdp.generate(dataclasses.replace(program, ingress=ingress))


def test_an_object_is_built_once_for_each_content(tmp_path, wire):
    c_text, _ = generated(tmp_path, wire)
    source = tmp_path / "program.bpf.c"
    source.write_text(c_text)
    first = object_for(source, tmp_path / "cache")
    made = first.stat().st_mtime_ns
    assert object_for(source, tmp_path / "cache") == first
    assert first.stat().st_mtime_ns == made
    source.write_text(c_text + "\n")
    assert object_for(source, tmp_path / "cache") != first


def test_a_missing_compiler_or_source_is_said(tmp_path, monkeypatch):
    source = tmp_path / "program.bpf.c"
    with pytest.raises(BuildError, match=r"program\.bpf\.c"):
        object_for(source, tmp_path)
    source.write_text("int x;\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="apt-get install clang"):
        object_for(source, tmp_path)


def test_what_clang_refuses_is_shown(tmp_path):
    source = tmp_path / "program.bpf.c"
    source.write_text("not C\n")
    with pytest.raises(BuildError, match="clang refuses"):
        object_for(source, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_a_directory_without_a_program_is_refused(tmp_path):
    with pytest.raises(DataplaneError, match="holds 0 programs"):
        xdp.XdpDataplane.open(tmp_path, {})

"""Our P4Info beside the one a real p4c prints for the same source."""

import os
import subprocess
from pathlib import Path

import pytest
from finsy.proto import p4i
from google.protobuf import text_format

from p4xdp import frontend
from p4xdp.p4info import p4info

UPF = Path(__file__).parents[2] / "p4" / "upf.p4"
PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.p4"))


def by_identifier(info):
    """Bring a message into an order of its own: p4c's order of objects means nothing."""
    ordered = p4i.P4Info()
    ordered.CopyFrom(info)
    # The vendor extern PortMetadata configures the ports of a Tofino chip.
    ordered.ClearField("externs")
    ordered.type_info.SetInParent()  # p4c prints it even when it is empty
    for field, _ in list(ordered.ListFields()):
        if field.name not in ("pkg_info", "type_info"):
            messages = sorted(getattr(ordered, field.name), key=lambda one: one.preamble.id)
            ordered.ClearField(field.name)
            getattr(ordered, field.name).extend(messages)
    return text_format.MessageToString(ordered).splitlines()


def assert_same(source, scratch, target="tofino", arch="tna", number="1"):
    printed = scratch / "p4c.p4info.txtpb"
    command = [
        os.environ["P4C"], "--target", target, "--arch", arch,
        "--p4runtime-force-std-externs", "--p4runtime-files", str(printed),
        "-o", str(scratch / "out"), str(source),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert printed.exists(), done.stderr
    theirs = text_format.Parse(printed.read_text(), p4i.P4Info(), allow_unknown_field=True)
    ours = p4info(frontend.load(source, defines={"__TARGET_TOFINO__": number}))
    assert by_identifier(ours) == by_identifier(theirs)


@pytest.mark.tofino
@pytest.mark.parametrize(
    ("target", "arch", "number"), [("tofino", "tna", "1"), ("tofino2", "t2na", "2")]
)
def test_it_is_the_same(tmp_path, target, arch, number):
    assert_same(UPF, tmp_path, target, arch, number)


@pytest.mark.tofino
@pytest.mark.parametrize("source", PROGRAMS, ids=lambda source: source.stem)
def test_it_is_the_same_for_each_extern(tmp_path, source):
    assert_same(source, tmp_path)

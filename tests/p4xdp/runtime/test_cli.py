"""The command: what it prints, and that every fault is one line and a status that is not 0."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from finsy.proto import p4i
from google.protobuf import text_format
from typer.testing import CliRunner

from p4xdp.cli import app
from p4xdp.runtime import artifacts

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "p4" / "upf.p4"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments):
    """The one line a fault ends in."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("p4xdp: ")
    return line


@pytest.fixture
def build(tmp_path):
    """What `compile` writes, as far as starting a switch looks at it."""
    directory = tmp_path / "build"
    directory.mkdir()
    small = Path(__file__).with_name("small.p4info.txtpb")
    (directory / "small.p4info.txtpb").write_text(small.read_text())
    (directory / "small.json").write_text("{}")
    return directory


def test_without_a_command_the_help_teaches():
    assert "compile" in run().output
    assert "READY" in run("switch", "--help").output


def test_check_says_that_a_program_is_correct():
    result = run("check", PROGRAM)
    assert result.exit_code == 0
    assert "correct" in result.stdout


def test_check_names_the_place_of_a_fault(tmp_path):
    source = tmp_path / "bad.p4"
    source.write_text("#include <core.p4>\n\nheader h { bit<8> }\n")
    assert f"{source}:3:" in refused("check", source)


def test_a_missing_source_is_said(tmp_path):
    assert "none.p4" in refused("check", tmp_path / "none.p4")


def test_p4info_prints_what_parses():
    result = run("p4info", PROGRAM)
    assert len(text_format.Parse(result.stdout, p4i.P4Info()).tables) >= 7


def test_compile_writes_three_files(tmp_path):
    assert run("compile", PROGRAM, "-o", tmp_path / "out").exit_code == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["upf.bpf.c", "upf.json", "upf.p4info.txtpb"]
    assert artifacts.load(tmp_path / "out").name == "upf"


def test_compile_says_where_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot write" in refused("compile", PROGRAM, "-o", tmp_path / "file")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param(["--port", "n3"], "1=eth0", id="no number"),
        pytest.param(["--port", "1="], "1=eth0", id="no interface"),
        pytest.param(["--port", "512=n3"], "0..511", id="number too large"),
        pytest.param(["--port", "192=n3"], "CPU", id="controller's port"),
        pytest.param(["--port", "193=n3"], "host", id="host's port"),
        pytest.param(["--port", "1=n3", "--port", "1=n6"], "once", id="number twice"),
        pytest.param(["--port", "1=n3", "--port", "2=n3"], "once", id="interface twice"),
        pytest.param(["--port", "1=n3", "--size", "sessions"], "sessions=NUMBER", id="no size"),
        pytest.param(["--port", "1=n3", "--size", "x=1"], "filters", id="size of nothing"),
        pytest.param(["--port", "1=n3", "--listen", "x"], "unix:PATH", id="no address"),
        pytest.param(["--port", "1=n3", "--log-level", "loud"], "warning", id="no level"),
    ],
)
def test_a_switch_refuses_bad_options(build, options, text):
    assert text in refused("switch", build, *options, "--unpinned")


def test_a_switch_refuses_a_directory_without_a_program(tmp_path):
    assert "p4xdp compile" in refused("switch", tmp_path, "--port", "1=n3")
    (tmp_path / "a.p4info.txtpb").write_text("nonsense {")
    assert "not a P4Info" in refused("switch", tmp_path, "--port", "1=n3")


def test_a_switch_refuses_a_socket_in_use_before_touching_interfaces(build, tmp_path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "s"))
        other.listen()
        listen = ("--listen", f"unix:{tmp_path / 's'}")
        line = refused("switch", build, "--port", "1=n3", "--unpinned", *listen)
    assert "another server" in line


def test_a_switch_refuses_a_port_in_use_before_touching_interfaces(build):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = "{}:{}".format(*other.getsockname())
        line = refused("switch", build, "--port", "1=n3", "--unpinned", "--listen", address)
    assert "already in use" in line


def test_sizes_go_by_full_name_or_alias(build):
    info = artifacts.load(build).p4info
    assert artifacts.sizes(info, ["usage=5", "Ingress.sessions=6"]) == {
        "Egress.usage": 5,
        "Ingress.sessions": 6,
    }

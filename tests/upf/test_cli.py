"""The command line as an operator meets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CONFIG = """
[n4]
address = "127.0.0.1"
[[interface]]
name = "n3"
role = "access"
[[interface]]
name = "n6"
role = "core"
[rest]
listen = "127.0.0.1:8089"
"""
BOUND_S = 30


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "upf.toml"
    path.write_text(CONFIG)
    return path


def upf(*words, before=()):
    return subprocess.run(
        [*before, sys.executable, "-m", "upf", *map(str, words)],
        capture_output=True, text=True, timeout=BOUND_S, check=False,
    )  # fmt: skip


def the_line(result):
    """The one line on stderr of a command that failed as it should."""
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    return line


def test_help_teaches_the_commands():
    result = upf("--help")
    assert result.returncode == 0
    assert all(word in result.stdout for word in ("run", "config", "status"))


def test_check_shows_what_a_configuration_says(file):
    result = upf("config", "check", file)
    assert result.returncode == 0
    assert "127.0.0.1:8805" in result.stdout
    assert "n3 (access" in result.stdout


def test_malformed_configuration_is_one_line(file):
    file.write_text(CONFIG.replace("role", "rolle", 1).replace('"access"', '"core"'))
    told = upf("run", "-c", file).stderr.splitlines()
    assert f"upf: {file}: interface[1].rolle: unknown key; did you mean 'role'?" in told
    file.write_text("[n4")
    assert "is not TOML" in the_line(upf("run", "-c", file))
    assert "is not TOML" in the_line(upf("config", "check", file))


def test_missing_file_is_one_line(tmp_path):
    assert "No such file" in the_line(upf("run", "-c", tmp_path / "none.toml"))


def test_status_of_a_upf_that_does_not_run_is_one_line(file):
    assert "does not answer" in the_line(upf("status", "-c", file))


@pytest.mark.root
def test_unknown_interface_is_one_line(own_network, file):
    assert "interface n3 is not there" in the_line(upf("run", "-c", file))


@pytest.mark.root
def test_missing_privilege_is_one_line(own_network, file):
    for name in ("n3", "n6"):
        own_network("link", "add", name, "type", "veth", "peer", "name", f"{name}-far")
        own_network("link", "set", name, "up")
    own_network("address", "add", "10.100.3.1/24", "dev", "n3")
    unprivileged = ("setpriv", "--bounding-set", "-net_admin,-bpf,-sys_admin")
    assert "CAP_NET_ADMIN" in the_line(upf("run", "-c", file, before=unprivileged))


@pytest.mark.root
@pytest.mark.parametrize("words", [("run", "-c"), ("config", "check")], ids=["run", "check"])
def test_a_file_we_may_not_read_is_told_in_one_line(file, words):
    file.chmod(0)
    without_privileges = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
    line = the_line(upf(*words, file, before=without_privileges))
    assert line == f"upf: {file}: cannot be read: Permission denied"

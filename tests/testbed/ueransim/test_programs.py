"""Finding what the user brings, and saying what is missing."""

from __future__ import annotations

import errno
import socket

import pytest

from testbed.errors import TestbedError
from testbed.ueransim import programs, sctp


def _program(path, says="v1.2.3"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


def test_a_program_is_found_in_a_folder_of_a_build_tree(tmp_path) -> None:
    built = _program(tmp_path / "build" / "src" / "amf" / "open5gs-amfd")
    found = programs.find(["open5gs-amfd"], [tmp_path])
    assert found["open5gs-amfd"] == str(built)


def test_the_nearest_program_is_the_one_meant(tmp_path) -> None:
    _program(tmp_path / "older" / "nr-ue")
    near = _program(tmp_path / "nr-ue")
    assert programs.find(["nr-ue"], [tmp_path])["nr-ue"] == str(near)


def test_a_folder_comes_before_path(tmp_path, monkeypatch) -> None:
    _program(tmp_path / "on_path" / "nr-ue")
    named = _program(tmp_path / "named" / "nr-ue")
    monkeypatch.setenv("PATH", str(tmp_path / "on_path"))
    assert programs.find(["nr-ue"], [tmp_path / "named"])["nr-ue"] == str(named)
    assert programs.find(["nr-ue"], [])["nr-ue"] == str(tmp_path / "on_path" / "nr-ue")


def test_what_cannot_be_executed_is_no_program(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    _program(tmp_path / "nr-gnb").chmod(0o644)
    with pytest.raises(TestbedError, match="nr-gnb"):
        programs.find(["nr-gnb"], [tmp_path])


def test_all_that_is_missing_is_named_with_where_it_was_looked_for(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    _program(tmp_path / "nr-ue")
    with pytest.raises(TestbedError) as refused:
        programs.find(["nr-gnb", "nr-ue", "nr-cli"], [tmp_path])
    assert "nr-gnb, nr-cli" in str(refused.value)
    assert str(tmp_path) in str(refused.value)
    assert "--programs" in str(refused.value)


def test_a_folder_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(TestbedError, match="nowhere: no such folder"):
        programs.find(["nr-ue"], [tmp_path / "nowhere"])


def test_a_program_tells_its_version(tmp_path) -> None:
    assert programs.version(str(_program(tmp_path / "nr-ue"))) == "v1.2.3"


def test_a_program_that_tells_nothing_is_of_unknown_version(tmp_path) -> None:
    assert programs.version(str(_program(tmp_path / "nr-ue", says=""))) == "unknown"


def _kernel_without_sctp(monkeypatch, number=errno.EPROTONOSUPPORT) -> None:
    def refuse(*_):
        raise OSError(number, "no")

    monkeypatch.setattr(socket, "socket", refuse)


def test_a_kernel_without_sctp_is_told_with_what_to_do(monkeypatch) -> None:
    _kernel_without_sctp(monkeypatch)
    with pytest.raises(TestbedError) as refused:
        sctp.check(None)
    for hint in ("modprobe sctp", "linux-modules-extra", "--preload"):
        assert hint in str(refused.value)


def test_a_library_to_preload_stands_in_for_sctp(monkeypatch, tmp_path) -> None:
    _kernel_without_sctp(monkeypatch)
    library = tmp_path / "sctp.so"
    library.touch()
    assert sctp.check(library) == "by sctp.so, preloaded"


def test_a_library_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(TestbedError, match="no such library"):
        sctp.check(tmp_path / "sctp.so")


def test_any_other_refusal_of_the_kernel_is_no_verdict(monkeypatch) -> None:
    _kernel_without_sctp(monkeypatch, errno.EMFILE)
    with pytest.raises(OSError, match="no"):
        sctp.is_in_kernel()

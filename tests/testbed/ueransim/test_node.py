"""Processes of the lab, and what nr-cli says of their nodes."""

from __future__ import annotations

import pytest

from testbed.errors import PeerError
from testbed.ueransim.node import Node, fields, wait_for
from testbed.ueransim.processes import Process

STATUS = """\
cm-state: CM-CONNECTED
rm-state: RM-REGISTERED
mm-state: MM-REGISTERED/NORMAL-SERVICE
current-plmn: 999/70
last-tai: PLMN[999/70] TAC[1]
"""
SESSIONS = """\
PDU Session1:
 state: PS-ACTIVE
 address: 10.45.0.2
 ambr: up[1000Mb/s] down[1000Mb/s]
PDU Session2:
 state: PS-INACTIVE
"""


def test_an_answer_is_read_as_fields() -> None:
    assert fields(STATUS)["rm-state"] == "RM-REGISTERED"
    assert fields(STATUS)["last-tai"] == "PLMN[999/70] TAC[1]"


def test_of_several_sessions_the_first_one_counts() -> None:
    assert fields(SESSIONS) == {
        "state": "PS-ACTIVE",
        "address": "10.45.0.2",
        "ambr": "up[1000Mb/s] down[1000Mb/s]",
    }


class Answering(Node):
    """A node whose answers come from a list, the last one for ever."""

    def __init__(self, *answers: str) -> None:
        self.name, self.answers = "imsi-1", list(answers)

    def ask(self, command: str) -> str:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_a_state_is_waited_for() -> None:
    node = Answering("rm-state: RM-DEREGISTERED", STATUS)
    assert node.await_field("status", "rm-state", "RM-REGISTERED", 5) < 5


def test_a_state_that_does_not_come_is_told_with_the_one_seen() -> None:
    node = Answering("rm-state: RM-DEREGISTERED")
    with pytest.raises(PeerError, match="rm-state is RM-DEREGISTERED, not RM-REGISTERED after"):
        node.await_field("status", "rm-state", "RM-REGISTERED", 0.3)


def test_waiting_ends() -> None:
    with pytest.raises(PeerError, match=r"not there after 0\.1 s"):
        wait_for(lambda: False, 0.1, lambda: "not there")


def test_a_program_is_ready_when_it_logs_so(tmp_path) -> None:
    argv = ["sh", "-c", "echo one; echo serving now; sleep 60"]
    with Process("nrf", argv, None, tmp_path) as process:
        assert process.await_line("serving", 10) == "serving now"
        assert process.is_alive
    assert not process.is_alive


def test_a_program_that_ends_is_told_with_its_last_words(tmp_path) -> None:
    argv = ["sh", "-c", "echo no such file >&2; exit 1"]
    with (
        Process("nrf", argv, None, tmp_path) as process,
        pytest.raises(PeerError, match="nrf ended before it was ready: no such file"),
    ):
        process.await_line("serving", 10)


def test_a_program_that_says_nothing_is_not_waited_for_for_ever(tmp_path) -> None:
    with (
        Process("nrf", ["sleep", "60"], None, tmp_path) as process,
        pytest.raises(PeerError, match=r"did not log 'serving' within 0\.2 s: it logged nothing"),
    ):
        process.await_line("serving", 0.2)


def test_a_program_that_is_started_again_is_ready_only_when_it_says_so_again(tmp_path) -> None:
    flag = tmp_path / "flag"
    argv = ["sh", "-c", f"[ -e {flag} ] || {{ touch {flag}; echo serving; }}; sleep 60"]
    with Process("smf", argv, None, tmp_path) as process:
        process.await_line("serving", 10)
        process.kill()
        assert not process.is_alive
        process.start()
        assert process.is_alive
        with pytest.raises(PeerError, match="it logged nothing"):
            process.await_line("serving", 0.2)
    assert process.log.read_text() == "serving\n"


def test_a_program_may_end_by_itself(tmp_path) -> None:
    with Process("ue", ["true"], None, tmp_path) as process:
        assert process.await_end(10)
    with Process("ue", ["sleep", "60"], None, tmp_path) as process:
        assert not process.await_end(0.1)

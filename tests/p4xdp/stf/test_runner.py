"""Vectors on a small program: what passes, what fails and what is said of it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from p4xdp import frontend
from p4xdp.cli import app
from p4xdp.interp import Interpreter
from p4xdp.stf import Runner, StfError, parse

RULES = Path(__file__).parents[1] / "programs" / "rules.p4"
REGISTERS = RULES.with_name("registers.p4")

# kind, a, b, n, m, x and the rest, 14 octets; leaves behind first, second and hit.
FRAME = "c1 07 1234 5abc 000000000001 000000"
SENT = f"packet 3 {FRAME}\n"
UNTOUCHED = f"expect 0 ffff 0000 00 {FRAME}$\n"


@pytest.fixture(scope="module")
def run():
    program = frontend.load(RULES)
    runner = Runner(program, Interpreter(program))
    return lambda text: runner.run(parse(text, "test")[0])


def test_frame_as_expected_passes(run):
    assert run(SENT + UNTOUCHED) == []


def test_stars_stand_for_any_digit(run):
    assert run(SENT + "expect 0 ff** 0*0* 00 ****$") == ["line 2: port 0: 20 octets, not 7"]
    assert run(SENT + "expect 0 ff** 0*0* 00 ****") == []


def test_difference_is_shown_from_its_first_octet_on(run):
    (problem,) = run(SENT + "expect 0 ffff0100")
    assert problem.splitlines()[0] == "line 2: port 0: from octet 2 on"


def test_frame_that_is_not_expected_fails(run):
    (problem,) = run(SENT)
    assert problem.startswith("port 0: a frame that was not expected: ffff0000")


def test_frame_that_does_not_come_fails(run):
    assert run(SENT + UNTOUCHED + "expect 0\nexpect 9 00") == ["line 4: nothing left by port 9"]


def test_frames_of_a_port_are_compared_in_their_order(run):
    (problem,) = run(SENT + "setdefault filters first(value:1)\n" + SENT + UNTOUCHED + UNTOUCHED)
    assert problem.startswith("line 5: port 0: from octet 0 on")


def test_entry_of_every_kind_of_key_is_hit(run):
    key = "a:7 x:0b*1 b:0x1000..0x2000 m:0xa** n:5"
    entry = f"add Ingress.filters 3 {key} Ingress.first(value:0xABCD)\n"
    assert run(entry + SENT + f"expect 0 abcd 0000 01 {FRAME}$") == []


def test_larger_priority_wins_and_no_key_matches_all(run):
    entries = "add masks 1 second(value:1,port:4)\nadd masks 2 kind:0xc* second(value:2,port:5)\n"
    assert run(entries + SENT + f"expect 5 ffff 0002 00 {FRAME}$") == []


def test_every_vector_begins_with_empty_tables(run):
    change = "setdefault filters refuse()\nadd masks 1 second(value:1,port:4)\n"
    assert run(change + SENT) == []
    assert run(SENT + UNTOUCHED) == []
    assert run(change + "remove all\n" + SENT + UNTOUCHED) == []


def test_port_no_tofino_has_drops(run):
    assert run("add masks 1 second(value:1,port:511)\n" + SENT) == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("add nothing 1 a:1 first(value:1)", "no table nothing"),
        ("add filters a:1 nothing()", "no action of Ingress.filters nothing"),
        ("add filters a:1 second(value:1,port:1)", "no action of Ingress.filters second"),
        ("add filters first(value:1)", "a of Ingress.filters is missing"),
        ("add filters a:1 z:1 first(value:1)", "has no key z"),
        ("add filters a:1 first(wrong:1)", "Ingress.first has the parameters (value)"),
        ("add filters a:1 first(value:0x10000)", "value:0x10000 has more than 16 bits"),
        ("add filters a:0x100 first(value:1)", "a of Ingress.filters has 8 bits"),
        ("add filters a:0x*0 first(value:1)", "is exact: every bit matters"),
        ("add filters a:1 b:0x*000 first(value:1)", "is a range: say LOW..HIGH"),
        ("add filters a:1 x:1..2 first(value:1)", "is ternary, not a range"),
        ("add filters a:1 x:1/49 first(value:1)", "has 48 bits, not 49"),
        ("setdefault masks second(value:1,port:1)", "default action of Ingress.masks is constant"),
    ],
)
def test_what_the_program_has_not_fails_with_its_line(run, entry, message):
    (problem,) = run("\n" + entry)
    assert problem.startswith("line 2: ")
    assert message in problem


def test_counters_are_checked_from_zero():
    program = frontend.load(Path(__file__).parents[3] / "p4" / "upf.p4")
    runner = Runner(program, Interpreter(program))
    text = f"packet 9 {'00' * 20}\npacket 9 {'00' * 30}\n"
    text += "check_counter verdict.drops(1) bytes > 49\n"
    checks = "check_counter Ingress.verdict.drops(1) packets {}\n"
    for _ in range(2):
        (vector,) = parse(text + checks.format("== 2"), "counters")
        assert runner.run(vector) == []
    (vector,) = parse(text + checks.format("!= 2"), "counters")
    assert runner.run(vector) == ["line 4: Ingress.verdict.drops(1) counted 2 packets, not != 2"]
    (vector,) = parse("check_counter verdict.drops(64) packets == 0", "counters")
    with pytest.raises(StfError, match=r"line 1: Ingress.verdict.drops has no cell 64"):
        runner.run(vector)


# Kind 1, index 3, the rest 0; its ticket leaves first, then whether the quota refused.
TICKET = f"packet 3 0103 {'00' * 22}\n"


@pytest.fixture(scope="module")
def run_registers():
    program = frontend.load(REGISTERS)
    runner = Runner(program, Interpreter(program))
    return lambda text: runner.run(parse(text, "test")[0])


def test_registers_hold_what_is_written_until_the_vector_ends(run_registers):
    written = "register_write tickets 3 0x2A\nregister_write Ingress.quotas 3 7 7\n"
    assert run_registers(written + TICKET + "expect 0 0000002a 01") == []
    first, second = "expect 0 00000005 00\n", "expect 0 00000006 00\n"
    assert run_registers(TICKET + TICKET + first + second) == []
    assert run_registers(TICKET + "remove all\n" + TICKET + first + first) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("register_write nothing 0 1", "no register nothing"),
        ("register_write quotas 0 1", "Ingress.quotas has 2 values in a cell"),
        ("register_write levels 0 256", "0x100 has more than 8 bits"),
        ("register_write tickets 12 1", "12"),
    ],
)
def test_what_a_register_cannot_hold_fails(run_registers, statement, message):
    (problem,) = run_registers(statement)
    assert problem.startswith("line 1: ")
    assert message in problem


def stf(tmp_path, text, *options):
    (tmp_path / "small.stf").write_text(text)
    words = ["stf", str(RULES), str(tmp_path / "small.stf"), *options]
    return CliRunner().invoke(app, words)


def test_command_counts_what_passed(tmp_path):
    result = stf(tmp_path, SENT + UNTOUCHED)
    assert (result.exit_code, result.stdout) == (0, "interpreter: 1 vectors, 0 failed\n")


def test_command_names_what_failed(tmp_path):
    result = stf(tmp_path, SENT + UNTOUCHED + f"# test second\n{SENT}expect 1 00\n")
    assert result.exit_code == 1
    assert f"{tmp_path / 'small.stf'}: second: line 5: nothing left by port 1" in result.stdout
    assert result.stdout.endswith("interpreter: 2 vectors, 1 failed\n")


@pytest.mark.root
def test_command_runs_the_xdp_code_too(tmp_path):
    result = stf(tmp_path, SENT + UNTOUCHED, "--on", "both")
    assert result.stdout == "interpreter: 1 vectors, 0 failed\nxdp: 1 vectors, 0 failed\n"


def test_command_says_in_a_line_what_it_cannot_read(tmp_path):
    result = stf(tmp_path, "nonsense")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        f"p4xdp: {tmp_path / 'small.stf'}:1: `nonsense` is no statement"
    )
    result = CliRunner().invoke(app, ["stf", str(RULES), str(tmp_path / "none.stf")])
    assert (
        result.stderr == f"p4xdp: cannot read {tmp_path / 'none.stf'}: No such file or directory\n"
    )

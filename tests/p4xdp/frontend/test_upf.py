"""The program this compiler is for."""

from pathlib import Path

import pytest

from p4xdp import frontend, ir

UPF = Path(__file__).parents[3] / "p4" / "upf.p4"


@pytest.fixture(scope="module")
def program():
    return frontend.load(UPF)


@pytest.mark.parametrize("target", ["1", "2"])
def test_it_elaborates_for_both_tofinos(target):
    program = frontend.load(UPF, defines={"__TARGET_TOFINO__": target})
    assert program.architecture == {"1": "tna", "2": "t2na"}[target]
    assert program.pipe == "pipe"


def test_tables_have_hierarchical_names(program):
    assert "Ingress.detection.sessions_by_fteid" in program.ingress.tables


def test_usage_is_counted_without_what_surrounds_the_users_packet(program):
    def counts(statements):
        for statement in statements:
            if isinstance(statement, ir.Count):
                yield statement
            elif isinstance(statement, ir.If):
                yield from counts((*statement.then, *statement.otherwise))

    adjusted = {count.counter: count.adjust_octets for count in counts(program.egress.control)}
    bridged = next(each for each in program.egress.headers if each.name == "hdr.bridged")
    for bank in range(12):
        expected = bridged.type.width // 8 + 14
        assert adjusted[f"Egress.enforcement.usage_{bank}"] == expected


def test_everything_named_exists(program):
    for gress in (program.ingress, program.egress):
        for table in gress.tables.values():
            assert table.default_action in {reference.action for reference in table.actions}
            assert all(reference.action in gress.actions for reference in table.actions)
        for state in gress.parser.states.values():
            for select in state.selects:
                assert select.next_state in {*gress.parser.states, "accept", "reject"}
                assert len(select.matches) == len(state.keys)


def test_positions_are_in_the_file_the_line_is_in(program):
    table = program.ingress.tables["Ingress.routing.routes_ipv4"]
    lines = (UPF.parent / "control" / "routing.p4").read_text().splitlines()
    assert table.at.file.endswith("control/routing.p4")
    assert lines[table.at.line - 1][table.at.column - 1 :].startswith("routes_ipv4")


def test_the_digest_is_of_what_is_compiled(tmp_path, program):
    assert frontend.load(UPF).source_sha256 == program.source_sha256
    with_port = frontend.load(UPF, defines={"CPU_PORT": "64"})
    assert with_port.source_sha256 != program.source_sha256

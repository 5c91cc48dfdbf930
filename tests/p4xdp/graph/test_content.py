"""What is in the graphs: every state, table, branch and where it leads."""

from __future__ import annotations

from p4xdp import ir
from p4xdp.graph import graphs
from p4xdp.graph.model import Kind


def of(program, name):
    return next(graph for graph in graphs(program) if graph.name == name)


def arrows(graph):
    titles = {node.id: node.title for node in graph.nodes}
    return {(titles[e.source], titles[e.target], e.label) for e in graph.edges}


def test_a_parser_shows_its_states_and_what_leads_from_one_to_the_next(small):
    assert arrows(of(small, "ingress_parser")) == {
        ("start", "parse_word", "0x1234 | 0x2000 &&& 0xf000"),
        ("start", "reject", "0xffff"),
        ("start", "accept", "default"),
        ("parse_word", "accept", ""),
    }


def test_a_state_shows_what_it_extracts_and_selects_on(small):
    start = of(small, "ingress_parser").nodes[0]
    assert start.lines == ("extract ig_intr_md", "extract hdr.ethernet", "select hdr.ethernet.type")
    assert start.tip.endswith("small.p4:12:11")


def test_a_control_shows_hit_and_miss_action_run_conditions_and_exit(small):
    condition = "hdr.word.isValid() && (md.y < 0xc8)"
    assert arrows(of(small, "ingress_control")) == {
        ("start", "first", ""),
        ("first", "second", "hit"),
        ("first", "count drops[7]", "miss"),
        ("second", "md.y = 1", "set"),
        ("second", "deparser", "send"),
        ("second", "md.y = 2", "default"),
        ("md.y = 1", "third", ""),
        ("md.y = 2", "third", ""),
        ("count drops[7]", "third", ""),
        ("third", condition, "hit"),
        ("third", "md.y = 3", "miss"),
        ("md.y = 3", condition, ""),
        (condition, "hdr.word.octet = md.y", "true"),
        (condition, "deparser", "false"),
        ("hdr.word.octet = md.y", "deparser", ""),
    }


def test_kinds_tell_tables_conditions_code_and_externs_apart(small):
    kinds = {node.title: node.kind for node in of(small, "ingress_control").nodes}
    assert kinds["first"] is Kind.TABLE
    assert kinds["count drops[7]"] is Kind.EXTERN
    assert kinds["md.y = 1"] is Kind.CODE
    assert kinds["deparser"] is Kind.END


def test_a_table_shows_its_keys_and_says_where_it_is(small):
    table = next(n for n in of(small, "ingress_control").nodes if n.title == "second")
    assert table.lines == ("md.x : ternary",)
    assert table.tip.startswith("Ingress.second, 64 entries, ")


def test_only_what_is_asked_for_is_drawn(small):
    assert [g.name for g in graphs(small, controls=False)] == ["ingress_parser", "egress_parser"]
    assert [g.name for g in graphs(small, parsers=False)] == ["ingress_control", "egress_control"]


def test_every_table_that_the_upf_applies_is_drawn(upf):
    for gress in (upf.ingress, upf.egress):
        drawn = {n.tip.split(",")[0] for n in of(upf, f"{gress.name}_control").nodes}
        assert set(gress.tables) <= drawn


def test_every_state_of_the_upf_is_drawn(upf):
    for gress in (upf.ingress, upf.egress):
        drawn = {n.title for n in of(upf, f"{gress.name}_parser").nodes if n.kind is Kind.STATE}
        assert drawn == set(gress.parser.states)
        assert all(isinstance(s, ir.ParserState) for s in gress.parser.states.values())

"""What a trace tells of a packet, on programs that have one of everything."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from p4xdp import frontend, ir
from p4xdp.interp import Interpreter
from p4xdp.trace import FileSource, trace
from p4xdp.trace.document import document
from p4xdp.trace.steps import Applied, Counted, Metered, Mirrored, Parsed, Ran, Registered
from p4xdp.trace.text import render

PROGRAMS = Path(__file__).parents[1] / "programs"
UPF = Path(__file__).parents[3] / "p4" / "upf.p4"


def load(name):
    return frontend.load(PROGRAMS / f"{name}.p4")


@pytest.fixture
def stf(tmp_path):
    def write(text):
        path = tmp_path / "entries.stf"
        path.write_text(text)
        return path

    return write


def traced(program, path, port, frame, **options):
    """A trace, and the packet's fate without one."""
    source = FileSource(program, path)
    found = trace(program, source, port, frame, **options)
    interpreter = Interpreter(program, **options)
    for gress in (program.ingress, program.egress):
        for table in gress.tables.values():
            if table.entries is None:
                interpreter.insert_entries(table.name, source.entries(table, ()))
                if source.default(table) is not None:
                    interpreter.set_default(table.name, *source.default(table))
    for register, index in source._registers:
        interpreter.write_register(register, index, source._registers[register, index])
    assert found.result == interpreter.run(port, frame, 0)
    return found


def steps(found, kind, gress="ingress"):
    return [
        step
        for passage in found.passages
        if passage.gress == gress
        for step in passage.steps
        if isinstance(step, kind)
    ]


def text_of(found):
    written = io.StringIO()
    Console(width=160, file=written).print(render(found))
    return written.getvalue()


DIRECT = """
add a_table a:1 a_set(value:0x1234)
add c_table c:0x0a00/8 c_meter_it()
add c_table c:0x0a0b/16 c_meter_it()
add d_table 5 d:0x0*  d_both(rest:7)
add d_table 9 d:0x01 d_both(rest:9)
setdefault a_table a_uncounted()
"""


def direct_frame(a, c, d):
    return bytes([a]) + bytes(4) + c.to_bytes(2, "big") + bytes([d]) + bytes(6) + b"payload"


def test_a_table_tells_what_was_looked_for_which_entry_was_hit_and_what_its_action_did(stf):
    found = traced(load("direct"), stf(DIRECT), 3, direct_frame(1, 0x0A0B, 1))
    a, b, c, d = steps(found, Applied)
    assert (a.table, a.action, a.entry is not None) == ("Ingress.a_table", "Ingress.a_set", True)
    assert [(k.name, k.value, k.kind) for k in a.key] == [("a", 1, ir.MatchKind.EXACT)]
    assert [(v.name, v.value, v.width) for v in a.arguments] == [("value", 0x1234, 16)]
    assert {v.name: v.value for v in a.changes}["hdr.result.value"] == 0x1234
    assert str(a.at).endswith(f"direct.p4:{line_of('a_table.apply()')}:9")
    assert b.entry is None
    assert b.action == "Ingress.b_count"
    assert c.entry.matches[0].mask == 0xFFFF  # the longer of two prefixes
    assert d.entry.priority == 9
    assert d.key[0].match.mask == 0xFF


def line_of(text, name="direct"):
    lines = (PROGRAMS / f"{name}.p4").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_miss_tells_the_default_action_that_the_control_plane_chose(stf):
    found = traced(load("direct"), stf(DIRECT), 3, direct_frame(2, 0, 0x20))
    a, _, _, d = steps(found, Applied)
    assert (a.entry, a.action) == (None, "Ingress.a_uncounted")
    assert (d.entry, d.action, d.changes) == (None, "NoAction", ())


def test_counters_and_meters_are_told_with_the_octets_they_see(stf):
    frame = direct_frame(1, 0x0A0B, 1)
    found = traced(load("direct"), stf(DIRECT), 3, frame)
    counted = [(each.counter, each.index, each.octets) for each in steps(found, Counted)]
    assert counted[0] == ("Ingress.a_counter", None, len(frame) - 4)
    assert ("Ingress.d_counter", None, len(frame)) in counted
    assert {(each.meter, each.config) for each in steps(found, Metered)} == {
        ("Ingress.a_meter", None),
        ("Ingress.c_meter", None),
        ("Ingress.d_meter", None),
    }


def test_parser_states_come_in_order_with_what_they_extract(stf):
    found = traced(load("direct"), stf(DIRECT), 3, direct_frame(1, 0x0A0B, 1))
    (state,) = steps(found, Parsed)
    assert state.state == "start"
    values = {each.name: each.value for each in state.changes}
    assert values["hdr.packet"] == 1
    assert values["hdr.packet.c"] == 0x0A0B
    assert found.passages[0].emitted == ("hdr.result", "hdr.packet")


def test_a_packet_too_short_is_dropped_by_the_parser_and_says_so(stf):
    found = traced(load("direct"), stf(DIRECT), 3, b"\x01\x02")
    (passage,) = found.passages
    assert passage.parser_error == 2
    assert passage.drop.parser_error == 2
    assert "too short" in text_of(found)


def test_a_register_tells_what_was_and_what_will_be_in_its_cell(stf):
    program = load("registers")
    frame = bytes([0, 2]) + bytes(22)
    found = traced(program, stf("register_write tickets 2 41\n"), 1, frame)
    changed = [each for each in steps(found, Registered) if each.before != each.after]
    assert ("Ingress.tickets", 2, (41,), (42,)) in [
        (each.register, each.index, each.before, each.after) for each in changed
    ]


RECIRCULATION = """
add ways port:1 is_tagged:0 push(port:68, value:4)
add ways port:68 is_tagged:1 pop(port:9)
"""


def test_a_recirculated_packet_goes_through_again_and_both_times_are_told(stf):
    program = load("recirculation")
    frame = b"\x00" + bytes(40)
    found = traced(program, stf(RECIRCULATION), 1, frame, recirculation_ports=(68,))
    assert [(each.gress, each.port) for each in found.passages] == [
        ("ingress", 1),
        ("egress", 68),
        ("ingress", 68),
    ]
    assert found.result.port == 9


def test_where_the_program_drops_is_told_with_the_action_and_the_line(stf):
    program = load("recirculation")
    found = traced(program, stf(""), 1, bytes(40))
    drop = found.passages[0].drop
    assert drop.action == "Ingress.refuse"
    assert drop.at.line == line_of("drop_ctl = 1", "recirculation")
    assert "dropped" in text_of(found)


def test_a_copy_is_told_with_its_clone_session_though_the_packet_is_dropped(stf):
    # orders_t: mirror types, session, drops, flags, value, port, spare, kept
    frame = bytes([3, 0, 0, 5, 1, 0, 0, 7, 0, 9]) + bytes(6)
    found = traced(load("mirror"), stf(""), 1, frame)
    (copied,) = steps(found, Mirrored)
    assert copied.session == 5
    assert found.passages[0].drop is not None
    told = document(found)["passages"][0]["steps"][-1]
    assert (told["step"], told["session"]) == ("mirror", 5)
    assert "copied to clone session 5" in text_of(found)


def test_a_switch_may_have_larger_tables_than_the_program_asks_for(stf):
    program = load("direct")
    prefixes = "".join(f"add c_table c:{0x0A00 + 256 * n:#x}/8 c_meter_it()\n" for n in range(9))
    source = FileSource(program, stf(prefixes))
    found = trace(program, source, 3, direct_frame(1, 0x120B, 1))
    assert steps(found, Applied)[2].entry.matches[0].value == 0x1200


def test_code_between_tables_is_told_by_what_it_changes(stf):
    program = load("recirculation")
    found = traced(program, stf(RECIRCULATION), 1, bytes(41), recirculation_ports=(68,))
    ran = steps(found, Ran, "egress")
    assert any(each.name == "hdr.tag.value" and each.value == 5 for r in ran for each in r.changes)


def test_tracing_one_packet_changes_nothing_for_the_next(stf):
    program = load("registers")
    source = FileSource(program, stf("register_write tickets 2 41\n"))
    frame = bytes([0, 2]) + bytes(22)
    first, second = (document(trace(program, source, 1, frame)) for _ in range(2))
    assert first == second


def test_the_document_is_whole_and_numbers_keep_their_width(stf):
    found = traced(load("direct"), stf(DIRECT), 3, direct_frame(1, 0x0A0B, 1))
    told = document(found)
    tables = [step for step in told["passages"][0]["steps"] if step["step"] == "table"]
    assert tables[0]["key"] == [
        {"name": "a", "kind": "exact", "value": "0x01", "entry": "0x01", "mask": "0xff"}
    ]
    assert tables[0]["parameters"] == {"value": "0x1234"}
    assert told["result"]["octets"] == found.result.frame.hex()


def test_the_text_names_table_key_action_and_drop():
    program = frontend.load(UPF)
    found = trace(program, FileSource(program, None), 1, bytes(64))
    text = text_of(found)
    for part in ("arrival.ports", "ingress_port=1", "miss", "verdict.refuse(reason=1)", "dropped"):
        assert part in text

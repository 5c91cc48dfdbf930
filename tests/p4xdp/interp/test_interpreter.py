"""A packet's way through both gresses, on a program small enough to write by hand."""

import dataclasses

import pytest

from p4xdp import ir
from p4xdp.dataplane import CounterValue, Entry, Match, MeterConfig, PacketResult
from p4xdp.interp import Interpreter
from p4xdp.interp.observer import Observer

CPU_PORT, HOST_PORT = 192, 193

TAG = ir.HeaderType("tag_t", (ir.Field("kind", 8, 0), ir.Field("value", 8, 8)), 16)
BRIDGED = ir.HeaderType("bridged_t", (ir.Field("mark", 24, 0),), 24)
INTRINSIC = ir.HeaderType("intrinsic_t", (ir.Field("ingress_port", 9, 7),), 16)

tag = ir.Header("hdr.tag", TAG)
more = ir.Header("hdr.more", TAG)
bridged = ir.Header("hdr.bridged", BRIDGED)
intrinsic = ir.Header("ig_intr_md", INTRINSIC, intrinsic=True)
KIND, VALUE = (ir.HeaderField(tag, f) for f in TAG.fields)


def variable(name, width):
    return ir.Variable(name, width)


PORT = variable("ig_tm_md.ucast_egress_port", 9)
BYPASS = variable("ig_tm_md.bypass_egress", 1)
DROP = variable("ig_dprsr_md.drop_ctl", 3)
ERROR = variable("ig_prsr_md.parser_err", 16)
HIT = variable("hit", 1)
COLOR = variable("md.color", 8)
EGRESS_DROP = variable("eg_dprsr_md.drop_ctl", 3)


def const(value, width=8):
    return ir.Const(value, width)


def equal(left, right):
    return ir.Binary(ir.BinaryOp.EQUAL, left, right, 1)


def state(name, statements, *selects, keys=()):
    return ir.ParserState(
        name, tuple(statements), tuple(keys), tuple(ir.Select(m, s) for m, s in selects)
    )


INGRESS_PARSER = ir.Parser(
    {
        s.name: s
        for s in (
            state("start", [ir.Extract(intrinsic)], ((), "parse_tag")),
            state(
                "parse_tag",
                [ir.Extract(tag)],
                (((0x10, 0xF0),), "parse_more"),
                (((0x20, 0xFF),), "skip"),
                (((0x00, 0xF0),), "accept"),
                keys=[KIND],
            ),
            state("parse_more", [ir.Extract(more)], ((), "accept")),
            state("skip", [ir.Advance(8)], ((), "accept")),
        )
    }
)

SET_PORT = ir.Action(
    "Ingress.set_port",
    (("port", 9), ("bypass", 1)),
    (
        ir.Assign(ir.Read(PORT), ir.Param("port", 0, 9)),
        ir.Assign(ir.Read(BYPASS), ir.Param("bypass", 1, 1)),
        ir.Count("Ingress.hits", None),
    ),
)
MISS = ir.Action("Ingress.miss", (), (ir.Assign(ir.Read(DROP), const(1, 3)),))
PORTS = ir.Table(
    "Ingress.ports",
    (ir.Key("value", VALUE, ir.MatchKind.EXACT),),
    (ir.ActionRef("Ingress.set_port"), ir.ActionRef("Ingress.miss")),
    "Ingress.miss",
    (),
    is_default_const=True,
    size=8,
    direct_counter="Ingress.hits",
)

INGRESS_CONTROL = (
    ir.Apply(
        "Ingress.ports",
        hit=HIT,
        cases=(("Ingress.set_port", (ir.SetValid(bridged, valid=True),)),),
        default_case=(ir.Count("Ingress.misses", const(1)),),
    ),
    ir.Assign(
        ir.HeaderField(bridged, BRIDGED.fields[0]), ir.Cast(ir.Read(HIT), 24)
    ),
    ir.If(ir.Read(BYPASS), (ir.SetValid(bridged, valid=False), ir.Exit())),
    ir.If(ir.IsValid(more), (ir.SetValid(more, valid=False),)),
)  # fmt: skip

EGRESS_CONTROL = (
    ir.Count("Egress.seen", const(0), adjust_octets=3),
    ir.ExecuteMeter("Egress.meter", ir.Read(COLOR), const(0), adjust_octets=3),
    ir.If(equal(ir.Read(COLOR), const(3)), (ir.Assign(ir.Read(EGRESS_DROP), const(1, 3)),)),
    ir.SetValid(bridged, valid=False),
)


def gress(name, headers, parser, control, deparser, **parts):
    empty = {part: {} for part in ("actions", "tables", "counters", "meters", "registers", "roles")}
    return ir.Gress(
        name, headers, (), parser, control, deparser,
        intrinsic=None, **(empty | {"reads_parser_error": False} | parts),
    )  # fmt: skip


def by_name(*things):
    return {thing.name: thing for thing in things}


PROGRAM = ir.Program(
    "pipe",
    "tna",
    gress(
        "ingress",
        (intrinsic, bridged, tag, more),
        INGRESS_PARSER,
        INGRESS_CONTROL,
        (ir.Emit(bridged), ir.Emit(tag), ir.Emit(more)),
        actions=by_name(SET_PORT, MISS),
        tables=by_name(PORTS),
        counters=by_name(
            ir.Counter("Ingress.misses", ir.CounterUnit.BOTH, 64, 2),
            ir.Counter("Ingress.hits", ir.CounterUnit.BOTH, 64, None, table="Ingress.ports"),
        ),
        roles={
            "ucast_egress_port": PORT,
            "bypass_egress": BYPASS,
            "drop_ctl": DROP,
            "parser_err": ERROR,
        },
    ),
    gress(
        "egress",
        (bridged, tag),
        ir.Parser({"start": state("start", [ir.Extract(bridged)], ((), "accept"))}),
        EGRESS_CONTROL,
        (ir.Emit(bridged),),
        counters=by_name(ir.Counter("Egress.seen", ir.CounterUnit.BOTH, 64, 1)),
        meters=by_name(ir.Meter("Egress.meter", in_bytes=True, size=1)),
        roles={"drop_ctl": EGRESS_DROP},
    ),
    (),
    (),
    "",
)

DROPPED = PacketResult("drop", None, b"")


def to_port(value, port, *, bypass=0):
    return Entry((Match(value, 0xFF),), "Ingress.set_port", (port, bypass))


@pytest.fixture
def switch():
    interpreter = Interpreter(PROGRAM, cpu_port=CPU_PORT, host_port=HOST_PORT)
    interpreter.insert_entries(
        "Ingress.ports",
        [to_port(1, 7), to_port(2, 7, bypass=1), to_port(3, CPU_PORT), to_port(4, HOST_PORT)],
    )
    return interpreter


def test_what_is_emitted_goes_before_what_was_not_parsed(switch):
    assert switch.run(1, b"\x00\x01rest", 0) == PacketResult("forward", 7, b"\x00\x01rest")


def test_invalid_header_is_not_emitted(switch):
    assert switch.run(1, b"\x12\x01\xaa\xbbrest", 0).frame == b"\x12\x01rest"


def test_exit_leaves_the_control_but_not_the_deparser(switch):
    assert switch.run(1, b"\x12\x02\xaa\xbbrest", 0).frame == b"\x12\x02\xaa\xbbrest"


def test_skipped_octets_are_gone(switch):
    assert switch.run(1, b"\x20\x01?rest", 0).frame == b"\x20\x01rest"


@pytest.mark.parametrize(
    ("value", "verdict", "port"),
    [(1, "forward", 7), (3, "controller", CPU_PORT), (4, "host", HOST_PORT)],
)
def test_the_port_is_the_verdict(switch, value, verdict, port):
    frame = bytes((0, value))
    assert switch.run(1, frame, 0) == PacketResult(verdict, port, frame)


def test_drop_ctl_drops_and_counts_the_frame_as_received(switch):
    assert switch.run(1, b"\x00\x99rest", 0) == DROPPED
    assert switch.read_counter("Ingress.misses", 0, 2) == [CounterValue(0, 0), CounterValue(1, 6)]


def test_egress_counts_what_ingress_emitted(switch):
    """3 octets of the bridged header, 2 of the tag and 4 more; the second tag is gone."""
    switch.run(1, b"\x10\x01\xaa\xbbrest", 0)
    assert switch.read_counter("Egress.seen", 0, 1) == [CounterValue(1, 3 + 6 - 3)]


def test_bypassed_egress_sees_nothing(switch):
    switch.run(1, b"\x00\x02rest", 0)
    assert switch.read_counter("Egress.seen", 0, 1) == [CounterValue(0, 0)]


def test_action_counts_in_its_entry(switch):
    switch.run(1, b"\x00\x01rest", 0)
    assert switch.read_direct_counter("Ingress.ports", to_port(1, 7)) == CounterValue(1, 6)
    assert switch.read_direct_counter("Ingress.ports", to_port(2, 7)) == CounterValue(0, 0)


@pytest.mark.parametrize("frame", [b"", b"\x00", b"\x10\x01", b"\x10\x01\xaa", b"\x30\x01"])
def test_parser_error_drops_if_the_program_does_not_look(switch, frame):
    assert switch.run(1, frame, 0) == DROPPED
    assert switch.read_counter("Ingress.misses", 1, 1) == [CounterValue(0, 0)]


@pytest.mark.parametrize(
    ("frame", "error"), [(b"\x00\x01", 0), (b"\x30\x01", 1), (b"\x10\x01\xaa", 2)]
)
def test_parser_error_is_seen_by_a_program_that_looks(frame, error):
    """It is written to the packet's tag; nothing extracted or left over is lost."""
    show = ir.Assign(KIND, ir.Cast(ir.Read(ERROR), 8))
    ingress = dataclasses.replace(
        PROGRAM.ingress, control=(*INGRESS_CONTROL, show), reads_parser_error=True
    )
    switch = Interpreter(dataclasses.replace(PROGRAM, ingress=ingress))
    switch.insert_entries("Ingress.ports", [to_port(1, 7)])
    assert switch.run(1, frame, 0).frame == bytes((error,)) + frame[1:]


def test_meter_sees_the_clock_it_is_given(switch):
    switch.write_meter("Egress.meter", 0, MeterConfig(1000, 6, 1000, 6))
    times_ns = [0, 1, 5_999_999, 6_000_000]
    verdicts = [switch.run(1, b"\x00\x01rest", t).verdict for t in times_ns]
    assert verdicts == ["forward", "drop", "drop", "forward"]
    switch.write_meter("Egress.meter", 0, None)
    assert switch.run(1, b"\x00\x01rest", 6_000_001).verdict == "forward"


def test_packet_meter_takes_packets_whatever_their_length():
    meters = by_name(ir.Meter("Egress.meter", in_bytes=False, size=1))
    egress = dataclasses.replace(PROGRAM.egress, meters=meters)
    switch = Interpreter(dataclasses.replace(PROGRAM, egress=egress))
    switch.insert_entries("Ingress.ports", [to_port(1, 7)])
    switch.write_meter("Egress.meter", 0, MeterConfig(1, 2, 1, 2))
    verdicts = [switch.run(1, b"\x00\x01" + bytes(n), 0).verdict for n in (0, 1000, 0)]
    assert verdicts == ["forward", "forward", "drop"]


def test_parser_error_in_egress_drops_nothing():
    """Ingress without its bridged header leaves egress 2 octets to find 3 in."""
    ingress = dataclasses.replace(PROGRAM.ingress, deparser=(ir.Emit(tag),))
    switch = Interpreter(dataclasses.replace(PROGRAM, ingress=ingress))
    switch.insert_entries("Ingress.ports", [to_port(1, 7)])
    assert switch.run(1, b"\x00\x01", 0) == PacketResult("forward", 7, b"\x00\x01")


def test_program_that_never_asks_to_drop_or_bypass_does_neither():
    roles = {"ucast_egress_port": PORT}
    ingress = dataclasses.replace(PROGRAM.ingress, roles=roles)
    egress = dataclasses.replace(PROGRAM.egress, roles={})
    switch = Interpreter(dataclasses.replace(PROGRAM, ingress=ingress, egress=egress))
    switch.insert_entries("Ingress.ports", [to_port(1, 7)])
    assert switch.run(1, b"\x00\x01", 0) == PacketResult("forward", 7, b"\x00\x01")
    assert switch.read_counter("Egress.seen", 0, 1) == [CounterValue(1, 2)]


def test_default_action_can_be_changed(switch):
    switch.set_default("Ingress.ports", "Ingress.set_port", (9, 0))
    assert switch.run(1, b"\x00\x99", 0).port == 9


def test_frames_are_delivered_where_they_go():
    packet_ins, sent = [], []
    switch = Interpreter(PROGRAM, transmit=lambda port, frame: sent.append((port, frame)))
    switch.on_packet_in(packet_ins.append)
    switch.insert_entries("Ingress.ports", [to_port(1, 7), to_port(3, CPU_PORT)])
    switch.send(b"\x00\x01")
    switch.send(b"\x00\x03")
    switch.send(b"\x00\x99")
    assert sent == [(7, b"\x00\x01")]
    assert packet_ins == [b"\x00\x03"]


@pytest.mark.parametrize(
    ("octets", "checksum"),
    [
        ("4500003c1c4640004006 ac100a63 ac100a0c", 0xB1E6),
        ("ffff ffff", 0x0000),
        ("0000", 0xFFFF),
        ("8000 8000", 0xFFFE),
        ("8000 8001", 0xFFFD),
    ],
)
def test_checksum_is_that_of_rfc_1071(octets, checksum):
    words = bytes.fromhex(octets)
    fields = tuple(const(octet) for octet in words)
    update = ir.UpdateChecksum(ir.Slice(ir.HeaderField(bridged, BRIDGED.fields[0]), 15, 0), fields)
    egress = dataclasses.replace(PROGRAM.egress, deparser=(update, ir.Emit(bridged)), control=())
    switch = Interpreter(dataclasses.replace(PROGRAM, egress=egress))
    switch.insert_entries("Ingress.ports", [to_port(1, 7)])
    assert switch.run(1, b"\x00\x01", 0).frame[1:3] == checksum.to_bytes(2, "big")


class Witness(Observer):
    def __init__(self):
        self.ran, self.done, self.told = [], [], []

    def begins(self, machine):
        self.told.append(("begins", machine.gress.name, machine.frame))

    def enters(self, state, machine):
        self.told.append(("enters", state.name))

    def before(self, statement, machine):
        self.ran.append((machine.gress.name, statement))

    def after(self, statement, machine):
        self.done.append((machine.gress.name, statement))

    def parsed(self, machine, error):
        self.told.append(("parsed", error))

    def ends(self, machine, frame):
        self.told.append(("ends", machine.gress.name, frame))


def test_an_observer_is_told_what_runs_and_with_what():
    witness = Witness()
    interpreter = Interpreter(PROGRAM, observer=witness)
    interpreter.insert_entries("Ingress.ports", [to_port(1, 7)])
    result = interpreter.run(1, b"\x00\x01rest", 0)
    seen = witness.ran
    assert sorted(map(str, witness.done)) == sorted(map(str, seen))
    assert witness.told[0] == ("begins", "ingress", b"\x00\x01rest")
    assert witness.told[1] == ("enters", "start")
    assert witness.told[-1] == ("ends", "egress", result.frame)
    assert witness.told.count(("parsed", 0)) == 2
    assert seen[0] == ("ingress", ir.Extract(intrinsic))
    assert ("ingress", SET_PORT.body[0]) in seen
    assert seen[-1] == ("egress", ir.Emit(bridged))
    assert not any(statement in MISS.body for _, statement in seen)

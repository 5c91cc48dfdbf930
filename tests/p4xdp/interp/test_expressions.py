"""Values are integers modulo 2**width, whatever the operator."""

import pytest

from p4xdp import ir
from p4xdp.interp.expressions import assign, evaluate
from p4xdp.interp.machine import Machine, PacketTooShortError

PAIR = ir.HeaderType("pair_t", (ir.Field("a", 4, 0), ir.Field("b", 12, 4)), 16)
HEADER = ir.Header("hdr.pair", PAIR)
A, B = (ir.HeaderField(HEADER, f) for f in PAIR.fields)
X = ir.Read(ir.Variable("md.x", 16))


def const(value, width=8):
    return ir.Const(value, width)


def binary(op, left, right, width=8, *, signed=False):
    return ir.Binary(ir.BinaryOp(op), left, right, width, signed)


@pytest.fixture
def machine():
    return Machine(gress=None, store=None, frame=b"\x4a\xbc", now_ns=0, device={})


def test_one_bit_header_is_seen_only_while_valid(machine):
    assert evaluate(ir.IsValid(HEADER), machine) == 0
    machine.extract(HEADER)
    assert evaluate(ir.IsValid(HEADER), machine) == 1
    assert evaluate(A, machine) == 0x4
    assert evaluate(B, machine) == 0xABC
    machine.set_valid(HEADER, valid=False)
    assert evaluate(A, machine) == 0


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("+", 0xFF, 2, 1),
        ("-", 1, 2, 0xFF),
        ("|+|", 0xFF, 2, 0xFF),
        ("|-|", 1, 2, 0),
        ("&", 0xC, 0xA, 0x8),
        ("|", 0xC, 0xA, 0xE),
        ("^", 0xC, 0xA, 0x6),
        ("<<", 0x81, 1, 0x02),
        ("<<", 1, 200, 0),
        (">>", 0x81, 1, 0x40),
        (">>", 0x81, 200, 0),
    ],
)
def test_unsigned_arithmetic(machine, op, left, right, expected):
    assert evaluate(binary(op, const(left), const(right)), machine) == expected


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("|+|", 0x7F, 1, 0x7F),
        ("|+|", 0x80, 0xFF, 0x80),
        ("|-|", 0x80, 1, 0x80),
        ("|-|", 0x01, 0xFF, 0x02),
        (">>", 0x80, 1, 0xC0),
        (">>", 0x80, 200, 0xFF),
    ],
)
def test_signed_arithmetic(machine, op, left, right, expected):
    assert evaluate(binary(op, const(left), const(right), signed=True), machine) == expected


@pytest.mark.parametrize(
    ("op", "unsigned", "signed"),
    [("<", 0, 1), ("<=", 0, 1), (">", 1, 0), (">=", 1, 0), ("==", 0, 0), ("!=", 1, 1)],
)
def test_0xff_is_255_or_minus_1(machine, op, unsigned, signed):
    left, right = const(0xFF), const(1)
    assert evaluate(binary(op, left, right, 1), machine) == unsigned
    assert evaluate(binary(op, left, right, 1, signed=True), machine) == signed


def test_logic_does_not_evaluate_what_cannot_matter(machine):
    beyond_the_end = ir.Lookahead(64)
    assert evaluate(binary("&&", const(0, 1), beyond_the_end, 1), machine) == 0
    assert evaluate(binary("||", const(1, 1), beyond_the_end, 1), machine) == 1
    with pytest.raises(PacketTooShortError):
        evaluate(binary("&&", const(1, 1), beyond_the_end, 1), machine)


def test_lookahead_reads_without_consuming(machine):
    assert evaluate(ir.Lookahead(4), machine) == 4
    machine.advance(8)
    assert evaluate(ir.Lookahead(8), machine) == 0xBC


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (ir.Slice(const(0xAB), 7, 4), 0xA),
        (ir.Slice(ir.Slice(const(0xAB), 7, 2), 1, 0), 0b10),
        (binary("++", const(0x5, 4), const(0x03, 8), 12), 0x503),
        (ir.Cast(const(0xAB), 4), 0xB),
        (ir.Cast(const(0xAB), 16), 0x00AB),
        (ir.Cast(const(0xAB), 16, signed=True), 0xFFAB),
        (ir.Unary(ir.UnaryOp.NEGATE, const(1), 8), 0xFF),
        (ir.Unary(ir.UnaryOp.COMPLEMENT, const(0xF0), 8), 0x0F),
        (ir.Unary(ir.UnaryOp.NOT, const(1, 1), 1), 0),
        (ir.Conditional(const(1, 1), const(7), const(8), 8), 7),
        (ir.Conditional(const(0, 1), const(7), const(8), 8), 8),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, int) else None,
)
def test_shape_changes(machine, expression, expected):
    assert evaluate(expression, machine) == expected


def test_param_is_what_the_entry_gave(machine):
    machine.arguments = (5, 6)
    assert evaluate(ir.Param("second", 1, 8), machine) == 6


def test_assignment_to_a_slice_leaves_the_other_bits(machine):
    assign(X, 0xABCD, machine)
    assign(ir.Slice(X, 11, 4), 0x1FF, machine)
    assert evaluate(X, machine) == 0xAFFD
    assign(ir.Slice(ir.Slice(X, 11, 4), 3, 0), 0x2, machine)
    assert evaluate(X, machine) == 0xAF2D


def test_assignment_to_a_field_of_an_invalid_header_is_forgotten(machine):
    assign(A, 0xF, machine)
    machine.set_valid(HEADER, valid=True)
    assert evaluate(A, machine) == 0
    assign(A, 0x1F, machine)
    assert evaluate(A, machine) == 0xF

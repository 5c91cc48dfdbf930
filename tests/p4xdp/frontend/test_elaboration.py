"""What a construct of the source means, in the elaborated program."""

import pytest

from p4xdp import ir
from p4xdp.frontend import SourceError

TABLE = "table t { key = { md.x : exact; } actions = { NoAction; } }"


@pytest.fixture
def control(load):
    """Elaborate statements; return the ingress control's statements."""
    return lambda apply, **parts: load(apply=apply, **parts).ingress.control


def read(name, width):
    return ir.Read(ir.Variable(name, width, is_bool=name.endswith("flag")))


X, Y, WIDE, FLAG = read("md.x", 8), read("md.y", 8), read("md.wide", 16), read("md.flag", 1)


def const(value, width):
    return ir.Const(value, width)


def test_structs_become_variables_named_by_their_path(load):
    names = {variable.name: variable.width for variable in load().ingress.variables}
    assert names["md.inner.b"] == 16
    assert names["md.flag"] == 1
    assert names["ig_tm_md.ucast_egress_port"] == 9


def test_roles_name_what_the_device_reads_and_writes(load):
    roles = load().ingress.roles
    assert roles["bypass_egress"].name == "ig_tm_md.bypass_egress"
    assert roles["parser_err"].width == 16
    assert "egress_cos" not in roles


def test_the_gresses_share_nothing(load):
    program = load()
    assert program.egress.roles == {}
    assert program.egress.intrinsic.name == "eg_intr_md"
    assert program.ingress.intrinsic.type.width == 64


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("md.x = 5;", const(5, 8)),
        ("md.x = 2 * 3 + 1;", const(7, 8)),
        ("md.x = 8w255 + 8w2;", const(1, 8)),
        ("md.x = 8w255 |+| 8w2;", const(255, 8)),
        ("md.x = (bit<8>)300;", const(44, 8)),
        ("md.x = (bit<8>)MeterColor_t.RED;", const(3, 8)),
        ("md.x = md.y - 1;", ir.Binary(ir.BinaryOp.SUB, Y, const(1, 8), 8)),
        ("md.x = ~md.y;", ir.Unary(ir.UnaryOp.COMPLEMENT, Y, 8)),
        ("md.x = +md.y;", Y),
        ("md.x = md.wide[15:8];", ir.Slice(WIDE, 15, 8)),
        ("md.x = md.wide[15:4][9:2];", ir.Slice(WIDE, 13, 6)),
        ("md.x = (bit<8>)md.wide;", ir.Cast(WIDE, 8)),
        ("md.x = md.y[3:0] ++ 4w1;", None),
        ("md.x = md.flag ? md.y : 0;", ir.Conditional(FLAG, Y, const(0, 8), 8)),
        ("md.x = true ? md.y : 0;", Y),
        ("md.x = md.y << 1;", ir.Binary(ir.BinaryOp.SHIFT_LEFT, Y, const(1, 32), 8)),
        # Unlike in C, & binds tighter than ==.
        (
            "md.x = md.y & 1 == 1 ? 8w1 : 8w2;",
            ir.Conditional(
                ir.Binary(
                    ir.BinaryOp.EQUAL, ir.Binary(ir.BinaryOp.AND, Y, const(1, 8), 8), const(1, 8), 1
                ),
                const(1, 8),
                const(2, 8),
                8,
            ),
        ),
    ],
)
def test_expressions(control, source, expected):
    (statement,) = control(source)
    assert statement.target == X
    if expected is not None:
        assert statement.value == expected
    assert statement.value.width == 8


@pytest.mark.parametrize("operator", ["|", "^", "&", "<<"])
def test_bitwise_operators_bind_tighter_than_comparison(control, operator):
    (statement,) = control(f"md.flag = md.x {operator} 1 == md.y;")
    assert statement.value.op is ir.BinaryOp.EQUAL
    (statement,) = control(f"md.flag = md.x == md.y {operator} 1;")
    assert statement.value.right.op is ir.BinaryOp(operator)


def test_an_enum_compares_with_its_representation(control):
    (statement,) = control("md.flag = md.x == MeterColor_t.RED;")
    assert statement.value.right == const(3, 8)


def test_a_signed_shift_is_arithmetic(control):
    (statement,) = control("hdr.word.signed = hdr.word.signed >> 1;")
    assert statement.value.signed


def test_a_signed_number_is_extended_with_its_sign(control):
    (statement,) = control("int<16> a = (int<16>)hdr.word.signed;")
    assert statement.value.signed
    assert statement.value.width == 16


def test_casts_between_bool_and_bit_change_nothing(control):
    (statement,) = control("md.flag = (bool)md.y[0:0];")
    assert statement.value == ir.Slice(Y, 0, 0)


def test_a_slice_can_be_assigned(control):
    (statement,) = control("md.wide[7:0] = md.x;")
    assert statement.target == ir.Slice(WIDE, 7, 0)


def test_a_condition_known_at_compile_time_leaves_one_branch(control):
    assert control("if (1 == 2) { md.x = 1; } else { md.x = 2; }") == (ir.Assign(X, const(2, 8)),)


# --- calls ---


def test_an_actions_arguments_take_the_place_of_its_parameters(control):
    (call,) = control("a(md.y);", locals="action a(bit<8> p) { md.x = p; }")
    assert call == ir.CallAction("Ingress.a", (ir.Assign(X, Y),))


def test_an_argument_that_the_action_writes_is_read_before(control):
    before, call = control("a(md.y);", locals="action a(bit<8> p) { md.y = 1; md.x = p; }")
    assert before.value == Y
    assert call.body[1].value == before.target
    assert before.target.variable.name not in ("md.x", "md.y")


def test_an_argument_from_a_header_made_invalid_is_read_before(control):
    before, _call = control(
        "a(hdr.word.octet);", locals="action a(bit<8> p) { hdr.word.setInvalid(); md.x = p; }"
    )
    assert before.value.header.name == "hdr.word"


def test_out_parameters_write_where_they_stand(control):
    (call,) = control("a(md.wide[15:8]);", locals="action a(out bit<8> p) { p = 1; }")
    assert call.body == (ir.Assign(ir.Slice(WIDE, 15, 8), const(1, 8)),)


def test_an_argument_given_both_ways_is_read_before(control):
    before, call = control(
        "a(md.x, md.x);", locals="action a(out bit<8> p, in bit<8> q) { p = q; }"
    )
    assert call.body == (ir.Assign(X, before.target),)


def test_constants_bound_to_parameters_are_folded(control):
    (call,) = control("a(44);", locals="action a(bit<8> p) { md.x = p - 8; }")
    assert call.body[0].value == const(36, 8)


def test_a_control_works_on_what_it_is_given(load):
    program = load(
        controls="control C(inout bit<8> a, in bit<8> b) {"
        " action add(bit<8> n) { a = a + n; }"
        " table u { key = { b : exact; } actions = { add; NoAction; } }"
        " apply { u.apply(); } }",
        locals="C() first; C() second;",
        apply="first.apply(md.x, md.y); second.apply(md.y, md.y + 1);",
    )
    gress = program.ingress
    assert list(gress.tables) == ["Ingress.first.u", "Ingress.second.u"]
    assert gress.tables["Ingress.first.u"].keys[0].expression == Y
    assert gress.actions["Ingress.second.add"].body[0].target == Y
    held = gress.tables["Ingress.second.u"].keys[0].expression
    assert gress.control[1].target == held
    assert held.variable.name == "C.b"


def test_an_in_argument_that_the_control_may_write_is_copied(control):
    copied, *_rest = control(
        "c.apply(md.x, md.x);",
        controls="control C(inout bit<8> a, in bit<8> b) { apply { a = 1; a = b; } }",
        locals="C() c;",
    )
    assert copied.value == X


def test_headers_of_an_out_parameter_start_invalid(control):
    first, second = control(
        "c.apply(hdr.word);",
        controls="control C(out word_t w) { apply { w.setValid(); } }",
        locals="C() c;",
    )
    assert (first.valid, second.valid) == (False, True)


def test_return_skips_what_follows(control):
    statements = control("if (md.flag) { md.x = 1; return; } md.x = 2;")
    reset, branch, rest = statements
    assert reset.value == const(0, 1)
    assert branch.then[1].target == reset.target
    assert rest.condition == ir.Unary(ir.UnaryOp.NOT, reset.target, 1)
    assert rest.then == (ir.Assign(X, const(2, 8)),)


def test_return_at_the_end_needs_nothing(control):
    assert control("md.x = 1; return; md.x = 2;") == (ir.Assign(X, const(1, 8)),)


def test_a_return_of_an_action_does_not_end_its_caller(control):
    call, after = control("a(); md.y = 1;", locals="action a() { md.x = 1; return; }")
    assert len(call.body) == 1
    assert after.target == Y


# --- headers and structs ---


def test_a_header_is_copied_with_its_validity(control):
    (statement,) = control("hdr.word = hdr.other;")
    assert statement.condition.header.name == "hdr.other"
    assert len(statement.then) == 6
    assert statement.otherwise == (ir.SetValid(statement.then[0].header, valid=False),)


def test_a_list_sets_fields_in_order_and_makes_the_header_valid(control):
    valid, *fields = control("hdr.word = {1, 2, 3, md.wide, -1};")
    assert valid.valid
    assert [field.value for field in fields] == [
        const(1, 4), const(2, 4), const(3, 8), WIDE, const(255, 8)
    ]  # fmt: skip


def test_a_list_of_the_targets_own_fields_is_read_before(control):
    statements = control("md.inner = {md.inner.a + 1, md.wide};")
    assert len(statements) == 4
    assert statements[2].target.variable.name == "md.inner.a"


# --- tables and externs ---


def test_hit_is_a_variable(control):
    apply, branch = control("if (!t.apply().miss) { md.x = 1; }", locals=TABLE)
    assert apply.table == "Ingress.t"
    not_not = branch.condition.operand.operand
    assert not_not.variable == apply.hit


def test_switch_resolves_falling_through(control):
    (apply,) = control(
        "switch (t.apply().action_run) { a: b: { md.x = 1; } default: { md.x = 2; } }",
        locals="action a() { } action b() { } "
        "table t { key = { md.x : exact; } actions = { a; b; NoAction; } }",
    )
    assert [name for name, _ in apply.cases] == ["Ingress.a", "Ingress.b"]
    assert apply.cases[0][1] == apply.cases[1][1] == (ir.Assign(X, const(1, 8)),)
    assert apply.default_case == (ir.Assign(X, const(2, 8)),)


def test_a_table_without_default_runs_noaction(load):
    table = load(
        locals="action a() { } table t { key = { md.x : exact; } actions = { a; } }",
        apply="t.apply();",
    ).ingress.tables["Ingress.t"]
    assert table.default_action == "NoAction"
    assert table.actions[-1].default_only
    assert table.size == 512
    assert not table.is_default_const


def test_key_names_are_the_source_or_the_annotation(load):
    table = load(
        locals="table t { key = { md.x : exact; hdr.word.isValid() : exact; md.wide[7:4] : exact;"
        ' md.y + 1 : exact @name("sum"); } actions = { NoAction; } }',
        apply="t.apply();",
    ).ingress.tables["Ingress.t"]
    assert [key.name for key in table.keys] == [
        "md.x", "hdr.word.$valid$", "md.wide[7:4]", "sum"
    ]  # fmt: skip


def test_names_can_be_given(load):
    program = load(
        locals='@name("b") action a() { } @name(".whole.name") table t '
        "{ key = { md.x : exact; } actions = { a; } default_action = a; }",
        apply="t.apply();",
    )
    assert program.ingress.tables["whole.name"].default_action == "Ingress.b"


def test_what_is_never_applied_is_not_there(load):
    program = load(locals="action a() { } " + TABLE)
    assert program.ingress.tables == {}
    assert program.ingress.actions == {}
    assert program.other_actions == ()


def test_actions_only_called_are_named(load):
    program = load(locals="action a() { } action b() { a(); }", apply="b();")
    assert program.other_actions == ("Ingress.b",)


def test_direct_resources_belong_to_their_table(load):
    gress = load(
        locals="DirectCounter<bit<64>>(CounterType_t.BYTES) c; DirectMeter(MeterType_t.PACKETS) m;"
        " action a() { c.count(); md.x = m.execute(); }"
        " table t { key = { md.x : exact; } actions = { a; } default_action = a;"
        " counters = c; meters = m; }",
        apply="t.apply();",
    ).ingress
    assert gress.counters["Ingress.c"].table == "Ingress.t"
    assert gress.meters["Ingress.m"].table == "Ingress.t"
    assert not gress.meters["Ingress.m"].in_bytes
    count, execute = gress.actions["Ingress.a"].body
    assert count.index is None
    assert execute.target == X


def test_a_meters_color_may_be_cast_and_adjusted(control):
    execute, assign = control(
        "md.wide = (bit<16>)m.execute(index = md.x, color = MeterColor_t.YELLOW,"
        " adjust_byte_count = 14);",
        locals="Meter<bit<8>>(16, MeterType_t.BYTES) m;",
    )
    assert execute.color == const(1, 8)
    assert execute.adjust_octets == 14
    assert assign.value == ir.Cast(execute.target, 16)


# --- parsers ---


def test_port_metadata_is_not_of_the_frame(load):
    start = load().ingress.parser.states["start"]
    assert [type(statement) for statement in start.statements] == [ir.Extract]
    assert start.statements[0].header.intrinsic


def test_the_frame_cannot_be_taken_for_port_metadata(load_source, source):
    without = source().replace("packet.advance(PORT_METADATA_SIZE);", "")
    with pytest.raises(SourceError, match="port metadata comes before the frame"):
        load_source(without)


def test_the_intrinsic_header_comes_first(load_source, source):
    without = source().replace("packet.extract(ig_intr_md);", "")
    with pytest.raises(SourceError, match="the intrinsic metadata comes first"):
        load_source(without)


def test_key_sets_become_values_and_masks(load):
    start = load(
        start="transition select(md.x, md.flag) { (0x12 &&& 0xf0, true): accept;"
        " (1, _): reject; default: parse_ethernet; }"
    ).ingress.parser.states["start"]
    assert start.selects == (
        ir.Select(((0x10, 0xF0), (1, 1)), "accept"),
        ir.Select(((1, 0xFF), (0, 0)), "reject"),
        ir.Select(((0, 0), (0, 0)), "parse_ethernet"),
    )


@pytest.mark.parametrize(("low", "high"), [(0, 255), (1, 6), (7, 200), (5, 5), (0, 0), (254, 255)])
def test_a_range_becomes_disjoint_prefixes_that_cover_it(load, low, high):
    start = load(
        start=f"transition select(md.x) {{ {low}..{high}: accept; default: parse_ethernet; }}"
    ).ingress.parser.states["start"]
    matches = [select.matches[0] for select in start.selects[:-1]]
    for value in range(256):
        hits = sum(value & mask == wanted for wanted, mask in matches)
        assert hits == (low <= value <= high)


def test_the_whole_range_is_one_match(load):
    start = load(start="transition select(md.x) { 0..255: accept; }").ingress.parser.states["start"]
    assert start.selects == (ir.Select(((0, 0),), "accept"),)


def test_states_that_cannot_be_reached_are_left_out(load):
    assert set(load(states="state lost { transition accept; }").ingress.parser.states) == {
        "start", "parse_ethernet"
    }  # fmt: skip


def test_a_state_without_transition_rejects(load):
    assert load(start="").ingress.parser.states["start"].selects[0].next_state == "reject"


def test_a_field_of_a_lookahead_is_a_slice_of_the_packet(load):
    start = load(
        start="md.x = packet.lookahead<word_t>().octet; transition accept;"
    ).ingress.parser.states["start"]
    assert start.statements[-1].value == ir.Slice(ir.Lookahead(40), 31, 24)


def test_reading_the_parser_error_is_noticed(load):
    assert not load().ingress.reads_parser_error
    assert load(apply="md.flag = ig_prsr_md.parser_err != 0;").ingress.reads_parser_error


# --- the whole ---


def test_tofino_2_has_its_own_widths(load_source, source):
    program = load_source(source(), defines={"__TARGET_TOFINO__": "2"})
    assert program.ingress.roles["qid"].width == 7


def test_checksums_flatten_structs(load):
    program = load(
        deparser_locals="Checksum() c;",
        deparser="hdr.word.half = c.update({hdr.ethernet, hdr.word.high, hdr.word.low, md.x});",
    )
    update = program.ingress.deparser[0]
    assert [field.width for field in update.fields] == [48, 48, 16, 4, 4, 8]


def test_hashes_keep_algorithm_and_width(load):
    program = load(
        locals="Hash<bit<3>>(HashAlgorithm_t.CRC16) h;",
        apply="if (h.get({hdr.ethernet, md.inner}) == 1) { md.x = 1; } h.get({md.x});",
    )
    first, branch = program.ingress.control
    assert (first.algorithm, first.width) == (ir.HashAlgorithm.CRC16, 3)
    assert [field.width for field in first.fields] == [48, 48, 16, 8, 16]
    assert branch.condition.left == first.target


def test_emitting_a_struct_emits_its_headers_in_order(load):
    names = [statement.header.name for statement in load().ingress.deparser]
    assert names == ["hdr.ethernet", "hdr.word", "hdr.other"]

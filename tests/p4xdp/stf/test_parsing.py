"""The text of vectors: what is read from it and what is refused, with the line."""

import pytest

from p4xdp.stf import StfError, parse
from p4xdp.stf.syntax import (
    Add,
    Call,
    CheckCounter,
    Expect,
    Packet,
    Pattern,
    RegisterWrite,
    RemoveAll,
    SetDefault,
    Vector,
)


def statement(text):
    ((vector),) = parse(text, "one")
    (only,) = vector.statements
    return only


def pattern(text):
    ((_, read),) = statement(f"add t k:{text} a()").matches
    return read


def test_add_names_table_key_action_and_arguments():
    add = statement('add A.t hdr.x.$valid:1 "b c":0x1F A.set(port:0x007,mac:12)')
    matches = (("hdr.x.$valid", Pattern(1)), ("b c", Pattern(31)))
    assert add == Add(1, "A.t", None, matches, Call("A.set", (("port", 7), ("mac", 12))))


def test_number_behind_the_table_is_the_priority():
    assert statement("add t 7 k:1 a()").priority == 7


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12", Pattern(12)),
        ("0b10*1", Pattern(0b1001, 0b0010)),
        ("0xA*", Pattern(0xA0, 0x0F)),
        ("0x0A000000/8", Pattern(0x0A000000, prefix_bits=8)),
        ("5..0x10", Pattern(5, high=16)),
    ],
)
def test_values_may_be_patterns(text, read):
    assert pattern(text) == read


def test_other_statements():
    text = """
        setdefault t A.drop()   # why not
        register_write A.r 3 0x10 0
        remove all
        packet 3 00 ff 1A
        expect 4 0a**$
        expect 5 FF
        expect 6
        no_packet
        wait
        check_counter A.c(2) bytes >= 0x10
    """
    (vector,) = parse(text, "all")
    assert vector.statements == (
        SetDefault(2, "t", Call("A.drop", ())),
        RegisterWrite(3, "A.r", 3, (16, 0)),
        RemoveAll(4),
        Packet(5, 3, b"\x00\xff\x1a"),
        Expect(6, 4, "0a**", is_whole=True),
        Expect(7, 5, "ff", is_whole=False),
        Expect(8, 6, None, is_whole=False),
        CheckCounter(11, "A.c", 2, "bytes", ">=", 16),
    )


def test_title_begins_a_vector():
    vectors = parse("packet 1 00\n# test second\npacket 2 00\n# other words\npacket 3 00\n", "file")
    assert vectors == [
        Vector("file", 1, (Packet(1, 1, b"\0"),)),
        Vector("second", 2, (Packet(3, 2, b"\0"), Packet(5, 3, b"\0"))),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mirror 1", "`mirror` is no statement"),
        ("add t k:1", "an action is missing"),
        ("add a()", "name the table"),
        ("add t k a()", "not of the form KEY:VALUE"),
        ("add t k:1 a(1)", "not of the form PARAMETER:VALUE"),
        ("add t k:0y1 a()", "`0y1` is no number"),
        ("add t k:1* a()", "binary (0b) and hexadecimal (0x)"),
        ("packet 1 0", "no octets"),
        ("expect 1 0g", "hexadecimal digits"),
        ("register_write r 1", "say NAME INDEX VALUE"),
        ("remove entry", "`remove all` is the only"),
        ("check_counter c packets == 1", "NAME(INDEX)"),
        ("check_counter c(1) packets =! 1", "NAME(INDEX)"),
    ],
)
def test_what_is_no_stf_is_refused_with_its_line(text, message):
    with pytest.raises(StfError) as refused:
        parse(f"\n{text}\n", "name", "file.stf")
    assert str(refused.value).startswith("file.stf:2: ")
    assert message in str(refused.value)

"""What is wrong or outside the subset is refused at the right place, in words that help."""

import pytest

TABLE = "table t {{ key = {{ {key} }} actions = {{ {actions} }} {rest} }}"


def table(key="md.x : exact;", actions="NoAction;", rest=""):
    return TABLE.format(key=key, actions=actions, rest=rest)


REGISTER = "Register<bit<8>, bit<4>>(16) r; RegisterAction<bit<8>, bit<4>, bit<8>>(r)"

REFUSED = {
    # names
    "unknown name": ({"apply": "md.x = /*!*/nothing;"}, "unknown name nothing"),
    "close name": ({"top": "const bit<8> LIMIT = 3;", "apply": "md.x = /*!*/LIMT;"}, "mean LIMIT"),
    "unknown type": ({"locals": "/*!*/bit_t x;"}, "unknown type bit_t"),
    "unknown field": ({"apply": "md./*!*/z = 1;"}, "has no field z"),
    "name twice": ({"locals": "bit<8> a; bit<8> /*!*/a;"}, "declared twice"),
    "field twice": ({"top": "struct s { bit<8> a; bit<8> /*!*/a; }"}, "declared twice"),
    "hides a parameter": ({"apply": "bit<8> /*!*/md;"}, "hides a parameter"),
    "used before declared": (
        {"locals": "action a() { /*!*/b(); } action b() { }"},
        "unknown name b",
    ),
    # types
    "number too large": ({"apply": "md.x = /*!*/256;"}, "256 does not fit bit<8>"),
    "negative number": ({"apply": "md.x = /*!*/-1;"}, "does not fit bit<8>"),
    "signed literal too large": ({"apply": "hdr.word.signed = /*!*/8s128;"}, "does not fit int<8>"),
    "widths differ": ({"apply": "md.x = /*!*/md.wide;"}, "wants bit<8>, this is bit<16>; cast it"),
    "operands differ": ({"apply": "md.x = md.x /*!*/+ md.wide;"}, "+ of bit<8> and bit<16>"),
    "signs differ": ({"apply": "md.x = /*!*/hdr.word.signed;"}, "this is int<8>; cast it"),
    "bool is no number": ({"apply": "md.x = /*!*/md.flag;"}, "this is bool"),
    "number is no bool": ({"apply": "if (/*!*/md.x) { }"}, "if wants bool, this is bit<8>"),
    "not of a number": ({"apply": "md.flag = /*!*/!md.x;"}, "! wants bool"),
    "and of numbers": ({"apply": "md.flag = /*!*/md.x && md.flag;"}, "&& wants bool"),
    "ternary of a number": ({"apply": "md.x = /*!*/md.y ? 1 : 2;"}, "?: wants bool"),
    "choice without width": ({"apply": "md.x = /*!*/md.flag ? 1 : 2;"}, "without width"),
    "cast to bool": ({"apply": "md.flag = /*!*/(bool)md.x;"}, "cannot cast bit<8> to bool"),
    "cast changes two things": (
        {"apply": "md.wide = /*!*/(bit<16>)hdr.word.signed;"},
        "change the width first",
    ),
    "concatenation without width": ({"apply": "md.wide = md.x /*!*/++ 1;"}, "need a width"),
    "header comparison": (
        {"apply": "md.flag = hdr.word /*!*/== hdr.other;"},
        "compare the fields",
    ),
    "slice outside": ({"apply": "md.x = md.wide/*!*/[16:9];"}, "slice [16:9] of bit<16>"),
    "slice reversed": ({"apply": "md.x = md.wide/*!*/[0:7];"}, "write [high:low]"),
    "slice of a variable": ({"apply": "md.x = md.wide[/*!*/md.x:0];"}, "not known at compile time"),
    "shift by a variable": ({"apply": "md.x = md.x << /*!*/md.y;"}, "shift by a constant"),
    "multiplication": ({"apply": "md.x = md.x /*!*/* md.y;"}, "Tofino has none"),
    "division by zero": ({"apply": "md.x = 1 /*!*// 0;"}, "wants positive numbers"),
    "width of zero": ({"locals": "/*!*/bit<0> a;"}, "width 0 is not in"),
    "octets of a header": ({"top": "header /*!*/h { bit<7> a; }"}, "not whole octets"),
    "bool in a header": ({"top": "header h { bool /*!*/a; }"}, "use bit<>"),
    "variable of int": ({"apply": "int /*!*/a;"}, "give it a width"),
    "variable of an enum": (
        {"top": "enum E { A }", "apply": "E /*!*/a;"},
        "give the enum a representation",
    ),
    "enum values without type": ({"top": "enum E { /*!*/A = 1 }"}, "values go with"),
    "enum member": (
        {"apply": "md.x = MeterColor_t./*!*/BLUE;"},
        "has no member BLUE; it has GREEN",
    ),
    "enum and number": (
        {"apply": "md.flag = MeterColor_t.RED /*!*/== md.wide;"},
        "== of enum MeterColor_t",
    ),
    # writing
    "constant assigned": ({"top": "const bit<8> C = 1;", "apply": "/*!*/C = 2;"}, "is a constant"),
    "in parameter assigned": (
        {"apply": "/*!*/ig_intr_md.ingress_port = 1;"},
        "ig_intr_md is an in parameter",
    ),
    "in header made invalid": ({"deparser": "/*!*/md.x = 1;"}, "md is an in parameter"),
    "action data assigned": (
        {"locals": "action a(bit<8> p) { /*!*/p = 1; }"},
        "p is a directionless parameter",
    ),
    "expression assigned": ({"apply": "(/*!*/md.x + 1) = 1;"}, "not something that can be written"),
    # calls
    "missing argument": (
        {"locals": "action a(bit<8> p, bit<8> q) { }", "apply": "/*!*/a(1);"},
        "argument q is missing",
    ),
    "extra argument": (
        {"locals": "action a(bit<8> p) { }", "apply": "a(1, /*!*/2);"},
        "takes 1 arguments, 2 given",
    ),
    "unknown parameter": (
        {"locals": "action a(bit<8> p) { }", "apply": "a(/*!*/q = 1);"},
        "no parameter q; it has p",
    ),
    "argument twice": (
        {"locals": "action a(bit<8> p) { }", "apply": "a(p = 1, /*!*/p = 2);"},
        "given twice",
    ),
    "named and not": (
        {"locals": "action a(bit<8> p, bit<8> q) { }", "apply": "/*!*/a(1, q = 2);"},
        "name all arguments or none",
    ),
    "value for out": (
        {"locals": "action a(out bit<8> p) { p = 1; }", "apply": "a(/*!*/3);"},
        "this is int",
    ),
    "out of an in parameter": (
        {
            "locals": "action a(out bit<9> p) { p = 1; }",
            "apply": "a(/*!*/ig_intr_md.ingress_port);",
        },
        "in parameter",
    ),
    "action calls itself": ({"locals": "action a() { /*!*/a(); }"}, "calls itself"),
    "control in itself": (
        {"controls": "control C() { C() /*!*/c; apply { c.apply(); } }"},
        "contains itself",
    ),
    "control applied twice": (
        {
            "controls": "control C() { apply { } }",
            "locals": "C() c;",
            "apply": "c.apply(); /*!*/c.apply();",
        },
        "make another instance",
    ),
    "written through two": (
        {
            "controls": "control C(inout bit<8> a, out bit<8> b) { apply { b = a; } }",
            "locals": "C() c;",
            "apply": "c.apply(md.x, /*!*/md.x);",
        },
        "two parameters",
    ),
    "out seen twice": (
        {
            "locals": "action a(inout bit<8> p) { p = 1; md.y = md.x; }",
            "apply": "/*!*/a(md.x);",
        },
        "uses what it is given as p",
    ),
    "direct counter outside an action": (
        {
            "locals": "DirectCounter<bit<64>>(CounterType_t.BYTES) c;"
            + table(rest="counters = c;"),
            "apply": "t.apply(); /*!*/c.count();",
        },
        "call it in the table's actions",
    ),
    "control as a function": (
        {"controls": "control C() { apply { } }", "apply": "/*!*/C.apply();"},
        "declare an instance",
    ),
    "table applied in an action": (
        {"locals": table() + "action a() { /*!*/t.apply(); }"},
        "only in the apply",
    ),
    "result not used": ({"apply": "/*!*/hdr.word.isValid();"}, "is not used"),
    "method without call": ({"apply": "md.flag = hdr.word./*!*/isValid;"}, "write isValid()"),
    "statement without effect": ({"apply": "/*!*/md.x;"}, "has no effect"),
    # statements
    "if in an action": ({"locals": "action a() { /*!*/if (md.flag) { } }"}, "branch in apply"),
    "loop": ({"apply": "/*!*/for (bit<8> i = 0; i < 3; i = i + 1) { }"}, "loops are not"),
    "op assignment": ({"apply": "md.x /*!*/+= 1;"}, "write x = x + y"),
    "return a value": ({"apply": "return /*!*/1;"}, "only functions return values"),
    "switch on a number": ({"apply": "switch (/*!*/md.x) { }"}, "or use if"),
    "declaration as a body": ({"apply": "if (md.flag) bit<8> /*!*/a;"}, "add braces"),
    "effects after an operand": (
        {"locals": table(), "apply": "if (md.flag == /*!*/t.apply().hit) { }"},
        "in a variable first",
    ),
    "effects that may not happen": (
        {"locals": table(), "apply": "if (md.flag && t.apply()./*!*/hit) { }"},
        "may not be evaluated",
    ),
    # tables
    "unknown match kind": ({"locals": table(key="md.x : /*!*/fuzzy;")}, "unknown match kind fuzzy"),
    "selector": ({"locals": table(key="/*!*/md.x : selector;")}, "but no ActionSelector"),
    "key of a header": ({"locals": table(key="/*!*/hdr.word : exact;")}, "match on its fields"),
    "key without name": ({"locals": table(key="/*!*/md.x + 1 : exact;")}, '@name("...")'),
    "keys of one name": (
        {"locals": table(key='md.x : exact; /*!*/md.y : exact @name("md.x");')},
        "are named md.x",
    ),
    "constant key": ({"locals": table(key="/*!*/8w1 : exact;")}, "matches nothing"),
    "two lpm keys": ({"locals": table(key="md.x : lpm; /*!*/md.y : lpm;")}, "two lpm keys"),
    "lpm beside ternary": (
        {"locals": table(key="/*!*/md.x : lpm; md.y : ternary;")},
        "make it ternary",
    ),
    "no actions": ({"locals": "table /*!*/t { key = { md.x : exact; } }"}, "has no actions"),
    "unknown action": ({"locals": table(actions="/*!*/nothing;")}, "unknown name nothing"),
    "action twice": ({"locals": table(actions="NoAction; /*!*/NoAction;")}, "listed twice"),
    "both flags": (
        {"locals": table(actions="@tableonly @defaultonly /*!*/NoAction;")},
        "exclude each other",
    ),
    "action with a direction": (
        {"locals": "action a(in bit<8> p) { } " + table(actions="/*!*/a;")},
        "with a direction",
    ),
    "default not listed": (
        {"locals": "action a() { } " + table(rest="default_action = /*!*/a();")},
        "add a; to them",
    ),
    "default of another scope": (
        {
            "top": "action a() { }",
            "locals": "action a() { } " + table(actions="a;", rest="default_action = /*!*/.a();"),
        },
        "a is not in the actions of t",
    ),
    "default lacks data": (
        {
            "locals": "action a(bit<8> p) { } "
            + table(actions="a;", rest="default_action = /*!*/a();")
        },
        "argument p is missing",
    ),
    "default not constant": (
        {
            "locals": "action a(bit<8> p) { } "
            + table(actions="a;", rest="default_action = a(/*!*/md.x);")
        },
        "is not a constant",
    ),
    "default only in the table": (
        {"locals": table(actions="@tableonly NoAction;", rest="default_action = /*!*/NoAction();")},
        "cannot be the default",
    ),
    # registers
    "register of an odd width": (
        {"locals": "/*!*/Register<bit<10>, bit<4>>(16) r;"},
        "a register of bit<10>; bit<1>, bit<8>",
    ),
    "register of three numbers": (
        {
            "top": "struct three { bit<8> a; bit<8> b; bit<8> c; }",
            "locals": "/*!*/Register<three, bit<4>>(16) r;",
        },
        "a register of struct three",
    ),
    "register of two widths": (
        {
            "top": "struct two { bit<8> a; bit<16> b; }",
            "locals": "/*!*/Register<two, bit<4>>(16) r;",
        },
        "a register of struct two",
    ),
    "register that starts with too much": (
        {"locals": "Register<bit<8>, bit<4>>(16, /*!*/256) r;"},
        "does not fit bit<8>",
    ),
    "register read": (
        {
            "locals": "Register<bit<8>, bit<4>>(16) r;",
            "apply": "md.x = r./*!*/read(1);",
        },
        "execute a RegisterAction",
    ),
    "register action of another type": (
        {
            "locals": "Register<bit<8>, bit<4>>(16) r; "
            "/*!*/RegisterAction<bit<16>, bit<4>, bit<8>>(r) a = "
            "{ void apply(inout bit<16> v) { v = 1; } };"
        },
        "of a register of bit<8>",
    ),
    "register action of no register": (
        {
            "locals": "RegisterAction<bit<8>, bit<4>, bit<8>>(/*!*/md.x) a = "
            "{ void apply(inout bit<8> v) { v = 1; } };"
        },
        "is not a register",
    ),
    "register action with a wide result": (
        {
            "locals": "Register<bit<8>, bit<4>>(16) r; "
            "/*!*/RegisterAction<bit<8>, bit<4>, bit<64>>(r) a = "
            "{ void apply(inout bit<8> v) { v = 1; } };"
        },
        "at most 32 bits",
    ),
    "register action without apply": (
        {"locals": REGISTER + " /*!*/a;"},
        "wants the method apply",
    ),
    "register action with another parameter": (
        {"locals": REGISTER + " a = { void /*!*/apply(inout bit<8> v, out bit<4> x) { } };"},
        "apply has other parameters",
    ),
    "register action that returns": (
        {"locals": REGISTER + " a = { void apply(inout bit<8> v) { v = 1; /*!*/return; } };"},
        "cannot stand in a RegisterAction",
    ),
    "register action that stores elsewhere": (
        {
            "locals": REGISTER + " a = { void /*!*/apply(inout bit<8> v) { md.x = v; } };",
            "apply": "a.execute(1);",
        },
        "apply assigns to md.x",
    ),
    "two executions in an action": (
        {
            "locals": REGISTER
            + " a = { void apply(inout bit<8> v, out bit<8> rv) { rv = v; } };"
            + " action b() { md.x = a.execute(1); md.y = /*!*/a.execute(2); }",
            "apply": "b();",
        },
        "one in each action",
    ),
    "methods of what has none": (
        {"locals": "Hash<bit<8>>(HashAlgorithm_t.CRC32) /*!*/h = { void f() { } };"},
        "has no abstract methods",
    ),
    "entries that change": ({"locals": table(rest="/*!*/entries = { }")}, "const entries"),
    "entries with priorities": (
        {"locals": table(rest="const entries = { /*!*/priority = 3 : 1 : NoAction(); }")},
        "the first is highest",
    ),
    "entries before keys": (
        {"locals": "table t { const /*!*/entries = { } key = { md.x : exact; } actions = {} }"},
        "write them last",
    ),
    "entry of variables": (
        {"locals": table(rest="const entries = { /*!*/md.y : NoAction(); }")},
        "wants constants",
    ),
    "entry of another width": (
        {"locals": table(rest="const entries = { /*!*/256 : NoAction(); }")},
        "does not fit bit<8>",
    ),
    "entry with too few keys": (
        {
            "locals": table(
                "md.x : exact; md.y : exact;", rest="const entries = { /*!*/1 : NoAction(); }"
            )
        },
        "has 2 keys",
    ),
    "entry masks an exact key": (
        {"locals": table(rest="const entries = { /*!*/1 &&& 3 : NoAction(); }")},
        "does not fit exact",
    ),
    "entry for anything exact": (
        {"locals": table(rest="const entries = { /*!*/_ : NoAction(); }")},
        "does not fit exact",
    ),
    "entry with a range of a ternary key": (
        {"locals": table("md.x : ternary;", rest="const entries = { /*!*/1 .. 3 : NoAction(); }")},
        "does not fit ternary",
    ),
    "entry of an lpm key": (
        {"locals": table("md.x : lpm;", rest="const entries = { /*!*/1 : NoAction(); }")},
        "make it ternary",
    ),
    "entry there twice": (
        {
            "locals": table(rest="const entries = { 1 : NoAction(); /*!*/1 : NoAction(); }"),
            "apply": "t.apply();",
        },
        "has an entry with this key",
    ),
    "more entries than the size": (
        {
            "locals": "table /*!*/t { key = { md.x : exact; } actions = { NoAction; } size = 1; "
            "const entries = { 1 : NoAction(); 2 : NoAction(); } }",
            "apply": "t.apply();",
        },
        "has 2 entries, its size is 1",
    ),
    "entry with an action not listed": (
        {"locals": "action a() { } " + table(rest="const entries = { 1 : /*!*/a(); }")},
        "is not in the actions of t",
    ),
    "entry with a default action": (
        {
            "locals": table(
                actions="@defaultonly NoAction;", rest="const entries = { 1 : /*!*/NoAction(); }"
            )
        },
        "@defaultonly",
    ),
    "entry with a variable argument": (
        {
            "locals": "action a(bit<8> v) { } "
            + table(actions="a;", rest="const entries = { 1 : a(/*!*/md.x); }")
        },
        "is not a constant",
    ),
    "unknown property": ({"locals": table(rest="/*!*/filters = 1;")}, "not supported"),
    "idle timeout of a number": (
        {"locals": table(rest="idle_timeout = /*!*/1;")},
        "idle_timeout is true or false",
    ),
    "size of zero": ({"locals": table(rest="size = /*!*/0;")}, "less than 1"),
    "label of another action": (
        {"locals": table(), "apply": "switch (t.apply().action_run) { /*!*/other: { } }"},
        "not an action of t",
    ),
    # externs
    "direct register": (
        {"locals": "/*!*/DirectRegister<bit<8>>() r;"},
        "DirectRegister is not supported",
    ),
    "ambiguous meter": (
        {
            "locals": "Meter<bit<8>>(4, MeterType_t.BYTES) m;",
            "apply": "md.x = /*!*/m.execute(md.x, 3);",
        },
        "ambiguous; name the arguments",
    ),
    "counter without type": (
        {"locals": "/*!*/Counter(4, CounterType_t.BYTES) c;"},
        "takes 2 type arguments",
    ),
    "index of another width": (
        {
            "locals": "Counter<bit<64>, bit<8>>(4, CounterType_t.BYTES) c;",
            "apply": "c.count(/*!*/md.wide);",
        },
        "wants bit<8>, this is bit<16>",
    ),
    "direct counter of no table": (
        {"locals": "DirectCounter<bit<64>>(CounterType_t.BYTES) c;"},
        "belongs to no table",
    ),
    "direct counter of another table": (
        {
            "locals": "DirectCounter<bit<64>>(CounterType_t.BYTES) c; action a() { c.count(); }"
            + table(actions="a; NoAction;", rest="counters = c;")
            + "table /*!*/u { key = { md.x : exact; } actions = { a; } default_action = a; }",
            "apply": "t.apply(); u.apply();",
        },
        "belongs to Ingress.t",
    ),
    "checksum outside": (
        {"locals": "Checksum() c;", "apply": "md.wide = /*!*/c.update({hdr.word.half});"},
        "outside a deparser",
    ),
    "checksum of half words": (
        {
            "deparser_locals": "Checksum() c;",
            "deparser": "hdr.word.half = c.update(/*!*/{hdr.word.octet});",
        },
        "whole 16-bit words",
    ),
    "other checksum methods": (
        {"deparser_locals": "Checksum() c;", "deparser": "c./*!*/add({md.x});"},
        "use update",
    ),
    "hash algorithm that is not ours": (
        {"locals": "Hash<bit<8>>(HashAlgorithm_t.CRC64) /*!*/h;"},
        "hash algorithm CRC64 is not supported; use IDENTITY, CRC16, CRC32",
    ),
    "hash wider than its algorithm": (
        {"locals": "Hash<bit<17>>(HashAlgorithm_t.CRC16) /*!*/h;"},
        "CRC16 has 16 bits, not 17",
    ),
    "hash that is no bits": (
        {"locals": "/*!*/Hash<bool>(HashAlgorithm_t.CRC16) h;"},
        "Hash of bool",
    ),
    "identity of too little": (
        {
            "locals": "Hash<bit<9>>(HashAlgorithm_t.IDENTITY) h;",
            "apply": "md.port = h.get(/*!*/{md.x});",
        },
        "of 8 bits only",
    ),
    "hash of half octets": (
        {
            "locals": "Hash<bit<8>>(HashAlgorithm_t.CRC32) h;",
            "apply": "md.x = h.get(/*!*/{hdr.word.high});",
        },
        "CRC32 of 4 bits, not of whole octets",
    ),
    "hash of a number without width": (
        {
            "locals": "Hash<bit<8>>(HashAlgorithm_t.CRC32) h;",
            "apply": "md.x = h.get({/*!*/1});",
        },
        "a number without width",
    ),
    "hash in a deparser": (
        {"deparser_locals": "Hash<bit<8>>(HashAlgorithm_t.CRC32) /*!*/h;"},
        "in a deparser",
    ),
    "hash into another width": (
        {
            "locals": "Hash<bit<8>>(HashAlgorithm_t.CRC32) h;",
            "apply": "md.wide = /*!*/h.get({md.x});",
        },
        "bit<8>",
    ),
    "function of the architecture": ({"apply": "/*!*/invalidate(md.x);"}, "use setInvalid()"),
    # parser
    "unknown state": ({"start": "transition /*!*/nowhere;"}, "unknown state nowhere"),
    "state twice": ({"states": "state /*!*/parse_ethernet { }"}, "declared twice"),
    "loop of states": (
        {"start": "transition again;", "states": "state /*!*/again { transition again; }"},
        "leads back to again",
    ),
    "too few keys": (
        {"start": "transition select(md.x, md.y) { /*!*/1: accept; }"},
        "has 2 keys, this case has 1",
    ),
    "key too large": (
        {"start": "transition select(md.x) { /*!*/256: accept; }"},
        "does not fit bit<8>",
    ),
    "key not constant": (
        {"start": "transition select(md.x) { /*!*/md.y: accept; }"},
        "wants constants",
    ),
    "empty range": (
        {"start": "transition select(md.x) { /*!*/3 .. 2: accept; }"},
        "range 3..2 is empty",
    ),
    "if in a state": ({"start": "/*!*/if (md.flag) { } transition accept;"}, "use select"),
    "extract a number": ({"start": "/*!*/packet.extract(md.x); transition accept;"}, "a header"),
    "advance by a variable": (
        {"start": "packet.advance(/*!*/(bit<32>)md.x); transition accept;"},
        "not known at compile",
    ),
    "lookahead of nothing": (
        {"start": "md.x = /*!*/packet.lookahead(); transition accept;"},
        "<T>",
    ),
    "table in a parser": ({"parser_locals": "Checksum() /*!*/c;"}, "only variables and constants"),
    # annotations
    "name without string": ({"locals": "/*!*/@name(x) action a() { }"}, "@name wants a string"),
    "id without number": ({"locals": "/*!*/@id(x) action a() { }"}, "@id wants a number"),
    "id of a parameter": ({"locals": "action a(@id(1) bit<8> /*!*/p) { }"}, "@id of an action"),
    "structured annotation": ({"locals": "/*!*/@a[1] action a() { }"}, "structured annotations"),
    # the whole
    "generic control": ({"controls": "control /*!*/C<T>() { apply { } }"}, "generic blocks"),
    "constructor parameter": (
        {"controls": "control C()(bit<8> /*!*/n) { apply { } }"},
        "constructor parameters",
    ),
    "function": ({"top": "/*!*/bit<8> f() { return 1; }"}, "write an action or a control"),
    "own extern": ({"top": "extern /*!*/E { void f(); }"}, "only an architecture"),
    "header stack": ({"metadata": "word_t/*!*/[2] stack;"}, "name each header"),
    "header union": ({"top": "/*!*/header_union u { }"}, "header unions are not supported"),
    "varbit": ({"top": "header h { /*!*/varbit<8> v; }"}, "varbit fields are not supported"),
    "new type": ({"top": "/*!*/type bit<8> new_t;"}, "use typedef"),
    "no main": ({"end": ""}, "the program has no main"),
    "main of another kind": (
        {
            "end": "Pipeline(IngressParser(), Ingress(), IngressDeparser(), EgressParser(),"
            " Egress(), EgressDeparser()) /*!*/main;"
        },
        "main is not a Switch",
    ),
    "blocks in the wrong order": (
        {
            "end": "Pipeline(IngressParser(), IngressDeparser(), Ingress(), EgressParser(),"
            " Egress(), EgressDeparser()) pipe;"
        },
        "packet of IngressDeparser is directionless, IngressT has inout",
    ),
    "pipe without name": (
        {
            "end": "Switch(/*!*/Pipeline(IngressParser(), Ingress(), IngressDeparser(),"
            " EgressParser(), Egress(), EgressDeparser())) main;"
        },
        "p4c names the tables after it",
    ),
    # syntax
    "missing semicolon": ({"apply": "md.x = 1 /*!*/}"}, "expected ';' after the assignment"),
    "open block": ({"end": "control C() /*!*/{"}, "expected a declaration, found the end"),
    "open state": ({"end": "parser P(packet_in p) { state /*!*/start {"}, "never closed"),
    "strange character": ({"apply": "md.x = /*!*/$;"}, "has no meaning in P4"),
    "malformed number": ({"apply": "md.x = /*!*/0xfg;"}, "malformed number"),
}


@pytest.mark.parametrize(("parts", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_where_it_stands(refusal, parts, words):
    assert words in refusal(**parts)

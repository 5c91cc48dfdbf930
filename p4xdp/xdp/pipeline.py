"""The functions that take a packet from its port in to its port out.

`any_packet` is the whole program: parser, control and all that follows. `pipeline` is the likely
ways through it, if the program names any and is so large that they gain by it, and for the rest
`any_packet`. A large program has its state in a structure (see `storage`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import emitted, mirrors, statements_of, variables_mentioned
from p4xdp.xdp.emission import render_emission, render_placed
from p4xdp.xdp.expressions import Expressions
from p4xdp.xdp.likely import UNLIKELY, LikelyWays
from p4xdp.xdp.mirroring import IS_MIRRORED, Mirroring
from p4xdp.xdp.parsing import Parsing
from p4xdp.xdp.points import Device
from p4xdp.xdp.statements import Statements
from p4xdp.xdp.storage import (
    CARRIED,
    CURSOR_AT,
    GROWTH,
    LEAVING_AT,
    SIZES,
    STATE,
    ctype,
    cursor_octets,
    storage_of,
)
from p4xdp.xdp.ways import likely_ways
from p4xdp.xdp.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from p4xdp.xdp.facts import Facts
    from p4xdp.xdp.shapes import Shapes
    from p4xdp.xdp.statements import Symbols
    from p4xdp.xdp.storage import Storage

_FRAME = """\
    __u8 *data = (__u8 *)(long)ctx->data;
    __u8 *data_end = (__u8 *)(long)ctx->data_end;
    __u64 now_ns = 0;
"""
_CURSOR = "    __u8 *cursor = data;\n"
_ANYWHERE = "    const int is_placed = 0;\n"
_END = "}\n"

_PIPELINE = """\
/* Returns the port the packet leaves by, or an enum switch_drop. */
ALWAYS_INLINE int pipeline(struct xdp_md *ctx, __u32 ingress_port, __u32 is_copy)
{
"""
_COPIED = """\
/* Likewise of a copy, which begins with what it was mirrored with. */
ALWAYS_INLINE int copied(struct xdp_md *ctx, __u32 egress_port, __u16 egress_instance)
{
"""
_ANY_PACKET = """\
/* Any packet, on whatever way. */
{kind} int any_packet(struct xdp_md *ctx, __u32 ingress_port, __u32 is_copy)
{{
"""
# Not inline and not static, so that the verifier goes through it once. A caller that knows an
# argument is not used would not give it, and the verifier wants it.
_LARGE, _SMALL = "__attribute__((noinline))", "ALWAYS_INLINE"
_ARGUMENTS_USED = "    HOLD(ingress_port);\n    HOLD(is_copy);\n"
_FORGOTTEN = "\n    FORGET();\n"
_LIKELY = """\
    const int is_placed = 1;
    struct packet_state of_state = {}, *packet = &of_state;
    struct packet_carried of_carried = {}, *carried = &of_carried;
"""
_LIKELY_PACKET = """\
/* A packet on a likely way. Returns ANY_PACKET of others, and has done nothing to them then. Not
 * inline, so that it shares no stack with what those take. */
__attribute__((noinline)) int likely_packet(struct xdp_md *ctx, __u32 ingress_port, __u32 is_copy)
{
"""
_ASK = """\
    int outcome = likely_packet(ctx, ingress_port, is_copy);

    if (!UNLIKELY(outcome == ANY_PACKET))
        return outcome;
"""
_UNLIKELY = "    return ANY_PACKET;\n"
_ANY = "    return any_packet(ctx, ingress_port, is_copy);\n"
_EGRESS_PORT = "    __u32 egress_port, egress_length = 0;\n"
_EGRESS_LENGTH = "    __u32 egress_length = bpf_xdp_get_buff_len(ctx);\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """What the functions are for: packets, or copies of packets, which enter in egress."""

    name: str
    scratch: str
    is_copy: bool = False


PACKETS = Kind("packet", "switch_scratch")
COPIES = Kind("copy", "switch_copies_scratch", is_copy=True)


class Pipeline:
    """Writes the functions of one program for one kind of packet."""

    def __init__(self, program: ir.Program, symbols: Symbols, shapes: Shapes, kind: Kind) -> None:
        self._program = program
        self._shapes = shapes
        self._kind = kind
        self._out = out = Writer()
        out.indent()
        self._ingress, self._egress = storage_of(program, shapes, kind.name)
        self._storages = {"ingress": self._ingress, "egress": self._egress}
        ingress_device = {"ingress_port": "ingress_port", "ingress_mac_tstamp": _clock(48)}
        egress_device = {"egress_port": "egress_port", "pkt_length": "(__u16)egress_length"}
        if kind.is_copy:
            egress_device["egress_rid"] = "egress_instance"
        self._ingress_expressions = Expressions(self._ingress, ingress_device)
        self._egress_expressions = Expressions(self._egress, egress_device)
        self._ingress_statements = Statements(
            program.ingress,
            self._ingress_expressions,
            symbols,
            shapes.certain["ingress"],
            "bpf_xdp_get_buff_len(ctx)",
            out,
            Mirroring.AT_ONCE,
        )
        self._egress_statements = Statements(
            program.egress,
            self._egress_expressions,
            symbols,
            shapes.certain["egress"],
            "egress_length",
            out,
            Mirroring.NEVER if kind.is_copy else Mirroring.AT_END,
        )

    def render(self) -> str:
        """Return the functions, and before them the structures they share."""
        parser = "" if self._kind.is_copy else self._render_ingress_parser()
        decision, moved = self._render_decision()
        is_large = self._egress.is_large
        ways = self._render_ways() if is_large and not self._kind.is_copy else ""
        functions = self._functions(parser, decision, ways)
        if not is_large:
            return functions
        before = "".join(self._ingress_statements.functions + self._egress_statements.functions)
        mentioned = _mentioned(before + functions)
        members = [one for one in self._variables() if one[1] in mentioned] + moved
        members += [("__u32", name) for name in (CURSOR_AT, LEAVING_AT, GROWTH)]
        return _declared_state(members, self._kind) + before + functions

    def _functions(self, parser: str, decision: str, ways: str) -> str:
        is_large, is_copy = self._egress.is_large, self._kind.is_copy
        body = parser + (_FORGOTTEN if is_large and not is_copy else "") + decision
        state = f"    STATE_AND_CARRIED({self._kind.scratch}, {self._kind.name});\n"
        start = [
            _COPIED if is_copy else _ANY_PACKET.format(kind=_LARGE if is_large else _SMALL),
            _FRAME + _CURSOR,
            _EGRESS_LENGTH if is_copy else _EGRESS_PORT,
            _ARGUMENTS_USED if is_large and not is_copy else "",
            _ANYWHERE + state if is_large else "",
        ]
        functions = [*start, self._locals(body), body, _END]
        if is_copy:
            return "".join(functions)
        functions.append("\n")
        if ways:
            functions += [_LIKELY_PACKET, _FRAME, _CURSOR, _EGRESS_PORT, _ARGUMENTS_USED, _LIKELY]
            functions += [self._locals(ways), ways, _UNLIKELY, _END, "\n"]
        return "".join([*functions, _PIPELINE, _ASK if ways else "", _ANY, _END])

    def _variables(self) -> Iterator[tuple[str, str]]:
        yield "__u8", self._egress.own(IS_MIRRORED)
        for storage in (self._ingress, self._egress):
            yield from _variables_of(storage)

    def _locals(self, body: str) -> str:
        """Return the declarations of what is not in the structure and stands in `body`."""
        mentioned = _mentioned(body)
        return "".join(
            f"    {kind}{'' if kind.endswith('*') else ' '}{name} = 0;\n"
            for kind, name in self._variables()
            if name in mentioned and "->" not in name
        )

    def _render_ingress_parser(self) -> str:
        gress, out = self._program.ingress, self._out
        out.lines("", "/* ---- ingress: parser ---- */")
        self._set_clock(self._ingress)
        Parsing(gress, self._ingress_expressions, self._ingress_statements, out).render()
        return out.take()

    def _render_ways(self) -> str:
        points = likely_ways(self._program, self._shapes)
        if not points:
            return ""
        out = self._out
        out.lines("", "/* ---- likely ways ---- */")
        self._set_clock(self._ingress)
        taking = Parsing(
            self._program.egress, self._egress_expressions, self._egress_statements, out
        )
        taking.take_from(self._ingress_expressions, self._shapes)
        statements = {"ingress": self._ingress_statements, "egress": self._egress_statements}
        LikelyWays(points, statements, self._storages, taking, self, out).render()
        out.label(UNLIKELY)
        return out.take()

    def device(self, done: Device, facts: Facts) -> None:
        """Write what the device does on a likely way."""
        storage = self._storages[facts.gress]
        match done:
            case Device.DROP:
                condition = " && ".join([f"({self._is_dropped(storage)})", *self._asks(storage)])
                self._out.line(f"if ({condition}) return DROPPED_BY_PROGRAM;")
            case Device.DROP_AT_LAST:
                self._out.line(f"if ({self._is_dropped(storage)}) return DROPPED_BY_PROGRAM;")
            case Device.CHOOSE_PORT:
                self._choose_port()
            case Device.MEASURE if _needs_length(self._program.egress):
                headers = {header.name: header for header in emitted(self._program.ingress)}
                emitted_bits = sum(headers[n].type.width for n in facts.places("ingress"))
                growth = emitted_bits // 8 - facts.cursor
                self._out.line(f"egress_length = bpf_xdp_get_buff_len(ctx) + {growth};")
            case Device.START_CLOCK:
                self._set_clock(storage)
            case _:
                pass

    def leave(self, facts: Facts) -> None:
        """Write the end of a likely way."""
        with self._out.block(""):
            render_placed(facts, self._ingress, self._egress, self._out)
            self._render_end()

    def _render_decision(self) -> tuple[str, list[tuple[str, str]]]:
        out = self._out
        if not self._kind.is_copy:
            out.lines("", "/* ---- ingress: control ---- */")
            self._ingress_statements.render(self._program.ingress.control)
            out.lines("", "/* ---- ingress: deparser ---- */")
            self._render_deparser(self._ingress, self._ingress_statements)
            self._render_between()
        self._render_egress()
        out.line()
        moved = render_emission(self._ingress, self._egress, self._shapes, out)
        self._render_end()
        return out.take(), moved

    def _render_egress(self) -> None:
        gress, out = self._program.egress, self._out
        out.lines("", "/* ---- egress: parser ---- */")
        self._set_clock(self._egress)
        parsing = Parsing(gress, self._egress_expressions, self._egress_statements, out)
        parsing.take_from(self._ingress_expressions, self._shapes)
        parsing.render()
        out.lines("", "/* ---- egress: control ---- */")
        self._egress_statements.render(gress.control)
        out.lines("", "/* ---- egress: deparser ---- */")
        self._render_deparser(self._egress, self._egress_statements)

    def _set_clock(self, storage: Storage) -> None:
        role = storage.gress.roles.get("global_tstamp")
        if role is not None and role.name in variables_mentioned(storage.gress):
            self._out.line(f"{storage.variable(role)} = {_clock(role.width)};")

    def _render_deparser(self, storage: Storage, statements: Statements) -> None:
        self._out.label(statements.end)
        drop = storage.gress.roles.get("drop_ctl")
        if drop is None:
            statements.render(storage.gress.deparser)
            return
        is_dropped = self._is_dropped(storage)
        asks = self._asks(storage)
        if not asks:
            self._out.line(f"if ({is_dropped}) return DROPPED_BY_PROGRAM;")
            statements.render(storage.gress.deparser)
            return
        # What is dropped may be copied and told of all the same: from egress, as it would leave.
        self._out.line(f"if (({is_dropped}) && {' && '.join(asks)}) return DROPPED_BY_PROGRAM;")
        statements.render(storage.gress.deparser)
        if storage is self._ingress:
            self._out.line(f"if ({is_dropped}) return DROPPED_BY_PROGRAM;")

    def _is_dropped(self, storage: Storage) -> str:
        return f"{storage.variable(storage.gress.roles['drop_ctl'])} & 1"

    def _asks(self, storage: Storage) -> list[str]:
        """Return the C of that nothing is asked for of a packet that is dropped."""
        roles = storage.gress.roles
        used = {"mirror_type": mirrors(storage.gress), "digest_type": bool(storage.gress.digests)}
        return [
            f"!{storage.variable(roles[role])}"
            for role, is_used in used.items()
            if is_used and role in roles
        ]

    def _render_end(self) -> None:
        gress = self._program.egress
        if mirrors(gress):
            if not self._kind.is_copy:
                self._out.line(f"if ({self._egress.own(IS_MIRRORED)}) copy_frame(ctx);")
            drop = gress.roles.get("drop_ctl")
            if drop is not None:
                dropped = f"{self._egress.variable(drop)} & 1"
                self._out.line(f"if ({dropped}) return DROPPED_BY_PROGRAM;")
        self._out.line("return egress_port;")

    def _render_between(self) -> None:
        out, roles = self._out, self._program.ingress.roles
        self._choose_port()
        bypass = roles.get("bypass_egress")
        if bypass is not None:
            with out.block(f"if ({self._ingress.variable(bypass)})"):
                out.jump("leave")
        if _needs_length(self._program.egress):
            cursor = cursor_octets(self._ingress)
            out.line(f"egress_length = bpf_xdp_get_buff_len(ctx) - {cursor};")
            for header in emitted(self._program.ingress):
                valid = self._ingress.valid(header)
                out.line(f"if ({valid}) egress_length += {header.type.width // 8};")

    def _choose_port(self) -> None:
        port = self._program.ingress.roles.get("ucast_egress_port")
        self._out.line(f"egress_port = {self._ingress.variable(port) if port else '0'};")


def _mentioned(body: str) -> set[str]:
    return set(re.findall(rf"(?:{STATE}|{CARRIED})?\w+", body))


def _clock(width: int) -> str:
    return f"(NOW_NS() & {(1 << width) - 1:#x}ULL)"


def _needs_length(gress: ir.Gress) -> bool:
    fields = gress.intrinsic.type.fields if gress.intrinsic else ()
    measures = any(isinstance(s, ir.Count | ir.ExecuteMeter) for s in statements_of(gress))
    return measures or any(field.name == "pkt_length" for field in fields)


def _variables_of(storage: Storage) -> Iterator[tuple[str, str]]:
    """Yield the C type and name of every variable of a gress."""
    for variable in storage.gress.variables:
        yield ctype(variable.width), storage.variable(variable)
    for header in storage.headers():
        yield "__u8", storage.valid(header)
        if storage.is_in_frame(header):
            yield "__u8 *", storage.pointer(header)
            if storage.is_large:
                yield "__u16", storage.offset(header)
        for of in storage.local_fields(header):
            yield ctype(of.width), storage.field(header, of)


def _declared_state(variables: Sequence[tuple[str, str]], kind: Kind) -> str:
    """Return the declarations of what is known of a packet, and of the scratchpad that has room for
    it.
    """
    lines = [
        *_structure(f"{kind.name}_state", STATE, variables),
        *_structure(f"{kind.name}_carried", CARRIED, variables),
        f"SCRATCHPAD({kind.scratch}, {kind.name});",
        "",
    ]
    return "\n".join([*lines, ""])


def _structure(name: str, prefix: str, variables: Sequence[tuple[str, str]]) -> list[str]:
    """Return the declaration of a structure of those that begin with `prefix`, widest first."""
    members = [one for one in variables if one[1].startswith(prefix)]
    members.sort(key=lambda one: SIZES[one[0]], reverse=True)
    declared = (
        f"    {'u128_in_map' if kind == 'u128' else kind} {name.removeprefix(prefix)};"
        for kind, name in members
    )
    return [f"struct {name} {{", *declared, "};"]

"""The functions that take a packet from its port in to its port out.

A small program is one function: parser, control and all that follows. A large one has its state in
a structure (see `storage`) and is three: `decide`, all behind the ingress parser; `any_packet`,
that parser with the structure in a scratchpad, then `decide`; and `pipeline`, the likely ways
through the parser, each with `decide` once more and the structure in registers, and for the rest
`any_packet`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import emitted, mirrors, statements_of, variables_mentioned
from p4xdp.xdp.emission import render_emission
from p4xdp.xdp.expressions import Expressions
from p4xdp.xdp.likely import UNLIKELY, LikelyWays
from p4xdp.xdp.mirroring import IS_MIRRORED, Mirroring
from p4xdp.xdp.parsing import Parsing
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
_DECIDE = """\
/* All behind the ingress parser, compiled for each likely way and for all other packets. */
ALWAYS_INLINE int decide(
    struct xdp_md *ctx, __u32 ingress_port, __u32 is_copy, struct packet_state *packet,
    struct packet_carried *carried, __u8 *data, __u8 *data_end, __u64 now_ns, const int is_placed)
{
"""
_DECIDED = (
    "return decide(ctx, ingress_port, is_copy, packet, carried, data, data_end, now_ns, is_placed);"
)
_ANY_PACKET = """\
/* Any packet. Not inline and not static, so that the verifier goes through it once. */
__attribute__((noinline)) int any_packet(struct xdp_md *ctx, __u32 ingress_port, __u32 is_copy)
{
"""
_ANY_IS_ALL = "\n#define any_packet pipeline\n"
# A caller that knows an argument is not used would not give it, and the verifier wants it.
_ARGUMENTS_USED = "    HOLD(ingress_port);\n    HOLD(is_copy);\n"
_REACHED = f"""
    FORGET();
    {_DECIDED}
"""
_LIKELY = """\
    const int is_placed = 1;
    struct packet_state likely = {}, *packet = &likely;
    CARRIED(switch_scratch, packet);
"""
_UNLIKELY = "    return any_packet(ctx, ingress_port, is_copy);\n"
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
        if not self._egress.is_large:
            return self._function(parser + decision)
        ways = "" if self._kind.is_copy else self._render_ways()
        before = "".join(self._ingress_statements.functions + self._egress_statements.functions)
        mentioned = _mentioned(before + parser + decision + ways)
        members = [one for one in self._variables() if one[1] in mentioned] + moved
        members += [("__u32", name) for name in (CURSOR_AT, LEAVING_AT, GROWTH)]
        declared = _declared_state(members, self._kind) + before
        if self._kind.is_copy:
            return declared + self._function(decision)
        return declared + self._functions(parser, decision, ways)

    def _function(self, body: str) -> str:
        """Return the one function of a small program, or of copies."""
        scratch = f"    STATE_AND_CARRIED({self._kind.scratch}, {self._kind.name});\n"
        parts = [
            _COPIED if self._kind.is_copy else _PIPELINE,
            _FRAME,
            _CURSOR,
            _EGRESS_LENGTH if self._kind.is_copy else _EGRESS_PORT,
            _ANYWHERE + scratch if self._egress.is_large else "",
            self._locals(body),
            body,
            _END,
            "" if self._kind.is_copy else _ANY_IS_ALL,
        ]
        return "".join(parts)

    def _functions(self, parser: str, decision: str, ways: str) -> str:
        decide = [_DECIDE, _CURSOR, _EGRESS_PORT, self._locals(decision), decision, _END, "\n"]
        scratch = f"    STATE_AND_CARRIED({self._kind.scratch}, {self._kind.name});\n"
        any_packet = [_ANY_PACKET, _FRAME, _CURSOR, _ANYWHERE, _ARGUMENTS_USED, scratch]
        any_packet += [self._locals(parser), parser, _REACHED, _END, "\n"]
        likely = [_FRAME, _CURSOR, _LIKELY, self._locals(ways), ways] if ways else []
        return "".join([*decide, *any_packet, _PIPELINE, *likely, _UNLIKELY, _END])

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
        steps = likely_ways(self._program.ingress.parser)
        if not steps:
            return ""
        out, statements = self._out, self._ingress_statements
        out.lines("", "/* ---- ingress: likely ways through the parser ---- */")
        self._set_clock(self._ingress)
        LikelyWays(self._ingress_expressions, statements, steps, out).render(_DECIDED)
        out.label(UNLIKELY)
        return out.take()

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
        is_dropped = f"{storage.variable(drop)} & 1"
        asks = [
            f"!{storage.variable(storage.gress.roles[role])}"
            for role, is_used in (
                ("mirror_type", mirrors(storage.gress)),
                ("digest_type", bool(storage.gress.digests)),
            )
            if is_used and role in storage.gress.roles
        ]
        if not asks:
            self._out.line(f"if ({is_dropped}) return DROPPED_BY_PROGRAM;")
            statements.render(storage.gress.deparser)
            return
        # What is dropped may be copied and told of all the same: from egress, as it would leave.
        self._out.line(f"if (({is_dropped}) && {' && '.join(asks)}) return DROPPED_BY_PROGRAM;")
        statements.render(storage.gress.deparser)
        if storage is self._ingress:
            self._out.line(f"if ({is_dropped}) return DROPPED_BY_PROGRAM;")

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
        port = roles.get("ucast_egress_port")
        out.line(f"egress_port = {self._ingress.variable(port) if port else '0'};")
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

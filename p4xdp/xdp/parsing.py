"""Both parsers in C: labels and forward jumps, one bounds check an extraction.

The egress parser extracts what ingress emitted: it takes the ingress header over, wherever that
lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import emitted, octets_ahead
from p4xdp.xdp.expressions import constant, load, load_octets
from p4xdp.xdp.names import identifier
from p4xdp.xdp.shapes import PAYLOAD, Shapes
from p4xdp.xdp.storage import CURSOR_AT, wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.xdp.expressions import Expressions
    from p4xdp.xdp.statements import Statements
    from p4xdp.xdp.storage import Storage
    from p4xdp.xdp.writer import Writer

PARSER_ERROR_NO_MATCH = 1
PARSER_ERROR_PARTIAL_HDR = 2


class Parsing:
    """Renders the parser of one gress."""

    def __init__(
        self, gress: ir.Gress, expressions: Expressions, statements: Statements, out: Writer
    ) -> None:
        self._gress = gress
        self._expressions = expressions
        self._storage = expressions.storage
        self._statements = statements
        self._out = out
        self._given: Storage | None = None
        self._given_expressions: Expressions | None = None
        self._shapes = Shapes()

    def take_from(self, given: Expressions, shapes: Shapes) -> None:
        """Say what ingress emits (`given`), and which of it each extraction may meet."""
        self._given = given.storage
        self._given_expressions = given
        self._shapes = shapes

    def render(self) -> None:
        """Write the parser. It ends behind itself, with `parser_err` set."""
        name = self._gress.name
        order = _in_order(self._gress.parser)
        for state in order:
            self._out.label(self._label(state.name))
            self._out.position(state.at)
            self._state(state)
        for label, error in (
            (f"{name}_partial_header", PARSER_ERROR_PARTIAL_HDR),
            (f"{name}_no_match", PARSER_ERROR_NO_MATCH),
        ):
            if label in self._out.targets:
                self._out.label(label)
                self._fail(error)
        self._out.label(f"{name}_parsed")

    def _label(self, state: str) -> str:
        if state == "accept":
            return f"{self._gress.name}_parsed"
        if state == "reject":
            return f"{self._gress.name}_no_match"
        return f"{self._gress.name}_{identifier(state)}"

    def _fail(self, error: int) -> None:
        if self._gress.name == "ingress" and not self._gress.reads_parser_error:
            self._out.line("return DROPPED_BY_PROGRAM;")
            return
        role = self._gress.roles.get("parser_err")
        if role is not None:
            self._out.line(f"{self._storage.variable(role)} = {error};")
        self._out.jump(f"{self._gress.name}_parsed")

    def _state(self, state: ir.ParserState) -> None:
        for statement in state.statements:
            match statement:
                case ir.Extract() if statement.header.intrinsic:
                    pass
                case ir.Extract():
                    self._extract(statement.header)
                case ir.Advance():
                    self._require(statement.bits // 8)
                    self._out.line(f"cursor += {statement.bits // 8};")
                case _:
                    self._statements.render((statement,))
        self._select(state)

    def _require(self, octets: int) -> None:
        if self._storage.is_large and self._given is not None:
            # The parser of ingress has left the offset alone.
            self._out.line(f"cursor = data + ({CURSOR_AT} & MOST_OFFSET);")
        self._out.line("HOLD(cursor);")
        with self._out.block(f"if (cursor + {octets} > data_end)"):
            self._out.jump(f"{self._gress.name}_partial_header")

    def _select(self, state: ir.ParserState) -> None:
        ahead = max(map(octets_ahead, state.keys), default=0)
        if ahead and self._given is None:
            self._require(ahead)
        targets = [self._label(select.next_state) for select in state.selects]
        no_match = f"{self._gress.name}_no_match"
        if ahead and self._given is not None:
            with self._out.block(""):
                self._look_ahead(state, ahead)
                render_select(state, targets, no_match, self._statements, self._out)
            self._expressions.ahead = None
            return
        render_select(state, targets, no_match, self._statements, self._out)

    def _look_ahead(self, state: ir.ParserState, octets: int) -> None:
        """Write `ahead`, the first octets of what ingress emitted that egress has not taken."""
        out, given = self._out, self._given_expressions
        assert given is not None
        possible = self._shapes.ahead.get(id(state), set())
        width = octets * 8
        out.line(f"{wide(width)} ahead = 0;")
        sources = [h for h in emitted(given.storage.gress) if h.name in possible]
        for number, source in enumerate(sources):
            is_only = len(possible) == 1
            condition = "" if is_only else f"if ({given.storage.valid(source)})"
            with out.block(f"{'else ' if number else ''}{condition}"):
                given.certain = frozenset({source.name})
                value = given.render(first_bits(source, width))
                out.lines(*given.required)
                given.required.clear()
                out.line(f"ahead = {value};")
        if PAYLOAD in possible:
            with out.block("else" if sources else ""):
                self._require(octets)
                out.line(f"ahead = {load_octets('cursor', octets)};")
        self._expressions.ahead = ("ahead", width)

    def _extract(self, header: ir.Header) -> None:
        if self._given is None:
            self._extract_from_frame(header)
            return
        sources = self._shapes.sources.get(header.name, set())
        strangers = self._shapes.strangers.get(header.name, set())
        possible = [h for h in emitted(self._given.gress) if h.name in sources | strangers]
        certain = len(sources | strangers) == 1
        for number, source in enumerate(possible):
            condition = "" if certain else f"if ({self._given.valid(source)})"
            with self._out.block(f"{'else ' if number else ''}{condition}"):
                if source.name in strangers:
                    self._out.line("return DROPPED_MISPARSED;")
                else:
                    self.take(header, source)
        if PAYLOAD in sources:
            with self._out.block("else" if possible else ""):
                self._extract_from_frame(header)

    def take(self, header: ir.Header, source: ir.Header) -> None:
        """Write that egress extracts `header`, which ingress emitted as `source`."""
        storage, given, out = self._storage, self._given, self._out
        assert given is not None, "the parser of egress"
        out.line(f"{storage.valid(header)} = 1;")
        if storage.is_in_frame(header):
            self._take_place(header, source, given)
        local = storage.local_fields(header)
        for of, from_field in zip(header.type.fields, source.type.fields, strict=True):
            if of not in local:
                continue
            if from_field in given.local_fields(source):
                value = given.field(source, from_field)
            else:
                pointer = given.pointer(source)
                if storage.is_large:
                    out.line(given.reach(source, is_certain=True))
                value = f"{pointer} ? {load(pointer, from_field)} : 0"
            out.line(f"{storage.field(header, of)} = {value};")
        out.line(f"{given.valid(source)} = 0;")

    def _take_place(self, header: ir.Header, source: ir.Header, given: Storage) -> None:
        if given.is_large:
            self._out.line(f"{self._storage.offset(header)} = {given.offset(source)};")
        else:
            self._out.line(f"{self._storage.pointer(header)} = {given.pointer(source)};")

    def _extract_from_frame(self, header: ir.Header) -> None:
        storage, out = self._storage, self._out
        octets = header.type.width // 8
        self._require(octets)
        out.line(f"{storage.valid(header)} = 1;")
        if storage.is_in_frame(header):
            out.line(storage.place(header, "cursor"))
        for of in storage.local_fields(header):
            out.line(f"{storage.field(header, of)} = {load('cursor', of)};")
        moves = CURSOR_AT if storage.is_large and self._given is not None else "cursor"
        out.line(f"{moves} += {octets};")


def render_select(
    state: ir.ParserState,
    targets: Sequence[str],
    otherwise: str,
    statements: Statements,
    out: Writer,
) -> None:
    """Write the jump to the label in `targets` of the first select that fits, or `otherwise`."""
    if not state.keys:
        out.jump(targets[0] if targets else otherwise)
        return
    statements.reach(state)
    with out.block(""):
        for number, key in enumerate(state.keys):
            out.line(f"{wide(key.width)} key{number} = {statements.expression(key)};")
        for select, target in zip(state.selects, targets, strict=True):
            terms = [
                _fits(f"key{number}", key.width, value, mask)
                for number, (key, (value, mask)) in enumerate(
                    zip(state.keys, select.matches, strict=True)
                )
                if mask
            ]
            if not terms:
                out.jump(target)
                return
            with out.block(f"if ({' && '.join(terms)})"):
                out.jump(target)
        out.jump(otherwise)


def first_bits(header: ir.Header, width: int) -> ir.Expression:
    """Return the first `width` bits of a header, as an expression."""
    found: ir.Expression | None = None
    for of in header.type.fields:
        part: ir.Expression = ir.HeaderField(header, of)
        missing = width - (found.width if found else 0)
        if part.width > missing:
            part = ir.Slice(part, part.width - 1, part.width - missing)
        together = part.width + (found.width if found else 0)
        found = ir.Binary(ir.BinaryOp.CONCAT, found, part, together) if found else part
        if together == width:
            break
    assert found is not None, "a header has fields"
    return found


def _in_order(parser: ir.Parser) -> list[ir.ParserState]:
    """Return the reachable states so that every transition goes forward (there are no loops)."""
    order: list[ir.ParserState] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen or name not in parser.states:
            return
        seen.add(name)
        for select in reversed(parser.states[name].selects):
            visit(select.next_state)
        order.append(parser.states[name])

    visit("start")
    return order[::-1]


def _fits(key: str, width: int, value: int, mask: int) -> str:
    full = (1 << width) - 1
    if mask & full == full:
        return f"{key} == {constant(value)}"
    return f"({key} & {constant(mask & full)}) == {constant(value & mask)}"

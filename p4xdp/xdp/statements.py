"""Controls and actions in C."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.xdp.applying import Applying
from p4xdp.xdp.expressions import constant
from p4xdp.xdp.hashing import hash_of
from p4xdp.xdp.layout import TableLayout
from p4xdp.xdp.mirroring import IS_MIRRORED, Mirroring, mirror, tell
from p4xdp.xdp.registers import is_of_variables, packed, unpacked, widths_of
from p4xdp.xdp.sizes import size_of
from p4xdp.xdp.storage import wide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from p4xdp.xdp.applying import OnOutcome
    from p4xdp.xdp.expressions import Expressions
    from p4xdp.xdp.writer import Writer


@dataclass(frozen=True, slots=True)
class Symbols:
    """C names of what the program's objects became."""

    tables: Mapping[str, TableLayout]
    counters: Mapping[str, str]
    meters: Mapping[str, str]
    registers: Mapping[str, str]


class Statements:
    """Renders the statements of one gress. `length` is the C of the packet's length in octets."""

    def __init__(
        self,
        gress: ir.Gress,
        expressions: Expressions,
        symbols: Symbols,
        certain: Mapping[int, frozenset[str]],
        length: str,
        out: Writer,
        mirroring: Mirroring,
    ) -> None:
        self._gress = gress
        self._expressions = expressions
        self._storage = expressions.storage
        self._symbols = symbols
        self._certain = certain
        self._length = length
        self._out = out
        self._mirroring = mirroring
        self._valid: set[str] = set()  # headers valid for certain where we are
        self._on_way: frozenset[str] | None = None
        # The cell of direct counters and meters, in an entry's action.
        self._cell: str | None = None
        self._applying = Applying(self, out)
        self.functions: list[str] = []  # C to stand before the function that is written

    def be_where(self, valid: frozenset[str] | None) -> None:
        """Be on a likely way, where just these headers are valid; on any other way with None."""
        self._on_way = valid

    @contextmanager
    def in_action(self, param: Callable[[int], str], cell: str | None = None) -> Iterator[None]:
        """Be in an action: `param` gives the C of its data, `cell` that of the entry's cell."""
        outer = self._expressions.param, self._cell
        self._expressions.param, self._cell = param, cell
        yield
        self._expressions.param, self._cell = outer

    @property
    def end(self) -> str:
        """Return the label behind the control, where `exit` goes."""
        return f"{self._gress.name}_deparser"

    def render(self, statements: Sequence[ir.Statement]) -> None:
        """Write `statements`."""
        for statement in statements:
            self._reach(statement)
            self._render(statement)

    def reach(self, state: ir.ParserState) -> None:
        """Be at the transition of a parser state."""
        self._reach(state)

    def _reach(self, node: ir.Statement | ir.ParserState) -> None:
        if self._on_way is None:
            self._expressions.certain = self._certain.get(id(node), frozenset())
        else:
            self._expressions.certain = self._on_way
            self._valid = set(self._on_way)

    def expression(self, expression: ir.Expression) -> str:
        """Return the C of an expression, having written what it takes for granted."""
        value = self._expressions.render(expression)
        self._out.lines(*self._expressions.required)
        self._expressions.required.clear()
        return value

    def find(self, statement: ir.Apply, outcome: OnOutcome) -> None:
        """Write the search of a table, and `outcome` for each action that may come of it."""
        self._reach(statement)
        table, layout = self._gress.tables[statement.table], self._symbols.tables[statement.table]
        self._applying.render_lookup(statement, table, layout, outcome)

    def variable(self, variable: ir.Variable) -> str:
        """Return the C of a variable."""
        return self._storage.variable(variable)

    def run(self, action: str, param: Callable[[int], str], *, cell: str | None = None) -> None:
        """Write the action: `param` gives the C of its data, `cell` that of the entry's cell."""
        with self.in_action(param, cell):
            self.render_apart(self._gress.actions[action].body)

    def render_apart(self, statements: Sequence[ir.Statement]) -> None:
        """Write statements that may or may not be reached."""
        before = set(self._valid)
        self.render(statements)
        self._valid &= before

    def _render(  # noqa: C901, PLR0912  # one case a kind
        self, statement: ir.Statement
    ) -> None:
        match statement:
            case ir.Assign():
                self.store(statement.target, self.expression(statement.value))
            case ir.SetValid():
                self._set_valid(statement)
            case ir.If():
                self._branch(statement)
            case ir.Apply():
                layout = self._symbols.tables[statement.table]
                self._applying.render(statement, self._gress.tables[statement.table], layout)
            case ir.CallAction():
                self._out.position(statement.at)
                self.render(statement.body)
            case ir.Count():
                self._count(statement)
            case ir.ExecuteMeter():
                self._execute_meter(statement)
            case ir.ExecuteRegister():
                self._execute_register(statement)
            case ir.UpdateChecksum():
                self._update_checksum(statement)
            case ir.ComputeHash():
                fields = [(self.expression(one), one.width) for one in statement.fields]
                self.store(statement.target, hash_of(statement, fields))
            case ir.MirrorPacket():
                self._mirror(statement)
            case ir.PackDigest():
                self._out.position(statement.at)
                number = list(self._gress.digests).index(statement.digest)
                packed = [(self.expression(one), one.width) for one in statement.fields]
                tell(statement, number, packed, self._out)
            case ir.Exit():
                self._out.jump(self.end)
            case ir.Emit():
                pass  # all emits together are the end of the program: see `emission`
            case ir.Extract() | ir.Advance():
                raise AssertionError("the parser renders these")

    def store(self, target: ir.LValue, value: str) -> None:
        """Write an assignment of the C `value`."""
        match target:
            case ir.Read():
                self._out.line(f"{self._storage.variable(target.variable)} = {value};")
            case ir.HeaderField():
                # What is stored to an invalid header is lost.
                valid = self._storage.valid(target.header)
                name = self._storage.field(target.header, target.field)
                guard = "" if target.header.name in self._valid else f"if ({valid}) "
                self._out.line(f"{guard}{name} = {value};")
            case ir.Slice():
                operand = target.operand
                assert isinstance(operand, ir.Read | ir.HeaderField | ir.Slice), "an lvalue's slice"
                ones = (1 << target.width) - 1
                cleared = constant(((1 << operand.width) - 1) & ~(ones << target.low))
                around = self.expression(operand)
                inside = f"({wide(operand.width)})({value}) << {target.low}"
                self.store(operand, f"({around} & {cleared}) | {inside}")

    def _set_valid(self, statement: ir.SetValid) -> None:
        header = statement.header
        self._out.line(f"{self._storage.valid(header)} = {int(statement.valid)};")
        if statement.valid:
            self._valid.add(header.name)
            return
        self._valid.discard(header.name)
        # Fields of an invalid header read as 0.
        if self._storage.is_in_frame(header) and not self._storage.is_large:
            self._out.line(f"{self._storage.pointer(header)} = 0;")
        for of in self._storage.local_fields(header):
            self._out.line(f"{self._storage.field(header, of)} = 0;")

    def _branch(self, statement: ir.If, chain: str = "") -> None:
        if not chain:
            self._out.position(statement.at)
        condition = self.expression(statement.condition)
        if not condition.startswith("("):
            condition = f"({condition})"
        with self._out.block(f"{chain}if {condition}"):
            self.render_apart(statement.then)
        if not statement.otherwise:
            return
        other = statement.otherwise[0]
        if len(statement.otherwise) == 1 and isinstance(other, ir.If) and self._is_plain(other):
            self._branch(other, "else ")
            return
        with self._out.block("else"):
            self.render_apart(statement.otherwise)

    def _is_plain(self, statement: ir.If) -> bool:
        """Return whether the condition takes nothing for granted, and be where it stands."""
        self._reach(statement)
        self._expressions.render(statement.condition)
        is_plain = not self._expressions.required
        self._expressions.required.clear()
        return is_plain

    def _octets(self, adjust_octets: int) -> str:
        return f"octets_of({self._length}, {adjust_octets})"

    def _count(self, statement: ir.Count) -> None:
        index = self._cell if statement.index is None else self.expression(statement.index)
        if index is None:
            return  # no entry, so nothing to count for
        counter = self._gress.counters[statement.counter]
        counts_octets = counter.unit is not ir.CounterUnit.PACKETS
        octets = self._octets(statement.adjust_octets) if counts_octets else "0"
        symbol = self._symbols.counters[statement.counter]
        self._out.position(statement.at)
        self._out.line(f"count(&{symbol}, {size_of(symbol)}, {index}, {octets});")

    def _execute_meter(self, statement: ir.ExecuteMeter) -> None:
        meter = self._gress.meters[statement.meter]
        units = self._octets(statement.adjust_octets) if meter.in_bytes else "1"
        symbol = self._symbols.meters[statement.meter]
        color = "GREEN" if statement.color is None else self.expression(statement.color)
        index = self._cell if statement.index is None else self.expression(statement.index)
        out = self._out
        out.position(statement.at)
        if index is None:
            # No entry, so no meter.
            if statement.target is not None:
                self.store(statement.target, color)
            return
        with out.block(""):
            out.line(f"struct meter_cell *cell = meter_at(&{symbol}, {index});")
            out.line(f"__u8 color = {color};")
            out.line(f"if (cell) color = meter_execute(cell, {units}, NOW_NS(), color);")
            if statement.target is not None:
                self.store(statement.target, "color")

    def _execute_register(self, statement: ir.ExecuteRegister) -> None:
        out, storage = self._out, self._storage
        result = None if statement.result is None else storage.variable(statement.result)
        out.position(statement.at)
        with out.block(""):
            index = self.expression(statement.index)
            if self._storage.is_large and self._on_way is None and is_of_variables(statement):
                name = self._register_function(statement)
                out.line(f"int busy = {name}(carried, {index});")
                out.line("if (busy) return busy;")
            else:
                self._change_register(statement, index)
            if statement.target is not None:
                self.store(statement.target, result or "0")

    def _register_function(self, statement: ir.ExecuteRegister) -> str:
        """Write a function of its own for the change, so that the verifier goes through its loop
        once and not once for every way to it. Return its name.
        """
        kind = self._storage.kind
        name = f"{kind}_{self._symbols.registers[statement.register]}_{len(self.functions)}"
        out = self._out
        with out.apart() as lines:
            out.line(
                f"__attribute__((noinline)) int {name}(struct {kind}_carried *carried, __u32 index)"
            )
            with out.block(""):
                out.line("if (!carried) return DROPPED_INTERNAL;")
                self._change_register(statement, "index")
                out.line("return 0;")
        self.functions.append("\n".join([*lines, "", ""]))
        return name

    def _change_register(self, statement: ir.ExecuteRegister, index: str) -> None:
        out, storage = self._out, self._storage
        cell = [storage.variable(variable) for variable in statement.cell]
        result = None if statement.result is None else storage.variable(statement.result)
        symbol = self._symbols.registers[statement.register]
        out.line(f"__u64 *cell = register_at(&{symbol}, {index});")
        if result is not None:
            out.line(f"{result} = 0;")
        with out.block("if (cell)"):
            out.line("__u64 seen = *(volatile __u64 *)cell;")
            out.line("int tries = 0;")
            with out.block("for (; tries < REGISTER_TRIES; tries++)"):
                for name, field in zip(cell, unpacked(widths_of(statement), "seen"), strict=True):
                    out.line(f"{name} = {field};")
                if result is not None:
                    out.line(f"{result} = 0;")
                self.render_apart(statement.body)
                out.line(f"if (register_put(cell, &seen, {packed(cell)})) break;")
            out.line("if (tries == REGISTER_TRIES) return DROPPED_REGISTER_BUSY;")

    def _mirror(self, statement: ir.MirrorPacket) -> None:
        out, drop = self._out, self._gress.roles.get("drop_ctl")
        out.position(statement.at)
        is_egress = self._gress.name == "egress"
        may = f"if (!({self._storage.variable(drop)} & 4))" if is_egress and drop else ""
        with out.block(may):
            session = self.expression(statement.session)
            fields = [(self.expression(one), one.width) for one in statement.fields]
            is_mirrored = self._storage.own(IS_MIRRORED)
            mirror(statement, session, fields, self._mirroring, is_mirrored, out)

    def _update_checksum(self, statement: ir.UpdateChecksum) -> None:
        out = self._out
        with out.block(""):
            out.line("__u32 sum = 0;")
            at = 0
            for expression in statement.fields:
                value = self.expression(expression)
                out.lines(*(f"sum += {part};" for part in _words(value, expression.width, at)))
                at += expression.width
            self.store(statement.target, "checksum_of(sum)")


def _words(value: str, width: int, at: int) -> list[str]:
    """Return what `value`, `at` bits into the summed data, adds to each 16-bit word it lies in."""
    parts = []
    left = width
    while left:
        room = 16 - at % 16
        taken = min(room, left)
        left -= taken
        part = f"({value} >> {left} & {constant((1 << taken) - 1)})" if left else value
        if not left and taken != width:
            part = f"({value} & {constant((1 << taken) - 1)})"
        shift = room - taken
        parts.append(f"(__u32){part} << {shift}" if shift else f"(__u32){part}")
        at += taken
    return parts

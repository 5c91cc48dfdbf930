"""Applying a table in C: the search for an entry, and what the entry does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.xdp.constants import outcomes
from p4xdp.xdp.declarations import member
from p4xdp.xdp.expressions import constant
from p4xdp.xdp.finding import find
from p4xdp.xdp.names import identifier
from p4xdp.xdp.scanning import find_rule
from p4xdp.xdp.storage import wide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from p4xdp import ir
    from p4xdp.xdp.layout import Slot, TableLayout
    from p4xdp.xdp.statements import Statements
    from p4xdp.xdp.writer import Writer

    # Takes an action, what gives the C of its data, the C of the entry's cell, and 1 for a hit.
    OnOutcome = Callable[[str, Callable[[int], str], str | None, int], None]


class Applying:
    """Renders the applications of one gress's tables; `statements` renders all else."""

    def __init__(self, statements: Statements, out: Writer) -> None:
        self._statements = statements
        self._out = out

    def render(self, statement: ir.Apply, table: ir.Table, layout: TableLayout) -> None:
        """Write `statement`, which applies `table`."""
        out = self._out
        out.position(statement.at)
        with out.block(""):
            if statement.cases:
                out.line("__u8 action_run = 0;")
            if layout.kind == "constant":
                self._compare(statement, table, layout)
            else:
                self._find(statement, table, layout)
            for action, body in statement.cases:
                with out.block(f"if (action_run == {layout.action(action).symbol})"):
                    self._statements.render_apart(body)
            if statement.cases and statement.default_case:
                named = [layout.action(action).symbol for action, _ in statement.cases]
                others = " && ".join(f"action_run != {symbol}" for symbol in named)
                with out.block(f"if ({others})"):
                    self._statements.render(statement.default_case)
        if not statement.cases:
            self._statements.render(statement.default_case)

    def _compare(self, statement: ir.Apply, table: ir.Table, layout: TableLayout) -> None:
        out = self._out
        values = [f"key{number}" for number, _ in enumerate(table.keys)]
        for name, key in zip(values, table.keys, strict=True):
            value = self._statements.expression(key.expression)
            out.line(f"{wide(key.width)} {name} = {value};")
        chain = ""
        for condition, (action, arguments) in outcomes(table, values):
            with out.block(f"{chain}if ({condition})"):
                self._run_constant(statement, layout, action, arguments, is_hit=True)
            chain = "else "
        with out.block(chain.rstrip()):
            action, arguments = table.default_action, table.default_arguments
            self._run_constant(statement, layout, action, arguments, is_hit=False)

    def _run_constant(
        self,
        statement: ir.Apply,
        layout: TableLayout,
        action: str,
        arguments: Sequence[int],
        *,
        is_hit: bool,
    ) -> None:
        if statement.hit is not None:
            hit = self._statements.variable(statement.hit)
            self._out.line(f"{hit} = {int(is_hit)};")
        self._statements.run(action, lambda i: constant(arguments[i]))
        if statement.cases:
            self._out.line(f"action_run = {layout.action(action).symbol};")

    def _find(self, statement: ir.Apply, table: ir.Table, layout: TableLayout) -> None:
        self._find_entry(statement, table, layout)
        self._run_found(statement, table, layout)

    def _find_entry(self, statement: ir.Apply, table: ir.Table, layout: TableLayout) -> None:
        out = self._out
        out.line(f"union {layout.symbol}_entry *entry = 0;")
        if layout.kind != "keyless":
            self._look_up(table, layout)
            if layout.has_hits:
                out.line(f"if (entry) {layout.symbol}_note_hit(entry->direct.cell);")
        if statement.hit is not None:
            out.line(f"{self._statements.variable(statement.hit)} = entry != 0;")

    def render_lookup(
        self, statement: ir.Apply, table: ir.Table, layout: TableLayout, outcome: OnOutcome
    ) -> None:
        """Write the search for an entry, and `outcome` for each action that may come of it."""
        out = self._out
        out.position(statement.at)
        with out.block(""):
            self._find_entry(statement, table, layout)
            with out.block("if (!entry)"):
                if layout.defaults is None:
                    arguments = table.default_arguments
                    outcome(table.default_action, lambda i: constant(arguments[i]), None, 0)
                else:
                    self._find_default(layout)
                    out.line("if (!entry) return DROPPED_INTERNAL;")
                    self._switch(table, layout, outcome, hit=0)
            if table.keys:
                self._switch(table, layout, outcome, hit=1)

    def _switch(
        self, table: ir.Table, layout: TableLayout, outcome: OnOutcome, *, hit: int
    ) -> None:
        with self._out.block("switch (entry->action)"):
            for reference in table.actions:
                if reference.default_only if hit else reference.table_only:
                    continue
                laid_out = layout.action(reference.action)
                with self._out.block(f"case {laid_out.symbol}:"):
                    param = self._param(reference.action, layout)
                    outcome(reference.action, param, "entry->direct.cell", hit)
        self._out.line("return DROPPED_INTERNAL;")

    def _look_up(self, table: ir.Table, layout: TableLayout) -> None:
        out = self._out
        values = {key.name: self._statements.expression(key.expression) for key in table.keys}
        if layout.kind == "array":
            fields = (
                f"(__u32){values[slot.name]} << {slot.offset}" if slot.offset else values[slot.name]
                for slot in layout.keys
            )
            out.line(f"__u32 index = {' | '.join(fields)};")
            out.line(f"struct {layout.symbol}_switched *cell;")
            out.line(f"cell = bpf_map_lookup_elem(&{layout.symbol}, &index);")
            out.line("if (cell) entry = ACTIVE(cell);")
            return
        if layout.kind in ("scan", "groups"):
            find_rule(layout, values, out)
            return
        if layout.kind == "hash":
            found = find(layout, layout.keys, layout.key_size, values, out)
            out.line(f"entry = {found};")
            return
        out.line(f"struct {layout.symbol}_key key = {{}};")
        out.line(f"key.prefix_bits = {(layout.key_size - 4) * 8};")
        for slot in layout.keys:
            out.lines(*_lpm_words(f"key.{identifier(slot.name)}", slot, values[slot.name]))
        out.line(f"entry = bpf_map_lookup_elem(&{layout.symbol}, &key);")

    def _run_found(self, statement: ir.Apply, table: ir.Table, layout: TableLayout) -> None:
        out = self._out
        if layout.defaults is not None:
            with out.block("if (!entry)"):
                self._find_default(layout)
        reports = bool(statement.cases)
        if layout.defaults is None:
            with out.block("if (!entry)"):
                arguments = table.default_arguments
                self._statements.run(table.default_action, lambda i: constant(arguments[i]))
                if reports:
                    out.line(f"action_run = {layout.action(table.default_action).symbol};")
        with out.block(
            "else switch (entry->action)"
            if layout.defaults is None
            else "if (entry) switch (entry->action)"
        ):
            for reference in table.actions:
                if reference.default_only and layout.defaults is None:
                    continue
                self._case_of_entry(reference.action, layout)
        if reports:
            out.line("if (entry) action_run = entry->action;")

    def _find_default(self, layout: TableLayout) -> None:
        out = self._out
        out.line("__u32 only = 0;")
        out.line(f"struct {layout.symbol}_switched *cell;")
        out.line(f"cell = bpf_map_lookup_elem(&{layout.defaults}, &only);")
        out.line("if (cell) entry = ACTIVE(cell);")

    def _case_of_entry(self, action: str, layout: TableLayout) -> None:
        param = self._param(action, layout)
        with self._out.block(f"case {layout.action(action).symbol}:"):
            self._statements.run(action, param, cell="entry->direct.cell")
            self._out.line("break;")

    def _param(self, action: str, layout: TableLayout) -> Callable[[int], str]:
        """Return what gives the C of an action's data in `entry`."""
        laid_out = layout.action(action)
        params = [identifier(slot.name) for slot in laid_out.params]
        where = member(laid_out.symbol, layout)
        return lambda i: f"entry->{where}.{params[i]}"


def _lpm_words(name: str, slot: Slot, value: str) -> list[str]:
    if slot.size == 4:
        shift = 32 - slot.width
        shifted = f"(__u32){value} << {shift}" if shift else value
        return [f"{name} = __builtin_bswap32({shifted});"]
    bits = slot.size * 8
    shifted = f"({wide(bits)}){value} << {bits - slot.width}"
    return [
        f"{name}[{word}] = __builtin_bswap32({shifted}{f' >> {after}' if after else ''});"
        for word, after in enumerate(range(bits - 32, -1, -32))
    ]

"""The likely ways through the ingress parser in C. Their headers lie at places that are known when
the C is compiled, and so is which are valid: of the program's control, compiled once more behind
each way, only what such packets may need remains, and its variables need no memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import octets_ahead
from p4xdp.xdp.expressions import load
from p4xdp.xdp.parsing import render_select
from p4xdp.xdp.storage import CURSOR_AT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.xdp.expressions import Expressions
    from p4xdp.xdp.statements import Statements
    from p4xdp.xdp.ways import Step
    from p4xdp.xdp.writer import Writer

UNLIKELY = "any_packet"  # the label where packets go that take no likely way


class LikelyWays:
    """Renders `steps`; what is to be done at the end of a way is the C `end`."""

    def __init__(
        self, expressions: Expressions, statements: Statements, steps: Sequence[Step], out: Writer
    ) -> None:
        self._storage = expressions.storage
        self._statements = statements
        self._steps = steps
        self._out = out

    def render(self, end: str) -> None:
        """Write all ways. They go to the label UNLIKELY where a packet leaves them."""
        for step in self._steps:
            self._out.label(self._label(step))
            self._out.position(step.state.at)
            self._step(step, end)

    def _label(self, step: Step | None) -> str:
        return UNLIKELY if step is None else f"way_{self._steps.index(step)}"

    def _step(self, step: Step, end: str) -> None:
        at = step.at
        for statement in step.state.statements:
            match statement:
                case ir.Extract() if statement.header.intrinsic:
                    pass
                case ir.Extract():
                    at = self._extract(statement.header, at)
                case ir.Advance():
                    at += statement.bits // 8
                    self._require(at)
                case _:
                    self._statements.render((statement,))
        if step.is_end:
            self._out.lines(f"{CURSOR_AT} = {at};", end)
            return
        ahead = max(map(octets_ahead, step.state.keys), default=0)
        if ahead:
            self._require(at + ahead)
            self._out.line(f"cursor = data + {at};")
        targets = [self._label(following) for following in step.following]
        render_select(step.state, targets, UNLIKELY, self._statements, self._out)

    def _require(self, octets: int) -> None:
        with self._out.block(f"if (data + {octets} > data_end)"):
            self._out.jump(UNLIKELY)

    def _extract(self, header: ir.Header, at: int) -> int:
        storage, out = self._storage, self._out
        end = at + header.type.width // 8
        self._require(end)
        out.line(f"{storage.valid(header)} = 1;")
        if storage.is_in_frame(header):
            out.line(f"{storage.offset(header)} = {at};")
        for of in storage.local_fields(header):
            out.line(f"{storage.field(header, of)} = {load('data', of, at)};")
        return end

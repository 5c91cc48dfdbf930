"""Parsers: states, selects as values and masks, and what the device prepends to a packet."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend import syntax
from p4xdp.frontend.constants import unsigned
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import width_of

if TYPE_CHECKING:
    from p4xdp.frontend.elaborate_controls import ControlElaborator
    from p4xdp.frontend.types import Type

_FINAL = ("accept", "reject")


def elaborate_parser(
    elaborator: ControlElaborator, node: syntax.ParserDeclaration, port_metadata_bits: int
) -> ir.Parser:
    """Elaborate the states that can be reached.

    The device puts its intrinsic header and then `port_metadata_bits` before the frame; the parser
    has to take both off first.
    """
    start: list[ir.Statement] = []
    for local in node.locals:
        if isinstance(local, syntax.VariableDeclaration):
            start.extend(elaborator.statements([local]))
    nodes = {state.name: state for state in node.states}
    states: dict[str, ir.ParserState] = {}
    waiting = ["start"]
    while waiting:
        name = waiting.pop()
        if name in states or name in _FINAL:
            continue
        states[name] = _state(elaborator, nodes[name], start if name == "start" else [])
        waiting.extend(reversed([select.next_state for select in states[name].selects]))
    _refuse_loops(states)
    return ir.Parser(_strip_device_metadata(states, port_metadata_bits))


def _state(
    elaborator: ControlElaborator, node: syntax.StateNode, before: list[ir.Statement]
) -> ir.ParserState:
    statements = [*before, *elaborator.statements(node.statements)]
    transition = node.transition
    keys = tuple(elaborator.key(key) for key in transition.keys)
    kinds = [key.type for key in transition.keys]
    selects = tuple(
        ir.Select(matches, case.next_state)
        for case in transition.cases
        for matches in _matches(case.key_set, kinds)
    )
    return ir.ParserState(node.name, tuple(statements), keys, selects, node.annotations, node.at)


# --- key sets -------------------------------------------------------------------------------------


def _matches(
    node: syntax.Expression, kinds: list[Type | None]
) -> list[tuple[tuple[int, int], ...]]:
    """Return the (value, mask) tuples that together are a key set; a range may need several."""
    if isinstance(node, syntax.Anything):
        return [tuple((0, 0) for _ in kinds)]
    parts = node.items if isinstance(node, syntax.ListOf) else [node]
    widths = [width_of(kind) for kind in kinds if kind is not None]
    choices = [_ternary(part, width) for part, width in zip(parts, widths, strict=True)]
    return [tuple(match) for match in itertools.product(*choices)]


def _ternary(node: syntax.Expression, width: int) -> list[tuple[int, int]]:
    full = (1 << width) - 1
    match node:
        case syntax.Anything():
            return [(0, 0)]
        case syntax.Masked():
            assert node.mask.value is not None
            assert node.operand.value is not None
            mask = unsigned(node.mask.value, width)
            return [(unsigned(node.operand.value, width) & mask, mask)]
        case syntax.RangeOf():
            assert node.low.value is not None
            assert node.high.value is not None
            return prefixes(
                unsigned(node.low.value, width), unsigned(node.high.value, width), width
            )
        case _:
            assert node.value is not None
            return [(unsigned(node.value, width), full)]


def prefixes(low: int, high: int, width: int) -> list[tuple[int, int]]:
    """Cut low..high, both inclusive, into the fewest (value, mask) pairs."""
    found: list[tuple[int, int]] = []
    full = (1 << width) - 1
    while low <= high:
        size = low & -low or 1 << width
        while size > high - low + 1:
            size >>= 1
        found.append((low, full & ~(size - 1)))
        low += size
    return found


# --- the graph of states --------------------------------------------------------------------------


def _refuse_loops(states: dict[str, ir.ParserState]) -> None:
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> None:
        if name in _FINAL or name in done:
            return
        path.append(name)
        for select in states[name].selects:
            if select.next_state in path:
                raise SourceError(
                    states[name].at, f"state {name} leads back to {select.next_state}",
                    "loops are not supported: write the states out",
                )  # fmt: skip
            visit(select.next_state)
        path.pop()
        done.add(name)

    visit("start")


def _strip_device_metadata(
    states: dict[str, ir.ParserState], port_metadata_bits: int
) -> dict[str, ir.ParserState]:
    """Remove the advance over port metadata; refuse a parser that takes it for the frame."""
    result: dict[str, ir.ParserState] = {}
    entered: dict[str, tuple[bool, int]] = {}
    waiting = [("start", False, port_metadata_bits)]
    while waiting:
        name, has_intrinsic, remaining = waiting.pop()
        if name in _FINAL:
            continue
        state = states[name]
        if name in entered:
            if entered[name] != (has_intrinsic, remaining):
                raise SourceError(
                    state.at,
                    f"state {name} is entered at different offsets",
                    "skip the port metadata before branching",
                )
            continue
        entered[name] = (has_intrinsic, remaining)
        kept: list[ir.Statement] = []
        for statement in state.statements:
            made, has_intrinsic, remaining = _strip(statement, has_intrinsic, remaining)
            kept.extend(made)
        result[name] = dataclasses.replace(state, statements=tuple(kept))
        waiting.extend((select.next_state, has_intrinsic, remaining) for select in state.selects)
    return {name: result[name] for name in states}


def _strip(
    statement: ir.Statement,
    has_intrinsic: bool,  # noqa: FBT001
    remaining: int,
) -> tuple[list[ir.Statement], bool, int]:
    match statement:
        case ir.Extract(header=header) if header.intrinsic:
            if has_intrinsic:
                raise SourceError(
                    statement.at,
                    f"{header.name} is extracted twice",
                    "extract it once, in state start",
                )
            return [statement], True, remaining
        case ir.Extract() | ir.Advance() if not has_intrinsic:
            raise SourceError(
                statement.at,
                "the intrinsic metadata comes first",
                "extract ig_intr_md or eg_intr_md",
            )
        case ir.Advance() if remaining:
            skipped = min(statement.bits, remaining)
            rest = statement.bits - skipped
            kept: list[ir.Statement] = [ir.Advance(rest, statement.at)] if rest else []
            return kept, True, remaining - skipped
        case ir.Extract() if remaining:
            raise SourceError(
                statement.at, "port metadata comes before the frame",
                "packet.advance(PORT_METADATA_SIZE) first",
            )  # fmt: skip
    return [statement], has_intrinsic, remaining

"""The parser: from the frame to headers, or to the error it ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.interp.expressions import evaluate
from p4xdp.interp.machine import PacketTooShortError
from p4xdp.interp.statements import execute

if TYPE_CHECKING:
    from p4xdp import ir
    from p4xdp.interp.machine import Machine

# TNA's values of `parser_err`.
PARSER_ERROR_OK = 0
PARSER_ERROR_NO_MATCH = 1
PARSER_ERROR_PARTIAL_HDR = 2


def parse(machine: Machine) -> int:
    """Run the states from "start"; return a PARSER_ERROR_ value.

    On an error what was extracted before stays valid, and all behind it is payload.
    """
    states = machine.gress.parser.states
    name = "start"
    while name not in ("accept", "reject"):
        state = states[name]
        if machine.observer is not None:
            machine.observer.enters(state, machine)
        try:
            execute(state.statements, machine)
            name = next_state(state, machine)
        except PacketTooShortError:
            return PARSER_ERROR_PARTIAL_HDR
    return PARSER_ERROR_OK if name == "accept" else PARSER_ERROR_NO_MATCH


def next_state(state: ir.ParserState, machine: Machine) -> str:
    """Return where the transition of `state` goes."""
    values = [evaluate(key, machine) for key in state.keys]
    for select in state.selects:
        fits = (
            value & mask == wanted & mask
            for value, (wanted, mask) in zip(values, select.matches, strict=True)
        )
        if all(fits):
            return select.next_state
    return "reject"

"""Who watches a packet on its way through the interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p4xdp import ir
    from p4xdp.interp.machine import Machine


class Observer:
    """Is told what a packet undergoes. The packet is to be looked at, not changed.

    Every method does nothing here: a kind of observer overrides those it needs.
    """

    def begins(self, machine: Machine) -> None:
        """A gress begins with a packet."""

    def enters(self, state: ir.ParserState, machine: Machine) -> None:
        """The parser comes to `state`."""

    def before(self, statement: ir.Statement, machine: Machine) -> None:
        """`statement` is about to run."""

    def after(self, statement: ir.Statement, machine: Machine) -> None:
        """`statement` has run. Not told if it ended the parser or the control."""

    def parsed(self, machine: Machine, error: int) -> None:
        """The parser is done, with a PARSER_ERROR_ value."""

    def ends(self, machine: Machine, frame: bytes | None) -> None:
        """A gress is done: what leaves it, or None if the packet is dropped."""

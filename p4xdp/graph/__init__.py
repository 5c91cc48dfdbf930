"""Parsers and controls of an elaborated program as drawings: DOT and self-contained SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.graph.controls import control_graph
from p4xdp.graph.dot import to_dot
from p4xdp.graph.parsers import parser_graph
from p4xdp.graph.svg import to_svg

if TYPE_CHECKING:
    from p4xdp import ir
    from p4xdp.graph.model import Graph

__all__ = ["graphs", "to_dot", "to_svg"]


def graphs(program: ir.Program, *, parsers: bool = True, controls: bool = True) -> list[Graph]:
    """Return what is asked for, in the order a packet meets it."""
    makers = [*([parser_graph] if parsers else []), *([control_graph] if controls else [])]
    return [maker(gress) for gress in (program.ingress, program.egress) for maker in makers]

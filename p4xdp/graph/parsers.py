"""A parser as a graph: one node for each state, one edge for each way to leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir, wording
from p4xdp.graph.model import Graph, Kind

if TYPE_CHECKING:
    from p4xdp.graph.model import Node

_ENDS = {"accept": Kind.END, "reject": Kind.REJECT}


def parser_graph(gress: ir.Gress) -> Graph:
    """Return the states that can be reached from `start`, in the order they are reached."""
    graph = Graph(f"{gress.name}_parser", f"{gress.name} parser")
    nodes: dict[str, Node] = {}
    waiting = ["start"]
    while waiting:
        name = waiting.pop(0)
        if name in nodes:
            continue
        if name in _ENDS:
            nodes[name] = graph.add(_ENDS[name], name)
            continue
        state = gress.parser.states[name]
        nodes[name] = _state(graph, state)
        waiting += [select.next_state for select in state.selects]
    for name, node in nodes.items():
        if name not in _ENDS:
            state = gress.parser.states[name]
            for select in state.selects:
                graph.connect(node.id, nodes[select.next_state].id, _label(state, select))
    return graph


def _state(graph: Graph, state: ir.ParserState) -> Node:
    lines = [wording.statement(statement) for statement in state.statements]
    if state.keys:
        lines.append(f"select {', '.join(map(wording.expression, state.keys))}")
    return graph.add(Kind.STATE, state.name, tuple(lines), str(state.at))


def _label(state: ir.ParserState, select: ir.Select) -> str:
    if not state.keys:
        return ""
    if all(mask == 0 for _, mask in select.matches):
        return "default"
    keys = zip(select.matches, state.keys, strict=True)
    return ", ".join(wording.masked(value, mask, key.width) for (value, mask), key in keys)

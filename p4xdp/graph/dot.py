"""Graphs in Graphviz's language, one cluster for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.graph.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p4xdp.graph.model import Graph, Node

_SHAPES = {
    Kind.START: "circle",
    Kind.STATE: "box",
    Kind.TABLE: "box",
    Kind.CONDITION: "diamond",
    Kind.CODE: "plaintext",
    Kind.EXTERN: "cylinder",
    Kind.END: "doubleoctagon",
    Kind.REJECT: "octagon",
}


def to_dot(graphs: Iterable[Graph], title: str) -> str:
    """Return one digraph, one node or edge a line."""
    lines = [
        f"digraph {_quoted(title)} {{",
        '  node [fontname="monospace", fontsize=10];',
        '  edge [fontname="monospace", fontsize=9];',
    ]
    for graph in graphs:
        lines.append(f"  subgraph cluster_{graph.name} {{")
        lines.append(f"    label={_quoted(graph.title)};")
        lines += [f"    {_node(graph, node)}" for node in graph.nodes]
        for edge in graph.edges:
            label = f" [label={_quoted(edge.label)}]" if edge.label else ""
            lines.append(f"    {graph.name}_{edge.source} -> {graph.name}_{edge.target}{label};")
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def _node(graph: Graph, node: Node) -> str:
    text = _quoted(node.title)
    if node.lines:
        # \\l ends a line and sets it to the left.
        text = '"' + "".join(f"{_escaped(line)}\\l" for line in (node.title, *node.lines)) + '"'
    style = ", style=bold" if node.kind is Kind.TABLE else ""
    tip = f", tooltip={_quoted(node.tip)}" if node.tip else ""
    return f"{graph.name}_{node.id} [shape={_SHAPES[node.kind]}{style}, label={text}{tip}];"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""What is drawn: nodes and edges of one parser or control, without a layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a node stands for; renderers give each a look of its own."""

    START = "start"
    STATE = "state"  # of a parser
    TABLE = "table"
    CONDITION = "condition"
    CODE = "code"  # statements in a row
    EXTERN = "extern"  # statements with a counter, meter, register or hash among them
    END = "end"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Node:
    """A box. `title` is its first line, `lines` what stands below; `tip` says where it is from."""

    id: str
    kind: Kind
    title: str
    lines: tuple[str, ...] = ()
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """From node to node, by id. `label` says when it is taken; empty means always."""

    source: str
    target: str
    label: str = ""


@dataclass(slots=True)
class Graph:
    """One parser or control. Edges never form a circle: the subset has no loops."""

    name: str  # as an identifier: "ingress_parser"
    title: str
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def add(self, kind: Kind, title: str, lines: tuple[str, ...] = (), tip: str = "") -> Node:
        """Append a node with an id of its own."""
        node = Node(f"n{len(self.nodes)}", kind, title, lines, tip)
        self.nodes.append(node)
        return node

    def connect(self, source: str, target: str, label: str = "") -> None:
        """Append an edge, or add the label to the one that is there."""
        for position, edge in enumerate(self.edges):
            if (edge.source, edge.target) == (source, target):
                labels = [text for text in (edge.label, label) if text]
                self.edges[position] = Edge(source, target, " | ".join(labels))
                return
        self.edges.append(Edge(source, target, label))

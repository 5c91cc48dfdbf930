"""Graphs as one SVG that needs nothing else: no font, script or style from elsewhere.

Colours follow the reader's light or dark setting, also when the file is shown as an image.
"""

from __future__ import annotations

import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from p4xdp.graph.layout import Layout, layout
from p4xdp.graph.model import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.graph.layout import Box, Route
    from p4xdp.graph.model import Edge, Graph, Node

_CHARACTER_PX = 7.25  # of a monospaced font of 12 px; every such font is 0.6 em wide
_LINE_PX = 16.0
_PADDING_PX = 10.0
_MARGIN_PX = 28.0
_HEADING_PX = 34.0
_MAX_COLUMNS = 52
_MAX_LINES = 10
_MAX_LABEL_LINES = 4

# (light fill, light line, dark fill, dark line)
_COLOURS = {
    Kind.START: ("#52525b", "#52525b", "#a1a1aa", "#a1a1aa"),
    Kind.STATE: ("#e8eefc", "#3f5fb0", "#1c2744", "#7f9ce8"),
    Kind.TABLE: ("#dff3e6", "#1c7a48", "#12301f", "#58b98a"),
    Kind.CONDITION: ("#fdf3d3", "#96700a", "#362c0d", "#d3ab3d"),
    Kind.CODE: ("#f3f3f5", "#8e8e99", "#232329", "#7c7c88"),
    Kind.EXTERN: ("#f5e6fa", "#85409f", "#321a3d", "#c084d9"),
    Kind.END: ("#e4e4e7", "#52525b", "#2e2e34", "#a1a1aa"),
    Kind.REJECT: ("#fde4e2", "#b3261e", "#3d1714", "#f0867e"),
}
_LEGEND = (Kind.STATE, Kind.TABLE, Kind.CONDITION, Kind.CODE, Kind.EXTERN)
_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path class="head" d="M0 0.8 7.5 4 0 7.2z"/></marker></defs>'
)


def to_svg(graphs: Sequence[Graph], title: str) -> str:
    """Return the document; graphs stand side by side under their titles."""
    left, bottom, parts = _MARGIN_PX, 0.0, []
    for graph in graphs:
        drawing = _lay_out(graph)
        heading = f'<text class="heading" x="0" y="-14">{escape(graph.title)}</text>'
        place = f'transform="translate({left:.1f} {_MARGIN_PX + _HEADING_PX:.1f})"'
        parts += [f'<g id="{graph.name}" {place}>', heading, *_draw(graph, drawing), "</g>"]
        left += max(drawing.width, 200.0) + 2 * _MARGIN_PX
        bottom = max(bottom, drawing.height)
    kinds = {node.kind for graph in graphs for node in graph.nodes}
    height = bottom + _HEADING_PX + 2 * _MARGIN_PX + 30
    width = max(left - _MARGIN_PX, 560.0)
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_style()}</style>",
            _ARROW,
            '<rect class="page" width="100%" height="100%"/>',
            *parts,
            *_legend([kind for kind in _LEGEND if kind in kinds], height - _MARGIN_PX),
            "</svg>\n",
        ]
    )


def _style() -> str:
    def colours(dark: int) -> str:
        return "".join(
            f".{kind} rect,.{kind} circle{{fill:{of[2 * dark]};stroke:{of[2 * dark + 1]}}}"
            for kind, of in _COLOURS.items()
        )

    return (
        "text{font:12px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#18181b}"
        ".heading{font:600 16px system-ui,sans-serif}.title{font-weight:700}"
        ".label{font-size:11px;fill:#52525b}.page{fill:#fff}.edge{fill:none;stroke:#a1a1aa}"
        ".edge{stroke-width:1.3}.head{fill:#71717a}"
        f"{colours(0)}"
        "@media(prefers-color-scheme:dark){text{fill:#f4f4f5}.label{fill:#c4c4cc}"
        f".page{{fill:#141417}}.edge{{stroke:#63636e}}.head{{fill:#9a9aa6}}{colours(1)}}}"
    )


def _lay_out(graph: Graph) -> Layout:
    sizes = {node.id: _size(_text(node), 2 * _PADDING_PX) for node in graph.nodes}
    for node in graph.nodes:
        if node.kind is Kind.START:
            sizes[node.id] = (18.0, 18.0)
    labels = {edge: _size(_label(edge), 6.0) for edge in graph.edges if edge.label}
    return layout(sizes, graph.edges, labels)


def _text(node: Node) -> list[str]:
    """Return the lines to show: long ones broken, very many cut (the tip has them all)."""
    title = textwrap.wrap(node.title, _MAX_COLUMNS)
    lines = [
        part
        for line in node.lines
        for part in textwrap.wrap(line, _MAX_COLUMNS, subsequent_indent="  ")
    ]
    return _cut([*title, *lines], _MAX_LINES)


def _label(edge: Edge) -> list[str]:
    return _cut(edge.label.split(" | "), _MAX_LABEL_LINES)


def _cut(lines: list[str], most: int) -> list[str]:
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"… {len(lines) - most + 1} more"]


def _size(lines: Sequence[str], padding: float) -> tuple[float, float]:
    columns = max(map(len, lines))
    return columns * _CHARACTER_PX + padding, len(lines) * _LINE_PX + padding * 0.7


def _draw(graph: Graph, drawing: Layout) -> list[str]:
    parts = [_edge(route) for route in drawing.routes]
    for route in drawing.routes:
        if route.label is not None:
            parts += _label_of(route.label, _label(route.edge))
    return parts + [_node(node, drawing.boxes[node.id]) for node in graph.nodes]


def _label_of(box: Box, lines: Sequence[str]) -> list[str]:
    """Write a label over its edge, on a patch that hides the line behind the letters."""
    width, height = _size(lines, 0.0)
    top = box.y + (box.height - height) / 2
    patch = (
        f'<rect class="page" x="{box.x - width / 2:.1f}" y="{top:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}"/>'
    )
    return [patch, *_texts(box.x, top, lines, 'class="label" text-anchor="middle"')]


def _edge(route: Route) -> str:
    """Draw a smooth line through the boxes, leaving and arriving straight down."""
    source, *between, target = route.boxes
    points = [(_port(source, source.below, route.boxes[1]), source.y + source.height)]
    for box in between:
        points += [(box.x, box.y), (box.x, box.y + box.height)]
    points.append((_port(target, target.above, route.boxes[-2]), target.y - 1))
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        path += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
    return f'<path class="edge" marker-end="url(#arrow)" d="{path}"/>'


def _port(box: Box, neighbours: Sequence[Box], end: Box) -> float:
    """Spread the ends of several edges along a side, in the order of where they go."""
    order = sorted(neighbours, key=lambda other: other.x)
    share = (order.index(end) + 1) / (len(order) + 1)
    return box.x + (share - 0.5) * box.width * 0.8


def _node(node: Node, box: Box) -> str:
    tip = "\n".join(text for text in (node.title, *node.lines, node.tip) if text)
    start = f'<g class="{node.kind}"><title>{escape(tip)}</title>'
    if node.kind is Kind.START:
        return f'{start}<circle cx="{box.x:.1f}" cy="{box.y + 9:.1f}" r="8"/></g>'
    radius = {Kind.CONDITION: 15, Kind.END: 10, Kind.REJECT: 10}.get(node.kind, 4)
    shape = (
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{radius}"/>'
    )
    lines = _text(node)
    x = box.x - box.width / 2 + _PADDING_PX
    top = box.y + (box.height - len(lines) * _LINE_PX) / 2
    heads = 1 if node.lines and node.kind in (Kind.STATE, Kind.TABLE, Kind.END) else 0
    title = _texts(x, top, lines[:heads], 'class="title"')
    rest = _texts(x, top + heads * _LINE_PX, lines[heads:])
    return "".join([start, shape, *title, *rest, "</g>"])


def _texts(x: float, top: float, lines: Sequence[str], attributes: str = "") -> list[str]:
    return [
        f'<text {attributes} x="{x:.1f}" y="{top + number * _LINE_PX + 12:.1f}" '
        f'xml:space="preserve">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]


def _legend(kinds: Sequence[Kind], y: float) -> list[str]:
    parts = []
    for position, kind in enumerate(kinds):
        x = _MARGIN_PX + position * 110
        parts.append(
            f'<g class="{kind}"><rect x="{x}" y="{y - 11:.0f}" width="14" height="14" rx="3"/>'
            f'<text class="label" x="{x + 20}" y="{y:.0f}">{kind}</text></g>'
        )
    return parts

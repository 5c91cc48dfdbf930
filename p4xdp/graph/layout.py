"""Where the boxes stand: a layered drawing from top to bottom, as Sugiyama's method has it.

Every node gets a rank below all its predecessors. Between two ranks lies one for labels, so a
label has a place of its own and nothing covers it. An edge over several ranks is a chain of points.
Sweeps up and down order each rank by the middle of its neighbours to avoid crossings, then move
boxes under their neighbours as far as the distance between boxes allows. Lengths are in pixels.
"""

from __future__ import annotations

import graphlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from p4xdp.graph.model import Edge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GAP_ACROSS = 26.0
GAP_DOWN = 18.0
_ORDER_SWEEPS = 12
_PLACE_SWEEPS = 16


@dataclass(slots=True)
class Box:
    """A node, a label or a bend of a long edge. `x` is its middle, `y` its top."""

    width: float
    height: float
    rank: int = 0
    x: float = 0.0
    y: float = 0.0
    above: list[Box] = field(default_factory=list)
    below: list[Box] = field(default_factory=list)
    is_bend: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """An edge with the boxes it runs through, ends included. `label` is one of them or None."""

    edge: Edge
    boxes: tuple[Box, ...]
    label: Box | None


@dataclass(frozen=True, slots=True)
class Layout:
    """A finished drawing: boxes of nodes by id, the routes, and the size of it all."""

    boxes: dict[str, Box]
    routes: tuple[Route, ...]
    width: float
    height: float


def layout(
    node_sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    label_sizes: Mapping[Edge, tuple[float, float]],
) -> Layout:
    """Place nodes of these sizes. Edges must not form a circle; their ends are in `node_sizes`.

    `label_sizes` holds the edges that have a label.
    """
    boxes = {name: Box(*size) for name, size in node_sizes.items()}
    for name, rank in _ranks(node_sizes, edges).items():
        boxes[name].rank = 2 * rank
    routes = tuple(_route(boxes, edge, label_sizes.get(edge)) for edge in edges)
    ranks = _order(_by_rank(boxes, routes))
    _place_down(ranks)
    _place_across(ranks)
    everything = [box for rank in ranks for box in rank]
    left = min((box.x - box.width / 2 for box in everything), default=0.0)
    for box in everything:
        box.x -= left
    return Layout(
        boxes,
        routes,
        max((box.x + box.width / 2 for box in everything), default=0.0),
        max((box.y + box.height for box in everything), default=0.0),
    )


def _ranks(names: Mapping[str, object], edges: Sequence[Edge]) -> dict[str, int]:
    """Return for each node the length of the longest way to it."""
    sources: dict[str, set[str]] = {name: set() for name in names}
    for edge in edges:
        sources[edge.target].add(edge.source)
    ranks: dict[str, int] = {}
    for name in graphlib.TopologicalSorter(sources).static_order():
        ranks[name] = max((ranks[source] + 1 for source in sources[name]), default=0)
    return ranks


def _route(boxes: Mapping[str, Box], edge: Edge, label_size: tuple[float, float] | None) -> Route:
    """Join the ends of an edge by bends, the first of which carries its label."""
    source, target = boxes[edge.source], boxes[edge.target]
    bends = (Box(0.0, 0.0, rank, is_bend=True) for rank in range(source.rank + 1, target.rank))
    chain = [source, *bends, target]
    label = None
    if label_size is not None:
        label = chain[1]
        label.width, label.height = label_size
    for upper, lower in pairwise(chain):
        upper.below.append(lower)
        lower.above.append(upper)
    return Route(edge, tuple(chain), label)


def _by_rank(boxes: Mapping[str, Box], routes: Sequence[Route]) -> list[list[Box]]:
    bends = [box for route in routes for box in route.boxes[1:-1]]
    everything = [*boxes.values(), *bends]
    ranks: list[list[Box]] = [[] for _ in range(max((b.rank for b in everything), default=-1) + 1)]
    seen: set[int] = set()
    # Depth first, so that what belongs together starts side by side.
    stack = [box for box in reversed(everything) if not box.above]
    while stack:
        box = stack.pop()
        if id(box) not in seen:
            seen.add(id(box))
            ranks[box.rank].append(box)
            stack += reversed(box.below)
    return ranks


def _order(ranks: list[list[Box]]) -> list[list[Box]]:
    """Return the ranks in the order with the fewest crossings that the sweeps came by."""
    best, fewest = [list(rank) for rank in ranks], _crossings(ranks)
    for sweep in range(_ORDER_SWEEPS):
        down = sweep % 2 == 0
        for number in range(len(ranks)) if down else reversed(range(len(ranks))):
            place = {id(box): i for rank in ranks for i, box in enumerate(rank)}
            ranks[number].sort(key=lambda box: _middle(box, place, down=down))
        crossings = _crossings(ranks)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in ranks], crossings
    return best


def _middle(box: Box, place: Mapping[int, int], *, down: bool) -> float:
    neighbours = box.above if down else box.below
    if not neighbours:
        return float(place[id(box)])
    return sum(place[id(other)] for other in neighbours) / len(neighbours)


def _crossings(ranks: Sequence[Sequence[Box]]) -> int:
    total = 0
    for upper, lower in pairwise(ranks):
        place = {id(box): i for i, box in enumerate(lower)}
        ends = [sorted(place[id(other)] for other in box.below) for box in upper]
        flat = [end for group in ends for end in group]
        total += sum(1 for i, end in enumerate(flat) for other in flat[i + 1 :] if other < end)
    return total


def _place_down(ranks: Sequence[Sequence[Box]]) -> None:
    y = 0.0
    for rank in ranks:
        height = max(box.height for box in rank)
        for box in rank:
            if box.is_bend:
                # Past the boxes of this rank straight down, never through their corners.
                box.height = height
            box.y = y + (height - box.height) / 2
        y += height + GAP_DOWN


def _place_across(ranks: Sequence[Sequence[Box]]) -> None:
    for rank in ranks:
        _pack(rank, [0.0] * len(rank))
    for sweep in range(_PLACE_SWEEPS):
        down = sweep % 2 == 0
        for rank in ranks if down else reversed(ranks):
            _pack(rank, [_wish(box, down=down) for box in rank])


def _wish(box: Box, *, down: bool) -> float:
    neighbours = (box.above if down else box.below) or (box.below if down else box.above)
    if not neighbours:
        return box.x
    # Bends pull harder: a long edge should run straight.
    weights = [4.0 if box.is_bend and other.is_bend else 1.0 for other in neighbours]
    pairs = zip(neighbours, weights, strict=True)
    return sum(other.x * weight for other, weight in pairs) / sum(weights)


def _pack(rank: Sequence[Box], wishes: Sequence[float]) -> None:
    """Give each box the place nearest its wish at which none overlap, in their order.

    Boxes that would overlap move as one block, at the mean of what its members wish.
    """
    offsets = [0.0]
    for left, right in pairwise(rank):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + GAP_ACROSS)
    blocks: list[tuple[float, int]] = []  # (sum of wishes for the first box, members)
    for wish, offset in zip(wishes, offsets, strict=False):
        total, members = wish - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / members:
            before, count = blocks.pop()
            total, members = total + before, members + count
        blocks.append((total, members))
    position = 0
    for total, members in blocks:
        for index in range(position, position + members):
            rank[index].x = total / members + offsets[index]
        position += members

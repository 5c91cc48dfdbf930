"""Boxes of a drawing neither overlap nor stand above what leads to them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.graph.layout import layout
from p4xdp.graph.model import Edge


@st.composite
def drawings(draw):
    count = draw(st.integers(1, 14))
    sizes = {f"n{i}": (draw(st.floats(10, 300)), draw(st.floats(10, 90))) for i in range(count)}
    pairs = draw(st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))))
    edges = [Edge(f"n{a}", f"n{b}") for a, b in sorted(pairs) if a < b]
    labels = {edge: (40.0, 16.0) for edge in edges if draw(st.booleans())}
    return sizes, edges, labels


@settings(max_examples=60, deadline=None)
@given(drawings())
def test_no_two_boxes_or_labels_overlap(drawing):
    sizes, edges, labels = drawing
    drawn = layout(sizes, edges, labels)
    boxes = [*drawn.boxes.values(), *(r.label for r in drawn.routes if r.label is not None)]
    for one, other in itertools.combinations(boxes, 2):
        apart_x = abs(one.x - other.x) >= (one.width + other.width) / 2 - 0.01
        apart_y = one.y + one.height <= other.y + 0.01 or other.y + other.height <= one.y + 0.01
        assert apart_x or apart_y
    assert all(b.x - b.width / 2 + 0.01 >= 0 for b in boxes)
    assert all(b.x + b.width / 2 <= drawn.width + 0.01 for b in boxes)


def test_boxes_side_by_side_keep_their_distance():
    drawn = layout({"a": (50, 20), "b": (70, 20)}, [], {})
    assert abs(drawn.boxes["a"].x - drawn.boxes["b"].x) - 60 >= 20


@settings(max_examples=30, deadline=None)
@given(drawings())
def test_edges_lead_down(drawing):
    sizes, edges, labels = drawing
    drawn = layout(sizes, edges, labels)
    for edge in edges:
        source, target = drawn.boxes[edge.source], drawn.boxes[edge.target]
        assert source.y + source.height < target.y


def test_crossings_that_can_be_avoided_are():
    sizes = dict.fromkeys("abcdef", (50.0, 20.0))
    # As given, every edge of the second layer would cross the others.
    edges = [Edge("a", x) for x in "bcd"] + [Edge("b", "f"), Edge("d", "e")]
    drawn = layout(sizes, edges, {})
    boxes = drawn.boxes
    assert (boxes["b"].x < boxes["d"].x) == (boxes["f"].x < boxes["e"].x)


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        layout({"a": (1, 1), "b": (1, 1)}, [Edge("a", "b"), Edge("b", "a")], {})

"""A flame graph of collapsed stacks: `python -m testbed.bench.flame STACKS SVG --title TEXT`.

A line of STACKS is frames from the outermost on, joined by `;`, then a blank and how often they
were seen: what `py-spy record --format raw` and Linux `perf` with its scripts write.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

_WIDTH, _ROW, _TOP, _MARGIN = 1200, 17, 34, 10
_LEAST_WIDTH = 0.6  # narrower frames are left out
_CHARACTER = 6.6
_COLOURS = ("#e8743b", "#ed8f4f", "#f0a868", "#e6b450", "#d9903d", "#e57f5a")


@dataclass
class Frame:
    """How often a frame was on the stack here, and what was above it."""

    count: int = 0
    above: "dict[str, Frame]" = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """Frames one on another, this one included."""
        return 1 + max((each.depth for each in self.above.values()), default=0)


def folded(lines: Iterable[str], root: str | None = None) -> Frame:
    """The stacks as a tree; of those with a frame `root`, what stands on it, and no others.

    Line numbers are left out: a function is one frame.
    """
    tree = Frame()
    for line in lines:
        stack, _, count = line.rstrip("\n").rpartition(" ")
        frames = [_name(each) for each in stack.split(";")]
        if root is not None:
            if root not in frames:
                continue
            frames = frames[frames.index(root) :]
        tree.count += int(count)
        at = tree
        for name in frames:
            at = at.above.setdefault(name, Frame())
            at.count += int(count)
    return tree


def _name(frame: str) -> str:
    """`function (file:line)` without the line."""
    head, colon, line = frame.rpartition(":")
    return f"{head})" if colon and line.rstrip(")").isdigit() else frame


def widest(tree: Frame, outside: Iterable[str] = ()) -> list[tuple[str, float]]:
    """Frames by the part of all samples that had them anywhere, those `outside` left out."""
    counts: dict[str, int] = {}

    def walk(frame: Frame, seen: frozenset[str]) -> None:
        for name, each in frame.above.items():
            if name not in seen:
                counts[name] = counts.get(name, 0) + each.count
            walk(each, seen | {name})

    walk(tree, frozenset())
    left_out = set(outside)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(name, count / tree.count) for name, count in ranked if name not in left_out]


def drawn(tree: Frame, title: str) -> Iterator[str]:
    """The graph as lines of SVG, outermost frames at the bottom."""
    height = _TOP + tree.depth * _ROW + _MARGIN
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="monospace" font-size="11">'
    )
    yield f'<rect width="{_WIDTH}" height="{height}" fill="#fffaf3"/>'
    yield f'<text x="{_MARGIN}" y="20" font-size="14">{escape(title)}</text>'
    scale = (_WIDTH - 2 * _MARGIN) / max(1, tree.count)
    yield from _rows(tree, _MARGIN, height - _MARGIN - _ROW, scale, tree.count)
    yield "</svg>"


def _rows(frame: Frame, left: float, top: float, scale: float, total: int) -> Iterator[str]:
    for name, each in sorted(frame.above.items()):
        width = each.count * scale
        if width >= _LEAST_WIDTH:
            colour = _COLOURS[sum(name.encode()) % len(_COLOURS)]
            yield (
                f"<g><title>{escape(name)}: {100 * each.count / total:.1f} %</title>"
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW - 1}" '
                f'fill="{colour}" rx="1"/>'
            )
            room = int((width - 4) / _CHARACTER)
            if room >= 4:
                text = name if len(name) <= room else name[: room - 1] + "…"
                yield f'<text x="{left + 2:.1f}" y="{top + 12}">{escape(text)}</text>'
            yield "</g>"
            yield from _rows(each, left, top - _ROW, scale, total)
        left += width


def main() -> int:
    """Write the graph, print its widest frames."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stacks", type=Path)
    parser.add_argument("svg", type=Path)
    parser.add_argument("--title", default="")
    parser.add_argument("--root", help="only what stands on this frame")
    options = parser.parse_args()
    with options.stacks.open(encoding="utf-8") as lines:
        tree = folded(lines, options.root)
    if not tree.count:
        print(f"{options.stacks} has no stack{f' with {options.root}' if options.root else ''}")
        return 1
    options.svg.write_text("\n".join(drawn(tree, options.title)) + "\n", encoding="utf-8")
    for name, part in widest(tree)[:40]:
        print(f"{100 * part:5.1f} %  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Lines of C with their indentation."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.ir import Position


class Writer:
    """Collects lines; remembers which labels somebody jumps to."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0
        self._last_position = ""
        self.targets: set[str] = set()

    def indent(self) -> None:
        """Put all that follows one level deeper."""
        self._depth += 1

    def line(self, text: str = "") -> None:
        """Append a line at the present depth."""
        self._lines.append("    " * self._depth + text if text else "")

    def lines(self, *texts: str) -> None:
        """Append several lines."""
        for text in texts:
            self.line(text)

    def label(self, name: str) -> None:
        """Append a label. It is left out in the end if nothing jumps to it."""
        self._lines.append(f"{name}:;")

    def jump(self, label: str) -> None:
        """Append a jump to `label`."""
        self.targets.add(label)
        self.line(f"goto {label};")

    def position(self, at: Position) -> None:
        """Say where in the source what follows comes from, unless that was just said."""
        text = f"{at.file}:{at.line}"
        if at.file and text != self._last_position:
            self.line(f"/* {text} */")
            self._last_position = text

    @contextmanager
    def block(self, head: str, tail: str = "}") -> Iterator[None]:
        """Put what is written inside between `head {` and `tail`, one level deeper."""
        self.line(f"{head} {{" if head else "{")
        self._depth += 1
        yield
        self._depth -= 1
        self.line(tail)

    @contextmanager
    def apart(self) -> Iterator[list[str]]:
        """Put what is written inside into the list, and not here."""
        outer, self._lines = self._lines, []
        depth, self._depth = self._depth, 0
        yield self._lines
        self._lines, self._depth = outer, depth

    def take(self) -> str:
        """Return everything written since the last time."""
        text = self.text()
        self._lines.clear()
        return text

    def text(self) -> str:
        """Return everything written."""
        unused = {line for line in self._lines if line.endswith(":;") and not self._is_used(line)}
        return "\n".join(line for line in self._lines if line not in unused) + "\n"

    def _is_used(self, label: str) -> bool:
        return label.removesuffix(":;") in self.targets

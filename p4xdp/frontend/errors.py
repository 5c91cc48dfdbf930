"""The one error of the front end: something in the source, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p4xdp.ir import Position


class SourceError(Exception):
    """The program is wrong or outside the supported subset of P4-16.

    `str()` is "file:line:column: what; hint". The hint says what to do.
    """

    def __init__(self, at: Position, what: str, hint: str) -> None:
        super().__init__(f"{at}: {what}; {hint}")
        self.at = at
        self.what = what
        self.hint = hint

"""Tables applied at several places: a packet passes one of them, and goes on the same way.

A table of Tofino is in one stage and knows one table that follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def check_applies(body: Sequence[ir.Statement], tables: Mapping[str, ir.Table]) -> None:
    """Check the control of a gress; SourceError at the second application of a table."""
    _Applies(tables).sequence(body, None)


class _Applies:
    def __init__(self, tables: Mapping[str, ir.Table]) -> None:
        self._tables = tables
        self._seen: dict[str, tuple[ir.Apply, ir.Statement | None]] = {}

    def sequence(self, body: Sequence[ir.Statement], after: ir.Statement | None) -> set[str]:
        """Check statements that `after` follows; return the tables a packet may have passed."""
        passed: set[str] = set()
        for index, node in enumerate(body):
            following = body[index + 1] if index + 1 < len(body) else after
            passed |= self._statement(node, following, passed)
        return passed

    def _statement(
        self, node: ir.Statement, following: ir.Statement | None, passed: set[str]
    ) -> set[str]:
        branches: list[Sequence[ir.Statement]] = []
        applied: set[str] = set()
        if isinstance(node, ir.If):
            branches = [node.then, node.otherwise]
        elif isinstance(node, ir.Apply):
            self._apply(node, following)
            # Members of a profile are in one place, as a table is.
            profile = self._tables[node.table].implementation
            applied = {node.table} if profile is None else {node.table, profile}
            branches = [*(case for _, case in node.cases), node.default_case]
        for branch in branches:
            applied |= self.sequence(branch, following)
        twice = applied & passed
        if twice:
            raise SourceError(
                node.at, f"a packet may pass {min(twice)} twice",
                "declare another table, or apply it once after the branches",
            )  # fmt: skip
        return applied

    def _apply(self, node: ir.Apply, following: ir.Statement | None) -> None:
        """Compare an application with the first one of its table."""
        first = self._seen.setdefault(node.table, (node, following))
        if first[0] is node:
            return
        plain = not any(one.hit or one.cases or one.default_case for one in (node, first[0]))
        if not plain or not _same(first[1], following):
            raise SourceError(
                node.at, f"{node.table} is applied elsewhere, and goes on differently",
                "apply it once after the branches, or declare another table",
            )  # fmt: skip


def _same(one: ir.Statement | None, other: ir.Statement | None) -> bool:
    """Whether two statements become one table: the very same, or alike and no code of their own."""
    if one is other:
        return True
    return isinstance(one, (ir.If, ir.Apply)) and one == other

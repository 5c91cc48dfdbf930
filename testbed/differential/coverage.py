"""How much of a program packets have been through."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.interp.observer import Observer
from p4xdp.walk import nested, statements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.interp.machine import Machine


class Coverage(Observer):
    """Counts how often every statement of `program` has run."""

    def __init__(self, program: ir.Program) -> None:
        self._gresses = (program.ingress, program.egress)
        self._runs: Counter[int] = Counter()
        # Statements are told apart as objects: equal ones stand at many places.
        self._statements = {id(s): s for gress in self._gresses for s in statements_of(gress)}

    def before(self, statement: ir.Statement, machine: Machine) -> None:  # noqa: ARG002
        """Count a statement."""
        self._runs[id(statement)] += 1

    @property
    def share(self) -> float:
        """Return which part of the statements has run, 0 to 1."""
        return len(self._runs.keys() & self._statements.keys()) / len(self._statements)

    def missing(self) -> list[str]:
        """Return the places of statements that have not run."""
        places = {
            f"{statement.at} {type(statement).__name__}"
            for key, statement in self._statements.items()
            if key not in self._runs
        }
        return sorted(places)

    def tables(self) -> Iterator[tuple[str, int, dict[str, int]]]:
        """Yield each table's name, how often it was applied, and how often each action ran."""
        for gress in self._gresses:
            applied: Counter[str] = Counter()
            for statement in statements_of(gress):
                if isinstance(statement, ir.Apply):
                    applied[statement.table] += self._runs[id(statement)]
            for table in gress.tables.values():
                names = [reference.action for reference in table.actions]
                bodies = {name: list(nested(gress.actions[name].body)) for name in names}
                runs = {name: self._runs[id(body[0])] for name, body in bodies.items() if body}
                yield table.name, applied[table.name], runs

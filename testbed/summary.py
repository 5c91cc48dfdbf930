"""What a scenario saw, one row a claim: told while it runs, and as a table or JSON at the end."""

import json
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One claim, what was seen of it, and whether that is what was claimed."""

    claim: str
    seen: str
    passed: bool


@dataclass
class Summary:
    """Rows in the order they were seen. `console` None keeps it silent until the end."""

    title: str
    console: Console | None
    rows: list[Row] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether there is anything to show and all of it is as claimed."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    def doing(self, what: str) -> None:
        """Tell what takes the next seconds."""
        if self.console is not None:
            self.console.print(f"  [dim]{what} …[/dim]", highlight=False)

    def record(self, claim: str, seen: str, *, passed: bool) -> None:
        """Add a row and tell it."""
        row = Row(claim, seen, passed)
        self.rows.append(row)
        if self.console is not None:
            self.console.print(f"{_mark(row)} {escape(f'{claim}: {seen}')}", highlight=False)

    def print_table(self) -> None:
        """Print all rows as a table."""
        if self.console is None:
            return
        table = Table(title=self.title, title_justify="left", show_lines=False)
        for column in ("", "claim", "seen"):
            table.add_column(column, overflow="fold")
        for row in self.rows:
            table.add_row(_mark(row), escape(row.claim), escape(row.seen))
        self.console.print(table)

    def to_json(self) -> str:
        """All rows and the verdict as one JSON document."""
        document = {"passed": self.passed, "rows": [asdict(row) for row in self.rows]}
        return json.dumps(document, indent=2, ensure_ascii=False)


def _mark(row: Row) -> str:
    return "[green]pass[/green]" if row.passed else "[bold red]FAIL[/bold red]"

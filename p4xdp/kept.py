"""What a switch keeps beside its maps, so that a process that follows finds it: small values by
kind and key. Entries, counters and meters are not among them, the maps tell those themselves.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Kept(Protocol):
    """Values are there again for the next process as soon as a call, or the outermost `together`,
    returns.
    """

    def get(self, kind: str, key: str) -> bytes | None:
        """Return a value, or None."""

    def all(self, kind: str) -> dict[str, bytes]:
        """Return all values of a kind, by key."""

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Set a value."""

    def drop(self, kind: str, key: str) -> None:
        """Forget a value, if there is one."""

    def clear(self, kind: str) -> None:
        """Forget all values of a kind."""

    def together(self) -> contextlib.AbstractContextManager[None]:
        """Keep all changes made within, or, if the process is killed, none."""

    def settle(self) -> None:
        """Keep what was changed so far, also within `together`."""

    def close(self) -> None:
        """Let go."""


class MemoryKept:
    """Values that end with the process."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, bytes]] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        """Return a value, or None."""
        return self._values.get(kind, {}).get(key)

    def all(self, kind: str) -> dict[str, bytes]:
        """Return all values of a kind, by key."""
        return dict(self._values.get(kind, {}))

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Set a value."""
        self._values.setdefault(kind, {})[key] = value

    def drop(self, kind: str, key: str) -> None:
        """Forget a value, if there is one."""
        self._values.get(kind, {}).pop(key, None)

    def clear(self, kind: str) -> None:
        """Forget all values of a kind."""
        self._values.pop(kind, None)

    def together(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: nobody is there to see half of it."""
        return contextlib.nullcontext()

    def settle(self) -> None:
        """Do nothing, likewise."""

    def close(self) -> None:
        """Let go."""


class FileKept:
    """Values in an SQLite file. It outlives the process, killed or not, but need not outlive the
    kernel, whose maps would be gone too: nothing is forced to the disk.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = OFF"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS kept (kind TEXT, key TEXT, value BLOB NOT NULL, "
            "PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        self._depth = 0

    def get(self, kind: str, key: str) -> bytes | None:
        """Return a value, or None."""
        query = "SELECT value FROM kept WHERE kind = ? AND key = ?"
        row = self._database.execute(query, (kind, key)).fetchone()
        return None if row is None else bytes(row[0])

    def all(self, kind: str) -> dict[str, bytes]:
        """Return all values of a kind, by key."""
        query = "SELECT key, value FROM kept WHERE kind = ?"
        return {key: bytes(value) for key, value in self._database.execute(query, (kind,))}

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Set a value."""
        self._change("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, key, value))

    def drop(self, kind: str, key: str) -> None:
        """Forget a value, if there is one."""
        self._change("DELETE FROM kept WHERE kind = ? AND key = ?", (kind, key))

    def clear(self, kind: str) -> None:
        """Forget all values of a kind."""
        self._change("DELETE FROM kept WHERE kind = ?", (kind,))

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Keep all changes made within, or, if the process is killed, none."""
        self._depth += 1
        try:
            yield
        finally:
            # Also after an error: what was done was done, and told.
            self._depth -= 1
            if self._depth == 0:
                self.settle()

    def settle(self) -> None:
        """Keep what was changed so far, also within `together`."""
        if self._database.in_transaction:
            self._database.execute("COMMIT")

    def _change(self, command: str, values: tuple[object, ...]) -> None:
        if self._depth and not self._database.in_transaction:
            self._database.execute("BEGIN")
        self._database.execute(command, values)

    def close(self) -> None:
        """Let go."""
        self._database.close()

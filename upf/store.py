"""What must outlive a restart: documents by kind and key, durable before a call returns.

The interface says nothing of files or processes, so that a store shared by several UPFs can stand
behind it. `SQLiteStore` keeps one file, written by a thread of its own: changes that wait for each
other share one commit, so many at once cost one flush of the disk.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from upf.errors import StartError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Document: TypeAlias = "Mapping[str, Any]"

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS documents (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID
"""
# A reader of a newer layout must not be misread by an older program.
_LAYOUT = 1
_MAX_BATCH = 1000


class Store(Protocol):
    """Documents (JSON objects) by kind and key. All calls raise `StoreError`."""

    async def load(self, kind: str) -> Mapping[str, Document]:
        """Every document of a kind, by key."""

    async def put(self, kind: str, key: str, document: Document) -> None:
        """Keep a document in place of what the key had; durable when this returns."""

    async def delete(self, kind: str, key: str) -> None:
        """Forget a document, if there is one; durable when this returns."""

    async def close(self) -> None:
        """Finish what was asked for and let go."""


class MemoryStore:
    """Remembers until the process ends."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], Document] = {}

    async def load(self, kind: str) -> Mapping[str, Document]:
        return {key: each for (its, key), each in self._documents.items() if its == kind}

    async def put(self, kind: str, key: str, document: Document) -> None:
        self._documents[kind, key] = document

    async def delete(self, kind: str, key: str) -> None:
        self._documents.pop((kind, key), None)

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A document to keep, or to forget where `body` is None."""

    kind: str
    key: str
    body: str | None
    done: asyncio.Future[None]


class SQLiteStore:
    """A file. Made by `open`; one process at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._changes: SimpleQueue[_Change | None] = SimpleQueue()
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._write, name="store", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path) -> SQLiteStore:
        """Open or make the file. StartError if it cannot be had."""
        try:
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(_SCHEMA)
            (layout,) = connection.execute("PRAGMA user_version").fetchone()
            if layout > _LAYOUT:
                raise StartError(
                    f"{path} was written by a newer version (layout {layout}, ours is {_LAYOUT}): "
                    "run that one, or set another [state] file"
                )
            connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        except sqlite3.Error as error:
            raise StartError(
                f"{path} cannot be used to keep slices in ({error}): "
                "end the other UPF that uses it, or set another [state] file"
            ) from error
        return cls(path, connection)

    async def load(self, kind: str) -> Mapping[str, Document]:
        return await asyncio.to_thread(self._load, kind)

    async def put(self, kind: str, key: str, document: Document) -> None:
        await self._change(kind, key, json.dumps(document, separators=(",", ":")))

    async def delete(self, kind: str, key: str) -> None:
        await self._change(kind, key, None)

    async def close(self) -> None:
        self._changes.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    async def _change(self, kind: str, key: str, body: str | None) -> None:
        if not self._thread.is_alive():
            raise StoreError(f"{self._path} is closed")
        done = self._loop.create_future()
        self._changes.put(_Change(kind, key, body, done))
        await done

    def _load(self, kind: str) -> Mapping[str, Document]:
        try:
            with self._reading:
                rows = self._connection.execute(
                    "SELECT key, body FROM documents WHERE kind = ?", (kind,)
                ).fetchall()
            return {key: json.loads(body) for key, body in rows}
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"{self._path} cannot be read: {error}") from error

    # In the thread.

    def _write(self) -> None:
        is_open = True
        while is_open:
            batch = [self._changes.get()]
            while not self._changes.empty() and len(batch) < _MAX_BATCH:
                batch.append(self._changes.get())
            is_open = None not in batch
            changes = [each for each in batch if each is not None]
            error = self._commit(changes)
            for change in changes:
                self._loop.call_soon_threadsafe(_settle, change.done, error)

    def _commit(self, changes: list[_Change]) -> StoreError | None:
        try:
            with self._reading, self._connection:
                self._connection.execute("BEGIN")
                for each in changes:
                    if each.body is None:
                        self._connection.execute(
                            "DELETE FROM documents WHERE kind = ? AND key = ?",
                            (each.kind, each.key),
                        )
                    else:
                        self._connection.execute(
                            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
                            (each.kind, each.key, each.body),
                        )
        except sqlite3.Error as error:
            return StoreError(f"{self._path} cannot be written: {error}")
        return None


def _settle(done: asyncio.Future[None], error: StoreError | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)

"""What must outlive a restart, durable before a call is done: documents, few, by kind and key, and
records, many, by number.

The interface says nothing of files or processes, so that a store shared by several UPFs can stand
behind it. `SQLiteStore` keeps one file, written by a thread of its own: changes that wait for each
other share one commit, so many at once cost one flush of the disk.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from upf.errors import StartError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")

Document: TypeAlias = "Mapping[str, Any]"

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS documents (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID
"""
_RECORDS = """
    CREATE TABLE IF NOT EXISTS records (
        number INTEGER PRIMARY KEY,
        body BLOB NOT NULL
    )
"""
_PUT = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)"
_DELETE = "DELETE FROM documents WHERE kind = ? AND key = ?"
_KEEP = "INSERT OR REPLACE INTO records VALUES"
_FORGET = "DELETE FROM records WHERE number IN"
# A reader of a newer layout must not be misread by an older program.
_LAYOUT = 2
_MAX_BATCH = 2000
# Records a statement: the thread lets go of the interpreter once a statement, and has to wait for
# it each time while the rest of the UPF is busy.
_ROWS = (256, 32, 4, 1)
# 16 MiB, read at the next start; sessions that come and go soon never reach the database itself.
_PAGES_BEFORE_CHECKPOINT = 4_096


class Store(Protocol):
    """Documents (JSON objects) by kind and key, records (octets) by number. All calls raise
    `StoreError`.

    `fault` is what is wrong while nothing can be kept; each call tries anew.
    """

    fault: StoreError | None

    async def load(self, kind: str) -> Mapping[str, Document]:
        """Every document of a kind, by key."""

    async def put(self, kind: str, key: str, document: Document) -> None:
        """Keep a document in place of what the key had; durable when this returns."""

    async def delete(self, kind: str, key: str) -> None:
        """Forget a document, if there is one; durable when this returns."""

    async def records(self, first: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Records from a number on, by number in ascending order, up to `limit`."""

    def keep(self, number: int, body: bytes | None) -> Awaitable[None]:
        """Keep a record in place of what the number had, None: forget it; durable when done.

        Of several for one number the last asked for stands.
        """

    async def close(self) -> None:
        """Finish what was asked for and let go."""


class MemoryStore:
    """Remembers until the process ends."""

    def __init__(self) -> None:
        self.fault: StoreError | None = None
        self._documents: dict[tuple[str, str], Document] = {}
        self._records: dict[int, bytes] = {}

    async def load(self, kind: str) -> Mapping[str, Document]:
        return {key: each for (its, key), each in self._documents.items() if its == kind}

    async def put(self, kind: str, key: str, document: Document) -> None:
        self._documents[kind, key] = document

    async def delete(self, kind: str, key: str) -> None:
        self._documents.pop((kind, key), None)

    async def records(self, first: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return sorted(each for each in self._records.items() if each[0] >= first)[:limit]

    async def keep(self, number: int, body: bytes | None) -> None:
        if body is None:
            self._records.pop(number, None)
        else:
            self._records[number] = body

    async def close(self) -> None:
        """Nothing to let go of."""


class _Change(NamedTuple):
    """A document by kind and key, or a record by number; to be forgotten where `body` is None."""

    key: tuple[str, str] | int
    body: str | bytes | None
    done: asyncio.Future[None]


class SQLiteStore:
    """A file. Made by `open`; one process at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.fault: StoreError | None = None
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
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BEFORE_CHECKPOINT}")
            connection.execute(_SCHEMA)
            connection.execute(_RECORDS)
            (layout,) = connection.execute("PRAGMA user_version").fetchone()
            if layout > _LAYOUT:
                raise StartError(
                    f"{path} was written by a newer version (layout {layout}, ours is {_LAYOUT}): "
                    "run that one, or set another [state] file"
                )
            connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        except sqlite3.Error as error:
            raise StartError(
                f"{path} cannot be used to keep sessions and slices in ({error}): "
                "end the other UPF that uses it, or set another [state] file"
            ) from error
        return cls(path, connection)

    async def load(self, kind: str) -> Mapping[str, Document]:
        return await asyncio.to_thread(self._load, kind)

    async def put(self, kind: str, key: str, document: Document) -> None:
        await self._change((kind, key), json.dumps(document, separators=(",", ":")))

    async def delete(self, kind: str, key: str) -> None:
        await self._change((kind, key), None)

    async def records(self, first: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return await asyncio.to_thread(self._load_records, first, limit)

    def keep(self, number: int, body: bytes | None) -> asyncio.Future[None]:
        return self._change(number, body)

    async def close(self) -> None:
        self._changes.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _change(self, key: tuple[str, str] | int, body: str | bytes | None) -> asyncio.Future[None]:
        done = self._loop.create_future()
        if self._thread.is_alive():
            self._changes.put(_Change(key, body, done))
        else:
            done.set_exception(StoreError(f"{self._path} is closed"))
        return done

    def _load(self, kind: str) -> Mapping[str, Document]:
        try:
            with self._reading:
                rows = self._connection.execute(
                    "SELECT key, body FROM documents WHERE kind = ?", (kind,)
                ).fetchall()
            return {key: json.loads(body) for key, body in rows}
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"{self._path} cannot be read: {error}") from error

    def _load_records(self, first: int, limit: int) -> Sequence[tuple[int, bytes]]:
        try:
            with self._reading:
                return self._connection.execute(
                    "SELECT number, body FROM records WHERE number >= ? ORDER BY number LIMIT ?",
                    (first, limit),
                ).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} cannot be read: {error}") from error

    def _settle(self, changes: list[_Change], error: StoreError | None) -> None:
        self.fault = error
        for change in changes:
            if change.done.done():
                continue
            if error is None:
                change.done.set_result(None)
            else:
                change.done.set_exception(error)

    # In the thread.

    def _write(self) -> None:
        is_open = True
        while is_open:
            batch = [self._changes.get()]
            while not self._changes.empty() and len(batch) < _MAX_BATCH:
                batch.append(self._changes.get())
            is_open = None not in batch
            changes = [each for each in batch if each is not None]
            bodies = {each.key: each.body for each in changes}
            error = self._commit(bodies)
            if error is not None and self._make_room():
                error = self._commit(bodies)
            if changes:
                self._loop.call_soon_threadsafe(self._settle, changes, error)

    def _commit(self, bodies: dict[tuple[str, str] | int, str | bytes | None]) -> StoreError | None:
        try:
            with self._reading, self._connection:
                self._connection.execute("BEGIN")
                for key, body in bodies.items():
                    if isinstance(key, tuple):
                        sql = _DELETE if body is None else _PUT
                        self._connection.execute(sql, key if body is None else (*key, body))
                records = [(key, body) for key, body in bodies.items() if isinstance(key, int)]
                self._keep_all([each for each in records if each[1] is not None])
                self._forget_all([number for number, body in records if body is None])
        except sqlite3.Error as error:
            return StoreError(f"{self._path} cannot be written: {error}")
        return None

    def _make_room(self) -> bool:
        """Move what is in the log into the database, which may need less; False if that fails."""
        try:
            with self._reading:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:
            return False
        return True

    def _keep_all(self, records: Sequence[tuple[int, str | bytes | None]]) -> None:
        for chunk in _chunks(records):
            marks = ",".join(["(?,?)"] * len(chunk))
            values = [item for record in chunk for item in record]
            self._connection.execute(f"{_KEEP} {marks}", values)

    def _forget_all(self, numbers: Sequence[int]) -> None:
        for chunk in _chunks(numbers):
            marks = ",".join("?" * len(chunk))
            self._connection.execute(f"{_FORGET} ({marks})", chunk)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Items in as few sizes as give few chunks: SQLite prepares a statement of each size once."""
    first = 0
    for size in _ROWS:
        while len(items) - first >= size:
            yield items[first : first + size]
            first += size

"""What is kept is there after a restart, and a change that cannot be kept is told."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from upf.errors import StartError, StoreError
from upf.store import MemoryStore, SQLiteStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "upf.state.db"


async def reopened(path, kind="slice"):
    store = SQLiteStore.open(path)
    try:
        return await store.load(kind)
    finally:
        await store.close()


async def test_documents_are_there_after_a_restart(path):
    store = SQLiteStore.open(path)
    await store.put("slice", "a", {"n": 1})
    await store.put("slice", "a", {"n": 2})
    await store.put("slice", "b", {"n": 3})
    await store.put("session", "a", {"n": 4})
    await store.delete("slice", "b")
    await store.delete("slice", "never")
    await store.close()
    assert await reopened(path) == {"a": {"n": 2}}


async def test_a_change_is_on_disk_when_the_call_returns(path):
    """Not only when the store is closed: the file is copied as a power cut would leave it."""
    store = SQLiteStore.open(path)
    await store.put("slice", "a", {"n": 1})
    for name in (path.name, f"{path.name}-wal"):
        (path.parent / f"cut-{name}").write_bytes((path.parent / name).read_bytes())
    await store.close()
    assert await reopened(path.parent / f"cut-{path.name}") == {"a": {"n": 1}}


async def test_changes_at_once_are_all_kept_in_order(path):
    store = SQLiteStore.open(path)
    await asyncio.gather(*(store.put("slice", str(n % 50), {"n": n}) for n in range(500)))
    await store.close()
    assert {int(k): v["n"] for k, v in (await reopened(path)).items()} == {
        n: 450 + n for n in range(50)
    }


async def test_a_second_process_is_told_the_file_is_taken(path):
    store = SQLiteStore.open(path)
    await store.put("slice", "a", {})
    try:
        with pytest.raises(StartError, match="another \\[state\\] file"):
            SQLiteStore.open(path)
    finally:
        await store.close()


async def test_a_place_where_no_file_can_be_is_told(tmp_path):
    with pytest.raises(StartError, match="state"):
        SQLiteStore.open(tmp_path / "none" / "upf.state.db")
    (tmp_path / "text").write_text("no database, but longer than a header of a hundred octets" * 9)
    with pytest.raises(StartError, match="not a database"):
        SQLiteStore.open(tmp_path / "text")


async def test_a_file_of_a_newer_version_is_left_alone(path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(StartError, match="newer version"):
        SQLiteStore.open(path)


async def test_what_cannot_be_written_fails_by_itself_and_the_store_goes_on(path):
    store = SQLiteStore.open(path)
    store._connection.execute("PRAGMA max_page_count = 8")
    with pytest.raises(StoreError, match="full"):
        await store.put("slice", "big", {"n": "x" * 100_000})
    await store.put("slice", "small", {"n": 1})
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.put("slice", "late", {})
    assert await reopened(path) == {"small": {"n": 1}}


async def test_memory_forgets_with_the_process():
    store = MemoryStore()
    await store.put("slice", "a", {"n": 1})
    await store.put("session", "a", {"n": 2})
    assert await store.load("slice") == {"a": {"n": 1}}
    await store.delete("slice", "a")
    assert await store.load("slice") == {}


async def test_records_are_there_after_a_restart_and_the_last_of_several_stands(path):
    store = SQLiteStore.open(path)
    await asyncio.gather(*(store.keep(n % 700, str(n).encode()) for n in range(2100)))
    await asyncio.gather(*(store.keep(n, None) for n in range(0, 700, 2)))
    await store.close()
    store = SQLiteStore.open(path)
    found = [*await store.records(0, 200), *await store.records(400, 1000)]
    await store.close()
    wanted = [*range(1, 400, 2), *range(401, 700, 2)]
    assert found == [(n, str(1400 + n).encode()) for n in wanted]


async def test_a_file_that_cannot_be_written_is_told_until_it_can(path):
    store = SQLiteStore.open(path)
    await store.keep(1, b"old")
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="readonly"):
        await store.keep(1, b"new")
    assert store.fault is not None
    store._connection.execute("PRAGMA query_only = OFF")
    await store.keep(2, b"new")
    assert store.fault is None
    assert await store.records(0, 9) == [(1, b"old"), (2, b"new")]
    await store.close()

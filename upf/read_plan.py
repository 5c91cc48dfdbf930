"""Which counters a sweep reads, in requests that stay as they are while nothing comes or goes."""

from __future__ import annotations

# Cells of a bank that lie together are read by one request: small enough to be made anew quickly
# when a session comes or goes, large enough that requests cost little.
_CELL_BITS = 11


class Chunk:
    """Counters of one bank in ascending order: their identifiers, and the cells they are.

    `request` is kept by who reads it.
    """

    __slots__ = ("bank", "cells", "ids", "request")

    def __init__(self, bank: int, ids: list[int], bank_bits: int) -> None:
        self.bank = bank
        self.ids = ids
        self.cells = [usage_id >> bank_bits for usage_id in ids]
        self.request: object | None = None


class ReadPlan:
    """A set of usage_ids in chunks. The low `bank_bits` bits of one tell its bank."""

    def __init__(self, bank_bits: int) -> None:
        self._bank_bits = bank_bits
        self._members: dict[tuple[int, int], set[int]] = {}
        self._chunks: dict[tuple[int, int], Chunk] = {}

    def add(self, usage_id: int) -> None:
        """Read a counter, if it is not read already."""
        key = self._key(usage_id)
        members = self._members.setdefault(key, set())
        if usage_id not in members:
            members.add(usage_id)
            self._chunks.pop(key, None)

    def discard(self, usage_id: int) -> None:
        """Read a counter no more."""
        key = self._key(usage_id)
        members = self._members.get(key, set())
        if usage_id in members:
            members.remove(usage_id)
            self._chunks.pop(key, None)
            if not members:
                del self._members[key]

    def chunks(self) -> list[Chunk]:
        """All of them, each once."""
        for key in self._members.keys() - self._chunks.keys():
            ids = sorted(self._members[key])
            self._chunks[key] = Chunk(key[0], ids, self._bank_bits)
        return list(self._chunks.values())

    def _key(self, usage_id: int) -> tuple[int, int]:
        bank = usage_id & ((1 << self._bank_bits) - 1)
        return bank, usage_id >> (self._bank_bits + _CELL_BITS)

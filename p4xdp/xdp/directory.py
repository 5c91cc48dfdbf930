"""Entries found by their whole key, in memory that packets read while it is written.

The memory is cells of one size. The first ones hold heads, words of 32 bits: a key's hash names one
of them, and it names the first cell of a chain of entries, each of which names the next. 0 is none:
there is a head. A cell holds a value, its key, and behind them the next cell.

What packets see changes by one store of a word, in the head or in the cell before: to an entry that
is whole, or past one that is not wanted any more. A changed entry is another one, which takes the
place of the old one in the chain. An old one stays as it was until no packet can be at it.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from p4xdp.dataplane import TableFullError
from p4xdp.xdp.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from p4xdp.xdp.maps import Waiting

WORD_SIZE = 4  # of heads and of what names the next cell
_SMALLEST_CELL = 64  # octets: a cache line
_FEWEST_HEADS = 16
_HEADS_AN_ENTRY = 2
_FACTOR = 0x9E3779B97F4A7C15  # DIRECTORY_FACTOR: 2^64 by the golden ratio
_ONES = (1 << 64) - 1
_NONE = 0
LONGEST = 256  # DIRECTORY_LONGEST; at two heads an entry nobody sees more than ten or so


class ChainError(TableFullError):
    """No room in a chain: only keys made for that purpose come to this."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a directory for `size` entries lies in its cells. Keys are whole words of 64 bits."""

    key_size: int
    value_size: int
    size: int

    @property
    def cell_size(self) -> int:
        """Return the octets of a cell: a power of two."""
        end = self.value_size + self.key_size + WORD_SIZE
        return max(_SMALLEST_CELL, 1 << (end - 1).bit_length())

    @property
    def heads(self) -> int:
        """Return how many heads there are: a power of two, and whole cells of them."""
        fewest = max(_FEWEST_HEADS, self.cell_size // WORD_SIZE)
        return max(fewest, 1 << (_HEADS_AN_ENTRY * self.size - 1).bit_length())

    @property
    def first(self) -> int:
        """Return the first cell for an entry."""
        return self.heads * WORD_SIZE // self.cell_size

    @property
    def cells(self) -> int:
        """Return how many cells there are. Some hold entries that packets may still see for a
        moment.
        """
        return self.first + self.size + max(64, self.size // 8)


class Memory(Protocol):
    """What is shared with packets: octets, as of `mmap.mmap`."""

    def __getitem__(self, at: slice, /) -> bytes:
        """Return octets."""

    def __setitem__(self, at: slice, octets: bytes, /) -> None:
        """Set octets, in no particular order."""


class Words(Protocol):
    """The same memory as words of 32 bits, each read and written in one step."""

    def __getitem__(self, at: int, /) -> int:
        """Return a word."""

    def __setitem__(self, at: int, word: int, /) -> None:
        """Set a word."""


class Directory:
    """The directory in a memory of `form.cells` cells."""

    def __init__(self, octets: Memory, words: Words, form: Form, fence: Waiting) -> None:
        self._octets = octets
        self._words = words
        self._form = form
        self._key_words = struct.Struct(f"<{form.key_size // 8}Q").unpack
        self._last_head = form.heads - 1
        self._stride = form.cell_size
        self._word_stride = form.cell_size // WORD_SIZE
        self._key_at = form.value_size
        self._key_end = form.value_size + form.key_size
        self._next_at = self._key_end // WORD_SIZE  # a word
        self._padding = bytes(self._stride - self._key_end - WORD_SIZE)
        self._places = Places(form.first, form.cells, fence)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: bytes) -> bool:
        return self.place(key) != _NONE

    def __getitem__(self, key: bytes) -> bytes:
        place = self.place(key)
        if place == _NONE:
            raise KeyError(key)
        start = place * self._stride
        return self._octets[start : start + self._key_at]

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values, while nobody changes them."""
        for place in self._taken():
            start = place * self._stride
            cell = self._octets[start : start + self._key_end]
            yield cell[self._key_at :], cell[: self._key_at]

    def recover(self) -> None:
        """Begin with what an earlier process left."""
        taken = set(self._taken())
        self._count = len(taken)
        self._places.recover(taken)

    def place(self, key: bytes) -> int:
        """Return the cell of an entry; 0 if there is none."""
        place = self._words[self._head(key)]
        while place != _NONE and self._key_of(place) != key:
            place = self._words[place * self._word_stride + self._next_at]
        return place

    def insert(self, entries: Mapping[bytes, bytes]) -> None:
        """Add entries that are not there, all or none. There are places for them: `len` and `size`
        tell before. ChainError if more of them have one hash than packets can tell apart.
        """
        for number, (key, value) in enumerate(entries.items()):
            head = self._head(key)
            if self._length(head) == LONGEST:
                for added in itertools.islice(entries, number):
                    self.delete(added)
                raise ChainError(f"{LONGEST} entries have the same hash as {key.hex()}")
            self._words[head] = self._written(key, value, self._words[head])
            self._count += 1

    def replace(self, key: bytes, value: bytes) -> None:
        """Change an entry, in one step to packets; KeyError."""
        before, old = self._found(key)
        following = self._words[old * self._word_stride + self._next_at]
        self._words[before] = self._written(key, value, following)
        self._places.give_back(old)

    def set_first_word(self, key: bytes, word: int) -> None:
        """Change the first word of an entry's value, where it is; KeyError."""
        _, place = self._found(key)
        self._words[place * self._word_stride] = word

    def delete(self, key: bytes) -> None:
        """Remove an entry; KeyError."""
        before, old = self._found(key)
        self._words[before] = self._words[old * self._word_stride + self._next_at]
        self._places.give_back(old)
        self._count -= 1

    def _length(self, head: int) -> int:
        place, length = self._words[head], 0
        while place != _NONE:
            place = self._words[place * self._word_stride + self._next_at]
            length += 1
        return length

    def _written(self, key: bytes, value: bytes, following: int) -> int:
        """Put an entry where no packet is yet; return the cell."""
        place = self._places.take()
        cell = b"".join((value, key, following.to_bytes(WORD_SIZE, "little"), self._padding))
        start = place * self._stride
        self._octets[start : start + self._stride] = cell
        return place

    def _found(self, key: bytes) -> tuple[int, int]:
        """Return the word that leads to an entry, and its cell; KeyError."""
        before = self._head(key)
        place = self._words[before]
        while place != _NONE:
            if self._key_of(place) == key:
                return before, place
            before = place * self._word_stride + self._next_at
            place = self._words[before]
        raise KeyError(key)

    def _key_of(self, place: int) -> bytes:
        start = place * self._stride
        return self._octets[start + self._key_at : start + self._key_end]

    def _taken(self) -> Iterator[int]:
        for head in range(self._form.heads):
            place = self._words[head]
            while place != _NONE:
                yield place
                place = self._words[place * self._word_stride + self._next_at]

    def _head(self, key: bytes) -> int:
        """Return the head of a key's chain: what `directory_hash` computes in C."""
        mixed = 0
        for word in self._key_words(key):
            mixed = (mixed ^ word) * _FACTOR & _ONES
            mixed ^= mixed >> 32
        return (mixed * _FACTOR & _ONES) >> 32 & self._last_head

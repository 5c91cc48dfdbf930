"""Entries found by their whole key, in memory that packets read while it is written.

The memory is cells of one size: a value, its key, and a word. The first cells are homes: a key's
hash names one. The word there tells whether an entry is at home, and the first cell of a chain of
others with the same home, of which each names the next. 0 is none: there is a home.

What packets see changes by one store of a word, in the home or in the cell before: to an entry that
is whole, or past one that is not wanted any more. A changed entry is another one, which takes the
place of the old one. An old one stays as it was until no packet can be at it; so does a home that
was left, which then takes in the first of its chain.
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

LONGEST = 256  # chain: DIRECTORY_LONGEST; nobody sees one of more than ten or so
_WORD_SIZE = 4
_SMALLEST_CELL = 64  # octets: a cache line
_FACTOR = 0x9E3779B97F4A7C15  # DIRECTORY_FACTOR: 2^64 by the golden ratio
_ONES = (1 << 64) - 1
_NONE = 0
_AT_HOME = 1 << 31  # DIRECTORY_AT_HOME
_MOST_LEFT = 4096  # homes that wait to be taken again


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
        end = self.value_size + self.key_size + _WORD_SIZE
        return max(_SMALLEST_CELL, 1 << (end - 1).bit_length())

    @property
    def homes(self) -> int:
        """Return how many homes there are: a power of two."""
        return 1 << (self.size - 1).bit_length()

    @property
    def cells(self) -> int:
        """Return how many cells there are: should all keys have one home, all but one entry is in
        the chain. Some cells hold entries that packets may still see for a moment.
        """
        return self.homes + self.size + self.slack

    @property
    def slack(self) -> int:
        """Return how many entries may wait for the packets that may still see them."""
        return max(64, self.size // 8)


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
        self._last_home = form.homes - 1
        self._stride = form.cell_size
        self._word_stride = form.cell_size // _WORD_SIZE
        self._key_at = form.value_size
        self._key_end = form.value_size + form.key_size
        self._word_at = self._key_end // _WORD_SIZE
        self._places = Places(form.homes, form.cells, fence)
        self._left: set[int] = set()  # homes where packets may still see what was there
        self._most_left = min(form.slack, _MOST_LEFT)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: bytes) -> bool:
        return self._place(key) is not None

    def __getitem__(self, key: bytes) -> bytes:
        place = self._place(key)
        if place is None:
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
        words = ((home, self._words[self._at(home)]) for home in range(self._form.homes))
        self._left = {home for home, word in words if word and not word & _AT_HOME}

    def insert(self, entries: Mapping[bytes, bytes]) -> None:
        """Add entries that are not there, all or none. There are places for them: `len` and `size`
        tell before. ChainError if more of them have one home than packets can tell apart.
        """
        for number, (key, value) in enumerate(entries.items()):
            self._make_room()
            home = self._home(key)
            at = self._at(home)
            word = self._words[at]
            if not word & _AT_HOME and home not in self._left:
                self._write(home, key, value)
                self._words[at] = word | _AT_HOME
            elif self._length(word) < LONGEST:
                self._words[at] = word & _AT_HOME | self._chained(key, value, word)
            else:
                for added in itertools.islice(entries, number):
                    self.delete(added)
                raise ChainError(f"{LONGEST} entries have the same hash as {key.hex()}")
            self._count += 1

    def replace(self, key: bytes, value: bytes) -> None:
        """Change an entry, in one step to packets; KeyError."""
        self._make_room()
        before, old = self._found(key)
        chained = self._chained(key, value, self._words[self._at(old)])
        if before is None:
            self._words[self._at(old)] = chained
            self._leave(old)
        else:
            self._words[before] = self._words[before] & _AT_HOME | chained
            self._places.give_back(old)

    def set_first_word(self, key: bytes, word: int) -> None:
        """Change the first word of an entry's value, where it is; KeyError."""
        _, place = self._found(key)
        self._words[place * self._word_stride] = word

    def delete(self, key: bytes) -> None:
        """Remove an entry; KeyError."""
        before, old = self._found(key)
        following = self._words[self._at(old)]
        self._count -= 1
        if before is None:
            self._words[self._at(old)] = following & ~_AT_HOME
            self._leave(old)
        else:
            self._words[before] = self._words[before] & _AT_HOME | following
            self._places.give_back(old)

    def _make_room(self) -> None:
        """See that there is a place. Entries may move, so do this before looking for one."""
        if self._places.is_exhausted:
            self._wait()

    def _wait(self) -> None:
        """Wait for packets; then take entries home whose homes were left."""
        self._places.wait()
        left, self._left = self._left, set()
        for home in left:
            at = self._at(home)
            first = self._words[at]
            if first != _NONE:
                start, end = first * self._stride, home * self._stride + self._key_end
                entry = self._octets[start : start + self._key_end]
                self._octets[home * self._stride : end] = entry
                self._words[at] = _AT_HOME | self._words[self._at(first)]
                self._places.give_back(first)

    def _leave(self, home: int) -> None:
        self._left.add(home)
        if len(self._left) > self._most_left:
            self._wait()

    def _write(self, place: int, key: bytes, value: bytes) -> None:
        """Put an entry where no packet is yet."""
        start = place * self._stride
        self._octets[start : start + self._key_end] = value + key

    def _chained(self, key: bytes, value: bytes, following: int) -> int:
        """Put an entry where no packet is yet, and what follows it; return the place."""
        place = self._places.take()
        self._write(place, key, value)
        self._words[self._at(place)] = following & ~_AT_HOME
        return place

    def _at(self, place: int) -> int:
        """Return the word of a cell."""
        return place * self._word_stride + self._word_at

    def _place(self, key: bytes) -> int | None:
        """Return the cell of an entry, or None."""
        home = self._home(key)
        word = self._words[self._at(home)]
        if word & _AT_HOME and self._key_of(home) == key:
            return home
        return next((place for place in self._chain(word) if self._key_of(place) == key), None)

    def _found(self, key: bytes) -> tuple[int | None, int]:
        """Return the word that leads to an entry, or None if it is at home, and its cell;
        KeyError.
        """
        home = self._home(key)
        before = self._at(home)
        word = self._words[before]
        if word & _AT_HOME and self._key_of(home) == key:
            return None, home
        for place in self._chain(word):
            if self._key_of(place) == key:
                return before, place
            before = self._at(place)
        raise KeyError(key)

    def _key_of(self, place: int) -> bytes:
        start = place * self._stride
        return self._octets[start + self._key_at : start + self._key_end]

    def _chain(self, word: int) -> Iterator[int]:
        """Yield the cells of the chain that begins with a home's word."""
        place = word & ~_AT_HOME
        while place != _NONE:
            yield place
            place = self._words[self._at(place)]

    def _length(self, word: int) -> int:
        return sum(1 for _ in self._chain(word))

    def _taken(self) -> Iterator[int]:
        for home in range(self._form.homes):
            word = self._words[self._at(home)]
            if word & _AT_HOME:
                yield home
            if word:
                yield from self._chain(word)

    def _home(self, key: bytes) -> int:
        """Return the home of a key: what `directory_hash` computes in C."""
        mixed = 0
        for word in self._key_words(key):
            mixed = (mixed ^ word) * _FACTOR & _ONES
            mixed ^= mixed >> 32
        return (mixed * _FACTOR & _ONES) >> 32 & self._last_home

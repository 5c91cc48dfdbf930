"""Tables with ternary or range keys beside exact ones, in the kernel: the exact parts name a group,
whose rules follow one another by priority. A rule changes by one store, so packets see it as it was
or as it is. Rules that nothing leads to any more wait until no packet can still be at them.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p4xdp.dataplane import TableFullError
from p4xdp.xdp.layout import LARGEST_SCAN, RULE_END_SIZE, rule_slots
from p4xdp.xdp.maps import Fence
from p4xdp.xdp.rules import OrderedTable, following_of, parts_of, priority_of, rule_of
from p4xdp.xdp.tables import packed

if TYPE_CHECKING:
    from p4xdp.xdp.direct import DirectCells
    from p4xdp.xdp.manifest import TableInfo
    from p4xdp.xdp.maps import Map

GROUP_SIZE = 4  # the number of a group
HEAD_SIZE = 8
_HEAD_WORDS = HEAD_SIZE // 4
_NONE = 0


@dataclass(slots=True)
class Places:
    """Numbers from 1, given out and taken back. What is taken back is given out again only after
    the fence: until then packets may come by.
    """

    count: int
    fence: Fence
    _fresh: int = 1
    _free: list[int] = field(default_factory=list)
    _retired: list[int] = field(default_factory=list)

    def take(self) -> int:
        """Return a number nobody has. There is one: more are counted than entries can be."""
        if self._fresh < self.count:
            self._fresh += 1
            return self._fresh - 1
        if not self._free:
            self.fence.wait()
            self._free, self._retired = self._retired, []
        return self._free.pop()

    def give_back(self, number: int) -> None:
        """Take a number back."""
        self._retired.append(number)

    def recover(self, taken: set[int]) -> None:
        """Begin with the numbers that an earlier process gave out."""
        self._fresh = self.count
        self._retired = [number for number in range(1, self.count) if number not in taken]


@dataclass(slots=True)
class _Group:
    """`order` sorts as `keys`, the highest priority first, and `places` are where the rules are."""

    number: int
    order: list[tuple[int, int]] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


class RuleGroups:
    """The memory of a table in groups. `size` is how many rules there may be."""

    def __init__(self, rules: Map, heads: Map, groups: Map, size: int, fence: Fence) -> None:
        count = rule_slots(size)
        self._memory = rules.mapped(count)
        self._heads = heads.mapped(count)
        self._memory_words = memoryview(self._memory).cast("I")
        self._head_words = memoryview(self._heads).cast("I")
        self._map = groups
        self._stride = rules.value_size
        self._places = Places(count, fence)
        self._numbers = Places(count, fence)
        self._groups: dict[bytes, _Group] = {}
        self._arrivals = 0

    def recover(self, value_size: int) -> dict[bytes, bytes]:
        """Take up the groups an earlier process made; return their rules by key, with actions."""
        found: dict[bytes, bytes] = {}
        for exact, number in self._map.items():
            group = _Group(int.from_bytes(number, "little"))
            place = self._head_words[group.number * _HEAD_WORDS]
            while place != _NONE:
                rule = self._memory[place * self._stride : (place + 1) * self._stride]
                key, value = parts_of(rule, value_size)
                found[key] = value
                self._arrivals += 1
                group.order.append((-priority_of(key), self._arrivals))
                group.keys.append(key)
                group.places.append(place)
                place = following_of(rule)
            if group.keys:
                self._groups[exact] = group
            else:  # it was being made or removed when that process ended
                self._map.delete(exact)
        self._places.recover({p for group in self._groups.values() for p in group.places})
        self._numbers.recover({group.number for group in self._groups.values()})
        return found

    def room(self, exact: bytes) -> int:
        """Return how many rules may still come into a group."""
        group = self._groups.get(exact)
        return LARGEST_SCAN - (len(group.keys) if group else 0)

    def insert(self, exact: bytes, key: bytes, value: bytes) -> None:
        """Add a rule behind those of its priority."""
        group = self._groups.get(exact)
        is_new = group is None
        if group is None:
            group = _Group(self._numbers.take())
        self._arrivals += 1
        rank = (-priority_of(key), self._arrivals)
        at = bisect.bisect(group.order, rank)
        following = group.places[at] if at < len(group.places) else _NONE
        place = self._write(key, value, following)
        self._lead(group, at, place)
        if is_new:
            # MapFullError leaves nothing behind: no packet knows of the group.
            self._map.insert(exact, group.number.to_bytes(GROUP_SIZE, "little"))
            self._groups[exact] = group
        group.order.insert(at, rank)
        group.keys.insert(at, key)
        group.places.insert(at, place)

    def replace(self, exact: bytes, key: bytes, value: bytes) -> None:
        """Change the action of a rule."""
        group = self._groups[exact]
        at = group.keys.index(key)
        following = group.places[at + 1] if at + 1 < len(group.places) else _NONE
        place = self._write(key, value, following)
        self._lead(group, at, place)
        self._places.give_back(group.places[at])
        group.places[at] = place

    def remove(self, exact: bytes, key: bytes) -> None:
        """Take a rule away."""
        group = self._groups[exact]
        at = group.keys.index(key)
        self._lead(group, at, group.places[at + 1] if at + 1 < len(group.places) else _NONE)
        self._places.give_back(group.places[at])
        for listed in (group.order, group.keys, group.places):
            del listed[at]
        if not group.keys:
            self._map.delete(exact)
            self._numbers.give_back(group.number)
            del self._groups[exact]

    def close(self) -> None:
        """Give the memory back."""
        for words in (self._memory_words, self._head_words):
            words.release()
        self._memory.close()
        self._heads.close()

    def _write(self, key: bytes, value: bytes, following: int) -> int:
        """Put a rule where no packet is yet; return the place."""
        place = self._places.take()
        start = place * self._stride
        self._memory[start : start + self._stride] = rule_of(key, value, following)
        return place

    def _lead(self, group: _Group, at: int, place: int) -> None:
        """Make `place` what comes before position `at` of a group; one store of a word."""
        if at == 0:
            self._head_words[group.number * _HEAD_WORDS] = place
            return
        end = (group.places[at - 1] + 1) * self._stride - RULE_END_SIZE
        self._memory_words[end // 4] = place


class GroupTable(OrderedTable):
    """A table of rules in groups."""

    def __init__(
        self,
        info: TableInfo,
        groups: RuleGroups,
        defaults: Map | None,
        size: int,
        direct: DirectCells | None = None,
    ) -> None:
        super().__init__(info, None, defaults, size, direct)
        self._groups = groups

    def close(self) -> None:
        """Give back what is not the kernel's."""
        self._groups.close()

    def _held(self) -> dict[bytes, bytes]:
        return self._groups.recover(self._info.layout.value_size)

    def _add(self, added: dict[bytes, bytes]) -> None:
        wanted: dict[bytes, int] = {}
        for key in added:
            exact = self._exact(key)
            wanted[exact] = wanted.get(exact, 0) + 1
        for exact, count in wanted.items():
            if count > self._groups.room(exact):
                raise TableFullError(
                    f"{self._info.layout.name} holds {LARGEST_SCAN} entries with the same exact "
                    "keys and no more"
                )
        self._each(
            added,
            lambda key, value: self._groups.insert(self._exact(key), key, value),
            lambda key: self._groups.remove(self._exact(key), key),
        )

    def _change(self, changed: dict[bytes, bytes]) -> None:
        for key, value in changed.items():
            self._groups.replace(self._exact(key), key, value)

    def _remove(self, gone: dict[bytes, bytes]) -> None:
        for key in gone:
            self._groups.remove(self._exact(key), key)

    def _exact(self, key: bytes) -> bytes:
        layout = self._info.layout
        places = {slot.name: slot for slot in layout.keys}
        values = [
            int.from_bytes(key[place.offset : place.offset + place.size], "little")
            for place in (places[slot.name] for slot in layout.exact)
        ]
        return packed(layout.exact, values, layout.exact_size)

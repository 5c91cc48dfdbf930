"""Tables with ternary or range keys beside exact ones, in the kernel: the exact parts name a group,
whose rules follow one another by priority. A rule changes by one store, so packets see it as it was
or as it is. Rules that nothing leads to any more wait until no packet can still be at them.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p4xdp.dataplane import TableFullError
from p4xdp.xdp.encoding import packed
from p4xdp.xdp.layout import GROUP_SIZE, LARGEST_SCAN, RULE_END_SIZE, rule_slots
from p4xdp.xdp.places import Places
from p4xdp.xdp.rules import OrderedTable, following_of, parts_of, priority_of, rule_of

if TYPE_CHECKING:
    from p4xdp.xdp.direct import DirectCells
    from p4xdp.xdp.hashed import MappedDirectory
    from p4xdp.xdp.manifest import TableInfo
    from p4xdp.xdp.maps import Map, Waiting
    from p4xdp.xdp.switched import CellArray

_NONE = 0


@dataclass(slots=True)
class _Group:
    """`order` sorts as `keys`, the highest priority first, and `places` are where the rules are."""

    order: list[tuple[int, int]] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


class RuleGroups:
    """The memory of a table in groups: `groups` tells the first rule of each. `size` is how many
    rules there may be.
    """

    def __init__(self, rules: Map, groups: MappedDirectory, size: int, fence: Waiting) -> None:
        count = rule_slots(size)
        self._memory = rules.mapped(count)
        self._memory_words = memoryview(self._memory).cast("I")
        self._directory = groups
        self._stride = rules.value_size
        self._places = Places(1, count, fence)
        self._groups: dict[bytes, _Group] = {}
        self._arrivals = 0

    def recover(self, value_size: int) -> dict[bytes, bytes]:
        """Take up the groups an earlier process made; return their rules by key, with actions."""
        self._directory.recover()
        found: dict[bytes, bytes] = {}
        for exact, told in list(self._directory.items()):
            group = _Group()
            place = int.from_bytes(told, "little")
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
            else:  # it was being removed when that process ended
                self._directory.delete(exact)
        self._places.recover({p for group in self._groups.values() for p in group.places})
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
            group = _Group()
        self._arrivals += 1
        rank = (-priority_of(key), self._arrivals)
        at = bisect.bisect(group.order, rank)
        following = group.places[at] if at < len(group.places) else _NONE
        place = self._write(key, value, following)
        if is_new:
            self._directory.insert({exact: place.to_bytes(GROUP_SIZE, "little")})
            self._groups[exact] = group
        else:
            self._lead(exact, group, at, place)
        group.order.insert(at, rank)
        group.keys.insert(at, key)
        group.places.insert(at, place)

    def replace(self, exact: bytes, key: bytes, value: bytes) -> None:
        """Change the action of a rule."""
        group = self._groups[exact]
        at = group.keys.index(key)
        following = group.places[at + 1] if at + 1 < len(group.places) else _NONE
        place = self._write(key, value, following)
        self._lead(exact, group, at, place)
        self._places.give_back(group.places[at])
        group.places[at] = place

    def remove(self, exact: bytes, key: bytes) -> None:
        """Take a rule away."""
        group = self._groups[exact]
        at = group.keys.index(key)
        self._lead(exact, group, at, group.places[at + 1] if at + 1 < len(group.places) else _NONE)
        self._places.give_back(group.places[at])
        for listed in (group.order, group.keys, group.places):
            del listed[at]
        if not group.keys:
            self._directory.delete(exact)
            del self._groups[exact]

    def close(self) -> None:
        """Give the memory back."""
        self._memory_words.release()
        self._memory.close()
        self._directory.close()

    def _write(self, key: bytes, value: bytes, following: int) -> int:
        """Put a rule where no packet is yet; return the place."""
        place = self._places.take()
        start = place * self._stride
        self._memory[start : start + self._stride] = rule_of(key, value, following)
        return place

    def _lead(self, exact: bytes, group: _Group, at: int, place: int) -> None:
        """Make `place` what comes before position `at` of a group; one store of a word."""
        if at == 0:
            self._directory.set_first_word(exact, place)
            return
        end = (group.places[at - 1] + 1) * self._stride - RULE_END_SIZE
        self._memory_words[end // 4] = place


class GroupTable(OrderedTable):
    """A table of rules in groups."""

    def __init__(
        self,
        info: TableInfo,
        groups: RuleGroups,
        defaults: CellArray | None,
        size: int,
        direct: DirectCells | None = None,
    ) -> None:
        super().__init__(info, None, defaults, size, direct)
        self._groups = groups

    def close(self) -> None:
        """Give back what is not the kernel's."""
        super().close()
        self._groups.close()

    def _read(self) -> dict[bytes, bytes]:
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

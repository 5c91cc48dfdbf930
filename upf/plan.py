"""How to get from what the switch holds to what it should hold, without a moment in which a live
session is not served: set rates, create, then change in place, then remove.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from upf.entry import Entry, EntryKey, MeterRate

if TYPE_CHECKING:
    from collections.abc import Iterable

# The name of an indexed meter, and a cell of it.
Cell: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Updates to carry out whole, in this order. `before` holds what a modification replaces.

    `rates` come first: what refers to a meter must not run without its rate. `rates_before` are the
    rates of cells that had one; the others had none.
    """

    rates: Mapping[Cell, MeterRate | None] = field(default_factory=dict)
    inserts: tuple[Entry, ...] = ()
    modifies: tuple[Entry, ...] = ()
    deletes: tuple[Entry, ...] = ()
    before: Mapping[EntryKey, Entry] = field(default_factory=dict)
    rates_before: Mapping[Cell, MeterRate | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rates or self.inserts or self.modifies or self.deletes)

    def inverse(self) -> Plan:
        """The plan that undoes this one."""
        return Plan(
            rates={cell: self.rates_before.get(cell) for cell in self.rates},
            rates_before=self.rates,
            inserts=self.deletes,
            modifies=tuple(self.before[entry.identity] for entry in self.modifies),
            deletes=self.inserts,
            before={entry.identity: entry for entry in self.modifies},
        )

    def apply_to(self, entries: Iterable[Entry]) -> frozenset[Entry]:
        """What a switch that held `entries` holds after this; KeyError if that cannot be."""
        held = {entry.identity: entry for entry in entries}
        for entry in self.inserts:
            if entry.identity in held:
                raise KeyError(entry.identity)
            held[entry.identity] = entry
        for entry in self.modifies:
            if entry.identity not in held:
                raise KeyError(entry.identity)
            held[entry.identity] = entry
        for entry in self.deletes:
            del held[entry.identity]
        return frozenset(held.values())


def diff(before: Iterable[Entry], after: Iterable[Entry]) -> Plan:
    """The least plan that turns `before` into `after`.

    Where order is given, what an entry refers to comes before it: inserts keep that order, deletes
    reverse it.
    """
    old = {entry.identity: entry for entry in before}
    new = {entry.identity: entry for entry in after}
    modifies = tuple(entry for key, entry in new.items() if key in old and old[key] != entry)
    return Plan(
        inserts=tuple(entry for key, entry in new.items() if key not in old),
        modifies=modifies,
        deletes=tuple(entry for key, entry in reversed(old.items()) if key not in new),
        before={entry.identity: old[entry.identity] for entry in modifies},
    )

"""What tells a slice's traffic apart on its way: the DSCP of outer headers, and the port's queue.

Pure but for `MarkWriter`, which keeps a switch as the slices want it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from upf import tables
from upf.plan import diff

if TYPE_CHECKING:
    from upf.entry import Entry
    from upf.slices import Slice
    from upf.target import Target

# Traffic classes of a slice; the compiler gives them to flows.
OTHERS_CLASS, GUARANTEED_CLASS = 0, 1
# The queue of a port for guaranteed flows; all others go to its queue 0.
GUARANTEED_QUEUE = 1
_GREEN, _YELLOW = 0, 1


def entries_of(slice_id: int, held: Slice | None, *, has_queues: bool) -> tuple[Entry, ...]:
    """The entries of a slice; `held` None: of what no slice claims."""
    entries = []
    if has_queues:
        key = tables.Queue(slice_id, GUARANTEED_CLASS)
        entries.append(tables.entry(key, tables.SetQueue(GUARANTEED_QUEUE)))
    if held is None:
        return tuple(entries)
    excess_dscp = held.dscp if held.excess_dscp is None else held.excess_dscp
    for color, dscp in ((_GREEN, held.dscp), (_YELLOW, excess_dscp)):
        if dscp is None:
            continue
        for traffic_class in (OTHERS_CLASS, GUARANTEED_CLASS):
            marking = tables.Marking(slice_id, traffic_class, color)
            entries.append(tables.entry(marking, tables.SetDSCP(dscp)))
    return tuple(entries)


class MarkWriter:
    """Queues and markings of slices on a switch. One slice is changed by one caller at a time."""

    def __init__(self, target: Target, *, has_queues: bool) -> None:
        self._target = target
        self._has_queues = has_queues
        self._held: dict[int, tuple[Entry, ...]] = {}

    async def set_marks(self, slice_id: int, held: Slice | None) -> None:
        """Mark a slice as it asks for; TargetError if the switch refuses, which marks as before."""
        await self._replace(slice_id, entries_of(slice_id, held, has_queues=self._has_queues))

    async def remove_marks(self, slice_id: int) -> None:
        """Mark a slice that is gone no more."""
        await self._replace(slice_id, ())

    def num_entries(self) -> Counter[str]:
        """How many entries there are, by table."""
        return Counter(each.table for entries in self._held.values() for each in entries)

    async def _replace(self, slice_id: int, wanted: tuple[Entry, ...]) -> None:
        plan = diff(self._held.get(slice_id, ()), wanted)
        if plan:
            await self._target.apply(plan)
        if wanted:
            self._held[slice_id] = wanted
        else:
            self._held.pop(slice_id, None)

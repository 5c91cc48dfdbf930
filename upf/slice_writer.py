"""What a switch does for slices, their capacity and their marks: both as asked, or as before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upf.errors import TargetError

if TYPE_CHECKING:
    from upf.marks import MarkWriter
    from upf.meters import MeterWriter
    from upf.slices import Slice


class SliceWriter:
    """One slice is changed by one caller at a time. All calls raise TargetError if the switch
    refuses.
    """

    def __init__(self, meters: MeterWriter, marks: MarkWriter) -> None:
        self._meters = meters
        self._marks = marks

    async def put(self, wanted: Slice, held: Slice | None) -> None:
        """Treat a slice as it asks for, instead of as it was held before."""
        await self._meters.set_capacity(wanted)
        try:
            await self._marks.set_marks(wanted.slice_id, wanted)
        except TargetError:
            await self.restore(wanted, held)
            raise

    async def restore(self, refused: Slice, held: Slice | None) -> None:
        """Treat a slice as before a change that failed."""
        if held is None:
            await self.remove(refused)
        else:
            await self._meters.set_capacity(held)
            await self._marks.set_marks(held.slice_id, held)

    async def remove(self, gone: Slice) -> None:
        """Do nothing for a slice any more."""
        await self._meters.remove_capacity(gone.slice_id)
        await self._marks.remove_marks(gone.slice_id)

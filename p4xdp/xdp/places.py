"""Places in memory that packets read, given out and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p4xdp.xdp.maps import Waiting


class Places:
    """Numbers from `first` to below `end`. What is taken back is given out again only after the
    fence: until then packets may come by.
    """

    def __init__(self, first: int, end: int, fence: Waiting) -> None:
        self._first = first
        self._fresh = first
        self._end = end
        self._fence = fence
        self._free: list[int] = []
        self._retired: list[int] = []

    @property
    def is_exhausted(self) -> bool:
        """Return whether `take` has to wait."""
        return self._fresh == self._end and not self._free

    def take(self) -> int:
        """Return a number nobody has. There is one: more are counted than entries can be."""
        if self._fresh < self._end:
            self._fresh += 1
            return self._fresh - 1
        if not self._free:
            self.wait()
        return self._free.pop()

    def wait(self) -> None:
        """Wait for packets; then what had been taken back may be given out."""
        retired, self._retired = self._retired, []
        self._fence.wait()
        self._free += retired

    def give_back(self, number: int) -> None:
        """Take a number back."""
        self._retired.append(number)

    def recover(self, taken: set[int]) -> None:
        """Begin with the numbers that an earlier process gave out."""
        self._fresh = self._end
        self._retired = [n for n in range(self._first, self._end) if n not in taken]

"""A clock that never jumps, and tells the time of day.

What is measured must not change because somebody sets the time: the time of day is looked at once
a start of the host, and from there on seconds are counted, run by run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """Seconds since 1970, as the time of day was when the clock was made, `offset` from what the
    kernel has counted since it started.
    """

    offset: float
    boot_id: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> SteadyClock:
        """The clock that an earlier run kept (`document`), if the host did not start since."""
        boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
        if document is not None and document.get("boot_id") == boot_id:
            return cls(document["offset"], boot_id)
        return cls(time.time() - time.monotonic(), boot_id)

    def __call__(self) -> float:
        """Now."""
        return time.monotonic() + self.offset

    def shift_s(self) -> float:
        """What the time of day is ahead of this clock: 0, but for somebody having set it."""
        return time.time() - self()

    def document(self) -> Mapping[str, Any]:
        """What another run needs to go on."""
        return {"boot_id": self.boot_id, "offset": self.offset}

"""Decoders that remember what they made lately.

Most IEs of a peer's requests are the same from session to session: its FARs, QERs and URRs, names
of networks. Values are frozen, so that one may stand in many messages.
"""

from collections.abc import Callable
from typing import Any

MOST_OCTETS = 256
"""Longer IEs are not kept."""

MOST_VALUES = 256
"""Of one class; then it begins anew."""

Read = Callable[[bytes, int, int], Any]


def keeping(read: Read) -> Read:
    """The same decoder; equal octets give one and the same value."""
    known: dict[bytes, Any] = {}

    def read_kept(buffer: bytes, start: int, end: int) -> Any:
        octets = buffer[start:end]
        value = known.get(octets)
        if value is None:
            value = read(buffer, start, end)
            if len(octets) <= MOST_OCTETS:
                if len(known) >= MOST_VALUES:
                    known.clear()
                known[octets] = value
        return value

    return read_kept

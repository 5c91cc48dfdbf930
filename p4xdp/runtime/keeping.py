"""Messages as clients write them, kept for a server that follows."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from p4xdp.kept import Kept


class KeptMessages(MutableMapping[int, Any]):
    """Messages of one type by a number, kept under `kind`."""

    def __init__(self, kept: Kept, kind: str, message_type: Any) -> None:
        self._kept = kept
        self._kind = kind
        self._messages = {
            int(key): message_type.FromString(octets) for key, octets in kept.all(kind).items()
        }

    def __getitem__(self, number: int) -> Any:
        return self._messages[number]

    def __setitem__(self, number: int, message: Any) -> None:
        self._kept.put(self._kind, str(number), message.SerializeToString())
        self._messages[number] = message

    def settle(self, number: int, message: Any) -> None:
        """Set a message so that it is kept before anything else is done."""
        self[number] = message
        self._kept.settle()

    def __delitem__(self, number: int) -> None:
        del self._messages[number]
        self._kept.drop(self._kind, str(number))

    def __iter__(self) -> Iterator[int]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

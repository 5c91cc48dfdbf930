"""Answers that outlive a kill: an SMF whose answer was lost asks again, and must not be carried out
twice because the one who answered it is another run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfcp.events import RequestReceived

_DIGEST_OCTETS = 16


@dataclass(frozen=True, slots=True)
class Answered:
    """A request, known by its digest, and the octets it was answered with; `at` in seconds since
    1970.
    """

    host: str
    port: int
    sequence_number: int
    digest: bytes
    octets: bytes
    at: float

    @property
    def key(self) -> tuple[str, int, int]:
        """What a request has in common with its duplicates."""
        return self.host, self.port, self.sequence_number

    def answers(self, event: RequestReceived) -> bool:
        """Whether a request is the one that was answered."""
        return self.digest == digest_of(event)


def digest_of(event: RequestReceived) -> bytes:
    """What tells a request from any other."""
    return hashlib.blake2b(event.inquiry.octets, digest_size=_DIGEST_OCTETS).digest()

"""What this UPF remembers: sessions with all that goes with them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pfcp.ies import NodeID
from upf.answered import Answered
from upf.measurement import Measurement
from upf.session import Session
from upf.transaction import NOTHING_HELD, Held


@dataclass(slots=True, eq=False)
class SessionRecord:
    """A session in force. `owner` is the CP function that made it.

    Whoever changes it holds `lock`; `version` counts the changes. `active_at` is when it had its
    latest packet, as far as somebody looked, and `is_idle_told` that the CP function knows of none
    since. `number` is that of its record in the store, `answered` its latest request,
    `untold` the usage reports (messages) that nobody has confirmed.
    """

    session: Session
    owner: NodeID
    since: float
    held: Held = NOTHING_HELD
    measurements: dict[int, Measurement] = field(default_factory=dict)
    version: int = 0
    is_deleted: bool = False
    active_at: float = 0.0
    is_idle_told: bool = False
    number: int | None = None
    answered: Answered | None = None
    untold: tuple[bytes, ...] = ()
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

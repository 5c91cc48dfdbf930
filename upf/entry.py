"""What the switch holds, as values: table entries and meter settings, by the names of P4Info.

`tables.py` makes them, `plan.py` compares them, `target` carries them. Values are unsigned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Prefix:
    """An lpm match: `length` leading bits of `value` count."""

    value: int
    length: int


@dataclass(frozen=True, slots=True)
class Ternary:
    """A ternary match: bits of `value` where `mask` has ones. Mask 0 matches anything."""

    value: int
    mask: int


@dataclass(frozen=True, slots=True)
class Range:
    """A range match, both ends included. The whole width matches anything."""

    low: int
    high: int


MatchValue: TypeAlias = int | Prefix | Ternary | Range  # exact | lpm | ternary | range

EntryKey: TypeAlias = tuple[str, tuple[MatchValue, ...], int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One table entry. `key` has every match field and `params` every parameter, in P4Info's order.

    `table` and `action` are names without the pipe (`Ingress.arrival.ports`). `priority` is for
    tables with ternary or range keys: of two entries that match, the higher one counts.
    """

    table: str
    key: tuple[MatchValue, ...]
    action: str
    params: tuple[int, ...]
    priority: int = 0

    @property
    def identity(self) -> EntryKey:
        """What makes two entries the same entry, whatever they do."""
        return (self.table, self.key, self.priority)


@dataclass(frozen=True, slots=True)
class MeterRate:
    """A two-rate meter's setting in bytes/s and bytes, as P4Runtime's MeterConfig."""

    cir_bytes_per_s: int
    cburst_bytes: int
    pir_bytes_per_s: int
    pburst_bytes: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What a usage counter has seen since the switch started."""

    packets: int
    octets: int

"""The arithmetic of meters, to the bit: every data plane colours every packet by this formula.

A meter is the two-rate three-colour marker of RFC 2698 on two buckets, peak and committed, both
full when configured. A bucket is kept as the generic cell rate algorithm keeps it: instead of a
level, the theoretical arrival time (TAT) at which it would be full again. That is one word per
bucket, so that CPUs may share it by compare-and-swap, and needs no division per packet:

    now      = now_ns << 6                                   ticks of 2**-6 ns
    cost     = (units * cost_per_unit + 2**17) >> 18         ticks; cost_per_unit in 2**-24 ns
    next_tat = max(tat, now) + cost
    the packet conforms if next_tat - now <= depth; only then tat = next_tat

Units are octets, or packets. Peak is asked first: not conforming is RED and changes nothing. Else
the peak bucket is charged, and the committed one decides between GREEN, which charges it, and
YELLOW, which does not. A packet that comes in coloured keeps at least that colour. All numbers fit
64 bits unsigned for eight years of uptime. The rate is exact to 2**-25 ns per octet (at 40 Gbit/s,
one part in six million) and to 2**-7 ns per packet.

Where several CPUs run one meter, a compare-and-swap that fails is tried again with the new TAT, so
the outcome is that of some order of the packets. A data plane may give up after a number of tries
that it states, and then lets the packet pass uncharged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p4xdp.dataplane import MeterConfig

GREEN = 0
YELLOW = 1
RED = 3  # TNA's MeterColor_t; 2 is YELLOW too

TICK_SHIFT = 6
COST_SHIFT = 24
_TICKS_FROM_COST = COST_SHIFT - TICK_SHIFT
_ROUND_UP = 1 << (_TICKS_FROM_COST - 1)
_NS_PER_S = 1_000_000_000
_LARGEST_PACKET_OCTETS = 0xFFFF
_LARGEST_DEPTH = 1 << 60  # 208 days of tokens


@dataclass(frozen=True, slots=True)
class Bucket:
    """A rate and a depth. `cost_per_unit` 0 stands for the rate 0: nothing ever conforms."""

    cost_per_unit: int
    depth: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A configured meter cell, as data planes store it."""

    committed: Bucket
    peak: Bucket


@dataclass(slots=True)
class CellState:
    """Theoretical arrival times in ticks. 0 is a full bucket."""

    committed_tat: int = 0
    peak_tat: int = 0


def bucket(rate: int, burst: int, *, in_bytes: bool) -> Bucket:
    """Return the bucket of `rate` units per second and `burst` units.

    A byte rate below 120 bytes/s is taken as 120 bytes/s, so that a cost fits 64 bits.
    """
    if rate == 0:
        return Bucket(0, 0)
    largest_packet = _LARGEST_PACKET_OCTETS if in_bytes else 1
    exact = ((_NS_PER_S << COST_SHIFT) + rate // 2) // rate
    cost_per_unit = max(1, min(exact, (1 << 63) // (largest_packet + 1)))
    return Bucket(cost_per_unit, min(_ticks(burst, cost_per_unit), _LARGEST_DEPTH))


def cell(config: MeterConfig, *, in_bytes: bool) -> Cell:
    """Return what a data plane stores for `config`."""
    return Cell(
        committed=bucket(config.cir, config.cburst, in_bytes=in_bytes),
        peak=bucket(config.pir, config.pburst, in_bytes=in_bytes),
    )


def execute(cell: Cell, state: CellState, units: int, now_ns: int, color: int = GREEN) -> int:
    """Return the colour of a packet of `units` that came with `color`, and charge the buckets."""
    now = now_ns << TICK_SHIFT
    peak_tat = _next_tat(cell.peak, state.peak_tat, units, now)
    if color == RED or peak_tat is None:
        return RED
    state.peak_tat = peak_tat
    committed_tat = _next_tat(cell.committed, state.committed_tat, units, now)
    if color != GREEN or committed_tat is None:
        return YELLOW
    state.committed_tat = committed_tat
    return GREEN


def _next_tat(bucket: Bucket, tat: int, units: int, now: int) -> int | None:
    """Return the TAT after the packet, or None if it does not conform."""
    if bucket.cost_per_unit == 0:
        return None
    next_tat = max(tat, now) + _ticks(units, bucket.cost_per_unit)
    return next_tat if next_tat - now <= bucket.depth else None


def _ticks(units: int, cost_per_unit: int) -> int:
    return (units * cost_per_unit + _ROUND_UP) >> _TICKS_FROM_COST

"""What sessions take of their slices, and whether another may come: admission control at N4.

Taken before a request is carried out and given back when it fails, so that requests under way
count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from upf.errors import ResourcesExhaustedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from upf.rules import QER
    from upf.session import Session
    from upf.slices import Slice

# 1 Tbit/s: an SMF in the field puts 4 Tbit/s into QERs of flows that are guaranteed nothing.
_MAX_GBR_KBPS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Demand:
    """Sessions and guaranteed bit rates in bit/s."""

    sessions: int = 0
    uplink_bps: int = 0
    downlink_bps: int = 0

    def plus(self, other: Demand) -> Demand:
        return Demand(
            self.sessions + other.sessions,
            self.uplink_bps + other.uplink_bps,
            self.downlink_bps + other.downlink_bps,
        )

    def minus(self, other: Demand) -> Demand:
        return self.plus(Demand(-other.sessions, -other.uplink_bps, -other.downlink_bps))


NOTHING = Demand()
_ITSELF = Demand(1)


def demand_of(session: Session) -> Demand:
    """What a session takes of its slice: itself and the GBRs of the QERs that its PDRs name."""
    named = {qer_id for pdr in session.pdrs.values() for qer_id in pdr.qer_ids}
    qers = [
        qer
        for qer_id in named
        if (qer := session.qers[qer_id]).gbr_uplink_kbps or qer.gbr_downlink_kbps
    ]
    if not qers:
        return _ITSELF
    return Demand(1, _sum_bps(qers, is_uplink=True), _sum_bps(qers, is_uplink=False))


def _sum_bps(qers: Iterable[QER], *, is_uplink: bool) -> int:
    rates_kbps = (each.gbr_uplink_kbps if is_uplink else each.gbr_downlink_kbps for each in qers)
    return 1000 * sum(rate for rate in rates_kbps if rate is not None and rate <= _MAX_GBR_KBPS)


class Occupancy:
    """What is taken of each slice, by slice_id. `limits_of` tells the slice of an identifier,
    `on_guarantee` hears of a slice whose guaranteed bit rates are others now.
    """

    def __init__(self) -> None:
        self.limits_of: Callable[[int], Slice | None] = lambda _: None
        self.on_guarantee: Callable[[int], None] = lambda _: None
        self._taken: dict[int, Demand] = {}

    def of(self, slice_id: int) -> Demand:
        """What is taken of a slice."""
        return self._taken.get(slice_id, NOTHING)

    def take(self, slice_id: int, gained: Demand) -> None:
        """Take more of a slice. ResourcesExhaustedError if it has not that much left.

        What `gained` has less than before is never refused.
        """
        held = self.limits_of(slice_id)
        if held is not None:
            _check(held, self.of(slice_id).plus(gained), gained)
        self._set(slice_id, self.of(slice_id).plus(gained))

    def restore(self, slice_id: int, held: Demand) -> None:
        """Count what an earlier run admitted."""
        self._set(slice_id, self.of(slice_id).plus(held))

    def give_back(self, slice_id: int, released: Demand) -> None:
        """Take less of a slice."""
        self._set(slice_id, self.of(slice_id).minus(released))

    def move(self, demand: Demand, slice_id: int, new_slice_id: int) -> None:
        """Take from another slice what was taken from one; the operator's doing, never refused."""
        self.give_back(slice_id, demand)
        self._set(new_slice_id, self.of(new_slice_id).plus(demand))

    def _set(self, slice_id: int, taken: Demand) -> None:
        before = self.of(slice_id)
        if taken == NOTHING:
            self._taken.pop(slice_id, None)
        else:
            self._taken[slice_id] = taken
        if (taken.uplink_bps, taken.downlink_bps) != (before.uplink_bps, before.downlink_bps):
            self.on_guarantee(slice_id)


def _check(held: Slice, wanted: Demand, gained: Demand) -> None:
    if gained.sessions > 0 and held.max_sessions is not None:
        _check_limit(held, "sessions", wanted.sessions, held.max_sessions)
    if gained.uplink_bps > 0:
        limit = held.guaranteed_uplink_bps or held.uplink_bps
        _check_limit(held, "bit/s guaranteed uplink", wanted.uplink_bps, limit)
    if gained.downlink_bps > 0:
        limit = held.guaranteed_downlink_bps or held.downlink_bps
        _check_limit(held, "bit/s guaranteed downlink", wanted.downlink_bps, limit)


def _check_limit(held: Slice, what: str, wanted: int, limit: int | None) -> None:
    if limit is not None and wanted > limit:
        raise ResourcesExhaustedError(
            f"slice {held.name} has no room: {wanted} {what} wanted, {limit} at most"
        )

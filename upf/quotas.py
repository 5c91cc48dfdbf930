"""Volume quotas in the data plane: which PDRs share which cell, and what stands in it. Pure.

A cell counts octets down and lets nothing pass that does not fit. A packet can spend from one cell,
so a PDR that several quotas bound has the first in the cell, with those that bound the very same
PDRs; the others stop it when a sweep finds them used up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upf.measurement import Measurement
    from upf.rules import PDR, URR
    from upf.session import Session

# What a cell holds; a larger quota is granted in several parts.
MAX_CELL_OCTETS = (1 << 32) - 1
# What passes while a cell of live traffic is set anew: that much is held back, and granted exactly
# when the cell is used up.
MIN_RESERVE_OCTETS = 1 << 16


class QuotaKind(StrEnum):
    QUOTA = "quota"


class Part(StrEnum):
    """Which of a quota's volumes."""

    TOTAL = "total"
    UPLINK = "uplink"
    DOWNLINK = "downlink"

    def counts(self, *, is_uplink: bool) -> bool:
        """Whether a direction counts."""
        return self is Part.TOTAL or (self is Part.UPLINK) == is_uplink


class Bound(NamedTuple):
    """One volume of one URR's quota."""

    urr_id: int
    part: Part


@dataclass(frozen=True, slots=True)
class QuotaName:
    """The cell of some bounds; another one with every grant."""

    bounds: tuple[Bound, ...]
    grants: tuple[int, ...]

    @property
    def kind(self) -> QuotaKind:
        """What it is a number of."""
        return QuotaKind.QUOTA


def quota_names(session: Session) -> Mapping[int, QuotaName]:
    """The cell of each PDR that a volume quota bounds, by pdr_id."""
    if not any(urr.volume_quota is not None for urr in session.urrs.values()):
        return {}
    bounded = _bounded_pdrs(session)
    names: dict[int, QuotaName] = {}
    for pdr in session.pdrs.values():
        first = next((bound for bound, pdr_ids in bounded.items() if pdr.pdr_id in pdr_ids), None)
        if first is None:
            continue
        bounds = tuple(bound for bound in bounded if bounded[bound] == bounded[first])
        grants = tuple(session.quota_grants.get(bound.urr_id, 0) for bound in bounds)
        names[pdr.pdr_id] = QuotaName(bounds, grants)
    return names


def _bounded_pdrs(session: Session) -> dict[Bound, frozenset[int]]:
    """The ids of the PDRs that each bound bounds."""
    return {
        bound: frozenset(pdr.pdr_id for pdr in session.pdrs.values() if is_bounded(pdr, bound))
        for urr in session.urrs.values()
        for bound in bounds_of(urr)
    }


def bounds_of(urr: URR) -> Iterator[Bound]:
    """The volumes that a URR's quota limits."""
    for part in Part:
        if urr.volume_quota is not None and getattr(urr.volume_quota, part) is not None:
            yield Bound(urr.urr_id, part)


def is_bounded(pdr: PDR, bound: Bound) -> bool:
    """Whether what a PDR detects counts."""
    return bound.urr_id in pdr.urr_ids and bound.part.counts(is_uplink=pdr.is_uplink)


def octets_left(measurement: Measurement, part: Part) -> int:
    """What is left of one volume of a quota."""
    volume = measurement.towards_quota.volume
    quota = measurement.quota.volume
    assert quota is not None
    match part:
        case Part.TOTAL:
            limit, counts = quota.total, volume.total
        case Part.UPLINK:
            limit, counts = quota.uplink, volume.uplink
        case Part.DOWNLINK:
            limit, counts = quota.downlink, volume.downlink
    assert limit is not None
    return max(0, limit - counts.octets)


def left_of(name: QuotaName, measurements: Mapping[int, Measurement]) -> int:
    """What all bounds of a cell leave."""
    return min(octets_left(measurements[urr_id], part) for urr_id, part in name.bounds)


def used_up(name: QuotaName, measurements: Mapping[int, Measurement]) -> frozenset[Bound]:
    """The bounds by which a cell that lets nothing pass is used up."""
    left = left_of(name, measurements)
    return frozenset(
        bound
        for bound in name.bounds
        if octets_left(measurements[bound.urr_id], bound.part) == left
    )


def ended_bounds(urr: URR, measurement: Measurement, trigger: str) -> frozenset[Bound]:
    """What no longer passes when a URR's quota ends by a trigger."""
    if trigger != "volqu":
        return frozenset({Bound(urr.urr_id, Part.TOTAL)})
    return frozenset(bound for bound in bounds_of(urr) if not octets_left(measurement, bound.part))


@dataclass(frozen=True, slots=True)
class Grant:
    """What is put into a cell. `withheld` is what was left besides."""

    octets: int
    withheld: int = 0


def grant_of(left: int, gained_lately: int | None) -> Grant:
    """What to put into a cell of which `left` octets may still be used.

    `gained_lately` are octets of the last second where traffic goes on meanwhile, None where it
    rests.
    """
    octets = left
    if gained_lately is not None:
        octets = max(0, left - max(MIN_RESERVE_OCTETS, gained_lately // 4))
    octets = min(octets, MAX_CELL_OCTETS)
    return Grant(octets, left - octets)


def withheld_of(grants: Mapping[QuotaName, Grant]) -> Mapping[int, int]:
    """What cells were not given, by the URRs whose quotas they are of."""
    return {
        bound.urr_id: grant.withheld
        for name, grant in sorted(grants.items(), key=lambda each: each[1].withheld)
        for bound in name.bounds
        if grant.withheld
    }

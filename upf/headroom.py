"""Would a capacity fit? What slices are promised and may use, against the ports they leave by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from upf.networks import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from upf.slices import Slice

_BITS_PER_MEGABIT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One direction, all slices taken together. Rates in bit/s.

    `port_bps` is the sum of the ports of the side the traffic leaves by, None if one does not say
    its speed; `capacity_bps` None if a slice has no limit.
    """

    direction: str
    port_role: Role
    port_bps: int | None
    guaranteed_bps: int
    capacity_bps: int | None

    @property
    def oversubscription(self) -> float | None:
        """What slices may use together, as a multiple of the ports."""
        if not self.port_bps or self.capacity_bps is None:
            return None
        return round(self.capacity_bps / self.port_bps, 3)


def fits(slices: Iterable[Slice], speeds_mbps: Mapping[Role, Iterable[int | None]]) -> list[Fit]:
    """Both directions: uplink leaves by the core side, downlink by the access side."""
    slices = list(slices)
    return [
        Fit(
            direction="uplink",
            port_role=Role.CORE,
            port_bps=_port_bps(speeds_mbps[Role.CORE]),
            guaranteed_bps=sum(each.guaranteed_uplink_bps for each in slices),
            capacity_bps=_sum([each.uplink_bps for each in slices]),
        ),
        Fit(
            direction="downlink",
            port_role=Role.ACCESS,
            port_bps=_port_bps(speeds_mbps[Role.ACCESS]),
            guaranteed_bps=sum(each.guaranteed_downlink_bps for each in slices),
            capacity_bps=_sum([each.downlink_bps for each in slices]),
        ),
    ]


def broken_promises(found: Sequence[Fit]) -> list[str]:
    """What slices are guaranteed that the ports do not carry, in sentences."""
    return [
        f"{each.direction}: slices are guaranteed {_mbps(each.guaranteed_bps)} together, "
        f"the {each.port_role} ports carry {_mbps(each.port_bps)}"
        for each in found
        if each.port_bps is not None and each.guaranteed_bps > each.port_bps
    ]


def misfits(wanted: Slice, found: Sequence[Fit]) -> list[str]:
    """Why a slice does not fit, in sentences; none if it does."""
    reasons = broken_promises(found)
    for direction, rate_bps, fit in zip(
        ("uplink", "downlink"), (wanted.uplink_bps, wanted.downlink_bps), found, strict=True
    ):
        if rate_bps is not None and fit.port_bps is not None and rate_bps > fit.port_bps:
            reasons.append(
                f"{direction}: {_mbps(rate_bps)} is more than the {fit.port_role} ports carry, "
                f"{_mbps(fit.port_bps)}"
            )
    return reasons


def doubts(found: Sequence[Fit], *, has_queues: bool) -> list[str]:
    """What keeps guaranteed shares from being sure, in sentences.

    They are told apart from what exceeds them, and admitted by the ports' speed; but where a port
    is full, only its queues let them go first.
    """
    told = []
    for each in found:
        if not each.guaranteed_bps:
            continue
        which = f"{each.direction}: the {each.port_role} ports"
        if each.port_bps is None:
            told.append(f"{which} do not tell their speed: set speed_mbps of their [[interface]]")
        elif not has_queues and (each.capacity_bps is None or each.capacity_bps > each.port_bps):
            told.append(
                f"{which} can be filled by what slices send above their guaranteed shares, and "
                "this switch (Linux, XDP) has no queues to send those first: keep the sum of "
                f"{each.direction}_mbps of all slices within {_mbps(each.port_bps)}"
            )
    return told


def _port_bps(speeds_mbps: Iterable[int | None]) -> int | None:
    return _sum([None if each is None else each * _BITS_PER_MEGABIT for each in speeds_mbps])


def _sum(rates: list[int | None]) -> int | None:
    known = [each for each in rates if each is not None]
    return sum(known) if len(known) == len(rates) else None


def _mbps(bits_per_s: int) -> str:
    return f"{bits_per_s / _BITS_PER_MEGABIT:g} Mbit/s"

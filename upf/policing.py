"""Which QERs are enforced by which meter, and at what rate. Pure.

A packet passes two meters of its session: one of its flow, one that several flows share. A QER is
one meter for each direction, however many PDRs name it; of the two of a PDR the one that more PDRs
share is the session's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from upf.entry import MeterRate
from upf.errors import RuleId, RuleKind, UnsupportedError
from upf.slices import DEFAULT_BURST_MS, MIN_BURST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upf.rules import PDR, QER

QER_ID_IE = 109
_BYTES_PER_S_PER_KBPS = 125
# What MeterConfig and the meters of a switch hold: 4 Tbit/s in a QER is no limit.
_MAX_KBPS = 1_000_000_000


class MeterKind(StrEnum):
    SESSION = "session"
    FLOW = "flow"


@dataclass(frozen=True, slots=True)
class MeterName:
    """The meter of a QER for one direction."""

    kind: MeterKind
    qer_id: int
    is_uplink: bool


def metered_qers(pdr: PDR, qers: Mapping[int, QER]) -> list[int]:
    """The QERs that limit what a PDR detects, or tell what is guaranteed of it from the rest."""
    return [
        qer_id
        for qer_id in dict.fromkeys(pdr.qer_ids)
        if 0 < qers[qer_id].mbr_kbps(is_uplink=pdr.is_uplink) <= _MAX_KBPS
        or _is_guaranteed(qers[qer_id], is_uplink=pdr.is_uplink)
    ]


def is_guaranteed(pdr: PDR, qers: Mapping[int, QER]) -> bool:
    """Whether a PDR's flow has a guaranteed bit rate.

    What is within it passes beside the slice's meter, what exceeds it does not.
    """
    return any(_is_guaranteed(qers[qer_id], is_uplink=pdr.is_uplink) for qer_id in pdr.qer_ids)


def _is_guaranteed(qer: QER, *, is_uplink: bool) -> bool:
    return 0 < qer.gbr_kbps(is_uplink=is_uplink) <= _MAX_KBPS


def meter_kinds(pdrs: Iterable[PDR], qers: Mapping[int, QER]) -> dict[tuple[int, bool], MeterKind]:
    """The kind of meter of each metered QER and direction (`is_uplink`).

    UnsupportedError where a PDR would need two of a kind.
    """
    users: dict[tuple[int, bool], int] = {}
    beside: dict[tuple[int, bool], set[tuple[int, bool]]] = {}
    for pdr in pdrs:
        named = [(qer_id, pdr.is_uplink) for qer_id in metered_qers(pdr, qers)]
        if len(named) > len(MeterKind):
            raise _too_many(pdr)
        for each in named:
            users[each] = users.get(each, 0) + 1
            beside.setdefault(each, set()).update(set(named) - {each})
    kinds: dict[tuple[int, bool], MeterKind] = {}
    for root in sorted(users, key=lambda each: (-users[each], each)):
        if root not in kinds:
            _spread(root, beside, kinds)
    for pdr in pdrs:
        chosen = [kinds[qer_id, pdr.is_uplink] for qer_id in metered_qers(pdr, qers)]
        if len(set(chosen)) != len(chosen):
            raise _too_many(pdr)
    return kinds


def _spread(
    root: tuple[int, bool],
    beside: Mapping[tuple[int, bool], set[tuple[int, bool]]],
    kinds: dict[tuple[int, bool], MeterKind],
) -> None:
    """Make `root` the session's, what stands beside it a flow's, and so on."""
    kinds[root] = MeterKind.SESSION
    waiting = deque([root])
    while waiting:
        each = waiting.popleft()
        other = MeterKind.FLOW if kinds[each] is MeterKind.SESSION else MeterKind.SESSION
        for neighbour in beside[each]:
            if neighbour not in kinds:
                kinds[neighbour] = other
                waiting.append(neighbour)


def _too_many(pdr: PDR) -> UnsupportedError:
    rule = RuleId(RuleKind.PDR, pdr.pdr_id)
    return UnsupportedError(
        f"{rule} names QERs whose rates would need more than one flow and one session meter",
        rule=rule,
        offending_ie=QER_ID_IE,
    )


def meter_rate(qer: QER, *, is_uplink: bool) -> MeterRate:
    """The setting of a QER's meter: what exceeds the MBR is red, what exceeds the GBR yellow."""
    mbr_kbps = qer.mbr_kbps(is_uplink=is_uplink)
    peak = _BYTES_PER_S_PER_KBPS * (mbr_kbps if 0 < mbr_kbps <= _MAX_KBPS else _MAX_KBPS)
    guaranteed = _BYTES_PER_S_PER_KBPS * qer.gbr_kbps(is_uplink=is_uplink)
    committed = min(guaranteed, peak) or peak
    return MeterRate(committed, _burst_bytes(committed), peak, _burst_bytes(peak))


def _burst_bytes(bytes_per_s: int) -> int:
    return max(bytes_per_s * DEFAULT_BURST_MS // 1000, MIN_BURST_BYTES)

"""Network slices: what a session must say to belong to one, and the meter rates of its capacity.

Slice 0 is what no slice claims, and has no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from upf.entry import MeterRate
from upf.errors import ResourcesExhaustedError, SliceError
from upf.tables import NUM_SLICES

DEFAULT_SLICE_ID = 0
# TCP that met the limit is silent for at least 200 ms, its least retransmission timeout on Linux:
# a burst that lasts longer lets it catch up, a shorter one costs it most of the capacity.
DEFAULT_BURST_MS = 250
# 1 Tbit/s: more than any port has.
NO_LIMIT_BPS = 10**12
# A burst smaller than a few jumbo frames would drop single packets of an idle slice.
MIN_BURST_BYTES = 32_768
NO_SD = 0xFFFFFF  # TS 23.003 clause 28.4.2


@dataclass(frozen=True, slots=True)
class SNSSAI:
    """Slice/service type and differentiator; NO_SD where there is none."""

    sst: int
    sd: int = NO_SD

    @property
    def reversed(self) -> SNSSAI:
        """The S-NSSAI whose differentiator has these octets in the other order."""
        return SNSSAI(self.sst, int.from_bytes(self.sd.to_bytes(3, "big"), "little"))

    def __str__(self) -> str:
        return f"{self.sst}" if self.sd == NO_SD else f"{self.sst}-{self.sd:06x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What an operator asked for. No S-NSSAI or no DNNs means any, None for a limit means none.

    `guaranteed_uplink_bps` and `guaranteed_downlink_bps` are what the slice is promised of the
    ports: its sessions' guaranteed bit rates may take no more in sum, and what it sends within it
    is told from what exceeds it: `dscp` marks the outer headers of the one, `excess_dscp` (None:
    the same) of the other. Bursts are in milliseconds at the capacity. `revision` tells states of
    the same slice apart; `slice_id` is the pipeline's. The registry gives both.
    """

    name: str
    s_nssai: SNSSAI | None
    dnns: tuple[str, ...] = ()
    uplink_bps: int | None = None
    downlink_bps: int | None = None
    uplink_burst_ms: float = DEFAULT_BURST_MS
    downlink_burst_ms: float = DEFAULT_BURST_MS
    guaranteed_uplink_bps: int = 0
    guaranteed_downlink_bps: int = 0
    max_sessions: int | None = None
    dscp: int | None = None
    excess_dscp: int | None = None
    slice_id: int = DEFAULT_SLICE_ID
    revision: int = 0

    def covers(self, s_nssai: SNSSAI | None, dnn: str | None) -> bool:
        """Whether a session with these belongs here. One without S-NSSAI is judged by its DNN."""
        if s_nssai is None and self.s_nssai is not None:
            return dnn is not None and dnn in self.dnns
        return self.s_nssai in (None, s_nssai) and (not self.dnns or dnn in self.dnns)

    def rates(
        self, uplink_taken_bps: int = 0, downlink_taken_bps: int = 0
    ) -> tuple[MeterRate | None, MeterRate | None]:
        """Settings of the uplink and the downlink meter; None for one that limits nothing.

        Guaranteed flows pass beside the meters: what was admitted of them is taken off the capacity
        and off the guaranteed share, and the rest is for all others.
        """
        return (
            _rate(
                self.uplink_bps, self.guaranteed_uplink_bps, self.uplink_burst_ms, uplink_taken_bps
            ),
            _rate(
                self.downlink_bps,
                self.guaranteed_downlink_bps,
                self.downlink_burst_ms,
                downlink_taken_bps,
            ),
        )

    def check(self) -> None:
        """SliceError if it is guaranteed more than it may send."""
        for direction, capacity_bps, guaranteed_bps in (
            ("uplink", self.uplink_bps, self.guaranteed_uplink_bps),
            ("downlink", self.downlink_bps, self.guaranteed_downlink_bps),
        ):
            if capacity_bps is not None and guaranteed_bps > capacity_bps:
                raise SliceError(
                    f"slice {self.name} is guaranteed more {direction} than its capacity: raise "
                    f"{direction}_mbps or lower guaranteed_{direction}_mbps"
                )

    def is_same_as(self, other: Slice) -> bool:
        """Whether the operator asks for the same."""
        return replace(self, slice_id=0, revision=0) == replace(other, slice_id=0, revision=0)

    def has_same_members_as(self, other: Slice) -> bool:
        """Whether the same sessions belong to both."""
        return (self.name, self.s_nssai, self.dnns) == (other.name, other.s_nssai, other.dnns)


def _closeness(each: Slice) -> tuple[bool, bool, str]:
    """Sorts the slice that says most of its sessions first."""
    return (not each.dnns, each.s_nssai is None, each.name)


def _rate(
    capacity_bps: int | None, guaranteed_bps: int, burst_ms: float, taken_bps: int
) -> MeterRate | None:
    """What exceeds the capacity is red, what exceeds the guaranteed share yellow.

    A slice without a share makes no such distinction.
    """
    if capacity_bps is None and not guaranteed_bps:
        return None
    peak = _left(NO_LIMIT_BPS if capacity_bps is None else capacity_bps, taken_bps)
    committed = min(_left(guaranteed_bps, taken_bps), peak) if guaranteed_bps else peak
    return MeterRate(committed, _burst(committed, burst_ms), peak, _burst(peak, burst_ms))


def _left(bits_per_s: int, taken_bps: int) -> int:
    """Octets a second that are left of a rate."""
    return max(0, bits_per_s - taken_bps) // 8


def _burst(bytes_per_s: int, burst_ms: float) -> int:
    return max(int(bytes_per_s * burst_ms / 1000), MIN_BURST_BYTES)


_MOST_FOUND = 1024


@dataclass(frozen=True, slots=True)
class SliceRegistry:
    """All slices by name. Immutable: `with_slice` and `without` give the next registry.

    `revision` is the highest given so far, that of slices since removed included.
    """

    slices: Mapping[str, Slice] = field(default_factory=dict)
    revision: int = 0
    _found: dict[tuple[SNSSAI | None, str | None], int] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def put(
        self, wanted: Slice, reserved: AbstractSet[int] = frozenset()
    ) -> tuple[SliceRegistry, Slice]:
        """The registry with this slice new or changed, and the slice with identifier and revision.

        A new one gets no identifier that is `reserved`. ResourcesExhaustedError if none is left.
        """
        held = self.slices.get(wanted.name)
        if held is not None and held.is_same_as(wanted):
            return self, held
        slice_id = self._free_id(reserved) if held is None else held.slice_id
        put = replace(wanted, slice_id=slice_id, revision=self.revision + 1)
        return self.with_slice(put), put

    def with_slice(self, held: Slice) -> SliceRegistry:
        """The registry with this slice as it is, identifier and revision included."""
        slices = {**self.slices, held.name: held}
        return SliceRegistry(slices, max(self.revision, held.revision))

    def without(self, name: str) -> SliceRegistry:
        """The registry without this slice; KeyError if there is none."""
        remaining = dict(self.slices)
        del remaining[name]
        return SliceRegistry(remaining, self.revision)

    def slice_id_for(self, s_nssai: SNSSAI | None, dnn: str | None) -> int:
        """Where a session belongs: of several slices one that names its DNN, then one that names
        its S-NSSAI, then the first by name.

        Where nobody names the S-NSSAI, whoever names the reversed one has the session: Open5GS
        sends the differentiator as its processor keeps it, least significant octet first.
        """
        found = self._found.get((s_nssai, dnn))
        if found is None:
            if len(self._found) >= _MOST_FOUND:
                self._found.clear()
            found = self._found[s_nssai, dnn] = self._sought(s_nssai, dnn)
        return found

    def _sought(self, s_nssai: SNSSAI | None, dnn: str | None) -> int:
        covering = self._covering(s_nssai, dnn)
        if s_nssai is not None and not any(each.s_nssai for each in covering):
            meant = self._covering(s_nssai.reversed, dnn)
            covering = [each for each in meant if each.s_nssai] or covering
        if not covering:
            return DEFAULT_SLICE_ID
        return min(covering, key=_closeness).slice_id

    def _covering(self, s_nssai: SNSSAI | None, dnn: str | None) -> list[Slice]:
        return [each for each in self.slices.values() if each.covers(s_nssai, dnn)]

    def of_id(self, slice_id: int) -> Slice | None:
        """The slice with this identifier; None for what no slice claims."""
        return next((each for each in self.slices.values() if each.slice_id == slice_id), None)

    def _free_id(self, reserved: AbstractSet[int]) -> int:
        used = {each.slice_id for each in self.slices.values()} | reserved
        for slice_id in range(DEFAULT_SLICE_ID + 1, NUM_SLICES):
            if slice_id not in used:
                return slice_id
        raise ResourcesExhaustedError(f"all {NUM_SLICES - 1} slices are in use: delete one first")

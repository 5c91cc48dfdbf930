"""Network slices: what a session must say to belong to one, and the meter rates of its capacity.

Slice 0 is what no slice claims, and has no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from upf.entry import MeterRate
from upf.errors import ResourcesExhaustedError
from upf.tables import NUM_SLICES

DEFAULT_SLICE_ID = 0
# TCP that met the limit is silent for at least 200 ms, its least retransmission timeout on Linux:
# a burst that lasts longer lets it catch up, a shorter one costs it most of the capacity.
DEFAULT_BURST_MS = 250
# A burst smaller than a few jumbo frames would drop single packets of an idle slice.
MIN_BURST_BYTES = 32_768
NO_SD = 0xFFFFFF  # TS 23.003 clause 28.4.2


@dataclass(frozen=True, slots=True)
class SNSSAI:
    """Slice/service type and differentiator; NO_SD where there is none."""

    sst: int
    sd: int = NO_SD

    def __str__(self) -> str:
        return f"{self.sst}" if self.sd == NO_SD else f"{self.sst}-{self.sd:06x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What an operator asked for. No DNNs means all; None for a rate means no limit."""

    name: str
    s_nssai: SNSSAI
    dnns: tuple[str, ...] = ()
    uplink_bps: int | None = None
    downlink_bps: int | None = None
    burst_ms: int = DEFAULT_BURST_MS
    slice_id: int = DEFAULT_SLICE_ID

    def covers(self, s_nssai: SNSSAI | None, dnn: str | None) -> bool:
        """Whether a session with these belongs here. One without S-NSSAI is judged by its DNN."""
        if s_nssai is None:
            return dnn is not None and dnn in self.dnns
        return s_nssai == self.s_nssai and (not self.dnns or dnn in self.dnns)

    def rates(self) -> tuple[MeterRate | None, MeterRate | None]:
        """Settings of the uplink and the downlink meter."""
        return _rate(self.uplink_bps, self.burst_ms), _rate(self.downlink_bps, self.burst_ms)


def _rate(bits_per_s: int | None, burst_ms: int) -> MeterRate | None:
    if bits_per_s is None:
        return None
    bytes_per_s = bits_per_s // 8
    burst_bytes = max(bytes_per_s * burst_ms // 1000, MIN_BURST_BYTES)
    return MeterRate(bytes_per_s, burst_bytes, bytes_per_s, burst_bytes)


@dataclass(frozen=True, slots=True)
class SliceRegistry:
    """All slices by name. Immutable: `put` and `without` give the next registry."""

    slices: Mapping[str, Slice] = field(default_factory=dict)

    def put(self, wanted: Slice) -> tuple[SliceRegistry, Slice]:
        """The registry with this slice new or changed, and the slice with its identifier."""
        held = self.slices.get(wanted.name)
        slice_id = self._free_id() if held is None else held.slice_id
        put = replace(wanted, slice_id=slice_id)
        return SliceRegistry({**self.slices, put.name: put}), put

    def without(self, name: str) -> SliceRegistry:
        """The registry without this slice; KeyError if there is none."""
        remaining = dict(self.slices)
        del remaining[name]
        return SliceRegistry(remaining)

    def slice_id_for(self, s_nssai: SNSSAI | None, dnn: str | None) -> int:
        """Where a session belongs: of several, the slice that names its DNN, then by name."""
        covering = [each for each in self.slices.values() if each.covers(s_nssai, dnn)]
        if not covering:
            return DEFAULT_SLICE_ID
        return min(covering, key=lambda each: (not each.dnns, each.name)).slice_id

    def _free_id(self) -> int:
        used = {each.slice_id for each in self.slices.values()}
        for slice_id in range(DEFAULT_SLICE_ID + 1, NUM_SLICES):
            if slice_id not in used:
                return slice_id
        raise ResourcesExhaustedError(f"all {NUM_SLICES - 1} slices are in use: delete one first")

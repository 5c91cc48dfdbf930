"""Slices as REST takes and gives them: rates in Mbit/s (10**6 bit/s) of users' IP packets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.asked import Asked
from upf.errors import SliceError
from upf.slices import DEFAULT_BURST_MS, NO_SD, SNSSAI, Slice
from upf.usage import Volume

SliceName = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
]
DNN = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
# 1 kbit/s is the least a meter can keep, 1 Tbit/s more than any port has.
Mbps = Annotated[float, Field(ge=0.001, le=1_000_000, allow_inf_nan=False)]
Guarantee = Annotated[
    float,
    Field(
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Its share of the ports, which all slices' shares must fit; what the "
        "guaranteed bit rates of its sessions may add up to",
    ),
]
DSCP = Annotated[int, Field(ge=0, le=63)]
Burst = Annotated[
    float,
    Field(
        ge=1,
        le=10_000,
        allow_inf_nan=False,
        description="How long a burst may exceed the capacity, in milliseconds at the capacity",
    ),
]
SD = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{6}$")]

_BITS_PER_MEGABIT = 1_000_000

EXAMPLE_SLICE: dict[str, Any] = {
    "sst": 1,
    "sd": "000001",
    "dnns": ["internet"],
    "uplink_mbps": 20,
    "downlink_mbps": 50,
    "uplink_burst_ms": 250,
    "downlink_burst_ms": 250,
    "guaranteed_uplink_mbps": 5,
    "guaranteed_downlink_mbps": 10,
    "max_sessions": 1000,
}


class SliceBody(Asked):
    """A network slice: which sessions belong to it, and what they may send together."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE_SLICE]})

    sst: Annotated[
        int | None,
        Field(ge=0, le=255, description="Slice/service type of the S-NSSAI; null for any S-NSSAI"),
    ]
    sd: Annotated[
        SD | None,
        Field(description="Slice differentiator, six hex digits; null or ffffff for none"),
    ] = None
    dnns: Annotated[list[DNN], Field(max_length=64, description="Empty: every DNN")] = Field(
        default_factory=list
    )
    uplink_mbps: Annotated[Mbps | None, Field(description="Capacity; null for no limit")] = None
    downlink_mbps: Annotated[Mbps | None, Field(description="Capacity; null for no limit")] = None
    uplink_burst_ms: Burst = DEFAULT_BURST_MS
    downlink_burst_ms: Burst = DEFAULT_BURST_MS
    guaranteed_uplink_mbps: Guarantee = 0
    guaranteed_downlink_mbps: Guarantee = 0
    max_sessions: Annotated[
        int | None,
        Field(ge=0, le=10_000_000, description="More are refused at N4; null for no limit"),
    ] = None
    dscp: Annotated[
        DSCP | None, Field(description="Marks the IP headers of its GTP-U packets; null for 0")
    ] = None
    excess_dscp: Annotated[
        DSCP | None,
        Field(description="Marks what exceeds the guaranteed share; null for the same as `dscp`"),
    ] = None

    def to_slice(self, name: str) -> Slice:
        """The slice of this name that the body describes. SliceError if it makes no sense."""
        if self.sst is None and self.sd is not None:
            raise SliceError(f"slice {name} has the SD {self.sd} but any SST: set sst too")
        sd = NO_SD if self.sd is None else int(self.sd, 16)
        described = Slice(
            name=name,
            s_nssai=None if self.sst is None else SNSSAI(self.sst, sd),
            dnns=tuple(self.dnns),
            uplink_bps=_bits_per_s(self.uplink_mbps),
            downlink_bps=_bits_per_s(self.downlink_mbps),
            uplink_burst_ms=self.uplink_burst_ms,
            downlink_burst_ms=self.downlink_burst_ms,
            guaranteed_uplink_bps=round(self.guaranteed_uplink_mbps * _BITS_PER_MEGABIT),
            guaranteed_downlink_bps=round(self.guaranteed_downlink_mbps * _BITS_PER_MEGABIT),
            max_sessions=self.max_sessions,
            dscp=self.dscp,
            excess_dscp=self.excess_dscp,
        )
        described.check()
        return described

    @classmethod
    def of(cls, held: Slice) -> SliceBody:
        """What an operator would put to get this slice."""
        return SliceBody(**fields_of(held))


class SlicePatch(SliceBody):
    """What to change of a slice (RFC 7396): a member left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"uplink_mbps": 40, "downlink_mbps": None}]}
    )

    sst: Annotated[
        int | None,
        Field(ge=0, le=255, description="Slice/service type of the S-NSSAI; null for any S-NSSAI"),
    ] = None

    def patched(self, held: Slice) -> Slice:
        """The slice after the change."""
        before = SliceBody.of(held).model_dump()
        given = self.model_dump(include=self.model_fields_set)
        return SliceBody.model_validate({**before, **given}).to_slice(held.name)


class Usage(BaseModel):
    """Users' packets and their octets."""

    uplink_packets: int
    uplink_octets: int
    downlink_packets: int
    downlink_octets: int

    @classmethod
    def of(cls, volume: Volume) -> Usage:
        return cls(
            uplink_packets=volume.uplink.packets,
            uplink_octets=volume.uplink.octets,
            downlink_packets=volume.downlink.packets,
            downlink_octets=volume.downlink.octets,
        )


class Throughput(BaseModel):
    """Mbit/s of users' IP packets, over the last second or so."""

    uplink_mbps: float = 0.0
    downlink_mbps: float = 0.0


class Headroom(BaseModel):
    """What is left of a slice's limits; null where it has none."""

    uplink_mbps: float | None
    downlink_mbps: float | None
    sessions: int | None


class SliceView(SliceBody):
    """A slice as it is now, with the sessions that belong to it and what they use.

    `usage` counts since the slice was made, sessions that ended included; `dropped` what rates and
    quotas took from it since then or since the UPF started. `etag` is for If-Match.
    """

    name: str
    sessions: int
    usage: Usage
    dropped: Usage
    throughput: Throughput
    headroom: Headroom
    guaranteed_in_use: Throughput
    etag: str


class Direction(BaseModel):
    """One direction of all slices together against the ports its traffic leaves by."""

    direction: str
    port_role: str
    port_mbps: float | None
    guaranteed_mbps: float
    capacity_mbps: float | None
    oversubscription: float | None


class Verdict(BaseModel):
    """Whether a slice would fit, and why not. `doubts` says what keeps guarantees from being sure
    though they fit.
    """

    fits: bool
    reasons: list[str]
    doubts: list[str]
    directions: list[Direction]


class UsagePoint(BaseModel):
    """What a slice carried in one step of time; sessions at its end."""

    time: datetime
    uplink_mbps: float
    downlink_mbps: float
    sessions: int


class UsageSeries(BaseModel):
    """A slice over time, oldest first. Steps without sessions and traffic may be missing."""

    slice: str | None
    step_s: int
    points: list[UsagePoint]


def etag_of(held: Slice) -> str:
    """Names what is configured of a slice, not its live figures."""
    return f'"{held.revision}"'


def fields_of(held: Slice) -> dict[str, Any]:
    """The members of a SliceBody."""
    return {
        "sst": held.s_nssai.sst if held.s_nssai else None,
        "sd": _sd(held.s_nssai),
        "dnns": list(held.dnns),
        "uplink_mbps": mbps(held.uplink_bps),
        "downlink_mbps": mbps(held.downlink_bps),
        "uplink_burst_ms": held.uplink_burst_ms,
        "downlink_burst_ms": held.downlink_burst_ms,
        "guaranteed_uplink_mbps": held.guaranteed_uplink_bps / _BITS_PER_MEGABIT,
        "guaranteed_downlink_mbps": held.guaranteed_downlink_bps / _BITS_PER_MEGABIT,
        "max_sessions": held.max_sessions,
        "dscp": held.dscp,
        "excess_dscp": held.excess_dscp,
    }


def _sd(s_nssai: SNSSAI | None) -> str | None:
    return None if s_nssai is None or s_nssai.sd == NO_SD else f"{s_nssai.sd:06x}"


def _bits_per_s(rate_mbps: float | None) -> int | None:
    return None if rate_mbps is None else round(rate_mbps * _BITS_PER_MEGABIT)


def mbps(bits_per_s: int | None) -> float | None:
    """Mbit/s of a rate in bit/s; None stays None."""
    return None if bits_per_s is None else bits_per_s / _BITS_PER_MEGABIT

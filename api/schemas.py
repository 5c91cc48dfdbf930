"""What REST takes and gives: rates in Mbit/s (10**6 bit/s), volumes of users' IP packets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from ipaddress import IPv4Address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from upf.slices import DEFAULT_BURST_MS, NO_SD, SNSSAI, Slice
from upf.usage import Volume, plus

SliceName = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
]
DNN = Annotated[str, StringConstraints(min_length=1, max_length=100)]
# 1 kbit/s is the least a meter can keep, 1 Tbit/s more than any port has.
Mbps = Annotated[float, Field(ge=0.001, le=1_000_000, allow_inf_nan=False)]

_BITS_PER_MEGABIT = 1_000_000


class SliceBody(BaseModel):
    """A network slice: which sessions belong to it, and what they may send together."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "sst": 1,
                    "sd": "000001",
                    "dnns": ["internet"],
                    "uplink_mbps": 20,
                    "downlink_mbps": 50,
                }
            ]
        },
    )

    sst: Annotated[int, Field(ge=0, le=255, description="Slice/service type of the S-NSSAI")]
    sd: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{6}$")] | None,
        Field(description="Slice differentiator, six hex digits; null or ffffff for none"),
    ] = None
    dnns: Annotated[list[DNN], Field(max_length=64, description="Empty: every DNN")] = []
    uplink_mbps: Annotated[Mbps | None, Field(description="Capacity; null for no limit")] = None
    downlink_mbps: Annotated[Mbps | None, Field(description="Capacity; null for no limit")] = None
    burst_ms: Annotated[
        int, Field(ge=1, le=10_000, description="How long a burst may exceed the capacity")
    ] = DEFAULT_BURST_MS

    def to_slice(self, name: str) -> Slice:
        """The slice of this name that the body describes."""
        return Slice(
            name=name,
            s_nssai=SNSSAI(self.sst, NO_SD if self.sd is None else int(self.sd, 16)),
            dnns=tuple(self.dnns),
            uplink_bps=_bits_per_s(self.uplink_mbps),
            downlink_bps=_bits_per_s(self.downlink_mbps),
            burst_ms=self.burst_ms,
        )


class Usage(BaseModel):
    """Packets and octets, after the slice's meter."""

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

    @classmethod
    def sum(cls, volumes: Iterable[Volume]) -> Usage:
        total = Volume()
        for volume in volumes:
            total = Volume(plus(total.uplink, volume.uplink), plus(total.downlink, volume.downlink))
        return cls.of(total)


class Throughput(BaseModel):
    """Mbit/s of users' IP packets, over the last second or so."""

    uplink_mbps: float = 0.0
    downlink_mbps: float = 0.0


class SliceView(SliceBody):
    """A slice as it is now, with the sessions that belong to it and their usage."""

    name: str
    sessions: int
    usage: Usage

    @classmethod
    def of(cls, held: Slice, sessions: int, usage: Usage) -> SliceView:
        return cls(
            name=held.name,
            sst=held.s_nssai.sst,
            sd=None if held.s_nssai.sd == NO_SD else f"{held.s_nssai.sd:06x}",
            dnns=list(held.dnns),
            uplink_mbps=mbps(held.uplink_bps),
            downlink_mbps=mbps(held.downlink_bps),
            burst_ms=held.burst_ms,
            sessions=sessions,
            usage=usage,
        )


class TunnelBody(BaseModel):
    """One end of a GTP-U tunnel; `teid` as eight hex digits."""

    teid: str
    ipv4: IPv4Address


class SessionBody(BaseModel):
    """A PFCP session. SEIDs are sixteen hex digits."""

    up_seid: str
    cp_seid: str
    cp_node_id: str
    ue_ipv4: IPv4Address | None
    dnn: str | None
    s_nssai: str | None
    slice: str | None
    local_tunnels: list[TunnelBody]
    remote_tunnels: list[TunnelBody]
    since: datetime
    usage: Usage


class AssociationBody(BaseModel):
    """An SMF associated with this UPF."""

    node_id: str
    address: str
    is_reachable: bool
    sessions: int


class HealthBody(BaseModel):
    """Whether signalling and traffic are served."""

    status: str
    reason: str | None = None


def _bits_per_s(mbps: float | None) -> int | None:
    return None if mbps is None else round(mbps * _BITS_PER_MEGABIT)


def mbps(bits_per_s: int | None) -> float | None:
    """Mbit/s of a rate in bit/s; None stays None."""
    return None if bits_per_s is None else bits_per_s / _BITS_PER_MEGABIT

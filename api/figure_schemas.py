"""Live figures as REST gives them: rates in Mbit/s (10**6 bit/s), packets/s, growing counters."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from api.schemas import Throughput, Usage
from api.session_schemas import AssociationBody


class SliceFigures(BaseModel):
    """A slice's traffic against its capacity. `name` is null for sessions that no slice covers."""

    name: str | None
    sessions: int
    max_sessions: int | None
    uplink_mbps: float | None
    downlink_mbps: float | None
    throughput: Throughput
    usage: Usage


class DropFigures(BaseModel):
    """Packets dropped for one reason since the switch started."""

    reason: str
    stage: str
    packets: int
    octets: int
    packets_per_s: float


class PortFigures(BaseModel):
    """An interface as its kernel counts it, whole frames."""

    name: str
    role: str
    is_up: bool
    speed_mbps: int | None
    rx_mbps: float
    tx_mbps: float
    rx_packets_per_s: float
    tx_packets_per_s: float
    rx_packets: int
    tx_packets: int
    rx_octets: int
    tx_octets: int


class StageFigures(BaseModel):
    """What a stage of the pipeline was given, and what of it it dropped."""

    stage: str
    title: str
    packets: int
    packets_per_s: float
    dropped_packets: int


class Figures(BaseModel):
    """Everything that moves, at one moment."""

    time: datetime
    interval_s: float
    is_ready: bool
    reason: str | None
    since: datetime
    version: str
    sessions: int
    slices: list[SliceFigures]
    associations: list[AssociationBody]
    drops: list[DropFigures]
    ports: list[PortFigures]
    pipeline: list[StageFigures]

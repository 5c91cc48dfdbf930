"""What REST tells of the UPF itself: health, switch, ports, routes, configuration."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from pydantic import BaseModel


class HealthBody(BaseModel):
    """Whether signalling and traffic are served."""

    status: str
    reason: str | None = None


class StatusBody(BaseModel):
    """The UPF in a few lines."""

    version: str
    node_id: str
    since: datetime
    is_ready: bool
    reason: str | None
    target: str
    sessions: int
    slices: int
    associations: int


class TargetBody(BaseModel):
    """The switch, and what of its tables is in use, of how much."""

    kind: str
    address: str | None
    mode: str
    is_ready: bool
    entries: dict[str, int]
    sizes: dict[str, int]


class PortBody(BaseModel):
    """An interface behind a port of the pipeline, as its kernel counts it; whole frames."""

    name: str
    port: int
    role: str
    network_instance: str | None
    gtpu_addresses: list[IPv4Address | IPv6Address]
    is_present: bool
    is_up: bool
    mac: str | None
    mtu: int | None
    speed_mbps: int | None
    rx_packets: int
    rx_octets: int
    rx_dropped: int
    tx_packets: int
    tx_octets: int
    tx_dropped: int


class RouteBody(BaseModel):
    """A route in the pipeline. Without MAC address the neighbour is still to be found; without an
    interface traffic stays within the switch, to another UE, or is dropped.
    """

    network_instance: str
    destination: IPv4Network | IPv6Network
    interface: str | None
    next_hop_mac: str | None


class NeighbourBody(BaseModel):
    """Someone on a link whose MAC address the kernel knows."""

    interface: str
    address: IPv4Address | IPv6Address
    mac: str
    is_stale: bool


class UEPoolBody(BaseModel):
    """A configured pool of UE addresses with the sessions that have one of it."""

    prefix: str
    network_instance: str | None
    addresses: int
    in_use: int


class DropBody(BaseModel):
    """Packets dropped for one reason since the switch started."""

    reason: str
    meaning: str
    stage: str
    packets: int
    octets: int


class TableBody(BaseModel):
    """A table of the pipeline: how many entries it holds, and has room for.

    `hits`: packets that its entries let pass and that passed everything behind it too, since the
    UPF started, as the PDRs' usage counters tell. Null where no counter tells.
    """

    name: str
    entries: int
    size: int
    hits: int | None


class StageBody(BaseModel):
    """A stage that packets pass, in packet order."""

    stage: str
    title: str
    packets: int
    dropped_packets: int
    tables: list[TableBody]
    drops: list[str]

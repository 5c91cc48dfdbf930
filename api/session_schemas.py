"""Sessions and associations as REST gives them."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, WithJsonSchema

from api.asked import Asked
from api.schemas import Usage

# Either version; what is neither is refused in one sentence.
AnyAddress = Annotated[
    IPvAnyAddress,
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]}
    ),
]


class TunnelBody(BaseModel):
    """One end of a GTP-U tunnel; `teid` as eight hex digits."""

    teid: str
    address: IPv4Address | IPv6Address


class SessionBody(BaseModel):
    """A PFCP session. SEIDs are sixteen hex digits; `ue_ipv6` is the UE's prefix."""

    up_seid: str
    cp_seid: str
    cp_node_id: str
    ue_ipv4: IPv4Address | None
    ue_ipv6: IPv6Network | None
    dnn: str | None
    s_nssai: str | None
    slice: str | None
    local_tunnels: list[TunnelBody]
    remote_tunnels: list[TunnelBody]
    since: datetime
    usage: Usage


class RulesBody(BaseModel):
    """The session's rules by the names of TS 29.244."""

    pdrs: list[dict[str, Any]]
    fars: list[dict[str, Any]]
    qers: list[dict[str, Any]]
    urrs: list[dict[str, Any]]
    bars: list[dict[str, Any]]


class EntryBody(BaseModel):
    """A table entry that the switch holds for a session.

    Key and parameters by name, in the order of P4Info; a prefix is written VALUE/LENGTH.
    """

    table: str
    key: dict[str, int | str]
    action: str
    params: dict[str, int]
    pdr_id: int | None


class CounterBody(BaseModel):
    """What one PDR counted since it was created."""

    pdr_id: int
    usage_id: int
    direction: str
    packets: int
    octets: int


class SessionDetails(SessionBody):
    """A session with all that is known of it."""

    rules: RulesBody
    entries: list[EntryBody]
    counters: list[CounterBody]


class AssociationBody(BaseModel):
    """An SMF associated with this UPF."""

    node_id: str
    address: str
    is_reachable: bool
    sessions: int
    since: datetime


class AssociationSetup(Asked):
    """The SMF to ask for an association."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"address": "10.100.4.1"}]}
    )

    address: AnyAddress
    port: Annotated[int, Field(ge=1, le=65535)] = 8805

"""Packets to be traced, and what would become of them, as REST takes and gives them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, StringConstraints, Tag

from api.asked import Asked
from api.session_schemas import AnyAddress
from upf.described import DEFAULT_REMOTE_PORT, DEFAULT_UE_PORT, Description
from upf.made_frames import PROTOCOL_NUMBERS
from upf.tracing import RawFrame

MAX_FRAME_OCTETS = 9216
_ETHERNET_OCTETS = 14
_MAX_PACKET_OCTETS = 9000

TEID = Annotated[str, StringConstraints(pattern=r"^(0x)?[0-9A-Fa-f]{1,8}$")]
Port = Annotated[int, Field(ge=0, le=65535)]
Interface = Annotated[str, StringConstraints(min_length=1, max_length=15)]

EXAMPLE_DESCRIPTION: dict[str, Any] = {
    "direction": "uplink",
    "ue": "10.45.0.2",
    "remote": "198.51.100.7",
    "protocol": "udp",
    "remote_port": 53,
    "size": 100,
}
EXAMPLE_FRAME: dict[str, Any] = {
    "interface": "n6",
    "hex": "02000000060102000000060208004500001c000000004001b1c1c63364070a2d00020800f7ff00000000",
}


class PacketDescription(Asked):
    """A user's packet by what one knows of it; the rest is taken from the session.

    Uplink it comes in the tunnel of the UE's session; `ue` or `teid` must be given. Downlink it is
    to `ue`.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE_DESCRIPTION]})

    direction: Literal["uplink", "downlink"]
    ue: Annotated[AnyAddress | None, Field(description="The UE's address")] = None
    teid: Annotated[
        TEID | None, Field(description="Uplink: the TEID of ours that the gNB uses, in hex digits")
    ] = None
    dnn: Annotated[
        str | None, Field(max_length=100, description="Which of several sessions of the UE")
    ] = None
    remote: Annotated[
        AnyAddress | None,
        Field(description="The far end; a neighbour on the core side unless given"),
    ] = None
    protocol: Annotated[
        Literal["udp", "tcp", "icmp"] | Annotated[int, Field(ge=0, le=255)],
        Field(description="Or its number"),
    ] = "udp"
    ue_port: Port = DEFAULT_UE_PORT
    remote_port: Port = DEFAULT_REMOTE_PORT
    size: Annotated[
        int,
        Field(
            ge=1,
            le=_MAX_PACKET_OCTETS,
            description="Octets of the user's IP packet; at least what its headers take",
        ),
    ] = 100
    qfi: Annotated[
        int | None,
        Field(ge=0, le=63, description="Uplink: in the PDU session container; the session's"),
    ] = None
    dscp: Annotated[int, Field(ge=0, le=63)] = 0
    hop_limit: Annotated[int, Field(ge=0, le=255, description="TTL")] = 64
    interface: Annotated[
        Interface | None, Field(description="Where it comes in, if not where it should")
    ] = None

    def wanted(self) -> Description:
        """What to trace."""
        protocol = self.protocol
        return Description(
            is_uplink=self.direction == "uplink",
            ue=self.ue,
            teid=None if self.teid is None else int(self.teid, 16),
            dnn=self.dnn,
            remote=self.remote,
            protocol=protocol if isinstance(protocol, int) else PROTOCOL_NUMBERS[protocol],
            ue_port=self.ue_port,
            remote_port=self.remote_port,
            octets=self.size,
            qfi=self.qfi,
            dscp=self.dscp,
            hop_limit=self.hop_limit,
            interface=self.interface,
        )


class PacketOctets(Asked):
    """A whole frame as it would arrive, from its destination MAC address on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE_FRAME]})

    interface: Annotated[Interface, Field(description="Where it comes in")]
    hex: Annotated[
        str,
        StringConstraints(
            min_length=2 * _ETHERNET_OCTETS,
            max_length=2 * MAX_FRAME_OCTETS,
            pattern=r"^([0-9A-Fa-f]{2})*$",
        ),
    ]

    def wanted(self) -> RawFrame:
        """What to trace."""
        return RawFrame(self.interface, bytes.fromhex(self.hex))


def _kind(body: Any) -> str:
    given = body if isinstance(body, dict) else getattr(body, "__dict__", {})
    return "octets" if "hex" in given else "description"


class PacketToTrace(
    RootModel[
        Annotated[
            Annotated[PacketDescription, Tag("description")]
            | Annotated[PacketOctets, Tag("octets")],
            Discriminator(_kind),
        ]
    ]
):
    """A packet, described or octet by octet."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_DESCRIPTION, EXAMPLE_FRAME]})


class TraceStep(BaseModel):
    """One table, counter, meter or register on the way.

    `meaning` says it in a sentence; null where it is of interest to the pipeline alone. `key` is
    what was looked for; without a hit the table's default action ran.
    """

    stage: str
    kind: Literal["table", "counter", "meter", "register"]
    name: str
    meaning: str | None
    key: dict[str, int | str] = {}
    is_hit: bool | None = None
    action: str | None = None
    params: dict[str, int | str] = {}
    index: int | None = None


class TraceTunnel(BaseModel):
    """The GTP-U tunnel it leaves in; `teid` as eight hex digits."""

    address: IPv4Address | IPv6Address
    teid: str
    qfi: int


class TraceWay(BaseModel):
    """By which interface it leaves, and to which neighbour."""

    interface: str
    mac: str
    address: IPv4Address | IPv6Address | None


class TraceBody(BaseModel):
    """What would become of a packet.

    `fate`: forwarded, dropped, held (waits in the UPF and goes on when it can), shown (to the UPF,
    and ends there) or host (left to the network stack of this host). `what_to_do` is null where all
    is well. `hex` is the frame as it would arrive, `out_hex` as it would leave.
    """

    fate: Literal["forwarded", "dropped", "held", "shown", "host"]
    summary: str
    what_to_do: str | None
    drop_reason: str | None
    shown_for: str | None
    up_seid: str | None
    pdr_id: int | None
    slice: str | None
    tunnel: TraceTunnel | None
    way: TraceWay | None
    interface: str
    hex: str
    out_hex: str | None
    steps: list[TraceStep]

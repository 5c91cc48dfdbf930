"""What an endpoint tells its owner. An event is made whole and never changes."""

from dataclasses import dataclass

from pfcp.association import Association
from pfcp.errors import DecodeError
from pfcp.messages import Message

Peer = tuple[str, int]
"""Address and UDP port."""


@dataclass(frozen=True, slots=True, eq=False)
class RequestReceived:
    """A request the owner must answer once, with `Endpoint.respond`; each is told once."""

    peer: Peer
    request: Message


@dataclass(frozen=True, slots=True, eq=False)
class ResponseReceived:
    """The answer to the request sent under this handle."""

    peer: Peer
    handle: int
    request: Message
    response: Message


@dataclass(frozen=True, slots=True, eq=False)
class ResponseMalformed:
    """An answer came that cannot be read; the request is over (TS 29.244 §7.6.1)."""

    peer: Peer
    handle: int
    request: Message
    error: DecodeError


@dataclass(frozen=True, slots=True, eq=False)
class RequestTimedOut:
    """No answer came, N1 retransmissions included."""

    peer: Peer
    handle: int
    request: Message


@dataclass(frozen=True, slots=True, eq=False)
class PeerRestarted:
    """The peer of an association lost its state: its sessions are gone there.

    Told before the request that showed it. `association` is the one that ended.
    """

    peer: Peer
    association: Association


@dataclass(frozen=True, slots=True, eq=False)
class PeerLost:
    """The peer of an association answers no heartbeats; they go on."""

    peer: Peer
    association: Association


@dataclass(frozen=True, slots=True, eq=False)
class PeerReturned:
    """A lost peer answers again and has not restarted."""

    peer: Peer
    association: Association


Event = (
    RequestReceived
    | ResponseReceived
    | ResponseMalformed
    | RequestTimedOut
    | PeerRestarted
    | PeerLost
    | PeerReturned
)

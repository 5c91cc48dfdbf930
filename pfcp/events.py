"""What an endpoint tells its owner. An event is made whole and never changes."""

from dataclasses import dataclass, field

from pfcp.association import Association
from pfcp.errors import DecodeError
from pfcp.messages import Message
from pfcp.transactions import Inquiry

Peer = tuple[str, int]
"""Address and UDP port."""


@dataclass(frozen=True, slots=True, eq=False)
class RequestReceived:
    """A request the owner may answer once, with `Endpoint.respond`; each is told once.

    `inquiry` is the endpoint's own note of it.
    """

    peer: Peer
    request: Message
    inquiry: Inquiry = field(repr=False)


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


@dataclass(frozen=True, slots=True, eq=False)
class PeerLoadChanged:
    """The peer of an association tells how loaded it is (TS 29.244 §6.2.3)."""

    peer: Peer
    association: Association
    load_percent: int


@dataclass(frozen=True, slots=True, eq=False)
class PeerOverloadChanged:
    """The peer asks for `reduction_percent` less traffic than usual (TS 29.244 §6.2.4).

    0 when that is over: told by the peer, or because its period of validity has run out.
    """

    peer: Peer
    association: Association
    reduction_percent: int


Event = (
    RequestReceived
    | ResponseReceived
    | ResponseMalformed
    | RequestTimedOut
    | PeerRestarted
    | PeerLost
    | PeerReturned
    | PeerLoadChanged
    | PeerOverloadChanged
)

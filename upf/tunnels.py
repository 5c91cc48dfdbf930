"""Where tunnels lead: of a peer that does not know one any more, of ours onwards. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from upf.errors import UPFError
from upf.rules import OuterProtocol
from upf.treatment import Tunnelled, treatment_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pfcp import ies, messages
    from upf.networks import Networks
    from upf.rules import FAR, IPAddress
    from upf.session import Session

Tunnel: TypeAlias = "tuple[IPAddress, int]"  # an address and a TEID there


def remote_tunnel(far: FAR) -> Tunnel | None:
    """The tunnel of a peer that a FAR sends to."""
    creation = None if far.forwarding is None else far.forwarding.outer_header_creation
    if creation is None or creation.protocol is not OuterProtocol.GTPU:
        return None
    return creation.address, creation.teid


def remote_tunnels(session: Session) -> set[Tunnel]:
    """The tunnels of peers that a session sends to."""
    return {tunnel for far in session.fars.values() if (tunnel := remote_tunnel(far)) is not None}


def tunnelled_by(session: Session, far_id: int, networks: Networks) -> Tunnelled | None:
    """How a FAR sends into a GTP-U tunnel; None if it does not."""
    for pdr in session.pdrs.values():
        if pdr.far_id == far_id:
            try:
                treatment = treatment_of(session, pdr, networks)
            except UPFError:
                return None
            if isinstance(treatment, Tunnelled) and treatment.peer.protocol is OuterProtocol.GTPU:
                return treatment
    return None


def onward(session: Session, tunnel: Tunnel, networks: Networks) -> Tunnelled | None:
    """Where packets that come by a tunnel of ours go on to, if it is another tunnel."""
    address, teid = tunnel
    for pdr in session.pdrs.values():
        fteid = pdr.pdi.local_fteid
        if fteid is None or fteid.teid != teid or address not in (fteid.ipv4, fteid.ipv6):
            continue
        found = None if pdr.far_id is None else tunnelled_by(session, pdr.far_id, networks)
        if found is not None:
            return found
    return None


def left(
    request: messages.SessionModificationRequest, before: Session, networks: Networks
) -> list[tuple[IPAddress, Tunnel]]:
    """Tunnels that a request wants ended with an End Marker (SNDEM, TS 29.244 clause 5.2.2):
    our address and the peer's tunnel, as they were before.
    """
    ended = []
    for update in _switched(request.update_fars):
        treatment = tunnelled_by(before, update.far_id, networks)
        if treatment is not None:
            ended.append((treatment.peer.src, (treatment.peer.dst, treatment.teid)))
    return ended


def _switched(updates: Iterable[ies.UpdateFAR]) -> Iterable[ies.UpdateFAR]:
    for each in updates:
        parameters = each.update_forwarding_parameters
        flags = None if parameters is None else parameters.pfcpsmreq_flags
        if flags is not None and flags.sndem:
            yield each

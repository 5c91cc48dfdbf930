"""N4 procedures of the node rather than of one session (TS 29.244 clause 6.2)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from pfcp import enums, ies, messages
from upf.errors import NoAssociationError, UPFError
from upf.features import up_function_features
from upf.provisions import described_anew
from upf.session_sets import is_in_sets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pfcp.association import AssociationTable
    from pfcp.events import Peer
    from upf.n4 import N4
    from upf.provisions import Applications, Described

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """What we tell CP functions of ourselves. `gives_addresses`: UEs may get theirs here."""

    node_id: ies.NodeID
    address: IPv4Address
    recovery_time_stamp: int
    gives_addresses: bool = False

    @property
    def features(self) -> ies.UPFunctionFeatures:
        """What works here."""
        return up_function_features(gives_addresses=self.gives_addresses)


async def _nothing_kept(_owner: ies.NodeID, _described: Described) -> None:
    """Keep nothing of applications."""


class NodeProcedures:
    """Answers for the node. `keep` is told what a CP function's applications look like now, before
    that is answered; StoreError if that cannot be kept.
    """

    keep: Callable[[ies.NodeID, Described], Awaitable[None]]

    def __init__(
        self,
        n4: N4,
        identity: Identity,
        associations: AssociationTable,
        applications: Applications,
    ) -> None:
        self.applications = applications
        self.keep = _nothing_kept
        self._n4 = n4
        self._identity = identity
        self._associations = associations

    async def answer(self, request: messages.Message, peer: Peer) -> messages.Message | None:
        """Carry out a request; None for one that we do not answer."""
        node_id = self._identity.node_id
        match request:
            case messages.AssociationSetupRequest():
                answer: messages.Message = messages.AssociationSetupResponse(
                    node_id=node_id,
                    cause=self._setup_cause(request.node_id, peer),
                    recovery_time_stamp=self._identity.recovery_time_stamp,
                    up_function_features=self._identity.features,
                )
            case messages.AssociationUpdateRequest():
                cause = self._association_cause(request.node_id, peer)
                answer = messages.AssociationUpdateResponse(node_id=node_id, cause=cause)
            case messages.AssociationReleaseRequest():
                cause = self._association_cause(request.node_id, peer)
                if cause == enums.Cause.REQUEST_ACCEPTED:
                    await self._n4.forget_sessions_of(request.node_id)
                answer = messages.AssociationReleaseResponse(node_id=node_id, cause=cause)
            case messages.PFDManagementRequest():
                answer = await self._describe_applications(request, peer)
            case messages.SessionSetDeletionRequest():
                answer = await self._delete_sets(request, peer)
            case messages.SessionSetModificationRequest():
                answer = messages.SessionSetModificationResponse(
                    node_id=node_id, cause=enums.Cause.SERVICE_NOT_SUPPORTED
                )
            case _:
                return None
        return answer

    def _setup_cause(self, node_id: ies.NodeID, peer: Peer) -> enums.Cause:
        """Refuse who speaks for a node that is there and speaks from elsewhere."""
        known = self._associations.of_node(node_id)
        if known is None or not known.is_elsewhere(peer):
            return enums.Cause.REQUEST_ACCEPTED
        log.warning(
            "%s asks for the association that %s has at %s", peer[0], node_id, known.peer[0]
        )
        return enums.Cause.REQUEST_REJECTED

    def _association_cause(self, node_id: ies.NodeID, peer: Peer) -> enums.Cause:
        """Whether a node speaks for itself, and has an association."""
        known = self._associations.of_node(node_id)
        if known is None or known.peer[0] != peer[0]:
            return enums.Cause.NO_ESTABLISHED_PFCP_ASSOCIATION
        return enums.Cause.REQUEST_ACCEPTED

    async def _describe_applications(
        self, request: messages.PFDManagementRequest, peer: Peer
    ) -> messages.PFDManagementResponse:
        """Know a CP function's applications as it describes them now, in sessions of its, too."""
        cause, offending_ie = enums.Cause.REQUEST_ACCEPTED, None
        try:
            association = self._associations.of_peer(peer)
            if association is None:
                raise NoAssociationError(f"{peer[0]} has no association")
            applications, owner = self.applications, association.node_id
            before = applications.of(owner)
            applications.replace(owner, described_anew(before, request))
            try:
                await self._follow(owner)
                await self.keep(owner, applications.of(owner))
            except UPFError:
                applications.replace(owner, before)
                await self._follow(owner)
                raise
        except UPFError as error:
            log.info("PFDs of %s refused: %s", peer[0], error)
            cause, offending_ie = enums.Cause(error.cause), error.offending_ie
        return messages.PFDManagementResponse(
            node_id=self._identity.node_id, cause=cause, offending_ie=offending_ie
        )

    async def _follow(self, owner: ies.NodeID) -> None:
        """Have sessions detect applications as a CP function describes them now."""
        applications = self.applications
        await self._n4.redescribe(owner, lambda each: applications.find(owner, each) or ())

    async def _delete_sets(
        self, request: messages.SessionSetDeletionRequest, peer: Peer
    ) -> messages.SessionSetDeletionResponse:
        """End the sessions of sets that a CP function lost (TS 29.244 clause 6.2.9)."""
        cause = self._association_cause(request.node_id, peer)
        if cause == enums.Cause.REQUEST_ACCEPTED:
            await self._n4.end_all(
                record
                for record in self._n4.sessions.values()
                if record.owner == request.node_id
                and is_in_sets(record.session.sets, request.fq_csids)
            )
        return messages.SessionSetDeletionResponse(node_id=self._identity.node_id, cause=cause)

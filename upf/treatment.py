"""What becomes of a packet that a PDR detected: its QERs' gates, then its FAR. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from upf.drops import DropReason
from upf.errors import RuleError, RuleId, RuleKind, UnsupportedError
from upf.provisions import ForwardingPolicy
from upf.quotas import is_bounded
from upf.rules import ApplyAction, Interface, IPAddress, OuterProtocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upf.networks import NetworkInstance, Networks
    from upf.rules import PDR, QER, ForwardingParameters, OuterHeaderCreation
    from upf.session import Session

OUTER_HEADER_REMOVAL_IE = 95
OUTER_HEADER_CREATION_IE = 84
TRANSPORT_LEVEL_MARKING_IE = 30

GTPU_PORT = 2152
_OCTETS_BEHIND_IP = {OuterProtocol.GTPU: 16, OuterProtocol.UDP: 8, OuterProtocol.IP: 0}
_PSC_OCTETS = 8  # with the options before it
_PPI_OCTETS = 4
_IP_OCTETS = {4: 20, 6: 40}


class Wait(Enum):
    """What is done with packets that are not forwarded now but shown to the controller."""

    BUFFER = "buffer"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class TunnelPeer:
    """A pair of GTP-U entities, ours and theirs, or ends of a tunnel of UDP or of IP alone, and how
    they are reached.

    `overhead` is octets put before a user's packet. `is_of_cp`: theirs is the CP function's, which
    may be anywhere the host's own routes lead. `dscp` is what outer headers are marked with.
    """

    network_instance_id: int
    src: IPAddress
    dst: IPAddress
    overhead: int
    dst_port: int = GTPU_PORT
    is_of_cp: bool = False
    dscp: int = 0
    protocol: OuterProtocol = OuterProtocol.GTPU


@dataclass(frozen=True, slots=True)
class Routed:
    """Sent on as it is, by the routes of a network instance or to a policy's next hops in it."""

    network_instance_id: int
    policy: ForwardingPolicy | None = None

    @property
    def route_instance(self) -> int:
        """Whose routes lead the way."""
        return self.network_instance_id if self.policy is None else self.policy.route_instance_id


@dataclass(frozen=True, slots=True)
class Tunnelled:
    """Put into a tunnel. QFI 0 is no PDU session container, PPI None none in it."""

    peer: TunnelPeer
    teid: int
    qfi: int
    reflective_qos: int
    ppi: int | None = None


Treatment: TypeAlias = DropReason | Wait | Routed | Tunnelled


def treatment_of(session: Session, pdr: PDR, networks: Networks) -> Treatment:
    """What to do with what a PDR detects; RuleError or UnsupportedError name the rule."""
    qers = [session.qers[qer_id] for qer_id in pdr.qer_ids]
    if not all(qer.is_uplink_open if pdr.is_uplink else qer.is_downlink_open for qer in qers):
        return DropReason.GATE_CLOSED
    far = session.fars[pdr.far_id] if pdr.far_id is not None else None
    spent = next((each for each in session.spent if is_bounded(pdr, each)), None)
    if spent is not None:
        quota_far_id = session.urrs[spent.urr_id].quota_far_id
        if quota_far_id is None:
            return DropReason.QUOTA_EXHAUSTED
        far = session.fars[quota_far_id]
    if far is None:
        return DropReason.FAR
    if far.apply_action & ApplyAction.BUFF:
        return Wait.BUFFER
    # Some SMFs mean DROP by a FAR that forwards to nowhere.
    is_forwarding = far.apply_action & ApplyAction.FORW
    if not is_forwarding or far.forwarding is None or _leads_nowhere(far.forwarding):
        return Wait.NOTIFY if far.apply_action & ApplyAction.NOCP else DropReason.FAR
    if pdr.pdi.local_fteid is not None and not pdr.has_outer_header_removal:
        rule = RuleId(RuleKind.PDR, pdr.pdr_id)
        raise UnsupportedError(
            f"{rule} forwards tunnelled packets without removing their outer header",
            rule=rule,
            offending_ie=OUTER_HEADER_REMOVAL_IE,
        )
    return _forwarded(session, pdr, far.forwarding, networks)


def _leads_nowhere(forwarding: ForwardingParameters) -> bool:
    """Whether a FAR forwards to the access side without a tunnel: free5GC's do until it knows the
    gNB's.
    """
    is_to_access = forwarding.destination_interface is Interface.ACCESS
    return is_to_access and forwarding.outer_header_creation is None


def _forwarded(
    session: Session, pdr: PDR, forwarding: ForwardingParameters, networks: Networks
) -> Routed | Tunnelled:
    creation = forwarding.outer_header_creation
    destination = _destination(networks, forwarding, pdr)
    if creation is None:
        if forwarding.dscp is not None:
            raise UnsupportedError(
                f"{_far_rule(pdr)} marks outer headers and creates none",
                rule=_far_rule(pdr),
                offending_ie=TRANSPORT_LEVEL_MARKING_IE,
            )
        if forwarding.forwarding_policy is not None:
            policy = networks.provisions.policy(forwarding.forwarding_policy)
            return Routed(policy.network_instance_id, policy)
        return Routed(destination.network_instance_id)
    qers = [session.qers[qer_id] for qer_id in pdr.qer_ids]
    is_gtpu = creation.protocol is OuterProtocol.GTPU
    # The CP function wants packets without a container.
    is_to_cp = is_gtpu and forwarding.destination_interface is Interface.CP_FUNCTION
    qfi = (
        0 if is_to_cp or not is_gtpu else next((qer.qfi for qer in qers if qer.qfi is not None), 0)
    )
    ppi = paging_policy_indicator(pdr, session.qers) if qfi else None
    container_octets = 0 if qfi == 0 else _PSC_OCTETS + (0 if ppi is None else _PPI_OCTETS)
    return Tunnelled(
        peer=replace(
            _tunnel_peer(destination, creation, pdr, container_octets=container_octets),
            is_of_cp=is_to_cp,
            dscp=forwarding.dscp or 0,
        ),
        teid=creation.teid,
        qfi=qfi,
        reflective_qos=int(not pdr.is_uplink and any(qer.is_reflective for qer in qers)),
        ppi=ppi,
    )


def paging_policy_indicator(pdr: PDR, qers: Mapping[int, QER]) -> int | None:
    """What the access network is told of downlink packets of a PDR (TS 23.501 clause 5.4.3.2)."""
    if pdr.is_uplink:
        return None
    said = (qers[qer_id].ppi for qer_id in pdr.qer_ids)
    return next((ppi for ppi in said if ppi is not None), None)


def _destination(networks: Networks, forwarding: ForwardingParameters, pdr: PDR) -> NetworkInstance:
    try:
        find = networks.resolve if forwarding.outer_header_creation is None else networks.tunnelled
        return find(forwarding.destination_interface, forwarding.network_instance)
    except RuleError as error:
        error.rule = _far_rule(pdr)
        raise


def _tunnel_peer(
    destination: NetworkInstance, creation: OuterHeaderCreation, pdr: PDR, *, container_octets: int
) -> TunnelPeer:
    if not destination.endpoints:
        raise RuleError(
            f"{_far_rule(pdr)} creates outer headers towards {destination.role}, where we have no "
            "GTP-U address: set gtpu_address on an interface there",
            rule=_far_rule(pdr),
        )
    endpoint = destination.endpoints[0]
    version = creation.address.version
    src = endpoint.ipv4 if version == 4 else endpoint.ipv6
    if src is None:
        raise UnsupportedError(
            f"{_far_rule(pdr)} creates headers of IPv{version} towards {destination.role}, where "
            f"we have no such GTP-U address",
            rule=_far_rule(pdr),
            offending_ie=OUTER_HEADER_CREATION_IE,
        )
    protocol = creation.protocol
    return TunnelPeer(
        destination.network_instance_id,
        src,
        creation.address,
        overhead=_IP_OCTETS[version] + _OCTETS_BEHIND_IP[protocol] + container_octets,
        dst_port=GTPU_PORT if protocol is OuterProtocol.GTPU else creation.port,
        protocol=protocol,
    )


def _far_rule(pdr: PDR) -> RuleId:
    return RuleId(RuleKind.FAR, pdr.far_id or 0)

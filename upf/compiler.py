"""What the switch should hold for a session. Pure: same session and context, same entries.

Today every PDR must be decided by one lookup, by F-TEID or by UE IPv4 address (fused path):

- of several PDRs with the same key the one with the lowest precedence value stands, for it matches
  all that the others could (TS 29.244 clause 5.2.1);
- an SDF filter that matches everything is none; a PDR whose filters match only IPv6 needs no entry
  in an IPv4 pipeline; any other filter is refused with its rule;
- a QFI in the PDI is met by construction where the PDR is alone with its key, else refused;
- buffering is a drop with a reason of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from upf import tables
from upf.drops import DropReason
from upf.entry import Entry, EntryKey
from upf.errors import ConditionalMissingError, RuleError, RuleId, RuleKind, UnsupportedError
from upf.networks import NetworkInstance, Networks
from upf.rules import PDR, ApplyAction, ForwardingParameters, Interface, OuterHeaderCreation

if TYPE_CHECKING:
    from upf.session import Session

FTEID_IE = 21
QFI_IE = 124
SDF_FILTER_IE = 23
OUTER_HEADER_REMOVAL_IE = 95
UE_IP_ADDRESS_IE = 93


@dataclass(frozen=True, slots=True)
class TunnelPeer:
    """A pair of GTP-U entities, ours and theirs."""

    src: IPv4Address
    dst: IPv4Address


@dataclass(frozen=True, slots=True)
class CompileContext:
    """What entries depend on beside the session."""

    networks: Networks
    tunnel_peer_ids: Mapping[TunnelPeer, int]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Entries of a session, and the PDR each came from."""

    entries: frozenset[Entry]
    pdr_ids: Mapping[EntryKey, int]


def tunnel_peers(session: Session, networks: Networks) -> frozenset[TunnelPeer]:
    """The tunnel peers that compiling this session will ask the context for."""
    peers = set()
    for pdr in _standing(session, networks).values():
        forwarding = _forwarding(session, pdr)
        if isinstance(forwarding, ForwardingParameters) and forwarding.outer_header_creation:
            peers.add(_tunnel_peer(forwarding, forwarding.outer_header_creation, pdr, networks))
    return frozenset(peers)


def compile_session(session: Session, context: CompileContext) -> Compiled:
    """The entries of a session; UPFError naming the rule that cannot be expressed."""
    entries = {}
    pdr_ids = {}
    for key, pdr in _standing(session, context.networks).items():
        entry = tables.entry(key, _action(session, pdr, context))
        entries[entry.identity] = entry
        pdr_ids[entry.identity] = pdr.pdr_id
    return Compiled(frozenset(entries.values()), pdr_ids)


def _standing(session: Session, networks: Networks) -> dict[tables.Key, PDR]:
    """The PDR that decides each lookup key of the session."""
    contenders: dict[tables.Key, list[PDR]] = {}
    for key, pdr in _keyed(session, networks):
        contenders.setdefault(key, []).append(pdr)
    standing = {}
    for key, pdrs in contenders.items():
        for pdr in pdrs:
            if pdr.pdi.qfis and len(pdrs) > 1:
                rule = RuleId(RuleKind.PDR, pdr.pdr_id)
                raise UnsupportedError(
                    f"{rule} shares its key with another PDR: QFIs are not told apart",
                    rule=rule,
                    offending_ie=QFI_IE,
                )
        standing[key] = min(pdrs, key=lambda pdr: (pdr.precedence, pdr.pdr_id))
    return standing


def _keyed(session: Session, networks: Networks) -> Iterator[tuple[tables.Key, PDR]]:
    """Each PDR that can match in an IPv4 pipeline, with its lookup key."""
    for pdr in session.pdrs.values():
        if not _is_ipv6_only(pdr):
            yield _key(session, pdr, networks), pdr


def _is_ipv6_only(pdr: PDR) -> bool:
    """Whether nothing but IPv6 matches; UnsupportedError if filters leave some IPv4 out."""
    filters = pdr.pdi.sdf_filters
    if not filters or any(each.is_match_all for each in filters):
        return False
    for each in filters:
        if not each.is_ipv6_only:
            rule = RuleId(RuleKind.PDR, pdr.pdr_id)
            raise UnsupportedError(
                f"{rule} has the SDF filter {each.text!r}: filters on IPv4 are not served",
                rule=rule,
                offending_ie=SDF_FILTER_IE,
            )
    return True


def _key(session: Session, pdr: PDR, networks: Networks) -> tables.Key:
    rule = RuleId(RuleKind.PDR, pdr.pdr_id)
    pdi = pdr.pdi
    if pdi.local_fteid is not None:
        return tables.SessionByFTEID(pdi.local_fteid.endpoint_id, pdi.local_fteid.teid)
    if pdi.source_interface is not Interface.CORE:
        raise ConditionalMissingError(
            f"{rule} detects traffic from {pdi.source_interface} without an F-TEID",
            rule=rule,
            offending_ie=FTEID_IE,
        )
    if pdr.has_outer_header_removal:
        raise RuleError(
            f"{rule} removes an outer header that its traffic does not have",
            rule=rule,
            offending_ie=OUTER_HEADER_REMOVAL_IE,
        )
    # A downlink PDR that names no address of the session's means its only one.
    ue_ipv4 = pdi.ue_ipv4 or session.ue_ipv4
    if ue_ipv4 is None:
        raise ConditionalMissingError(
            f"{rule} detects traffic from the core by neither F-TEID nor UE IPv4 address",
            rule=rule,
            offending_ie=UE_IP_ADDRESS_IE,
        )
    return tables.SessionByUEIPv4(_resolve(networks, pdr).network_instance_id, int(ue_ipv4))


def _resolve(networks: Networks, pdr: PDR) -> NetworkInstance:
    """The network instance that a PDI names."""
    try:
        return networks.resolve(pdr.pdi.source_interface, pdr.pdi.network_instance)
    except RuleError as error:
        error.rule = RuleId(RuleKind.PDR, pdr.pdr_id)
        raise


def _forwarding(session: Session, pdr: PDR) -> ForwardingParameters | DropReason:
    """Where a PDR's packets go, or why nowhere."""
    qers = [session.qers[qer_id] for qer_id in pdr.qer_ids]
    if not all(qer.is_uplink_open if pdr.is_uplink else qer.is_downlink_open for qer in qers):
        return DropReason.GATE_CLOSED
    far = session.fars[pdr.far_id] if pdr.far_id is not None else None
    if far is not None and far.apply_action & ApplyAction.BUFF:
        return DropReason.BUFFERING
    # Some SMFs mean DROP by a FAR that forwards to nowhere.
    if far is None or not far.apply_action & ApplyAction.FORW or far.forwarding is None:
        return DropReason.FAR
    return far.forwarding


def _action(session: Session, pdr: PDR, context: CompileContext) -> tables.Action:
    forwarding = _forwarding(session, pdr)
    if isinstance(forwarding, DropReason):
        return tables.Drop(forwarding)
    if pdr.pdi.local_fteid is not None and not pdr.has_outer_header_removal:
        rule = RuleId(RuleKind.PDR, pdr.pdr_id)
        raise UnsupportedError(
            f"{rule} forwards tunnelled packets without removing their outer header",
            rule=rule,
            offending_ie=OUTER_HEADER_REMOVAL_IE,
        )
    destination = _destination(context.networks, forwarding, pdr)
    slice_meter_id = tables.slice_meter_id(session.slice_id, is_uplink=pdr.is_uplink)
    creation = forwarding.outer_header_creation
    if creation is None:
        ue_ipv4 = (pdr.pdi.ue_ipv4 or session.ue_ipv4) if pdr.is_uplink else None
        return tables.Forward(
            usage_id=pdr.usage_id,
            slice_meter_id=slice_meter_id,
            route_instance=destination.network_instance_id,
            is_source_checked=int(ue_ipv4 is not None),
            ue_ipv4=0 if ue_ipv4 is None else int(ue_ipv4),
        )
    peer = _tunnel_peer(forwarding, creation, pdr, context.networks)
    qfi = _qfi(session, pdr)
    return tables.ForwardTunnel(
        usage_id=pdr.usage_id,
        slice_meter_id=slice_meter_id,
        route_instance=destination.network_instance_id,
        tunnel_peer_id=context.tunnel_peer_ids[peer],
        teid=creation.teid,
        psc=_psc(forwarding, qfi),
        qfi=qfi or 0,
    )


def _destination(networks: Networks, forwarding: ForwardingParameters, pdr: PDR) -> NetworkInstance:
    try:
        return networks.resolve(forwarding.destination_interface, forwarding.network_instance)
    except RuleError as error:
        error.rule = _far_rule(pdr)
        raise


def _tunnel_peer(
    forwarding: ForwardingParameters,
    creation: OuterHeaderCreation,
    pdr: PDR,
    networks: Networks,
) -> TunnelPeer:
    destination = _destination(networks, forwarding, pdr)
    if not destination.endpoints:
        raise RuleError(
            f"{_far_rule(pdr)} creates GTP-U headers towards {destination.role}, where we have no "
            "GTP-U address: set gtpu_address on an interface there",
            rule=_far_rule(pdr),
        )
    return TunnelPeer(destination.endpoints[0].ipv4, creation.ipv4)


def _far_rule(pdr: PDR) -> RuleId:
    return RuleId(RuleKind.FAR, pdr.far_id or 0)


def _qfi(session: Session, pdr: PDR) -> int | None:
    """The QFI that the PDR's QERs mark packets with."""
    return next(
        (qfi for qer_id in pdr.qer_ids if (qfi := session.qers[qer_id].qfi) is not None), None
    )


def _psc(forwarding: ForwardingParameters, qfi: int | None) -> int:
    """Which PDU session container says the QFI (TS 38.415 clause 5.5.2)."""
    if qfi is None:
        return tables.PSC_NONE
    match forwarding.destination_interface:
        case Interface.ACCESS:
            return tables.PSC_DOWNLINK
        case Interface.CORE:
            return tables.PSC_UPLINK
        case Interface.CP_FUNCTION:
            return tables.PSC_NONE

"""Which PDRs contend for the packets of one lookup, and in which order. Pure.

A direction is what one key of the pipeline finds: a tunnel endpoint of ours, or an address of the
UE in a network instance. Of its PDRs the one with the lowest precedence value that matches counts
(TS 29.244 clause 5.2.1); behind one that matches everything nothing else can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from upf import tables
from upf.entry import Prefix
from upf.errors import ConditionalMissingError, RuleError, RuleId, RuleKind
from upf.rules import BOTH_VERSIONS, PDR, Interface

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from upf.networks import NetworkInstance, Networks
    from upf.session import Session

FTEID_IE = 21
UE_IP_ADDRESS_IE = 93
OUTER_HEADER_REMOVAL_IE = 95


@dataclass(frozen=True, slots=True)
class Direction:
    """PDRs in the order they are tried, and the keys that lead to them."""

    keys: tuple[tables.LookupKey, ...]
    pdrs: tuple[PDR, ...]
    versions: frozenset[int]

    @property
    def is_uplink(self) -> bool:
        """Whether it is found by a tunnel endpoint of ours."""
        return isinstance(self.keys[0], tables.SessionByFTEID)

    @property
    def is_framed(self) -> bool:
        """Whether networks behind the UE lead to it, which are always classified."""
        framed = (tables.FramedRouteIPv4, tables.FramedRouteIPv6)
        return any(isinstance(key, framed) for key in self.keys)

    @property
    def is_unfiltered(self) -> bool:
        """Whether the lookup alone decides.

        A QFI asked for by a PDR that is alone is taken as met: it tells PDRs apart, and there is
        none to tell it from.
        """
        return len(self.pdrs) == 1 and all(
            _matches_all(self.pdrs[0], version, is_alone=True) for version in self.versions
        )


def directions_of(session: Session, networks: Networks) -> tuple[Direction, ...]:
    """The directions of a session. Those with the same PDRs are one, with several keys."""
    contenders: dict[tables.LookupKey, list[PDR]] = {}
    for pdr in session.pdrs.values():
        for key in _keys(session, pdr, networks):
            contenders.setdefault(key, []).append(pdr)
    found: dict[tuple[tuple[int, ...], bool], Direction] = {}
    for key, pdrs in contenders.items():
        versions = _versions(session, key)
        is_uplink = isinstance(key, tables.SessionByFTEID)
        ordered = _standing(pdrs, versions, tells_ues=is_uplink and _has_several_ues(session, pdrs))
        if not ordered:
            continue
        same = (tuple(pdr.pdr_id for pdr in ordered), is_uplink)
        known = found.get(same)
        found[same] = (
            Direction((key,), ordered, versions)
            if known is None
            else Direction((*known.keys, key), ordered, known.versions | versions)
        )
    return tuple(found.values())


def pdr_versions(pdr: PDR) -> AbstractSet[int]:
    """The versions of IP that a PDR's filters can match."""
    filters = pdr.pdi.sdf_filters
    if pdr.pdi.matches_nothing:
        return frozenset()
    if not filters:
        return BOTH_VERSIONS
    return frozenset().union(*(each.versions for each in filters))


def _has_several_ues(session: Session, pdrs: list[PDR]) -> bool:
    """Whether PDRs are told apart by the address their packets come from."""
    ipv4, ipv6 = session.ue_ipv4, session.ue_ipv6
    sources = {(each.pdi.ue_ipv4 or ipv4, each.pdi.ue_ipv6 or ipv6) for each in pdrs}
    return len(sources) > 1


def _standing(pdrs: list[PDR], versions: frozenset[int], *, tells_ues: bool) -> tuple[PDR, ...]:
    """PDRs by precedence, without those that cannot match any more."""
    matching = [pdr for pdr in pdrs if pdr_versions(pdr) & versions]
    is_alone = len(matching) == 1
    standing: list[PDR] = []
    open_versions = set(versions)
    for pdr in sorted(matching, key=lambda pdr: (pdr.precedence, pdr.pdr_id)):
        if not pdr_versions(pdr) & open_versions:
            continue
        standing.append(pdr)
        open_versions -= {
            version
            for version in versions
            if not tells_ues and _matches_all(pdr, version, is_alone=is_alone)
        }
        if not open_versions:
            break
    return tuple(standing)


def _matches_all(pdr: PDR, version: int, *, is_alone: bool) -> bool:
    filters = pdr.pdi.sdf_filters
    if pdr.pdi.qfis and not is_alone:
        return False
    return not filters or any(each.matches_all(version) for each in filters)


def _versions(session: Session, key: tables.LookupKey) -> frozenset[int]:
    """The versions of IP that can come by a key."""
    match key:
        case tables.SessionByUEIPv4() | tables.FramedRouteIPv4():
            return frozenset({4})
        case tables.SessionByUEIPv6() | tables.FramedRouteIPv6():
            return frozenset({6})
        case tables.SessionByFTEID():
            return session.ip_versions or BOTH_VERSIONS


def _keys(session: Session, pdr: PDR, networks: Networks) -> Iterator[tables.LookupKey]:
    rule = RuleId(RuleKind.PDR, pdr.pdr_id)
    pdi = pdr.pdi
    if pdi.local_fteid is not None:
        yield tables.SessionByFTEID(pdi.local_fteid.endpoint_id, pdi.local_fteid.teid)
        return
    if pdi.source_interface not in (Interface.CORE, Interface.VN_INTERNAL):
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
    # A downlink PDR that names no address of the session's means those it has.
    ue_ipv4, ue_ipv6 = pdi.ue_ipv4, pdi.ue_ipv6
    if ue_ipv4 is None and ue_ipv6 is None:
        ue_ipv4, ue_ipv6 = session.ue_ipv4, session.ue_ipv6
    if ue_ipv4 is None and ue_ipv6 is None and not pdi.framed_routes:
        raise ConditionalMissingError(
            f"{rule} detects traffic from the core by neither F-TEID nor UE IP address",
            rule=rule,
            offending_ie=UE_IP_ADDRESS_IE,
        )
    instance = _resolve(networks, pdr).network_instance_id
    if ue_ipv4 is not None:
        yield tables.SessionByUEIPv4(instance, int(ue_ipv4))
    if ue_ipv6 is not None:
        yield tables.SessionByUEIPv6(instance, int(ue_ipv6.network_address) >> 64)
    for route in pdi.framed_routes:
        prefix = Prefix(int(route.network_address), route.prefixlen)
        if route.version == 4:
            yield tables.FramedRouteIPv4(instance, prefix)
        else:
            yield tables.FramedRouteIPv6(instance, prefix)


def _resolve(networks: Networks, pdr: PDR) -> NetworkInstance:
    """The network instance that a PDI names."""
    try:
        return networks.resolve(pdr.pdi.source_interface, pdr.pdi.network_instance)
    except RuleError as error:
        error.rule = RuleId(RuleKind.PDR, pdr.pdr_id)
        raise

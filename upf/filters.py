"""From the PDRs of a direction to the list of filters that tells them apart. Pure.

The list does not name the session, so that sessions with equal lists share one.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from upf import tables
from upf.entry import Range, Ternary
from upf.errors import RuleId, RuleKind, UnsupportedError
from upf.rules import Interface, SDFFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upf.directions import Direction
    from upf.entry import Entry
    from upf.rules import PDR, IPNetwork
    from upf.session import Session

PDI_IE = 2
_ANY = Ternary(0, 0)
_ANY_FILTER = SDFFilter(text="permit out ip from any to any")
_FLOW_LABEL_MASK = (1 << 20) - 1
_QFI_MASK = 0x3F


class Rule(NamedTuple):
    """A filter and the slot of the PDR it belongs to; the key's rules_id is 0."""

    key: tables.FilterKey
    slot: int


RuleList: TypeAlias = tuple[Rule, ...]


def rule_list(session: Session, direction: Direction) -> RuleList:
    """The filters of a direction, the first that matches counts. UnsupportedError if too many."""
    if len(direction.pdrs) > tables.MAX_FILTER_SLOT:
        rule = RuleId(RuleKind.PDR, direction.pdrs[-1].pdr_id)
        raise UnsupportedError(
            f"{rule} is one of more than {tables.MAX_FILTER_SLOT} that detect the same traffic",
            rule=rule,
            offending_ie=PDI_IE,
        )
    return tuple(
        Rule(key, slot)
        for slot, pdr in enumerate(direction.pdrs, start=1)
        for version in sorted(direction.versions)
        for each in pdr.pdi.sdf_filters or (_ANY_FILTER,)
        if version in each.versions
        for key in _keys(session, pdr, each, version)
    )


def entries_of(rules: RuleList, rules_id: int) -> list[Entry]:
    """The entries of a list."""
    return [
        tables.entry(
            rule.key._replace(rules_id=rules_id), tables.SetSlot(rule.slot), len(rules) - number
        )
        for number, rule in enumerate(rules)
    ]


def _keys(session: Session, pdr: PDR, each: SDFFilter, version: int) -> Iterator[tables.FilterKey]:
    if pdr.is_uplink:
        # The UE sends: what the filter says of the far end is the destination.
        ends = [
            (_ternary(local), _ternary(each.remote))
            for local in _locals(_own_networks(session, pdr, version), each.local)
        ]
        src_ports, dst_ports = each.local_ports, each.remote_ports
    else:
        ends = [(_ternary(each.remote), _ternary(each.local))]
        src_ports, dst_ports = each.remote_ports, each.local_ports
    if each.spi is not None:
        src_ports, dst_ports = (((each.spi >> 16,) * 2,), ((each.spi & 0xFFFF,) * 2,))
    protocol = _ANY if each.protocol is None else Ternary(each.protocol, 0xFF)
    traffic_class = Ternary(*each.traffic_class) if each.traffic_class is not None else _ANY
    qfis = [Ternary(qfi, _QFI_MASK) for qfi in pdr.pdi.qfis] or [_ANY]
    for (src, dst), src_port, dst_port, qfi in product(ends, src_ports, dst_ports, qfis):
        ports = (Range(*src_port), Range(*dst_port))
        if version == 4:
            yield tables.FilterIPv4(0, src, dst, protocol, *ports, traffic_class, qfi)
        else:
            label = _ANY if each.flow_label is None else Ternary(each.flow_label, _FLOW_LABEL_MASK)
            yield tables.FilterIPv6(0, src, dst, protocol, *ports, traffic_class, label, qfi)


def _own_networks(session: Session, pdr: PDR, version: int) -> tuple[IPNetwork, ...] | None:
    """What the source of the UE's packets must be in one of; None where that is not checked.

    Router solicitations and the like go to the CP function, from addresses of the link.
    """
    far = session.fars.get(pdr.far_id) if pdr.far_id is not None else None
    if (
        far is not None
        and far.forwarding is not None
        and far.forwarding.destination_interface is Interface.CP_FUNCTION
    ):
        return None
    behind = tuple(each for each in session.framed_routes if each.version == version)
    if version == 4:
        address = pdr.pdi.ue_ipv4 or session.ue_ipv4
        own: IPNetwork | None = None if address is None else IPv4Network(address)
    else:
        own = pdr.pdi.ue_ipv6 or session.ue_ipv6
    return (*(() if own is None else (own,)), *behind) or None


def _locals(
    own: tuple[IPNetwork, ...] | None, wanted: IPNetwork | None
) -> Iterator[IPNetwork | None]:
    """What a filter for `wanted` can match of the networks that a UE sends from."""
    if own is None:
        yield wanted
        return
    for each in own:
        both = _both(each, wanted)
        if both is not None:
            yield both


def _both(own: IPNetwork, wanted: IPNetwork | None) -> IPNetwork | None:
    """What is in both networks; None if nothing is."""
    if wanted is None:
        return own
    narrow, wide = sorted((own, wanted), key=lambda each: -each.prefixlen)
    return narrow if narrow.network_address in wide else None


def _ternary(network: IPNetwork | None) -> Ternary:
    if network is None:
        return _ANY
    return Ternary(int(network.network_address), int(network.netmask))

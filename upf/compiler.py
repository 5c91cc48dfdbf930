"""What the switch should hold for a session. Pure: same session and context, same entries.

`survey` finds which PDRs contend where and what the entries need beside the session itself: shared
tunnel peers and filter lists, and identifiers of its own. `compile_session` makes the entries:

- fused: a direction whose lookup decides alone, with at most one rate to enforce, is one entry;
- classified: else the lookup leads to a list of filters, and each PDR is a flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from upf import tables
from upf.directions import Direction, directions_of
from upf.entry import Entry, EntryKey, MeterRate
from upf.filters import RuleList, rule_list
from upf.marks import GUARANTEED_CLASS, OTHERS_CLASS
from upf.policing import MeterKind, MeterName, is_guaranteed, meter_kinds, meter_rate, metered_qers
from upf.quotas import QuotaName, is_bounded, quota_names
from upf.session import Session
from upf.treatment import (
    Routed,
    Treatment,
    Tunnelled,
    TunnelPeer,
    Wait,
    paging_policy_indicator,
    treatment_of,
)

if TYPE_CHECKING:
    from upf.drops import DropReason
    from upf.networks import Networks
    from upf.rules import PDR

_CLASSIFIED: dict[type, type] = {
    tables.SessionByFTEID: tables.ClassifiedByFTEID,
    tables.SessionByUEIPv4: tables.ClassifiedByUEIPv4,
    tables.SessionByUEIPv6: tables.ClassifiedByUEIPv6,
    tables.FramedRouteIPv4: tables.FramedRouteIPv4,
    tables.FramedRouteIPv6: tables.FramedRouteIPv6,
}


class NumberKind(StrEnum):
    """What a session has numbers of its own for."""

    CLASSIFIED = "classified"


class NumberName(NamedTuple):
    """`key` is the first key of a classified direction."""

    kind: NumberKind
    key: tables.LookupKey


OwnName: TypeAlias = NumberName | MeterName | QuotaName


@dataclass(frozen=True, slots=True)
class Survey:
    """A session seen as directions, and what its entries need."""

    session: Session
    fused: tuple[Direction, ...]
    classified: tuple[tuple[Direction, RuleList], ...]
    treatments: Mapping[int, Treatment]
    quotas: Mapping[int, QuotaName]
    meter_kinds: Mapping[tuple[int, bool], MeterKind]
    peers: frozenset[TunnelPeer]
    rule_lists: frozenset[RuleList]
    names: frozenset[OwnName]

    def compiled(self, context: Context) -> Compiled:
        """Its entries."""
        return compile_session(self, context)


@dataclass(frozen=True, slots=True)
class Context:
    """The identifiers that entries refer to."""

    peer_ids: Mapping[TunnelPeer, int]
    rules_ids: Mapping[RuleList, int]
    own_ids: Mapping[OwnName, int]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Entries of a session, what is referred to before what refers; the PDR each came from; the
    rates of its meters by kind and index.
    """

    entries: tuple[Entry, ...]
    pdr_ids: Mapping[EntryKey, int]
    rates: Mapping[tuple[MeterKind, int], MeterRate]


def survey(session: Session, networks: Networks, num_session_meters: int) -> Survey:
    """Look at a session; UPFError naming the rule that cannot be expressed."""
    directions = directions_of(session, networks)
    pdrs = {pdr.pdr_id: pdr for each in directions for pdr in each.pdrs}
    treatments = {pdr_id: treatment_of(session, pdr, networks) for pdr_id, pdr in pdrs.items()}
    quotas = quota_names(session)
    kinds = meter_kinds(pdrs.values(), session.qers)
    users: dict[tuple[int, bool], int] = {}
    for pdr in pdrs.values():
        for qer_id in metered_qers(pdr, session.qers):
            users[qer_id, pdr.is_uplink] = users.get((qer_id, pdr.is_uplink), 0) + 1
    fused, classified = [], []
    for each in directions:
        first = each.pdrs[0]
        if (
            each.is_unfiltered
            and not each.is_framed
            and first.pdr_id not in quotas
            and _is_fusible(session, first, users, num_session_meters)
        ):
            fused.append(each)
        else:
            classified.append((each, rule_list(session, each)))
    live_quotas = {
        pdr_id: name
        for pdr_id, name in quotas.items()
        if isinstance(treatments.get(pdr_id), Routed | Tunnelled)
        and not any(is_bounded(pdrs[pdr_id], each) for each in session.spent)
    }
    peers = {each.peer for each in treatments.values() if isinstance(each, Tunnelled)}
    return Survey(
        session=session,
        fused=tuple(fused),
        classified=tuple(classified),
        treatments=treatments,
        quotas=live_quotas,
        meter_kinds=kinds,
        peers=frozenset(peers),
        rule_lists=frozenset(rules for _, rules in classified),
        names=frozenset({*_names(session, classified, kinds), *live_quotas.values()}),
    )


def _is_fusible(
    session: Session,
    pdr: PDR,
    users: Mapping[tuple[int, bool], int],
    num_session_meters: int,
) -> bool:
    """Whether a PDR fits the fused path, whose meter is numbered as its usage counter."""
    if paging_policy_indicator(pdr, session.qers) is not None:
        return False
    # The one source that the fused path can check is the UE itself.
    if pdr.is_uplink and session.framed_routes:
        return False
    named = metered_qers(pdr, session.qers)
    if is_guaranteed(pdr, session.qers):
        return False
    return not named or (
        len(named) == 1
        and users[named[0], pdr.is_uplink] == 1
        and pdr.usage_id < num_session_meters
    )


def _names(
    session: Session,
    classified: list[tuple[Direction, RuleList]],
    kinds: Mapping[tuple[int, bool], MeterKind],
) -> set[OwnName]:
    names: set[OwnName] = set()
    for direction, _ in classified:
        names.add(NumberName(NumberKind.CLASSIFIED, direction.keys[0]))
        for pdr in direction.pdrs:
            for qer_id in metered_qers(pdr, session.qers):
                kind = kinds[qer_id, pdr.is_uplink]
                names.add(MeterName(kind, qer_id, pdr.is_uplink))
    return names


def compile_session(surveyed: Survey, context: Context) -> Compiled:
    """The entries of a session."""
    compiler = _Compiler(surveyed, context)
    for direction in surveyed.fused:
        compiler.fuse(direction)
    for direction, rules in surveyed.classified:
        compiler.classify(direction, context.rules_ids[rules])
    return Compiled(tuple(compiler.entries.values()), compiler.pdr_ids, compiler.rates)


class _Compiler:
    def __init__(self, surveyed: Survey, context: Context) -> None:
        self.entries: dict[EntryKey, Entry] = {}
        self.pdr_ids: dict[EntryKey, int] = {}
        self.rates: dict[tuple[MeterKind, int], MeterRate] = {}
        self._session = surveyed.session
        self._treatments = surveyed.treatments
        self._quotas = surveyed.quotas
        self._kinds = surveyed.meter_kinds
        self._context = context

    def _add(self, entry: Entry, pdr_id: int) -> None:
        self.entries[entry.identity] = entry
        self.pdr_ids[entry.identity] = pdr_id

    def fuse(self, direction: Direction) -> None:
        pdr = direction.pdrs[0]
        action = self._fused_action(pdr)
        prefix = pdr.pdi.ue_ipv6 or self._session.ue_ipv6
        if isinstance(action, tables.Forward) and action.is_source_checked and prefix is not None:
            source = tables.SourcePrefix(pdr.usage_id, int(prefix.network_address) >> 64)
            self._add(tables.entry(source, tables.IsOwnPrefix()), pdr.pdr_id)
        for key in direction.keys:
            self._add(tables.entry(key, action), pdr.pdr_id)

    def classify(self, direction: Direction, rules_id: int) -> None:
        classified_id = self._context.own_ids[NumberName(NumberKind.CLASSIFIED, direction.keys[0])]
        for slot, pdr in enumerate(direction.pdrs, start=1):
            key = tables.Flow(classified_id, slot)
            self._add(tables.entry(key, self._flow_action(pdr)), pdr.pdr_id)
        # Last, as what it leads to comes before it.
        action = tables.Classify(rules_id, classified_id)
        for lookup in direction.keys:
            classified_key = _CLASSIFIED[type(lookup)](*lookup)
            pdr_id = direction.pdrs[0].pdr_id
            self._add(tables.entry(classified_key, action), pdr_id)
            # No other session may have the fused entry.
            self.pdr_ids[tables.TABLES[type(lookup)], tuple(lookup), 0] = pdr_id

    def _fused_action(self, pdr: PDR) -> tables.FusedAction:
        treatment = self._treatments[pdr.pdr_id]
        if not isinstance(treatment, Routed | Tunnelled):
            return _stopped(treatment, pdr)
        named = metered_qers(pdr, self._session.qers)
        for qer_id in named:
            rate = meter_rate(self._session.qers[qer_id], is_uplink=pdr.is_uplink)
            self.rates[MeterKind.SESSION, pdr.usage_id] = rate
        slice_id = self._session.slice_id
        if isinstance(treatment, Tunnelled):
            return tables.ForwardTunnel(
                usage_id=pdr.usage_id,
                is_session_metered=len(named),
                slice_id=slice_id,
                traffic_class=OTHERS_CLASS,
                tunnel_peer_id=self._context.peer_ids[treatment.peer],
                teid=treatment.teid,
                qfi=treatment.qfi,
                reflective_qos=treatment.reflective_qos,
            )
        session = self._session
        ue_ipv4 = (pdr.pdi.ue_ipv4 or session.ue_ipv4) if pdr.is_uplink else None
        return tables.Forward(
            usage_id=pdr.usage_id,
            is_source_checked=int(pdr.is_uplink and bool(session.ip_versions)),
            is_session_metered=len(named),
            slice_id=slice_id,
            traffic_class=OTHERS_CLASS,
            route_instance=treatment.route_instance,
            ue_ipv4=0 if ue_ipv4 is None else int(ue_ipv4),
        )

    def _flow_action(self, pdr: PDR) -> tables.FlowAction:
        treatment = self._treatments[pdr.pdr_id]
        if not isinstance(treatment, Routed | Tunnelled):
            return _stopped(treatment, pdr)
        meters = self._meters(pdr)
        guaranteed = is_guaranteed(pdr, self._session.qers)
        quota = self._quotas.get(pdr.pdr_id)
        common = {
            "usage_id": pdr.usage_id,
            "flow_meter_id": meters.get(MeterKind.FLOW, 0),
            "session_meter_id": meters.get(MeterKind.SESSION, 0),
            "is_guaranteed": int(guaranteed),
            "quota_id": 0 if quota is None else self._context.own_ids[quota],
            "slice_id": self._session.slice_id,
            "traffic_class": GUARANTEED_CLASS if guaranteed else OTHERS_CLASS,
        }
        if isinstance(treatment, Tunnelled):
            return tables.ForwardFlowTunnel(
                **common,
                tunnel_peer_id=self._context.peer_ids[treatment.peer],
                teid=treatment.teid,
                qfi=treatment.qfi,
                reflective_qos=treatment.reflective_qos,
                is_ppi_present=int(treatment.ppi is not None),
                ppi=treatment.ppi or 0,
            )
        return tables.ForwardFlow(**common, route_instance=treatment.route_instance)

    def _meters(self, pdr: PDR) -> dict[MeterKind, int]:
        """The meters of a PDR's flow."""
        meters = {}
        for qer_id in metered_qers(pdr, self._session.qers):
            kind = self._kinds[qer_id, pdr.is_uplink]
            index = self._context.own_ids[MeterName(kind, qer_id, pdr.is_uplink)]
            meters[kind] = index
            rate = meter_rate(self._session.qers[qer_id], is_uplink=pdr.is_uplink)
            self.rates[kind, index] = rate
        return meters


def _stopped(treatment: DropReason | Wait, pdr: PDR) -> tables.Buffer | tables.Notify | tables.Drop:
    if treatment is Wait.BUFFER:
        return tables.Buffer(pdr.usage_id)
    if treatment is Wait.NOTIFY:
        return tables.Notify(pdr.usage_id)
    return tables.Drop(int(treatment))

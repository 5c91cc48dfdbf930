"""A PDU session's rules as one immutable value, and how a request changes them.

`modified` merges what a request gives into what is there, never replaces, and checks references
over the final set, so that a request may be written in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Network
from typing import Any, TypeAlias, TypeVar

from upf.errors import ConditionalMissingError, RuleError, RuleId, RuleKind
from upf.quotas import Bound
from upf.rules import (
    BAR,
    FAR,
    PDR,
    QER,
    URR,
    ChooseKey,
    ForwardingParameters,
    IPNetwork,
    LocalFTEID,
    SDFFilter,
)
from upf.session_sets import SessionSet
from upf.slices import SNSSAI
from upf.ue_pools import Allocated

FAR_ID_IE = 108
DESTINATION_INTERFACE_IE = 42

Rule: TypeAlias = PDR | FAR | QER | URR | BAR
RuleT = TypeVar("RuleT", PDR, FAR, QER, URR, BAR)

_RULES: dict[RuleKind, tuple[str, Any]] = {
    RuleKind.PDR: ("pdrs", PDR),
    RuleKind.FAR: ("fars", FAR),
    RuleKind.QER: ("qers", QER),
    RuleKind.URR: ("urrs", URR),
    RuleKind.BAR: ("bars", BAR),
}
_KIND_OF: dict[type, RuleKind] = {cls: kind for kind, (_, cls) in _RULES.items()}
_ID_FIELDS: dict[RuleKind, str] = {kind: f"{kind.name.lower()}_id" for kind in RuleKind}


@dataclass(frozen=True, slots=True)
class Update:
    """Fields of one rule that a request gives anew. A mapping inside changes a part's fields."""

    rule: RuleId
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one request does to a session's rules."""

    creates: tuple[Rule, ...] = ()
    updates: tuple[Update, ...] = ()
    removes: tuple[RuleId, ...] = ()
    cp_seid: int | None = None
    cp_address: IPv4Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One PFCP session. `cp_address` is where its CP function takes our requests.

    `quota_grants` counts how often a URR's quota was granted anew, by urr_id; `spent` is what of
    quotas is used up; `sets` are those of CP functions that it is of; `allocated` are the addresses
    that its UE was given here, by version of IP.
    """

    up_seid: int
    cp_seid: int
    cp_address: IPv4Address
    dnn: str | None = None
    s_nssai: SNSSAI | None = None
    slice_id: int = 0
    pdrs: Mapping[int, PDR] = field(default_factory=dict)
    fars: Mapping[int, FAR] = field(default_factory=dict)
    qers: Mapping[int, QER] = field(default_factory=dict)
    urrs: Mapping[int, URR] = field(default_factory=dict)
    bars: Mapping[int, BAR] = field(default_factory=dict)
    chosen_fteids: Mapping[ChooseKey, LocalFTEID] = field(default_factory=dict)
    quota_grants: Mapping[int, int] = field(default_factory=dict)
    spent: frozenset[Bound] = frozenset()
    inactivity_timer_s: int | None = None
    allocated: Mapping[int, Allocated] = field(default_factory=dict)
    sets: frozenset[SessionSet] = frozenset()

    @property
    def framed_routes(self) -> tuple[IPNetwork, ...]:
        """The networks behind the UE that its PDRs name."""
        named = (route for pdr in self.pdrs.values() for route in pdr.pdi.framed_routes)
        return tuple(dict.fromkeys(named))

    @property
    def ue_ipv4(self) -> IPv4Address | None:
        """The UE's address, as the first PDR that names one says."""
        return next((pdr.pdi.ue_ipv4 for pdr in self.pdrs.values() if pdr.pdi.ue_ipv4), None)

    @property
    def ue_ipv6(self) -> IPv6Network | None:
        """The UE's prefix, as the first PDR that names one says."""
        return next((pdr.pdi.ue_ipv6 for pdr in self.pdrs.values() if pdr.pdi.ue_ipv6), None)

    @property
    def ip_versions(self) -> frozenset[int]:
        """The versions of IP that the UE, or what is behind it, has addresses of."""
        behind = {each.version for each in self.framed_routes}
        has = {
            4: self.ue_ipv4 is not None or 4 in behind,
            6: self.ue_ipv6 is not None or 6 in behind,
        }
        return frozenset(version for version, is_there in has.items() if is_there)

    @property
    def local_fteids(self) -> frozenset[LocalFTEID]:
        """Every tunnel endpoint of ours that the session's PDRs name."""
        return frozenset(
            pdr.pdi.local_fteid for pdr in self.pdrs.values() if pdr.pdi.local_fteid is not None
        )

    def modified(self, change: Change, **also: Any) -> Session:
        """The session after a request. RuleError or ConditionalMissingError name the rule.

        `also` are fields to have anew beside the rules.
        """
        if change.cp_seid is not None:
            also["cp_seid"] = change.cp_seid
        if change.cp_address is not None:
            also["cp_address"] = change.cp_address
        session = replace(self, **self._rules_after(change), **also)
        session.check_references()
        if session.spent:
            spent = frozenset(bound for bound in session.spent if bound.urr_id in session.urrs)
            session = replace(session, spent=spent)
        if not self.urrs:
            return session
        made = {rule.urr_id for rule in change.creates if isinstance(rule, URR)}
        return session.granted(made & self.urrs.keys())

    def _rules_after(self, change: Change) -> dict[str, Any]:
        """The rules of the kinds that a request says something of."""
        changed = {_KIND_OF[type(rule)] for rule in change.creates}
        changed.update(update.rule.kind for update in change.updates)
        changed.update(rule.kind for rule in change.removes)
        return {
            name: _merged(getattr(self, name), change, kind, cls)
            for kind, (name, cls) in _RULES.items()
            if kind in changed
        }

    def granted(self, urr_ids: Iterable[int]) -> Session:
        """The session with new quotas of these URRs."""
        granted = dict.fromkeys(urr_ids, 1)
        if not granted:
            return self
        grants = {
            urr_id: self.quota_grants.get(urr_id, 0) + granted.get(urr_id, 0)
            for urr_id in self.quota_grants.keys() | granted
            if urr_id in self.urrs
        }
        spent = frozenset(bound for bound in self.spent if bound.urr_id not in granted)
        return replace(self, quota_grants=grants, spent=spent)

    def _is_stopped_by_predefined(self, pdr: PDR) -> bool:
        """Whether a predefined rule drops all that a PDR detects, which needs no FAR then."""
        return bool(pdr.predefined) and not all(
            self.qers[qer_id].is_uplink_open for qer_id in pdr.qer_ids if qer_id in self.qers
        )

    def check_references(self) -> None:
        """Refuse a rule that refers to one that is not there."""
        for pdr in self.pdrs.values():
            rule = RuleId(RuleKind.PDR, pdr.pdr_id)
            if pdr.far_id is None:
                if self._is_stopped_by_predefined(pdr):
                    continue
                raise ConditionalMissingError(
                    f"{rule} names no FAR", rule=rule, offending_ie=FAR_ID_IE
                )
            _check_all_in([pdr.far_id], self.fars, RuleKind.FAR, rule)
            _check_all_in(pdr.qer_ids, self.qers, RuleKind.QER, rule)
            _check_all_in(pdr.urr_ids, self.urrs, RuleKind.URR, rule)
        for urr in self.urrs.values():
            if urr.quota_far_id is not None:
                rule = RuleId(RuleKind.URR, urr.urr_id)
                _check_all_in([urr.quota_far_id], self.fars, RuleKind.FAR, rule)
        for far in self.fars.values():
            if far.bar_id is not None:
                _check_all_in(
                    [far.bar_id], self.bars, RuleKind.BAR, RuleId(RuleKind.FAR, far.far_id)
                )


def redescribed(session: Session, filters_of: Callable[[bytes], tuple[SDFFilter, ...]]) -> Session:
    """The session with applications as they are described now; itself if none is another."""
    changed = {}
    for pdr_id, pdr in session.pdrs.items():
        application_id = pdr.pdi.application_id
        if application_id is not None and pdr.pdi.sdf_filters != filters_of(application_id):
            pdi = replace(pdr.pdi, sdf_filters=filters_of(application_id))
            changed[pdr_id] = replace(pdr, pdi=pdi)
    return replace(session, pdrs={**session.pdrs, **changed}) if changed else session


def _check_all_in(
    ids: Iterable[int], rules: Mapping[int, Rule], kind: RuleKind, rule: RuleId
) -> None:
    for value in ids:
        if value not in rules:
            raise RuleError(f"{rule} names {RuleId(kind, value)}, which does not exist", rule=rule)


def _merged(
    rules: Mapping[int, RuleT], change: Change, kind: RuleKind, rule_type: type[RuleT]
) -> Mapping[int, RuleT]:
    """The rules of one kind after a change."""
    merged = dict(rules)
    removed = {rule.value for rule in change.removes if rule.kind is kind}
    id_field = _ID_FIELDS[kind]
    for value in removed - merged.keys():
        raise RuleError(
            f"{RuleId(kind, value)} is to be removed but does not exist", rule=RuleId(kind, value)
        )
    for update in change.updates:
        if update.rule.kind is kind:
            if update.rule.value not in merged:
                raise RuleError(
                    f"{update.rule} is to be updated but does not exist", rule=update.rule
                )
            merged[update.rule.value] = _with_fields(
                merged[update.rule.value], update.fields, update.rule
            )
    created = {}
    for rule in change.creates:
        if isinstance(rule, rule_type):
            value = getattr(rule, id_field)
            if value in created or (value in merged and value not in removed):
                raise RuleError(f"{RuleId(kind, value)} exists already", rule=RuleId(kind, value))
            created[value] = rule
    return {
        **{value: rule for value, rule in merged.items() if value not in removed},
        **created,
    }


def _with_fields(rule: Any, fields: Mapping[str, Any], rule_id: RuleId) -> Any:
    """The rule with these fields anew, parts merged field by field."""
    changes = {}
    for name, value in fields.items():
        part = getattr(rule, name)
        if not isinstance(value, Mapping):
            changes[name] = value
        elif part is not None:
            changes[name] = replace(part, **value)
        else:
            changes[name] = _first_forwarding(value, rule_id)
    return replace(rule, **changes)


def _first_forwarding(fields: Mapping[str, Any], rule: RuleId) -> ForwardingParameters:
    """Forwarding parameters that come with an update, the FAR having had none."""
    if "destination_interface" not in fields:
        raise ConditionalMissingError(
            f"{rule} gets its first forwarding parameters without a destination interface",
            rule=rule,
            offending_ie=DESTINATION_INTERFACE_IE,
        )
    return ForwardingParameters(**fields)

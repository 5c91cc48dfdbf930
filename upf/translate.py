"""From rules on the wire to rules as state: what an IE gives becomes the fields of a rule.

The same fields make a new rule or are merged into one that is there. What this UPF cannot do is
refused with the rule and the IE that ask for it, never skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pfcp import enums, ies
from upf.errors import (
    RuleError,
    RuleId,
    RuleKind,
    UnsupportedError,
    UPFError,
)
from upf.once import once_for_each
from upf.provisions import PREDEFINED_ID
from upf.resources import RequestResources
from upf.rules import (
    BAR,
    FAR,
    PDI,
    PDR,
    QER,
    URR,
    ApplyAction,
    ForwardingParameters,
    Interface,
    OuterHeaderCreation,
    OuterProtocol,
)
from upf.session import Session, Update
from upf.translate_pdi import PDITranslator
from upf.translate_urr import urr_fields
from upf.translated import given, interface_of, name_of, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

DESTINATION_INTERFACE_IE = 42
OUTER_HEADER_CREATION_IE = 84
OUTER_HEADER_REMOVAL_IE = 95
APPLY_ACTION_IE = 44

_DESTINATION_INTERFACES: Mapping[int, Interface] = {
    enums.DestinationInterface.ACCESS: Interface.ACCESS,
    enums.DestinationInterface.CORE: Interface.CORE,
    enums.DestinationInterface.SGI_LAN_N6_LAN: Interface.CORE,
    enums.DestinationInterface.CP_FUNCTION: Interface.CP_FUNCTION,
    enums.DestinationInterface.FIVEG_VN_INTERNAL: Interface.VN_INTERNAL,
}
_NOTIFICATION_DELAY_S = 0.05  # the unit (TS 29.244 clause 8.2.28)
# What a rule may hold that we do not do: field -> IE type.
_PDR_UNSUPPORTED = {
    "activation_time": 163,
    "deactivation_time": 164,
    "mar_id": 170,
    "packet_replication_and_detection_carry_on_information": 179,
    "ip_multicast_addressing_infos": 188,
    "mptcp_applicable_indication": 265,
}
_FAR_UNSUPPORTED = {
    "duplicating_parameters": 5,
    "update_duplicating_parameters": 105,
    "redundant_transmission_forwarding_parameters": 270,
}
_FORWARDING_UNSUPPORTED = {
    "redirect_information": 38,
    "linked_traffic_endpoint_id": 131,
    "header_enrichment": 98,
    "proxying": 137,
    "ip_address_and_port_number_replacement": 293,
}
_REMOVALS = {
    enums.OuterHeaderRemovalDescription.GTPU_UDP_IPV4,
    enums.OuterHeaderRemovalDescription.GTPU_UDP_IPV6,
    enums.OuterHeaderRemovalDescription.GTPU_UDP_IP,
}


@dataclass(slots=True)
class Translator:
    """Translates the rules of one request, which takes from `resources` what they need."""

    session: Session
    resources: RequestResources
    pdis: PDITranslator = field(init=False)
    _new_qers: dict[int, QER] = field(default_factory=dict)
    _predefined: dict[int, QER] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pdis = PDITranslator(self.session, self.resources)

    def create_pdr(self, ie: ies.CreatePDR) -> PDR:
        rule = RuleId(RuleKind.PDR, ie.pdr_id)
        with blaming(rule):
            fields = self._pdr_fields(ie, ie.pdi)
            self._activate(fields, None, ie.activate_predefined_rules, ())
            fields["pdi"] = PDI(**fields["pdi"])
            qers = {**self.session.qers, **self._new_qers, **self._predefined}
            is_metered = any(
                qers[qer_id].mbr_uplink_kbps or qers[qer_id].mbr_downlink_kbps
                for qer_id in fields.get("qer_ids", ())
                if qer_id in qers
            )
            usage_id = self.resources.usage_id(is_metered=is_metered)
            return PDR(pdr_id=ie.pdr_id, usage_id=usage_id, **fields)

    def update_pdr(self, ie: ies.UpdatePDR) -> Update:
        rule = RuleId(RuleKind.PDR, ie.pdr_id)
        with blaming(rule):
            fields = self._pdr_fields(ie, ie.pdi)
            known = self.session.pdrs.get(ie.pdr_id)
            changes = (ie.activate_predefined_rules, ie.deactivate_predefined_rules)
            self._activate(fields, known, *changes)
            return Update(rule, fields)

    def create_far(self, ie: ies.CreateFAR) -> FAR:
        far = _new_far(ie)
        self._check_policy(RuleId(RuleKind.FAR, ie.far_id), ie.forwarding_parameters)
        return far

    def update_far(self, ie: ies.UpdateFAR) -> Update:
        rule = RuleId(RuleKind.FAR, ie.far_id)
        with blaming(rule):
            self._check_policy(rule, ie.update_forwarding_parameters)
            return Update(rule, _far_fields(ie, ie.update_forwarding_parameters))

    def create_qer(self, ie: ies.CreateQER) -> QER:
        qer = self._new_qers[ie.qer_id] = _new_qer(ie)
        return qer

    def update_qer(self, ie: ies.UpdateQER) -> Update:
        return Update(RuleId(RuleKind.QER, ie.qer_id), _qer_fields(ie))

    def create_urr(self, ie: ies.CreateURR) -> URR:
        return _new_urr(ie)

    def update_urr(self, ie: ies.UpdateURR) -> Update:
        rule = RuleId(RuleKind.URR, ie.urr_id)
        with blaming(rule):
            return Update(rule, urr_fields(ie, self.session.urrs.get(ie.urr_id)))

    def create_bar(self, ie: ies.CreateBAR) -> BAR:
        return BAR(bar_id=ie.bar_id, **_bar_fields(ie))

    def update_bar(self, ie: ies.UpdateBAR) -> Update:
        return Update(RuleId(RuleKind.BAR, ie.bar_id), _bar_fields(ie))

    @property
    def predefined_qers(self) -> tuple[QER, ...]:
        """The QERs of predefined rules that the session has not yet."""
        known = self.session.qers
        return tuple(each for qer_id, each in self._predefined.items() if qer_id not in known)

    def _activate(
        self,
        fields: dict[str, Any],
        known: PDR | None,
        activated: tuple[bytes, ...],
        deactivated: tuple[bytes, ...],
    ) -> None:
        """Have a PDR's fields hold what its predefined rules of now add: filters and QERs."""
        before = () if known is None else known.predefined
        if not (before or activated):
            return
        gone = {name.decode("utf-8", "replace") for name in deactivated}
        names = [name.encode() for name in before if name not in gone]
        provisions = self.resources.provisions
        rules = [provisions.predefined_rule(each) for each in (*names, *activated)]
        self._predefined.update({each.qer.qer_id: each.qer for each in rules})
        pdi = fields.setdefault("pdi", {})
        own_qers = fields.get("qer_ids", () if known is None else known.qer_ids)
        own_filters = pdi.get("sdf_filters", () if known is None else known.pdi.sdf_filters)
        fields["qer_ids"] = (
            *(qer_id for qer_id in own_qers if qer_id < PREDEFINED_ID),
            *(each.qer.qer_id for each in rules),
        )
        pdi["sdf_filters"] = (
            *(each for each in own_filters if each.rule is None),
            *(each for rule in rules for each in rule.filters),
        )
        fields["predefined"] = tuple(each.name for each in rules)

    def _check_policy(
        self,
        rule: RuleId,
        forwarding: ies.ForwardingParameters | ies.UpdateForwardingParameters | None,
    ) -> None:
        """Refuse a forwarding policy that is not configured."""
        if forwarding is not None and forwarding.forwarding_policy is not None:
            with blaming(rule):
                self.resources.provisions.policy(forwarding.forwarding_policy.identifier)

    def _pdr_fields(self, ie: ies.CreatePDR | ies.UpdatePDR, pdi: ies.PDI | None) -> dict[str, Any]:
        refuse(ie, _PDR_UNSUPPORTED)
        fields: dict[str, Any] = given(
            precedence=ie.precedence,
            far_id=ie.far_id,
            qer_ids=ie.qer_ids or None,
            urr_ids=ie.urr_ids or None,
        )
        if ie.outer_header_removal is not None:
            if ie.outer_header_removal.description not in _REMOVALS:
                raise UnsupportedError(
                    f"outer header removal {ie.outer_header_removal.description} is not served",
                    offending_ie=OUTER_HEADER_REMOVAL_IE,
                )
            fields["has_outer_header_removal"] = True
        if pdi is not None:
            fields["pdi"] = self.pdis.fields(ie.pdr_id, pdi)
        return fields


@once_for_each
def _new_far(ie: ies.CreateFAR) -> FAR:
    with blaming(RuleId(RuleKind.FAR, ie.far_id)):
        fields = _far_fields(ie, ie.forwarding_parameters)
        if "forwarding" in fields:
            fields["forwarding"] = ForwardingParameters(**fields["forwarding"])
        return FAR(far_id=ie.far_id, **fields)


@once_for_each
def _new_qer(ie: ies.CreateQER) -> QER:
    return QER(qer_id=ie.qer_id, **_qer_fields(ie))


@once_for_each
def _new_urr(ie: ies.CreateURR) -> URR:
    with blaming(RuleId(RuleKind.URR, ie.urr_id)):
        return URR(urr_id=ie.urr_id, **urr_fields(ie))


class blaming:  # noqa: N801 -- reads as a clause after `with`
    """Names the rule in errors that do not name one yet."""

    __slots__ = ("_rule",)

    def __init__(self, rule: RuleId) -> None:
        self._rule = rule

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, UPFError) and error.rule is None:
            error.rule = self._rule


def _far_fields(
    ie: ies.CreateFAR | ies.UpdateFAR,
    forwarding: ies.ForwardingParameters | ies.UpdateForwardingParameters | None,
) -> dict[str, Any]:
    refuse(ie, _FAR_UNSUPPORTED)
    fields = given(bar_id=ie.bar_id)
    if ie.apply_action is not None:
        fields["apply_action"] = _apply_action(ie.apply_action)
    if forwarding is not None:
        fields["forwarding"] = _forwarding_fields(forwarding)
    return fields


def _apply_action(ie: ies.ApplyAction) -> ApplyAction:
    for name in ("dupl", "ipma", "ipmd", "dfrt", "edrt", "bdpn", "ddpn"):
        if getattr(ie, name):
            raise UnsupportedError(
                f"apply action {name.upper()} is not served", offending_ie=APPLY_ACTION_IE
            )
    action = ApplyAction(0)
    for name in ("drop", "forw", "buff", "nocp"):
        if getattr(ie, name):
            action |= ApplyAction[name.upper()]
    # Exactly one of the three (TS 29.244 clause 8.2.26).
    chosen = action & (ApplyAction.DROP | ApplyAction.FORW | ApplyAction.BUFF)
    if chosen.bit_count() != 1:
        raise RuleError(
            f"apply action {action!r} is not one of DROP, FORW and BUFF",
            offending_ie=APPLY_ACTION_IE,
        )
    return action


def _forwarding_fields(
    ie: ies.ForwardingParameters | ies.UpdateForwardingParameters,
) -> dict[str, Any]:
    refuse(ie, _FORWARDING_UNSUPPORTED)
    policy = ie.forwarding_policy
    fields: dict[str, Any] = given(
        network_instance=name_of(ie.network_instance),
        forwarding_policy=None if policy is None else policy.identifier,
        dscp=_dscp(ie.transport_level_marking),
    )
    if ie.destination_interface is not None:
        fields["destination_interface"] = interface_of(
            _DESTINATION_INTERFACES, ie.destination_interface, DESTINATION_INTERFACE_IE
        )
    if ie.outer_header_creation is not None:
        fields["outer_header_creation"] = _outer_header_creation(ie.outer_header_creation)
    return fields


def _dscp(marking: int | None) -> int | None:
    """The DSCP of a TOS or traffic class octet and its mask (TS 29.244 clause 8.2.12)."""
    return None if marking is None else (marking >> 8 & marking & 0xFF) >> 2


def _outer_header_creation(ie: ies.OuterHeaderCreation) -> OuterHeaderCreation:
    address = ie.ipv4 or ie.ipv6
    if address is None or ie.ctag is not None or ie.stag is not None or ie.low_layer_ssm:
        raise UnsupportedError(
            "outer header creation other than GTP-U/UDP/IP, UDP/IP and IP is not served",
            offending_ie=OUTER_HEADER_CREATION_IE,
        )
    if ie.teid is not None:
        return OuterHeaderCreation(ie.teid, address)
    if ie.port is not None:
        return OuterHeaderCreation(0, address, OuterProtocol.UDP, ie.port)
    return OuterHeaderCreation(0, address, OuterProtocol.IP)


def _bar_fields(ie: ies.CreateBAR | ies.UpdateBAR) -> dict[str, Any]:
    delay = ie.downlink_data_notification_delay
    return given(
        notification_delay_s=None if delay is None else delay * _NOTIFICATION_DELAY_S,
        suggested_packets=ie.suggested_buffering_packets_count,
    )


def _qer_fields(ie: ies.CreateQER | ies.UpdateQER) -> dict[str, Any]:
    fields: dict[str, Any] = given(qfi=ie.qfi, ppi=ie.paging_policy_indicator)
    if ie.gate_status is not None:
        fields["is_uplink_open"] = ie.gate_status.uplink == enums.Gate.OPEN
        fields["is_downlink_open"] = ie.gate_status.downlink == enums.Gate.OPEN
    if ie.mbr is not None:
        fields["mbr_uplink_kbps"] = ie.mbr.uplink_kbps
        fields["mbr_downlink_kbps"] = ie.mbr.downlink_kbps
    if ie.gbr is not None:
        fields["gbr_uplink_kbps"] = ie.gbr.uplink_kbps
        fields["gbr_downlink_kbps"] = ie.gbr.downlink_kbps
    if ie.rqi is not None:
        fields["is_reflective"] = ie.rqi
    return fields

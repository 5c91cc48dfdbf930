"""From a session request to the change it asks for, and what was chosen for it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfcp import ies, messages
from upf.errors import RuleId, RuleKind
from upf.rules import URR
from upf.session import Change

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from upf.ledger import Given
    from upf.session import Rule, Session
    from upf.translate import Translator


def creates_of(
    request: messages.SessionEstablishmentRequest | messages.SessionModificationRequest,
    translator: Translator,
) -> tuple[Rule, ...]:
    """The rules that a request makes."""
    return (
        *map(translator.create_far, request.create_fars),
        *map(translator.create_qer, request.create_qers),
        *map(translator.create_urr, request.create_urrs),
        *map(translator.create_bar, request.create_bars),
        *map(translator.create_pdr, request.create_pdrs),
        *translator.predefined_qers,
    )


def change_of(request: messages.SessionModificationRequest, translator: Translator) -> Change:
    """What a modification does to a session's rules."""
    removes = (
        *(RuleId(RuleKind.PDR, each.pdr_id) for each in request.remove_pdrs),
        *(RuleId(RuleKind.FAR, each.far_id) for each in request.remove_fars),
        *(RuleId(RuleKind.QER, each.qer_id) for each in request.remove_qers),
        *(RuleId(RuleKind.URR, each.urr_id) for each in request.remove_urrs),
        *(RuleId(RuleKind.BAR, each.bar_id) for each in request.remove_bars),
    )
    updates = (
        *map(translator.update_far, request.update_fars),
        *map(translator.update_qer, request.update_qers),
        *map(translator.update_urr, request.update_urrs),
        *map(translator.update_bar, request.update_bars),
        *map(translator.update_pdr, request.update_pdrs),
    )
    fseid = request.cp_fseid
    creates = (
        each
        for each in creates_of(request, translator)
        if not _is_in_force(each, translator.session, removes)
    )
    return Change(
        creates=tuple(creates),
        updates=updates,
        removes=removes,
        cp_seid=fseid.seid if fseid is not None else None,
        cp_address=fseid.ipv4 if fseid is not None else None,
    )


def _is_in_force(rule: Rule, session: Session, removes: Collection[RuleId]) -> bool:
    """Whether a rule to create is a URR that is there, word for word: free5GC creates its URRs anew
    each time a UE goes idle. Such a URR goes on measuring.
    """
    return (
        isinstance(rule, URR)
        and session.urrs.get(rule.urr_id) == rule
        and RuleId(RuleKind.URR, rule.urr_id) not in removes
    )


def inactivity_timer_s(
    request: messages.SessionModificationRequest, session: Session
) -> int | None:
    """The inactivity timer from now on; 0 is none."""
    if request.user_plane_inactivity_timer_s is None:
        return session.inactivity_timer_s
    return request.user_plane_inactivity_timer_s or None


def given_of_urrs(change: Change) -> Given:
    """The fields given of each URR."""
    return {
        update.rule.value: update.fields.keys()
        for update in change.updates
        if update.rule.kind is RuleKind.URR
    }


def queried(request: messages.SessionModificationRequest, session: Session) -> Iterable[int]:
    """The URRs to report on at once."""
    if request.pfcpsmreq_flags is not None and request.pfcpsmreq_flags.qaurr:
        return tuple(session.urrs)
    return tuple(each.urr_id for each in request.query_urrs)


def created_pdrs(session: Session, translator: Translator) -> tuple[ies.CreatedPDR, ...]:
    """The F-TEIDs and UE addresses chosen here, in the order they were asked for."""
    pdis = translator.pdis
    return tuple(
        ies.CreatedPDR(
            pdr_id=pdr_id,
            local_fteid=_chosen_fteid(session, pdr_id) if pdr_id in pdis.fteid_choosers else None,
            ue_ip_addresses=(
                _allocated(session, pdr_id) if pdr_id in pdis.address_choosers else ()
            ),
        )
        for pdr_id in dict.fromkeys((*pdis.fteid_choosers, *pdis.address_choosers))
    )


def _chosen_fteid(session: Session, pdr_id: int) -> ies.FTEID | None:
    fteid = session.pdrs[pdr_id].pdi.local_fteid
    return None if fteid is None else ies.FTEID(teid=fteid.teid, ipv4=fteid.ipv4, ipv6=fteid.ipv6)


def _allocated(session: Session, pdr_id: int) -> tuple[ies.UEIPAddress, ...]:
    pdi = session.pdrs[pdr_id].pdi
    ipv6 = None if pdi.ue_ipv6 is None else pdi.ue_ipv6.network_address
    return (ies.UEIPAddress(ipv4=pdi.ue_ipv4, ipv6=ipv6),)

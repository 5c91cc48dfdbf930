"""Merging what a request gives into a session."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from upf.errors import ConditionalMissingError, RuleError, RuleId, RuleKind
from upf.rules import (
    BAR,
    FAR,
    PDI,
    PDR,
    QER,
    ApplyAction,
    ForwardingParameters,
    Interface,
    OuterHeaderCreation,
)
from upf.session import Change, Session, Update

TUNNEL = OuterHeaderCreation(1, IPv4Address("10.100.3.2"))
FORWARD = FAR(
    far_id=1,
    apply_action=ApplyAction.FORW,
    forwarding=ForwardingParameters(
        destination_interface=Interface.ACCESS,
        network_instance="internet",
        outer_header_creation=TUNNEL,
    ),
)
DOWNLINK = PDR(
    pdr_id=1,
    precedence=255,
    pdi=PDI(
        source_interface=Interface.CORE,
        network_instance="internet",
        ue_ipv4=IPv4Address("10.45.0.2"),
    ),
    far_id=1,
)
SESSION = Session(up_seid=1, cp_seid=2, cp_address=IPv4Address("10.100.4.1")).modified(
    Change(creates=(DOWNLINK, FORWARD))
)


def update(kind, value, **fields):
    return Change(updates=(Update(RuleId(kind, value), fields),))


def remove(kind, value):
    return Change(removes=(RuleId(kind, value),))


def test_update_keeps_what_it_does_not_give():
    far = SESSION.modified(update(RuleKind.FAR, 1, apply_action=ApplyAction.BUFF)).fars[1]
    assert far == replace(FORWARD, apply_action=ApplyAction.BUFF)


def test_update_merges_into_parts():
    moved = OuterHeaderCreation(2, IPv4Address("10.100.3.3"))
    change = update(RuleKind.FAR, 1, forwarding={"outer_header_creation": moved})
    forwarding = SESSION.modified(change).fars[1].forwarding
    assert forwarding == replace(FORWARD.forwarding, outer_header_creation=moved)


def test_update_of_a_pdi_keeps_its_other_fields():
    change = update(RuleKind.PDR, 1, pdi={"source_interface": Interface.CORE, "qfis": (5,)})
    assert SESSION.modified(change).pdrs[1].pdi == replace(DOWNLINK.pdi, qfis=(5,))


def test_first_forwarding_parameters_may_come_with_an_update():
    bare = SESSION.modified(Change(creates=(FAR(far_id=2, apply_action=ApplyAction.BUFF),)))
    given = {"destination_interface": Interface.CORE}
    assert bare.modified(update(RuleKind.FAR, 2, forwarding=given)).fars[2].forwarding
    with pytest.raises(ConditionalMissingError) as caught:
        bare.modified(update(RuleKind.FAR, 2, forwarding={"network_instance": "x"}))
    assert caught.value.offending_ie == 42


def test_references_are_resolved_over_the_final_set():
    change = Change(
        creates=(replace(FORWARD, far_id=9),),
        removes=(RuleId(RuleKind.FAR, 1),),
        updates=(Update(RuleId(RuleKind.PDR, 1), {"far_id": 9}),),
    )
    assert list(SESSION.modified(change).fars) == [9]


def test_rule_may_be_removed_and_made_anew_at_once():
    change = Change(creates=(replace(DOWNLINK, precedence=1),), removes=(RuleId(RuleKind.PDR, 1),))
    assert SESSION.modified(change).pdrs[1].precedence == 1


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (remove(RuleKind.FAR, 1), RuleId(RuleKind.PDR, 1)),
        (remove(RuleKind.FAR, 2), RuleId(RuleKind.FAR, 2)),
        (update(RuleKind.QER, 70000), RuleId(RuleKind.QER, 70000)),
        (Change(creates=(DOWNLINK,)), RuleId(RuleKind.PDR, 1)),
        (Change(creates=(QER(qer_id=1), QER(qer_id=1))), RuleId(RuleKind.QER, 1)),
        (update(RuleKind.PDR, 1, urr_ids=(5,)), RuleId(RuleKind.PDR, 1)),
        (update(RuleKind.PDR, 1, qer_ids=(5,)), RuleId(RuleKind.PDR, 1)),
        (update(RuleKind.FAR, 1, bar_id=3), RuleId(RuleKind.FAR, 1)),
    ],
    ids=[
        "far in use removed",
        "unknown far removed",
        "unknown qer updated",
        "pdr made twice",
        "qer made twice in one request",
        "unknown urr named",
        "unknown qer named",
        "unknown bar named",
    ],
)
def test_impossible_change_names_the_rule_and_changes_nothing(change, rule):
    before = replace(SESSION)
    with pytest.raises(RuleError) as caught:
        SESSION.modified(change)
    assert caught.value.rule == rule
    assert before == SESSION


def test_pdr_without_a_far_is_refused():
    with pytest.raises(ConditionalMissingError) as caught:
        SESSION.modified(Change(creates=(replace(DOWNLINK, pdr_id=2, far_id=None),)))
    assert (caught.value.rule, caught.value.offending_ie) == (RuleId(RuleKind.PDR, 2), 108)


def test_bar_may_come_with_the_far_that_names_it():
    change = Change(creates=(replace(FORWARD, far_id=2, bar_id=1), BAR(1)))
    assert SESSION.modified(change).fars[2].bar_id == 1

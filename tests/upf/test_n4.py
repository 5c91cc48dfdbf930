"""Requests of a real SMF, and what the switch holds and the SMF hears of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from pfcp import enums, ies, messages
from upf.drops import DropReason
from upf.errors import TargetError

UE = int(IPv4Address("10.45.0.2"))
GNB = int(IPv4Address("10.100.3.2"))
N3 = int(IPv4Address("10.100.3.1"))
OTHER_SMF = ("10.100.4.9", 8805)
Cause = enums.Cause


def teids(answer):
    return {created.pdr_id: created.local_fteid.teid for created in answer.created_pdrs}


async def test_captured_establishment_is_answered_as_the_captured_upf_did(bench, establishment):
    answer = await bench.ask(establishment)
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert answer.seid == establishment.cp_fseid.seid == 0x35E
    assert answer.node_id.value == IPv4Address("10.100.4.2")
    assert answer.up_fseid.ipv4 == IPv4Address("10.100.4.2")
    assert answer.up_fseid.seid
    created = [(each.pdr_id, each.local_fteid.ipv4) for each in answer.created_pdrs]
    assert created == [(pdr_id, IPv4Address("10.100.3.1")) for pdr_id in (2, 3, 4)]
    teid = teids(answer)
    assert teid[2] == teid[4] != teid[3]


async def test_captured_establishment_becomes_three_entries(bench, target, establishment):
    answer = await bench.ask(establishment)
    teid = teids(answer)
    usage = {pdr.pdr_id: pdr.usage_id for pdr in bench.record.session.pdrs.values()}
    assert target.table("sessions_by_fteid") == {
        (1, teid[2]): ("forward", (usage[2], 1, 1, 0, 0, 2, UE)),
        (1, teid[3]): ("buffer", (usage[3],)),
    }
    assert target.table("sessions_by_ue_ipv4") == {(2, UE): ("buffer", (usage[1],))}
    assert target.table("tunnel_headers") == {}


async def test_rates_of_the_captured_qer_are_in_force_before_the_session(
    bench, target, establishment
):
    await bench.ask(establishment)
    usage = {pdr.pdr_id: pdr.usage_id for pdr in bench.record.session.pdrs.values()}
    qer = bench.record.session.qers[1]
    rate = target.meters["Egress.enforcement.session_meters", usage[2]]
    assert rate.pir_bytes_per_s == 125 * qer.mbr_uplink_kbps


async def test_gnb_tunnel_opens_the_downlink(bench, target, establishment, to_gnb):
    answer = await bench.ask(establishment)
    modified = await bench.ask(to_gnb(answer.up_fseid.seid, teid=5))
    assert modified.cause == Cause.REQUEST_ACCEPTED
    assert modified.seid == 0x35E
    usage = {pdr.pdr_id: pdr.usage_id for pdr in bench.record.session.pdrs.values()}
    headers = target.table("tunnel_headers")
    to_gnb = "add_ipv4", (N3, GNB, 2152, 1, 0)
    assert [each for _, each in sorted(headers.items())] == [to_gnb] * 2
    with_container, without = (
        next(peer_id for peer, peer_id in bench.entries.tunnel_peers.ids.items() if test(peer))
        for test in (lambda peer: peer.overhead == 44, lambda peer: peer.overhead == 36)
    )
    ways = target.table("tunnel_peers")
    assert ways[with_container,] == ("set_next_hop_group", (1, 0, 65534 - 1500 + 44))
    assert target.table("sessions_by_ue_ipv4") == {
        (2, UE): ("forward_tunnel", (usage[1], 1, 0, 0, with_container, 5, 1, 0))
    }
    # From the CP function there is no QER, so no QFI and no PDU session container.
    assert target.table("sessions_by_fteid")[1, teids(answer)[3]] == (
        "forward_tunnel",
        (usage[3], 0, 0, 0, without, 5, 0, 0),
    )


async def test_whole_captured_conversation_is_accepted(bench, target, captured):
    up_seid = 0
    for sender, message in captured:
        if sender != "10.100.4.1" or not isinstance(message, messages.SessionMessage):
            continue
        if isinstance(message, messages.SessionReportResponse):
            continue
        answer = await bench.ask(replace(message, seid=up_seid))
        assert answer.cause == Cause.REQUEST_ACCEPTED
        if isinstance(answer, messages.SessionEstablishmentResponse):
            up_seid = answer.up_fseid.seid
    assert isinstance(answer, messages.SessionDeletionResponse)
    assert [each.usage_report_trigger.termr for each in answer.usage_reports] == [True]
    assert target.entries == {}
    assert bench.n4.sessions == {}


async def test_idle_session_keeps_its_gnb_tunnel_for_later(bench, establishment, to_gnb):
    seid = (await bench.ask(establishment)).up_fseid.seid
    await bench.ask(to_gnb(seid))
    idle = ies.UpdateFAR(far_id=1, apply_action=ies.ApplyAction(buff=True, nocp=True))
    await bench.ask(messages.SessionModificationRequest(seid=seid, update_fars=(idle,)))
    far = bench.record.session.fars[1]
    assert far.forwarding.outer_header_creation.address == IPv4Address("10.100.3.2")


async def test_session_request_without_association_is_refused(bench, establishment):
    answer = await bench.ask(establishment, OTHER_SMF)
    assert answer.cause == Cause.NO_ESTABLISHED_PFCP_ASSOCIATION
    assert answer.seid == 0x35E
    assert answer.up_fseid is None


async def test_unknown_session_is_refused_with_seid_zero(bench):
    answer = await bench.ask(messages.SessionModificationRequest(seid=123))
    assert (answer.cause, answer.seid) == (Cause.SESSION_CONTEXT_NOT_FOUND, 0)


@pytest.mark.parametrize(
    "request_type", [messages.SessionModificationRequest, messages.SessionDeletionRequest]
)
async def test_session_of_another_cp_function_cannot_be_touched(bench, establishment, request_type):
    seid = (await bench.ask(establishment)).up_fseid.seid
    bench.associate(OTHER_SMF)
    answer = await bench.ask(request_type(seid=seid), OTHER_SMF)
    assert (answer.cause, answer.seid) == (Cause.SESSION_CONTEXT_NOT_FOUND, 0)
    assert seid in bench.n4.sessions


async def test_refused_establishment_leaves_nothing(bench, target, establishment):
    target.refuse = lambda entry: entry.table.endswith("sessions_by_ue_ipv4")
    answer = await bench.ask(establishment)
    assert answer.cause == Cause.SYSTEM_FAILURE
    assert answer.failed_rule_id == ies.FailedRuleID(rule_id_type=0, rule_id=1)
    assert target.entries == {}
    assert bench.n4.sessions == {}
    target.refuse = None
    assert (await bench.ask(establishment)).cause == Cause.REQUEST_ACCEPTED


async def test_refused_modification_leaves_the_session_as_it_was(
    bench, target, establishment, to_gnb
):
    seid = (await bench.ask(establishment)).up_fseid.seid
    before, held = bench.record.session, dict(target.entries)
    target.refuse = lambda entry: entry.action.endswith("forward_tunnel")
    answer = await bench.ask(to_gnb(seid))
    assert answer.cause == Cause.SYSTEM_FAILURE
    assert answer.seid == 0x35E
    assert bench.record.session == before
    assert target.entries == held
    assert bench.entries.tunnel_peers.ids == {}
    target.refuse = None
    assert (await bench.ask(to_gnb(seid))).cause == Cause.REQUEST_ACCEPTED


async def test_two_modifications_in_flight_take_effect_in_order(
    bench, target, establishment, to_gnb
):
    seid = (await bench.ask(establishment)).up_fseid.seid
    target.gate = asyncio.Event()
    first = asyncio.create_task(bench.ask(to_gnb(seid, teid=1)))
    second = asyncio.create_task(bench.ask(to_gnb(seid, teid=2)))
    await asyncio.sleep(0)
    target.gate.set()
    answers = await asyncio.gather(first, second)
    assert [answer.cause for answer in answers] == [Cause.REQUEST_ACCEPTED] * 2
    assert target.table("sessions_by_ue_ipv4")[2, UE][1][5] == 2


async def test_modification_behind_a_deletion_finds_no_session(
    bench, target, establishment, to_gnb
):
    seid = (await bench.ask(establishment)).up_fseid.seid
    target.gate = asyncio.Event()
    deletion = asyncio.create_task(bench.ask(messages.SessionDeletionRequest(seid=seid)))
    modification = asyncio.create_task(bench.ask(to_gnb(seid)))
    await asyncio.sleep(0)
    target.gate.set()
    assert (await deletion).cause == Cause.REQUEST_ACCEPTED
    assert (await modification).cause == Cause.SESSION_CONTEXT_NOT_FOUND
    assert target.entries == {}


async def test_same_ue_address_in_a_second_session_is_refused(bench, establishment):
    await bench.ask(establishment)
    answer = await bench.ask(establishment)
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.failed_rule_id == ies.FailedRuleID(rule_id_type=0, rule_id=1)
    assert len(bench.n4.sessions) == 1


async def test_missing_far_names_the_pdr_that_refers_to_it(bench, establishment):
    request = replace(establishment, create_fars=establishment.create_fars[1:])
    answer = await bench.ask(request)
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.failed_rule_id == ies.FailedRuleID(rule_id_type=0, rule_id=1)


async def test_sdf_filter_that_cannot_be_expressed_is_refused_with_its_rule(bench, establishment):
    uplink = establishment.create_pdrs[1]
    sdf = ies.SDFFilter(flow_description="permit out 17 from !8.8.8.8 53 to assigned")
    pdr = replace(uplink, pdr_id=77, pdi=replace(uplink.pdi, sdf_filters=(sdf,)))
    answer = await bench.ask(replace(establishment, create_pdrs=(*establishment.create_pdrs, pdr)))
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.offending_ie == 23
    assert answer.failed_rule_id == ies.FailedRuleID(rule_id_type=0, rule_id=77)


async def test_filter_that_matches_everything_counts_as_none(bench, target, establishment):
    uplink = establishment.create_pdrs[1]
    sdf = ies.SDFFilter(flow_description="permit out ip from any to assigned")
    pdr = replace(uplink, pdi=replace(uplink.pdi, sdf_filters=(sdf,)))
    pdrs = (establishment.create_pdrs[0], pdr, *establishment.create_pdrs[2:])
    answer = await bench.ask(replace(establishment, create_pdrs=pdrs))
    assert target.table("sessions_by_fteid")[1, teids(answer)[2]][0] == "forward"


async def test_later_modification_with_the_choose_id_gets_the_same_teid(bench, establishment):
    answer = await bench.ask(establishment)
    uplink = establishment.create_pdrs[3]
    request = messages.SessionModificationRequest(
        seid=answer.up_fseid.seid, create_pdrs=(replace(uplink, pdr_id=9),)
    )
    modified = await bench.ask(request)
    assert modified.cause == Cause.REQUEST_ACCEPTED
    assert teids(modified) == {9: teids(answer)[2]}


@pytest.mark.parametrize(
    "families",
    [{"choose_ipv4": True}, {}, {"choose_ipv4": True, "choose_ipv6": True}],
    ids=["v4", "none", "both"],
)
async def test_choose_without_choose_id_gives_one_ipv4_teid_per_interface(
    bench, establishment, families
):
    uplink = establishment.create_pdrs[1]
    fteid = ies.FTEID(choose=True, **families)
    pdr = replace(uplink, pdi=replace(uplink.pdi, local_fteid=fteid, qfis=()))
    pdrs = (establishment.create_pdrs[0], pdr, replace(pdr, pdr_id=12))
    answer = await bench.ask(replace(establishment, create_pdrs=pdrs))
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert set(teids(answer)) == {2, 12}
    assert len(set(teids(answer).values())) == 1
    assert {each.local_fteid.ipv4 for each in answer.created_pdrs} == {IPv4Address("10.100.3.1")}


async def test_choose_of_ipv6_alone_is_refused(bench, establishment):
    uplink = establishment.create_pdrs[1]
    fteid = ies.FTEID(choose=True, choose_ipv6=True)
    pdr = replace(uplink, pdi=replace(uplink.pdi, local_fteid=fteid))
    answer = await bench.ask(replace(establishment, create_pdrs=(pdr,)))
    assert answer.cause == Cause.INVALID_FTEID_ALLOCATION_OPTION
    assert answer.offending_ie == 21


def with_explicit_teid(establishment, teid, ue, address="10.100.3.1"):
    downlink, uplink = establishment.create_pdrs[:2]
    fteid = ies.FTEID(teid=teid, ipv4=IPv4Address(address))
    ue_ip = ies.UEIPAddress(ipv4=IPv4Address(ue), is_destination=True)
    return replace(
        establishment,
        create_pdrs=(
            replace(downlink, pdi=replace(downlink.pdi, ue_ip_addresses=(ue_ip,))),
            replace(uplink, pdi=replace(uplink.pdi, local_fteid=fteid)),
        ),
    )


async def test_explicit_teid_is_taken_and_not_listed(bench, target, establishment):
    answer = await bench.ask(with_explicit_teid(establishment, 0x01020304, "10.45.0.2"))
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert answer.created_pdrs == ()
    assert (1, 0x01020304) in target.table("sessions_by_fteid")


async def test_explicit_teid_of_another_session_is_refused(bench, establishment):
    await bench.ask(with_explicit_teid(establishment, 5, "10.45.0.2"))
    answer = await bench.ask(with_explicit_teid(establishment, 5, "10.45.0.3"))
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.offending_ie == 21
    assert answer.failed_rule_id == ies.FailedRuleID(rule_id_type=0, rule_id=2)


async def test_explicit_teid_is_free_again_after_deletion(bench, establishment):
    for _ in range(2):
        answer = await bench.ask(with_explicit_teid(establishment, 5, "10.45.0.2"))
        assert answer.cause == Cause.REQUEST_ACCEPTED
        await bench.ask(messages.SessionDeletionRequest(seid=answer.up_fseid.seid))


async def test_explicit_teid_at_an_address_not_ours_is_refused(bench, establishment):
    answer = await bench.ask(with_explicit_teid(establishment, 5, "10.45.0.2", "192.0.2.1"))
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.offending_ie == 21


async def test_session_restored_keeps_its_seid(bench, establishment):
    request = replace(
        with_explicit_teid(establishment, 5, "10.45.0.2"),
        seid=0xABCDEF,
        pfcpsereq_flags=ies.PFCPSEReqFlags(resti=True),
    )
    answer = await bench.ask(request)
    assert answer.up_fseid.seid == 0xABCDEF


async def test_closed_gate_drops_its_direction_only(bench, target, establishment, to_gnb):
    answer = await bench.ask(establishment)
    await bench.ask(to_gnb(answer.up_fseid.seid))
    gate = ies.GateStatus(uplink=enums.Gate.CLOSED, downlink=enums.Gate.OPEN)
    await bench.ask(
        messages.SessionModificationRequest(
            seid=answer.up_fseid.seid,
            update_qers=(ies.UpdateQER(qer_id=1, gate_status=gate),),
        )
    )
    uplink = target.table("sessions_by_fteid")[1, teids(answer)[2]]
    assert uplink == ("drop", (DropReason.GATE_CLOSED,))
    assert target.table("sessions_by_ue_ipv4")[2, UE][0] == "forward_tunnel"


async def test_far_that_forwards_to_nowhere_drops(bench, target, establishment):
    far = ies.CreateFAR(far_id=2, apply_action=ies.ApplyAction(forw=True))
    fars = (establishment.create_fars[0], far, establishment.create_fars[2])
    answer = await bench.ask(replace(establishment, create_fars=fars))
    uplink = target.table("sessions_by_fteid")[1, teids(answer)[2]]
    assert uplink == ("drop", (DropReason.FAR,))


async def test_removed_pdr_takes_its_entry_along(bench, target, establishment):
    answer = await bench.ask(establishment)
    modified = await bench.ask(
        messages.SessionModificationRequest(
            seid=answer.up_fseid.seid, remove_pdrs=(ies.RemovePDR(pdr_id=3),)
        )
    )
    assert modified.cause == Cause.REQUEST_ACCEPTED
    assert (1, teids(answer)[3]) not in target.table("sessions_by_fteid")


async def test_removing_a_far_in_use_is_refused(bench, establishment):
    answer = await bench.ask(establishment)
    modified = await bench.ask(
        messages.SessionModificationRequest(
            seid=answer.up_fseid.seid, remove_fars=(ies.RemoveFAR(far_id=2),)
        )
    )
    assert modified.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert modified.failed_rule_id == ies.FailedRuleID(rule_id_type=0, rule_id=2)
    assert 2 in bench.record.session.fars


async def test_two_sessions_share_a_tunnel_peer(bench, target, establishment, to_gnb):
    requests = [with_explicit_teid(establishment, n, f"10.45.0.{n}") for n in (2, 3)]
    seids = [(await bench.ask(request)).up_fseid.seid for request in requests]
    for seid in seids:
        await bench.ask(to_gnb(seid))
    assert len(target.table("tunnel_peers")) == 1
    await bench.ask(messages.SessionDeletionRequest(seid=seids[0]))
    assert len(target.table("tunnel_peers")) == 1
    await bench.ask(messages.SessionDeletionRequest(seid=seids[1]))
    assert target.entries == {}


async def test_sessions_of_a_restarted_peer_go_and_others_stay(bench, target, establishment):
    mine = await bench.ask(with_explicit_teid(establishment, 1, "10.45.0.2"))
    bench.associate(OTHER_SMF)
    await bench.ask(with_explicit_teid(establishment, 2, "10.45.0.3"), OTHER_SMF)
    await bench.n4.forget_sessions_of(ies.NodeID(value=IPv4Address(OTHER_SMF[0])))
    assert list(bench.n4.sessions) == [mine.up_fseid.seid]
    assert list(target.table("sessions_by_fteid")) == [(1, 1)]


async def test_association_release_ends_its_sessions(bench, target, establishment):
    await bench.ask(establishment)
    answer = await bench.ask(
        messages.AssociationReleaseRequest(node_id=ies.NodeID(value=IPv4Address("10.100.4.1")))
    )
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert target.entries == {}


async def test_association_answer_advertises_what_works(bench):
    answer = await bench.ask(
        messages.AssociationSetupRequest(
            node_id=ies.NodeID(value=IPv4Address("10.100.4.1")), recovery_time_stamp=1
        )
    )
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert answer.recovery_time_stamp == 7
    assert answer.up_function_features == ies.UPFunctionFeatures(
        ddnd=True,
        dlbd=True,
        ftup=True,
        empu=True,
        pfdm=True,
        pfde=True,
        frrt=True,
        quoac=True,
        mnop=True,
        vtime=True,
        norp=True,
    )


async def test_refused_requests_give_back_what_they_took(bench, target, establishment, to_gnb):
    def held():
        counters, resources = bench.resources.counters, bench.resources
        pools = [counters.session_meters, counters._unmetered, *bench.entries._pools.values()]
        pools += [bench.entries.tunnel_peers._pool, bench.entries.rule_lists._pool]
        return (
            [pool._next - len(pool._released) for pool in pools],
            set(resources.fteids._owners),
            set(resources.seids._held),
            set(bench.entries._owners),
        )

    nothing = held()
    target.refuse = lambda entry: True
    await bench.ask(establishment)
    assert held() == nothing
    target.refuse = None
    seid = (await bench.ask(establishment)).up_fseid.seid
    before = held()
    target.refuse = lambda entry: True
    uplink = establishment.create_pdrs[1]
    fteid = ies.FTEID(choose=True, choose_ipv4=True, choose_id=99)
    pdr = replace(uplink, pdr_id=9, pdi=replace(uplink.pdi, local_fteid=fteid))
    refused = await bench.ask(messages.SessionModificationRequest(seid=seid, create_pdrs=(pdr,)))
    assert refused.cause != Cause.REQUEST_ACCEPTED
    assert held() == before
    target.refuse = None
    await bench.ask(messages.SessionDeletionRequest(seid=seid))
    assert held() == nothing


async def test_cp_function_may_move_its_end_of_the_session(bench, establishment):
    seid = (await bench.ask(establishment)).up_fseid.seid
    fseid = ies.FSEID(seid=0x999, ipv4=IPv4Address("10.100.4.5"))
    answer = await bench.ask(messages.SessionModificationRequest(seid=seid, cp_fseid=fseid))
    assert answer.seid == 0x999
    assert bench.record.session.cp_address == IPv4Address("10.100.4.5")


async def test_choose_without_choose_id_differs_by_source_interface(bench, establishment):
    uplink = establishment.create_pdrs[1]
    fteid = ies.FTEID(choose=True, choose_ipv4=True)
    pdr = replace(uplink, pdi=replace(uplink.pdi, local_fteid=fteid, qfis=()))
    from_cp = establishment.create_pdrs[2]
    pdrs = (establishment.create_pdrs[0], pdr, from_cp)
    answer = await bench.ask(replace(establishment, create_pdrs=pdrs))
    assert teids(answer)[2] != teids(answer)[3]


async def test_tunnel_peer_that_could_not_be_removed_goes_with_the_next(
    bench, target, establishment, to_gnb
):
    apply = target.apply

    async def apply_without_removal_of_peers(plan):
        if any(entry.table.endswith("tunnel_peers") for entry in plan.deletes):
            raise TargetError("not now")
        await apply(plan)

    for n, refusing in ((2, apply_without_removal_of_peers), (3, apply)):
        request = with_explicit_teid(establishment, n, f"10.45.0.{n}")
        seid = (await bench.ask(request)).up_fseid.seid
        await bench.ask(to_gnb(seid, address=f"10.100.3.{n}"))
        target.apply = refusing
        answer = await bench.ask(messages.SessionDeletionRequest(seid=seid))
        assert answer.cause == Cause.REQUEST_ACCEPTED
        target.apply = apply
    assert target.entries == {}


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            messages.SessionSetModificationRequest(
                node_id=ies.NodeID(value="smf"),
                pfcp_session_change_infos=(
                    ies.PFCPSessionChangeInfo(
                        alternative_smf_ip_address=ies.AlternativeSMFIPAddress()
                    ),
                ),
            ),
            messages.SessionSetModificationResponse,
        ),
    ],
    ids=["handover of a set"],
)
async def test_node_request_for_what_is_not_advertised_is_answered_so(bench, request_, answer):
    answered = await bench.ask(request_)
    assert type(answered) is answer
    assert answered.cause == Cause.SERVICE_NOT_SUPPORTED

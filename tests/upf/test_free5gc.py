"""What free5GC's SMF says otherwise than Open5GS's, seen in its conversations with this UPF."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from pfcp import enums, ies, messages
from upf.drops import DropReason

UE = int(IPv4Address("10.45.0.2"))
Cause = enums.Cause


def _measured(urr_id, **fields):
    return ies.CreateURR(
        urr_id=urr_id,
        measurement_method=ies.MeasurementMethod(volum=True),
        reporting_triggers=ies.ReportingTriggers(perio=True, volth=True),
        measurement_period_s=30,
        volume_threshold=ies.VolumeThreshold(uplink_bytes=500_000, downlink_bytes=500_000),
        measurement_information=ies.MeasurementInformation(mnop=True, **fields),
    )


URRS = (_measured(1, mbqe=True), _measured(2))


@pytest.fixture
def asked(establishment):
    """The captured establishment as free5GC words it: no DNN, no S-NSSAI, two URRs."""
    pdrs = tuple(replace(each, urr_ids=(1, 2)) for each in establishment.create_pdrs)
    return replace(establishment, apn_dnn=None, s_nssai=None, create_pdrs=pdrs, create_urrs=URRS)


def _idle(seid, urrs):
    far = ies.UpdateFAR(far_id=1, apply_action=ies.ApplyAction(buff=True, nocp=True))
    return messages.SessionModificationRequest(seid=seid, create_urrs=urrs, update_fars=(far,))


async def test_the_data_network_stands_for_a_dnn_that_is_not_said(bench, asked):
    await bench.ask(asked)
    assert bench.record.session.dnn == "internet"


async def test_volume_before_qos_is_measured_behind_it_and_that_is_said_once(bench, asked, caplog):
    for _ in range(2):
        answer = await bench.ask(asked)
        assert answer.cause == Cause.REQUEST_ACCEPTED
        await bench.ask(messages.SessionDeletionRequest(seid=answer.up_fseid.seid))
    said = [each.getMessage() for each in caplog.records if "MBQE" in each.getMessage()]
    assert len(said) == 1
    assert said[0].startswith("10.100.4.1 asks for volume before QoS enforcement")


async def test_a_urr_created_anew_word_for_word_goes_on(bench, asked):
    seid = (await bench.ask(asked)).up_fseid.seid
    urrs = bench.record.session.urrs
    answer = await bench.ask(_idle(seid, URRS))
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert bench.record.session.urrs == urrs
    assert bench.record.session.quota_grants == {}


async def test_a_urr_created_anew_with_other_words_is_refused(bench, asked):
    seid = (await bench.ask(asked)).up_fseid.seid
    answer = await bench.ask(_idle(seid, (replace(URRS[0], measurement_period_s=60),)))
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.failed_rule_id.rule_id == 1


async def test_a_urr_removed_and_created_in_one_request_is_a_new_one(bench, asked):
    seid = (await bench.ask(asked)).up_fseid.seid
    request = replace(_idle(seid, URRS[:1]), remove_urrs=(ies.RemoveURR(urr_id=1),))
    answer = await bench.ask(request)
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert bench.record.session.quota_grants == {1: 1}


async def test_downlink_is_dropped_until_the_tunnel_to_the_access_side_is_known(
    bench, target, asked, to_gnb
):
    parameters = ies.ForwardingParameters(destination_interface=enums.DestinationInterface.ACCESS)
    far = ies.CreateFAR(
        far_id=1, apply_action=ies.ApplyAction(forw=True), forwarding_parameters=parameters
    )
    answer = await bench.ask(replace(asked, create_fars=(far, *asked.create_fars[1:])))
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert target.table("sessions_by_ue_ipv4")[2, UE] == ("drop", (DropReason.FAR,))
    await bench.ask(to_gnb(answer.up_fseid.seid))
    assert target.table("sessions_by_ue_ipv4")[2, UE][0] == "forward_tunnel"

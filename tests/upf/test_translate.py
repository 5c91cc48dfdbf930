"""What is asked for and not done here is refused, with the rule and the IE."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from pfcp import enums, ies, messages

PDR_2, FAR_2, URR_1 = (
    ies.FailedRuleID(rule_id_type=kind, rule_id=value) for kind, value in ((0, 2), (1, 2), (3, 1))
)
FORWARD = ies.ForwardingParameters(destination_interface=enums.DestinationInterface.CORE)
GTPU = ies.OuterHeaderCreation(teid=1, ipv4=IPv4Address("10.0.0.1"))


def with_pdr(request, **fields):
    pdrs = list(request.create_pdrs)
    pdrs[1] = replace(pdrs[1], **fields)
    return replace(request, create_pdrs=tuple(pdrs))


def with_pdi(request, **fields):
    return with_pdr(request, pdi=replace(request.create_pdrs[1].pdi, **fields))


def with_far(request, **fields):
    fars = list(request.create_fars)
    fars[1] = replace(fars[1], **fields)
    return replace(request, create_fars=tuple(fars))


def forwarding(request, **fields):
    return with_far(request, forwarding_parameters=replace(FORWARD, **fields))


def with_urr(request, **fields):
    return replace(request, create_urrs=(replace(request.create_urrs[0], **fields),))


V4 = IPv4Address("10.45.0.9")
V6 = IPv6Address("2001:db8::1")
MECHANISM = ies.TimeQuotaMechanism(base_time_interval_type=0, base_time_interval_s=1)
CASES = {
    "application id": (lambda r: with_pdi(r, application_id=b"x"), PDR_2, 24),
    "framed route": (lambda r: with_pdi(r, framed_routes=(b"x",)), PDR_2, 153),
    "traffic endpoint": (lambda r: with_pdi(r, traffic_endpoint_ids=(1,)), PDR_2, 131),
    "predefined rule": (lambda r: with_pdr(r, activate_predefined_rules=(b"x",)), PDR_2, 106),
    "activation time": (lambda r: with_pdr(r, activation_time=1), PDR_2, 163),
    "removal of udp": (
        lambda r: with_pdr(r, outer_header_removal=ies.OuterHeaderRemoval(description=2)),
        PDR_2,
        95,
    ),
    "5G VN group that is not there": (lambda r: with_pdi(r, source_interface=4), PDR_2, 22),
    "address to allocate": (
        lambda r: with_pdi(r, ue_ip_addresses=(ies.UEIPAddress(choose_ipv4=True),)),
        PDR_2,
        93,
    ),
    "prefix delegation": (
        lambda r: with_pdi(
            r, ue_ip_addresses=(ies.UEIPAddress(ipv6=V6, ipv6_prefix_delegation_bits=8),)
        ),
        PDR_2,
        93,
    ),
    "address without an address": (
        lambda r: with_pdi(r, ue_ip_addresses=(ies.UEIPAddress(is_destination=True),)),
        PDR_2,
        93,
    ),
    "several addresses": (
        lambda r: with_pdi(r, ue_ip_addresses=(ies.UEIPAddress(ipv4=V4),) * 2),
        PDR_2,
        93,
    ),
    "ethernet filter": (
        lambda r: with_pdi(r, ethernet_packet_filters=(ies.EthernetPacketFilter(),)),
        PDR_2,
        132,
    ),
    "filter id of nothing": (
        lambda r: with_pdi(r, sdf_filters=(ies.SDFFilter(sdf_filter_id=9),)),
        PDR_2,
        23,
    ),
    "duplication": (
        lambda r: with_far(r, apply_action=ies.ApplyAction(forw=True, dupl=True)),
        FAR_2,
        44,
    ),
    "redirect": (
        lambda r: forwarding(
            r, redirect_information=ies.RedirectInformation(address_type=2, server_address="x")
        ),
        FAR_2,
        38,
    ),
    "forwarding policy": (
        lambda r: forwarding(r, forwarding_policy=ies.ForwardingPolicy(identifier=b"x")),
        FAR_2,
        41,
    ),
    "marking of headers that are not created": (
        lambda r: forwarding(r, transport_level_marking=0xB8FC),
        FAR_2,
        30,
    ),
    "lawful interception": (lambda r: forwarding(r, destination_interface=4), FAR_2, 42),
    "creation of a vlan tag": (
        lambda r: forwarding(r, outer_header_creation=replace(GTPU, ctag=5)),
        FAR_2,
        84,
    ),
    "creation over ipv6 from where we have no such address": (
        lambda r: forwarding(
            r,
            destination_interface=enums.DestinationInterface.ACCESS,
            outer_header_creation=ies.OuterHeaderCreation(teid=1, ipv6=IPv6Address("::1")),
        ),
        FAR_2,
        84,
    ),
    "time quota mechanism": (
        lambda r: with_urr(r, time_quota_mechanism=MECHANISM),
        URR_1,
        115,
    ),
    "dropped downlink": (
        lambda r: with_urr(r, reporting_triggers=ies.ReportingTriggers(droth=True)),
        URR_1,
        37,
    ),
    "reduced application detection information": (
        lambda r: with_urr(r, measurement_information=ies.MeasurementInformation(radi=True)),
        URR_1,
        100,
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_is_not_done_is_refused(bench, target, establishment, case):
    change, rule, offending_ie = CASES[case]
    answer = await bench.ask(change(establishment))
    assert answer.cause in {
        enums.Cause.SERVICE_NOT_SUPPORTED,
        enums.Cause.RULE_CREATION_MODIFICATION_FAILURE,
        enums.Cause.UNKNOWN_APPLICATION_ID,
        enums.Cause.UNKNOWN_PREDEFINED_RULE,
        enums.Cause.INVALID_FORWARDING_POLICY,
    }
    assert (answer.failed_rule_id, answer.offending_ie) == (rule, offending_ie)
    assert target.entries == {}


@pytest.mark.parametrize(
    "action",
    [ies.ApplyAction(), ies.ApplyAction(forw=True, drop=True), ies.ApplyAction(nocp=True)],
    ids=["none", "two", "notify alone"],
)
async def test_apply_action_is_one_of_three(bench, establishment, action):
    answer = await bench.ask(with_far(establishment, apply_action=action))
    assert answer.cause == enums.Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert (answer.failed_rule_id, answer.offending_ie) == (FAR_2, 44)


async def test_filter_id_alone_means_the_filter_given_before(bench, establishment):
    everything = ies.SDFFilter(
        flow_description="permit out ip from any to assigned", sdf_filter_id=9
    )
    request = with_pdi(establishment, sdf_filters=(everything,))
    up_seid = (await bench.ask(request)).up_fseid.seid
    downlink = ies.PDI(
        source_interface=enums.SourceInterface.CORE, sdf_filters=(ies.SDFFilter(sdf_filter_id=9),)
    )
    answer = await bench.ask(
        messages.SessionModificationRequest(
            seid=up_seid, update_pdrs=(ies.UpdatePDR(pdr_id=1, pdi=downlink),)
        )
    )
    assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    pdi = bench.record.session.pdrs[1].pdi
    assert pdi.sdf_filters[0].matches_all(4)
    assert pdi.ue_ipv4 == IPv4Address("10.45.0.2")


async def test_sgi_lan_is_core(bench, establishment):
    request = forwarding(
        establishment, destination_interface=enums.DestinationInterface.SGI_LAN_N6_LAN
    )
    assert (await bench.ask(request)).cause == enums.Cause.REQUEST_ACCEPTED

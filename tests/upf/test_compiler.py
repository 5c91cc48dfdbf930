"""What the switch should hold for a session."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Network

import pytest

from upf import tables
from upf.compiler import Context, compile_session, survey
from upf.drops import DropReason
from upf.entry import Range, Ternary
from upf.errors import ConditionalMissingError, RuleError, RuleId, RuleKind, UnsupportedError
from upf.filters import entries_of
from upf.networks import Endpoint, NetworkInstance, Networks, Role
from upf.rules import (
    FAR,
    PDI,
    PDR,
    QER,
    ApplyAction,
    ForwardingParameters,
    Interface,
    LocalFTEID,
    OuterHeaderCreation,
    OuterProtocol,
)
from upf.sdf import parse_flow_description
from upf.session import Change, Session
from upf.treatment import TunnelPeer

N3, N9 = IPv4Address("10.100.3.1"), IPv4Address("10.100.9.1")
GNB, PEER_UPF, UE = IPv4Address("10.100.3.2"), IPv4Address("10.100.9.2"), IPv4Address("10.45.0.2")
NETWORKS = Networks(
    (
        NetworkInstance(1, Role.ACCESS, None, (Endpoint(1, N3),)),
        NetworkInstance(2, Role.CORE, "internet"),
        NetworkInstance(3, Role.CORE, "n9", (Endpoint(2, N9),)),
    )
)
TO_CORE = ForwardingParameters(destination_interface=Interface.CORE, network_instance="internet")
TO_GNB = ForwardingParameters(
    destination_interface=Interface.ACCESS, outer_header_creation=OuterHeaderCreation(7, GNB)
)
TO_UPF = ForwardingParameters(
    destination_interface=Interface.CORE,
    network_instance="n9",
    outer_header_creation=OuterHeaderCreation(8, PEER_UPF),
)
UPLINK = PDR(
    pdr_id=1,
    precedence=100,
    pdi=PDI(source_interface=Interface.ACCESS, local_fteid=LocalFTEID(1, 0x10, N3)),
    has_outer_header_removal=True,
    far_id=1,
    usage_id=11,
)
DOWNLINK = PDR(
    pdr_id=2,
    precedence=100,
    pdi=PDI(source_interface=Interface.CORE, network_instance="internet", ue_ipv4=UE),
    far_id=2,
    usage_id=12,
)
FARS = (
    FAR(far_id=1, apply_action=ApplyAction.FORW, forwarding=TO_CORE),
    FAR(far_id=2, apply_action=ApplyAction.FORW, forwarding=TO_GNB),
    FAR(far_id=3, apply_action=ApplyAction.FORW, forwarding=TO_UPF),
    FAR(far_id=4, apply_action=ApplyAction.DROP, forwarding=TO_CORE),
)
QERS = (QER(qer_id=1, qfi=9),)
UPLINK_KEY = (1, 0x10)
UE_PREFIX = IPv6Network("2001:db8:45:2::/64")


NUM_SESSION_METERS = 100


def session_of(*rules, slice_id=0):
    """A session with these rules beside those of all tests."""
    return Session(
        up_seid=1, cp_seid=2, cp_address=IPv4Address("10.100.4.1"), slice_id=slice_id
    ).modified(Change(creates=(*rules, *FARS, *QERS)))


def compiled_whole(session):
    """What becomes of a session: peers are numbered from 40, lists of filters from 50, its own
    numbers from 60.
    """
    surveyed = survey(session, NETWORKS, NUM_SESSION_METERS)
    context = Context(
        {peer: 40 + n for n, peer in enumerate(sorted(surveyed.peers, key=str))},
        {rules: 50 + n for n, rules in enumerate(sorted(surveyed.rule_lists, key=str))},
        {name: 60 + n for n, name in enumerate(sorted(surveyed.names, key=str))},
    )
    return surveyed, compile_session(surveyed, context)


def tables_of(entries):
    """{table: {key: (action, params)}}, names without where they belong."""
    found = {}
    for each in entries:
        table = found.setdefault(each.table.rpartition(".")[2], {})
        table[each.key] = (each.action.rpartition(".")[2], each.params)
    return found


def compiled(*rules, slice_id=0):
    """{key: (action, params)} of a session with these rules."""
    _, result = compiled_whole(session_of(*rules, slice_id=slice_id))
    return {e.key: (e.action.rpartition(".")[2], e.params) for e in result.entries}


def sdf(text, **criteria):
    return parse_flow_description(text, **criteria)


def pdi(pdr, **fields):
    return replace(pdr, pdi=replace(pdr.pdi, **fields))


def test_uplink_leaves_by_the_network_instance_of_its_far_with_its_source_checked():
    entries = compiled(UPLINK, DOWNLINK, slice_id=5)
    assert entries[UPLINK_KEY] == ("forward", (11, 1, 0, 5, 0, 2, int(UE)))
    assert entries[2, int(UE)] == ("forward_tunnel", (12, 0, 5, 0, 40, 7, 0, 0))


def test_source_is_not_checked_where_the_session_has_no_address():
    assert compiled(UPLINK)[UPLINK_KEY] == ("forward", (11, 0, 0, 0, 0, 2, 0))


def test_qfi_of_the_qer_goes_into_the_container():
    entries = compiled(replace(UPLINK, far_id=3, qer_ids=(1,)), replace(DOWNLINK, qer_ids=(1,)))
    assert entries[UPLINK_KEY][1][-2:] == (9, 0)
    assert entries[2, int(UE)][1][-2:] == (9, 0)


def test_reflective_qos_is_told_to_the_gnb_alone():
    qer = QER(qer_id=2, qfi=9, is_reflective=True)
    uplink, downlink = replace(UPLINK, far_id=3, qer_ids=(2,)), replace(DOWNLINK, qer_ids=(2,))
    entries = compiled(uplink, downlink, qer)
    assert entries[UPLINK_KEY][1][-1] == 0
    assert entries[2, int(UE)][1][-1] == 1


def test_paging_policy_indicator_makes_the_downlink_a_classified_one():
    qer = QER(qer_id=2, qfi=9, ppi=5)
    rules = (replace(UPLINK, qer_ids=(2,)), replace(DOWNLINK, qer_ids=(2,)), qer)
    surveyed, result = compiled_whole(session_of(*rules))
    found = tables_of(result.entries)
    assert UPLINK_KEY in found["sessions_by_fteid"]
    ((_, params),) = found["flows"].values()
    assert params[-4:] == (9, 0, 1, 5)
    assert {peer.overhead for peer in surveyed.peers} == {48}


@pytest.mark.parametrize(("qer_ids", "overhead"), [((), 36), ((1,), 44)])
def test_tunnel_to_another_upf_starts_at_our_address_there(qer_ids, overhead):
    session = session_of(replace(UPLINK, far_id=3, qer_ids=qer_ids))
    surveyed = survey(session, NETWORKS, NUM_SESSION_METERS)
    assert surveyed.peers == {TunnelPeer(3, N9, PEER_UPF, overhead)}


@pytest.mark.parametrize(
    ("protocol", "port", "overhead"), [(OuterProtocol.UDP, 4444, 28), (OuterProtocol.IP, 0, 20)]
)
def test_headers_of_udp_and_of_ip_alone_have_no_container(protocol, port, overhead):
    creation = OuterHeaderCreation(0, PEER_UPF, protocol, port)
    far = FAR(
        far_id=9,
        apply_action=ApplyAction.FORW,
        forwarding=replace(TO_UPF, outer_header_creation=creation),
    )
    rules = (replace(UPLINK, far_id=9, qer_ids=(2,)), QER(qer_id=2, qfi=9), far)
    surveyed, result = compiled_whole(session_of(*rules))
    assert surveyed.peers == {TunnelPeer(3, N9, PEER_UPF, overhead, port, protocol=protocol)}
    params = tables_of(result.entries)["sessions_by_fteid"][UPLINK_KEY][1]
    assert params[-3:] == (0, 0, 0)


def test_lowest_precedence_value_decides_a_shared_key():
    low = replace(UPLINK, pdr_id=3, precedence=10, far_id=4, usage_id=13)
    assert compiled(UPLINK, low)[UPLINK_KEY] == ("drop", (DropReason.FAR,))
    high = replace(low, precedence=200)
    assert compiled(UPLINK, high)[UPLINK_KEY][0] == "forward"


def test_drop_wins_over_forwarding_parameters():
    assert compiled(replace(UPLINK, far_id=4))[UPLINK_KEY] == ("drop", (DropReason.FAR,))


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (ApplyAction.BUFF, ("buffer", (12,))),
        (ApplyAction.BUFF | ApplyAction.NOCP, ("buffer", (12,))),
        (ApplyAction.DROP | ApplyAction.NOCP, ("notify", (12,))),
        (ApplyAction.DROP, ("drop", (DropReason.FAR,))),
    ],
    ids=["buffer", "buffer and notify", "drop and notify", "drop"],
)
def test_what_is_not_forwarded_goes_where_its_far_says(action, expected):
    far = FAR(far_id=9, apply_action=action)
    assert compiled(replace(DOWNLINK, far_id=9), far)[2, int(UE)] == expected


def test_closed_gate_stops_its_direction_alone():
    qer = QER(qer_id=2, is_uplink_open=False)
    entries = compiled(replace(UPLINK, qer_ids=(2,)), replace(DOWNLINK, qer_ids=(2,)), qer)
    assert entries[UPLINK_KEY] == ("drop", (DropReason.GATE_CLOSED,))
    assert entries[2, int(UE)][0] == "forward_tunnel"


def test_qfi_of_a_pdr_that_is_alone_is_taken_as_met():
    assert compiled(pdi(UPLINK, qfis=(9,)))[UPLINK_KEY][0] == "forward"


def test_qfis_tell_pdrs_of_a_tunnel_apart():
    other = replace(UPLINK, pdr_id=3, precedence=200, usage_id=13)
    _, result = compiled_whole(session_of(pdi(UPLINK, qfis=(9, 10)), other))
    found = tables_of(result.entries)
    assert found["classified_by_fteid"] == {UPLINK_KEY: ("classify", (50, 60))}
    assert [params[0] for _, params in found["flows"].values()] == [11, 13]


def test_one_filter_that_matches_everything_makes_the_others_moot():
    everything = sdf("permit out ip from any to assigned")
    narrow = sdf("permit out 17 from any to assigned")
    assert compiled(pdi(UPLINK, sdf_filters=(narrow, everything)))[UPLINK_KEY][0] == "forward"


def test_ipv6_filters_of_an_ipv4_session_leave_no_entry():
    ipv6 = sdf("permit out 58 from ff02::2/128 to assigned")
    solicitations = replace(pdi(UPLINK, sdf_filters=(ipv6,)), pdr_id=3, precedence=1)
    entries = compiled(UPLINK, DOWNLINK, solicitations)
    assert entries[UPLINK_KEY][0] == "forward"
    assert len(entries) == 2


def test_filters_become_a_list_and_each_pdr_a_flow():
    web = sdf("permit out 6 from 198.51.100.0/24 80,443 to assigned")
    dedicated = replace(pdi(DOWNLINK, sdf_filters=(web,)), pdr_id=3, precedence=1, usage_id=13)
    surveyed, result = compiled_whole(session_of(UPLINK, DOWNLINK, dedicated))
    found = tables_of(result.entries)
    assert found["sessions_by_fteid"][UPLINK_KEY][0] == "forward"
    assert found["classified_by_ue_ipv4"] == {(2, int(UE)): ("classify", (50, 60))}
    assert {key: params[0] for key, (_, params) in found["flows"].items()} == {
        (60, 1): 13,
        (60, 2): 12,
    }
    (rules,) = surveyed.rule_lists
    assert [(rule.slot, rule.key.src_port) for rule in rules] == [
        (1, Range(80, 80)),
        (1, Range(443, 443)),
        (2, Range(0, 65535)),
    ]
    assert rules[0].key.src_addr == Ternary(int(IPv4Address("198.51.100.0")), 0xFFFFFF00)
    assert rules[0].key.dst_addr == rules[2].key.src_addr == Ternary(0, 0)


def test_equal_filters_of_two_sessions_are_one_list():
    web = sdf("permit out 6 from any 443 to assigned")
    lists = []
    for ue in (UE, UE + 1):
        downlink = pdi(DOWNLINK, ue_ipv4=ue)
        dedicated = replace(pdi(downlink, sdf_filters=(web,)), pdr_id=3, precedence=1)
        surveyed = survey(session_of(downlink, dedicated), NETWORKS, NUM_SESSION_METERS)
        lists.append(surveyed.rule_lists)
    assert lists[0] == lists[1]


def test_uplink_filters_are_the_other_way_round_and_want_the_ues_own_source():
    web = sdf("permit out 6 from 198.51.100.0/24 80 to assigned 5000-6000")
    dedicated = replace(pdi(UPLINK, sdf_filters=(web,)), pdr_id=3, precedence=1)
    surveyed, _ = compiled_whole(session_of(UPLINK, DOWNLINK, dedicated))
    (rules,) = surveyed.rule_lists
    own = Ternary(int(UE), 0xFFFFFFFF)
    assert [rule.key.src_addr for rule in rules] == [own, own]
    assert rules[0].key.dst_addr.value == int(IPv4Address("198.51.100.0"))
    assert (rules[0].key.src_port, rules[0].key.dst_port) == (Range(5000, 6000), Range(80, 80))


def test_filter_for_another_source_than_the_ues_matches_nothing():
    foreign = sdf("permit out ip from any to 192.0.2.0/24")
    dedicated = replace(pdi(UPLINK, sdf_filters=(foreign,)), pdr_id=3, precedence=1)
    surveyed, _ = compiled_whole(session_of(UPLINK, DOWNLINK, dedicated))
    (rules,) = surveyed.rule_lists
    assert [rule.slot for rule in rules] == [2]


def test_first_filter_of_a_list_has_the_highest_priority():
    web = sdf("permit out 6 from any 80-90 to assigned")
    dedicated = replace(pdi(DOWNLINK, sdf_filters=(web,)), pdr_id=3, precedence=1)
    surveyed, _ = compiled_whole(session_of(DOWNLINK, dedicated))
    (rules,) = surveyed.rule_lists
    entries = entries_of(rules, 77)
    assert [(each.key[0], each.priority, each.params) for each in entries] == [
        (77, 2, (1,)),
        (77, 1, (2,)),
    ]


def test_spi_is_matched_as_both_ports():
    esp = sdf("permit out 50 from any to assigned", spi=0x12345678)
    dedicated = replace(pdi(DOWNLINK, sdf_filters=(esp,)), pdr_id=3, precedence=1)
    surveyed, _ = compiled_whole(session_of(DOWNLINK, dedicated))
    (rules,) = surveyed.rule_lists
    assert (rules[0].key.src_port, rules[0].key.dst_port) == (
        Range(0x1234, 0x1234),
        Range(0x5678, 0x5678),
    )


def test_session_of_both_versions_is_found_by_both_addresses():
    downlink = pdi(DOWNLINK, ue_ipv6=UE_PREFIX)
    _, result = compiled_whole(session_of(UPLINK, downlink))
    found = tables_of(result.entries)
    prefix = int(UE_PREFIX.network_address) >> 64
    assert found["sessions_by_ue_ipv6"].keys() == {(2, prefix)}
    assert found["sessions_by_ue_ipv4"].keys() == {(2, int(UE))}
    assert found["source_prefixes"] == {(11, prefix): ("NoAction", ())}
    assert found["sessions_by_fteid"][UPLINK_KEY][1][:2] == (11, 1)


def test_router_solicitations_reach_the_smf_from_addresses_of_the_link():
    to_cp = FAR(
        far_id=9,
        apply_action=ApplyAction.FORW,
        forwarding=ForwardingParameters(
            destination_interface=Interface.CP_FUNCTION,
            outer_header_creation=OuterHeaderCreation(9, GNB),
        ),
    )
    ipv6 = sdf("permit out 58 from ff02::2/128 to assigned")
    solicitations = replace(
        pdi(UPLINK, sdf_filters=(ipv6,)), pdr_id=3, precedence=1, far_id=9, usage_id=13
    )
    downlink = pdi(DOWNLINK, ue_ipv4=None, ue_ipv6=UE_PREFIX)
    surveyed, _ = compiled_whole(session_of(UPLINK, downlink, solicitations, to_cp))
    (rules,) = surveyed.rule_lists
    assert [rule.key.src_addr.mask.bit_count() for rule in rules] == [0, 64]


LIMITED = QER(qer_id=5, mbr_uplink_kbps=8000, mbr_downlink_kbps=16000)


def test_one_rate_of_an_unfiltered_direction_is_the_meter_of_its_usage_counter():
    rules = (replace(UPLINK, qer_ids=(5,)), replace(DOWNLINK, qer_ids=(5,)), LIMITED)
    _, result = compiled_whole(session_of(*rules))
    assert {key: rate.pir_bytes_per_s for key, rate in result.rates.items()} == {
        ("session", 11): 1_000_000,
        ("session", 12): 2_000_000,
    }
    found = tables_of(result.entries)
    assert found["sessions_by_fteid"][UPLINK_KEY][1][:3] == (11, 1, 1)


def test_counter_without_a_meter_makes_a_limited_direction_a_classified_one():
    uplink = replace(UPLINK, qer_ids=(5,), usage_id=NUM_SESSION_METERS)
    _, result = compiled_whole(session_of(uplink, LIMITED))
    found = tables_of(result.entries)
    ((_, params),) = found["flows"].values()
    assert list(result.rates) == [("session", params[2])]
    assert params[:2] == (NUM_SESSION_METERS, 0)


def test_shared_rate_is_the_sessions_and_the_other_the_flows():
    web = sdf("permit out 6 from any 443 to assigned")
    own = QER(qer_id=6, mbr_downlink_kbps=800, gbr_downlink_kbps=400)
    dedicated = replace(
        pdi(DOWNLINK, sdf_filters=(web,)), pdr_id=3, precedence=1, usage_id=13, qer_ids=(5, 6)
    )
    rules = (replace(DOWNLINK, qer_ids=(5,)), dedicated, LIMITED, own)
    _, result = compiled_whole(session_of(*rules))
    flows = tables_of(result.entries)["flows"]
    (dedicated_flow, default_flow) = (params for _, params in flows.values())
    assert dedicated_flow[0] == 13
    assert dedicated_flow[2] == default_flow[2] != 0
    assert default_flow[1] == 0
    assert (dedicated_flow[3], default_flow[3]) == (1, 0)
    rate = result.rates["flow", dedicated_flow[1]]
    assert (rate.cir_bytes_per_s, rate.pir_bytes_per_s) == (50_000, 100_000)


def test_guaranteed_flow_without_a_maximum_is_metered_to_tell_its_excess():
    call = QER(qer_id=6, gbr_downlink_kbps=400)
    _, result = compiled_whole(session_of(replace(DOWNLINK, qer_ids=(6,)), call))
    ((_, params),) = tables_of(result.entries)["flows"].values()
    flow = tables.ForwardFlowTunnel(*params)
    assert (flow.is_guaranteed, flow.traffic_class) == (1, 1)
    (rate,) = result.rates.values()
    assert rate.cir_bytes_per_s == 50_000
    assert rate.pir_bytes_per_s > 10**11


def test_three_rates_of_one_pdr_are_refused():
    qers = [QER(qer_id=each, mbr_uplink_kbps=1) for each in (5, 6, 7)]
    with pytest.raises(UnsupportedError) as caught:
        compiled(replace(UPLINK, qer_ids=(5, 6, 7)), *qers)
    assert (caught.value.rule, caught.value.offending_ie) == (RuleId(RuleKind.PDR, 1), 109)


def test_downlink_pdr_without_an_address_means_the_only_one_of_the_session():
    dedicated = replace(pdi(DOWNLINK, ue_ipv4=None), pdr_id=3, precedence=1, far_id=4)
    assert compiled(DOWNLINK, dedicated)[2, int(UE)] == ("drop", (DropReason.FAR,))
    with pytest.raises(ConditionalMissingError) as caught:
        compiled(dedicated)
    assert (caught.value.rule, caught.value.offending_ie) == (RuleId(RuleKind.PDR, 3), 93)


def test_uplink_without_an_fteid_is_refused():
    with pytest.raises(ConditionalMissingError) as caught:
        compiled(pdi(UPLINK, local_fteid=None))
    assert (caught.value.rule, caught.value.offending_ie) == (RuleId(RuleKind.PDR, 1), 21)


@pytest.mark.parametrize(
    ("pdr", "error"),
    [
        (replace(UPLINK, has_outer_header_removal=False), UnsupportedError),
        (replace(DOWNLINK, has_outer_header_removal=True), RuleError),
    ],
    ids=["tunnelled and kept", "nothing to remove"],
)
def test_outer_header_removal_that_cannot_be_is_refused(pdr, error):
    with pytest.raises(error) as caught:
        compiled(pdr)
    assert caught.value.rule == RuleId(RuleKind.PDR, pdr.pdr_id)
    assert caught.value.offending_ie == 95


def test_tunnel_from_where_we_have_no_gtpu_address_is_refused(monkeypatch):
    without_n9 = Networks(NETWORKS.instances[:2])
    monkeypatch.setitem(globals(), "NETWORKS", without_n9)
    nowhere = replace(TO_UPF, network_instance="internet")
    far = FAR(far_id=9, apply_action=ApplyAction.FORW, forwarding=nowhere)
    with pytest.raises(RuleError, match="gtpu_address") as caught:
        compiled(replace(UPLINK, far_id=9), far)
    assert caught.value.rule == RuleId(RuleKind.FAR, 9)


def test_tunnel_to_another_upf_may_name_the_data_network():
    far = FAR(
        far_id=9,
        apply_action=ApplyAction.FORW,
        forwarding=replace(TO_UPF, network_instance="internet"),
    )
    surveyed = survey(session_of(replace(UPLINK, far_id=9), far), NETWORKS, NUM_SESSION_METERS)
    assert {(each.network_instance_id, each.src) for each in surveyed.peers} == {(3, N9)}


def test_network_instance_there_is_not_names_the_rule():
    with pytest.raises(RuleError) as caught:
        compiled(pdi(DOWNLINK, network_instance="ims"))
    assert (caught.value.rule, caught.value.offending_ie) == (RuleId(RuleKind.PDR, 2), 22)


def test_uplink_pdrs_of_several_ue_addresses_are_told_apart_by_their_source():
    first = pdi(UPLINK, ue_ipv4=UE)
    second = replace(pdi(UPLINK, ue_ipv4=UE + 1), pdr_id=7, precedence=200, usage_id=12)
    surveyed = survey(session_of(first, second), NETWORKS, NUM_SESSION_METERS)
    ((_, rules),) = [each for each in surveyed.classified if each[0].is_uplink]
    sources = [rule.key.src_addr for rule in rules if isinstance(rule.key, tables.FilterIPv4)]
    assert sources == [Ternary(int(each), 0xFFFFFFFF) for each in (UE, UE + 1)]

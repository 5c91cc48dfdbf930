"""What the switch should hold for a session."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from upf import tables
from upf.compiler import CompileContext, TunnelPeer, compile_session, tunnel_peers
from upf.drops import DropReason
from upf.errors import ConditionalMissingError, RuleError, RuleId, RuleKind, UnsupportedError
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
    SDFFilter,
)
from upf.session import Change, Session

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


def compiled(*pdrs, slice_id=0):
    """{key: (action, params)} of a session with these PDRs."""
    session = Session(
        up_seid=1, cp_seid=2, cp_address=IPv4Address("10.100.4.1"), slice_id=slice_id
    ).modified(Change(creates=(*pdrs, *FARS, *QERS)))
    peers = {
        peer: 40 + n for n, peer in enumerate(sorted(tunnel_peers(session, NETWORKS), key=str))
    }
    entries = compile_session(session, CompileContext(NETWORKS, peers)).entries
    return {e.key: (e.action.rpartition(".")[2], e.params) for e in entries}


def pdi(pdr, **fields):
    return replace(pdr, pdi=replace(pdr.pdi, **fields))


def test_uplink_leaves_by_the_network_instance_of_its_far_with_its_source_checked():
    entries = compiled(UPLINK, DOWNLINK, slice_id=5)
    assert entries[UPLINK_KEY] == ("forward", (11, 10, 2, 1, int(UE)))
    assert entries[2, int(UE)] == ("forward_tunnel", (12, 11, 1, 40, 7, tables.PSC_NONE, 0))


def test_source_is_not_checked_where_the_session_has_no_address():
    assert compiled(UPLINK)[UPLINK_KEY] == ("forward", (11, 0, 2, 0, 0))


def test_qfi_of_the_qer_goes_into_the_container_of_its_direction():
    entries = compiled(replace(UPLINK, far_id=3, qer_ids=(1,)), replace(DOWNLINK, qer_ids=(1,)))
    assert entries[UPLINK_KEY][1][-2:] == (tables.PSC_UPLINK, 9)
    assert entries[2, int(UE)][1][-2:] == (tables.PSC_DOWNLINK, 9)


def test_tunnel_to_another_upf_starts_at_our_address_there():
    session = Session(up_seid=1, cp_seid=2, cp_address=N3).modified(
        Change(creates=(replace(UPLINK, far_id=3), *FARS))
    )
    assert tunnel_peers(session, NETWORKS) == {TunnelPeer(N9, PEER_UPF)}


def test_lowest_precedence_value_decides_a_shared_key():
    low = replace(UPLINK, pdr_id=3, precedence=10, far_id=4, usage_id=13)
    assert compiled(UPLINK, low)[UPLINK_KEY] == ("drop", (DropReason.FAR,))
    high = replace(low, precedence=200)
    assert compiled(UPLINK, high)[UPLINK_KEY][0] == "forward"


def test_drop_wins_over_forwarding_parameters():
    assert compiled(replace(UPLINK, far_id=4))[UPLINK_KEY] == ("drop", (DropReason.FAR,))


def test_qfi_is_refused_only_where_another_pdr_shares_the_key():
    marked = pdi(UPLINK, qfis=(9,))
    assert compiled(marked)[UPLINK_KEY][0] == "forward"
    with pytest.raises(UnsupportedError) as caught:
        compiled(marked, replace(UPLINK, pdr_id=3))
    assert (caught.value.rule, caught.value.offending_ie) == (RuleId(RuleKind.PDR, 1), 124)


def test_one_filter_that_matches_everything_makes_the_others_moot():
    everything = SDFFilter("all", is_match_all=True, is_ipv6_only=False)
    narrow = SDFFilter("some", is_match_all=False, is_ipv6_only=False)
    assert compiled(pdi(UPLINK, sdf_filters=(narrow, everything)))[UPLINK_KEY][0] == "forward"


def test_ipv6_filters_alone_leave_no_entry():
    ipv6 = SDFFilter("six", is_match_all=False, is_ipv6_only=True)
    narrow = SDFFilter("some", is_match_all=False, is_ipv6_only=False)
    assert compiled(pdi(UPLINK, sdf_filters=(ipv6,))) == {}
    with pytest.raises(UnsupportedError):
        compiled(pdi(UPLINK, sdf_filters=(ipv6, narrow)))


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


def test_tunnel_from_where_we_have_no_gtpu_address_is_refused():
    nowhere = replace(TO_UPF, network_instance="internet")
    far = FAR(far_id=9, apply_action=ApplyAction.FORW, forwarding=nowhere)
    with pytest.raises(RuleError, match="gtpu_address") as caught:
        compiled(replace(UPLINK, far_id=9), far)
    assert caught.value.rule == RuleId(RuleKind.FAR, 9)


def test_network_instance_there_is_not_names_the_rule():
    with pytest.raises(RuleError) as caught:
        compiled(pdi(DOWNLINK, network_instance="ims"))
    assert (caught.value.rule, caught.value.offending_ie) == (RuleId(RuleKind.PDR, 2), 22)

"""How real SMFs word things, each as a conversation; Open5GS's is replayed from a capture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pfcp import enums, ies, messages
from testbed import rules
from testbed.topologies import SERVER_ADDRESS
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS
from testbed.wire import SILENCE_S, datagram

pytestmark = pytest.mark.root


def carries(stage, ue, uplink_teid, downlink_teid, *, qfi=9):
    """Whether a packet goes up and one down."""
    stage.gnb.send_packet(datagram(ue, SERVER_ADDRESS, b"up"), UPF_N3_ADDRESS, uplink_teid, qfi)
    if stage.dn.receive(b"up", SILENCE_S) is None:
        return False
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"down"))
    got = stage.gnb.receive(SILENCE_S)
    return got is not None and got.message.teid == downlink_teid


def test_free5gc_gives_teids_sends_two_qers_a_pdr_and_a_far_that_says_nothing(stage):
    smf, ue = stage.smf, stage.ue_ipv4()
    teid, gnb_teid = 0x0500_0000 | stage.number(), stage.number()
    uplink = rules.from_tunnel(
        *(1, ies.FTEID(teid=teid, ipv4=UPF_N3_ADDRESS), 1),
        precedence=255,
        qers=(1, 2),
        ue_ip_addresses=rules.ue(ue),
        network_instance=rules.name("internet"),
    )
    downlink = rules.from_core(2, 2, rules.ue(ue, is_destination=True), precedence=255, qers=(1, 2))
    waiting = ies.CreateFAR(far_id=2, apply_action=rules.DROP)
    established = smf.establish(
        (uplink, downlink),
        (rules.to_core(1), waiting),
        create_qers=(
            rules.qer(1, qfi=9),
            rules.qer(2, qfi=9, mbr=ies.MBR(uplink_kbps=1_000_000, downlink_kbps=1_000_000)),
        ),
    )
    assert (established.cause, established.node_id.value) == (1, stage.smf.upf)
    seid = established.up_fseid.seid
    far = ies.UpdateFAR(
        far_id=2,
        apply_action=rules.FORWARD,
        update_forwarding_parameters=ies.UpdateForwardingParameters(
            destination_interface=enums.DestinationInterface.ACCESS,
            network_instance=rules.name("internet"),
            outer_header_creation=rules.header_creation(gnb_teid, GNB_ADDRESS),
        ),
    )
    assert smf.modify(seid, update_fars=(far,), update_pdrs=()).cause == 1
    assert carries(stage, ue, teid, gnb_teid)
    assert smf.delete(seid).cause == 1


def test_omec_asks_without_flags_takes_the_first_tunnel_and_names_no_network(stage):
    smf, ue, gnb_teid = stage.smf, stage.ue_ipv4(), stage.number()
    bare = ies.FTEID(choose=True)
    empty = ies.NetworkInstance(octets=b"")
    to_lan = ies.ForwardingParameters(
        destination_interface=enums.DestinationInterface.SGI_LAN_N6_LAN, network_instance=empty
    )
    downlink = rules.from_core(2, 2, rules.ue(ue, is_destination=True))
    downlink = replace(downlink, pdi=replace(downlink.pdi, network_instance=empty))
    established = smf.establish(
        (rules.from_tunnel(1, bare, 1, ue_ip_addresses=rules.ue(ue)), downlink),
        (
            ies.CreateFAR(far_id=1, apply_action=rules.FORWARD, forwarding_parameters=to_lan),
            rules.to_tunnel(2, gnb_teid, GNB_ADDRESS),
        ),
    )
    assert established.cause == 1
    assert carries(stage, ue, established.created_pdrs[0].local_fteid.teid, gnb_teid)
    # Its deletion carries the CP F-SEID, which has no place there.
    seid = established.up_fseid.seid
    number = 0x7F00
    deletion = messages.SessionDeletionRequest(seid=seid).encode(number)
    fseid = bytes.fromhex("0039000d02") + (5).to_bytes(8) + smf.address.packed
    octets = deletion[:2] + (len(deletion) - 4 + len(fseid)).to_bytes(2) + deletion[4:] + fseid
    answer = smf.ask_octets(octets, number)
    assert answer.cause == 1


def test_oai_brings_the_downlink_later_with_precedence_zero_and_storms_of_reports(stage):
    smf, ue, gnb_teid = stage.smf, stage.ue_ipv4(), stage.number()
    urr = ies.CreateURR(
        urr_id=1,
        measurement_method=ies.MeasurementMethod(volum=True, durat=True),
        reporting_triggers=ies.ReportingTriggers(volth=True, timth=True),
        volume_threshold=ies.VolumeThreshold(total_bytes=1000),
        time_threshold_s=5,
    )
    established = smf.establish(
        (
            rules.from_tunnel(
                *(1, rules.choose_fteid(), 1),
                precedence=0,
                ue_ip_addresses=rules.ue(ue),
                pdr={"urr_ids": (1,)},
            ),
        ),
        (rules.to_core(1), rules.to_tunnel(2, gnb_teid, GNB_ADDRESS)),
        create_urrs=(urr,),
    )
    seid = established.up_fseid.seid
    downlink = rules.from_core(
        2, 2, rules.ue(ue, is_destination=True), precedence=0, pdr={"urr_ids": (1,)}
    )
    assert smf.modify(seid, create_pdrs=(downlink,)).cause == 1
    assert carries(stage, ue, rules.created(established, 1).local_fteid.teid, gnb_teid)
    for _ in range(100):
        stage.dn.send(datagram(SERVER_ADDRESS, ue, b"x" * 1000))
    smf.told(messages.SessionReportRequest)
    reports = 1 + sum(isinstance(each, messages.SessionReportRequest) for each in smf.asked)
    assert reports <= 3  # of a hundred thresholds passed
    assert smf.delete(seid).cause == 1


def test_pfcpsim_removes_whole_pdrs_repeats_filter_ids_and_counts_from_zero(stage):
    smf, ue, gnb_teid = stage.smf, stage.ue_ipv4(), stage.number()

    def filters(*descriptions):
        return tuple(ies.SDFFilter(flow_description=each, sdf_filter_id=0) for each in descriptions)

    uplink = rules.from_tunnel(
        *(1, rules.choose_fteid(), 1),
        qers=(0,),
        ue_ip_addresses=rules.ue(ue),
        sdf_filters=filters("permit out 17 from any to assigned"),
    )
    downlink = rules.from_core(
        *(2, 2, rules.ue(ue, is_destination=True)),
        qers=(0,),
        sdf_filters=filters("permit out 17 from any to assigned 5000"),
    )
    established = smf.establish(
        (uplink, downlink),
        (rules.to_core(1), rules.to_tunnel(2, gnb_teid, GNB_ADDRESS)),
        create_qers=(rules.qer(0, qfi=9),),
    )
    seid = established.up_fseid.seid
    assert carries(stage, ue, rules.created(established, 1).local_fteid.teid, gnb_teid)
    request = messages.SessionModificationRequest(seid=seid, remove_pdrs=(ies.RemovePDR(pdr_id=2),))
    plain = request.encode(0x7F01)
    precedence = bytes.fromhex("001d000400000064")
    # The group of a removal is longer than it should be: the PDR's precedence is in it, too.
    head, group = plain[:16], plain[16:]
    longer = group[:2] + (len(group) - 4 + len(precedence)).to_bytes(2) + group[4:] + precedence
    octets = head[:2] + (len(head) - 4 + len(longer)).to_bytes(2) + head[4:] + longer
    assert smf.ask_octets(octets, 0x7F01).cause == 1
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"down"))
    assert stage.gnb.receive(SILENCE_S) is None
    assert smf.delete(seid).cause == 1

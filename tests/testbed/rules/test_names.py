"""Network instances and interfaces however an SMF writes them, flows told apart by their QFI."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pfcp import enums, ies
from testbed import rules
from testbed.topologies import BRANCH_SERVER_ADDRESS, SERVER_ADDRESS
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS
from testbed.wire import SILENCE_S, datagram

pytestmark = pytest.mark.root


def written(far, octets):
    """A FAR with another network instance."""
    instance = None if octets is None else ies.NetworkInstance(octets=octets)
    parameters = replace(far.forwarding_parameters, network_instance=instance)
    return replace(far, forwarding_parameters=parameters)


@pytest.mark.parametrize(
    ("octets", "is_branch"),
    [
        (b"internet", False),
        (b"\x08internet", False),
        (b"corporate", True),
        (b"\x09corporate", True),
        (b"", False),
        (None, False),
    ],
)
def test_a_network_instance_is_found_however_it_is_written(stage, session, octets, is_branch):
    ue = stage.ue_ipv4()
    answer = session(
        (rules.from_tunnel(1, rules.choose_fteid(), 1, ue_ip_addresses=rules.ue(ue)),),
        (written(rules.to_core(1), octets),),
    )
    fteid = rules.created(answer, 1).local_fteid
    server, host = (
        (BRANCH_SERVER_ADDRESS, stage.branch) if is_branch else (SERVER_ADDRESS, stage.dn)
    )
    stage.gnb.send_packet(datagram(ue, server, b"named"), UPF_N3_ADDRESS, fteid.teid, 9)
    assert host.receive(b"named") is not None


def test_a_network_instance_there_is_not_is_refused(stage):
    far = rules.to_core(3, "elsewhere")
    refused = stage.smf.establish((rules.from_tunnel(1, rules.choose_fteid(), 3),), (far,))
    assert (refused.cause, refused.offending_ie, refused.failed_rule_id.rule_id) == (73, 22, 3)


def test_n6_lan_is_the_data_network(stage, session):
    ue, teid = stage.ue_ipv4(), stage.number()
    downlink = rules.from_core(2, 2, rules.ue(ue, is_destination=True))
    pdi = replace(downlink.pdi, source_interface=enums.SourceInterface.SGI_LAN_N6_LAN)
    far = rules.to_core(1)
    parameters = replace(
        far.forwarding_parameters,
        destination_interface=enums.DestinationInterface.SGI_LAN_N6_LAN,
    )
    answer = session(
        (
            rules.from_tunnel(1, rules.choose_fteid(), 1, ue_ip_addresses=rules.ue(ue)),
            replace(downlink, pdi=pdi),
        ),
        (replace(far, forwarding_parameters=parameters), rules.to_tunnel(2, teid, GNB_ADDRESS)),
    )
    fteid = rules.created(answer, 1).local_fteid
    stage.gnb.send_packet(datagram(ue, SERVER_ADDRESS, b"to lan"), UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.dn.receive(b"to lan") is not None
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"from lan"))
    assert stage.gnb.receive().message.teid == teid


def test_pdrs_are_told_apart_by_the_qfi_of_the_packet(stage, session):
    ue = stage.ue_ipv4()
    answer = session(
        (
            rules.from_tunnel(1, rules.choose_fteid(5), 1, ue_ip_addresses=rules.ue(ue), qfis=(5,)),
            rules.from_tunnel(
                2, rules.choose_fteid(5), 2, ue_ip_addresses=rules.ue(ue), qfis=(6, 7)
            ),
        ),
        (rules.to_core(1), ies.CreateFAR(far_id=2, apply_action=rules.DROP)),
    )
    fteid = rules.created(answer, 1).local_fteid
    for qfi, is_wanted in ((5, True), (6, False), (7, False), (8, False)):
        mark = b"qfi %d" % qfi
        packet = datagram(ue, SERVER_ADDRESS, mark)
        stage.gnb.send_packet(packet, UPF_N3_ADDRESS, fteid.teid, qfi)
        assert (stage.dn.receive(mark, 2.0 if is_wanted else SILENCE_S) is not None) == is_wanted


def test_several_rates_hold_one_flow_and_a_shared_one_holds_two(stage, session):
    ue, teid = stage.ue_ipv4(), stage.number()
    address = rules.ue(ue, is_destination=True)
    flow = rules.flow("permit out 17 from any to assigned 5000")
    session(
        (
            rules.from_core(1, 1, address, precedence=10, qers=(1, 9), sdf_filters=flow),
            rules.from_core(2, 1, address, qers=(9,)),
        ),
        (rules.to_tunnel(1, teid, GNB_ADDRESS),),
        create_qers=(
            rules.qer(1, mbr=ies.MBR(uplink_kbps=0, downlink_kbps=80)),
            rules.qer(9, mbr=ies.MBR(uplink_kbps=0, downlink_kbps=800_000)),
        ),
    )
    before = stage.drops("flow_rate")
    for _ in range(60):
        stage.dn.send(datagram(SERVER_ADDRESS, ue, b"x" * 1200))
    assert stage.drops("flow_rate") > before

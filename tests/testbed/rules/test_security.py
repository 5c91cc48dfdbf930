"""Who may not: another SMF, a UE, a gNB that guesses, whoever sends too much."""

from __future__ import annotations

import time
from ipaddress import IPv4Address

import pytest

from pfcp import ies, messages
from testbed import gtpu, rules
from testbed.n4_peer import N4Peer
from testbed.topologies import SERVER_ADDRESS
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS, UPF_N4_ADDRESS, UPF_N6_ADDRESS
from testbed.wire import SILENCE_S, datagram

pytestmark = pytest.mark.root

FOREIGN = IPv4Address("10.100.4.9")


@pytest.fixture
def foreign(stage):
    """Another SMF, with an association of its own."""
    with N4Peer(stage.lab.namespace("core"), FOREIGN, UPF_N4_ADDRESS) as peer:
        peer.associate()
        yield peer
        peer.ask(messages.AssociationReleaseRequest(node_id=peer.node_id))


def works(stage, fteid, ue):
    stage.gnb.send_packet(datagram(ue, SERVER_ADDRESS, b"works"), UPF_N3_ADDRESS, fteid.teid, 9)
    return stage.dn.receive(b"works", SILENCE_S) is not None


def test_a_session_is_its_smfs_alone(stage, simple, foreign):
    ue = stage.ue_ipv4()
    answer, fteid, _ = simple(ue)
    seid = answer.up_fseid.seid
    far = ies.UpdateFAR(far_id=1, apply_action=rules.DROP)
    assert foreign.modify(seid, update_fars=(far,)).cause == 65
    assert foreign.delete(seid).cause == 65
    assert works(stage, fteid, ue)


def test_an_smf_is_believed_of_itself_alone(stage, simple, foreign):
    ue = stage.ue_ipv4()
    _, fteid, _ = simple(ue)
    mine = stage.smf.node_id
    assert foreign.ask(messages.AssociationReleaseRequest(node_id=mine)).cause == 72
    assert foreign.ask(messages.AssociationUpdateRequest(node_id=mine)).cause == 72
    again = messages.AssociationSetupRequest(
        node_id=mine, recovery_time_stamp=stage.smf.recovery_time_stamp + 1
    )
    assert foreign.ask(again).cause == 64
    sets = messages.SessionSetDeletionRequest(
        node_id=mine, fq_csids=(ies.FQCSID(node_address=stage.smf.address, csids=(1,)),)
    )
    assert foreign.ask(sets).cause == 72
    assert works(stage, fteid, ue)


def test_whoever_has_no_association_gets_nothing(stage):
    with N4Peer(stage.lab.namespace("core"), FOREIGN, UPF_N4_ADDRESS) as stranger:
        pdrs = (rules.from_core(1, 1, rules.ue(stage.ue_ipv4())),)
        assert stranger.establish(pdrs, (rules.to_tunnel(1, 1, GNB_ADDRESS),)).cause == 72
        assert stranger.ask(messages.PFDManagementRequest()).cause == 72


@pytest.mark.parametrize("own", [UPF_N4_ADDRESS, UPF_N3_ADDRESS, UPF_N6_ADDRESS], ids=str)
def test_nothing_of_this_host_can_be_reached_by_a_ue(stage, simple, own):
    ue = stage.ue_ipv4()
    _, fteid, _ = simple(ue)
    before = stage.drops("no_next_hop")
    stage.gnb.send_packet(datagram(ue, own, b"to you"), UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.dn.receive(b"to you", SILENCE_S) is None
    assert stage.drops("no_next_hop") == before + 1


def test_tunnels_are_not_guessed_and_who_tries_is_told_and_counted(stage, simple):
    ue = stage.ue_ipv4()
    _, fteid, _ = simple(ue)
    for guess in range(1, 20):
        teid = (fteid.teid + guess) & 0xFFFFFFFF
        stage.gnb.send_packet(datagram(ue, SERVER_ADDRESS, b"guess"), UPF_N3_ADDRESS, teid, 9)
    assert stage.dn.receive(b"guess", SILENCE_S) is None
    kinds = {stage.gnb.receive().message.message_type for _ in range(19)}
    assert kinds == {gtpu.ERROR_INDICATION}
    assert stage.punted("error_indication") >= 19


def test_a_storm_of_unknown_tunnels_is_held_down_and_others_are_served(stage, simple):
    ue = stage.ue_ipv4()
    _, fteid, _ = simple(ue)
    before = stage.drops("punt_rate")
    packet = bytes(datagram(ue, SERVER_ADDRESS, b"storm"))
    for n in range(3000):
        stage.gnb2.send_packet(packet, UPF_N3_ADDRESS, 0x1000 + n, 9)
    assert works(stage, fteid, ue)
    assert stage.drops("punt_rate") > before
    stage.gnb2.drain()


def test_reports_of_a_storm_of_error_indications_are_one(stage, simple):
    _, _, teid = simple(stage.ue_ipv4())
    for _ in range(500):
        stage.gnb.send(gtpu.error_indication(teid, GNB_ADDRESS.packed), UPF_N3_ADDRESS)
    stage.smf.told(messages.SessionReportRequest)
    time.sleep(SILENCE_S)
    reports = [e for e in stage.smf.asked if isinstance(e, messages.SessionReportRequest)]
    assert reports == []


def test_a_set_of_sessions_ends_together_and_others_stay(stage, simple):
    ues = [stage.ue_ipv4(), stage.ue_ipv4()]
    sets = [
        ies.FQCSID(node_address=stage.smf.address, csids=(each,), node_type=2) for each in (7, 8)
    ]
    fteids = [simple(ue, fq_csids=(one,))[1] for ue, one in zip(ues, sets, strict=True)]
    request = messages.SessionSetDeletionRequest(node_id=stage.smf.node_id, fq_csids=(sets[0],))
    assert stage.smf.ask(request).cause == 1
    assert not works(stage, fteids[0], ues[0])
    assert works(stage, fteids[1], ues[1])

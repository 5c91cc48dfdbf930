"""Tunnel endpoints: chosen here, given by the SMF, restored, refused."""

from __future__ import annotations

import pytest

from pfcp import ies
from testbed import rules
from testbed.topologies import SERVER_ADDRESS, UPF_N3_IPV6, UPF_N9_ADDRESS
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS
from testbed.wire import SILENCE_S, datagram

pytestmark = pytest.mark.root


def uplinks(session, *fteids, instance=None):
    """A session of uplink PDRs with these F-TEIDs, and what was chosen, by PDR."""
    pdrs = [
        rules.from_tunnel(number, each, 1, network_instance=rules.name(instance))
        for number, each in enumerate(fteids, start=1)
    ]
    return session(pdrs, (rules.to_core(1),))


def chosen(answer):
    return {each.pdr_id: each.local_fteid for each in answer.created_pdrs}


def arrives(stage, teid, mark, ue=None):
    packet = datagram(ue or stage.ue_ipv4(), SERVER_ADDRESS, mark)
    stage.gnb.send_packet(packet, UPF_N3_ADDRESS, teid, 9)
    return stage.dn.receive(mark, SILENCE_S) is not None


@pytest.mark.parametrize(("v4", "v6"), [(True, True), (True, False), (False, True), (False, False)])
def test_flags_of_both_one_or_no_family_get_what_is_there(stage, session, v4, v6):
    fteid = chosen(uplinks(session, rules.choose_fteid(v4=v4, v6=v6)))[1]
    assert (fteid.ipv4, fteid.ipv6) == (UPF_N3_ADDRESS, UPF_N3_IPV6)
    assert fteid.teid > 0
    assert arrives(stage, fteid.teid, b"family")


def test_a_family_that_is_not_there_is_refused(stage):
    pdr = rules.from_tunnel(
        1,
        rules.choose_fteid(v4=False, v6=True),
        1,
        source=rules.CORE,
        network_instance=rules.name("n9"),
    )
    refused = stage.smf.establish((pdr,), (rules.to_tunnel(1, 1, GNB_ADDRESS),))
    assert (refused.cause, refused.offending_ie, refused.failed_rule_id.rule_id) == (71, 21, 1)


def test_one_choose_id_is_one_tunnel_now_and_in_later_requests(stage, session):
    answer = uplinks(session, rules.choose_fteid(5), rules.choose_fteid(5), rules.choose_fteid(6))
    first = chosen(answer)
    assert first[1] == first[2] != first[3]
    later = rules.from_tunnel(4, rules.choose_fteid(5), 1, precedence=9)
    modified = stage.smf.modify(answer.up_fseid.seid, create_pdrs=(later,))
    assert chosen(modified)[4] == first[1]


def test_without_choose_id_there_is_one_tunnel_for_each_source_interface(session):
    first = chosen(uplinks(session, rules.choose_fteid(), rules.choose_fteid()))
    second = chosen(uplinks(session, rules.choose_fteid()))
    assert first[1] == first[2] != second[1]


def test_teids_cannot_be_foreseen(session):
    teids = [chosen(uplinks(session, rules.choose_fteid()))[1].teid for _ in range(8)]
    gaps = {abs(one - other) for one in teids for other in teids if one != other}
    assert min(gaps) > 1000


def test_a_tunnel_that_the_smf_chose_is_taken_and_not_told_again(stage, session):
    teid = 0x7000_0000 | stage.number()
    answer = uplinks(session, ies.FTEID(teid=teid, ipv4=UPF_N3_ADDRESS))
    assert answer.created_pdrs == ()
    assert arrives(stage, teid, b"explicit")
    refused = stage.smf.establish(
        (rules.from_tunnel(3, ies.FTEID(teid=teid, ipv4=UPF_N3_ADDRESS), 1),), (rules.to_core(1),)
    )
    assert (refused.cause, refused.offending_ie, refused.failed_rule_id.rule_id) == (73, 21, 3)
    assert arrives(stage, teid, b"explicit too")


def test_a_tunnel_at_an_address_of_somebody_else_is_refused(stage):
    fteid = ies.FTEID(teid=9, ipv4=GNB_ADDRESS)
    refused = stage.smf.establish((rules.from_tunnel(1, fteid, 1),), (rules.to_core(1),))
    assert (refused.cause, refused.offending_ie) == (73, 21)


def test_n9_tunnels_have_an_address_of_that_network(session):
    pdr = rules.from_tunnel(
        1, rules.choose_fteid(), 1, source=rules.CORE, network_instance=rules.name("n9")
    )
    answer = session((pdr,), (rules.to_tunnel(1, 1, GNB_ADDRESS),))
    assert chosen(answer)[1].ipv4 == UPF_N9_ADDRESS


def test_a_restored_session_has_its_seid_and_its_tunnel_again(stage, session):
    answer = uplinks(session, rules.choose_fteid())
    seid, fteid = answer.up_fseid.seid, chosen(answer)[1]
    assert stage.smf.delete(seid).cause == 1
    assert not arrives(stage, fteid.teid, b"gone")
    again = session(
        (rules.from_tunnel(1, fteid, 1),),
        (rules.to_core(1),),
        seid=seid,
        pfcpsereq_flags=ies.PFCPSEReqFlags(resti=True),
    )
    assert (again.up_fseid.seid, again.created_pdrs) == (seid, ())
    assert arrives(stage, fteid.teid, b"restored")


def test_a_tunnel_of_a_deleted_session_is_nobodys(stage, session):
    answer = uplinks(session, rules.choose_fteid())
    teid = chosen(answer)[1].teid
    stage.smf.delete(answer.up_fseid.seid)
    assert not arrives(stage, teid, b"nobody")

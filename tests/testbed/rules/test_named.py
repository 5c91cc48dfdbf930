"""Rules that name what is known elsewhere: applications, predefined rules, forwarding policies."""

from __future__ import annotations

import pytest

from pfcp import ies, messages
from testbed import rules
from testbed.topologies import SERVER_ADDRESS
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS
from testbed.wire import SILENCE_S, datagram

pytestmark = pytest.mark.root

VIDEO_SERVER = SERVER_ADDRESS + 50
FLOW = f"permit out 17 from {VIDEO_SERVER} to assigned"


def pfds(application, *flows, **contents):
    """A PFD management request of one application."""
    context = ies.PFDContext(
        pfd_contents=tuple(ies.PFDContents(flow_description=flow, **contents) for flow in flows)
    )
    named = ies.ApplicationIDsPFDs(
        application_id=application, pfd_contexts=(context,) * bool(flows)
    )
    return messages.PFDManagementRequest(application_ids_pfds=(named,))


@pytest.fixture
def video(stage):
    """An application that the SMF describes."""
    assert stage.smf.ask(pfds(b"video", FLOW)).cause == 1
    yield b"video"
    assert stage.smf.ask(messages.PFDManagementRequest()).cause == 1


def dropping(stage, session, **pdi):
    """A session whose downlink is forwarded but for what a PDR before it drops."""
    ue, teid = stage.ue_ipv4(), stage.number()
    address = rules.ue(ue, is_destination=True)
    answer = session(
        (
            rules.from_core(1, 1, address),
            rules.from_core(2, 2, address, precedence=10, **pdi),
        ),
        (rules.to_tunnel(1, teid, GNB_ADDRESS), ies.CreateFAR(far_id=2, apply_action=rules.DROP)),
    )
    return ue, answer.up_fseid.seid


def arrives(stage, ue, src):
    stage.dn.send(datagram(src, ue, b"flow"))
    return stage.gnb.receive(SILENCE_S) is not None


def test_an_application_is_what_its_pfds_say_now(stage, session, video):
    ue, _ = dropping(stage, session, application_id=video)
    assert arrives(stage, ue, SERVER_ADDRESS)
    assert not arrives(stage, ue, VIDEO_SERVER)
    moved = FLOW.replace(str(VIDEO_SERVER), str(SERVER_ADDRESS))
    assert stage.smf.ask(pfds(video, moved)).cause == 1
    assert not arrives(stage, ue, SERVER_ADDRESS)
    assert arrives(stage, ue, VIDEO_SERVER)
    assert stage.smf.ask(pfds(video)).cause == 1
    assert arrives(stage, ue, SERVER_ADDRESS)


def test_pfds_that_packets_do_not_show_are_refused_and_the_old_stay(stage, session, video):
    ue, _ = dropping(stage, session, application_id=video)
    refused = stage.smf.ask(pfds(video, FLOW, url="example.com"))
    assert (refused.cause, refused.offending_ie) == (76, 61)
    assert not arrives(stage, ue, VIDEO_SERVER)


def test_an_application_of_the_operator_is_known_without_pfds(stage, session):
    ue, _ = dropping(stage, session, application_id=b"configured")
    assert not arrives(stage, ue, VIDEO_SERVER)
    assert arrives(stage, ue, SERVER_ADDRESS)


def test_an_application_nobody_described_is_refused_by_its_cause(stage):
    refused = stage.smf.establish(
        (rules.from_core(1, 1, rules.ue(stage.ue_ipv4()), application_id=b"nothing"),),
        (rules.to_tunnel(1, 1, GNB_ADDRESS),),
    )
    assert (refused.cause, refused.offending_ie, refused.failed_rule_id.rule_id) == (81, 24, 1)


def test_a_predefined_rule_is_activated_and_deactivated_by_its_name(stage, session):
    ue, teid = stage.ue_ipv4(), stage.number()
    address = rules.ue(ue, is_destination=True)
    blocked = ies.CreatePDR(
        pdr_id=2,
        precedence=10,
        pdi=rules.from_core(2, 2, address).pdi,
        activate_predefined_rules=(b"no-video",),
    )
    answer = session(
        (rules.from_core(1, 1, address), blocked), (rules.to_tunnel(1, teid, GNB_ADDRESS),)
    )
    assert not arrives(stage, ue, VIDEO_SERVER)
    assert arrives(stage, ue, SERVER_ADDRESS)
    update = ies.UpdatePDR(
        pdr_id=2,
        far_id=1,
        deactivate_predefined_rules=(b"no-video",),
        activate_predefined_rules=(b"marked-video",),
    )
    assert stage.smf.modify(answer.up_fseid.seid, update_pdrs=(update,)).cause == 1
    stage.dn.send(datagram(VIDEO_SERVER, ue, b"flow"))
    got = stage.gnb.receive()
    assert (got.message.teid, got.message.qfi) == (teid, 33)
    stage.dn.send(datagram(SERVER_ADDRESS, ue, b"flow"))
    assert stage.gnb.receive().message.qfi is None


def test_a_predefined_rule_there_is_not_is_refused_by_its_cause(stage):
    pdr = {"activate_predefined_rules": (b"nothing",)}
    refused = stage.smf.establish(
        (rules.from_core(1, 1, rules.ue(stage.ue_ipv4()), pdr=pdr),),
        (rules.to_tunnel(1, 1, GNB_ADDRESS),),
    )
    assert (refused.cause, refused.offending_ie, refused.failed_rule_id.rule_id) == (80, 106, 1)


def test_a_forwarding_policy_leads_to_its_next_hop_whatever_the_routes_say(stage, simple):
    ue = stage.ue_ipv4()
    answer, fteid, _ = simple(ue)
    stage.gnb.send_packet(datagram(ue, SERVER_ADDRESS, b"by route"), UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.dn.receive(b"by route") is not None
    parameters = ies.UpdateForwardingParameters(
        forwarding_policy=ies.ForwardingPolicy(identifier=b"firewall")
    )
    update = ies.UpdateFAR(far_id=1, update_forwarding_parameters=parameters)
    assert stage.smf.modify(answer.up_fseid.seid, update_fars=(update,)).cause == 1
    stage.gnb.send_packet(datagram(ue, SERVER_ADDRESS, b"by policy"), UPF_N3_ADDRESS, fteid.teid, 9)
    assert stage.branch.receive(b"by policy") is not None
    assert stage.dn.receive(b"by policy", SILENCE_S) is None


def test_a_forwarding_policy_there_is_not_is_refused_by_its_cause(stage):
    far = rules.to_core(1, forwarding_policy=ies.ForwardingPolicy(identifier=b"nothing"))
    refused = stage.smf.establish((rules.from_tunnel(1, rules.choose_fteid(), 1),), (far,))
    assert (refused.cause, refused.offending_ie, refused.failed_rule_id.rule_id) == (70, 41, 1)
    assert refused.failed_rule_id.rule_id_type == 1

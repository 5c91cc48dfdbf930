"""Entries filled in from a blueprint are those the compiler makes."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pfcp import enums, messages
from testbed.load.templates import Numbers, Requests, Shape
from upf import blueprint
from upf.blueprint import Blueprints, Drafted
from upf.compiler import Context, compile_session, survey
from upf.errors import UPFError
from upf.limits import VolumeLimit
from upf.networks import Endpoint, NetworkInstance, Networks, Role
from upf.quotas import Bound, Part
from upf.rules import (
    FAR,
    PDI,
    PDR,
    QER,
    URR,
    ApplyAction,
    ForwardingParameters,
    Interface,
    LocalFTEID,
    OuterHeaderCreation,
)
from upf.sdf import parse_flow_description
from upf.session import Change, Session

N3, N9, GNB = (IPv4Address(text) for text in ("10.100.3.1", "10.100.9.1", "10.100.3.2"))
NETWORKS = Networks(
    (
        NetworkInstance(1, Role.ACCESS, None, (Endpoint(1, N3), Endpoint(2, N9))),
        NetworkInstance(2, Role.CORE, "internet"),
        NetworkInstance(3, Role.CORE, "n9", (Endpoint(2, N9),)),
    )
)
NUM_SESSION_METERS = 1000
QERS = (
    QER(qer_id=1, qfi=9),
    QER(qer_id=2, mbr_uplink_kbps=1000, mbr_downlink_kbps=2000),
    QER(qer_id=3, is_uplink_open=False),
    QER(qer_id=4, mbr_downlink_kbps=64, gbr_downlink_kbps=32, ppi=3),
)
URRS = (URR(urr_id=1), URR(urr_id=2, volume_quota=VolumeLimit(1000)))
FILTERS = (
    parse_flow_description("permit out ip from any to assigned"),
    parse_flow_description("permit out 58 from ff02::2/128 to assigned"),
    parse_flow_description("permit out udp from 10.0.0.0/8 53 to assigned"),
)
# Few numbers, so that some are equal, with those among them that also stand for something else.
NUMBERS = st.sampled_from([1, 2, 3, 7, 255, 256, 999, 1000, 1 << 20])
TEIDS = st.sampled_from([1, 2, 255, 256, 0x01020304, 0xFFFFFFFF])
ADDRESSES = st.sampled_from([IPv4Address(n) for n in (1, 2, 0x0A2D0002, 0xFFFFFFFE)])
PREFIXES = st.sampled_from(
    [IPv6Network((n << 64, 64)) for n in (0x20010DB800000001, 0x20010DB800450002)]
)


def fteids():
    return st.builds(LocalFTEID, st.sampled_from([1, 2]), TEIDS, st.just(N3))


def pdrs(pdr_id):
    uplink = st.builds(
        PDI,
        source_interface=st.sampled_from([Interface.ACCESS, Interface.CP_FUNCTION]),
        local_fteid=fteids(),
        ue_ipv4=st.none() | ADDRESSES,
        qfis=st.sampled_from([(), (9,)]),
        sdf_filters=st.lists(st.sampled_from(FILTERS), max_size=1).map(tuple),
    )
    downlink = st.builds(
        PDI,
        source_interface=st.just(Interface.CORE),
        network_instance=st.sampled_from(["internet", None]),
        ue_ipv4=st.none() | ADDRESSES,
        ue_ipv6=st.none() | PREFIXES,
        sdf_filters=st.lists(st.sampled_from(FILTERS), max_size=1).map(tuple),
    )
    rest = {
        "pdr_id": st.just(pdr_id),
        "precedence": st.sampled_from([1, 255]),
        "far_id": st.integers(1, 3),
        "qer_ids": st.lists(st.integers(1, 4), max_size=2, unique=True).map(tuple),
        "urr_ids": st.sampled_from([(), (), (1,), (1,), (2,)]),
        "usage_id": NUMBERS.map(lambda number: number * 8 + pdr_id),
    }
    return st.one_of(
        st.builds(PDR, pdi=uplink, has_outer_header_removal=st.sampled_from([True]), **rest),
        st.builds(PDR, pdi=downlink, **rest),
    )


def forwardings():
    creations = st.builds(OuterHeaderCreation, TEIDS, st.sampled_from([GNB, N9]))
    return st.one_of(
        st.just(
            ForwardingParameters(destination_interface=Interface.CORE, network_instance="internet")
        ),
        st.builds(
            ForwardingParameters,
            destination_interface=st.just(Interface.ACCESS),
            outer_header_creation=creations,
        ),
        st.builds(
            ForwardingParameters,
            destination_interface=st.just(Interface.CORE),
            network_instance=st.just("n9"),
            outer_header_creation=creations,
        ),
    )


def fars(far_id):
    actions = [ApplyAction.FORW, ApplyAction.FORW, ApplyAction.DROP, ApplyAction.BUFF]
    return st.builds(
        FAR,
        far_id=st.just(far_id),
        apply_action=st.sampled_from(actions),
        forwarding=st.none() | forwardings(),
    )


def made(pdrs, fars, slice_id=0):
    empty = Session(up_seid=1, cp_seid=2, cp_address=IPv4Address("192.0.2.1"), slice_id=slice_id)
    return empty.modified(Change(creates=(*fars, *QERS, *URRS, *pdrs)))


SESSIONS = st.builds(
    made,
    st.lists(st.integers(1, 4), min_size=1, max_size=4, unique=True).flatmap(
        lambda ids: st.tuples(*map(pdrs, ids))
    ),
    st.tuples(fars(1), fars(2), fars(3)),
    st.sampled_from([0, 7]),
)


def context_of(draft):
    return Context(
        {peer: 40 + n for n, peer in enumerate(sorted(draft.peers, key=str))},
        {rules: 50 + n for n, rules in enumerate(sorted(draft.rule_lists, key=str))},
        {name: 60 + n for n, name in enumerate(sorted(draft.names, key=str))},
    )


def outcome(draft_of, session):
    """Entries and all else, or the error."""
    try:
        draft = draft_of(session)
        return draft.peers, draft.rule_lists, draft.names, draft.compiled(context_of(draft))
    except UPFError as error:
        return str(error)


def other_numbers(session):
    """The same session with other numbers; which are equal stays."""
    pdrs = {
        pdr_id: replace(
            pdr,
            usage_id=pdr.usage_id ^ 0x100 if pdr.usage_id >= NUM_SESSION_METERS else pdr.usage_id,
            pdi=replace(
                pdr.pdi,
                ue_ipv4=pdr.pdi.ue_ipv4 and pdr.pdi.ue_ipv4 - 1,
                local_fteid=pdr.pdi.local_fteid
                and replace(pdr.pdi.local_fteid, teid=pdr.pdi.local_fteid.teid ^ 0x40),
            ),
        )
        for pdr_id, pdr in session.pdrs.items()
    }
    return replace(session, pdrs=pdrs)


@settings(max_examples=400, deadline=None)
@given(SESSIONS)
def test_a_blueprint_gives_what_the_compiler_gives(session):
    blueprints = Blueprints(NETWORKS, NUM_SESSION_METERS)
    for each in (session, session, session, other_numbers(session)):
        expected = outcome(lambda one: survey(one, NETWORKS, NUM_SESSION_METERS), each)
        assert outcome(blueprints.draft, each) == expected


def plain(number, *, qers=(2,), usage=10, filters=(), urrs=()):
    pdrs = (
        PDR(
            pdr_id=1,
            precedence=1,
            pdi=PDI(
                source_interface=Interface.ACCESS,
                local_fteid=LocalFTEID(1, number, N3),
                sdf_filters=filters,
            ),
            has_outer_header_removal=True,
            far_id=1,
            qer_ids=qers,
            urr_ids=urrs,
            usage_id=usage + 2 * number,
        ),
        PDR(
            pdr_id=2,
            precedence=1,
            pdi=PDI(source_interface=Interface.CORE, ue_ipv4=IPv4Address(0x0A2D0000 + number)),
            far_id=2,
            qer_ids=qers,
            usage_id=usage + 2 * number + 1,
        ),
    )
    to_core = ForwardingParameters(destination_interface=Interface.CORE)
    to_gnb = ForwardingParameters(
        destination_interface=Interface.ACCESS,
        outer_header_creation=OuterHeaderCreation(number, GNB),
    )
    fars = (
        FAR(far_id=1, apply_action=ApplyAction.FORW, forwarding=to_core),
        FAR(far_id=2, apply_action=ApplyAction.FORW, forwarding=to_gnb),
    )
    return made(pdrs, fars)


def test_the_third_session_of_a_shape_needs_no_compiler(monkeypatch):
    blueprints = Blueprints(NETWORKS, NUM_SESSION_METERS)
    for number in (1, 2):
        assert not isinstance(blueprints.draft(plain(number)), Drafted)
    monkeypatch.setattr(blueprint, "survey", None)
    draft = blueprints.draft(plain(3))
    assert isinstance(draft, Drafted)
    surveyed = survey(plain(3), NETWORKS, NUM_SESSION_METERS)
    assert draft.compiled(context_of(draft)) == compile_session(surveyed, context_of(surveyed))


@pytest.mark.parametrize(
    "other",
    [
        plain(5, qers=(2, 1)),
        plain(5, usage=NUM_SESSION_METERS),
        plain(5, filters=(FILTERS[2],)),
        plain(5, urrs=(2,)),
        replace(plain(5), slice_id=3),
        replace(plain(5), spent=frozenset({Bound(1, Part.TOTAL)})),
    ],
)
def test_another_shape_is_not_taken_for_a_known_one(other):
    blueprints = Blueprints(NETWORKS, NUM_SESSION_METERS)
    for number in (1, 2, 3):
        blueprints.draft(plain(number))
    expected = outcome(lambda one: survey(one, NETWORKS, NUM_SESSION_METERS), other)
    assert outcome(blueprints.draft, other) == expected


def test_a_field_the_blueprint_knows_nothing_of_makes_another_shape():
    names = {name for cls in blueprint._APART for name in blueprint._APART[cls]}
    assert "network_instance" not in names
    shapes = {
        blueprint.shape_of(each, NUM_SESSION_METERS)[0]
        for each in (plain(1), replace(plain(2), pdrs={}), plain(3))
    }
    assert len(shapes) == 2


def test_shapes_are_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(blueprint, "MOST_SHAPES", 4)
    blueprints = Blueprints(NETWORKS, NUM_SESSION_METERS)
    for slice_id in range(20):
        for number in range(3):
            blueprints.draft(replace(plain(1 + number), slice_id=slice_id))
    assert len(blueprints._known) <= 4
    assert len(blueprints._seen) <= 4


@pytest.mark.parametrize("shape", Shape)
async def test_sessions_of_an_smf_need_the_compiler_twice(bench, monkeypatch, shape):
    requests = Requests.of(shape, IPv4Address("10.100.4.1"), GNB, 4_000_000_000)
    surveyed = []
    real = blueprint.survey
    monkeypatch.setattr(
        blueprint, "survey", lambda *args: surveyed.append(args[0].cp_seid) or real(*args)
    )
    seids = []
    for number in range(1, 6):
        numbers = Numbers(number, 0x0A2D0000 + number, number, number)
        answer = await bench.ask(messages.decode(requests.establish.fill(0, number, numbers)))
        assert answer.cause == enums.Cause.REQUEST_ACCEPTED
        seids.append(answer.up_fseid.seid)
    # The second time with marks too.
    assert set(surveyed) == {1, 2}
    surveyed.clear()
    for number, seid in enumerate(seids, start=1):
        numbers = Numbers(number, 0, 0x1000 + number, 0)
        answer = await bench.ask(messages.decode(requests.modify.fill(seid, number, numbers)))
        assert answer.cause == enums.Cause.REQUEST_ACCEPTED
    assert set(surveyed) == {1, 2}
    tunnels = {params[5] for _, params in bench.target.table("sessions_by_ue_ipv4").values()}
    assert tunnels == {0x1000 + number for number in range(1, 6)}

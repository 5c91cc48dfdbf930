from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pfcp import events, ies, messages
from pfcp.admission import Admission, Rate
from pfcp.association import State
from pfcp.endpoint import Endpoint
from pfcp.enums import Cause
from pfcp.errors import InvalidLengthError, ProtocolStateError
from pfcp.load import LoadStatus
from pfcp.transactions import Inbound, Outbound, Timers

SMF = ("192.0.2.1", 8805)
UPF = ("192.0.2.2", 8805)
SMF_NODE = ies.NodeID(value=IPv4Address(SMF[0]))
UPF_NODE = ies.NodeID(value=IPv4Address(UPF[0]))
TIMERS = Timers(t1_s=3, n1=2, jitter=0.1, heartbeat_interval_s=60, answer_kept_s=30)


def endpoint(node_id=UPF_NODE, recovery_time_stamp=100, random=lambda: 0.0, **more):
    return Endpoint(
        node_id=node_id,
        recovery_time_stamp=recovery_time_stamp,
        random=random,
        timers=TIMERS,
        **more,
    )


def setup(sequence_number=1, recovery_time_stamp=50):
    return messages.AssociationSetupRequest(
        sequence_number=sequence_number,
        node_id=SMF_NODE,
        recovery_time_stamp=recovery_time_stamp,
    )


def accept_setup(**more):
    return messages.AssociationSetupResponse(
        **{
            "node_id": UPF_NODE,
            "cause": Cause.REQUEST_ACCEPTED,
            "recovery_time_stamp": 100,
            **more,
        }
    )


def deletion(sequence_number=5, seid=9):
    return messages.SessionDeletionRequest(sequence_number=sequence_number, seid=seid)


def deleted():
    return messages.SessionDeletionResponse(seid=77, cause=Cause.REQUEST_ACCEPTED)


def associated(now=0.0, **more):
    upf = endpoint(**more)
    upf.receive_datagram(setup().encode(), SMF, now)
    upf.respond(upf.next_event(), accept_setup(), now)
    upf.datagrams_to_send()
    return upf


def sent(entity):
    return [(messages.decode(octets), peer) for octets, peer in entity.datagrams_to_send()]


def only_sent(entity):
    ((message, _),) = sent(entity)
    return message


# Requests of peers


def test_a_request_becomes_an_event_and_its_answer_carries_its_number():
    upf = endpoint()
    upf.receive_datagram(deletion(0x010203).encode(), SMF, 0)
    event = upf.next_event()
    assert isinstance(event, events.RequestReceived)
    assert (event.peer, event.request) == (SMF, deletion(0x010203))
    assert upf.datagrams_to_send() == []
    upf.respond(event, deleted(), 0)
    assert sent(upf) == [(replace(deleted(), sequence_number=0x010203), SMF)]


def test_a_duplicate_is_answered_alike_and_not_told_again():
    upf = endpoint()
    upf.receive_datagram(deletion().encode(), SMF, 0)
    upf.respond(upf.next_event(), deleted(), 0)
    first = upf.datagrams_to_send()
    upf.receive_datagram(deletion().encode(), SMF, 1)
    assert upf.next_event() is None
    assert upf.datagrams_to_send() == first
    assert upf.counters["duplicate_requests"] == 1


def test_an_answer_prepared_to_be_kept_is_the_one_that_is_sent():
    upf = endpoint()
    upf.receive_datagram(deletion().encode(), SMF, 0)
    event = upf.next_event()
    octets = upf.prepare(event, deleted(), 0)
    assert upf.datagrams_to_send() == []
    upf.respond(event, deleted(), 1)
    assert upf.datagrams_to_send() == [(octets, SMF)]


def test_a_request_answered_in_an_earlier_run_is_answered_alike():
    before, upf = endpoint(), endpoint()
    for entity in (before, upf):
        entity.receive_datagram(deletion().encode(), SMF, 0)
    kept = before.prepare(before.next_event(), deleted(), 0)
    upf.respond_again(upf.next_event(), kept)
    upf.receive_datagram(deletion().encode(), SMF, 1)
    assert upf.next_event() is None
    assert upf.datagrams_to_send() == [(kept, SMF), (kept, SMF)]
    assert upf.counters["duplicate_requests"] == 2


def test_a_duplicate_of_a_request_being_worked_on_is_dropped():
    upf = endpoint()
    for now in (0, 1, 2):
        upf.receive_datagram(deletion().encode(), SMF, now)
    event, *more = upf.events()
    assert more == []
    assert upf.datagrams_to_send() == []
    upf.respond(event, deleted(), 3)
    assert len(upf.datagrams_to_send()) == 1


@pytest.mark.parametrize(
    ("peer", "request_sent"),
    [
        (("192.0.2.1", 40000), deletion()),
        (("192.0.2.7", 8805), deletion()),
        (SMF, deletion(sequence_number=6)),
        (SMF, deletion(seid=10)),
        (SMF, messages.SessionModificationRequest(sequence_number=5, seid=9)),
    ],
    ids=["port", "address", "number", "octets", "type"],
)
def test_a_request_that_differs_in_anything_is_another_one(peer, request_sent):
    upf = endpoint()
    upf.receive_datagram(deletion().encode(), SMF, 0)
    upf.receive_datagram(request_sent.encode(), peer, 0)
    assert len(list(upf.events())) == 2


def test_the_late_answer_to_a_replaced_request_is_not_kept_for_its_successor():
    upf = endpoint()
    upf.receive_datagram(deletion(seid=9).encode(), SMF, 0)
    upf.receive_datagram(deletion(seid=10).encode(), SMF, 0)
    older, _ = upf.events()
    upf.respond(older, deleted(), 0)
    upf.datagrams_to_send()
    upf.receive_datagram(deletion(seid=10).encode(), SMF, 1)
    assert upf.datagrams_to_send() == []


def test_answers_are_forgotten_after_their_time():
    upf = endpoint()
    upf.receive_datagram(deletion().encode(), SMF, 0)
    upf.respond(upf.next_event(), deleted(), 0)
    upf.receive_datagram(deletion().encode(), SMF, 31)
    assert isinstance(upf.next_event(), events.RequestReceived)


def test_the_answers_kept_are_bounded():
    inbound = Inbound(TIMERS, capacity=3)
    for number in range(10):
        inbound.admit((*SMF, number, 54), b"octets", 0)
    assert len(inbound) == 3


def test_a_request_is_answered_once():
    upf = endpoint()
    upf.receive_datagram(deletion().encode(), SMF, 0)
    event = upf.next_event()
    upf.respond(event, deleted(), 0)
    with pytest.raises(ProtocolStateError, match="answered before"):
        upf.respond(event, deleted(), 0)


def test_bundled_messages_are_all_taken():
    one, two = deletion(1).encode(), deletion(2).encode()
    upf = endpoint()
    upf.receive_datagram(bytes([one[0] | 0x04]) + one[1:] + two, SMF, 0)
    assert [event.request for event in upf.events()] == [deletion(1), deletion(2)]


# What cannot be read


def test_a_malformed_request_is_refused_with_cause_and_offending_ie():
    upf = endpoint(cp_seid_of={9: 77}.get)
    cut = bytes.fromhex("21340017 0000000000000009 000005 00 0010 0007 006c 0003 010203")
    upf.receive_datagram(cut, SMF, 0)
    assert upf.next_event() is None
    assert only_sent(upf) == messages.SessionModificationResponse(
        sequence_number=5, seid=77, cause=Cause.INVALID_LENGTH, offending_ie=108
    )
    assert upf.counters["malformed_requests"] == 1


def test_a_missing_ie_is_named_in_the_refusal():
    upf = endpoint()
    upf.receive_datagram(bytes.fromhex("21320010 0000000000000000 000007 00 00000000"), SMF, 0)
    refused = only_sent(upf)
    assert refused == messages.SessionEstablishmentResponse(
        sequence_number=7,
        node_id=UPF_NODE,
        cause=Cause.MANDATORY_IE_MISSING,
        offending_ie=60,
    )


def test_a_setup_that_cannot_be_read_is_refused_with_everything_its_answer_must_hold():
    upf = endpoint()
    upf.receive_datagram(bytes.fromhex("20050004 000007 00"), SMF, 0)
    assert only_sent(upf) == accept_setup(sequence_number=7, cause=Cause.MANDATORY_IE_MISSING)


def test_a_request_longer_than_its_datagram_is_refused_for_its_length():
    upf = endpoint()
    upf.receive_datagram(bytes.fromhex("21340020 0000000000000009 000007 00"), SMF, 0)
    refused = only_sent(upf)
    assert (refused.cause, refused.offending_ie) == (Cause.INVALID_LENGTH, None)


@pytest.mark.parametrize(
    ("octets", "counter"),
    [
        (b"", "malformed_header"),
        (b"\x20\x01\x00", "malformed_header"),
        (bytes.fromhex("20630004 00000100"), "unknown_message_type"),
        (bytes.fromhex("20010004 00000100"), "malformed_requests"),
        (bytes.fromhex("2035000d 00000100 0013000101"), "unexpected_responses"),
        (bytes.fromhex("200b0004 00000100"), "unexpected_responses"),
    ],
    ids=["empty", "short", "unknown type", "heartbeat without stamp", "response", "version answer"],
)
def test_what_deserves_silence_is_only_counted(octets, counter):
    upf = endpoint()
    upf.receive_datagram(octets, SMF, 0)
    assert upf.datagrams_to_send() == []
    assert upf.next_event() is None
    assert upf.counters[counter] == 1


def test_another_version_is_answered_with_ours():
    upf = endpoint()
    upf.receive_datagram(bytes.fromhex("40010004 01020300"), SMF, 0)
    assert upf.datagrams_to_send() == [(bytes.fromhex("200b0004 01020300"), SMF)]
    upf.receive_datagram(bytes.fromhex("4132000c 0000000000000000 01020300"), SMF, 0)
    assert upf.datagrams_to_send() == [(bytes.fromhex("200b0004 01020300"), SMF)]


def test_two_endpoints_of_different_versions_do_not_answer_each_other_for_ever():
    upf = endpoint()
    upf.receive_datagram(bytes.fromhex("400b0004 01020300"), SMF, 0)
    assert upf.datagrams_to_send() == []


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 255))
def test_no_octets_upset_an_endpoint(octets, message_type):
    upf = associated()
    handle = upf.send_request(SMF, messages.SessionReportRequest(report_type=ies.ReportType()), 0)
    framed = bytes([0x20, message_type]) + (len(octets) + 4).to_bytes(2, "big") + b"\0\0\1\0"
    for candidate in (octets, framed + octets):
        upf.receive_datagram(candidate, SMF, 1)
    for event in upf.events():
        assert getattr(event, "handle", handle) == handle


# Requests of ours


def report():
    return messages.SessionReportRequest(seid=77, report_type=ies.ReportType(dldr=True))


def test_a_request_is_sent_again_until_n1_and_then_given_up():
    upf = endpoint()
    handle = upf.send_request(SMF, report(), 0)
    copies = upf.datagrams_to_send()
    times = []
    while (when := upf.next_timer()) is not None:
        times.append(when)
        upf.advance(when)
        copies += upf.datagrams_to_send()
    assert times == [3, 6, 9]
    assert len(copies) == 3
    assert len(set(copies)) == 1
    event = upf.next_event()
    assert isinstance(event, events.RequestTimedOut)
    assert (event.peer, event.handle, event.request) == (SMF, handle, report())
    assert upf.next_event() is None


def test_retransmissions_are_spread_by_jitter():
    upf = endpoint(random=lambda: 0.5)
    upf.send_request(SMF, report(), 0)
    assert upf.next_timer() == pytest.approx(3.15)


def test_an_answer_ends_its_request_from_whatever_port_it_comes():
    upf = endpoint()
    handle = upf.send_request(SMF, report(), 0)
    request = only_sent(upf)
    answer = messages.SessionReportResponse(
        sequence_number=request.sequence_number, seid=9, cause=Cause.REQUEST_ACCEPTED
    )
    upf.receive_datagram(answer.encode(), (SMF[0], 40000), 1)
    event = upf.next_event()
    assert isinstance(event, events.ResponseReceived)
    assert (event.handle, event.request, event.response) == (handle, report(), answer)
    assert upf.next_timer() is None
    upf.receive_datagram(answer.encode(), SMF, 2)
    assert upf.next_event() is None
    assert upf.counters["unexpected_responses"] == 1


@pytest.mark.parametrize(
    ("peer", "change"),
    [(("192.0.2.9", 8805), {}), (SMF, {"sequence_number": 99})],
    ids=["another host", "another number"],
)
def test_an_answer_that_belongs_to_nothing_is_dropped(peer, change):
    upf = endpoint()
    upf.send_request(SMF, report(), 0)
    request = only_sent(upf)
    answer = messages.SessionReportResponse(
        **{"sequence_number": request.sequence_number, **change}, cause=Cause.REQUEST_ACCEPTED
    )
    upf.receive_datagram(answer.encode(), peer, 1)
    assert upf.next_event() is None
    assert upf.next_timer() == 3


def test_an_answer_of_another_type_is_dropped():
    upf = endpoint()
    upf.send_request(SMF, report(), 0)
    request = only_sent(upf)
    other = replace(deleted(), sequence_number=request.sequence_number)
    upf.receive_datagram(other.encode(), SMF, 1)
    assert upf.next_event() is None
    assert upf.next_timer() == 3


def test_an_answer_that_cannot_be_read_ends_its_request_and_is_told():
    upf = endpoint()
    handle = upf.send_request(SMF, report(), 0)
    number = only_sent(upf).sequence_number
    upf.receive_datagram(b"\x20\x39\x00\x08" + number.to_bytes(3, "big") + b"\0\0\x13\0\0", SMF, 1)
    event = upf.next_event()
    assert isinstance(event, events.ResponseMalformed)
    assert event.handle == handle
    assert isinstance(event.error, InvalidLengthError)
    assert upf.next_timer() is None


def test_requests_under_way_have_numbers_of_their_own():
    upf = endpoint()
    for _ in range(5):
        upf.send_request(SMF, report(), 0)
    numbers = [message.sequence_number for message, _ in sent(upf)]
    assert len(set(numbers)) == 5


def test_sequence_numbers_begin_again_after_24_bits_past_those_in_use():
    outbound = Outbound(TIMERS, lambda: 0.0)
    for _ in range(2):
        outbound.start(SMF, report(), 57, b"", outbound.next_sequence_number(SMF), 0)
    outbound._sequence_number = 2**24 - 2
    numbers = [outbound.next_sequence_number(SMF) for _ in range(3)]
    assert numbers == [2**24 - 1, 0, 3]


def test_a_new_life_begins_its_numbers_somewhere_else():
    upf = endpoint(random=lambda: 0.5)
    upf.send_request(SMF, report(), 0)
    assert only_sent(upf).sequence_number == 2**23 + 1


def test_only_a_request_can_be_sent_as_one():
    with pytest.raises(TypeError, match="not a request"):
        endpoint().send_request(SMF, deleted(), 0)


def test_a_setup_answer_with_a_number_of_its_own_is_understood():
    upf = endpoint()
    upf.send_request(SMF, report(), 0)
    upf.send_request(
        SMF, messages.AssociationSetupRequest(node_id=UPF_NODE, recovery_time_stamp=100), 0
    )
    answer = accept_setup(node_id=SMF_NODE, sequence_number=1, recovery_time_stamp=50)
    upf.receive_datagram(answer.encode(), SMF, 1)
    event = upf.next_event()
    assert isinstance(event, events.ResponseReceived)
    assert event.response == answer
    assert upf.associations.of_node(SMF_NODE).recovery_time_stamp == 50


@pytest.mark.parametrize("number", [2, 77])
def test_a_setup_answer_with_any_other_number_belongs_to_nothing(number):
    upf = endpoint()
    upf.send_request(
        SMF, messages.AssociationSetupRequest(node_id=UPF_NODE, recovery_time_stamp=100), 0
    )
    answer_setup(upf, number)
    assert upf.next_event() is None
    assert len(upf.associations) == 0


# Associations and heartbeats


def test_an_accepted_setup_makes_an_association_and_a_refused_one_does_not():
    assert associated().associations.of_node(SMF_NODE).peer == SMF
    upf = endpoint()
    upf.receive_datagram(setup().encode(), SMF, 0)
    upf.respond(upf.next_event(), accept_setup(cause=Cause.REQUEST_REJECTED), 0)
    assert len(upf.associations) == 0


def test_an_association_may_be_ended_without_asking_the_peer():
    upf = associated()
    upf.release(SMF_NODE, now=1.0)
    assert len(upf.associations) == 0
    assert upf.next_timer() is None
    upf.release(SMF_NODE, now=2.0)


def test_an_accepted_release_ends_the_association_and_its_heartbeats():
    upf = associated()
    release = messages.AssociationReleaseRequest(sequence_number=2, node_id=SMF_NODE)
    upf.receive_datagram(release.encode(), SMF, 1)
    upf.respond(
        upf.next_event(),
        messages.AssociationReleaseResponse(node_id=UPF_NODE, cause=Cause.REQUEST_ACCEPTED),
        1,
    )
    assert len(upf.associations) == 0
    assert upf.next_timer() is None


def test_a_heartbeat_is_answered_at_once_even_from_a_stranger():
    upf = endpoint()
    beat = messages.HeartbeatRequest(sequence_number=8, recovery_time_stamp=50)
    for _ in range(2):
        upf.receive_datagram(beat.encode(), SMF, 0)
        assert only_sent(upf) == messages.HeartbeatResponse(
            sequence_number=8, recovery_time_stamp=100
        )
    assert upf.next_event() is None


def test_a_heartbeat_is_answered_while_other_requests_wait():
    upf = associated()
    upf.receive_datagram(deletion().encode(), SMF, 1)
    beat = messages.HeartbeatRequest(sequence_number=8, recovery_time_stamp=50)
    upf.receive_datagram(beat.encode(), SMF, 1)
    assert isinstance(only_sent(upf), messages.HeartbeatResponse)


def heartbeat_of(upf, now):
    upf.advance(now)
    beat = only_sent(upf)
    assert isinstance(beat, messages.HeartbeatRequest)
    return beat


def answer_heartbeat(upf, beat, now, recovery_time_stamp=50):
    answer = messages.HeartbeatResponse(
        sequence_number=beat.sequence_number, recovery_time_stamp=recovery_time_stamp
    )
    upf.receive_datagram(answer.encode(), SMF, now)


def test_an_associated_peer_is_asked_every_interval():
    upf = associated()
    for now in (60, 120, 180):
        assert upf.next_timer() == now
        answer_heartbeat(upf, heartbeat_of(upf, now), now + 1)
    assert upf.next_event() is None


def test_a_silent_peer_is_lost_once_keeps_its_association_and_can_return():
    upf = associated()
    told = []
    while upf.next_timer() < 200:
        now = upf.next_timer()
        upf.advance(now)
        told += [(now, event) for event in upf.events()]
    ((when, lost),) = told
    assert isinstance(lost, events.PeerLost)
    assert when == 60 + 3 * 3
    assert upf.associations.of_node(SMF_NODE).state is State.UNREACHABLE
    beats = [message for message, _ in sent(upf)]
    answer_heartbeat(upf, beats[-1], 200)
    assert isinstance(upf.next_event(), events.PeerReturned)
    assert upf.associations.of_node(SMF_NODE).state is State.ASSOCIATED


@pytest.mark.parametrize("way", ["request", "response"])
def test_a_later_time_stamp_in_a_heartbeat_tells_of_a_restart(way):
    upf = associated()
    before = upf.associations.of_node(SMF_NODE)
    if way == "request":
        beat = messages.HeartbeatRequest(sequence_number=8, recovery_time_stamp=51)
        upf.receive_datagram(beat.encode(), SMF, 1)
    else:
        answer_heartbeat(upf, heartbeat_of(upf, 60), 61, recovery_time_stamp=51)
    event = upf.next_event()
    assert isinstance(event, events.PeerRestarted)
    assert event.association == before
    assert upf.next_event() is None
    assert len(upf.associations) == 0


def test_an_earlier_time_stamp_in_a_heartbeat_is_a_late_datagram():
    upf = associated()
    beat = messages.HeartbeatRequest(sequence_number=8, recovery_time_stamp=49)
    upf.receive_datagram(beat.encode(), SMF, 1)
    assert upf.next_event() is None
    assert len(upf.associations) == 1


@pytest.mark.parametrize("recovery_time_stamp", [49, 51])
def test_a_setup_after_a_restart_tells_so_first_and_forgets_old_answers(recovery_time_stamp):
    upf = associated()
    upf.receive_datagram(deletion().encode(), SMF, 1)
    upf.respond(upf.next_event(), deleted(), 1)
    again = setup(recovery_time_stamp=recovery_time_stamp).encode()
    upf.receive_datagram(again, SMF, 2)
    restarted, asked = upf.events()
    assert isinstance(restarted, events.PeerRestarted)
    assert isinstance(asked, events.RequestReceived)
    upf.receive_datagram(again, SMF, 3)
    assert upf.next_event() is None
    upf.receive_datagram(deletion().encode(), SMF, 3)
    assert isinstance(upf.next_event(), events.RequestReceived)


def test_an_answer_to_a_peers_former_life_is_not_sent():
    upf = associated()
    upf.receive_datagram(deletion().encode(), SMF, 1)
    upf.receive_datagram(setup(sequence_number=5, recovery_time_stamp=51).encode(), SMF, 2)
    former, _, asked = upf.events()
    upf.respond(former, deleted(), 3)
    assert upf.datagrams_to_send() == []
    assert upf.counters["void_answers"] == 1
    upf.respond(asked, accept_setup(), 3)
    assert only_sent(upf) == accept_setup(sequence_number=5)


def test_a_setup_in_the_name_of_a_node_alive_elsewhere_tells_of_no_restart():
    upf = associated()
    upf.receive_datagram(setup(recovery_time_stamp=51).encode(), ("192.0.2.66", 8805), 2)
    (event,) = upf.events()
    assert isinstance(event, events.RequestReceived)
    assert upf.associations.of_node(SMF_NODE).recovery_time_stamp == 50


def test_an_association_of_an_earlier_run_goes_on_with_its_heartbeats():
    former = associated().associations.of_node(SMF_NODE)
    upf = endpoint()
    upf.restore(former, 5)
    assert upf.associations.of_node(SMF_NODE) is former
    beat = heartbeat_of(upf, 5 + TIMERS.heartbeat_interval_s)
    assert beat.recovery_time_stamp == 100


def test_a_setup_again_without_a_restart_is_just_a_request():
    upf = associated()
    upf.receive_datagram(setup(sequence_number=2).encode(), SMF, 1)
    (event,) = upf.events()
    assert isinstance(event, events.RequestReceived)


def test_an_establishment_with_a_later_time_stamp_tells_of_a_restart_and_is_told_once():
    upf = associated()
    request = messages.SessionEstablishmentRequest(
        sequence_number=9,
        node_id=SMF_NODE,
        cp_fseid=ies.FSEID(seid=1, ipv4=IPv4Address(SMF[0])),
        create_pdrs=(
            ies.CreatePDR(pdr_id=1, precedence=1, pdi=ies.PDI(source_interface=0), far_id=1),
        ),
        create_fars=(ies.CreateFAR(far_id=1, apply_action=ies.ApplyAction(drop=True)),),
        recovery_time_stamp=51,
    ).encode()
    upf.receive_datagram(request, SMF, 1)
    assert [type(event) for event in upf.events()] == [
        events.PeerRestarted,
        events.RequestReceived,
    ]
    upf.receive_datagram(request, SMF, 2)
    assert upf.next_event() is None


@pytest.mark.parametrize("later", [5, 2**31 - 1])
def test_time_stamps_that_begin_again_are_later_still(later):
    upf = endpoint()
    upf.receive_datagram(setup(recovery_time_stamp=2**32 - 3).encode(), SMF, 0)
    upf.respond(upf.next_event(), accept_setup(), 0)
    beat = messages.HeartbeatRequest(sequence_number=8, recovery_time_stamp=later - 3)
    upf.receive_datagram(beat.encode(), SMF, 1)
    assert isinstance(upf.next_event(), events.PeerRestarted)


def answer_setup(upf, number, recovery_time_stamp=50, **more):
    answer = accept_setup(
        node_id=SMF_NODE,
        sequence_number=number,
        recovery_time_stamp=recovery_time_stamp,
        **more,
    )
    upf.receive_datagram(answer.encode(), SMF, 1)


def test_the_answer_to_our_own_setup_tells_of_a_restart_too():
    upf = associated()
    upf.send_request(
        SMF, messages.AssociationSetupRequest(node_id=UPF_NODE, recovery_time_stamp=100), 1
    )
    answer_setup(upf, only_sent(upf).sequence_number, recovery_time_stamp=51)
    assert [type(event) for event in upf.events()] == [
        events.PeerRestarted,
        events.ResponseReceived,
    ]
    assert upf.associations.of_node(SMF_NODE).recovery_time_stamp == 51


def test_a_lost_peer_that_sets_up_again_has_returned():
    upf = associated()
    while upf.associations.of_node(SMF_NODE).state is State.ASSOCIATED:
        upf.advance(upf.next_timer())
    list(upf.events())
    upf.receive_datagram(setup(sequence_number=9).encode(), SMF, 100)
    upf.respond(upf.next_event(), accept_setup(), 100)
    returned = upf.next_event()
    assert isinstance(returned, events.PeerReturned)
    assert returned.association.state is State.ASSOCIATED


def test_a_heartbeat_answered_in_another_version_or_unreadably_counts_as_missed():
    for answer in ("200b0004 {} 00", "20020008 {} 00 00600000"):
        upf = associated()
        number = heartbeat_of(upf, 60).sequence_number
        upf.receive_datagram(bytes.fromhex(answer.format(f"{number:06x}")), SMF, 61)
        assert isinstance(upf.next_event(), events.PeerLost)


def test_a_heartbeat_missed_by_a_peer_that_has_left_is_nobodys():
    upf = associated()
    upf.advance(60)
    release = messages.AssociationReleaseRequest(sequence_number=2, node_id=SMF_NODE)
    upf.receive_datagram(release.encode(), SMF, 61)
    accepted = messages.AssociationReleaseResponse(node_id=UPF_NODE, cause=Cause.REQUEST_ACCEPTED)
    upf.respond(upf.next_event(), accepted, 61)
    while (when := upf.next_timer()) is not None:
        upf.advance(when)
    assert upf.next_event() is None


def test_heartbeats_are_spread_by_jitter():
    upf = associated(random=lambda: 0.5)
    assert upf.next_timer() == pytest.approx(63)


# Who may speak, and how much

OTHER = ("192.0.2.7", 8805)
SLOW = Rate(messages_per_s=1, burst=3)


def test_a_host_that_is_not_allowed_gets_no_word_and_changes_nothing():
    upf = endpoint(admission=Admission(is_allowed=lambda host: host == SMF[0]))
    beat = messages.HeartbeatRequest(sequence_number=8, recovery_time_stamp=50)
    for octets in (beat.encode(), setup().encode(), bytes.fromhex("40010004 01020300")):
        upf.receive_datagram(octets, OTHER, 0)
    assert (upf.datagrams_to_send(), upf.next_event()) == ([], None)
    assert upf.counters["forbidden_peer"] == 3
    upf.receive_datagram(setup().encode(), SMF, 0)
    assert isinstance(upf.next_event(), events.RequestReceived)


def test_a_peer_over_its_rate_is_shed_and_the_others_are_not():
    upf = endpoint(admission=Admission(rate=SLOW))
    for number in range(10):
        upf.receive_datagram(deletion(number).encode(), SMF, 0)
    upf.receive_datagram(deletion(99).encode(), OTHER, 0)
    assert [(event.peer, event.request.sequence_number) for event in upf.events()] == [
        (SMF, 0),
        (SMF, 1),
        (SMF, 2),
        (OTHER, 99),
    ]
    assert upf.counters["shed_requests"] == 7
    assert upf.datagrams_to_send() == []


def test_what_was_shed_is_taken_when_it_is_sent_again():
    upf = endpoint(admission=Admission(rate=SLOW))
    for number in range(4):
        upf.receive_datagram(deletion(number).encode(), SMF, 0)
    assert len(list(upf.events())) == 3
    upf.receive_datagram(deletion(3).encode(), SMF, 3)
    assert upf.next_event().request == deletion(3)


def test_heartbeats_of_an_associated_peer_are_never_shed_and_those_of_strangers_are():
    upf = associated(admission=Admission(rate=SLOW))
    beat = messages.HeartbeatRequest(sequence_number=8, recovery_time_stamp=50).encode()
    for number in range(10):
        upf.receive_datagram(deletion(number).encode(), SMF, 0)
    for _ in range(10):
        upf.receive_datagram(beat, (SMF[0], 40000), 0)
        upf.receive_datagram(beat, OTHER, 0)
    hosts = [host for _, (host, _) in upf.datagrams_to_send()]
    assert (hosts.count(SMF[0]), hosts.count(OTHER[0])) == (10, 3)


def test_answers_to_our_requests_are_never_shed():
    upf = endpoint(admission=Admission(rate=SLOW))
    handles = [upf.send_request(SMF, report(), 0) for _ in range(10)]
    for request, _ in sent(upf):
        answer = messages.SessionReportResponse(
            sequence_number=request.sequence_number, cause=Cause.REQUEST_ACCEPTED
        )
        upf.receive_datagram(answer.encode(), SMF, 0)
    assert [event.handle for event in upf.events()] == handles


def test_other_versions_are_shed_too():
    upf = endpoint(admission=Admission(rate=SLOW))
    for _ in range(10):
        upf.receive_datagram(bytes.fromhex("40010004 01020300"), SMF, 0)
    assert len(upf.datagrams_to_send()) == 3


# Load and overload


def loaded(**features):
    upf = endpoint(load_status=lambda _: LoadStatus(load_percent=40, reduction_percent=10))
    wanted = replace(setup(), cp_function_features=ies.CPFunctionFeatures(**features))
    upf.receive_datagram(wanted.encode(), SMF, 0)
    upf.respond(upf.next_event(), accept_setup(), 0)
    assert only_sent(upf).cause == Cause.REQUEST_ACCEPTED
    return upf


@pytest.mark.parametrize("features", [{}, {"load": True}, {"ovrl": True}])
def test_our_load_goes_with_answers_and_reports_to_peers_that_want_it(features):
    upf = loaded(**features)
    upf.receive_datagram(deletion().encode(), SMF, 0)
    upf.respond(upf.next_event(), deleted(), 0)
    upf.send_request(SMF, report(), 0)
    for message, _ in sent(upf):
        assert (message.load_control_information is not None) is ("load" in features)
        assert (message.overload_control_information is not None) is ("ovrl" in features)


def smf_with(number, load_percent, reduction_percent, smf=None):
    """An SMF that was told a UPF's load in the answer to a deletion."""
    if smf is None:
        smf = endpoint(node_id=SMF_NODE)
        smf.send_request(
            UPF, messages.AssociationSetupRequest(node_id=SMF_NODE, recovery_time_stamp=100), 0
        )
        answer = accept_setup(sequence_number=only_sent(smf).sequence_number)
        smf.receive_datagram(answer.encode(), UPF, 0)
        list(smf.events())
    smf.send_request(UPF, deletion(), 0)
    answer = replace(
        deleted(),
        sequence_number=only_sent(smf).sequence_number,
        load_control_information=ies.LoadControlInformation(
            load_control_sequence_number=number, load_metric=load_percent
        ),
        overload_control_information=ies.OverloadControlInformation(
            overload_control_sequence_number=number,
            overload_reduction_metric=reduction_percent,
            period_of_validity=ies.Timer(unit=0, value=10),
        ),
    )
    smf.receive_datagram(answer.encode(), UPF, 1)
    return smf


def loads_told(smf):
    return [
        getattr(event, "load_percent", None) or event.reduction_percent
        for event in smf.events()
        if isinstance(event, events.PeerLoadChanged | events.PeerOverloadChanged)
    ]


def test_a_peers_load_is_told_when_it_changes_and_remembered():
    smf = smf_with(1, 40, 20)
    assert loads_told(smf) == [40, 20]
    assert loads_told(smf_with(2, 40, 20, smf)) == []
    assert loads_told(smf_with(1, 99, 99, smf)) == []
    assert loads_told(smf_with(3, 50, 20, smf)) == [50]
    known = smf.peer_loads.of_node(UPF_NODE)
    assert (known.load_percent, known.reduction_percent) == (50, 20)


def test_a_peers_overload_ends_by_itself():
    smf = smf_with(1, 40, 20)
    list(smf.events())
    assert smf.next_timer() == 21
    smf.advance(21)
    over = smf.next_event()
    assert isinstance(over, events.PeerOverloadChanged)
    assert (over.association.node_id, over.reduction_percent) == (UPF_NODE, 0)
    assert smf.next_timer() == 60


def test_the_load_of_a_stranger_is_nobodys():
    smf = endpoint(node_id=SMF_NODE)
    assert loads_told(smf_with(1, 40, 20, smf)) == []


def test_the_load_of_a_peer_that_restarted_is_forgotten():
    smf = smf_with(9, 40, 20)
    beat = messages.HeartbeatRequest(sequence_number=8, recovery_time_stamp=101)
    smf.receive_datagram(beat.encode(), UPF, 1)
    assert smf.peer_loads.of_node(UPF_NODE).load_percent is None
    assert smf.next_timer() is None

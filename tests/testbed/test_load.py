"""The load generator sends what it says, and survives a UPF that refuses or stalls."""

import asyncio
import itertools
import threading
from ipaddress import IPv4Address

import pytest

from pfcp import enums, ies, messages, udp
from pfcp.endpoint import Endpoint
from pfcp.events import RequestReceived
from testbed.load import __main__ as command
from testbed.load import generator
from testbed.load.answers import Answers, answer_to
from testbed.load.generator import Generator, Kind
from testbed.load.templates import Numbers, Requests, Shape

SMF, UPF, GNB = IPv4Address("127.0.0.7"), IPv4Address("127.0.0.8"), IPv4Address("10.100.3.2")
NUMBERS = Numbers(0x1122334455667788, int(IPv4Address("10.45.7.9")), 0x01020304, 0x12345678)


@pytest.mark.parametrize("shape", Shape)
def test_requests_carry_the_numbers_of_a_session(shape):
    requests = Requests.of(shape, SMF, GNB, 4_000_000_000)
    first = requests.establish.fill(0, 7, Numbers(1, 2, 3, 4))
    asked = messages.decode(requests.establish.fill(0, 0xABCDEF, NUMBERS))

    assert asked.sequence_number == 0xABCDEF
    assert asked.cp_fseid == ies.FSEID(seid=NUMBERS.cp_seid, ipv4=SMF)
    addresses = [each.ipv4 for pdr in asked.create_pdrs for each in pdr.pdi.ue_ip_addresses]
    assert set(addresses) == {IPv4Address("10.45.7.9")}
    assert len(asked.create_pdrs) == (2 if shape is Shape.PLAIN else 4)
    assert messages.decode(first).cp_fseid.seid == 1

    changed = messages.decode(requests.modify.fill(99, 8, NUMBERS))
    (far,) = changed.update_fars
    assert changed.seid == 99
    assert far.update_forwarding_parameters.outer_header_creation.teid == 0x01020304
    assert messages.decode(requests.delete.fill(98, 9, NUMBERS)).seid == 98


def test_answers_are_read_whatever_stands_before_the_cause():
    answers = Answers()
    node_id = ies.NodeID(value=UPF)
    accepted = messages.SessionEstablishmentResponse(
        seid=5,
        node_id=node_id,
        cause=enums.Cause.REQUEST_ACCEPTED,
        up_fseid=ies.FSEID(seid=77, ipv4=UPF),
    )
    refused = messages.SessionEstablishmentResponse(
        seid=5, node_id=node_id, cause=enums.Cause.NO_RESOURCES_AVAILABLE
    )
    short = messages.SessionDeletionResponse(seid=5, cause=enums.Cause.SESSION_CONTEXT_NOT_FOUND)
    for _ in range(2):
        assert answers.read(accepted.encode(1)) == (1, 77)
        assert answers.read(refused.encode(2)) == (enums.Cause.NO_RESOURCES_AVAILABLE, 0)
        assert answers.read(short.encode(3)) == (enums.Cause.SESSION_CONTEXT_NOT_FOUND, 0)


def test_heartbeats_and_reports_are_answered():
    beat = messages.HeartbeatRequest(recovery_time_stamp=1).encode(5)
    assert messages.decode(answer_to(beat, 4_000_000_000, 0)) == messages.HeartbeatResponse(
        recovery_time_stamp=4_000_000_000, sequence_number=5
    )
    report = messages.SessionReportRequest(seid=3, report_type=ies.ReportType(upir=True)).encode(6)
    answered = messages.decode(answer_to(report, 0, 44))
    assert (answered.seid, answered.cause, answered.sequence_number) == (44, 1, 6)


class FakeUPF:
    """Answers session requests as told by `cause_of`; None is silence."""

    def __init__(self, cause_of=lambda request: enums.Cause.REQUEST_ACCEPTED):
        self.cause_of = cause_of
        self.seids = itertools.count(1)
        self.sessions = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self):
        self._thread.start()
        assert self._started.wait(5)
        return self

    def __exit__(self, *raised):
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(5)

    async def _serve(self):
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        endpoint = Endpoint(
            node_id=ies.NodeID(value=UPF), recovery_time_stamp=4_000_000_000, random=lambda: 0.5
        )
        server = await udp.serve(endpoint, (str(UPF), 8805), self._on_event)
        self._server = server
        self._started.set()
        await self._done.wait()
        server.close()

    def _on_event(self, event):
        if isinstance(event, RequestReceived) and (answer := self._answer(event.request)):
            self._server.respond(event, answer)

    def _answer(self, request):
        cause = self.cause_of(request)
        if cause is None:
            return None
        match request:
            case messages.AssociationSetupRequest():
                return messages.AssociationSetupResponse(
                    node_id=ies.NodeID(value=UPF), cause=cause, recovery_time_stamp=4_000_000_000
                )
            case messages.SessionEstablishmentRequest():
                seid = next(self.seids)
                self.sessions.add(seid)
                return messages.SessionEstablishmentResponse(
                    seid=request.cp_fseid.seid,
                    node_id=ies.NodeID(value=UPF),
                    cause=cause,
                    up_fseid=ies.FSEID(seid=seid, ipv4=UPF),
                )
            case messages.SessionModificationRequest():
                assert request.seid in self.sessions
                return messages.SessionModificationResponse(seid=0, cause=cause)
            case messages.SessionDeletionRequest():
                self.sessions.remove(request.seid)
                return messages.SessionDeletionResponse(seid=0, cause=cause)
        return None


def load():
    return Generator(UPF, [SMF, SMF + 100], GNB, IPv4Address("10.45.0.0"), Shape.PLAIN)


def test_a_load_runs_through_the_life_of_sessions():
    with FakeUPF() as upf, load() as smfs:
        assert (
            len(smfs.run(itertools.repeat(Kind.ESTABLISH), 50, window=8).latencies["establish"])
            == 50
        )
        mixed = smfs.run(generator.mix({Kind.MODIFY: 1, Kind.DELETE: 1}), 60, per_s=2000)
        deleted = len(mixed.latencies["delete"])
        assert len(mixed.latencies["modify"]) + deleted == 60
        assert smfs.num_sessions == len(upf.sessions) == 50 - deleted
        assert mixed.refused == {}
        assert mixed.took_s >= 59 / 2000


def test_what_is_refused_is_told_by_cause():
    def cause_of(request):
        is_session = isinstance(request, messages.SessionEstablishmentRequest)
        return enums.Cause.NO_RESOURCES_AVAILABLE if is_session else enums.Cause.REQUEST_ACCEPTED

    with FakeUPF(cause_of) as _, load() as smfs:
        outcome = smfs.run(itertools.repeat(Kind.ESTABLISH), 3, window=3)
    assert outcome.refused == {"establish: cause 75": 3}


def test_what_is_not_answered_is_sent_again_and_then_given_up(monkeypatch):
    monkeypatch.setattr(generator, "T1_S", 0.05)
    silent = FakeUPF(
        lambda request: None if isinstance(request, messages.SessionEstablishmentRequest) else 1
    )
    with silent, load() as smfs:
        outcome = smfs.run(itertools.repeat(Kind.ESTABLISH), 2, window=2)
    assert (outcome.retransmissions, outcome.unanswered) == (6, 2)


def test_latency_counts_from_when_a_request_was_due():
    slow = []

    def cause_of(request):
        if isinstance(request, messages.SessionEstablishmentRequest) and not slow:
            slow.append(threading.Event().wait(0.2))
        return enums.Cause.REQUEST_ACCEPTED

    with FakeUPF(cause_of), load() as smfs:
        outcome = smfs.run(itertools.repeat(Kind.ESTABLISH), 20, per_s=100)
    figures = command.told(command.Phase.parse("establish:20@100"), outcome, 20)
    # The first stall delays those that follow it, and they say so.
    assert figures["latency_ms"]["p50"] > 20
    assert figures["answered"] == 20


def test_a_phase_without_a_pace_is_refused():
    with pytest.raises(ValueError, match="say @PER_S or /WINDOW"):
        command.Phase.parse("establish:20")

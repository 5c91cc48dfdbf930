"""An SMF and a UPF that restart now and then, over a network that loses, doubles and reorders."""

import random
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pfcp import events, ies, messages
from pfcp.association import State
from pfcp.endpoint import Endpoint
from pfcp.enums import Cause
from pfcp.transactions import Timers

SMF, UPF = ("192.0.2.1", 8805), ("192.0.2.2", 8805)
NODE_OF = {host: ies.NodeID(value=IPv4Address(host[0])) for host in (SMF, UPF)}
TIMERS = Timers(t1_s=3, n1=2, jitter=0.1, heartbeat_interval_s=20, answer_kept_s=30)

DELAYS_S = [0.0, 0.01, 0.5, 4.0]
RESTART_S = 9.0
"""Longer than a question and its answer are under way."""
BAD_UNTIL_S, END_S = 90.0, 200.0
HAPPENINGS = 40


class Host:
    """One address and the entity that lives there at present, if one does."""

    def __init__(self, world, address, lives=0):
        self.world, self.address, self.lives = world, address, lives
        self.entity = None
        self.executed, self.waiting = [], []
        self.asked, self.outcomes = {}, {}
        self.start()

    def start(self):
        self.lives += 1
        self.entity = Endpoint(
            node_id=NODE_OF[self.address],
            recovery_time_stamp=self.lives,
            random=self.world.chance.random,
            timers=TIMERS,
        )
        self.executed, self.waiting = [], []
        self.asked, self.outcomes = {}, {}

    def is_associated_with(self, other):
        known = self.entity and self.entity.associations.of_node(NODE_OF[other.address])
        return known is not None

    def ask(self, peer, request, mark):
        handle = self.entity.send_request(peer, request, self.world.now)
        self.asked[handle] = mark

    def set_up(self):
        request = messages.AssociationSetupRequest(
            node_id=NODE_OF[self.address], recovery_time_stamp=self.lives
        )
        self.ask(UPF, request, "setup")

    def take(self, event):
        match event:
            case events.RequestReceived(request=messages.AssociationSetupRequest()):
                answer = messages.AssociationSetupResponse(
                    node_id=NODE_OF[self.address],
                    cause=Cause.REQUEST_ACCEPTED,
                    recovery_time_stamp=self.lives,
                )
                self.entity.respond(event, answer, self.world.now)
            case events.RequestReceived():
                self.executed.append(event.request.seid)
                self.waiting.append(event)
            case events.PeerRestarted() if self.address == SMF:
                self.set_up()
            case events.ResponseReceived() | events.RequestTimedOut():
                assert event.handle not in self.outcomes, "a request has one outcome"
                self.outcomes[event.handle] = event
                if self.asked[event.handle] == "setup" and isinstance(
                    event, events.RequestTimedOut
                ):
                    self.set_up()


class World:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.now, self.seid = 0.0, 0
        self.wires, self.births = [], []
        self.happenings = sorted(self.chance.uniform(0, BAD_UNTIL_S) for _ in range(HAPPENINGS))
        self.smf, self.upf = Host(self, SMF), Host(self, UPF)
        self.hosts = {SMF: self.smf, UPF: self.upf}
        self.smf.set_up()

    def happen(self):
        """Something a bad day brings."""
        match self.chance.choice(["ask"] * 12 + ["answer"] * 7 + ["restart"]):
            case "ask" if self.smf.is_associated_with(self.upf):
                self.seid += 1
                request = messages.SessionDeletionRequest(seid=self.seid)
                self.smf.ask(UPF, request, self.seid)
            case "answer":
                self.answer_one()
            case "restart":
                self.stop(self.chance.choice([self.smf, self.upf]))

    def answer_one(self):
        if self.upf.entity is not None and self.upf.waiting:
            event = self.upf.waiting.pop(self.chance.randrange(len(self.upf.waiting)))
            response = messages.SessionDeletionResponse(
                seid=event.request.seid, cause=Cause.REQUEST_ACCEPTED
            )
            self.upf.entity.respond(event, response, self.now)

    def stop(self, host):
        if host.entity is not None:
            self.judge(host)
            host.entity = None
            self.births.append((self.now + RESTART_S, host))

    def settle(self):
        """Events to their owners, datagrams onto the wires."""
        for host in self.hosts.values():
            if host.entity is None:
                continue
            for event in host.entity.events():
                host.take(event)
            for octets, peer in host.entity.datagrams_to_send():
                copies = self.chance.choice([0, 1, 1, 1, 2]) if self.now < BAD_UNTIL_S else 1
                for _ in range(copies):
                    arrival = self.now + self.chance.choice(DELAYS_S)
                    self.wires.append((arrival, len(self.wires), octets, host.address, peer))

    def step(self):
        """To the next thing that happens."""
        live = [host.entity for host in self.hosts.values() if host.entity is not None]
        times = [entity.next_timer() for entity in live]
        times = [when for when in times if when is not None]
        times += [wire[0] for wire in self.wires] + [when for when, _ in self.births]
        times += self.happenings[:1]
        self.now = max(self.now, min([*times, END_S]))
        for when, host in [birth for birth in self.births if birth[0] <= self.now]:
            self.births.remove((when, host))
            host.start()
            if host is self.smf:
                host.set_up()
        arriving = sorted(wire for wire in self.wires if wire[0] <= self.now)
        self.wires = [wire for wire in self.wires if wire[0] > self.now]
        for _, _, octets, source, destination in arriving:
            if (entity := self.hosts[destination].entity) is not None:
                entity.receive_datagram(octets, source, self.now)
        for host in self.hosts.values():
            if host.entity is not None:
                host.entity.advance(self.now)
        self.settle()

    def run(self):
        self.settle()
        while self.now < END_S:
            if self.happenings and self.happenings[0] <= self.now:
                self.happenings.pop(0)
                self.happen()
                self.settle()
            self.step()
        while self.upf.waiting:
            self.answer_one()
            self.settle()

    def judge(self, host):
        """What must hold of a life, at any time."""
        assert len(host.executed) == len(set(host.executed)), "executed once"
        for handle, event in host.outcomes.items():
            if isinstance(event, events.ResponseReceived) and host.asked[handle] != "setup":
                assert event.response.seid == host.asked[handle], "the answer to this request"


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**64))
def test_every_request_is_executed_once_and_both_sides_agree_when_the_network_heals(seed):
    world = World(seed)
    world.run()
    for host, other in ((world.smf, world.upf), (world.upf, world.smf)):
        world.judge(host)
        assert set(host.outcomes) == set(host.asked)
        known = host.entity.associations.of_node(NODE_OF[other.address])
        assert known is not None
        assert known.recovery_time_stamp == other.lives
        assert known.state is State.ASSOCIATED


def test_the_bad_network_is_bad():
    """Else the property above would hold of nothing."""
    counters, lives = {}, 0
    for seed in range(20):
        world = World(seed)
        world.run()
        lives += world.smf.lives + world.upf.lives
        for host in (world.smf, world.upf):
            for name, count in host.entity.counters.items():
                counters[name] = counters.get(name, 0) + count
    for name in ("duplicate_requests", "retransmissions", "timeouts", "unexpected_responses"):
        assert counters[name] > 0, name
    assert counters["peer_restarts"] > 0
    assert lives > 60


@pytest.mark.parametrize("seed", range(30))
def test_without_restarts_every_answered_request_was_executed_exactly_once(seed):
    world = World(seed)
    world.stop = lambda _: None
    world.run()
    answered = [
        world.smf.asked[handle]
        for handle, event in world.smf.outcomes.items()
        if isinstance(event, events.ResponseReceived) and world.smf.asked[handle] != "setup"
    ]
    assert answered
    assert set(answered) <= set(world.upf.executed)

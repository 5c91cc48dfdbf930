"""Verdicts of the story, with peers that do what they are told, or do not."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from types import SimpleNamespace

import pytest

from testbed.errors import PeerError
from testbed.summary import Summary
from testbed.traffic import PingResult
from testbed.ueransim import idle, outages, steps, story
from testbed.ueransim.plan import INTERNET, subscriber
from testbed.ueransim.ues import UE


class FakeUE:
    """A UE's node: it is registered, and idle after the gNB has released it."""

    name = "imsi-1"
    process = SimpleNamespace(await_end=lambda _s: True, namespace=None)

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.state = "CM-CONNECTED"

    def ask(self, command):
        self.asked.append(command)
        return ""

    def fields(self, _command):
        return {"cm-state": self.state}

    def await_field(self, _command, _name, _value, _timeout_s):
        return 0.1


class FakeStage:
    """A lab in which one UE has one session; `action` is what its downlink FAR does."""

    def __init__(self) -> None:
        self.summary = Summary("fake", None)
        self.lab = SimpleNamespace(namespace=lambda room: room)
        self.node = FakeUE()
        self.ue = UE(subscriber(INTERNET, 0), self.node, "ues", IPv4Address("10.45.0.2"), "tun0")
        self.gnb_log: list[str] = []
        process = SimpleNamespace(lines=lambda: self.gnb_log)
        self.gnb = SimpleNamespace(ask=self._ask_gnb, process=process)
        self.action = "FORW"
        self.held = [{"up_seid": "1", "ue_ipv4": "10.45.0.2", "slice": "internet"}]
        self.is_released = False
        self.upf = SimpleNamespace(rest=SimpleNamespace(get=self._get))

    def sessions(self):
        return self.held

    def _ask_gnb(self, command):
        if command == "ue-list":
            return "- ue-id: 3\n  ran-ngap-id: 3\n  amf-ngap-id: 4\n"
        assert command == "ue-release 3"
        self.is_released, self.action, self.node.state = True, "BUFF|NOCP", "CM-IDLE"
        return ""

    def _get(self, path):
        assert re.fullmatch("/v1/sessions/1", path)
        pdrs = [{"far_id": 1, "pdi": {"source_interface": "core"}}]
        return {"rules": {"pdrs": pdrs, "fars": [{"far_id": 1, "apply_action": self.action}]}}

    def verdicts(self):
        return {row.claim: row.passed for row in self.summary.rows}


@pytest.fixture
def stage(monkeypatch):
    monkeypatch.setattr(UE, "packets", lambda _ue: 7)
    monkeypatch.setattr(idle, "_SILENCE_S", 0.1)
    return FakeStage()


def _pings(monkeypatch, stage, *, received, wakes):
    def ping(_namespace, _address, *, count, **_rest):
        if wakes:
            stage.node.state = "CM-CONNECTED"
        return PingResult(count, count if received is None else received)

    for module in (idle, outages, steps, story):
        monkeypatch.setattr(module, "ping", ping)


def test_a_ue_that_is_paged_and_loses_nothing_passes(stage, monkeypatch) -> None:
    _pings(monkeypatch, stage, received=None, wakes=True)
    idle.go_idle_and_be_paged(stage, stage.ue)
    assert stage.is_released
    assert stage.verdicts() == {
        "idle": True,
        "paging and resume": True,
        "ping after paging": True,
    }


def test_a_packet_lost_while_paging_fails(stage, monkeypatch) -> None:
    _pings(monkeypatch, stage, received=4, wakes=True)
    idle.go_idle_and_be_paged(stage, stage.ue)
    assert not stage.verdicts()["paging and resume"]


def test_a_ue_that_stays_idle_fails(stage, monkeypatch) -> None:
    _pings(monkeypatch, stage, received=None, wakes=False)
    idle.go_idle_and_be_paged(stage, stage.ue)
    assert not stage.verdicts()["paging and resume"]


class WithoutService(FakeUE):
    """A UE that is registered once it was switched on `tries` times."""

    def __init__(self, tries: int) -> None:
        super().__init__()
        self.on, self.tries = 1, tries
        self.process = SimpleNamespace(
            await_line=lambda *_: "", kill=lambda: None, start=self._switch_on
        )

    def _switch_on(self):
        self.on += 1

    def await_field(self, _command, _name, _value, _timeout_s):
        if self.on < self.tries:
            raise PeerError("no service")
        return 0.1


def test_a_ue_without_service_is_switched_on_once_more() -> None:
    assert steps._register(WithoutService(1)) == 1
    assert steps._register(WithoutService(2)) == 2
    with pytest.raises(PeerError, match="no service"):
        steps._register(WithoutService(3))


def test_what_is_still_under_way_is_waited_for(stage, monkeypatch) -> None:
    counted = iter([1, 2, 3, *[4] * 100])
    monkeypatch.setattr(UE, "packets", lambda _ue: next(counted))
    idle._await_silence(stage, stage.ue)
    assert next(counted) == 4


def test_packets_that_never_end_end_the_story(stage, monkeypatch) -> None:
    monkeypatch.setattr(idle, "STATE_S", 0.5)
    counted = iter(range(1000))
    monkeypatch.setattr(UE, "packets", lambda _ue: next(counted))
    with pytest.raises(PeerError, match="packets go on at"):
        idle.go_idle_and_be_paged(stage, stage.ue)
    assert not stage.is_released


def test_a_gnb_that_finds_no_amf_is_told_with_what_helps(stage, monkeypatch) -> None:
    _pings(monkeypatch, stage, received=0, wakes=True)
    stage.gnb_log.append("AMF selection for UE[1] failed. Could not find a suitable AMF.")
    with pytest.raises(PeerError, match="--no-idle"):
        idle.go_idle_and_be_paged(stage, stage.ue)
    assert not stage.verdicts()["paging and resume"]


def test_a_downlink_that_is_never_buffered_ends_the_story(stage, monkeypatch) -> None:
    monkeypatch.setattr(idle, "STATE_S", 0.2)
    stage.gnb.ask = lambda _command: ""
    with pytest.raises(PeerError, match=r"the downlink FAR of 10\.45\.0\.2 is FORW after"):
        idle.go_idle_and_be_paged(stage, stage.ue)


def test_an_idle_ue_s_first_packet_may_be_lost_but_not_all(stage, monkeypatch) -> None:
    _pings(monkeypatch, stage, received=0, wakes=True)
    idle.go_idle_and_resume(stage, stage.ue)
    assert not stage.verdicts()["resume by the UE"]


def test_sessions_that_stay_after_deregistration_end_the_story(stage, monkeypatch) -> None:
    monkeypatch.setattr(steps, "STATE_S", 0.2)
    with pytest.raises(PeerError, match=r"sessions left of .*10\.45\.0\.2"):
        steps.deregister(stage, [stage.ue])
    assert stage.node.asked == ["deregister switch-off"]


def test_a_deregistration_ends_session_and_program(stage) -> None:
    stage.held = []
    steps.deregister(stage, [stage.ue])
    assert stage.verdicts() == {"deregistration": True}


@pytest.mark.parametrize(
    ("rates_mbps", "passes"),
    [((38.0, 5.1), True), ((38.0, 38.0), False), ((5.0, 5.0), False), ((38.0, 0.0), False)],
)
def test_a_cap_holds_one_slice_only(stage, monkeypatch, rates_mbps, passes) -> None:
    _pings(monkeypatch, stage, received=None, wakes=True)
    left = list(rates_mbps)
    monkeypatch.setattr(story, "udp_received_mbps", lambda *_a, **_k: left.pop(0))
    stage.upf.rest.put = lambda path, _document: path
    story.keep_slices_apart(stage, stage.ue, stage.ue)
    assert stage.verdicts()["two UEs in two slices"] is passes


def test_a_session_in_another_slice_than_asked_for_fails(stage) -> None:
    stage.held[0]["slice"] = "video"
    steps.record_session(stage, stage.ue, "PDU session")
    assert stage.verdicts() == {"PDU session": False}


def test_a_program_that_died_is_named(stage) -> None:
    stage.held, stage.dead = [], lambda: ["amf"]
    stage.upf.stop, stage.upf.faults = (lambda: 0), list
    story.look_back(stage)
    assert stage.verdicts() == {
        "sessions left": True,
        "programs that died": False,
        "UPF stopped by SIGTERM": True,
    }


class Restarted:
    """A UPF that is killed and started again, and what it holds then."""

    def __init__(self, stage, held_after) -> None:
        self.rest, self.done, self._stage, self._after = stage.upf.rest, [], stage, held_after

    def kill(self):
        self.done.append("kill")

    def start(self):
        self.done.append("start")
        self._stage.held = self._after


@pytest.mark.parametrize(("keeps", "received"), [(True, None), (False, None), (True, 59)])
def test_a_killed_upf_is_to_lose_neither_session_nor_packet(
    stage, monkeypatch, keeps, received
) -> None:
    _pings(monkeypatch, stage, received=received, wakes=False)
    stage.upf = Restarted(stage, stage.held if keeps else [])
    outages.outlive_the_upf(stage, stage.ue)
    assert stage.upf.done == ["kill", "start"]
    assert stage.verdicts()["UPF killed and back"] is (keeps and received is None)


def _smf_comes_back(stage, monkeypatch, *, forgets: bool):
    """The SMF sets up a new association after a kill; the UPF forgets its sessions, or not."""
    associations = ["10:00"]
    stage.cast = SimpleNamespace(core=SimpleNamespace(association_s=1))
    stage.upf.rest.get = lambda _path: [{"since": each} for each in associations]

    def restart(function):
        assert function == "smf"
        associations[:] = ["10:01"]
        if forgets:
            stage.held = []

    stage.restart = restart
    monkeypatch.setattr(outages, "attach", lambda *_: stage.ue)
    _pings(monkeypatch, stage, received=None, wakes=False)


def test_a_killed_smf_finds_the_upf_again(stage, monkeypatch) -> None:
    _smf_comes_back(stage, monkeypatch, forgets=True)
    outages.outlive_the_smf(stage)
    assert all(stage.verdicts().values())
    assert "SMF killed and back" in stage.verdicts()


def test_sessions_of_a_killed_smf_that_stay_end_the_story(stage, monkeypatch) -> None:
    monkeypatch.setattr(steps, "STATE_S", 0.2)
    _smf_comes_back(stage, monkeypatch, forgets=False)
    with pytest.raises(PeerError, match="sessions left of"):
        outages.outlive_the_smf(stage)

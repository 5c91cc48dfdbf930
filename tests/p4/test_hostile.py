"""Hostile packets: never a wrong forward, each drop under its reason, on every data plane."""

import os
import re
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from p4xdp import frontend
from p4xdp.dataplane import CounterValue
from p4xdp.interp import Interpreter
from testbed.hostile import frames, network, reference

P4 = Path(__file__).parents[2] / "p4"
TYPES = (P4 / "include" / "types.p4").read_text(encoding="utf-8")
DROPS = {int(number): name for name, number in re.findall(r" DROP_(\w+) = (\d+);", TYPES)}
PUNTS = {int(number): name for name, number in re.findall(r" PUNT_(\w+) = (\d+);", TYPES)}
PACKET_IN_OCTETS = 8
# How many random frames: HOSTILE_FRAMES=1000000 is a long search, another one each time.
RANDOM_FRAMES = int(os.environ.get("HOSTILE_FRAMES", "0"))
SEED = 1 if not RANDOM_FRAMES else None
USAGES = (
    network.UPLINK_USAGE,
    network.DOWNLINK_USAGE,
    network.CLASSIFIED_UPLINK_USAGE,
    network.CLASSIFIED_DOWNLINK_USAGE,
    network.RELAYED_UPLINK_USAGE,
    network.RELAYED_DOWNLINK_USAGE,
)
# The interpreter is slow and takes one frame in so many of the large families.
INTERPRETED = 3
SESSIONS = {"fused": iter, "classified": frames.of_classified, "relayed": frames.of_relayed}

FAMILIES = {family.__name__: family for family in frames.FAMILIES}
FAMILIES["mutations"] = partial(frames.mutations, RANDOM_FRAMES or 4000, SEED)


@pytest.fixture(scope="module")
def program():
    return frontend.load(P4 / "upf.p4")


@pytest.fixture(scope="module", params=["interpreter", pytest.param("xdp", marks=pytest.mark.root)])
def dataplane(request, program, tmp_path_factory):
    """The network of the hostile packets."""
    if request.param == "interpreter":
        opened = Interpreter(program)
    else:
        from p4xdp import xdp
        from p4xdp.xdp.manifest import to_text

        directory = tmp_path_factory.mktemp("upf")
        c_text, manifest = xdp.generate(program)
        (directory / "upf.bpf.c").write_text(c_text, encoding="utf-8")
        (directory / "upf.json").write_text(to_text(manifest), encoding="utf-8")
        opened = xdp.XdpDataplane.open(directory, {}, testing=True)
    for table, entry in network.entries(program):
        opened.insert_entries(table, [entry])
    yield opened
    opened.close()


class Counts:
    """What the counters of drops and of the session's usage have counted since it was made."""

    def __init__(self, program, dataplane):
        gresses = (program.ingress, program.egress)
        self._drops = [
            n for g in gresses for n in g.counters if n.endswith(("egress_drops", ".drops"))
        ]
        self._dataplane = dataplane
        self._before = self._now()

    def _now(self):
        now = {}
        for name in self._drops:
            for reason, value in enumerate(self._dataplane.read_counter(name, 0, 64)):
                old = now.get(DROPS.get(reason), CounterValue(0, 0))
                total = CounterValue(old.packets + value.packets, old.octets + value.octets)
                now[DROPS.get(reason)] = total
        for usage_id in USAGES:
            bank, cell = f"Egress.enforcement.usage_{usage_id & 15}", usage_id >> 4
            now[usage_id] = self._dataplane.read_counter(bank, cell, 1)[0]
        return now

    def packets_dropped(self, name):
        """How often the drop's reason has been counted."""
        (reason,) = (number for number, each in DROPS.items() if each == name)
        cells = (self._dataplane.read_counter(drops, reason, 1)[0] for drops in self._drops)
        return sum(cell.packets for cell in cells) - self._before[name].packets

    def since(self):
        now = self._now()
        return {
            key: (value.packets - old.packets, value.octets - old.octets)
            for key, value in now.items()
            if value != (old := self._before[key])
        }


def seen(result, ingress_port):
    """The result of a run in the words of the reference, punts without their packet_in."""
    if result.verdict != "controller":
        port = result.port if result.verdict == "forward" else None
        return result.verdict, "", result.frame, port, 0
    packet_in = int.from_bytes(result.frame[:PACKET_IN_OCTETS])
    assert packet_in >> 55 == ingress_port
    reason, usage_id = PUNTS[packet_in & 0xFF], packet_in >> 8 & 0x3FFFFF
    usage_id = usage_id if reason in ("BUFFER", "NOTIFY") else 0
    return result.verdict, reason, result.frame[PACKET_IN_OCTETS:], None, usage_id


def wanted_to_be_seen(outcome, leaving):
    """What `seen` must be; octets that may be any are as in `leaving`."""
    frame = bytearray(outcome.frame)
    for at in outcome.wild:
        frame[at : at + 1] = leaving[at : at + 1]
    is_punt, is_buffered = outcome.verdict == "controller", outcome.reason == "BUFFER"
    reason = outcome.reason if is_punt else ""  # of a drop it is counted, not told
    usage_id = outcome.usage_id if is_buffered else 0
    return outcome.verdict, reason, bytes(frame), outcome.port, usage_id


def differences(dataplane, counts, arrivals):
    """What became of frames that is not what had to; and what must have been counted for all."""
    wrong, packets, octets = [], Counter(), Counter()
    for port, frame in arrivals:
        wanted = reference.outcome(port, frame)
        got = seen(dataplane.run(port, frame, 10**12), port)
        if got != wanted_to_be_seen(wanted, got[2]):
            wrong.append((port, frame.hex(), wanted, got))
        if wanted.verdict == "drop":
            packets[wanted.reason] += 1
            octets[wanted.reason] += wanted.charged or len(frame)
            if counts.packets_dropped(wanted.reason) != packets[wanted.reason]:
                wrong.append((port, frame.hex(), wanted, "not counted"))
        elif wanted.verdict == "forward":
            packets[wanted.usage_id] += 1
            octets[wanted.usage_id] += wanted.charged
    return wrong, {key: (packets[key], octets[key]) for key in packets}


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS.keys())
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_hostile_packets_become_what_they_must(program, dataplane, family, session):
    arrivals = list(session(family()))
    if isinstance(dataplane, Interpreter) and len(arrivals) > 1000:
        arrivals = arrivals[::INTERPRETED]
    counts = Counts(program, dataplane)
    wrong, counted = differences(dataplane, counts, arrivals)
    assert not wrong, f"{len(wrong)} of {len(arrivals)}, the first {wrong[0]}"
    assert counts.since() == counted


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS.keys())
def test_every_sound_packet_is_forwarded(session):
    arrivals = session(frames.sound())
    assert {reference.outcome(*arrival).verdict for arrival in arrivals} == {"forward"}


def test_reference_finds_a_wrong_forward(program, dataplane):
    """A UPF that let the UE send from another address would be told."""
    port, frame = frames.on_n3(frames.g_pdu(frames.from_ue()))
    spoofed = frame.replace(network.UE_IPV4, network.SERVER_IPV4)
    assert reference.outcome(port, spoofed) == reference.Outcome("drop", "SPOOFED_SOURCE")

    class Forwards:
        def run(self, port, _frame, now_ns):
            return dataplane.run(port, frame, now_ns)

    counts = Counts(program, dataplane)
    wrong, _ = differences(Forwards(), counts, [(port, spoofed)])
    assert [last for *_, last in wrong][1:] == ["not counted"]
    assert len(wrong) == 2

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
PACKET_IN_OCTETS, REASON_AT = 8, 7
# How many random frames: HOSTILE_FRAMES=1000000 is a long search, another one each time.
RANDOM_FRAMES = int(os.environ.get("HOSTILE_FRAMES", "0"))
SEED = 1 if not RANDOM_FRAMES else None
# The interpreter is slow and takes one frame in so many of the families.
INTERPRETED = 4

FAMILIES = {family.__name__: family for family in frames.FAMILIES}
FAMILIES["mutations"] = partial(frames.mutations, RANDOM_FRAMES or 4000, SEED)


@pytest.fixture(scope="module")
def program():
    return frontend.load(P4 / "upf.p4")


@pytest.fixture(scope="module", params=["interpreter", pytest.param("xdp", marks=pytest.mark.root)])
def dataplane(request, program):
    """The network of the hostile packets."""
    if request.param == "interpreter":
        opened = Interpreter(program)
    else:
        from p4xdp.xdp import XdpDataplane

        opened = XdpDataplane.open(P4 / "build", {}, testing=True)
    for table, entry in network.entries(program):
        opened.insert_entries(table, [entry])
    yield opened
    opened.close()


class Counts:
    """What the counters of drops and of the session's usage have counted since it was made."""

    def __init__(self, program, dataplane):
        gresses = (program.ingress, program.egress)
        self._drops = [n for g in gresses for n in g.counters if n.endswith("drops")]
        self._dataplane = dataplane
        self._before = self._now()

    def _now(self):
        now = {}
        for name in self._drops:
            for reason, value in enumerate(self._dataplane.read_counter(name, 0, 64)):
                old = now.get(DROPS.get(reason), CounterValue(0, 0))
                total = CounterValue(old.packets + value.packets, old.octets + value.octets)
                now[DROPS.get(reason)] = total
        for usage_id in (network.UPLINK_USAGE, network.DOWNLINK_USAGE):
            bank, cell = f"Egress.enforcement.usage_{usage_id & 7}", usage_id >> 3
            now[usage_id] = self._dataplane.read_counter(bank, cell, 1)[0]
        return now

    def since(self):
        now = self._now()
        return {
            key: (value.packets - old.packets, value.octets - old.octets)
            for key, value in now.items()
            if value != (old := self._before[key])
        }


def seen(result):
    """The result of a run in the words of the reference, punts without their packet_in."""
    if result.verdict != "controller":
        return result.verdict, "", result.frame
    reason = PUNTS[result.frame[REASON_AT]]
    return result.verdict, reason, result.frame[PACKET_IN_OCTETS:]


def differences(dataplane, arrivals):
    """What became of frames that is not what had to; and what must have been counted for all."""
    wrong, packets, octets = [], Counter(), Counter()
    for port, frame in arrivals:
        wanted = reference.outcome(port, frame)
        verdict, reason, leaving = seen(dataplane.run(port, frame, 10**12))
        blank = bytearray(leaving)
        for at in wanted.wild:
            blank[at : at + 1] = wanted.frame[at : at + 1]
        dropped = verdict == "drop"  # its reason is counted, not told
        if (verdict, reason, bytes(blank)) != (
            wanted.verdict,
            "" if dropped else wanted.reason,
            wanted.frame,
        ):
            wrong.append((port, frame.hex(), wanted, verdict, reason, leaving.hex()))
        if wanted.verdict == "drop":
            packets[wanted.reason] += 1
            octets[wanted.reason] += len(frame)
        elif wanted.verdict == "forward":
            is_uplink = port == network.ACCESS_PORT
            usage_id = network.UPLINK_USAGE if is_uplink else network.DOWNLINK_USAGE
            packets[usage_id] += 1
            octets[usage_id] += wanted.charged
    return wrong, {key: (packets[key], octets[key]) for key in packets}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_hostile_packets_become_what_they_must(program, dataplane, family):
    arrivals = list(family())
    if isinstance(dataplane, Interpreter) and len(arrivals) > 1000:
        arrivals = arrivals[::INTERPRETED]
    counts = Counts(program, dataplane)
    wrong, counted = differences(dataplane, arrivals)
    assert not wrong, f"{len(wrong)} of {len(arrivals)}, the first {wrong[0]}"
    assert counts.since() == counted


def test_every_sound_packet_is_forwarded():
    assert {reference.outcome(*arrival).verdict for arrival in frames.sound()} == {"forward"}


def test_reference_finds_a_wrong_forward(dataplane):
    """A UPF that let the UE send from another address would be told."""
    port, frame = frames.on_n3(frames.g_pdu(frames.from_ue()))
    spoofed = frame.replace(network.UE_IPV4, network.SERVER_IPV4)
    assert reference.outcome(port, spoofed) == reference.Outcome("drop", "SPOOFED_SOURCE")

    class Forwards:
        def run(self, port, _frame, now_ns):
            return dataplane.run(port, frame, now_ns)

    wrong, _ = differences(Forwards(), [(port, spoofed)])
    assert len(wrong) == 1

"""The benchmark of the data plane, with few frames: that it measures what it says."""

from pathlib import Path

import pytest

from p4xdp import frontend
from testbed.bench.forwarding import cores
from testbed.bench.forwarding.measuring import METERED, UNMETERED, cases, measure
from testbed.bench.forwarding.path import Paths
from testbed.bench.forwarding.population import Population, sizes_for, usage_cell, usage_id
from testbed.bench.forwarding.report import markdown

pytestmark = pytest.mark.root

P4 = Path(__file__).parents[2] / "p4"
SESSIONS = 20


def test_all_frames_are_forwarded_metered_and_counted():
    with Paths(P4 / "build", sizes_for(SESSIONS), cpu=0) as paths:
        population = Population(frontend.load(P4 / "upf.p4"), paths.dataplane, SESSIONS)
        figures = [
            measure(paths, case, SESSIONS, frames=2000, rounds=1)
            for case in cases(UNMETERED, [64, 600])
        ]
        before = counted(paths.dataplane)
        population.meter()
        figures += [
            measure(paths, case, SESSIONS, frames=2000, rounds=1) for case in cases(METERED, [64])
        ]
        assert all(0 < one.bare_ns < one.tern_ns for one in figures)
        assert all(count > 0 for count in before.values())
        assert counted(paths.dataplane) != before
        assert not any(paths.dataplane.switch_drops().values())
    page = markdown(
        {"cpu": "a", "cores": 1, "kernel": "b", "load": 0, "sessions": SESSIONS, "rounds": 1},
        figures,
    )
    assert page.count("| uplink |") == page.count("| downlink |") == len(figures) / 2


def counted(dataplane):
    """Packets of every session's directions."""
    return {
        usage: dataplane.read_counter(*usage_cell(usage), 1)[0].packets
        for session in range(SESSIONS)
        for usage in (usage_id(session, 1), usage_id(session, 2))
    }


def test_two_cores_send_at_the_same_time():
    with Paths(P4 / "build", sizes_for(SESSIONS), cpu=0) as paths:
        Population(frontend.load(P4 / "upf.p4"), paths.dataplane, SESSIONS)
        figures = list(cores.measure(paths, (0, 1), SESSIONS, 64, rounds=1, seconds=0.1))
        assert not any(paths.dataplane.switch_drops().values())
    bare, tern = figures
    assert 0 < min(bare.alone_ns) < min(tern.alone_ns)
    assert all(0 < one.gain < 3 for one in figures)
    page = cores.markdown({"cpu": "a", "cores": 2, "kernel": "b", "load": 0}, figures)
    assert "| tern | 20 | 64 |" in page


def test_what_both_gain_is_in_proportion_to_one():
    assert cores.Figure("tern", 1, 64, (100, 100), (100, 100)).gain == 2
    assert cores.Figure("tern", 1, 64, (100, 100), (200, 200)).gain == 1

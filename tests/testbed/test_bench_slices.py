"""The short form of the load on slices: what is acknowledged is there, also after a restart. How
fast is for `make bench-slices` to say, on a machine that does nothing else.
"""

from __future__ import annotations

import pytest

from testbed.bench import slices as bench


@pytest.mark.root
def test_no_change_is_lost_while_sessions_and_traffic_go_on(tmp_path):
    result = bench.measure(per_s=100, seconds=3, directory=tmp_path)
    assert (result.lost, result.lost_by_restart) == (0, 0)
    assert result.changes >= 280
    assert result.memory_after_mib <= result.memory_before_mib + 8


def result(**changes):
    good = {
        "changes": 1500,
        "changes_per_s": 500.0,
        "change_p50_ms": 2.0,
        "change_p99_ms": 9.0,
        "conflicts": 3,
        "lost": 0,
        "lost_by_restart": 0,
        "n4_p50_quiet_ms": 2.0,
        "n4_p50_during_ms": 2.5,
        "n4_p99_quiet_ms": 4.0,
        "n4_p99_during_ms": 6.0,
        "upf_cores": 0.4,
        "memory_before_mib": 90.0,
        "memory_after_mib": 90.5,
    }
    return bench.Result(**{**good, **changes})


@pytest.mark.parametrize(
    "change",
    [
        {"lost": 1},
        {"lost_by_restart": 1},
        {"changes_per_s": 450.0},
        {"change_p99_ms": 51.0},
        {"n4_p99_during_ms": 8.1},
        {"memory_after_mib": 95.0},
    ],
    ids=str,
)
def test_each_thing_that_is_not_as_it_must_be_is_told(change):
    assert result().faults(500) == []
    assert len(result(**change).faults(500)) == 1


def test_the_median_of_runs_is_judged_but_nothing_lost_is_forgotten():
    judged = bench.summary([result(lost=1, change_p99_ms=99.0), result(), result()])
    assert (judged.lost, judged.change_p99_ms) == (1, 9.0)

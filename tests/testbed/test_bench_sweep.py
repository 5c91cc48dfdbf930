"""The benchmark of sweeps, with few sessions: that it measures what it says."""

import pytest

from testbed.bench.sweep import figures_of, report

pytestmark = pytest.mark.root


def test_sweeps_find_what_is_due_and_nothing_else():
    figures = figures_of(200)
    assert [each.reports for each in figures] == [0, 0, 0, 2 * 200 // 100]
    assert all(each.counters == 400 for each in figures)
    assert sum("| 400 |" in line for line in report(figures)) == len(figures)

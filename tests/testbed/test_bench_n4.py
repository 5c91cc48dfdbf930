"""The benchmarks of N4 and of writes, small: that they measure what they say."""

import pytest

from testbed.bench import n4, writes
from testbed.load.templates import Shape

pytestmark = pytest.mark.root


def test_sessions_are_measured_at_each_size(monkeypatch):
    monkeypatch.setattr(n4, "_MEASURED", 50)
    monkeypatch.setattr(n4, "_OFFERED_S", 1)
    monkeypatch.setattr(n4, "_OFFERED_PER_S", (50,))
    monkeypatch.setattr(n4, "_WINDOW", 16)
    figures, memory = n4.measure(Shape.OPEN5GS, [560])
    phases = [each.phase.partition(":")[0] for each in figures]
    assert phases == ["establish", "modify", "mix", "delete"]
    assert [each.failed for each in figures] == [0] * 4
    assert figures[0].sessions == 560
    assert all(each.per_s > 0 and each.p99_ms >= each.p50_ms > 0 for each in figures)
    assert all(each.upf > 0 and each.switch > 0 and each.maps > 0 for each in memory)
    page = list(n4.report(HOST, figures, memory))
    assert sum("| open5gs |" in line for line in page) == len(figures) + len(memory)


HOST = {"cpu": "a CPU", "cores": 2, "load": 0.0, "python": "3", "kernel": "6"}


def test_entries_are_inserted_changed_and_removed(monkeypatch):
    monkeypatch.setattr(writes, "_BATCHES", (1, 20))
    monkeypatch.setattr(writes, "_WARM_UP", 10)
    figures = writes.figures_of(40)
    assert [(each.what, each.batch) for each in figures] == [
        (what, batch) for batch in (1, 20) for what in ("insert", "modify", "delete")
    ]
    assert all(each.entries == 40 and each.per_s > 0 for each in figures)
    assert sum("| 40 |" in line for line in writes.report(HOST, figures)) == 6

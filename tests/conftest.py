"""What every test may rely on."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason in the summary, what this user or machine cannot run."""
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason="needs root"))
    if not os.environ.get("P4C"):
        for item in items:
            if item.get_closest_marker("tofino"):
                item.add_marker(pytest.mark.skip(reason="needs a p4c: set P4C=/path/to/p4c"))

"""Faults under traffic, a few of them; `python -m testbed.faults.restarts` makes many."""

import pytest

from testbed.faults.restarts import kill_repeatedly

pytestmark = pytest.mark.root


def test_a_switch_killed_while_it_is_written_loses_no_frame_no_count_and_no_entry():
    account = kill_repeatedly(3, per_s=1000, seed=3)
    assert account.is_clean, str(account)
    assert account.sent > 3000
    assert account.entries > 10

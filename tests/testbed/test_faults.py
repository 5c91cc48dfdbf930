"""Faults under traffic and requests, a few of them; `python -m testbed.faults.restarts` and
`testbed.faults.upf_kills` make many.
"""

import pytest

from testbed.faults.restarts import kill_repeatedly
from testbed.faults.upf_kills import kill_repeatedly as kill_upf_repeatedly

pytestmark = pytest.mark.root


def test_a_switch_killed_while_it_is_written_loses_no_frame_no_count_and_no_entry():
    account = kill_repeatedly(3, per_s=1000, seed=3)
    assert account.is_clean, str(account)
    assert account.sent > 3000
    assert account.entries > 10


def test_smfs_notice_nothing_of_a_upf_and_a_switch_killed_while_they_ask(tmp_path):
    account = kill_upf_repeatedly(3, seed=5, directory=tmp_path)
    assert account.is_clean, str(account)
    assert account.answered > 100

"""p4/upf.p4 by interpreter and by XDP: entries and packets at random, nothing may differ."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from p4xdp import frontend
from testbed.differential.campaign import PACKETS as PACKETS_OF_ONE
from testbed.differential.campaign import Campaign, minimal, told
from testbed.differential.sides import Sides

ROOT = Path(__file__).parents[3]

# In every commit, and always the same. `make differential PACKETS=1000000` is the long search.
PACKETS = 20_000


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    program = frontend.load(ROOT / "p4" / "upf.p4")
    built = Sides.build(program, tmp_path_factory.mktemp("upf"))
    yield built
    built.close()


@pytest.mark.root
def test_xdp_does_what_the_interpreter_does(sides):
    """With enough packets, that get everywhere in the program."""
    campaign = Campaign(sides)

    @settings(
        max_examples=PACKETS // PACKETS_OF_ONE + 4,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),  # `minimal` makes it smaller, sooner
        suppress_health_check=list(HealthCheck),
    )
    @given(seed=st.integers(0, (1 << 64) - 1))
    def search(seed):
        scenario, difference = campaign.run_seed(seed)
        assert difference is None, told(*minimal(scenario, sides))

    search()
    assert campaign.packets >= PACKETS
    assert campaign.coverage.share >= 0.95, campaign.coverage.missing()

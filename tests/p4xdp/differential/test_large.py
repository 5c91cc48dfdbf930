"""Programs that have no room on BPF's stack are compiled in another way, to the same effect. Here
small ones are, which use all there is."""

from pathlib import Path

import pytest

from p4xdp import frontend
from p4xdp.xdp import storage
from testbed.differential.campaign import Campaign, told
from testbed.differential.sides import Sides

pytestmark = pytest.mark.root

HERE = Path(__file__).parent
SOURCES = [
    *sorted((HERE.parent / "programs").glob("*.p4")),
    HERE / "operators.p4",
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_program_with_its_state_in_the_scratchpad_does_the_same(source, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "_MOST_VARIABLES", 0)
    sides = Sides.build(frontend.load(source), tmp_path)
    try:
        campaign = Campaign(sides)
        for seed in range(3):
            scenario, difference = campaign.run_seed(seed)
            assert difference is None, told(scenario, difference)
    finally:
        sides.close()
    c_text = (tmp_path / "program.bpf.c").read_text()
    assert "packet->" in c_text
    # The ways of likely.p4: as short as can be, with a tag, and past what is skipped.
    assert ("likely_packet" in c_text) == (source.stem == "likely")

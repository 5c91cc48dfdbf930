"""Generated code with a fault put into it: the search finds each within what CI spends on it."""

import re
from pathlib import Path

import pytest

from p4xdp import frontend
from testbed.differential.campaign import Campaign
from testbed.differential.sides import Sides

pytestmark = pytest.mark.root

ROOT = Path(__file__).parents[3]
RUNTIME = ROOT / "p4xdp" / "xdp" / "runtime.h"
UPF = ROOT / "p4" / "upf.p4"
PROGRAMS = Path(__file__).parents[1] / "programs"
OPERATORS = Path(__file__).with_name("operators.p4")
UNUSED = '#pragma clang diagnostic ignored "-Wunused-function"\n'
PACKETS = 20_000  # as test_campaign.py sends

# Of what, in which program, what stands there (a regular expression), and what stands there then.
FAULTS = {
    "checksum folded once": (
        UPF,
        r"= checksum_of\((\w+)\)",
        r"= (__u16)~((\1 & 0xffff) + (\1 >> 16))",
    ),
    "checksum not folded": (UPF, r"= checksum_of\((\w+)\)", r"= (__u16)~\1"),
}


def spoiled(c_text, pattern, replacement):
    """The C with its fault, and all that it includes of ours in it."""
    whole = c_text.replace('#include "runtime.h"', UNUSED + RUNTIME.read_text())
    changed, times = re.subn(pattern, replacement, whole, count=1)
    assert times, f"nothing like {pattern} in the generated code"
    return changed


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_generated_code_is_found(fault, tmp_path):
    source, pattern, replacement = FAULTS[fault]
    program = frontend.load(source)
    sides = Sides.build(program, tmp_path, lambda text: spoiled(text, pattern, replacement))
    try:
        campaign = Campaign(sides)
        difference, seed = None, 0
        while difference is None and campaign.packets < PACKETS:
            _, difference = campaign.run_seed(seed)
            seed += 1
        assert difference is not None, f"not found in {campaign.packets} packets"
    finally:
        sides.close()

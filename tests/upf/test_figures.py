"""What slices lose, from counters that outlive them."""

from __future__ import annotations

from upf.entry import Counts
from upf.figures import SliceDrops
from upf.tables import SLICE_DROP_COUNTER
from upf.usage import Volume


async def test_drops_count_from_the_first_look_and_anew_for_a_new_owner(target):
    drops = SliceDrops(target)
    target.counts[SLICE_DROP_COUNTER, 3] = Counts(5, 500)
    assert await drops.update([0, 1]) == {0: Volume(), 1: Volume()}
    target.counts[SLICE_DROP_COUNTER, 3] = Counts(7, 700)
    target.counts[SLICE_DROP_COUNTER, 0] = Counts(1, 100)
    assert await drops.update([0, 1]) == {
        0: Volume(uplink=Counts(1, 100)),
        1: Volume(downlink=Counts(2, 200)),
    }
    drops.forget(1)
    assert await drops.update([1]) == {1: Volume()}

"""Places of rules are not given out again while packets may still be there."""

from p4xdp.xdp.places import Places


class FakeFence:
    def __init__(self):
        self.waits = 0

    def wait(self):
        self.waits += 1


def test_what_is_given_back_waits_for_the_fence():
    fence = FakeFence()
    places = Places(1, 4, fence)
    assert [places.take() for _ in range(2)] == [1, 2]
    places.give_back(1)
    assert (places.take(), fence.waits) == (3, 0)
    assert (places.take(), fence.waits) == (1, 1)


def test_one_fence_serves_all_that_came_back_before():
    fence = FakeFence()
    places = Places(1, 4, fence)
    taken = [places.take() for _ in range(3)]
    for number in taken:
        places.give_back(number)
    assert sorted(places.take() for _ in range(3)) == taken
    assert fence.waits == 1

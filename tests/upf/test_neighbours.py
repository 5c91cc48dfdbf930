"""Packets that wait for a MAC address."""

from __future__ import annotations

from ipaddress import IPv4Address

from upf.neighbours import MAX_ADDRESSES, MAX_PACKETS_PER_ADDRESS, WAIT_S, NeighbourQueues

GATEWAY = (2, IPv4Address("10.100.6.2"))


def frame(n):
    return 1, bytes(14) + bytes([n])


def test_only_the_first_packet_calls_for_resolution():
    queues = NeighbourQueues()
    assert [queues.hold(GATEWAY, frame(n), 0.0) for n in range(3)] == [True, False, False]


def test_packets_go_on_in_order():
    queues = NeighbourQueues()
    for n in range(3):
        queues.hold(GATEWAY, frame(n), 0.0)
    assert queues.release(GATEWAY) == [frame(0), frame(1), frame(2)]
    assert queues.release(GATEWAY) == []


def test_packets_that_waited_too_long_are_dropped_and_counted():
    queues = NeighbourQueues()
    queues.hold(GATEWAY, frame(0), 10.0)
    queues.expire(10.0 + WAIT_S - 0.01)
    assert queues.held == 1
    queues.expire(10.0 + WAIT_S)
    assert (queues.held, queues.counts.expired) == (0, 1)
    assert queues.hold(GATEWAY, frame(0), 20.0)


def test_queue_is_bounded_and_accounted_for():
    queues = NeighbourQueues()
    for n in range(MAX_PACKETS_PER_ADDRESS + 5):
        queues.hold(GATEWAY, frame(n % 256), 0.0)
    for n in range(MAX_ADDRESSES + 5):
        queues.hold((1, IPv4Address(n)), frame(0), 0.0)
    queues.release((1, IPv4Address(0)))
    queues.expire(0.0)
    counts = queues.counts
    assert counts.refused == 5 + 6
    assert counts.stored == counts.sent + counts.expired + counts.refused + queues.held

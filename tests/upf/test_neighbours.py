"""Packets that wait for a MAC address."""

from __future__ import annotations

from ipaddress import IPv4Address

from upf.neighbours import MAX_ADDRESSES, MAX_PACKETS_PER_ADDRESS, WAIT_S, NeighbourQueues

GATEWAY = (2, IPv4Address("10.100.6.2"))


def frame(n):
    return bytes(12) + b"\x08\x00" + bytes([n])


def test_only_the_first_packet_calls_for_resolution():
    queues = NeighbourQueues()
    assert [queues.hold(GATEWAY, frame(n), 0.0) for n in range(3)] == [True, False, False]


def test_packets_leave_in_order_with_the_addresses_found():
    queues = NeighbourQueues()
    for n in range(3):
        queues.hold(GATEWAY, frame(n), 0.0)
    sent = queues.release(GATEWAY, 0x020000000001, 0x020000000002)
    assert [each[-1] for each in sent] == [0, 1, 2]
    assert sent[0][:12].hex() == "020000000002" + "020000000001"
    assert queues.release(GATEWAY, 1, 2) == []


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
    queues.release((1, IPv4Address(0)), 1, 2)
    queues.expire(0.0)
    counts = queues.counts
    assert counts.refused == 5 + 6
    assert counts.stored == counts.sent + counts.expired + counts.refused + queues.held

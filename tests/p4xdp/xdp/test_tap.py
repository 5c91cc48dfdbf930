"""Watching a port at work."""

import os
import socket
import time

import pytest

from p4xdp.dataplane import Entry, Match
from p4xdp.xdp import XdpDataplane
from p4xdp.xdp.errors import PortError
from p4xdp.xdp.namespaces import Peer
from p4xdp.xdp.tap import Shown

pytestmark = pytest.mark.root

HEAD = bytes.fromhex("ffffffffffff020000000001 88b5")
ETHER_TYPE = 0x88B5


def frame(number, octets=60):
    return HEAD + number.to_bytes(4, "big") + bytes(octets - len(HEAD) - 4)


@pytest.fixture(params=["native", "generic"])
def mode(request):
    return request.param


@pytest.fixture
def switch(opened, wire, hosts, mode):
    dataplane = opened(wire, dict(enumerate(hosts, 1)), mode=mode)
    dataplane.insert_entries("Ingress.wires", [Entry((Match(1, 0x1FF),), "Ingress.send", (2,))])
    return dataplane


@pytest.fixture
def far_ends(hosts):
    """Sockets of the hosts behind the ports."""
    sockets = []
    for namespace in hosts.values():
        fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        make = lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHER_TYPE))  # noqa: E731
        sockets.append(Peer("eth0", namespace, fd).run(make))
        sockets[-1].bind(("eth0", ETHER_TYPE))
        sockets[-1].settimeout(5)
        os.close(fd)
    yield sockets
    for each in sockets:
        each.close()


def ours(tap):
    """What is shown, but for what hosts say on their own."""
    return [one for one in tap.take() if one.octets[12:14] == HEAD[12:14]]


def all_of(tap, expected):
    shown = []
    end = time.monotonic() + 5
    while len(shown) < expected and time.monotonic() < end:
        shown += ours(tap)
    time.sleep(0.05)
    return shown + ours(tap)


def test_frames_are_shown_as_they_were_received_and_go_on(switch, far_ends):
    tap = switch.tap(1)
    for number in range(3):
        far_ends[0].send(frame(number))
    assert all_of(tap, 3) == [Shown(frame(number), 60) for number in range(3)]
    assert (tap.seen >= 3, tap.missed) == (True, 0)
    tap.close()
    far_ends[0].send(frame(3))
    assert [far_ends[1].recv(100) for _ in range(4)] == [frame(number) for number in range(4)]


def test_only_frames_with_all_the_wanted_octets_are_shown(switch, far_ends):
    tap = switch.tap(1, [(7).to_bytes(4, "big"), HEAD[6:14]])
    for number in (6, 7, 8):
        far_ends[0].send(frame(number))
    assert [one.octets for one in all_of(tap, 1)] == [frame(7)]
    assert tap.seen >= 3
    tap.close()


def test_of_a_long_frame_the_beginning_and_the_length_are_shown(switch, far_ends, hosts):
    tap = switch.tap(1)
    far_ends[0].send(frame(1, 1500))
    assert all_of(tap, 1) == [Shown(frame(1, 1500), 1500)]
    tap.close()


def test_frames_that_nobody_takes_are_counted_and_forwarded(switch, far_ends):
    tap = switch.tap(1)
    for number in range(1200):
        far_ends[0].send(frame(number))
        assert far_ends[1].recv(100) == frame(number)
    assert tap.missed == tap.seen - len(tap.take()) > 0
    tap.close()


def test_frames_of_another_port_are_not_shown(switch, far_ends):
    tap = switch.tap(2)
    far_ends[0].send(frame(1))
    assert far_ends[1].recv(100) == frame(1)
    assert ours(tap) == []
    tap.close()


def test_one_at_a_time_may_watch_a_port_that_is_there(switch):
    tap = switch.tap(1)
    with pytest.raises(PortError, match="somebody watches port 1 already"):
        switch.tap(1)
    tap.close()
    switch.tap(1).close()
    with pytest.raises(PortError, match="there is no port 7"):
        switch.tap(7)


def test_a_port_may_go_while_it_is_watched(switch, hosts):
    tap = switch.tap(1)
    switch.detach_port(1)
    tap.close()
    switch.attach_port(1, next(iter(hosts)))
    switch.tap(1).close()


def test_a_process_that_dies_watching_leaves_a_port_that_forwards(
    built, wire, hosts, far_ends, home
):
    ports = dict(enumerate(hosts, 1))
    dataplane = XdpDataplane.open(built(wire), ports, home=home())
    dataplane.insert_entries("Ingress.wires", [Entry((Match(1, 0x1FF),), "Ingress.send", (2,))])
    tap = dataplane.tap(1)
    # As the kernel does when a process is killed: all its descriptors go, the pins stay.
    tap.abandon()
    dataplane.close()
    far_ends[0].send(frame(1))
    assert far_ends[1].recv(100) == frame(1)
    following = XdpDataplane.open(built(wire), ports, home=home())
    following.tap(1).close()
    far_ends[0].send(frame(2))
    assert far_ends[1].recv(100) == frame(2)
    following.remove()

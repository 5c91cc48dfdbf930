"""What goes wrong around a switch costs packets that are counted, and nothing else."""

import asyncio
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from p4xdp.dataplane import CloneSession, Entry, Match, Replica
from p4xdp.xdp.namespaces import Peer

pytestmark = pytest.mark.root

PROGRAMS = Path(__file__).parents[1] / "programs"
ETHER_TYPE = 0x88B5
HEAD = bytes.fromhex("ffffffffffff020000000001 88b5")


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def packet_socket(namespace):
    """A packet socket on the far end of a port."""
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    kind = socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHER_TYPE)
    found = Peer("eth0", namespace, fd).run(lambda: socket.socket(*kind))
    os.close(fd)
    found.bind(("eth0", ETHER_TYPE))
    found.settimeout(5)
    return found


def send(port_in, port_out):
    return Entry((Match(port_in, 0x1FF),), "Ingress.send", (port_out,))


def until(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_port_that_vanishes_costs_its_own_packets_alone(opened, wire, hosts):
    (first, near), (second, far) = hosts.items()
    switch = opened(wire, {1: first, 2: second})
    switch.insert_entries("Ingress.wires", [send(1, 2), send(2, 1)])
    with packet_socket(near) as sender:
        with packet_socket(far) as receiver:
            sender.send(HEAD + bytes(46))
            assert receiver.recv(100) == HEAD + bytes(46)
        ip("link", "del", second)
        for _ in range(100):
            sender.send(HEAD + bytes(46))
        until(lambda: switch.switch_drops()["no_egress_port"] == 100)
        # Nothing else suffers: what is for the other port goes there.
        switch.modify_entries("Ingress.wires", [send(1, 1)])
        with packet_socket(near) as own:
            sender.send(HEAD + b"back" + bytes(60))
            until(lambda: b"back" in own.recv(100))


async def fetched(switch):
    switch.on_packet_in(lambda _frame: None)
    await asyncio.sleep(0.2)


def test_copies_longer_than_the_kernel_takes_are_counted_and_their_packets_go_on(opened, hosts):
    (first, near), (second, far) = hosts.items()
    for interface, namespace in hosts.items():
        ip("link", "set", interface, "mtu", "9000")
        ip("-n", namespace, "link", "set", "eth0", "mtu", "9000")
    switch = opened((PROGRAMS / "mirror.p4").read_text(), {1: first, 2: second})
    switch.set_clone_session(7, CloneSession((Replica(2, 5),)))
    head = bytes([3, 0, 0, 7, 0, 0, 0, 9, 0, 2, 0, 0]) + b"\x88\xb5" + bytes(2)
    with packet_socket(near) as sender, packet_socket(far) as receiver:
        receiver.settimeout(1)
        for octets in (5000, 1000):
            sender.send(head + bytes(octets))
        received = {len(receiver.recv(10_000)) for _ in range(2)}
    assert received == {len(head) + 5000, len(head) + 1000}
    asyncio.run(fetched(switch))
    assert switch.switch_drops()["copy_too_long"] == 1


def test_digests_that_nobody_fetches_are_counted(opened):
    switch = opened((PROGRAMS / "digest.p4").read_text(), testing=True)
    tells = bytes([1, 0]) + bytes(126)  # a frame that has the controller told of it
    switch.measure(1, tells, repeat=100, now_ns=1)
    assert switch.switch_drops()["digests_busy"] == 0
    switch.measure(1, tells, repeat=20_000, now_ns=1)  # the ring holds 1 MiB of 72 octets each
    assert 0 < switch.switch_drops()["digests_busy"] < 20_000
    assert switch.run(1, tells, 1).verdict == "forward"

"""A switch that outlives its process: what the next one finds, and what packets notice (nothing)."""

import os

import pytest

from p4xdp.dataplane import CounterValue, Entry, Match
from p4xdp.xdp.home import Home, HomeError
from p4xdp.xdp.namespaces import interface

pytestmark = pytest.mark.root

TABLE = "Ingress.wires"


def send(port_in, port_out):
    return Entry((Match(port_in, 0x1FF),), "Ingress.send", (port_out,))


@pytest.fixture
def home(tmp_path):
    """Enter the home of the switch under test, as often as wanted; in the end it is removed."""
    entered = []

    def enter():
        entered.append(Home.enter("test", tmp_path, wait_s=0))
        return entered[-1]

    yield enter
    if entered:
        entered[-1].leave()
        enter().remove()


def test_entries_and_ports_are_there_again(opened, wire, hosts, home):
    ports = dict(enumerate(hosts, 1))
    before = opened(wire, ports, home=home())
    before.insert_entries(TABLE, [send(1, 2), send(2, 1)])
    before.set_default(TABLE, "Ingress.send", (5,))
    before.close()
    assert all(interface(name).program_id for name in hosts)
    after = opened(wire, ports, home=home())
    assert list(after.held_entries(TABLE)) == [send(1, 2), send(2, 1)]
    assert after.held_default(TABLE) == ("Ingress.send", (5,))
    assert after.port_names() == ports
    after.remove()
    assert not any(interface(name).program_id for name in hosts)

"""A namespace with one interface and no neighbours, for a switch that is measured alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from testbed import netns
from testbed.command import run
from testbed.topology import Lab, Topology

INTERFACE = "n3"
_ROOM = "upf"


@contextmanager
def alone() -> Iterator[None]:
    """Be in a namespace of its own, where `INTERFACE` is."""
    with Lab(Topology(rooms=(_ROOM,), links=(), routes=())) as lab:
        namespace = lab.namespace(_ROOM)
        pair = ("link", "add", INTERFACE, "type", "veth", "peer", "name", f"{INTERFACE}far")
        run("ip", "-n", namespace, *pair)
        run("ip", "-n", namespace, "link", "set", INTERFACE, "up")
        with netns.entered(namespace):
            yield

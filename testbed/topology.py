"""The lab as data, and the lab made of it.

    ue1 …  (TUN)                 core  SMF 10.100.4.1
       |                          | N4 10.100.4.0/24
      ran  gNB 10.100.3.2 ─────  upf ───── dn  server 10.100.6.2
             N3 10.100.3.0/24         N6 10.100.6.0/24

Each room is a network namespace, each line a veth pair. The UPF's namespace holds what an
operator's host would: interfaces with addresses and a default route, and no forwarding by the
kernel.
"""

import contextlib
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_interface,
)
from pathlib import Path
from typing import Self

from testbed import netns
from testbed.command import run


@dataclass(frozen=True)
class End:
    """One end of a link: the room it is in, its interface name there and its addresses."""

    room: str
    interface: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...]


@dataclass(frozen=True)
class Link:
    """A veth pair between a UPF and one of its neighbours, maybe another UPF."""

    upf: End
    peer: End


@dataclass(frozen=True)
class Route:
    """A static route of one room."""

    room: str
    destination: IPv4Network | IPv6Network
    via: IPv4Address | IPv6Address


@dataclass(frozen=True)
class Topology:
    """Rooms, links and routes of a lab. `upfs` are the rooms where a UPF runs."""

    rooms: tuple[str, ...]
    links: tuple[Link, ...]
    routes: tuple[Route, ...]
    upfs: tuple[str, ...] = ("upf",)


def link(interface: str, upf: str, room: str, peer: str, *, upf_room: str = "upf") -> Link:
    """A veth pair called `interface` at both ends; addresses are written one after the other."""
    return Link(
        End(upf_room, interface, tuple(map(ip_interface, upf.split()))),
        End(room, interface, tuple(map(ip_interface, peer.split()))),
    )


UE_POOL = IPv4Network("10.45.0.0/16")
SMF_ADDRESS = IPv4Address("10.100.4.1")
UPF_N4_ADDRESS = IPv4Address("10.100.4.2")
UPF_N3_ADDRESS = IPv4Address("10.100.3.1")
UPF_N6_ADDRESS = IPv4Address("10.100.6.1")
GNB_ADDRESS = IPv4Address("10.100.3.2")
DN_ADDRESS = IPv4Address("10.100.6.2")

SINGLE_UPF = Topology(
    rooms=("core", "upf", "ran", "dn"),
    links=(
        link("n4", "10.100.4.2/24", "core", "10.100.4.1/24"),
        link("n3", "10.100.3.1/24", "ran", "10.100.3.2/24"),
        link("n6", "10.100.6.1/24", "dn", "10.100.6.2/24"),
    ),
    routes=(
        Route("upf", IPv4Network("0.0.0.0/0"), DN_ADDRESS),
        Route("dn", UE_POOL, UPF_N6_ADDRESS),
    ),
)


@dataclass
class Lab:
    """A topology made real for the length of a `with` block, and gone after it.

    Leaving the block, by whatever way, ends every process in the lab's namespaces and removes them.
    """

    topology: Topology = SINGLE_UPF
    _id: netns.LabId = field(default_factory=netns.LabId)
    _cleanup: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def id(self) -> str:
        """What tells this lab's names from those of another one running at the same time."""
        return self._id.value

    def namespace(self, room: str) -> str:
        """The name of the network namespace that plays `room`."""
        return self._id.name(room)

    def add_room(self, room: str) -> str:
        """Make one more namespace (a UE's, say) that lives as long as the lab; return its name."""
        name = self.namespace(room)
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        return name

    def __enter__(self) -> Self:
        netns.sweep()
        with contextlib.ExitStack() as building:
            building.enter_context(self._id)
            building.callback(self._remove_rooms)
            for room in self.topology.rooms:
                self.add_room(room)
            for each in self.topology.links:
                self._connect(each)
            for route in self.topology.routes:
                self._add_route(route)
            for room in self.topology.upfs:
                self._forbid_kernel_forwarding(room)
            self._cleanup = building.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self._cleanup.close()

    def _remove_rooms(self) -> None:
        for namespace in netns.namespaces_of(self.id):
            netns.remove(namespace)

    def _connect(self, link: Link) -> None:
        upf, peer = self.namespace(link.upf.room), self.namespace(link.peer.room)
        argv = (
            *("ip", "-n", upf, "link", "add", "name", link.upf.interface, "type", "veth"),
            *("peer", "name", link.peer.interface, "netns", peer),
        )
        run(*argv)
        for end in (link.upf, link.peer):
            self._configure(end)
        # XDP on the UPF's end redirects past the stack: frames reach the far end only where that
        # one polls (NAPI, which GRO turns on), and must leave it with their checksums computed.
        for end in (link.peer, link.upf) if link.peer.room in self.topology.upfs else (link.peer,):
            namespace = self.namespace(end.room)
            run("ethtool", "-K", end.interface, "gro", "on", "tx", "off", namespace=namespace)

    def _configure(self, end: End) -> None:
        namespace = self.namespace(end.room)
        for each in end.addresses:
            # Nobody else can have an IPv6 address of a lab: no need to ask the link first.
            detection = ("nodad",) if each.version == 6 else ()
            address = ("address", "add", str(each), "dev", end.interface, *detection)
            run("ip", "-n", namespace, *address)
        run("ip", "-n", namespace, "link", "set", end.interface, "up")

    def _add_route(self, route: Route) -> None:
        argv = ("route", "add", str(route.destination), "via", str(route.via))
        run("ip", "-n", self.namespace(route.room), *argv)

    def _forbid_kernel_forwarding(self, room: str) -> None:
        with netns.entered(self.namespace(room)):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("0\n", encoding="ascii")

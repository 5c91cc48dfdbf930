"""The kernel of our network namespace: its interfaces, routes and neighbours, read and watched.

Whatever changes, all is read anew: what was missed or came out of order does no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from upf.ports import PortStatistics, speed_mbps
from upf.routes import DEFAULT_MTU, KernelState, Link, Neighbour, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from upf.rules import IPAddress

_RTMGRP_LINK = 0x1
_RTMGRP_NEIGH = 0x4
_RTMGRP_IPV4_IFADDR = 0x10
_RTMGRP_IPV4_ROUTE = 0x40
_RTMGRP_IPV6_IFADDR = 0x100
_RTMGRP_IPV6_ROUTE = 0x400
_RTMGRP_IPV4 = _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV4_ROUTE
_RTMGRP_IPV6 = _RTMGRP_IPV6_IFADDR | _RTMGRP_IPV6_ROUTE
_IFF_UP = 0x1
_RT_TABLE_MAIN = 254
_RTN_UNICAST = 1
_RT_SCOPE_UNIVERSE = 0
_NTF_USE = 0x01
_NUD_REACHABLE, _NUD_STALE, _NUD_DELAY, _NUD_PROBE = 0x02, 0x04, 0x08, 0x10
_NUD_FAILED, _NUD_NOARP, _NUD_PERMANENT = 0x20, 0x40, 0x80
# States in which the MAC address may be used.
_NUD_VALID = _NUD_REACHABLE | _NUD_STALE | _NUD_DELAY | _NUD_PROBE | _NUD_NOARP | _NUD_PERMANENT
# Changes come in bursts; wait this long for the rest of one.
_SETTLE_S = 0.02
_RECEIVE_OCTETS = 65536
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_DEFAULT_DST: dict[int, IPAddress] = {
    socket.AF_INET: IPv4Address(0),
    socket.AF_INET6: IPv6Address(0),
}


class Kernel:
    """Reads and watches. pyroute2 blocks, so it has a thread of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="netlink")
        self._route: Any = None
        self._watch: socket.socket | None = None
        self._pending: asyncio.TimerHandle | None = None

    async def read(self) -> KernelState:
        """What the kernel knows now."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    async def probe(self, index: int, address: IPAddress) -> None:
        """Have the kernel find, or confirm, who has an address on an interface."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._probe, index, address)

    async def ports(self, names: Iterable[str]) -> Mapping[str, PortStatistics]:
        """What the kernel counts on these interfaces; those that are not there are left out."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._ports, frozenset(names))

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call back, once for a burst, when links, addresses, routes or neighbours change."""
        self._watch = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        groups = _RTMGRP_LINK | _RTMGRP_NEIGH | _RTMGRP_IPV4 | _RTMGRP_IPV6
        self._watch.bind((0, groups))
        loop = asyncio.get_running_loop()

        def settled() -> None:
            self._pending = None
            on_change()

        def readable(watch: socket.socket) -> None:
            # Lost messages (ENOBUFS) are a change too.
            with contextlib.suppress(OSError):
                while watch.recv(_RECEIVE_OCTETS):
                    pass
            if self._pending is None:
                self._pending = loop.call_later(_SETTLE_S, settled)

        loop.add_reader(self._watch.fileno(), readable, self._watch)

    async def close(self) -> None:
        """Stop watching and let go of the thread."""
        if self._pending is not None:
            self._pending.cancel()
        if self._watch is not None:
            asyncio.get_running_loop().remove_reader(self._watch.fileno())
            self._watch.close()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _open(self) -> Any:
        if self._route is None:
            self._route = IPRoute()
        return self._route

    def _close(self) -> None:
        if self._route is not None:
            self._route.close()

    def _read(self) -> KernelState:
        route = self._open()
        links = tuple(
            Link(
                each["index"],
                each.get("IFLA_IFNAME"),
                _mac(each.get("IFLA_ADDRESS")),
                is_up=bool(each["flags"] & _IFF_UP),
                mtu=each.get("IFLA_MTU") or DEFAULT_MTU,
            )
            for each in route.get_links()
        )
        names = {link.index: link.name for link in links}
        addresses: dict[str, IPv4Address] = {}
        for each in route.get_addr(family=socket.AF_INET):
            if each["scope"] == _RT_SCOPE_UNIVERSE and each["index"] in names:
                addresses.setdefault(names[each["index"]], IPv4Address(each.get("IFA_LOCAL")))
        addresses_ipv6: dict[str, IPv6Address] = {}
        for each in route.get_addr(family=socket.AF_INET6):
            if each["scope"] == _RT_SCOPE_UNIVERSE and each["index"] in names:
                address = IPv6Address(each.get("IFA_ADDRESS"))
                addresses_ipv6.setdefault(names[each["index"]], address)
        routes = tuple(
            found
            for family in _FAMILIES
            for each in route.get_routes(family=family, table=_RT_TABLE_MAIN)
            if (found := _route(each, family)) is not None
        )
        neighbours = tuple(
            neighbour
            for family in _FAMILIES
            for each in route.get_neighbours(family=family)
            if (neighbour := _neighbour(each)) is not None
        )
        own = frozenset(
            ip_address(found)
            for family in _FAMILIES
            for each in route.get_addr(family=family)
            if (found := each.get("IFA_LOCAL") or each.get("IFA_ADDRESS"))
        )
        return KernelState(links, addresses, routes, neighbours, addresses_ipv6, own)

    def _ports(self, names: frozenset[str]) -> Mapping[str, PortStatistics]:
        found = {}
        for each in self._open().get_links():
            name, counted = each.get("IFLA_IFNAME"), each.get("IFLA_STATS64")
            if name in names and counted is not None:
                found[name] = PortStatistics(
                    name=name,
                    is_up=bool(each["flags"] & _IFF_UP),
                    mac=_mac(each.get("IFLA_ADDRESS")),
                    mtu=each.get("IFLA_MTU"),
                    speed_mbps=speed_mbps(name),
                    rx_packets=counted["rx_packets"],
                    rx_octets=counted["rx_bytes"],
                    rx_dropped=counted["rx_dropped"],
                    tx_packets=counted["tx_packets"],
                    tx_octets=counted["tx_bytes"],
                    tx_dropped=counted["tx_dropped"],
                )
        return found

    def _probe(self, index: int, address: IPAddress) -> None:
        route = self._open()
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        state = next(
            (
                each["state"]
                for each in route.get_neighbours(family=family, ifindex=index)
                if each.get("NDA_DST") == str(address)
            ),
            None,
        )
        # Using an entry that is permanent would make it forget its MAC address; one that is being
        # resolved needs no help.
        if state and not state & (_NUD_STALE | _NUD_FAILED):
            return
        command = "add" if state is None else "replace"
        # The interface may have gone, or somebody else made the entry, meanwhile.
        with contextlib.suppress(NetlinkError):
            route.neigh(
                command, dst=str(address), ifindex=index, family=family, flags=_NTF_USE, state=0
            )


def _mac(text: str | None) -> int:
    """A MAC address as a number, 0 for an interface that has none."""
    octets = bytes.fromhex((text or "").replace(":", ""))
    return int.from_bytes(octets, "big") if len(octets) == 6 else 0


def _route(message: Any, family: int) -> Route | None:
    """A unicast route; of one with several next hops the first."""
    if message["type"] != _RTN_UNICAST:
        return None
    output, gateway = message.get("RTA_OIF"), message.get("RTA_GATEWAY")
    multipath = message.get("RTA_MULTIPATH")
    if multipath:
        output, gateway = multipath[0]["oif"], multipath[0].get("RTA_GATEWAY")
    if output is None:
        return None
    default = _DEFAULT_DST[family]
    dst = ip_network(f"{message.get('RTA_DST') or default}/{message['dst_len']}")
    if dst.is_link_local or dst.is_multicast:
        return None
    return Route(
        dst, output, ip_address(gateway) if gateway else None, message.get("RTA_PRIORITY") or 0
    )


def _neighbour(message: Any) -> Neighbour | None:
    mac = message.get("NDA_LLADDR")
    if not message["state"] & _NUD_VALID or not mac or not _mac(mac):
        return None
    address = ip_address(message.get("NDA_DST"))
    if address.is_multicast:
        return None
    return Neighbour(
        message["ifindex"], address, _mac(mac), is_stale=bool(message["state"] & _NUD_STALE)
    )

"""Interfaces as the kernel describes them, and the far ends of veth pairs, in whatever network
namespace those are.
"""

from __future__ import annotations

import ctypes
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pyroute2 import IPRoute

from p4xdp.xdp.errors import PortError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_FLAG_UP = 1
_FLAG_LOWER_UP = 1 << 16


@dataclass(frozen=True, slots=True)
class Interface:
    """`peer_ifindex` and `peer_namespace_id` (None: in our own) are a veth's far end. `program_id`
    is that of an XDP program already there.
    """

    name: str
    ifindex: int
    kind: str
    is_up: bool
    has_carrier: bool
    peer_ifindex: int | None
    peer_namespace_id: int | None
    program_id: int | None


@dataclass(frozen=True, slots=True)
class Peer:
    """The far end of a veth. `namespace` is where, for people; `namespace_fd` None is our own."""

    name: str
    namespace: str
    namespace_fd: int | None

    def run(self, function: Callable[[], T]) -> T:
        """Return what `function` returns in the peer's namespace."""
        return in_thread(function, self.namespace_fd)

    def close(self) -> None:
        """Let go of the namespace."""
        if self.namespace_fd is not None:
            os.close(self.namespace_fd)


def in_thread(function: Callable[[], T], namespace_fd: int | None = None) -> T:
    """Run `function` in a thread of its own, in another namespace if one is given.

    Only a thread can change its namespace and be thrown away; and netlink calls bring an event loop
    of their own, which no other may be running beside.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            if namespace_fd is not None:
                _enter(namespace_fd)
            results.append(function())
        except BaseException as error:  # noqa: BLE001  # raised again where it was asked for
            errors.append(error)

    thread = threading.Thread(target=run, name="netlink")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _enter(namespace_fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace_fd, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"entering a network namespace: {os.strerror(number)}")


def interface(name: str) -> Interface:
    """Return the interface of that name in our namespace; PortError if there is none."""
    links = in_thread(lambda: _links(ifname=name))
    if not links:
        raise PortError(f"there is no interface {name}: see `ip link` for those that are")
    link = links[0]
    info = link.get_attr("IFLA_LINKINFO")
    xdp = link.get_attr("IFLA_XDP")
    return Interface(
        name=name,
        ifindex=link["index"],
        kind=(info.get_attr("IFLA_INFO_KIND") if info else None) or "",
        is_up=bool(link["flags"] & _FLAG_UP),
        has_carrier=bool(link["flags"] & _FLAG_LOWER_UP),
        peer_ifindex=link.get_attr("IFLA_LINK"),
        peer_namespace_id=link.get_attr("IFLA_LINK_NETNSID"),
        program_id=(xdp.get_attr("IFLA_XDP_PROG_ID") if xdp else None) or None,
    )


def _links(**selection: Any) -> list[Any]:
    with IPRoute() as netlink:
        return [
            link
            for link in netlink.get_links()
            if all(_property(link, key) == value for key, value in selection.items())
        ]


def _property(link: Any, key: str) -> object:
    return link["index"] if key == "index" else link.get_attr(f"IFLA_{key.upper()}")


def peer_of(veth: Interface) -> Peer | None:
    """Return the far end of a veth, or None if it is in a namespace we cannot find or enter."""
    if veth.peer_ifindex is None:
        return None
    if veth.peer_namespace_id is None:
        return _peer_in(veth.peer_ifindex, "this namespace", None)
    for path in _namespaces():
        try:
            candidate = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # the process is gone
        if _namespace_id(candidate) == veth.peer_namespace_id:
            return _peer_in(veth.peer_ifindex, f"namespace {path}", candidate)
        os.close(candidate)
    return None


def _peer_in(ifindex: int, namespace: str, namespace_fd: int | None) -> Peer | None:
    try:
        links = in_thread(lambda: _links(index=ifindex), namespace_fd)
    except PermissionError:
        links = []  # entering another namespace takes CAP_SYS_ADMIN, all the rest does not
    if links:
        return Peer(links[0].get_attr("IFLA_IFNAME"), namespace, namespace_fd)
    if namespace_fd is not None:
        os.close(namespace_fd)
    return None


def _namespaces() -> Iterator[Path]:
    """Yield one path for each network namespace with a name or a process."""
    seen: set[int] = set()
    for path in [*Path("/run/netns").glob("*"), *Path("/proc").glob("[0-9]*/ns/net")]:
        try:
            inode = path.stat().st_ino
        except OSError:
            continue  # the process is gone
        if inode not in seen:
            seen.add(inode)
            yield path


def _namespace_id(namespace_fd: int) -> int | None:
    """Return the number by which our namespace knows another, or None."""

    def ask() -> int | None:
        with IPRoute() as netlink:
            answer = netlink.get_netnsid(fd=namespace_fd)
        number = None if answer is None else answer["nsid"]
        return None if number is None or number < 0 else int(number)

    return in_thread(ask)

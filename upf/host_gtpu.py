"""GTP-U through the network stack of our own host, at our GTP-U addresses.

Some peers are not behind a port of the pipeline: an SMF exchanges router solicitations and
advertisements with UEs by GTP-U on the N4 network (TS 29.244 clause 5.3.3).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Any

from upf.gtpu_messages import PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from upf.rules import IPAddress

# linux/in.h, linux/in6.h: an address that is routed to us may be on no interface.
_IP_FREEBIND, _IPV6_FREEBIND = 15, 78

log = logging.getLogger(__name__)


class HostGTPU:
    """One socket for each of our GTP-U addresses."""

    def __init__(self) -> None:
        self._transports: dict[IPAddress, asyncio.DatagramTransport] = {}

    async def open(
        self,
        addresses: Iterable[IPAddress],
        on_message: Callable[[IPAddress, IPAddress, int, bytes], None],
    ) -> None:
        """Bind; an address that cannot be had is told and left out.

        `on_message` is given our address, the peer's address and port, and the octets.
        """
        loop = asyncio.get_running_loop()
        for address in addresses:
            try:
                bound = _bound(address)
            except OSError as error:
                log.warning(
                    "GTP-U at %s by the host is not served (%s): the CP function reaches UEs only "
                    "by the interfaces of the pipeline",
                    address,
                    error.strerror,
                )
                continue
            transport, _ = await loop.create_datagram_endpoint(
                lambda address=address: _Protocol(address, on_message),  # type: ignore[misc]
                sock=bound,
            )
            self._transports[address] = transport

    def send(self, src: IPAddress, dst: IPAddress, octets: bytes, port: int = PORT) -> bool:
        """Send from one of our addresses; False if it has no socket."""
        transport = self._transports.get(src)
        if transport is None:
            return False
        transport.sendto(octets, (str(dst), port))
        return True

    def close(self) -> None:
        """Let go of the sockets."""
        for transport in self._transports.values():
            transport.close()


class _Protocol(asyncio.DatagramProtocol):
    def __init__(
        self, local: IPAddress, on_message: Callable[[IPAddress, IPAddress, int, bytes], None]
    ) -> None:
        self._local = local
        self._on_message = on_message

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        peer = type(self._local)(addr[0].partition("%")[0])
        self._on_message(self._local, peer, addr[1], data)


def _bound(address: IPAddress) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)  # noqa: FBT003 -- socket's own signature
        if family == socket.AF_INET:
            opened.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
        opened.bind((str(address), PORT))
    except OSError:
        opened.close()
        raise
    return opened

"""The asyncio shell of an endpoint: the only file here that touches a socket, a clock or a log."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from pfcp.endpoint import Endpoint
from pfcp.events import Event, Peer, RequestReceived
from pfcp.ies import NodeID
from pfcp.messages import Message

_log = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES = 4 << 20
"""Room in the kernel for a burst of requests while one is being decoded."""

DATAGRAMS_AT_ONCE = 64
"""Read before others on the event loop have their turn."""

_MAX_DATAGRAM_OCTETS = 65536


class N4AddressError(OSError):
    """The local address cannot be used; says why and what to do."""

    def __str__(self) -> str:
        return self.strerror or ""


class Server:
    """An endpoint on a UDP socket. Made by `serve`."""

    def __init__(
        self, endpoint: Endpoint, on_event: Callable[[Event], None], bound: socket.socket
    ) -> None:
        self.endpoint = endpoint
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._socket = bound
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0
        self._is_settling = False
        self._is_closed = False
        self._loop.add_reader(bound, self._receive)

    @property
    def local(self) -> Peer:
        """Address and port the socket is bound to."""
        name: Peer = self._socket.getsockname()[:2]
        return name

    def send_request(self, peer: Peer, request: Message) -> int:
        """Send a request now; its outcome arrives as an event with the handle returned."""
        handle = self.endpoint.send_request(peer, request, self._loop.time())
        self._settle()
        return handle

    def release(self, node_id: NodeID) -> None:
        """End an association now, without asking the peer."""
        self.endpoint.release(node_id, self._loop.time())
        self._settle()

    def respond(self, event: RequestReceived, response: Message) -> None:
        """Answer a request now."""
        self.endpoint.respond(event, response, self._loop.time())
        self._settle()

    def prepare(self, event: RequestReceived, response: Message) -> bytes:
        """The octets that `respond` will answer with."""
        return self.endpoint.prepare(event, response, self._loop.time())

    def respond_again(self, event: RequestReceived, octets: bytes) -> None:
        """Answer a request as an earlier run did."""
        self.endpoint.respond_again(event, octets)
        self._settle()

    def close(self) -> None:
        """Stop the timer and close the socket."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> None:
        """Hand datagrams that have arrived to the endpoint, some at a time."""
        receive, take, now = (
            self._socket.recvfrom,
            self.endpoint.receive_datagram,
            self._loop.time(),
        )
        for _ in range(DATAGRAMS_AT_ONCE):
            try:
                octets, address = receive(_MAX_DATAGRAM_OCTETS)
            except BlockingIOError:
                break
            except OSError as error:
                self._note(error)
                break
            take(octets, address[:2], now)
        self._settle()

    def _send(self, octets: bytes, peer: Peer) -> None:
        try:
            self._socket.sendto(octets, peer)
        except OSError as error:
            # As if lost on the way: whoever misses it asks again.
            self._note(error)

    def _note(self, error: OSError) -> None:
        """Count what the kernel tells of datagrams, such as a network that cannot be reached."""
        self.endpoint.counters["socket_errors"] += 1
        _log.debug("N4 socket: %s", error)

    def _wake(self) -> None:
        self._timer = None
        self.endpoint.advance(self._loop.time())
        self._settle()

    def _settle(self) -> None:
        """Deliver events, send what is pending, see to the one timer."""
        if self._is_settling or self._is_closed:
            return
        self._is_settling = True
        try:
            for event in self.endpoint.events():
                self._deliver(event)
            for octets, peer in self.endpoint.datagrams_to_send():
                self._send(octets, peer)
        finally:
            self._is_settling = False
        when = self.endpoint.next_timer()
        # One that is early finds nothing to do, and is cheaper than one set anew every time.
        if when is None or (self._timer is not None and self._wakes_at <= when):
            return
        if self._timer is not None:
            self._timer.cancel()
        # Not asked of the timer: that of uvloop cannot tell, if its time has come already.
        self._wakes_at = when
        self._timer = self._loop.call_at(when, self._wake)

    def _deliver(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 -- the top of the N4 loop: one fault must not stop the rest
            _log.exception("%s of %s was not dealt with", type(event).__name__, event.peer[0])


async def serve(endpoint: Endpoint, local: Peer, on_event: Callable[[Event], None]) -> Server:
    """Open the socket of an endpoint; `on_event` is called for each event, in order.

    Raises N4AddressError where the address cannot be used.
    """
    bound = _bind(local)
    try:
        return Server(endpoint, on_event, bound)
    except BaseException:
        bound.close()
        raise


def _bind(local: Peer) -> socket.socket:
    family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)  # noqa: FBT003 -- socket's own signature
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        bound.bind(local)
    except OSError as error:
        bound.close()
        raise N4AddressError(error.errno, _advice(local, error)) from error
    return bound


def _advice(local: Peer, error: OSError) -> str:
    host, port = local
    if error.errno == errno.EADDRINUSE:
        return (
            f"N4 address {host} port {port} is taken: stop the program that has it "
            f"(ss -lunp 'sport = :{port}' names it) or configure another address"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"N4 address {host} is on no interface of this host: "
            f"add it (ip address) or configure one that is"
        )
    return f"N4 address {host} port {port} cannot be used: {error.strerror}"

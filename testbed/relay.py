"""The user plane of the simulated gNB: carries packets between TUN devices and GTP-U.

It runs as a process of its own (`python -m testbed.relay ADDRESS`) inside the RAN's namespace, so
that packets do not wait for the scenario. Orders arrive as JSON lines on standard input, one answer
each on standard output; end of input ends it. `testbed.gnb` is the other end of that conversation.
"""

import contextlib
import json
import os
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from testbed import gtpu, tun
from testbed.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import Callable

_BURST = 64  # packets taken from one file before the others get their turn
_SOCKET_BUFFER_BYTES = 8 << 20
_ECHO_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Tunnel:
    """One UE's N3 tunnel pair and TUN device."""

    tun_fd: int
    upf: tuple[str, int]
    uplink: gtpu.UplinkEncapsulation
    downlink_teid: int
    qfi: int


class Relay:
    """Moves packets until its input ends, and counts what it moved and what it refused."""

    def __init__(self, address: str, orders_fd: int) -> None:
        self.counters: Counter[str] = Counter()
        self._orders_fd = orders_fd
        self._pending = b""
        self._by_teid: dict[int, Tunnel] = {}
        self._by_fd: dict[int, Tunnel] = {}
        self._buffer = bytearray(65536)
        self._view = memoryview(self._buffer)
        self._sequence_number = 0
        self._last_echo: tuple[str, int | None] = ("", None)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER_BYTES)
        self._socket.bind((address, gtpu.PORT))
        self._epoll = select.epoll()
        for fd in (self._socket.fileno(), orders_fd):
            self._epoll.register(fd, select.EPOLLIN)
        self._orders: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "attach": self._attach,
            "detach": self._detach,
            "echo": self._echo,
            "counters": lambda _: dict(self.counters),
        }

    def run(self) -> None:
        """Carry packets and obey orders until the input of orders ends."""
        socket_fd = self._socket.fileno()
        while True:
            for fd, _ in self._epoll.poll():
                if fd == socket_fd:
                    self._receive_downlink()
                elif fd == self._orders_fd:
                    if not self._take_orders():
                        return
                elif fd in self._by_fd:
                    self._send_uplink(self._by_fd[fd])

    def _send_uplink(self, tunnel: Tunnel) -> None:
        read, send, header = os.read, self._socket.sendmsg, tunnel.uplink.header
        for _ in range(_BURST):
            try:
                packet = read(tunnel.tun_fd, 65535)
            except BlockingIOError:
                return
            try:
                send((header(len(packet)), packet), (), 0, tunnel.upf)
                self.counters["uplink_packets"] += 1
            except OSError:
                self.counters["uplink_unsent"] += 1

    def _receive_downlink(self) -> None:
        for _ in range(_BURST):
            try:
                size, peer = self._socket.recvfrom_into(self._buffer, 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            try:
                message = gtpu.decode(self._view[:size])
            except gtpu.MalformedGTPUError:
                self.counters["malformed"] += 1
                continue
            if message.message_type == gtpu.G_PDU:
                self._deliver(message)
            else:
                self._receive_signalling(message, peer)

    def _deliver(self, message: gtpu.GTPUMessage) -> None:
        tunnel = self._by_teid.get(message.teid)
        if tunnel is None:
            self.counters["downlink_unknown_teid"] += 1
            return
        if message.qfi != tunnel.qfi:
            self.counters[
                "downlink_without_qfi" if message.qfi is None else "downlink_wrong_qfi"
            ] += 1
            return
        try:
            os.write(tunnel.tun_fd, message.payload)
            self.counters["downlink_packets"] += 1
            self.counters["downlink_bytes"] += len(message.payload)
        except OSError:
            self.counters["downlink_undelivered"] += 1

    def _receive_signalling(self, message: gtpu.GTPUMessage, peer: tuple[str, int]) -> None:
        if message.message_type == gtpu.ECHO_REQUEST:
            self._socket.sendto(gtpu.echo_response(message.sequence_number or 0), peer)
            self.counters["echo_requests"] += 1
        elif message.message_type == gtpu.ECHO_RESPONSE:
            self._last_echo = (peer[0], message.sequence_number)
        elif message.message_type == gtpu.ERROR_INDICATION:
            self.counters["error_indications"] += 1
        elif message.message_type == gtpu.END_MARKER:
            self.counters["end_markers"] += 1
        else:
            self.counters["unexpected_messages"] += 1

    def _take_orders(self) -> bool:
        octets = os.read(self._orders_fd, 65536)
        *lines, self._pending = (self._pending + octets).split(b"\n")
        for line in lines:
            order = json.loads(line)
            try:
                answer = self._orders[order.pop("order")](order)
            except (OSError, TestbedError) as refused:
                answer = {"error": str(refused)}
            print(json.dumps(answer), flush=True)
        return bool(octets)

    def _attach(self, order: dict[str, Any]) -> dict[str, Any]:
        fd = tun.open_tun(order["namespace"], order["interface"], IPv4Address(order["ue_ipv4"]))
        tunnel = Tunnel(
            tun_fd=fd,
            upf=(order["upf_address"], gtpu.PORT),
            uplink=gtpu.UplinkEncapsulation(order["uplink_teid"], order["qfi"]),
            downlink_teid=order["downlink_teid"],
            qfi=order["qfi"],
        )
        self._by_fd[fd] = self._by_teid[tunnel.downlink_teid] = tunnel
        self._epoll.register(fd, select.EPOLLIN)
        return {}

    def _detach(self, order: dict[str, Any]) -> dict[str, Any]:
        tunnel = self._by_teid.pop(order["downlink_teid"])
        del self._by_fd[tunnel.tun_fd]
        self._epoll.unregister(tunnel.tun_fd)
        os.close(tunnel.tun_fd)
        return {}

    def _echo(self, order: dict[str, Any]) -> dict[str, Any]:
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        awaited = (order["upf_address"], self._sequence_number)
        started = time.monotonic()
        self._socket.sendto(
            gtpu.echo_request(self._sequence_number), (order["upf_address"], gtpu.PORT)
        )
        while (left_s := started + _ECHO_TIMEOUT_S - time.monotonic()) > 0:
            select.select([self._socket], [], [], left_s)
            self._receive_downlink()
            if self._last_echo == awaited:
                return {"round_trip_s": time.monotonic() - started}
        raise TestbedError(f"no GTP-U Echo Response from {awaited[0]} in {_ECHO_TIMEOUT_S:g} s")


def main() -> None:
    """Run one gNB's relay on the address given as argument."""
    Relay(sys.argv[1], sys.stdin.fileno()).run()


if __name__ == "__main__":
    main()

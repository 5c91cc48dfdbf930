"""Ends of the user plane that send and see single packets: a GTP-U entity, a data network's host.

What tests ask of rules is one packet in and one out, seen octet by octet; nothing here forwards.
"""

import queue
import socket
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Self, TypeAlias

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet

from testbed import gtpu, netns
from testbed.listening import Listener, udp_socket

IPAddress: TypeAlias = IPv4Address | IPv6Address

PATIENCE_S = 2.0
SILENCE_S = 0.25
_RECEIVE_OCTETS = 65536
_ETHERNET_OCTETS = 14
_ETH_P_ALL = 3
_UDP_NO_CHECK6_RX = 102  # linux/udp.h
_PACKET_OUTGOING = 4
_ETHERTYPES = {4: b"\x08\x00", 6: b"\x86\xdd"}


@dataclass(frozen=True)
class Received:
    """A GTP-U message, its octets and where it came from. `tos`: DSCP and ECN of the packet it
    came in.
    """

    message: gtpu.GTPUMessage
    peer: IPAddress
    port: int
    tos: int
    raw: bytes

    @property
    def packet(self) -> Packet:
        """The user's packet in it."""
        return ip(bytes(self.message.payload))


class GTPUEnd(Listener):
    """A GTP-U entity at an address of a namespace, for the length of a `with` block.

    A thread takes what comes and answers echo requests, unless `is_silent`.
    """

    def __init__(self, namespace: str, address: IPAddress) -> None:
        super().__init__(f"gtpu {address}")
        self.namespace, self.address = namespace, address
        self.is_silent = False
        self._received: queue.SimpleQueue[Received] = queue.SimpleQueue()
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        self._socket = udp_socket(namespace, family)
        if family == socket.AF_INET:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
            # Tunnels may leave the checksum out over IPv6 too (RFC 6935).
            self._socket.setsockopt(socket.IPPROTO_UDP, _UDP_NO_CHECK6_RX, 1)
        self._socket.bind((str(address), gtpu.PORT))

    def send(self, octets: bytes, to: IPAddress) -> None:
        """Send a GTP-U message as it is."""
        self._socket.sendto(octets, (str(to), gtpu.PORT))

    def send_packet(
        self, packet: bytes | Packet, to: IPAddress, teid: int, qfi: int | None = None
    ) -> None:
        """Send a user's packet in a tunnel of the far end, its QFI in an uplink container."""
        self.send(gtpu.g_pdu(bytes(packet), teid, qfi), to)

    def receive(self, within_s: float = PATIENCE_S) -> Received | None:
        """The next message but for echo requests; None if none comes."""
        try:
            return self._received.get(timeout=within_s)
        except queue.Empty:
            return None

    def drain(self) -> None:
        """Forget what came so far."""
        while not self._received.empty():
            self._received.get()

    def _take(self) -> None:
        octets, ancillary, _, peer = self._socket.recvmsg(_RECEIVE_OCTETS, 256)
        message = gtpu.decode(memoryview(octets), is_downlink=None)
        if message.message_type == gtpu.ECHO_REQUEST:
            if not self.is_silent:
                answer = gtpu.echo_response(message.sequence_number or 0)
                self._socket.sendto(answer, peer)
            return
        tos = ancillary[0][2][0] if ancillary else 0
        source = IPv4Address(peer[0]) if self.address.version == 4 else IPv6Address(peer[0])
        self._received.put(Received(message, source, peer[1], tos, octets))


class Host:
    """A host at the far end of an interface of the UPF, which sends and sees frames there."""

    def __init__(self, namespace: str, interface: str, upf_namespace: str) -> None:
        with _packet_socket(upf_namespace, interface) as there:
            self._mac_of_upf = _mac(there)
        self._socket = _packet_socket(namespace, interface)
        self._mac = _mac(self._socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._socket.close()

    def send(self, packet: bytes | Packet) -> None:
        """Send an IP packet to the UPF."""
        octets = bytes(packet)
        ethertype = _ETHERTYPES[octets[0] >> 4]
        self._socket.send(self._mac_of_upf + self._mac + ethertype + octets)

    def receive(self, mark: bytes, within_s: float = PATIENCE_S) -> Packet | None:
        """The next IP packet from the UPF that has `mark` in it; None if none comes."""
        deadline = time.monotonic() + within_s
        while (left_s := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                frame, sender = self._socket.recvfrom(_RECEIVE_OCTETS)
            except TimeoutError:
                break
            if sender[2] == _PACKET_OUTGOING or frame[12:14] not in _ETHERTYPES.values():
                continue
            if mark in frame:
                return ip(frame[_ETHERNET_OCTETS:])
        return None


def datagram(src: IPAddress, dst: IPAddress, mark: bytes, **fields: Any) -> Packet:
    """A UDP packet that can be told by its content; `fields` of its IP header."""
    header = IP if src.version == 4 else IPv6
    return header(src=str(src), dst=str(dst), **fields) / UDP(sport=4000, dport=5000) / mark


def ip(octets: bytes) -> Packet:
    """An IP packet, of whichever version it says."""
    return IP(octets) if octets[:1] and octets[0] >> 4 == 4 else IPv6(octets)


def _packet_socket(namespace: str, interface: str) -> socket.socket:
    with netns.entered(namespace):
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    opened.bind((interface, _ETH_P_ALL))
    return opened


def _mac(bound: socket.socket) -> bytes:
    address: bytes = bound.getsockname()[4]
    return address

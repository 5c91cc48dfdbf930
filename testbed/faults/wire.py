"""Two hosts in namespaces of their own, a switch between them, and frames that are all counted."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Self

from testbed import netns
from testbed.command import run

ETHER_TYPE = 0x88B5  # for experiments; nobody else speaks it
_HEADER = bytes.fromhex("020000000002020000000001") + ETHER_TYPE.to_bytes(2, "big")
_FRAME_OCTETS = 128
_NUMBER_OCTETS = 8
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER_OCTETS = 64 << 20
_QUIET_S = 1.0


@contextlib.contextmanager
def hosts(tag: str) -> Iterator[dict[str, str]]:
    """Make two namespaces with `eth0` each; give interface here -> namespace of its far end."""
    made: dict[str, str] = {}
    try:
        for number in (1, 2):
            namespace, interface = f"faults-{tag}-{number}", f"f{tag}-{number}"
            run("ip", "netns", "add", namespace)
            made[interface] = namespace
            # Nothing may be sent here but what is counted.
            silence = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"
            run("sh", "-c", silence, namespace=namespace)
            peer = ("peer", "name", "eth0", "netns", namespace)
            run("ip", "link", "add", interface, "type", "veth", *peer)
            run("ip", "link", "set", interface, "up")
            run("ip", "-n", namespace, "link", "set", "eth0", "up")
        yield made
    finally:
        for interface, namespace in made.items():
            run("ip", "link", "del", interface, check=False)
            netns.remove(namespace)


def _packet_socket(namespace: str) -> socket.socket:
    with netns.entered(namespace):
        found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHER_TYPE))
    found.bind(("eth0", ETHER_TYPE))
    return found


class Traffic:
    """Numbered frames from one host to the other, `per_s` a second, for as long as the block runs.

    `sent` counts them; `missing()` says which did not arrive, once all had time to.
    """

    def __init__(self, sender: str, receiver: str, *, per_s: int) -> None:
        self.sent = 0
        self._interval_s = 1 / per_s
        self._sender, self._receiver = _packet_socket(sender), _packet_socket(receiver)
        self._receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER_OCTETS)
        self._receiver.settimeout(_QUIET_S)
        self._arrived: list[int] = []
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._send, self._receive)]

    def __enter__(self) -> Self:
        for thread in reversed(self._threads):
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()
        self._sender.close()
        self._receiver.close()

    def missing(self) -> list[int]:
        """Return the numbers of frames that were sent and did not arrive; when it is over."""
        return sorted(set(range(self.sent)) - set(self._arrived))

    def doubled(self) -> int:
        """Return how many frames arrived more than once."""
        return len(self._arrived) - len(set(self._arrived))

    def _send(self) -> None:
        due = time.monotonic()
        while not self._ends.is_set():
            number = self.sent.to_bytes(_NUMBER_OCTETS, "big")
            self._sender.send((_HEADER + number).ljust(_FRAME_OCTETS, b"\0"))
            self.sent += 1
            due += self._interval_s
            time.sleep(max(0.0, due - time.monotonic()))

    def _receive(self) -> None:
        while True:
            try:
                frame = self._receiver.recv(2048)
            except TimeoutError:
                if self._ends.is_set():
                    return
                continue
            number = frame[len(_HEADER) : len(_HEADER) + _NUMBER_OCTETS]
            self._arrived.append(int.from_bytes(number, "big"))


def tag() -> str:
    """Return a few letters that no other run of this machine uses."""
    return f"{os.getpid():x}-{time.monotonic_ns() % 997:x}"[-9:]

"""What peers of the UPF share: a UDP socket in a namespace, and a thread that takes what comes."""

import queue
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self, TypeVar

from testbed import netns

T = TypeVar("T")

_POLL_S = 0.1


class Listener(ABC):
    """Takes what comes to its socket for the length of a `with` block."""

    def __init__(self, name: str) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)
        self._socket: socket.socket

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._take()
            except (TimeoutError, ConnectionRefusedError):
                continue

    @abstractmethod
    def _take(self) -> None:
        """Receive once, and deal with it."""


def udp_socket(namespace: str, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """A UDP socket in a namespace that waits for a moment only."""
    with netns.entered(namespace):
        opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.settimeout(_POLL_S)
    return opened


def arriving(into: queue.SimpleQueue[T], within_s: float) -> Iterator[T]:
    """What comes into a queue until so long from now."""
    deadline = time.monotonic() + within_s
    while (left_s := deadline - time.monotonic()) > 0:
        try:
            yield into.get(timeout=left_s)
        except queue.Empty:
            return

"""Peers a test of the testbed needs in place of the UPF."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from testbed import gtpu, netns, tun
from testbed.command import run
from testbed.gnb import GNB, UE
from testbed.topology import GNB_ADDRESS, UPF_N3_ADDRESS, Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SERVER_ADDRESS = IPv4Address("10.45.255.1")
UE_ADDRESS = IPv4Address("10.45.0.2")
UPLINK_TEID = 0xA1B2C3D4
QFI = 9


class LoopUPF:
    """Decapsulates to a TUN device in `dn` and back; counts what it refuses. No PFCP.

    `uplink_mbps` polices what goes up by a token bucket of 30 ms."""

    def __init__(self, lab: Lab, downlink_teid: int, downlink_qfi: int | None = QFI):
        self.refused = 0
        self.uplink_mbps: float | None = None
        self._tokens_bytes, self._filled_at = 0.0, time.monotonic()
        self.echoes = 0
        self.downlink_teid, self.downlink_qfi = downlink_teid, downlink_qfi
        dn = lab.namespace("dn")
        self._tun = tun.open_tun(dn, "loop", SERVER_ADDRESS)
        run("ip", "-n", dn, "route", "add", str(UE_ADDRESS), "dev", "loop")
        with netns.entered(lab.namespace("upf")):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((str(UPF_N3_ADDRESS), gtpu.PORT))
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self):
        os.write(self._stop_write, b".")
        self._thread.join()
        self._socket.close()
        for fd in (self._tun, self._stop_read, self._stop_write):
            os.close(fd)

    def _run(self):
        files = [self._socket, self._tun, self._stop_read]
        while True:
            ready, _, _ = select.select(files, [], [])
            if self._stop_read in ready:
                return
            if self._socket in ready:
                self._uplink(*self._socket.recvfrom(65536))
            if self._tun in ready:
                with contextlib.suppress(BlockingIOError):
                    self._downlink(os.read(self._tun, 65536))

    def _uplink(self, octets, peer):
        if octets[1] == gtpu.ECHO_REQUEST:
            self.echoes += 1
            self._socket.sendto(gtpu.echo_response(int.from_bytes(octets[8:10])), peer)
        elif octets[:2] == b"\x34\xff" and octets[4:16] == UPLINK_TEID.to_bytes(4) + bytes(
            [0, 0, 0, 0x85, 1, 0x10, QFI, 0]
        ):
            if self._admits(len(octets) - 16):
                os.write(self._tun, octets[16:])
        else:
            self.refused += 1

    def _admits(self, size):
        if self.uplink_mbps is None:
            return True
        rate, now = self.uplink_mbps * 1e6 / 8, time.monotonic()
        filled = self._tokens_bytes + (now - self._filled_at) * rate
        self._tokens_bytes, self._filled_at = min(filled, 0.03 * rate), now
        if self._tokens_bytes < size:
            return False
        self._tokens_bytes -= size
        return True

    def _downlink(self, packet):
        teid = self.downlink_teid.to_bytes(4)
        if self.downlink_qfi is None:
            octets = b"\x30\xff" + len(packet).to_bytes(2) + teid + packet
        else:
            options = bytes([0, 0, 0, 0x85, 1, 0, self.downlink_qfi, 0])
            octets = b"\x34\xff" + (len(packet) + 8).to_bytes(2) + teid + options + packet
        self._socket.sendto(octets, (str(GNB_ADDRESS), gtpu.PORT))


class Answering(threading.Thread):
    """Answers each datagram with what `answers(octets)` gives; keeps what was `asked`."""

    def __init__(self, bound: socket.socket, answers: Callable[[bytes], Iterable[bytes]]):
        super().__init__(daemon=True)
        self.socket, self.answers = bound, answers
        self.asked: list[bytes] = []
        self.peer = ("", 0)

    def run(self):
        while True:
            octets, peer = self.socket.recvfrom(65536)
            if not octets:
                return
            self.asked.append(octets)
            self.peer = peer
            for answer in self.answers(octets):
                self.socket.sendto(answer, peer)

    def say(self, octets: bytes):
        """Send something of its own accord to whoever asked last."""
        self.socket.sendto(octets, self.peer)


@pytest.fixture(scope="module")
def answering():
    """A UDP peer for the length of a with block: `answering(socket, answers)`."""

    @contextlib.contextmanager
    def peer(bound: socket.socket, answers: Callable[[bytes], Iterable[bytes]]):
        thread = Answering(bound, answers)
        thread.start()
        try:
            yield thread
        finally:
            bound.sendto(b"", bound.getsockname())
            thread.join()
            bound.close()

    return peer


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def radio(lab):
    """A gNB with one UE on air and a loop in the UPF's place: (gnb, ue, upf)."""
    ue = UE(lab.add_room("ue1"), UE_ADDRESS, QFI, UPLINK_TEID, downlink_teid=1)
    upf = LoopUPF(lab, ue.downlink_teid)
    try:
        with GNB(lab.namespace("ran"), GNB_ADDRESS) as gnb:
            gnb.attach(ue, UPF_N3_ADDRESS)
            yield gnb, ue, upf
    finally:
        upf.close()

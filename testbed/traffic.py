"""Traffic between two rooms of a lab, and how much of it arrives: ping, TCP, UDP at a policer."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from testbed import netns
from testbed.command import run, spawn, stop
from testbed.datagrams import IP_AND_UDP_HEADER_BYTES
from testbed.errors import CommandError, PeerError

_IPERF_PORT = 5201
_DATAGRAM_PORT = 5300
_START_TIMEOUT_S = 5.0
_RECEIVE_BUFFER_BYTES = 4 << 20


@dataclass(frozen=True)
class PingResult:
    """How many echo requests left and how many answers came."""

    sent: int
    received: int

    @property
    def loss_percent(self) -> float:
        return 100.0 * (self.sent - self.received) / self.sent


def ping(
    namespace: str,
    address: IPv4Address,
    *,
    count: int = 20,
    interval_s: float = 0.05,
    size: int = 56,
    patience_s: float = 1.0,
    source: IPv4Address | None = None,
) -> PingResult:
    """Send ICMP echo requests and count the answers; no answer at all is a result, not an error.

    `size` is octets behind the ICMP header; an answer counts that comes within `patience_s`.
    `source` is the address to send from where the namespace has several.
    """
    told = run(
        *("ping", "-q", "-n", "-c", str(count), "-i", f"{interval_s:g}", "-W", f"{patience_s:g}"),
        *("-s", str(size)),
        *(() if source is None else ("-I", str(source))),
        str(address),
        namespace=namespace,
        timeout_s=count * interval_s + patience_s + 10,
        check=False,
    )
    found = re.search(r"(\d+) packets transmitted, (\d+) received", told.stdout)
    if found is None:
        raise CommandError(f"ping {address} in {namespace}: {told.stderr.strip()}")
    return PingResult(int(found[1]), int(found[2]))


@contextlib.contextmanager
def _iperf_server(namespace: str) -> Iterator[None]:
    """Serve one TCP measurement: a server for several is deaf for a moment after each."""
    argv = ["iperf3", "--server", "--one-off", "--port", str(_IPERF_PORT)]
    server = spawn(argv, namespace=namespace)
    try:
        _await_listener(namespace, _IPERF_PORT, server)
        yield
    finally:
        stop(server)


def _await_listener(namespace: str, port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        if run("ss", "-Hltn", f"sport = {port}", namespace=namespace).stdout:
            return
        time.sleep(0.02)
    raise CommandError(f"iperf3 does not listen on port {port} in {namespace}")


def tcp_goodput_mbps(
    client: str,
    server: str,
    server_address: IPv4Address,
    *,
    downlink: bool,
    run_in_s: int = 1,
    measured_s: int = 4,
    source: IPv4Address | None = None,
) -> float:
    """TCP payload the receiver got per second, in Mbit/s, after the run-in.

    `client` and `server` are namespaces, the UE's and the data network's; with `downlink` the
    server sends. `source` is the UE's address where its namespace has several.
    """
    argv = ["iperf3", "--json", "--client", str(server_address), "--port", str(_IPERF_PORT)]
    argv += ["--time", str(measured_s), "--omit", str(run_in_s), "--connect-timeout", "3000"]
    if downlink:
        argv.append("--reverse")
    if source is not None:
        argv += ["--bind", str(source)]
    with _iperf_server(server):
        told = run(*argv, namespace=client, timeout_s=run_in_s + measured_s + 20, check=False)
    try:
        result: dict[str, Any] = json.loads(told.stdout)
        return float(result["end"]["sum_received"]["bits_per_second"]) / 1e6
    except (ValueError, KeyError) as unread:
        reason = _iperf_error(told.stdout) or told.stderr.strip() or told.stdout.strip()
        raise PeerError(f"iperf3 to {server_address} measured nothing: {reason}") from unread


def _iperf_error(output: str) -> str:
    with contextlib.suppress(ValueError):
        return str(json.loads(output).get("error", ""))
    return ""


def udp_received_mbps(
    sender: str,
    receiver: str,
    address: IPv4Address,
    *,
    offered_mbps: float,
    run_in_s: float = 1.0,
    measured_s: float = 3.0,
) -> float:
    """Inner IP Mbit/s arriving at `address` while the sender offers more than is let through.

    UDP does not slow down where packets are lost, so what arrives is the policer's rate itself. The
    run-in leaves the burst a token bucket first grants out of the measurement.
    """
    with netns.entered(receiver):
        inbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inbox:
        inbox.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        inbox.settimeout(run_in_s + measured_s)
        inbox.bind((str(address), _DATAGRAM_PORT))
        seconds = run_in_s + measured_s + 0.5
        argv = [sys.executable, "-m", "testbed.datagrams", str(address), str(_DATAGRAM_PORT)]
        source = spawn([*argv, f"{offered_mbps:g}", f"{seconds:g}"], namespace=sender)
        try:
            return 8 * _received_bytes(inbox, run_in_s, measured_s) / measured_s / 1e6
        finally:
            stop(source)


def _received_bytes(inbox: socket.socket, run_in_s: float, measured_s: float) -> int:
    """Octets of the IP packets arriving in `measured_s`, from `run_in_s` after the first one."""
    buffer = bytearray(65536)
    try:
        inbox.recv_into(buffer)
        begin = time.monotonic() + run_in_s
        total = 0
        while (now := time.monotonic()) < begin + measured_s:
            size = inbox.recv_into(buffer)
            if now >= begin:
                total += size + IP_AND_UDP_HEADER_BYTES
    except TimeoutError:
        return 0
    return total

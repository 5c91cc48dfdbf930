"""Send UDP datagrams at a constant rate: `python -m testbed.datagrams ADDRESS PORT MBPS SECONDS`.

A process of its own, so that sending never waits for whoever counts what arrives.
"""

import contextlib
import socket
import sys
import time

#: Inner IP packets of exactly a UE's MTU: the rate is then one of full packets.
IP_PACKET_BYTES = 1400
IP_AND_UDP_HEADER_BYTES = 28
PAYLOAD_BYTES = IP_PACKET_BYTES - IP_AND_UDP_HEADER_BYTES

_TICK_S = 0.002


def send(address: str, port: int, rate_mbps: float, duration_s: float) -> int:
    """Offer that many Mbit/s of inner IP packets for that long; return how many packets left."""
    packets_per_s = rate_mbps * 1e6 / 8 / IP_PACKET_BYTES
    payload = bytes(PAYLOAD_BYTES)
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((address, port))
        started = time.monotonic()
        while (elapsed_s := time.monotonic() - started) < duration_s:
            while sent < elapsed_s * packets_per_s:
                with contextlib.suppress(ConnectionRefusedError):  # the receiver has seen enough
                    sender.send(payload)
                sent += 1
            time.sleep(_TICK_S)
    return sent


def main() -> None:
    """Send as the command line says."""
    address, port, rate_mbps, duration_s = sys.argv[1:]
    send(address, int(port), float(rate_mbps), float(duration_s))


if __name__ == "__main__":
    main()

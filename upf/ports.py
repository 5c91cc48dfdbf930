"""The interfaces behind the pipeline's ports: what the kernel counts there, and their speed."""

from __future__ import annotations

import fcntl
import socket
import struct
from array import array
from dataclasses import dataclass

_SIOCETHTOOL = 0x8946
_ETHTOOL_GSET = 0x1
_SETTINGS_OCTETS = 44  # struct ethtool_cmd of linux/ethtool.h
_NO_SPEED = (0, 0xFFFF, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortStatistics:
    """One interface as the kernel counts it, whole frames. `speed_mbps` None: it does not say."""

    name: str
    is_up: bool
    mac: int
    mtu: int
    speed_mbps: int | None
    rx_packets: int
    rx_octets: int
    rx_dropped: int
    tx_packets: int
    tx_octets: int
    tx_dropped: int


def speed_mbps(name: str) -> int | None:
    """The speed an interface of this network namespace says it has."""
    settings = array("B", struct.pack("I", _ETHTOOL_GSET).ljust(_SETTINGS_OCTETS, b"\0"))
    # struct ifreq: the name, then a pointer to the settings, which the kernel fills.
    request = struct.pack("16sP", name.encode(), settings.buffer_info()[0]).ljust(40, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            fcntl.ioctl(any_socket.fileno(), _SIOCETHTOOL, request)
        except OSError:
            # Interfaces of some kinds have no such thing.
            return None
    (low,) = struct.unpack_from("=H", settings, 12)
    (high,) = struct.unpack_from("=H", settings, 28)
    speed = high << 16 | low
    return None if speed in _NO_SPEED else speed

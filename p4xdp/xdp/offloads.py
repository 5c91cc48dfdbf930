"""What a network interface does on its own before XDP sees a packet: read and switched with the
ethtool ioctl, for the namespace of the calling thread.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
from enum import Enum

_SIOCETHTOOL = 0x8946
_NAME_OCTETS = 16  # IFNAMSIZ


class Offload(Enum):
    """Name as `ethtool -K` knows it, commands to get and set it, and its bit in what they carry."""

    GRO = ("gro", 0x2B, 0x2C, 1)
    TX_CHECKSUM = ("tx", 0x16, 0x17, 1)
    LRO = ("lro", 0x25, 0x26, 1 << 15)
    RX_VLAN = ("rxvlan", 0x25, 0x26, 1 << 8)

    @property
    def word(self) -> str:
        """Return the name on ethtool's command line."""
        return self.value[0]


def is_on(interface: str, offload: Offload) -> bool:
    """Return whether `offload` is on; OSError if the interface cannot say."""
    _, get, _, bit = offload.value
    return bool(_call(interface, get, 0) & bit)


def switch(interface: str, offload: Offload, *, on: bool) -> None:
    """Switch `offload`; OSError if the interface cannot, or does not obey."""
    _, get, set_, bit = offload.value
    before = _call(interface, get, 0)
    _call(interface, set_, before | bit if on else before & ~bit)
    if is_on(interface, offload) != on:
        raise OSError(f"{interface}: {offload.word} is fixed")


def _call(interface: str, command: int, value: int) -> int:
    # struct ethtool_value, and a struct ifreq that points to it.
    data = ctypes.create_string_buffer(struct.pack("=II", command, value), 8)
    name = interface.encode().ljust(_NAME_OCTETS, b"\0")
    request = struct.pack(f"{_NAME_OCTETS}sP16x", name, ctypes.addressof(data))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        fcntl.ioctl(channel, _SIOCETHTOOL, request)
    return int.from_bytes(data.raw[4:8], "little")

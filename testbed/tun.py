"""TUN devices: the network interface of a simulated UE, a file of IP packets to us."""

import fcntl
import os
import struct
from ipaddress import IPv4Address
from pathlib import Path

from testbed import netns
from testbed.command import run

_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000

#: Leaves 44 octets for outer IPv4, UDP and GTP-U with PDU session container in an MTU of 1500.
UE_MTU_BYTES = 1400


def open_tun(
    namespace: str, interface: str, address: IPv4Address, mtu_bytes: int = UE_MTU_BYTES
) -> int:
    """Make a TUN device in that namespace, give it the UE's address and the default route.

    Returns a non-blocking file descriptor: each read is one IP packet the UE sends, each write one
    it receives. Closing it removes the device.
    """
    with netns.entered(namespace):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(
            fd, _TUNSETIFF, struct.pack("16sH22x", interface.encode(), _IFF_TUN | _IFF_NO_PI)
        )
        # A UE with an IPv4 session has no IPv6; its kernel would solicit routers all the same.
        Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6").write_text(
            "1\n", encoding="ascii"
        )
    ip = ("ip", "-n", namespace)
    run(*ip, "address", "add", f"{address}/32", "dev", interface)
    run(*ip, "link", "set", interface, "mtu", str(mtu_bytes), "up")
    run(*ip, "route", "add", "default", "dev", interface, "src", str(address))
    return fd

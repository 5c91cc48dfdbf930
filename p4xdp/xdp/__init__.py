"""The XDP target: P4 programs as one C function a packet, and the switch around it on Linux."""

from p4xdp.xdp.codegen import generate
from p4xdp.xdp.dataplane import XdpDataplane

__all__ = ["XdpDataplane", "generate"]

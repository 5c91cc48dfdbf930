"""Whether this kernel speaks SCTP, which N2 runs over, and what to do if it does not."""

import errno
import platform
import socket
from pathlib import Path

from testbed.errors import TestbedError

_UNKNOWN = {errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT}


def is_in_kernel() -> bool:
    """Ask the kernel for an SCTP socket; it loads its module by itself where it has one."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError as refusal:
        if refusal.errno in _UNKNOWN:
            return False
        raise
    return True


def check(preload: Path | None) -> str:
    """How SCTP comes to be here. Raises TestbedError with what to do where there is none."""
    if preload is not None:
        if not preload.is_file():
            raise TestbedError(f"--preload {preload}: no such library")
        return f"by {preload.name}, preloaded"
    if is_in_kernel():
        return "by the kernel"
    raise TestbedError(
        f"kernel {platform.release()} has no SCTP, which gNB and AMF talk over. Load it: "
        "`modprobe sctp` (Ubuntu: apt-get install linux-modules-extra-$(uname -r); Fedora: dnf "
        "install kernel-modules-extra). Containers do not help, they share this kernel. Where it "
        "cannot be had, --preload LIB starts the gNB and the AMF with a library that carries "
        "SCTP's sockets over something else"
    )

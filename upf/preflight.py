"""What must be so before anything is started, each told in one line that says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from upf.errors import StartError

if TYPE_CHECKING:
    from upf.config import Config
    from upf.routes import KernelState

# Bits of the capability sets (linux/capability.h).
_CAP_NET_ADMIN, _CAP_SYS_ADMIN, _CAP_PERFMON, _CAP_BPF = 12, 21, 38, 39
_STATUS = Path("/proc/self/status")


def check_privileges(status: str | None = None) -> None:
    """StartError if this process may not load and attach BPF programs.

    `status` stands in for /proc/self/status.
    """
    text = _STATUS.read_text(encoding="ascii", errors="replace") if status is None else status
    match = re.search(r"^CapEff:\s*([0-9a-f]+)$", text, re.MULTILINE)
    effective = int(match[1], 16) if match else 0
    has_sys_admin = bool(effective >> _CAP_SYS_ADMIN & 1)
    missing = [
        name
        for name, bit, sys_admin_will_do in (
            ("CAP_NET_ADMIN", _CAP_NET_ADMIN, False),
            ("CAP_BPF", _CAP_BPF, True),
            ("CAP_PERFMON", _CAP_PERFMON, True),
        )
        if not (effective >> bit & 1 or (sys_admin_will_do and has_sys_admin))
    ]
    if missing:
        raise StartError(
            f"not allowed to attach XDP programs ({', '.join(missing)} missing): run as root"
        )


def check_interfaces(config: Config, kernel: KernelState) -> None:
    """StartError if an interface is not there, is down or is not Ethernet."""
    links = {link.name: link for link in kernel.links}
    for each in config.interface:
        if each.name not in links:
            there = ", ".join(sorted(links))
            raise StartError(f"interface {each.name} is not there: name one of {there}")
        if not links[each.name].is_up:
            raise StartError(f"interface {each.name} is down: ip link set {each.name} up")
        if not links[each.name].mac:
            raise StartError(
                f"interface {each.name} has no MAC address (a loopback or tunnel interface?): "
                "name an Ethernet one"
            )

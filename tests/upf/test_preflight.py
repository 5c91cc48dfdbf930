"""What must be so before anything is started."""

from __future__ import annotations

import pytest

from upf.config import parse
from upf.errors import StartError
from upf.preflight import check_interfaces, check_privileges
from upf.routes import KernelState, Link

CONFIG = parse(
    {
        "n4": {"address": "10.100.4.2"},
        "interface": [{"name": "n3", "role": "access"}, {"name": "n6", "role": "core"}],
    },
    source="upf.toml",
)
ALL = (1 << 41) - 1


def status(*, without=()):
    effective = ALL & ~sum(1 << bit for bit in without)
    return f"Name:\tupf\nCapPrm:\t{ALL:016x}\nCapEff:\t{effective:016x}\n"


def test_root_may_start():
    check_privileges(status())


def test_sys_admin_will_do_on_behalf_of_bpf():
    check_privileges(status(without=(38, 39)))


@pytest.mark.parametrize(
    ("without", "missing"),
    [((12,), "CAP_NET_ADMIN"), ((21, 39), "CAP_BPF"), ((21, 38), "CAP_PERFMON")],
    ids=["net_admin", "bpf", "perfmon"],
)
def test_missing_privilege_is_named(without, missing):
    with pytest.raises(StartError, match=rf"\({missing} missing\): run as root"):
        check_privileges(status(without=without))


def test_interface_that_is_down_is_told_with_the_command():
    kernel = KernelState(links=(Link(1, "n3", 1), Link(2, "n6", 2, is_up=False)))
    with pytest.raises(StartError, match="n6 is down: ip link set n6 up"):
        check_interfaces(CONFIG, kernel)


def test_interface_that_is_not_there_is_told_with_those_there_are():
    with pytest.raises(StartError, match="n6 is not there: name one of lo, n3"):
        check_interfaces(CONFIG, KernelState(links=(Link(2, "n3", 1), Link(1, "lo", 0))))


def test_interface_that_is_not_ethernet_is_refused():
    kernel = KernelState(links=(Link(1, "n3", 1), Link(2, "n6", 0)))
    with pytest.raises(StartError, match=r"n6 has no MAC address .*: name an Ethernet one"):
        check_interfaces(CONFIG, kernel)


def test_interfaces_that_are_up_will_do():
    check_interfaces(CONFIG, KernelState(links=(Link(1, "n3", 1), Link(2, "n6", 2))))

"""UEs of UERANSIM in the lab: attached, given routes, asked for their state."""

import json
from dataclasses import dataclass
from ipaddress import IPv4Address

from testbed.command import run
from testbed.ueransim.node import Node, wait_for
from testbed.ueransim.plan import Subscriber

_FIRST_TABLE = 1000  # of routing tables, far from those the kernel names


@dataclass(frozen=True)
class UE:
    """A UE of the lab; `address` is that of its PDU session, on `interface`."""

    subscriber: Subscriber
    node: Node
    namespace: str
    address: IPv4Address
    interface: str

    def packets(self) -> int:
        """How many packets have passed its tunnel, both ways together."""
        told = run("ip", "-json", "-s", "-n", self.namespace, "link", "show", self.interface)
        counters = json.loads(told.stdout)[0]["stats64"]
        return sum(int(counters[way]["packets"]) for way in ("rx", "tx"))


def await_registered(node: Node, timeout_s: float) -> float:
    """Wait until the UE is registered; return the seconds it took."""
    return node.await_field("status", "rm-state", "RM-REGISTERED", timeout_s)


def await_session(node: Node, subscriber: Subscriber, namespace: str, timeout_s: float) -> UE:
    """Wait for the UE's PDU session and route what it sends by its tunnel."""
    address = ""

    def has_address() -> bool:
        nonlocal address
        session = node.fields("ps-list")
        address = session.get("address", "")
        return session.get("state") == "PS-ACTIVE" and _interface_of(address, namespace) != ""

    wait_for(has_address, timeout_s, lambda: f"{node.name} has no PDU session")
    interface = _interface_of(address, namespace)
    ue = UE(subscriber, node, namespace, IPv4Address(address), interface)
    _route(ue)
    return ue


def _interface_of(address: str, namespace: str) -> str:
    """Name of the interface that has this address, empty if none has."""
    told = json.loads(run("ip", "-json", "-n", namespace, "-4", "address", "show").stdout)
    owners = (
        each["ifname"]
        for each in told
        if any(one.get("local") == address for one in each.get("addr_info", ()))
    )
    return next(owners, "")


def _route(ue: UE) -> None:
    """Send what bears the UE's address by its tunnel: all UEs share one namespace.

    UERANSIM would do so itself, by an entry in the host's /etc/iproute2.
    """
    index = run("ip", "-json", "-n", ue.namespace, "link", "show", "dev", ue.interface).stdout
    table = str(_FIRST_TABLE + json.loads(index)[0]["ifindex"])
    rule = ("from", str(ue.address), "lookup", table)
    run("ip", "-n", ue.namespace, "rule", "del", *rule, check=False)
    run("ip", "-n", ue.namespace, "rule", "add", *rule)
    route = ("route", "replace", "default", "dev", ue.interface, "table", table)
    run("ip", "-n", ue.namespace, *route)

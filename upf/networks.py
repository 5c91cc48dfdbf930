"""The network instances this UPF joins, and which of them a rule's Network Instance IE means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from upf.errors import RuleError
from upf.provisions import NO_PROVISIONS, Provisions
from upf.rules import Interface, IPAddress

NETWORK_INSTANCE_IE = 22


class Role(StrEnum):
    ACCESS = "access"
    CORE = "core"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A GTP-U entity of ours, at an IPv4 address, an IPv6 address or both.

    Identifier 0 means none in the pipeline.
    """

    endpoint_id: int
    ipv4: IPv4Address | None
    ipv6: IPv6Address | None = None


@dataclass(frozen=True, slots=True)
class NetworkInstance:
    """A role and a name; None accepts any name. `network_instance_id` is the pipeline's."""

    network_instance_id: int
    role: Role
    name: str | None
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Networks:
    """All network instances, in the order of the configuration, and what rules name besides.

    `vn_groups` are 5G VN groups: data networks of UEs alone, within the switch.
    """

    instances: tuple[NetworkInstance, ...]
    provisions: Provisions = NO_PROVISIONS
    vn_groups: tuple[NetworkInstance, ...] = ()

    def resolve(self, interface: Interface, name: str | None) -> NetworkInstance:
        """The network instance that a rule on this interface means.

        An empty or absent name means the first of its role; a name that no instance has means the
        one that accepts any, or the only one there is. RuleError if there is none. What goes to or
        comes from the CP function is tunnelled on the access side (TS 23.501 clause 5.8.2.5).
        """
        if interface is Interface.VN_INTERNAL:
            return self._vn_group(name)
        role = Role.CORE if interface is Interface.CORE else Role.ACCESS
        candidates = [instance for instance in self.instances if instance.role is role]
        if not candidates:
            raise RuleError(f"no {role} interface is configured", offending_ie=NETWORK_INSTANCE_IE)
        if not name or len(candidates) == 1:
            return candidates[0]
        for wanted in (name, None):
            for instance in candidates:
                if instance.name == wanted:
                    return instance
        raise RuleError(
            f"no {role} interface has the network instance {name!r}",
            offending_ie=NETWORK_INSTANCE_IE,
        )

    def _vn_group(self, name: str | None) -> NetworkInstance:
        """The 5G VN group of a name, the only one where none is said."""
        for each in self.vn_groups:
            if each.name == name or (not name and len(self.vn_groups) == 1):
                return each
        raise RuleError(
            f"there is no 5G VN group {name!r}: write [[vn_group]]",
            offending_ie=NETWORK_INSTANCE_IE,
        )

    def tunnelled(self, interface: Interface, name: str | None) -> NetworkInstance:
        """The network instance of a tunnel on this interface.

        Some SMFs name the data network for a tunnel to another UPF: where what the name means has
        no GTP-U address, the first of the same role that has one is meant.
        """
        meant = self.resolve(interface, name)
        if meant.endpoints:
            return meant
        others = (each for each in self.instances if each.role is meant.role and each.endpoints)
        return next(others, meant)

    def of_id(self, network_instance_id: int) -> NetworkInstance:
        """The network instance with an identifier of the pipeline; KeyError if there is none."""
        for instance in self.instances:
            if instance.network_instance_id == network_instance_id:
                return instance
        raise KeyError(network_instance_id)

    def endpoint_at(self, address: IPAddress) -> Endpoint | None:
        """Our GTP-U entity with this address."""
        for instance in self.instances:
            for endpoint in instance.endpoints:
                if address in (endpoint.ipv4, endpoint.ipv6):
                    return endpoint
        return None

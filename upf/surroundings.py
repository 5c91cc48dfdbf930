"""What the numbers in table entries stand for, at one moment: the names of product and kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from upf.entry import EntryKey
from upf.networks import NetworkInstance, Networks, Role
from upf.records import SessionRecord
from upf.routes import KernelState, PortBinding
from upf.rules import PDR, IPAddress
from upf.treatment import TunnelPeer

Owner: TypeAlias = tuple[SessionRecord, PDR]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """`slices` and `peers` by their identifiers in the pipeline, `records` by UP SEID.

    `owner_of_entry` tells the UP SEID of the session that an entry belongs to, `owner_of_usage` the
    session and PDR of a usage counter, `usage_id_of` which that is, by bank and cell.
    """

    networks: Networks
    bindings: tuple[PortBinding, ...]
    kernel: KernelState
    records: Mapping[int, SessionRecord]
    slices: Mapping[int, str]
    peers: Mapping[int, TunnelPeer]
    owner_of_entry: Callable[[EntryKey], int | None]
    owner_of_usage: Callable[[int], Owner | None]
    usage_id_of: Callable[[str, int], int | None]

    def binding_of(self, port: int) -> PortBinding | None:
        """What is behind a port."""
        return next((each for each in self.bindings if each.port == port), None)

    def binding_named(self, interface: str) -> PortBinding | None:
        """The port of an interface."""
        return next((each for each in self.bindings if each.interface == interface), None)

    def interface_of(self, port: int) -> str:
        """The interface behind a port, for people."""
        binding = self.binding_of(port)
        return f"port {port}" if binding is None else binding.interface

    def instance_of(self, network_instance_id: int) -> NetworkInstance | None:
        """The network instance with an identifier of the pipeline."""
        try:
            return self.networks.of_id(network_instance_id)
        except KeyError:
            return None

    def instance_name(self, network_instance_id: int) -> str:
        """A network instance, for people."""
        instance = self.instance_of(network_instance_id)
        if instance is None:
            return f"network instance {network_instance_id}"
        return instance.name or f"any {instance.role} network"

    def endpoint_address(self, endpoint_id: int) -> IPAddress | None:
        """The address of a GTP-U entity of ours."""
        for instance in self.networks.instances:
            for endpoint in instance.endpoints:
                if endpoint.endpoint_id == endpoint_id:
                    return endpoint.ipv4 or endpoint.ipv6
        return None

    def mac_of(self, interface: str) -> int | None:
        """The MAC address of an interface of ours."""
        return next((link.mac for link in self.kernel.links if link.name == interface), None)

    def neighbour_at(self, interface: str, mac: int) -> IPAddress | None:
        """Who has a MAC address on an interface's link; None if several or nobody do."""
        index = next((each.index for each in self.kernel.links if each.name == interface), None)
        found = [
            each.address
            for each in self.kernel.neighbours
            if (each.output, each.mac) == (index, mac) and not each.address.is_link_local
        ]
        return found[0] if len(found) == 1 else None

    def neighbours_of(self, interface: str) -> list[IPAddress]:
        """Everyone known on an interface's link."""
        index = next((each.index for each in self.kernel.links if each.name == interface), None)
        return [each.address for each in self.kernel.neighbours if each.output == index]

    def bindings_of(self, role: Role) -> list[PortBinding]:
        """The ports on a side."""
        return [each for each in self.bindings if each.is_core is (role is Role.CORE)]

    def owner(self, key: EntryKey) -> Owner | None:
        """The session and PDR that an entry belongs to."""
        up_seid = self.owner_of_entry(key)
        record = None if up_seid is None else self.records.get(up_seid)
        if record is None:
            return None
        pdr = record.session.pdrs.get(record.held.compiled.pdr_ids.get(key, -1))
        return None if pdr is None else (record, pdr)

"""Which switch, and what it holds before the first session: GTP-U endpoints."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from upf import tables
from upf.networks import Role
from upf.routes import Local, PortBinding
from upf.target import artifacts
from upf.target.p4rt import P4RuntimeTarget
from upf.target.xdp import HOST_PORT, RECIRCULATION_PORT, XdpTarget

if TYPE_CHECKING:
    from upf.config import Config
    from upf.entry import Entry
    from upf.networks import Networks
    from upf.rules import IPAddress


# Where memory is a server's: what the program asks for on a Tofino is too little here.
LINUX_SIZES = {"session_meters": 262_144}


async def open_target(config: Config) -> XdpTarget | P4RuntimeTarget:
    """The switch that the configuration names. StartError or TargetError if there is none."""
    if config.target.address is not None and config.target.kind == "p4runtime":
        pipeline = artifacts.p4info(artifacts.build_dir())
        return await P4RuntimeTarget.connect(config.target.address, pipeline)
    ports = {port: name for name, port in config.ports.items()}
    return await XdpTarget.start(
        ports, mode=config.target.mode, sizes=LINUX_SIZES, owner=config.state.file
    )


def bindings(config: Config, networks: Networks) -> tuple[PortBinding, ...]:
    """Ports with the network instance each joins."""
    ids = {(each.role, each.name): each.network_instance_id for each in networks.instances}
    return tuple(
        PortBinding(
            port=config.ports[each.name],
            interface=each.name,
            network_instance_id=ids[each.role, each.network_instance],
            is_core=each.role is Role.CORE,
            host_port=HOST_PORT,
        )
        for each in config.interface
    )


def local_traffic(config: Config, networks: Networks) -> Local | None:
    """How UEs reach each other within the switch; None if it has no port for that, or no pools."""
    is_xdp = config.target.kind == "xdp"
    port = RECIRCULATION_PORT if is_xdp else config.target.recirculation_port
    if port is None or not (config.ue_pool or networks.vn_groups):
        return None
    cores = [each for each in networks.instances if each.role is Role.CORE]
    return Local(
        port,
        tuple(
            (each.network_instance_id, pool.prefix)
            for pool in config.ue_pool
            for each in cores
            if pool.network_instance in (None, each.name)
        )
        + tuple(
            (each.network_instance_id, ip_network(everything))
            for each in networks.vn_groups
            for everything in ("0.0.0.0/0", "::/0")
        ),
    )


def gtpu_ports(networks: Networks, ports: tuple[PortBinding, ...]) -> dict[IPAddress, PortBinding]:
    """The port behind which each of our GTP-U addresses is, of several the first."""
    found: dict[IPAddress, PortBinding] = {}
    for each in ports:
        for endpoint in networks.of_id(each.network_instance_id).endpoints:
            for address in (endpoint.ipv4, endpoint.ipv6):
                if address is not None:
                    found.setdefault(address, each)
    return found


def base_entries(networks: Networks, ports: tuple[PortBinding, ...]) -> list[Entry]:
    """Entries that stand as long as the UPF runs: its GTP-U entities, at each of their ports."""
    entries = []
    for each in ports:
        for endpoint in networks.of_id(each.network_instance_id).endpoints:
            action = tables.SetEndpoint(endpoint.endpoint_id)
            if endpoint.ipv4 is not None:
                ipv4_key = tables.EndpointIPv4(each.port, 0, int(endpoint.ipv4))
                entries.append(tables.entry(ipv4_key, action))
            if endpoint.ipv6 is not None:
                ipv6_key = tables.EndpointIPv6(each.port, 0, int(endpoint.ipv6))
                entries.append(tables.entry(ipv6_key, action))
    return entries

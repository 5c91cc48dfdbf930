"""Which switch, and what it holds before the first session: ports and GTP-U endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upf import tables
from upf.plan import diff
from upf.routes import PortBinding
from upf.target import Target, artifacts
from upf.target.p4rt import P4RuntimeTarget
from upf.target.xdp import HOST_PORT, XdpTarget

if TYPE_CHECKING:
    from upf.config import Config
    from upf.entry import Entry
    from upf.networks import Networks


async def open_target(config: Config) -> XdpTarget | P4RuntimeTarget:
    """The switch that the configuration names. StartError or TargetError if there is none."""
    if config.target.address is not None and config.target.kind == "p4runtime":
        pipeline = artifacts.p4info(artifacts.build_dir())
        return await P4RuntimeTarget.connect(config.target.address, pipeline)
    ports = {port: name for name, port in config.ports.items()}
    return await XdpTarget.start(ports, mode=config.target.mode)


def bindings(config: Config, networks: Networks) -> tuple[PortBinding, ...]:
    """Ports with the network instance each joins."""
    ids = {(each.role, each.name): each.network_instance_id for each in networks.instances}
    return tuple(
        PortBinding(config.ports[each.name], each.name, ids[each.role, each.network_instance])
        for each in config.interface
    )


def base_entries(networks: Networks, ports: tuple[PortBinding, ...]) -> list[Entry]:
    """Entries that stand as long as the UPF runs."""
    core = {each.network_instance_id for each in networks.instances if each.role == "core"}
    return [
        *(
            tables.entry(
                tables.Port(each.port),
                tables.SetPort(
                    each.network_instance_id, int(each.network_instance_id in core), HOST_PORT
                ),
            )
            for each in ports
        ),
        *(
            tables.entry(
                tables.Endpoint(instance.network_instance_id, int(endpoint.ipv4)),
                tables.SetEndpoint(endpoint.endpoint_id),
            )
            for instance in networks.instances
            for endpoint in instance.endpoints
        ),
    ]


async def reset(target: Target, entries: list[Entry]) -> None:
    """Make the switch hold these entries and no others, whatever it held."""
    held = [entry for table in tables.TABLES.values() for entry in await target.read_entries(table)]
    plan = diff(held, entries)
    if plan:
        await target.apply(plan)

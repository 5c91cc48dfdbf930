"""The data plane: switch, ports, routes, neighbours, pools, drops and the packet's path."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from fastapi import APIRouter

from api.node import Node
from api.problems import answers
from api.system_schemas import (
    DropBody,
    NeighbourBody,
    PortBody,
    RouteBody,
    StageBody,
    TableBody,
    TargetBody,
    UEPoolBody,
)
from upf.routes import NextHop, Nowhere
from upf.stages import TITLES, meaning_of, stage_counts, stage_of, stage_of_control
from upf.usage import NO_COUNTS, plus

if TYPE_CHECKING:
    from upf.config import InterfaceConfig
    from upf.node import UPF

router = APIRouter(prefix="/v1", tags=["data plane"])

_UNAVAILABLE = answers(HTTPStatus.SERVICE_UNAVAILABLE)


@router.get("/target", summary="The switch", operation_id="get_target")
async def get_target(node: Node) -> TargetBody:
    target = node.config.target
    return TargetBody(
        kind=target.kind,
        address=target.address,
        mode=target.mode,
        is_ready=node.health().is_ready,
        entries=node.num_entries(),
        sizes=node.table_sizes(),
    )


@router.get("/ports", summary="Interfaces behind the pipeline's ports", operation_id="list_ports")
async def list_ports(node: Node) -> list[PortBody]:
    return [_port(node, each) for each in node.config.interface]


@router.get("/routes", summary="Routes in the pipeline", operation_id="list_routes")
async def list_routes(node: Node) -> list[RouteBody]:
    instances = {
        each.network_instance_id: each.name or each.role for each in node.networks().instances
    }
    networks = node.networks()
    instances |= {each.network_instance_id: each.name or "" for each in networks.vn_groups}
    for policy in networks.provisions.policies.values():
        instances[policy.route_instance_id] = f"policy {policy.identifier}"
    interfaces = {port: name for name, port in node.config.ports.items()}
    return [
        RouteBody(
            network_instance=instances[instance],
            destination=destination,
            interface=None if isinstance(hop, Nowhere) else interfaces.get(hop.port),
            next_hop_mac=_mac(hop.dst_mac) if isinstance(hop, NextHop) else None,
        )
        for (instance, destination), hop in sorted(
            node.routes().items(), key=lambda item: (item[0][0], item[0][1].version, item[0][1])
        )
    ]


@router.get("/neighbours", summary="Neighbours on our links", operation_id="list_neighbours")
async def list_neighbours(node: Node) -> list[NeighbourBody]:
    return [
        NeighbourBody(
            interface=name, address=each.address, mac=_mac(each.mac), is_stale=each.is_stale
        )
        for name, each in node.neighbours()
    ]


@router.get(
    "/ue-pools", summary="Pools of UE addresses and their use", operation_id="list_ue_pools"
)
async def list_ue_pools(node: Node) -> list[UEPoolBody]:
    addresses = node.ue_addresses()
    return [
        UEPoolBody(
            prefix=str(each.prefix),
            network_instance=each.network_instance,
            addresses=each.prefix.num_addresses,
            in_use=sum(address in each.prefix for address in addresses),
        )
        for each in node.config.ue_pool
    ]


@router.get(
    "/drops", summary="Dropped packets by reason", operation_id="list_drops", responses=_UNAVAILABLE
)
async def list_drops(node: Node) -> list[DropBody]:
    return [
        DropBody(
            reason=reason.name.lower(),
            meaning=meaning_of(reason),
            stage=stage_of(reason),
            packets=counts.packets,
            octets=counts.octets,
        )
        for reason, counts in (await node.drops()).items()
    ]


@router.get(
    "/pipeline",
    summary="The path of a packet: stages, their tables and drops",
    operation_id="get_pipeline",
    responses=_UNAVAILABLE,
)
async def get_pipeline(node: Node) -> list[StageBody]:
    """Packets are those given to a stage since the UPF started: what it and the stages behind it
    dropped, and what passed all.
    """
    drops = await node.drops()
    passed = NO_COUNTS
    for volume in node.sampler.pair()[0].slices.values():
        passed = plus(passed, volume.total)
    tables, sizes = node.num_entries(), node.table_sizes()
    hits = node.sampler.pair()[0].hits
    return [
        StageBody(
            stage=each.stage,
            title=TITLES[each.stage],
            packets=each.packets,
            dropped_packets=each.dropped_packets,
            tables=[
                TableBody(name=name, entries=number, size=sizes[name], hits=hits.get(name))
                for name, number in tables.items()
                if stage_of_control(name) is each.stage
            ],
            drops=[reason.name.lower() for reason in drops if stage_of(reason) is each.stage],
        )
        for each in stage_counts(drops, passed.packets)
    ]


def _port(node: UPF, interface: InterfaceConfig) -> PortBody:
    found = node.sampler.pair()[0].ports.get(interface.name)
    return PortBody(
        name=interface.name,
        port=node.config.ports[interface.name],
        role=interface.role,
        network_instance=interface.network_instance,
        gtpu_addresses=_gtpu_addresses(node, interface),
        is_present=found is not None,
        is_up=found.is_up if found else False,
        mac=_mac(found.mac) if found else None,
        mtu=found.mtu if found else None,
        speed_mbps=interface.speed_mbps or (found.speed_mbps if found else None),
        rx_packets=found.rx_packets if found else 0,
        rx_octets=found.rx_octets if found else 0,
        rx_dropped=found.rx_dropped if found else 0,
        tx_packets=found.tx_packets if found else 0,
        tx_octets=found.tx_octets if found else 0,
        tx_dropped=found.tx_dropped if found else 0,
    )


def _gtpu_addresses(node: UPF, interface: InterfaceConfig) -> list[IPv4Address | IPv6Address]:
    """Those of the interface's network instance."""
    return [
        address
        for each in node.networks().instances
        if (each.role, each.name) == (interface.role, interface.network_instance)
        for endpoint in each.endpoints
        for address in (endpoint.ipv4, endpoint.ipv6)
        if address is not None
    ]


def _mac(address: int) -> str:
    return address.to_bytes(6, "big").hex(":")

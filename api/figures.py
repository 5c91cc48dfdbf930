"""From the samples of a UPF to the figures it shows."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from api.associations import association_body
from api.figure_schemas import DropFigures, Figures, PortFigures, SliceFigures, StageFigures
from api.schemas import Throughput, Usage, mbps
from upf.slices import DEFAULT_SLICE_ID
from upf.stages import TITLES, stage_counts, stage_of
from upf.usage import NO_COUNTS, Volume, plus

if TYPE_CHECKING:
    from upf.config import InterfaceConfig
    from upf.figures import Sample
    from upf.node import UPF
    from upf.ports import PortStatistics
    from upf.slices import Slice


def figures(node: UPF) -> Figures:
    """The figures of the latest sample; zeros before the first one."""
    now, before, interval_s = node.sampler.pair()
    health = node.health()
    return Figures(
        time=datetime.fromtimestamp(now.time, UTC),
        interval_s=round(interval_s, 3),
        is_ready=health.is_ready,
        reason=health.reason,
        since=datetime.fromtimestamp(node.since, UTC),
        version=version("tern-upf"),
        sessions=node.num_sessions,
        slices=_slices(node, now, before, interval_s),
        associations=[association_body(each) for each in node.associations()],
        drops=_drops(now, before, interval_s),
        ports=_ports(node, now, before, interval_s),
        pipeline=_pipeline(now, before, interval_s),
    )


def throughput(now: Volume, before: Volume, interval_s: float) -> Throughput:
    """What passed in both directions in `interval_s` seconds."""
    return Throughput(
        uplink_mbps=_mbps(now.uplink.octets, before.uplink.octets, interval_s),
        downlink_mbps=_mbps(now.downlink.octets, before.downlink.octets, interval_s),
    )


def slice_throughput(node: UPF, slice_id: int) -> Throughput:
    """What the sessions of a slice carry now."""
    now, before, interval_s = node.sampler.pair()
    return throughput(
        now.slices.get(slice_id, Volume()), before.slices.get(slice_id, Volume()), interval_s
    )


def _slices(node: UPF, now: Sample, before: Sample, interval_s: float) -> list[SliceFigures]:
    held: list[tuple[int, Slice | None]] = [(each.slice_id, each) for each in node.slices()]
    if DEFAULT_SLICE_ID in now.slices or DEFAULT_SLICE_ID in now.num_sessions:
        held.append((DEFAULT_SLICE_ID, None))
    return [
        SliceFigures(
            name=each.name if each else None,
            sessions=now.num_sessions.get(slice_id, 0),
            max_sessions=each.max_sessions if each else None,
            uplink_mbps=mbps(each.uplink_bps if each else None),
            downlink_mbps=mbps(each.downlink_bps if each else None),
            throughput=throughput(
                now.slices.get(slice_id, Volume()),
                before.slices.get(slice_id, Volume()),
                interval_s,
            ),
            usage=Usage.of(now.slices.get(slice_id, Volume())),
        )
        for slice_id, each in held
    ]


def _drops(now: Sample, before: Sample, interval_s: float) -> list[DropFigures]:
    return [
        DropFigures(
            reason=reason.name.lower(),
            stage=stage_of(reason),
            packets=counts.packets,
            octets=counts.octets,
            packets_per_s=_per_s(
                counts.packets, before.drops.get(reason, NO_COUNTS).packets, interval_s
            ),
        )
        for reason, counts in now.drops.items()
    ]


def _ports(node: UPF, now: Sample, before: Sample, interval_s: float) -> list[PortFigures]:
    return [
        _port(now.ports[each.name], before.ports.get(each.name), each, interval_s)
        for each in node.config.interface
        if each.name in now.ports
    ]


def _port(
    now: PortStatistics,
    before: PortStatistics | None,
    interface: InterfaceConfig,
    interval_s: float,
) -> PortFigures:
    before = before or now
    return PortFigures(
        name=now.name,
        role=interface.role,
        is_up=now.is_up,
        speed_mbps=interface.speed_mbps or now.speed_mbps,
        rx_mbps=_mbps(now.rx_octets, before.rx_octets, interval_s),
        tx_mbps=_mbps(now.tx_octets, before.tx_octets, interval_s),
        rx_packets_per_s=_per_s(now.rx_packets, before.rx_packets, interval_s),
        tx_packets_per_s=_per_s(now.tx_packets, before.tx_packets, interval_s),
        rx_packets=now.rx_packets,
        tx_packets=now.tx_packets,
        rx_octets=now.rx_octets,
        tx_octets=now.tx_octets,
    )


def _pipeline(now: Sample, before: Sample, interval_s: float) -> list[StageFigures]:
    earlier = stage_counts(before.drops, _passed_packets(before))
    return [
        StageFigures(
            stage=each.stage,
            title=TITLES[each.stage],
            packets=each.packets,
            packets_per_s=_per_s(each.packets, then.packets, interval_s),
            dropped_packets=each.dropped_packets,
        )
        for each, then in zip(stage_counts(now.drops, _passed_packets(now)), earlier, strict=True)
    ]


def _passed_packets(sample: Sample) -> int:
    total = NO_COUNTS
    for volume in sample.slices.values():
        total = plus(total, volume.total)
    return total.packets


def _per_s(now: int, before: int, interval_s: float) -> float:
    """A counter's rate; 0 where it began anew."""
    return round((now - before) / interval_s, 3) if interval_s and now > before else 0.0


def _mbps(now_octets: int, before_octets: int, interval_s: float) -> float:
    return round(_per_s(now_octets, before_octets, interval_s) * 8 / 1_000_000, 6)

"""Prometheus metrics, read from the UPF when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from api.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from upf.node import UPF

router = APIRouter(tags=["metrics"])


class _Snapshot:
    """A collector of what was read just now."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(node: Node) -> Response:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot([*_gauges(node), *await _data_plane(node), *_signalling(node)]))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _gauges(node: UPF) -> list[Metric]:
    is_ready = 1 if node.health().is_ready else 0
    reachable = sum(each.is_reachable for each in node.associations())
    return [
        GaugeMetricFamily("upf_ready", "Whether signalling and traffic are served", is_ready),
        GaugeMetricFamily("upf_sessions", "PFCP sessions", node.num_sessions),
        GaugeMetricFamily("upf_associations", "Reachable associated SMFs", reachable),
    ]


async def _data_plane(node: UPF) -> list[Metric]:
    packets = CounterMetricFamily(
        "upf_dropped_packets", "Packets the pipeline dropped", labels=["reason"]
    )
    octets = CounterMetricFamily(
        "upf_dropped_octets", "Octets the pipeline dropped", labels=["reason"]
    )
    for reason, counts in (await node.drops()).items():
        packets.add_metric([reason.name.lower()], counts.packets)
        octets.add_metric([reason.name.lower()], counts.octets)
    return [packets, octets]


def _signalling(node: UPF) -> list[Metric]:
    n4 = CounterMetricFamily("upf_n4_events", "What the PFCP endpoint counted", labels=["event"])
    for event, count in node.n4_counters().items():
        n4.add_metric([event], count)
    punts = CounterMetricFamily(
        "upf_punted_packets", "Packets shown to the control plane", labels=["outcome"]
    )
    for outcome, count in node.punt_counters().items():
        punts.add_metric([outcome], count)
    return [n4, punts]

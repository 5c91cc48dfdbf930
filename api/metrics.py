"""Prometheus metrics, read from the UPF when asked for.

Measurements of TS 28.552 clause 5.4 have its names, written as is usual in the field: managed
object and measurement in small letters, with `_total` where they count. The rest begins with upf_.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client import generate_latest as exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from api.node import Node
from upf.networks import Role
from upf.slices import DEFAULT_SLICE_ID
from upf.usage import Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from upf.figures import Sample
    from upf.node import UPF

router = APIRouter(tags=["metrics"])

_ESTABLISHMENT = "SessionEstablishmentRequest"
_ACCEPTED = 1  # Request accepted, TS 29.244 clause 8.2.1
_UNCLAIMED = "none"  # sessions that no slice covers


class _Snapshot:
    """A collector of what was read just now."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    operation_id="get_metrics",
    response_class=Response,
    responses={
        200: {
            "content": {
                CONTENT_TYPE_LATEST.partition(";")[0]: {
                    "schema": {"type": "string"},
                    "example": "# TYPE upf_sessions gauge\nupf_sessions 12.0\n",
                }
            }
        }
    },
)
async def metrics(node: Node) -> Response:
    """Figures of the data plane are those of the last sample, a second old or so."""
    sample = node.sampler.pair()[0]
    registry = CollectorRegistry(auto_describe=False)
    read = [
        *_gauges(node),
        *_n3(node, sample),
        *_n6(node, sample),
        *_n4(node),
        *_slices(node, sample),
        *_ports(node, sample),
        *_drops(sample),
        *_signalling(node),
    ]
    registry.register(_Snapshot(read))
    ProcessCollector(registry=registry)
    return Response(exposition(registry), media_type=CONTENT_TYPE_LATEST)


def _gauges(node: UPF) -> list[Metric]:
    is_ready = 1 if node.health().is_ready else 0
    associations = GaugeMetricFamily("upf_associations", "Associated SMFs", labels=["is_reachable"])
    reachable = [each.is_reachable for each in node.associations()]
    for wanted in (True, False):
        associations.add_metric([str(wanted).lower()], reachable.count(wanted))
    entries = GaugeMetricFamily("upf_table_entries", "Entries of a table", labels=["table"])
    for name, number in node.num_entries().items():
        entries.add_metric([name], number)
    info = InfoMetricFamily(
        "upf_build",
        "What runs",
        {"version": version("tern-upf"), "target": node.config.target.kind},
    )
    return [
        GaugeMetricFamily("upf_ready", "Whether signalling and traffic are served", is_ready),
        GaugeMetricFamily("upf_start_time_seconds", "When the UPF started", node.since),
        GaugeMetricFamily("upf_sessions", "PFCP sessions", node.num_sessions),
        GaugeMetricFamily("fivegs_upffunction_upf_sessionnbr", "PFCP sessions", node.num_sessions),
        associations,
        entries,
        info,
    ]


def _n3(node: UPF, sample: Sample) -> list[Metric]:
    """Users' packets that passed all rules: the uplink came in by N3, the downlink left by it."""
    labels = ["slice", "snssai"]
    families = {
        (is_uplink, unit): CounterMetricFamily(
            f"fivegs_ep_n3_gtp_{way}data{unit}n3upf", f"{name} (TS 28.552 {clause})", labels=labels
        )
        for is_uplink, unit, way, name, clause in (
            (True, "pkt", "in", "GTP.InDataPktN3UPF", "5.4.1.1"),
            (False, "pkt", "out", "GTP.OutDataPktN3UPF", "5.4.1.2"),
            (True, "oct", "in", "GTP.InDataOctN3UPF", "5.4.1.3"),
            (False, "oct", "out", "GTP.OutDataOctN3UPF", "5.4.1.4"),
        )
    }
    for name, snssai, slice_id in _names(node):
        volume = sample.slices.get(slice_id, Volume())
        for (is_uplink, unit), family in families.items():
            counts = volume.uplink if is_uplink else volume.downlink
            value = counts.packets if unit == "pkt" else counts.octets
            family.add_metric([name, snssai], value)
    return list(families.values())


def _n6(node: UPF, sample: Sample) -> list[Metric]:
    """Octets of whole frames on the core interfaces."""
    core = [
        sample.ports[each.name]
        for each in node.config.interface
        if each.role is Role.CORE and each.name in sample.ports
    ]
    return [
        CounterMetricFamily(
            "fivegs_ep_n6_ip_n6inclinkusage",
            "IP.N6IncLinkUsage, octets (TS 28.552 5.4.2.1)",
            sum(each.rx_octets for each in core),
        ),
        CounterMetricFamily(
            "fivegs_ep_n6_ip_n6outlinkusage",
            "IP.N6OutLinkUsage, octets (TS 28.552 5.4.2.2)",
            sum(each.tx_octets for each in core),
        ),
    ]


def _n4(node: UPF) -> list[Metric]:
    answered = node.session_counters()
    requests = CounterMetricFamily(
        "upf_n4_session_requests", "Session requests answered", labels=["message", "cause"]
    )
    failed = CounterMetricFamily(
        "fivegs_upffunction_sm_n4sessionestabfail",
        "SM.N4SessionEstabFail by cause (TS 28.552 5.4.4.1.2)",
        labels=["cause"],
    )
    for (message, cause), number in sorted(answered.items()):
        requests.add_metric([message, str(cause)], number)
        if message == _ESTABLISHMENT and cause != _ACCEPTED:
            failed.add_metric([str(cause)], number)
    sent, outcomes = node.report_counters()
    return [
        CounterMetricFamily(
            "fivegs_upffunction_sm_n4sessionestabreq",
            "SM.N4SessionEstabReq (TS 28.552 5.4.4.1.1)",
            sum(number for (message, _), number in answered.items() if message == _ESTABLISHMENT),
        ),
        failed,
        CounterMetricFamily("fivegs_upffunction_sm_n4sessionreport", "Session reports sent", sent),
        CounterMetricFamily(
            "fivegs_upffunction_sm_n4sessionreportsucc",
            "Session reports accepted by the SMF",
            outcomes.get(_ACCEPTED, 0),
        ),
        requests,
    ]


def _slices(node: UPF, sample: Sample) -> list[Metric]:
    octets = CounterMetricFamily(
        "upf_slice_octets", "Users' IP octets after the meter", labels=["slice", "direction"]
    )
    packets = CounterMetricFamily(
        "upf_slice_packets", "Users' IP packets after the meter", labels=["slice", "direction"]
    )
    dropped = CounterMetricFamily(
        "upf_slice_dropped_packets",
        "Users' packets that rates and quotas took",
        labels=["slice", "direction"],
    )
    sessions = GaugeMetricFamily("upf_slice_sessions", "Sessions", labels=["slice"])
    for name, _, slice_id in _names(node):
        volume = sample.slices.get(slice_id, Volume())
        for direction, counts in (("uplink", volume.uplink), ("downlink", volume.downlink)):
            octets.add_metric([name, direction], counts.octets)
            packets.add_metric([name, direction], counts.packets)
        lost = sample.slice_drops.get(slice_id, Volume())
        for direction, counts in (("uplink", lost.uplink), ("downlink", lost.downlink)):
            dropped.add_metric([name, direction], counts.packets)
        sessions.add_metric([name], node.occupancy(slice_id).sessions)
    return [octets, packets, dropped, sessions, *_limits(node)]


def _limits(node: UPF) -> list[Metric]:
    """What slices may; one without limit has none of these."""
    capacity = GaugeMetricFamily(
        "upf_slice_capacity_bits_per_second", "Capacity", labels=["slice", "direction"]
    )
    guaranteed = GaugeMetricFamily(
        "upf_slice_guaranteed_bits_per_second",
        "What the GBRs of its sessions may add up to",
        labels=["slice", "direction"],
    )
    max_sessions = GaugeMetricFamily("upf_slice_max_sessions", "Session limit", labels=["slice"])
    for each in node.slices():
        for direction, rate, promised in (
            ("uplink", each.uplink_bps, each.guaranteed_uplink_bps),
            ("downlink", each.downlink_bps, each.guaranteed_downlink_bps),
        ):
            if rate is not None:
                capacity.add_metric([each.name, direction], rate)
            guaranteed.add_metric([each.name, direction], promised)
        if each.max_sessions is not None:
            max_sessions.add_metric([each.name], each.max_sessions)
    return [capacity, guaranteed, max_sessions]


def _ports(node: UPF, sample: Sample) -> list[Metric]:
    labels = ["port", "role", "direction"]
    octets = CounterMetricFamily("upf_port_octets", "Octets of frames", labels=labels)
    packets = CounterMetricFamily("upf_port_packets", "Frames", labels=labels)
    is_up = GaugeMetricFamily("upf_port_up", "Whether the interface is up", labels=labels[:2])
    for each in node.config.interface:
        found = sample.ports.get(each.name)
        is_up.add_metric([each.name, each.role], 1 if found and found.is_up else 0)
        if found is not None:
            for direction, frames, volume in (
                ("rx", found.rx_packets, found.rx_octets),
                ("tx", found.tx_packets, found.tx_octets),
            ):
                packets.add_metric([each.name, each.role, direction], frames)
                octets.add_metric([each.name, each.role, direction], volume)
    return [octets, packets, is_up]


def _drops(sample: Sample) -> list[Metric]:
    packets = CounterMetricFamily(
        "upf_dropped_packets", "Packets the pipeline dropped", labels=["reason"]
    )
    octets = CounterMetricFamily(
        "upf_dropped_octets", "Octets the pipeline dropped", labels=["reason"]
    )
    for reason, counts in sample.drops.items():
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
    return [n4, punts, *_buffers(node), *_paths(node)]


def _buffers(node: UPF) -> list[Metric]:
    counts = node.buffer_counters()
    held = GaugeMetricFamily(
        "upf_buffered_packets_held", "Downlink packets of idle UEs", value=counts.pop("held")
    )
    packets = CounterMetricFamily(
        "upf_buffered_packets",
        "Downlink packets of idle UEs; stored = flushed + discarded + expired + held",
        labels=["outcome"],
    )
    for outcome, count in counts.items():
        packets.add_metric([outcome], count)
    return [packets, held]


def _paths(node: UPF) -> list[Metric]:
    labels = ["peer", "local"]
    is_up = GaugeMetricFamily("upf_gtpu_path_up", "Whether a GTP-U peer answers", labels=labels)
    round_trip = GaugeMetricFamily(
        "upf_gtpu_path_round_trip_seconds", "Its latest echo's round trip", labels=labels
    )
    for path, state in node.gtpu_paths().items():
        names = [str(path.peer), str(path.local)]
        is_up.add_metric(names, 0 if state.is_down else 1)
        if state.round_trip_s is not None:
            round_trip.add_metric(names, state.round_trip_s)
    return [is_up, round_trip]


def _names(node: UPF) -> list[tuple[str, str, int]]:
    """Name, S-NSSAI and slice_id of every slice, and of what none covers."""
    named = [
        (each.name, str(each.s_nssai) if each.s_nssai else "any", each.slice_id)
        for each in node.slices()
    ]
    return [*named, (_UNCLAIMED, "any", DEFAULT_SLICE_ID)]

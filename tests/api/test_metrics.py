"""Prometheus metrics, and that dashboard and alerts in docs ask for metrics that there are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from upf.drops import DropReason
from upf.entry import Counts
from upf.usage import Volume

DOCS = Path(__file__).resolve().parents[2] / "docs" / "grafana"


@pytest.fixture
async def text(http, upf, session_of, port):
    """/metrics of a UPF in which there is something of everything."""
    upf.views = [session_of(1, None, 0, 0)]
    upf.set_sessions(1, 3)
    await http.put(
        "/v1/slices/video",
        json={"sst": 1, "sd": "000001", "uplink_mbps": 20, "downlink_mbps": 50, "max_sessions": 9},
    )
    upf.sample = replace(
        upf.sample,
        slices={1: Volume(Counts(10, 1000), Counts(20, 2000)), 0: Volume(Counts(1, 100))},
        slice_drops={1: Volume(downlink=Counts(4, 400))},
        drops={DropReason.NO_SESSION: Counts(7, 700)},
        ports={"n3": port("n3", 10_000, 500), "n6": port("n6", 10_000, 600)},
    )
    await upf.sampler.sample()
    return (await http.get("/metrics")).text


@pytest.mark.parametrize(
    "line",
    [
        "upf_ready 1.0",
        "upf_sessions 1.0",
        "fivegs_upffunction_upf_sessionnbr 1.0",
        'upf_associations{is_reachable="true"} 1.0',
        'upf_associations{is_reachable="false"} 0.0',
        'upf_table_entries{table="Ingress.detection.ports"} 2.0',
        'fivegs_ep_n3_gtp_indatapktn3upf_total{slice="video",snssai="1-000001"} 10.0',
        'fivegs_ep_n3_gtp_outdatapktn3upf_total{slice="video",snssai="1-000001"} 20.0',
        'fivegs_ep_n3_gtp_indataoctn3upf_total{slice="video",snssai="1-000001"} 1000.0',
        'fivegs_ep_n3_gtp_outdataoctn3upf_total{slice="video",snssai="1-000001"} 2000.0',
        'fivegs_ep_n3_gtp_indatapktn3upf_total{slice="none",snssai="any"} 1.0',
        "fivegs_ep_n6_ip_n6inclinkusage_total 600.0",
        "fivegs_ep_n6_ip_n6outlinkusage_total 0.0",
        "fivegs_upffunction_sm_n4sessionestabreq_total 7.0",
        'fivegs_upffunction_sm_n4sessionestabfail_total{cause="75"} 2.0',
        "fivegs_upffunction_sm_n4sessionreport_total 9.0",
        "fivegs_upffunction_sm_n4sessionreportsucc_total 7.0",
        'upf_n4_session_requests_total{cause="65",message="SessionDeletionRequest"} 1.0',
        'upf_slice_octets_total{direction="downlink",slice="video"} 2000.0',
        'upf_slice_dropped_packets_total{direction="downlink",slice="video"} 4.0',
        'upf_slice_sessions{slice="video"} 3.0',
        'upf_slice_capacity_bits_per_second{direction="uplink",slice="video"} 2e+07',
        'upf_slice_max_sessions{slice="video"} 9.0',
        'upf_port_octets_total{direction="rx",port="n3",role="access"} 500.0',
        'upf_port_up{port="n6",role="core"} 1.0',
        'upf_dropped_packets_total{reason="no_session"} 7.0',
        'upf_dropped_octets_total{reason="no_session"} 700.0',
        'upf_n4_events_total{event="requests"} 4.0',
        'upf_punted_packets_total{outcome="echo_answered"} 1.0',
        'upf_buffered_packets_total{outcome="expired"} 1.0',
        "upf_buffered_packets_held 2.0",
        'upf_gtpu_path_up{local="10.100.3.1",peer="10.100.3.2"} 1.0',
        'upf_gtpu_path_round_trip_seconds{local="10.100.3.1",peer="10.100.3.2"} 0.25',
    ],
)
def test_metrics_tell(text, line) -> None:
    assert line in text.splitlines()


def test_every_metric_is_explained(text) -> None:
    families = list(text_string_to_metric_families(text))
    assert len(families) > 25
    assert all(each.documentation for each in families)


def test_a_slice_without_limit_has_no_capacity_to_compare_with(text) -> None:
    assert 'upf_slice_capacity_bits_per_second{direction="uplink",slice="none"}' not in text


def names_in(expression):
    """The metrics a PromQL expression asks for."""
    return set(re.findall(r"\b(?:upf|fivegs)_[a-z0-9_]+\b", expression))


def exposed(text):
    return {line.partition("{")[0].partition(" ")[0] for line in text.splitlines()}


def test_the_dashboard_asks_for_metrics_that_there_are(text) -> None:
    dashboard = json.loads((DOCS / "dashboard.json").read_text())
    panels = [each for each in dashboard["panels"] if each["type"] != "row"]
    assert len({each["id"] for each in dashboard["panels"]}) == len(dashboard["panels"])
    assert len(panels) > 10
    queries = [each["query"] for each in dashboard["templating"]["list"]]
    for panel in panels:
        assert panel["targets"], panel["title"]
        queries += [each["expr"] for each in panel["targets"]]
    asked = set().union(*map(names_in, queries))
    assert asked
    assert asked <= exposed(text)


def test_panels_do_not_cover_each_other() -> None:
    dashboard = json.loads((DOCS / "dashboard.json").read_text())
    taken = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_alerts_ask_for_metrics_that_there_are_and_say_what_to_do(text) -> None:
    (group,) = yaml.safe_load((DOCS / "alerts.yaml").read_text())["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names) > 5
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["description"], rule["alert"]
        assert names_in(rule["expr"]), rule["alert"]
        assert names_in(rule["expr"]) <= exposed(text), rule["alert"]

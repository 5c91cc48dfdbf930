"""What the UPF says of itself is so."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from pfcp import ies
from testbed import rules
from testbed.topology import GNB_ADDRESS

pytestmark = pytest.mark.root

ROWS = Path(__file__).parents[2] / "n4" / "conformance.toml"
# The row of the conformance table whose tests show a feature at work.
SHOWN_BY = {
    "ddnd": "Suggested number of packets, notification delay",
    "dlbd": "Suggested number of packets, notification delay",
    "ftup": "F-TEID by CHOOSE",
    "empu": "End markers",
    "pfdm": "PFD management",
    "pfde": "PFD management",
    "frrt": "Framed routes",
    "ueip": "UE addresses given here",
    "quoac": "FAR ID for Quota Action",
    "mnop": "Volume in total",
    "vtime": "QUVTI",
    "norp": "Number of Reports",
}


def test_every_feature_that_is_advertised_has_been_seen_to_work(stage):
    told = stage.smf.associate().up_function_features
    advertised = {each.name for each in fields(told) if getattr(told, each.name) is True}
    assert advertised == set(SHOWN_BY)
    sections = tomllib.loads(ROWS.read_text(encoding="utf-8"))["section"]
    rows = [row for section in sections for row in section["row"]]
    for row_begins in SHOWN_BY.values():
        (row,) = (each for each in rows if each["text"].startswith(row_begins))
        assert row["tests"]


def test_an_smf_that_takes_it_is_told_the_load(stage):
    features = ies.CPFunctionFeatures(load=True, ovrl=True)
    try:
        stage.smf.associate(cp_function_features=features)
        pdrs = (rules.from_core(1, 1, rules.ue(stage.ue_ipv4())),)
        answer = stage.smf.establish(pdrs, (rules.to_tunnel(1, 1, GNB_ADDRESS),))
        assert answer.load_control_information.load_metric == 0
        assert answer.overload_control_information is None
        assert stage.smf.delete(answer.up_fseid.seid).cause == 1
    finally:
        stage.smf.associate(cp_function_features=ies.CPFunctionFeatures())
    answer = stage.smf.establish(pdrs, (rules.to_tunnel(1, 1, GNB_ADDRESS),))
    assert answer.load_control_information is None
    stage.smf.delete(answer.up_fseid.seid)

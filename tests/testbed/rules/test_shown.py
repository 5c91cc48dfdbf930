"""What REST shows of rules that lead elsewhere than to a port."""

from __future__ import annotations

import pytest

from testbed import rules
from testbed.topologies import SERVER_ADDRESS
from testbed.topology import UPF_N4_ADDRESS

pytestmark = pytest.mark.root


def test_routes_within_the_switch_and_of_policies_are_listed(stage):
    routes = stage.upf.rest.get("/v1/routes")
    within = {each["destination"] for each in routes if each["interface"] is None}
    assert {"10.45.0.0/16", f"{UPF_N4_ADDRESS}/32", "0.0.0.0/0"} <= within
    assert "policy firewall" in {each["network_instance"] for each in routes}


@pytest.mark.parametrize(
    ("remote", "word"), [("a UE", ""), (str(UPF_N4_ADDRESS), ""), (str(SERVER_ADDRESS), "n6")]
)
def test_packets_are_traced_wherever_they_lead(stage, simple, remote, word):
    ue, other = stage.ue_ipv4(), stage.ue_ipv4()
    simple(ue)
    simple(other)
    wanted = str(other) if remote == "a UE" else remote
    told = stage.upf.rest.post(
        "/v1/trace", {"direction": "uplink", "ue": str(ue), "remote": wanted}
    )
    assert word in told["summary"]
    assert told["summary"]


def test_a_session_with_networks_behind_its_ue_is_shown(stage, session):
    ue = stage.ue_ipv4()
    answer = session(
        (
            rules.from_core(
                *(1, 1, rules.ue(ue, is_destination=True)), framed_routes=(b"172.30.0.0/24",)
            ),
        ),
        (rules.to_tunnel(1, 5, stage.gnb.address),),
    )
    seid = f"{answer.up_fseid.seid:016x}"
    shown = stage.upf.rest.get(f"/v1/sessions/{seid}")
    assert shown["ue_ipv4"] == str(ue)
    assert "upf_gtpu_path_up" in stage.upf.rest.get_text("/metrics")

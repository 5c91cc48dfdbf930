"""Idle mode: the downlink is buffered, paging wakes the UE, or the UE wakes by itself."""

import re
import time
from collections.abc import Callable

from testbed.errors import PeerError
from testbed.topology import DN_ADDRESS
from testbed.traffic import ping
from testbed.ueransim.node import wait_for
from testbed.ueransim.stage import Stage
from testbed.ueransim.steps import STATE_S, ping_both_ways
from testbed.ueransim.ues import UE

_SILENCE_S = 2.0
_PATIENCE_S = 8.0  # of pings that wait for paging
_NO_AMF = "Could not find a suitable AMF"  # in the gNB's log
_UE_ID = re.compile(r"ue-id: (\d+)")


def go_idle_and_be_paged(stage: Stage, ue: UE) -> None:
    """What is sent to an idle UE waits in the UPF until paging has woken it: none is lost."""
    _release_radio(stage, ue)
    stage.summary.doing("pinging the idle UE")
    dn = stage.lab.namespace("dn")
    woken = ping(dn, ue.address, count=5, interval_s=0.2, patience_s=_PATIENCE_S)
    state = ue.node.fields("status").get("cm-state", "nothing")
    seen = f"{woken.received} of {woken.sent} answered, UE {state}"
    passed = woken.received == woken.sent and state == "CM-CONNECTED"
    stage.summary.record("paging and resume", seen, passed=passed)
    if not passed and any(_NO_AMF in line for line in stage.gnb.process.lines()):
        raise PeerError(
            "the gNB found no AMF for the UE's service request: UERANSIM as published drops those "
            "that carry no requested NSSAI. docs/interop.md tells the change that helps; --no-idle "
            "leaves this part out"
        )
    ping_both_ways(stage, ue, "ping after paging", count=5)


def go_idle_and_resume(stage: Stage, ue: UE) -> None:
    """An idle UE that has something to send asks for its session itself."""
    _release_radio(stage, ue)
    stage.summary.doing("the idle UE pings")
    sent = ping(
        ue.namespace,
        DN_ADDRESS,
        count=5,
        interval_s=0.5,
        patience_s=_PATIENCE_S,
        source=ue.address,
    )
    state = ue.node.fields("status").get("cm-state", "nothing")
    seen = f"{sent.received} of {sent.sent} answered, UE {state}"
    passed = sent.received > 0 and state == "CM-CONNECTED"
    stage.summary.record("resume by the UE", seen, passed=passed)
    ping_both_ways(stage, ue, "ping after resume", count=5)


def _release_radio(stage: Stage, ue: UE) -> None:
    """Let the gNB release every UE it serves; wait until this one is idle.

    What is still under way would wake it at once: there is to be silence first.
    """
    _await_silence(stage, ue)
    for ue_id in _UE_ID.findall(stage.gnb.ask("ue-list")):
        stage.gnb.ask(f"ue-release {ue_id}")
    seconds = ue.node.await_field("status", "cm-state", "CM-IDLE", STATE_S)
    waits = _await_rules(stage, ue, lambda actions: "FORW" not in actions)
    seen = f"CM-IDLE after {seconds:.1f} s, downlink {waits}"
    stage.summary.record("idle", seen, passed="BUFF" in waits)


def _await_silence(stage: Stage, ue: UE) -> None:
    """Wait until no packet has passed the UE's tunnel for a while."""
    before, since = ue.packets(), time.monotonic()

    def is_silent() -> bool:
        nonlocal before, since
        now = ue.packets()
        if now != before:
            before, since = now, time.monotonic()
        return time.monotonic() > since + _SILENCE_S

    stage.summary.doing("waiting for silence")
    wait_for(is_silent, STATE_S, lambda: f"packets go on at {ue.address}")


def _await_rules(stage: Stage, ue: UE, holds: Callable[[str], bool]) -> str:
    """Wait until the downlink FAR's apply action is as wanted; return it."""
    actions = ""

    def is_so() -> bool:
        nonlocal actions
        actions = _downlink_action(stage, ue)
        return holds(actions)

    wait_for(is_so, STATE_S, lambda: f"the downlink FAR of {ue.address} is {actions}")
    return actions


def _downlink_action(stage: Stage, ue: UE) -> str:
    seid = next(e["up_seid"] for e in stage.sessions() if e["ue_ipv4"] == str(ue.address))
    rules = stage.upf.rest.get(f"/v1/sessions/{seid}")["rules"]
    downlink = {e["far_id"] for e in rules["pdrs"] if e["pdi"]["source_interface"] == "core"}
    actions = [str(e["apply_action"]) for e in rules["fars"] if e["far_id"] in downlink]
    return " ".join(actions)

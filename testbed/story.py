"""The main job as a story: a scene of the UPF and its peers, and what each of them sees of it.

Each claim is measured from outside the UPF: by its SMF, its gNB, the UE and the data network, and
over REST as an operator would.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.capture import Capture
from testbed.errors import PeerError
from testbed.gnb import GNB, REFUSALS, UE
from testbed.smf import SMF
from testbed.subscriber import Subscriber, on_air
from testbed.summary import Summary
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N3_ADDRESS,
    UPF_N4_ADDRESS,
    Lab,
)
from testbed.traffic import ping, tcp_goodput_mbps, udp_received_mbps
from testbed.upf_process import UPFProcess

_CAPS_MBPS = (20, 50)
_TOLERANCE = 0.10
_TCP_TOLERANCE = 0.25  # of two seconds' goodput, to which what waited in queues still adds
_USAGE_TOLERANCE = 0.01  # what the host may lose between the UPF and a gNB in user space
_OVERLOAD = 2.5  # offered, in multiples of the cap: a policer shows its rate only when it drops
_SLICE = "demo"
_QFI = 1
_SNAP_BYTES = 160  # of user traffic: all headers, little payload


@dataclass
class Scene:
    """Everything the story plays with."""

    lab: Lab
    upf: UPFProcess
    smf: SMF
    gnb: GNB
    ue_namespace: str
    summary: Summary

    @property
    def dn_namespace(self) -> str:
        return self.lab.namespace("dn")


@contextlib.contextmanager
def scene_of(lab: Lab, directory: Path, summary: Summary) -> Iterator[Scene]:
    """Build the lab and start everybody; logs and captures go to `directory`."""
    with contextlib.ExitStack() as stack:
        summary.doing("building the lab: core, upf, ran, dn and a UE")
        stack.enter_context(lab)
        for room, interface, snap_bytes in (
            ("core", "n4", 65535),
            ("ran", "n3", _SNAP_BYTES),
            ("dn", "n6", _SNAP_BYTES),
        ):
            path = directory / f"{interface}.pcap"
            namespace = lab.namespace(room)
            stack.enter_context(Capture(namespace, interface, path, snap_bytes=snap_bytes))
        summary.doing("starting the UPF")
        started = time.monotonic()
        upf = stack.enter_context(UPFProcess(lab.namespace("upf"), directory))
        seconds = time.monotonic() - started
        summary.record("UPF ready", f"after {seconds:.1f} s, pid {upf.pid}", passed=True)
        smf = stack.enter_context(SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS))
        gnb = stack.enter_context(GNB(lab.namespace("ran"), GNB_ADDRESS))
        yield Scene(lab, upf, smf, gnb, lab.add_room("ue1"), summary)


def _associate(scene: Scene) -> None:
    association = scene.smf.associate()
    features = association.up_function_features.hex()
    seen = f"UPF {association.node_id}, features {features}"
    scene.summary.record("PFCP association up", seen, passed=True)
    round_trip_ms = 1000 * scene.gnb.echo(UPF_N3_ADDRESS)
    seen = f"answered by {UPF_N3_ADDRESS} in {round_trip_ms:.1f} ms"
    scene.summary.record("GTP-U echo", seen, passed=True)


def _establish(scene: Scene) -> Subscriber:
    subscriber = on_air(scene.smf, scene.gnb, scene.ue_namespace, UE_POOL[2], qfi=_QFI)
    uplink = subscriber.established.uplink
    seen = f"UE {subscriber.ue.ipv4}, uplink TEID {uplink.teid:#010x} at {uplink.ipv4}"
    scene.summary.record("PDU session established", seen, passed=uplink.ipv4 == UPF_N3_ADDRESS)
    tunnel = subscriber.tunnel
    seen = f"downlink TEID {tunnel.teid:#010x} at {tunnel.ipv4}"
    scene.summary.record("gNB tunnel in force", seen, passed=True)
    return subscriber


def _ping_both_ways(scene: Scene, ue: UE, *, reachable: bool, count: int) -> None:
    wanted = 0.0 if reachable else 100.0
    for way, namespace, address in (
        ("UE → data network", ue.namespace, DN_ADDRESS),
        ("data network → UE", scene.dn_namespace, ue.ipv4),
    ):
        result = ping(namespace, address, count=count)
        claim = f"ping {way}" if reachable else f"traffic stopped {way}"
        seen = f"{result.loss_percent:.0f} % of {result.sent} lost"
        scene.summary.record(claim, seen, passed=result.loss_percent == wanted)


def _trace(scene: Scene, ue: UE) -> None:
    """What REST says would become of the packets that were just seen to arrive."""
    ends = {"uplink": ("n6", DN_ADDRESS), "downlink": ("n3", GNB_ADDRESS)}
    told = {
        direction: scene.upf.rest.post(
            "/v1/trace",
            {"direction": direction, "ue": str(ue.ipv4), "remote": str(DN_ADDRESS)},
        )
        for direction in ends
    }
    seen = "; ".join(f"{direction} {found['summary']}" for direction, found in told.items())
    ways = {name: (found["way"] or {}) for name, found in told.items()}
    passed = all(
        (ways[name].get("interface"), ways[name].get("address")) == (interface, str(address))
        for name, (interface, address) in ends.items()
    )
    scene.summary.record("packets traced", seen, passed=passed)


def _measure_tcp(scene: Scene, ue: UE) -> None:
    dn = scene.dn_namespace
    for downlink, way in ((False, "up"), (True, "down")):
        scene.summary.doing(f"TCP {way}link")
        goodput_mbps = tcp_goodput_mbps(ue.namespace, dn, DN_ADDRESS, downlink=downlink)
        # Less than the highest cap would leave nothing for that cap to hold back.
        passed = goodput_mbps > max(_CAPS_MBPS) * (1 + _TOLERANCE)
        scene.summary.record(f"TCP {way}link", f"{goodput_mbps:.0f} Mbit/s", passed=passed)


def _cap_slice(scene: Scene, ue: UE, cap_mbps: int) -> None:
    scene.upf.rest.put(
        f"/v1/slices/{_SLICE}",
        {
            "sst": 1,
            "sd": "ffffff",
            "dnns": ["internet"],
            "uplink_mbps": cap_mbps,
            "downlink_mbps": cap_mbps,
        },
    )
    dn = scene.dn_namespace
    for downlink, sender, receiver, address in (
        (False, ue.namespace, dn, DN_ADDRESS),
        (True, dn, ue.namespace, ue.ipv4),
    ):
        way = "down" if downlink else "up"
        scene.summary.doing(f"{_OVERLOAD * cap_mbps:g} Mbit/s {way}link into a slice of {cap_mbps}")
        rate_mbps = udp_received_mbps(sender, receiver, address, offered_mbps=_OVERLOAD * cap_mbps)
        tcp_mbps = tcp_goodput_mbps(ue.namespace, dn, DN_ADDRESS, downlink=downlink, measured_s=2)
        seen = f"{rate_mbps:.1f} Mbit/s of {_OVERLOAD * cap_mbps:g} offered; TCP {tcp_mbps:.1f}"
        passed = abs(rate_mbps - cap_mbps) <= _TOLERANCE * cap_mbps
        passed &= 0 < tcp_mbps <= (1 + _TCP_TOLERANCE) * cap_mbps
        scene.summary.record(f"slice capped to {cap_mbps} Mbit/s, {way}link", seen, passed=passed)


def _cap_and_raise(scene: Scene, ue: UE) -> None:
    before = _identities(scene)
    for cap_mbps in _CAPS_MBPS:
        _cap_slice(scene, ue, cap_mbps)
    after = _identities(scene)
    seen = f"{len(after)} session, same SEIDs and TEIDs" if before == after else f"now {after}"
    scene.summary.record("session untouched by caps", seen, passed=before == after != [])


def _identities(scene: Scene) -> list[dict[str, Any]]:
    """The sessions REST shows, without what traffic changes."""
    sessions: list[dict[str, Any]] = scene.upf.rest.get("/v1/sessions")
    kept = ("up_seid", "cp_seid", "ue_ipv4", "local_tunnels", "remote_tunnels", "since")
    return [{name: session.get(name) for name in kept} for session in sessions]


def _check_gnb(scene: Scene) -> None:
    counters = scene.gnb.counters()
    carried = counters.get("downlink_packets", 0)
    refused = {name: n for name, n in counters.items() if name in REFUSALS}
    seen = f"{carried} packets" + "".join(f", {n} {name}" for name, n in refused.items())
    scene.summary.record(f"downlink carries QFI {_QFI}", seen, passed=carried > 0 and not refused)


def _delete(scene: Scene, subscriber: Subscriber) -> None:
    closing = subscriber.delete()
    left = scene.upf.rest.get("/v1/sessions")
    seen = f"{len(closing)} closing usage report, {len(left)} sessions left"
    passed = not left and [report.is_final for report in closing] == [True]
    scene.summary.record("session deleted", seen, passed=passed)
    # The session's URR measures the downlink, so the gNB has seen every octet it reports.
    reports = [*scene.smf.reports, *closing]
    reported = sum(report.total_bytes or 0 for report in reports)
    received = scene.gnb.counters()["downlink_bytes"]
    seen = f"{reported / 1e6:.2f} MB in {len(reports)} reports, gNB {received / 1e6:.2f} MB"
    passed = abs(reported - received) <= _USAGE_TOLERANCE * received
    scene.summary.record("downlink usage reported", seen, passed=passed)


def tell(scene: Scene) -> None:
    """Play it all. Raises TestbedError where it cannot go on."""
    _associate(scene)
    subscriber = _establish(scene)
    ue = subscriber.ue
    _ping_both_ways(scene, ue, reachable=True, count=20)
    _trace(scene, ue)
    _measure_tcp(scene, ue)
    _cap_and_raise(scene, ue)
    _check_gnb(scene)
    _delete(scene, subscriber)
    _ping_both_ways(scene, ue, reachable=False, count=5)
    if scene.smf.faults:
        raise PeerError("; ".join(scene.smf.faults))
    status, faults = scene.upf.stop(), scene.upf.faults()
    seen = f"exit status {status}, " + (faults[0] if faults else "no fault in its log")
    scene.summary.record("UPF stopped by SIGTERM", seen, passed=status == 0 and not faults)
